//! The doors: own companies and signals come in, each once.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use crate::domain::flow::{CompanyEvent, Delivery, MessageEvent, MessageState, ResultState};
use crate::domain::id::Id;
use crate::domain::lead::Cursor;
use crate::domain::message::Message;
use crate::domain::signal::Signal;
use crate::domain::suppression::{Suppression, SuppressionScope};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{Admit, Admitted, Cursors, ImportedCompany};
use crate::rules::effects::{SOFT_SPAN, WEAK_MATCH, effect, hardened, may_match_by_address, outranks};

use super::births::Birth;
use super::connection::{Serial, SqlStore, commit, query_one, run};
use super::letters::MESSAGE;
use super::row::{count, get, message};

#[async_trait]
impl Admit<ImportedCompany> for SqlStore {
    async fn admit(&self, source: &str, items: &[ImportedCompany], next: Option<&Cursor>, now: Timestamp) -> Result<Admitted> {
        let tx = self.write(Serial::Twins).await?;
        let mut admitted = Admitted::default();
        let births: Vec<Birth<'_>> = items.iter().map(birth).collect();
        let settled = self.settle(&tx, now, &births).await?;
        admitted.new = settled.iter().filter(|settled| settled.verdict == ResultState::Unique).count() as u32;
        admitted.known = items.len() as u32 - admitted.new;
        self.keep_cursor(&tx, source, next, now).await?;
        commit(tx).await?;
        Ok(admitted)
    }
}

fn birth(item: &ImportedCompany) -> Birth<'_> {
    Birth {
        newborn: &item.newborn,
        industry: &item.industry,
        region: &item.region,
        batch_tag: &item.batch_tag,
        snippet: "",
        source: "import",
        result: None,
        contacts: item.contacts(),
        inn: item.inn.as_deref(),
        ogrn: item.ogrn.as_deref(),
    }
}

#[async_trait]
impl Admit<Signal> for SqlStore {
    async fn admit(&self, source: &str, items: &[Signal], next: Option<&Cursor>, now: Timestamp) -> Result<Admitted> {
        // Answers of many companies are written in any order, as dedupe writes its companies: both at once would wait in a circle.
        let tx = self.write(Serial::Twins).await?;
        let mut admitted = Admitted::default();
        for signal in items {
            let matched = self.matching(&tx, signal).await?;
            let row: Id<Signal> = Id::of(&["signal", &signal.mailbox, &signal.key]);
            let text = if matched.is_some() { signal.text.clone() } else { String::new() };
            let new = run(
                &tx,
                "INSERT INTO signals (id, mailbox, place, kind, intent, about, message_id, text, read_at, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (mailbox, place) DO NOTHING",
                vec![
                    row.uuid().into(),
                    signal.mailbox.clone().into(),
                    signal.key.clone().into(),
                    signal.kind.as_str().into(),
                    signal.intent.clone().into(),
                    signal.about.as_ref().map(|about| about.as_str().to_owned()).into(),
                    matched.as_ref().map(|message| message.id.uuid()).into(),
                    text.into(),
                    now.millis().into(),
                ],
            )
            .await?
                > 0;
            match (new, matched) {
                (false, _) => admitted.known += 1,
                (true, None) => admitted.unmatched += 1,
                (true, Some(message)) => {
                    self.carry_out(&tx, signal, &message, now).await?;
                    admitted.new += 1;
                }
            }
        }
        self.keep_cursor(&tx, source, next, now).await?;
        commit(tx).await?;
        Ok(admitted)
    }
}

#[async_trait]
impl Cursors for SqlStore {
    async fn cursor(&self, source: &str) -> Result<Option<Cursor>> {
        let row = query_one(&self.db, "SELECT place FROM cursors WHERE source = $1", vec![source.into()]).await?;
        row.map(|row| Ok(Cursor(get(&row, "place")?))).transpose()
    }
}

impl SqlStore {
    pub(super) async fn keep_cursor(&self, tx: &DatabaseTransaction, source: &str, next: Option<&Cursor>, now: Timestamp) -> Result<()> {
        let Some(next) = next else { return Ok(()) };
        let sql = "INSERT INTO cursors (source, place, updated_at) VALUES ($1, $2, $3)
            ON CONFLICT (source) DO UPDATE SET place = excluded.place, updated_at = excluded.updated_at";
        run(tx, sql, vec![source.into(), next.0.clone().into(), now.millis().into()]).await?;
        Ok(())
    }

    /// The letter a signal is about: one it quotes, else the latest to that address within two weeks.
    async fn matching(&self, tx: &DatabaseTransaction, signal: &Signal) -> Result<Option<Message>> {
        for quoted in &signal.quoted_ids {
            let sql = self.locked_message(&format!("{MESSAGE} WHERE m.message_id = $1"));
            let row = query_one(tx, &sql, vec![quoted.clone().into()]).await?;
            if let Some(row) = row {
                return message(&row).map(Some);
            }
        }
        let Some(about) = signal.about.as_ref().filter(|_| may_match_by_address(signal.kind)) else { return Ok(None) };
        let sql = format!("{MESSAGE} WHERE m.to_email = $1 AND m.data_started_at >= $2 ORDER BY m.data_started_at DESC LIMIT 1");
        let row = query_one(tx, &sql, vec![about.as_str().into(), (signal.at - WEAK_MATCH).millis().into()]).await?;
        row.as_ref().map(message).transpose()
    }

    async fn carry_out(&self, tx: &DatabaseTransaction, signal: &Signal, item: &Message, now: Timestamp) -> Result<()> {
        let kind = hardened(signal.kind, self.soft_bounces(tx, item, now).await?);
        let effect = effect(kind);
        if item.state == MessageState::InDoubt && item.message_id.as_ref().is_some_and(|ours| signal.quoted_ids.contains(ours)) {
            self.settle_by_evidence(tx, item, now).await?;
        }
        if let Some(delivery) = effect.delivery.filter(|new| outranks(*new, item.delivery)) {
            let values = vec![item.id.uuid().into(), delivery.as_str().into(), now.millis().into()];
            run(tx, "UPDATE outreach_messages SET delivery_status = $2, updated_at = $3 WHERE id = $1", values).await?;
            self.note(tx, now, "inbox", delivery.as_str(), "message", &item.id.to_string(), &signal.intent).await?;
        }
        if let Some(event) = effect.company.filter(|event| *event != CompanyEvent::OptOut) {
            self.move_group(tx, now, item.company_id, event).await?;
        }
        if let Some(source) = effect.suppress {
            let reason = if signal.text.is_empty() { kind.as_str().to_owned() } else { signal.text.clone() };
            let entry =
                Suppression { scope: SuppressionScope::Email, value: item.to.as_str().to_owned(), source, reason, registered_at: now };
            self.register_entry(tx, &entry, "inbox").await?;
        }
        debug_assert!(effect.delivery != Some(Delivery::Accepted));
        Ok(())
    }

    /// Whoever quotes a letter has it: the doubt is over.
    async fn settle_by_evidence(&self, tx: &DatabaseTransaction, item: &Message, now: Timestamp) -> Result<()> {
        let next = item.state.after(MessageEvent::SettleSent)?;
        let sql = "UPDATE outreach_messages SET status = $2, delivery_status = $3, sent_at = COALESCE(data_started_at, $4), updated_at = $4 WHERE id = $1";
        let values = vec![item.id.uuid().into(), next.as_str().into(), Delivery::Accepted.as_str().into(), now.millis().into()];
        run(tx, sql, values).await?;
        self.note(tx, now, "inbox", "settled: quoted", "message", &item.id.to_string(), "").await?;
        self.move_group(tx, now, item.company_id, CompanyEvent::Contact).await
    }

    async fn soft_bounces(&self, tx: &DatabaseTransaction, item: &Message, now: Timestamp) -> Result<usize> {
        let sql = "SELECT count(*) AS n FROM signals s JOIN outreach_messages m ON m.id = s.message_id
            WHERE m.to_email = $1 AND s.kind = 'soft_bounce' AND s.read_at >= $2";
        let row = query_one(tx, sql, vec![item.to.as_str().into(), (now - SOFT_SPAN).millis().into()]).await?;
        Ok(row.map(|row| count(&row, "n")).transpose()?.unwrap_or(0) as usize)
    }
}
