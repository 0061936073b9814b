//! Two become one, with all that hangs on them.

use sea_orm::{DatabaseTransaction, Value};

use crate::domain::company::Company;
use crate::domain::contact::Contact;
use crate::domain::flow::{CompanyEvent, CompanyState, MessageEvent, MessageState, ResultEvent, ResultState};
use crate::domain::id::Id;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::domain::twins::{MERGED, Moved, PairState, TwinPair};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::twins::decide::{Decision, Verdict};
use crate::rules::twins::rank;

use super::connection::{SqlStore, query, query_one, run};
use super::letters::{LIVE, MAY_HAVE_ARRIVED, MESSAGE};
use super::row::{get, id};
use super::suppress::WAITING;
use super::twins::{COMPARED, Compared, compared};

/// Pairs of which a person took a word back: only a person makes them one.
pub(super) const UNSAID: &str = "OR (p.status = 'pending' AND p.decided_by <> 'pipeline')";

/// A company that stands for a group, and all that are found to be the same one.
pub(super) const GROUP: &str = "(SELECT id FROM companies WHERE id = $1 UNION ALL SELECT id FROM companies WHERE duplicate_of = $1)";

impl SqlStore {
    pub(super) async fn root(&self, tx: &DatabaseTransaction, company: Id<Company>) -> Result<Id<Company>> {
        let row =
            query_one(tx, "SELECT COALESCE(duplicate_of, id) AS root FROM companies WHERE id = $1", vec![company.uuid().into()]).await?;
        row.map_or(Ok(company), |row| id(&row, "root"))
    }

    /// Keeps a pair for a person to look at, unless one was kept before or the two are one already.
    pub(super) async fn keep_pair(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        pair: (Id<Company>, Id<Company>),
        decision: &Decision,
    ) -> Result<bool> {
        if self.root(tx, pair.0).await? == self.root(tx, pair.1).await? {
            return Ok(false);
        }
        Kept { pair, state: PairState::Pending, decision, moved: None, by: "pipeline" }.write(tx, now, ONCE).await
    }

    /// Makes the groups of two companies one; whether they were two. Nothing happens if a person parted any two of them, or
    /// if both were written to: then the pair waits for a person.
    pub(super) async fn join(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        pair: (Id<Company>, Id<Company>),
        decision: &Decision,
        by: &str,
    ) -> Result<bool> {
        let (one, other) = (self.root(tx, pair.0).await?, self.root(tx, pair.1).await?);
        let unsettled = if by == "pipeline" { UNSAID } else { "" };
        if one == other || self.are_parted(tx, one, other, unsettled).await? {
            return Ok(false);
        }
        let [mut a, mut b] = self.both(tx, one, other).await?;
        for side in [&mut a, &mut b] {
            side.was_written_to = side.was_written_to || self.has_letter_out(tx, side.id).await?;
        }
        let (to, from) = by_rank([a, b]);
        if from.was_written_to || from.state.after(CompanyEvent::Merge).is_err() {
            Kept { pair, state: PairState::Pending, decision, moved: None, by }.write(tx, now, ONCE).await?;
            // They stay two, but what one firm refused it refused.
            for (one, other) in [(&to, &from), (&from, &to)] {
                if decision.verdict == Verdict::Same && one.refused() && !other.refused() {
                    self.refuse_group(tx, now, other.id.uuid(), by).await?;
                }
            }
            return Ok(false);
        }
        let links = self.links_domains(tx, (one, other), decision).await?;
        let moved = self.absorb(tx, now, &to, &from, decision.rule).await?;
        let state = match by {
            "pipeline" if links || decision.wants_a_look() => PairState::Linked,
            "pipeline" => PairState::Merged,
            _ => PairState::Confirmed,
        };
        Kept { pair, state, decision, moved: Some(&moved), by }.write(tx, now, ANEW).await?;
        let detail = format!("{} ({:.2}) into {}", decision.rule, decision.score, moved.to);
        self.note(tx, now, by, CompanyState::Duplicate.as_str(), "company", &moved.from.to_string(), &detail).await?;
        Ok(true)
    }

    /// Makes a company a duplicate of another, with all that hangs on it; what was moved.
    pub(super) async fn absorb(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        to: &Compared,
        from: &Compared,
        rule: &str,
    ) -> Result<Moved> {
        let next = from.state.after(CompanyEvent::Merge)?;
        let mut moved = self.moved(tx, to, from).await?;
        if !to.refused() {
            moved.letters = self.stop_letters(tx, now, to, from).await?;
        }
        let led = self.primary_of(tx, to.id).await?;
        self.carry_over(tx, now, &moved).await?;
        moved.chosen = if led.is_none() { self.primary_of(tx, to.id).await? } else { None };
        moved.lifted = self.lift(tx, now, to, from).await?;
        let sql = "UPDATE companies SET status = $2, duplicate_of = $3, status_reason = $4, updated_at = $5, claimed_by = NULL,
            claim_token = NULL, claimed_until = 0 WHERE id = $1";
        run(tx, sql, vec![from.id.uuid().into(), next.as_str().into(), to.id.uuid().into(), rule.into(), now.millis().into()]).await?;
        if to.refused() {
            // Whoever joins has refused as well, also for the day the two are parted.
            self.refuse_group(tx, now, to.id.uuid(), "pipeline").await?;
        }
        Ok(moved)
    }

    /// Two companies, held so that nobody else moves them meanwhile.
    pub(super) async fn both(&self, tx: &DatabaseTransaction, one: Id<Company>, other: Id<Company>) -> Result<[Compared; 2]> {
        let sql = self.locked(&format!("SELECT {COMPARED} FROM companies c WHERE c.id IN ($1, $2) ORDER BY c.id"));
        let rows = query(tx, &sql, vec![one.uuid().into(), other.uuid().into()]).await?;
        let both = rows.iter().map(compared).collect::<Result<Vec<_>>>()?;
        let missing = || Error::new(ErrorKind::Rejected, format!("find the companies {one} and {other}")).code("no_such_company");
        both.try_into().map_err(|_| missing())
    }

    /// Whether a letter to a company or to any of its group may have arrived.
    pub(super) async fn has_letter_out(&self, tx: &DatabaseTransaction, root: Id<Company>) -> Result<bool> {
        let sql = format!("SELECT id FROM outreach_messages WHERE company_id IN {GROUP} AND status IN {MAY_HAVE_ARRIVED} LIMIT 1");
        Ok(query_one(tx, &sql, vec![root.uuid().into()]).await?.is_some())
    }

    /// Whether a person said of any member of one group and any of another that they are two. With [`UNSAID`] also whether a
    /// person took a word about them back.
    pub(super) async fn are_parted(&self, tx: &DatabaseTransaction, one: Id<Company>, other: Id<Company>, or: &str) -> Result<bool> {
        let sql = format!(
            "SELECT p.id FROM company_pairs p JOIN companies a ON a.id = p.first_id JOIN companies b ON b.id = p.second_id
            WHERE (p.status = 'rejected' {or}) AND ((COALESCE(a.duplicate_of, a.id) = $1 AND COALESCE(b.duplicate_of, b.id) = $2)
                OR (COALESCE(a.duplicate_of, a.id) = $2 AND  COALESCE(b.duplicate_of, b.id) = $1)) LIMIT 1"
        );
        Ok(query_one(tx, &sql, vec![one.uuid().into(), other.uuid().into()]).await?.is_some())
    }

    /// All that hangs on a company that becomes a duplicate.
    async fn moved(&self, tx: &DatabaseTransaction, to: &Compared, from: &Compared) -> Result<Moved> {
        let own = || vec![Value::from(from.id.uuid())];
        let contacts = query(tx, "SELECT id, is_primary FROM contacts WHERE company_id = $1 ORDER BY id", own()).await?;
        let results = query(tx, "SELECT id, dedup_status FROM serp_results WHERE company_id = $1 ORDER BY id", own()).await?;
        let hosts = query(tx, "SELECT host FROM domains WHERE company_id = $1 ORDER BY host", own()).await?;
        let members = query(tx, "SELECT id FROM companies WHERE duplicate_of = $1 ORDER BY id", own()).await?;
        let mut moved = Moved {
            from: from.id,
            to: to.id,
            was: from.state,
            reason: from.reason.clone(),
            contacts: contacts.iter().map(|row| id(row, "id")).collect::<Result<_>>()?,
            primaries: vec![],
            lifted: None,
            letters: vec![],
            chosen: None,
            results: results.iter().map(|row| id(row, "id")).collect::<Result<_>>()?,
            unique: vec![],
            hosts: hosts.iter().map(|row| get(row, "host")).collect::<Result<_>>()?,
            members: members.iter().map(|row| id(row, "id")).collect::<Result<_>>()?,
        };
        for row in &contacts {
            if get(row, "is_primary")? {
                moved.primaries.push(id(row, "id")?);
            }
        }
        for row in &results {
            if get::<String>(row, "dedup_status")? == ResultState::Unique.as_str() {
                moved.unique.push(id(row, "id")?);
            }
        }
        Ok(moved)
    }

    /// A company that had no address is ready with those of one that was; where it stood before, and why.
    async fn lift(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        to: &Compared,
        from: &Compared,
    ) -> Result<Option<(CompanyState, Option<String>)>> {
        let ready = CompanyState::ReadyToContact;
        if from.state != ready || to.state.after(CompanyEvent::ContactsFound).is_err() || self.primary_of(tx, to.id).await?.is_none() {
            return Ok(None);
        }
        let next = to.state.after(CompanyEvent::ContactsFound)?.as_str();
        let sql = "UPDATE companies SET status = $2, status_reason = NULL, tries = 0, next_try_at = NULL, updated_at = $3 WHERE id = $1";
        run(tx, sql, vec![to.id.uuid().into(), next.into(), now.millis().into()]).await?;
        self.note(tx, now, "pipeline", next, "company", &to.id.to_string(), &format!("by the addresses of {}", from.id)).await?;
        Ok(Some((to.state, to.reason.clone())))
    }

    /// A group is written to once: if the other is, or is about to be, letters that wait go aside, each with where it stood.
    /// Otherwise they are the group's.
    async fn stop_letters(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        to: &Compared,
        from: &Compared,
    ) -> Result<Vec<(Id<Message>, MessageState)>> {
        let live = format!("SELECT id FROM outreach_messages WHERE company_id IN {GROUP} AND status IN {LIVE} LIMIT 1");
        if !to.was_written_to && query_one(tx, &live, vec![to.id.uuid().into()]).await?.is_none() {
            return Ok(vec![]);
        }
        let mut stopped = Vec::new();
        let sql = self.locked_message(&format!("{MESSAGE} WHERE m.company_id IN {GROUP} AND m.status IN {WAITING}"));
        for row in query(tx, &sql, vec![from.id.uuid().into()]).await? {
            let (message, state) = (id::<Message>(&row, "id")?, MessageState::parse(&get::<String>(&row, "status")?)?);
            let next = state.after(MessageEvent::Merge)?.as_str();
            let sql = "UPDATE outreach_messages SET status = $2, last_error = $3, updated_at = $4, claimed_by = NULL, claim_token = NULL,
                claimed_until = 0 WHERE id = $1";
            run(tx, sql, vec![message.uuid().into(), next.into(), MERGED.into(), now.millis().into()]).await?;
            self.note(tx, now, "pipeline", next, "message", &message.to_string(), MERGED).await?;
            stopped.push((message, state));
        }
        Ok(stopped)
    }

    async fn primary_of(&self, tx: &DatabaseTransaction, company: Id<Company>) -> Result<Option<Id<Contact>>> {
        let sql = "SELECT id FROM contacts WHERE company_id = $1 AND is_primary AND contact_type = 'email'";
        query_one(tx, sql, vec![company.uuid().into()]).await?.map(|row| id(&row, "id")).transpose()
    }

    async fn carry_over(&self, tx: &DatabaseTransaction, now: Timestamp, moved: &Moved) -> Result<()> {
        let both = || vec![Value::from(moved.from.uuid()), moved.to.uuid().into(), now.millis().into()];
        run(tx, "UPDATE contacts SET company_id = $2, is_primary = false, updated_at = $3 WHERE company_id = $1", both()).await?;
        let joined = ResultState::Unique.after(ResultEvent::Join)?.as_str();
        let sql = format!(
            "UPDATE serp_results SET company_id = $2, updated_at = $3, dedup_status = CASE WHEN dedup_status = 'unique' THEN '{joined}' ELSE dedup_status END
             WHERE company_id = $1"
        );
        run(tx, &sql, both()).await?;
        run(tx, "UPDATE domains SET company_id = $2, is_canonical = false WHERE company_id = $1", both()[..2].to_vec()).await?;
        run(tx, "UPDATE companies SET duplicate_of = $2, updated_at = $3 WHERE duplicate_of = $1", both()).await?;
        self.choose_primary(tx, moved.to, &[]).await?;
        Ok(())
    }
}

/// Of two companies first the one that stands for both.
pub(super) fn by_rank([a, b]: [Compared; 2]) -> (Compared, Compared) {
    let order = |company: &Compared| rank(company.was_written_to, company.has_site, company.since, company.id);
    if order(&a) <= order(&b) { (a, b) } else { (b, a) }
}

/// A pair that is known stays as it is.
const ONCE: &str = "ON CONFLICT (id) DO NOTHING";
/// A pair that is known is what is said of it now.
const ANEW: &str = "ON CONFLICT (id) DO UPDATE SET status = excluded.status, rule = excluded.rule, score = excluded.score,
    features = excluded.features, moved = excluded.moved, decided_by = excluded.decided_by, decided_at = excluded.decided_at,
    updated_at = excluded.updated_at";

/// What is kept of a pair.
struct Kept<'a> {
    pair: (Id<Company>, Id<Company>),
    state: PairState,
    decision: &'a Decision,
    moved: Option<&'a Moved>,
    by: &'a str,
}

impl Kept<'_> {
    /// Writes it; whether anything was written.
    async fn write(&self, tx: &DatabaseTransaction, now: Timestamp, known: &str) -> Result<bool> {
        let Kept { pair: (first, second), state, decision, moved, by } = *self;
        let text = |value: serde_json::Result<String>| value.map_err(|e| Error::new(ErrorKind::Malformed, "keep a decision").because(e));
        let moved = moved.map_or(Ok(String::new()), |moved| text(serde_json::to_string(moved)))?;
        let sql = format!(
            "INSERT INTO company_pairs (id, first_id, second_id, status, rule, score, features, moved, decided_by, decided_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10) {known}"
        );
        let values = vec![
            TwinPair::id_of(first, second).uuid().into(),
            first.uuid().into(),
            second.uuid().into(),
            state.as_str().into(),
            decision.rule.into(),
            decision.score.into(),
            text(serde_json::to_string(&decision.features))?.into(),
            moved.into(),
            by.into(),
            now.millis().into(),
        ];
        Ok(run(tx, &sql, values).await? > 0)
    }
}
