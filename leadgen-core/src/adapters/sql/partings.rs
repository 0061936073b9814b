//! What became one is two again: a group is taken apart, and tied anew by what still says that any of it are one.

use sea_orm::{DatabaseTransaction, Value};

use crate::domain::company::Company;
use crate::domain::flow::{CompanyEvent, CompanyState, Delivery, MessageEvent, MessageState, ResultEvent, ResultState};
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::domain::twins::{MERGED, Moved, PairEvent, PairState, TwinPair};
use crate::error::{Error, ErrorKind, Result};

use super::connection::{SqlStore, list, query, query_one, run};
use super::merges::{GROUP, UNSAID, by_rank};
use super::row::{get, id};

/// A pair that holds a group together.
#[derive(Debug)]
struct Tie {
    pair: Id<TwinPair>,
    both: (Id<Company>, Id<Company>),
    state: PairState,
    rule: String,
    /// What it moved; nothing, if others had made the two one already.
    moved: Option<Moved>,
}

/// A group that was taken apart.
#[derive(Debug)]
pub(super) struct Untied {
    root: Id<Company>,
    /// The surest first: what a person said, then by score.
    ties: Vec<Tie>,
}

impl SqlStore {
    /// Takes a group apart: each of its companies is itself again. Whoever was merged last is parted first, so that all that
    /// was moved twice comes home, whatever pair is taken back.
    pub(super) async fn untie(&self, tx: &DatabaseTransaction, now: Timestamp, root: Id<Company>) -> Result<Untied> {
        let sql = format!(
            "SELECT id, first_id, second_id, status, rule, moved FROM company_pairs WHERE status IN ('linked', 'merged', 'confirmed')
                AND first_id IN {GROUP} AND second_id IN {GROUP} ORDER BY (status = 'confirmed') DESC, score DESC, id"
        );
        let mut ties = Vec::new();
        for row in query(tx, &sql, vec![root.uuid().into()]).await? {
            let (pair, text) = (id(&row, "id")?, get::<String>(&row, "moved")?);
            let unreadable = |e| Error::new(ErrorKind::Malformed, format!("read what the pair {pair} moved")).because(e);
            ties.push(Tie {
                pair,
                both: (id(&row, "first_id")?, id(&row, "second_id")?),
                state: PairState::parse(&get::<String>(&row, "status")?)?,
                rule: get(&row, "rule")?,
                moved: (!text.is_empty()).then(|| serde_json::from_str(&text).map_err(unreadable)).transpose()?,
            });
        }
        let mut standing = vec![root];
        while let Some(to) = standing.pop() {
            for moved in ties.iter().filter_map(|tie| tie.moved.as_ref()).filter(|moved| moved.to == to) {
                self.part(tx, now, moved).await?;
                standing.push(moved.from);
            }
        }
        Ok(Untied { root, ties })
    }

    /// Ties a group anew by all that held it together but one pair. What can't hold any more, because a person parted two it
    /// would bring together, waits for a person.
    pub(super) async fn tie_anew(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        untied: &Untied,
        without: Id<TwinPair>,
        by: &str,
    ) -> Result<()> {
        for tie in untied.ties.iter().filter(|tie| tie.pair != without) {
            let (one, other) = (self.root(tx, tie.both.0).await?, self.root(tx, tie.both.1).await?);
            if one == other {
                run(tx, "UPDATE company_pairs SET moved = '' WHERE id = $1", vec![tie.pair.uuid().into()]).await?;
            } else if self.are_parted(tx, one, other, UNSAID).await? {
                let next = tie.state.after(PairEvent::Untie)?.as_str();
                let sql =
                    "UPDATE company_pairs SET status = $2, moved = '', decided_by = $3, decided_at = $4, updated_at = $4 WHERE id = $1";
                run(tx, sql, vec![tie.pair.uuid().into(), next.into(), by.into(), now.millis().into()]).await?;
                self.note(tx, now, by, next, "pair", &tie.pair.to_string(), "untied by what was said of others").await?;
            } else {
                // They were one: a letter to one of them that came meanwhile is no reason to leave them two.
                let (to, from) = by_rank(self.both(tx, one, other).await?);
                let moved = self.absorb(tx, now, &to, &from, &tie.rule).await?;
                let moved =
                    serde_json::to_string(&moved).map_err(|e| Error::new(ErrorKind::Malformed, "keep what was moved").because(e))?;
                run(tx, "UPDATE company_pairs SET moved = $2 WHERE id = $1", vec![tie.pair.uuid().into(), moved.into()]).await?;
            }
        }
        for company in untied.ties.iter().filter_map(|tie| tie.moved.as_ref()).map(|moved| moved.from) {
            self.settle_parted(tx, now, company).await?;
            self.tell_parted(tx, now, company, untied.root, by).await?;
        }
        Ok(())
    }

    /// Whoever stands for itself again keeps what came while it was of a group: refusals, its own letters, answers to them.
    async fn settle_parted(&self, tx: &DatabaseTransaction, now: Timestamp, company: Id<Company>) -> Result<()> {
        let sql = "SELECT opt_out FROM companies WHERE id = $1 AND duplicate_of IS NULL";
        let Some(row) = query_one(tx, sql, vec![company.uuid().into()]).await? else { return Ok(()) };
        if get(&row, "opt_out")? {
            return self.refuse_group(tx, now, company.uuid(), "pipeline").await;
        }
        let sql = format!("SELECT delivery_status FROM outreach_messages WHERE company_id IN {GROUP} AND status = 'sent'");
        for row in query(tx, &sql, vec![company.uuid().into()]).await? {
            self.move_company(tx, now, company.uuid(), CompanyEvent::Contact).await?;
            if get::<Option<String>>(&row, "delivery_status")?.as_deref() == Some(Delivery::Replied.as_str()) {
                self.move_company(tx, now, company.uuid(), CompanyEvent::Reply).await?;
            }
        }
        Ok(())
    }

    /// Letters that a merge put aside are where they stood; one that had its turn is routed anew.
    async fn give_back_letters(&self, tx: &DatabaseTransaction, now: Timestamp, moved: &Moved) -> Result<()> {
        for (letter, was) in &moved.letters {
            let sql = self.locked("SELECT status FROM outreach_messages WHERE id = $1 AND last_error = $2");
            let Some(row) = query_one(tx, &sql, vec![letter.uuid().into(), MERGED.into()]).await? else { continue };
            let next = MessageState::parse(&get::<String>(&row, "status")?)?.after(MessageEvent::Part(*was))?;
            let route = if next == MessageState::Approved {
                ", frozen = NULL, message_id = NULL, mailbox = NULL, scheduled_for = NULL, tries = 0, next_try_at = NULL"
            } else {
                ""
            };
            let sql = format!("UPDATE outreach_messages SET status = $2, last_error = NULL, updated_at = $3{route} WHERE id = $1");
            run(tx, &sql, vec![letter.uuid().into(), next.as_str().into(), now.millis().into()]).await?;
            self.note(tx, now, "pipeline", next.as_str(), "message", &letter.to_string(), "parted").await?;
        }
        Ok(())
    }

    /// Says in the journal who is not of a group any more.
    async fn tell_parted(&self, tx: &DatabaseTransaction, now: Timestamp, company: Id<Company>, root: Id<Company>, by: &str) -> Result<()> {
        let sql = "SELECT status FROM companies WHERE id = $1 AND COALESCE(duplicate_of, id) <> $2";
        let Some(row) = query_one(tx, sql, vec![company.uuid().into(), root.uuid().into()]).await? else { return Ok(()) };
        self.note(tx, now, by, &get::<String>(&row, "status")?, "company", &company.to_string(), &format!("parted from {root}")).await
    }

    /// Takes one merge back: the company is itself again, with all that was moved and still hangs on the other.
    async fn part(&self, tx: &DatabaseTransaction, now: Timestamp, moved: &Moved) -> Result<()> {
        let (from, to) = (Value::from(moved.from.uuid()), Value::from(moved.to.uuid()));
        let sql = self.locked("SELECT status FROM companies WHERE id = $1 AND duplicate_of = $2");
        let Some(row) = query_one(tx, &sql, vec![from.clone(), to.clone()]).await? else { return Ok(()) };
        let next = CompanyState::parse(&get::<String>(&row, "status")?)?.after(CompanyEvent::Part(moved.was))?;
        let sql = "UPDATE companies SET status = $2, status_reason = $3, duplicate_of = NULL, updated_at = $4 WHERE id = $1";
        run(tx, sql, vec![from.clone(), next.as_str().into(), moved.reason.clone().into(), now.millis().into()]).await?;
        let between = || vec![from.clone(), to.clone()];
        for members in moved.members.chunks(300) {
            let (places, more) = list(3, members.iter().map(|member| member.uuid()));
            let sql = format!("UPDATE companies SET duplicate_of = $1 WHERE duplicate_of = $2 AND id IN ({places})");
            run(tx, &sql, [between(), more].concat()).await?;
        }
        for hosts in moved.hosts.chunks(300) {
            let (places, more) = list(3, hosts.iter().cloned());
            let sql = format!(
                "UPDATE domains SET company_id = $1, is_canonical = COALESCE(host = (SELECT canonical_domain FROM companies WHERE id = $1), false)
                 WHERE company_id = $2 AND host IN ({places})"
            );
            run(tx, &sql, [between(), more].concat()).await?;
        }
        self.lower(tx, now, moved).await?;
        self.give_back_contacts(tx, now, moved).await?;
        self.give_back_letters(tx, now, moved).await?;
        self.give_back_results(tx, now, moved).await
    }

    /// Whoever was ready only by the addresses of another stands where it stood.
    async fn lower(&self, tx: &DatabaseTransaction, now: Timestamp, moved: &Moved) -> Result<()> {
        let Some((was, reason)) = &moved.lifted else { return Ok(()) };
        let row = query_one(tx, &self.locked("SELECT status FROM companies WHERE id = $1"), vec![moved.to.uuid().into()]).await?;
        let Some(row) = row else { return Ok(()) };
        // A letter or a refusal that came meanwhile stays.
        let Ok(next) = CompanyState::parse(&get::<String>(&row, "status")?)?.after(CompanyEvent::Part(*was)) else { return Ok(()) };
        let sql = "UPDATE companies SET status = $2, status_reason = $3, updated_at = $4 WHERE id = $1";
        run(tx, sql, vec![moved.to.uuid().into(), next.as_str().into(), reason.clone().into(), now.millis().into()]).await.map(|_| ())
    }

    async fn give_back_contacts(&self, tx: &DatabaseTransaction, now: Timestamp, moved: &Moved) -> Result<()> {
        let between = || vec![Value::from(moved.from.uuid()), moved.to.uuid().into(), now.millis().into()];
        for contacts in moved.contacts.chunks(300) {
            let (places, more) = list(4, contacts.iter().map(|contact| contact.uuid()));
            let sql = format!(
                "UPDATE contacts SET company_id = $1, is_primary = false, updated_at = $3 WHERE company_id = $2 AND id IN ({places})"
            );
            run(tx, &sql, [between(), more].concat()).await?;
        }
        for contact in &moved.primaries {
            let sql = "UPDATE contacts SET is_primary = true WHERE id = $1 AND company_id = $2";
            run(tx, sql, vec![contact.uuid().into(), moved.from.uuid().into()]).await?;
        }
        // Whoever was not visited yet has no address chosen, but for a merge.
        let new = CompanyState::New.as_str();
        if let Some(chosen) = moved.chosen {
            let sql = "UPDATE contacts SET is_primary = false WHERE id = $1 AND company_id = $2
                AND EXISTS (SELECT 1 FROM companies WHERE id = $2 AND status = $3)";
            run(tx, sql, vec![chosen.uuid().into(), moved.to.uuid().into(), new.into()]).await?;
        }
        if query_one(tx, "SELECT id FROM companies WHERE id = $1 AND status <> $2", vec![moved.to.uuid().into(), new.into()])
            .await?
            .is_some()
        {
            self.choose_primary(tx, moved.to, &[]).await?;
        }
        Ok(())
    }

    async fn give_back_results(&self, tx: &DatabaseTransaction, now: Timestamp, moved: &Moved) -> Result<()> {
        let joined = ResultState::DupFuzzy;
        let parted = joined.after(ResultEvent::Part)?.as_str();
        for results in moved.unique.chunks(300) {
            let (places, mut values) = list(4, results.iter().map(|result| result.uuid()));
            values.splice(0..0, [Value::from(moved.to.uuid()), parted.into(), joined.as_str().into()]);
            let sql = format!("UPDATE serp_results SET dedup_status = $2 WHERE company_id = $1 AND dedup_status = $3 AND id IN ({places})");
            run(tx, &sql, values).await?;
        }
        for results in moved.results.chunks(300) {
            let (places, mut values) = list(4, results.iter().map(|result| result.uuid()));
            values.splice(0..0, [Value::from(moved.from.uuid()), moved.to.uuid().into(), now.millis().into()]);
            let sql = format!("UPDATE serp_results SET company_id = $1, updated_at = $3 WHERE company_id = $2 AND id IN ({places})");
            run(tx, &sql, values).await?;
        }
        Ok(())
    }
}
