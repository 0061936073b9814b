//! The opt-out registry, mailbox health, and the journal.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};

use crate::domain::company::Company;
use crate::domain::event::Event;
use crate::domain::flow::{CompanyEvent, MessageEvent};
use crate::domain::id::Id;
use crate::domain::mail::{Mailbox, MailboxHealth};
use crate::domain::message::Message;
use crate::domain::name::{EmailAddress, families};
use crate::domain::suppression::{Suppression, SuppressionScope, SuppressionSource};
use crate::domain::time::Timestamp;
use crate::domain::twins::MERGED;
use crate::error::Result;
use crate::ports::entropy::{SystemEntropy, sixteen};
use crate::ports::store::{Journal, Mailboxes, Suppressions};
use crate::rules::pacing;

use super::connection::{Serial, SqlStore, commit, query, query_one, run};
use super::letters::{MAY_HAVE_ARRIVED, MESSAGE};
use super::row::{at, get, maybe_at, message};
use super::twins::{COMPARED, compared};

/// States of a letter that has not passed the mark.
pub(super) const WAITING: &str = "('draft', 'approved', 'queued', 'held')";

fn entry(row: &QueryResult) -> Result<Suppression> {
    Ok(Suppression {
        scope: SuppressionScope::parse(&get::<String>(row, "contact_type")?)?,
        value: get(row, "contact_value")?,
        source: SuppressionSource::parse(&get::<String>(row, "source")?)?,
        reason: get(row, "reason")?,
        registered_at: at(row, "registered_at")?,
    })
}

#[async_trait]
impl Suppressions for SqlStore {
    async fn register(&self, entry: &Suppression, by: &str) -> Result<bool> {
        let tx = self.write(Serial::Twins).await?;
        let new = self.register_entry(&tx, entry, by).await?;
        commit(tx).await?;
        Ok(new)
    }

    async fn covers(&self, address: &EmailAddress) -> Result<Option<Suppression>> {
        self.covered(&self.db, address).await
    }

    async fn suppressions(&self, limit: u64) -> Result<Vec<Suppression>> {
        let sql = "SELECT * FROM opt_out_registry ORDER BY registered_at DESC, id LIMIT $1";
        query(&self.db, sql, vec![(limit as i64).into()]).await?.iter().map(entry).collect()
    }

    async fn contact_address(&self, message: Id<Message>) -> Result<Option<EmailAddress>> {
        let row = query_one(&self.db, "SELECT to_email FROM outreach_messages WHERE id = $1", vec![message.uuid().into()]).await?;
        row.map(|row| EmailAddress::parse(&get::<String>(&row, "to_email")?)).transpose()
    }
}

#[async_trait]
impl Mailboxes for SqlStore {
    async fn health(&self, mailboxes: &[Mailbox], now: Timestamp) -> Result<Vec<MailboxHealth>> {
        let mut all = Vec::new();
        for mailbox in mailboxes {
            let sql = "SELECT count(*) AS marked FROM mailbox_marks WHERE mailbox = $1 AND marked_at > $2";
            let since = (now - pacing::COUNTED).millis();
            let marked = query_one(&self.db, sql, vec![mailbox.name.clone().into(), since.into()]).await?;
            let last = query_one(
                &self.db,
                "SELECT max(marked_at) AS last FROM mailbox_marks WHERE mailbox = $1",
                vec![mailbox.name.clone().into()],
            )
            .await?;
            let state =
                query_one(&self.db, "SELECT * FROM mailboxes WHERE name = $1 AND is_paused", vec![mailbox.name.clone().into()]).await?;
            let paused_until = match &state {
                Some(row) => Some(maybe_at(row, "paused_until")?.unwrap_or(pacing::UNTIL_RESUMED)).filter(|until| *until > now),
                None => None,
            };
            all.push(MailboxHealth {
                name: mailbox.name.clone(),
                sent_24h: marked.map(|row| get::<i64>(&row, "marked")).transpose()?.unwrap_or(0).max(0) as u32,
                daily_cap: mailbox.daily_cap,
                pause_reason: match (&state, paused_until) {
                    (Some(row), Some(_)) => get(row, "pause_reason")?,
                    _ => None,
                },
                paused_until,
                last_marked_at: last.map(|row| maybe_at(&row, "last")).transpose()?.flatten(),
            });
        }
        Ok(all)
    }

    async fn pause(&self, mailbox: &str, until: Option<Timestamp>, reason: &str, by: &str, now: Timestamp) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        self.pause_mailbox(&tx, now, mailbox, until, &format!("{reason} (by {by})"), by).await?;
        commit(tx).await
    }

    async fn resume(&self, mailbox: &str, by: &str, now: Timestamp) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        let values = vec![mailbox.into(), now.millis().into()];
        run(
            &tx,
            "UPDATE mailboxes SET is_paused = false, paused_until = NULL, pause_reason = NULL, updated_at = $2 WHERE name = $1",
            values,
        )
        .await?;
        // Letters that left it may come back to it.
        let sql = "UPDATE outreach_messages SET tried_mailboxes = trim(replace(' ' || tried_mailboxes || ' ', ' ' || $1 || ' ', ' '))
            WHERE status = 'approved' AND tried_mailboxes <> ''";
        run(&tx, sql, vec![mailbox.into()]).await?;
        self.note(&tx, now, by, "resume", "mailbox", mailbox, "").await?;
        commit(tx).await
    }
}

#[async_trait]
impl Journal for SqlStore {
    async fn record(&self, event: &Event) -> Result<()> {
        self.note(&self.db, event.at, &event.actor, &event.action, &event.subject, &event.subject_id, &event.detail).await
    }

    async fn events(&self, limit: u64) -> Result<Vec<Event>> {
        let rows = query(&self.db, "SELECT * FROM audit ORDER BY at DESC, id LIMIT $1", vec![(limit as i64).into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(Event {
                    at: at(row, "at")?,
                    actor: get(row, "actor")?,
                    action: get(row, "action")?,
                    subject: get(row, "subject")?,
                    subject_id: get(row, "subject_id")?,
                    detail: get(row, "detail")?,
                })
            })
            .collect()
    }
}

impl SqlStore {
    #[expect(clippy::too_many_arguments, reason = "one row's columns")]
    pub(super) async fn note(
        &self,
        db: &impl ConnectionTrait,
        now: Timestamp,
        actor: &str,
        action: &str,
        subject: &str,
        subject_id: &str,
        detail: &str,
    ) -> Result<()> {
        let row = uuid::Uuid::new_v8(sixteen(&SystemEntropy));
        let sql =
            "INSERT INTO audit (id, at, actor, action, subject, subject_id, detail, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $2)";
        let values = vec![row.into(), now.millis().into(), actor.into(), action.into(), subject.into(), subject_id.into(), detail.into()];
        run(db, sql, values).await?;
        Ok(())
    }

    /// The entry that covers an address.
    pub(super) async fn covered(&self, db: &impl ConnectionTrait, address: &EmailAddress) -> Result<Option<Suppression>> {
        let sql = "SELECT * FROM opt_out_registry WHERE contact_type = 'email' AND contact_value = $1";
        if let Some(row) = query_one(db, sql, vec![address.as_str().into()]).await? {
            return Ok(Some(entry(&row)?));
        }
        for name in families(address.domain()) {
            let sql = "SELECT * FROM opt_out_registry WHERE contact_type = 'domain' AND contact_value = $1";
            if let Some(row) = query_one(db, sql, vec![name.into()]).await? {
                return Ok(Some(entry(&row)?));
            }
        }
        Ok(None)
    }

    /// Why a message must not go out: an entry, the refusal of its company or of any of its group, or another letter to its
    /// group, which is written to once.
    pub(super) async fn suppressed(&self, db: &impl ConnectionTrait, item: &Message) -> Result<Option<String>> {
        if let Some(entry) = self.covered(db, &item.to).await? {
            return Ok(Some(format!("opt_out: {}", entry.reason)));
        }
        let sql = "SELECT c.id FROM companies c JOIN companies of_one ON of_one.id = $1
            WHERE (c.opt_out OR c.status = 'optout') AND (c.id = COALESCE(of_one.duplicate_of, of_one.id)
                OR c.duplicate_of = COALESCE(of_one.duplicate_of, of_one.id)) LIMIT 1";
        if query_one(db, sql, vec![item.company_id.uuid().into()]).await?.is_some() {
            return Ok(Some("opt_out: the company refused".to_owned()));
        }
        if let Some(entry) = self.refusal_of_group(db, item.company_id).await? {
            return Ok(Some(format!("opt_out: {} {}: {}", entry.scope, entry.value, entry.reason)));
        }
        let sql = format!(
            "SELECT m.id FROM outreach_messages m JOIN companies c ON c.id = m.company_id JOIN companies of_one ON of_one.id = $1
             WHERE m.status IN {MAY_HAVE_ARRIVED} AND c.id <> of_one.id AND (c.id = COALESCE(of_one.duplicate_of, of_one.id)
                OR c.duplicate_of = COALESCE(of_one.duplicate_of, of_one.id)) LIMIT 1"
        );
        Ok(query_one(db, &sql, vec![item.company_id.uuid().into()]).await?.map(|_| MERGED.to_owned()))
    }

    /// The refusal of anything that a company or any of its group answers to, also if it was registered before the company was
    /// known, and if another one shows the same phone.
    pub(super) async fn refusal_of_group(&self, db: &impl ConnectionTrait, company: Id<Company>) -> Result<Option<Suppression>> {
        let sql = format!(
            "SELECT {COMPARED} FROM companies c JOIN companies of_one ON of_one.id = $1
             WHERE c.id = COALESCE(of_one.duplicate_of, of_one.id) OR c.duplicate_of = COALESCE(of_one.duplicate_of, of_one.id)"
        );
        for row in query(db, &sql, vec![company.uuid().into()]).await? {
            for (scope, value) in compared(&row)?.profile.registered_as() {
                let sql = "SELECT * FROM opt_out_registry WHERE contact_type = $1 AND contact_value = $2";
                let found = query_one(db, sql, vec![scope.as_str().into(), value.into()]).await?.as_ref().map(entry).transpose()?;
                if let Some(entry) = found.filter(|entry| entry.source.is_refusal()) {
                    return Ok(Some(entry));
                }
            }
        }
        Ok(None)
    }

    /// Registers an entry and carries it out: letters that have not passed the mark go aside, a refusal covers the company
    /// and its group. The caller holds `Serial::Twins`: nobody joins or leaves the group meanwhile.
    pub(super) async fn register_entry(&self, tx: &DatabaseTransaction, entry: &Suppression, by: &str) -> Result<bool> {
        let now = entry.registered_at;
        let matching = match entry.scope {
            SuppressionScope::Email => "m.to_email = $1",
            SuppressionScope::Domain => "(m.to_email LIKE '%@' || $1 OR m.to_email LIKE '%.' || $1)",
            // No letter goes to a phone: only its company is left alone.
            SuppressionScope::Phone => "m.to_email = '' AND m.to_email = $1",
        };
        let letter = query_one(tx, &format!("{MESSAGE} WHERE {matching} LIMIT 1"), vec![entry.value.clone().into()]).await?;
        let owner = match letter {
            Some(row) => Some(message(&row)?.company_id.uuid()),
            None => self.owner_of(tx, entry).await?,
        };
        let new = self.keep_entry(tx, entry, owner, by).await?;
        let sql = self.locked_message(&format!("{MESSAGE} WHERE ({matching}) AND m.status IN {WAITING}"));
        let mut waiting = query(tx, &sql, vec![entry.value.clone().into()]).await?;
        if let Some(company) = owner.filter(|_| entry.source.is_refusal()) {
            waiting.extend(self.cover_group(tx, now, company).await?);
        }
        if entry.source == SuppressionSource::OneClick {
            let sql =
                "UPDATE outreach_messages SET delivery_status = 'unsubscribed', updated_at = $2 WHERE to_email = $1 AND status = 'sent'
                AND (delivery_status IS NULL OR delivery_status NOT IN ('unsubscribed', 'complained'))";
            run(tx, sql, vec![entry.value.clone().into(), now.millis().into()]).await?;
        }
        self.put_aside(tx, waiting, by, now).await?;
        Ok(new)
    }

    /// A refusal of a company covers all that were found to be the same one, and stops their letters.
    pub(super) async fn refuse_group(&self, tx: &DatabaseTransaction, now: Timestamp, company: uuid::Uuid, by: &str) -> Result<()> {
        let waiting = self.cover_group(tx, now, company).await?;
        self.put_aside(tx, waiting, by, now).await
    }

    /// Moves a group to where no letter goes; its letters that can still be stopped.
    async fn cover_group(&self, tx: &DatabaseTransaction, now: Timestamp, company: uuid::Uuid) -> Result<Vec<QueryResult>> {
        let mut waiting = Vec::new();
        for company in self.group_of(tx, company).await? {
            self.move_company(tx, now, company, CompanyEvent::OptOut).await?;
            let sql = self.locked_message(&format!("{MESSAGE} WHERE m.company_id = $1 AND m.status IN {WAITING}"));
            waiting.extend(query(tx, &sql, vec![company.into()]).await?);
        }
        Ok(waiting)
    }

    /// Writes an entry down, once; whether it is new.
    async fn keep_entry(&self, tx: &DatabaseTransaction, entry: &Suppression, owner: Option<uuid::Uuid>, by: &str) -> Result<bool> {
        let row: Id<Suppression> = Id::of(&["suppression", entry.scope.as_str(), &entry.value]);
        let sql = "INSERT INTO opt_out_registry (id, contact_value, contact_type, company_id, source, reason, registered_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (contact_type, contact_value) DO NOTHING";
        let values = vec![
            row.uuid().into(),
            entry.value.clone().into(),
            entry.scope.as_str().into(),
            owner.into(),
            entry.source.as_str().into(),
            entry.reason.clone().into(),
            entry.registered_at.millis().into(),
        ];
        let new = run(tx, sql, values).await? > 0;
        if new {
            let why = format!("{}: {}", entry.source, entry.reason);
            self.note(tx, entry.registered_at, by, "suppress", entry.scope.as_str(), &row.to_string(), &why).await?;
        }
        Ok(new)
    }

    /// Letters that wait and must not leave any more; a letter may be named more than once.
    async fn put_aside(&self, tx: &DatabaseTransaction, waiting: Vec<QueryResult>, by: &str, now: Timestamp) -> Result<()> {
        let mut aside = Vec::new();
        for row in waiting {
            let item = message(&row)?;
            if aside.contains(&item.id) {
                continue;
            }
            aside.push(item.id);
            let next = item.state.after(MessageEvent::Suppress)?;
            run(
                tx,
                "UPDATE outreach_messages SET status = $2, last_error = 'opt_out: the recipient refused', updated_at = $3,
                    claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1",
                vec![item.id.uuid().into(), next.as_str().into(), now.millis().into()],
            )
            .await?;
            self.note(tx, now, by, next.as_str(), "message", &item.id.to_string(), "opt_out").await?;
        }
        Ok(())
    }

    /// A company with all that were found to be the same one: a refusal of any covers all.
    async fn group_of(&self, tx: &DatabaseTransaction, company: uuid::Uuid) -> Result<Vec<uuid::Uuid>> {
        let sql = "SELECT c.id FROM companies c JOIN companies of_one ON of_one.id = $1
            WHERE COALESCE(c.duplicate_of, c.id) = COALESCE(of_one.duplicate_of, of_one.id) ORDER BY c.id";
        query(tx, sql, vec![company.into()]).await?.iter().map(|row| get(row, "id")).collect()
    }

    async fn owner_of(&self, tx: &DatabaseTransaction, entry: &Suppression) -> Result<Option<uuid::Uuid>> {
        let sql = match entry.scope {
            SuppressionScope::Email | SuppressionScope::Phone => "SELECT company_id FROM contacts WHERE value = $1 AND contact_type = $2",
            SuppressionScope::Domain => {
                "SELECT id AS company_id FROM companies WHERE (canonical_domain = $1 OR registrable_domain = $1) AND $2 <> ''
                ORDER BY CASE WHEN status = 'duplicate' THEN 1 ELSE 0 END, created_at, id LIMIT 1"
            }
        };
        let row = query_one(tx, sql, vec![entry.value.clone().into(), entry.scope.as_str().into()]).await?;
        row.map(|row| get(&row, "company_id")).transpose()
    }
}
