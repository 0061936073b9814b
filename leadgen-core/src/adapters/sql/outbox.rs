//! The send lane: caps, spacing, window and suppression at claim, and all of them again at the mark.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};

use crate::domain::company::Company;
use crate::domain::flow::{CompanyEvent, CompanyState, Delivery, MessageEvent, MessageState};
use crate::domain::id::Id;
use crate::domain::mail::{FrozenMail, Receipt};
use crate::domain::message::Message;
use crate::domain::mx::MxClass;
use crate::domain::name::EmailAddress;
use crate::domain::suppression::{Suppression, SuppressionScope, SuppressionSource};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::entropy::{SystemEntropy, sixteen};
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{Call, Claim, Fault, SendLetter, Ticket};
use crate::rules::undelivered::{Marked, decide, end_of_tries, is_our_mistake, longer_wait};
use crate::rules::{mask, pacing, window};

use super::connection::{Serial, SqlStore, commit, query, query_one, run};
use super::leases::{LaneTable, lease_lost};
use super::letters::{MESSAGE, MESSAGES};
use super::row::{get, id, maybe_at, message, names, ticket};
use super::spoiled;

/// Due letters looked at for suppression in one claim.
const LOOKED_AT: i64 = 50;

#[async_trait]
impl Lane<SendLetter> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<SendLetter>>> {
        let tx = self.write(Serial::Outbox).await?;
        self.settle_abandoned_letters(&tx, call).await?;
        let mut claims = Vec::new();
        if call.policy.send.enabled && window::is_open(&call.policy.send.window, call.now) {
            for mailbox in &call.policy.send.mailboxes {
                if claims.len() >= call.max || self.holds_back(&tx, call, &mailbox.name).await?.is_some() {
                    continue;
                }
                claims.extend(self.take_letter(&tx, call, &mailbox.name).await?);
            }
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Receipt)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, receipt) in done {
            let tx = self.write(Serial::Outbox).await?;
            match self.leased_message(&tx, &ticket).await? {
                Some(item) => self.keep_receipt(&tx, call, &ticket, &item, &receipt).await?,
                None => lost.push(ticket),
            }
            commit(tx).await?;
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        // An address that takes no mail is registered.
        let tx = self.write(Serial::Twins).await?;
        let item = self.leased_message(&tx, ticket).await?.ok_or_else(|| lease_lost(ticket))?;
        let alternatives: String = query_one(&tx, "SELECT alternatives FROM outreach_messages WHERE id = $1", vec![ticket.row.into()])
            .await?
            .map(|row| get(&row, "alternatives"))
            .transpose()?
            .unwrap_or_default();
        let mailbox = item.mailbox.clone().unwrap_or_default();
        let has_alternative = names(&alternatives).iter().any(|name| *name != mailbox && !item.tried_mailboxes.contains(name));
        let marked = if item.state == MessageState::Sending { Marked::Yes } else { Marked::No };
        let outcome = decide(fault.verdict, &fault.code, marked, has_alternative);
        if is_our_mistake(&fault.code) {
            tracing::error!(event = "alert", mailbox, code = fault.code, reason = fault.text, "a server finds fault with what we send");
        }
        if outcome.pause_for_good {
            self.pause_mailbox(&tx, call.now, &mailbox, None, &fault.text, "pipeline").await?;
        } else if outcome.pause_for_a_while {
            self.pause_mailbox(&tx, call.now, &mailbox, Some(fault.retry_at), &fault.text, "pipeline").await?;
        }
        match outcome.event {
            Some(MessageEvent::Unroute) => self.unroute(&tx, call, &item, &mailbox, &fault.text).await?,
            Some(MessageEvent::PutBack) | None => self.put_back(&tx, call, &item, ticket, fault, outcome.event).await?,
            Some(event) => self.move_message(&tx, call, &item, event, &fault.text).await?,
        }
        if outcome.suppress {
            let entry = Suppression {
                scope: SuppressionScope::Email,
                value: item.to.as_str().to_owned(),
                source: SuppressionSource::Bounce,
                reason: fault.text.clone(),
                registered_at: call.now,
            };
            self.register_entry(&tx, &entry, "pipeline").await?;
        }
        commit(tx).await
    }
}

#[async_trait]
impl OnceLane<SendLetter> for SqlStore {
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        let tx = self.write(Serial::Outbox).await?;
        let item = self.leased_message(&tx, ticket).await?.ok_or_else(|| lease_lost(ticket))?;
        let mailbox = item.mailbox.clone().unwrap_or_default();
        let refused = |code: &'static str| Error::new(ErrorKind::Conflict, format!("send to {}", item.to.masked())).code(code);
        if let Some(why) = self.suppressed(&tx, &item).await? {
            let why = format!("{why}, between the claim and the mark");
            self.move_message(&tx, call, &item, MessageEvent::Suppress, &why).await?;
            commit(tx).await?;
            return Err(refused("suppressed"));
        }
        let held_back = if call.policy.send.enabled && window::is_open(&call.policy.send.window, call.now) {
            self.holds_back(&tx, call, &mailbox).await?
        } else {
            Some("window_closed")
        };
        if let Some(code) = held_back {
            self.finish(&tx, MESSAGES, ticket, "", vec![]).await?;
            commit(tx).await?;
            return Err(refused(code));
        }
        let next = item.state.after(MessageEvent::Mark)?;
        let sets = "status = $3, attempts = attempts + 1, data_started_at = $4, updated_at = $4";
        if !self.pass::<SendLetter>(&tx, MESSAGES, call, ticket, sets, vec![next.as_str().into(), call.now.millis().into()]).await? {
            return Err(lease_lost(ticket));
        }
        let mark_id = uuid::Uuid::new_v8(sixteen(&SystemEntropy));
        let values = vec![mark_id.into(), mailbox.into(), ticket.row.into(), call.now.millis().into()];
        run(&tx, "INSERT INTO mailbox_marks (id, mailbox, message_id, marked_at) VALUES ($1, $2, $3, $4)", values).await?;
        commit(tx).await
    }

    async fn renew(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        self.prolong::<SendLetter>(MESSAGES, call, ticket).await
    }
}

/// A letter as it leaves.
fn frozen(row: &QueryResult, mailbox: &str, token: uuid::Uuid) -> Result<Claim<SendLetter>> {
    let mail = FrozenMail {
        message: id(row, "id")?,
        mailbox: mailbox.to_owned(),
        from: EmailAddress::parse(&get::<Option<String>>(row, "from_email")?.unwrap_or_default())?,
        to: EmailAddress::parse(&get::<String>(row, "to_email")?)?,
        message_id: get::<Option<String>>(row, "message_id")?.unwrap_or_default(),
        bytes: get::<Option<Vec<u8>>>(row, "frozen")?.unwrap_or_default(),
        class: MxClass::parse(&get::<Option<String>>(row, "mx_class")?.unwrap_or_default()).unwrap_or(MxClass::Unknown),
        records: names(&get::<String>(row, "mx_records")?),
        fallback: get(row, "fallback")?,
    };
    Ok(Claim::new(ticket(row, token)?, mail))
}

impl SqlStore {
    async fn keep_receipt(&self, tx: &DatabaseTransaction, call: &Call, ticket: &Ticket, item: &Message, receipt: &Receipt) -> Result<()> {
        let next = item.state.after(MessageEvent::Accept)?;
        let sets = "status = $3, delivery_status = $4, sent_at = $5, receipt = $6, last_error = NULL, tries = 0, next_try_at = NULL, updated_at = $5";
        self.finish(
            tx,
            MESSAGES,
            ticket,
            sets,
            vec![next.as_str().into(), Delivery::Accepted.as_str().into(), call.now.millis().into(), receipt.reply.clone().into()],
        )
        .await?;
        self.move_group(tx, call.now, item.company_id, CompanyEvent::Contact).await?;
        let detail = format!("{} → {}: {}", item.mailbox.as_deref().unwrap_or(""), item.to.masked(), mask::emails(&receipt.reply));
        self.note(tx, call.now, "pipeline", "send", "message", &item.id.to_string(), &detail).await
    }

    /// Past the mark, without a result, nobody at it: in doubt, never sent again by itself.
    async fn settle_abandoned_letters(&self, tx: &DatabaseTransaction, call: &Call) -> Result<()> {
        let sql = format!("{MESSAGE} WHERE m.status = 'sending' AND m.claimed_until <= {}", self.lease_now());
        for row in query(tx, &self.locked_message(&sql), vec![]).await? {
            let text = "delivery_unknown: the process ended after the letter was offered; the server may have it";
            match message(&row) {
                Ok(item) => self.move_message(tx, call, &item, MessageEvent::Doubt, text).await?,
                Err(why) => self.give_up_spoiled(tx, &row, spoiled::MESSAGE, call.now.millis(), &why).await?,
            }
        }
        Ok(())
    }

    /// Why a mailbox may not send just now.
    async fn holds_back(&self, tx: &DatabaseTransaction, call: &Call, mailbox: &str) -> Result<Option<&'static str>> {
        let Some(known) = call.policy.send.mailbox(mailbox) else { return Ok(Some("mailbox_paused")) };
        if let Some(row) = query_one(tx, "SELECT * FROM mailboxes WHERE name = $1", vec![mailbox.into()]).await?
            && get::<bool>(&row, "is_paused")?
            && maybe_at(&row, "paused_until")?.is_none_or(|until| call.now < until)
        {
            return Ok(Some("mailbox_paused"));
        }
        let since = (call.now - pacing::COUNTED).millis();
        let sql = "SELECT count(*) AS marked FROM mailbox_marks WHERE mailbox = $1 AND marked_at > $2";
        let marked =
            query_one(tx, sql, vec![mailbox.into(), since.into()]).await?.map(|row| get::<i64>(&row, "marked")).transpose()?.unwrap_or(0);
        let last = query_one(tx, "SELECT max(marked_at) AS last FROM mailbox_marks WHERE mailbox = $1", vec![mailbox.into()]).await?;
        let last = last.map(|row| maybe_at(&row, "last")).transpose()?.flatten();
        let allowed = pacing::may_send(marked.max(0) as u32, known.daily_cap, last, call.policy.send.delay.0, call.now);
        Ok(allowed.err().map(pacing::NotYet::code))
    }

    async fn take_letter(&self, tx: &DatabaseTransaction, call: &Call, mailbox: &str) -> Result<Option<Claim<SendLetter>>> {
        self.suppress_due(tx, call, mailbox).await?;
        let lane = LaneTable {
            table: MESSAGES,
            filter: "status = 'queued' AND scheduled_for <= $4 AND mailbox = $6 AND frozen IS NOT NULL AND (CAST($7 AS text) IS NULL OR campaign = $7)",
            order: "scheduled_for, id",
        };
        let one = Call { max: 1, ..call.clone() };
        loop {
            let (token, rows) = self.take::<SendLetter>(tx, &lane, &one, vec![mailbox.into(), call.batch.clone().into()]).await?;
            let Some(row) = rows.first() else { return Ok(None) };
            match frozen(row, mailbox, token) {
                Ok(claim) => return Ok(Some(claim)),
                Err(why) => self.give_up_spoiled(tx, row, spoiled::MESSAGE, call.now.millis(), &why).await?,
            }
        }
    }

    /// Due letters whose recipient must not be written to go aside before anyone is given them.
    async fn suppress_due(&self, tx: &DatabaseTransaction, call: &Call, mailbox: &str) -> Result<()> {
        let sql = format!(
            "{MESSAGE} WHERE m.status = 'queued' AND m.mailbox = $1 AND m.scheduled_for <= $2 AND m.claimed_until <= {} ORDER BY m.scheduled_for LIMIT $3",
            self.lease_now()
        );
        for row in query(tx, &self.locked_message(&sql), vec![mailbox.into(), call.now.millis().into(), LOOKED_AT.into()]).await? {
            let item = match message(&row) {
                Ok(item) => item,
                Err(why) => {
                    self.give_up_spoiled(tx, &row, spoiled::MESSAGE, call.now.millis(), &why).await?;
                    continue;
                }
            };
            if let Some(why) = self.suppressed(tx, &item).await? {
                self.move_message(tx, call, &item, MessageEvent::Suppress, &why).await?;
            }
        }
        Ok(())
    }

    async fn unroute(&self, tx: &DatabaseTransaction, call: &Call, item: &Message, mailbox: &str, text: &str) -> Result<()> {
        let mut tried = item.tried_mailboxes.clone();
        tried.push(mailbox.to_owned());
        let next = item.state.after(MessageEvent::Unroute)?;
        run(
            tx,
            "UPDATE outreach_messages SET status = $2, tried_mailboxes = $3, route_error = COALESCE(route_error, $4), frozen = NULL, message_id = NULL,
                mailbox = NULL, scheduled_for = NULL, last_error = $4, updated_at = $5, claimed_by = NULL, claim_token = NULL, claimed_until = 0
             WHERE id = $1",
            vec![item.id.uuid().into(), next.as_str().into(), tried.join(" ").into(), text.into(), call.now.millis().into()],
        )
        .await?;
        self.note(tx, call.now, "pipeline", "unroute", "message", &item.id.to_string(), text).await
    }

    async fn put_back(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        item: &Message,
        ticket: &Ticket,
        fault: &Fault,
        event: Option<MessageEvent>,
    ) -> Result<()> {
        let state = match event {
            Some(event) => item.state.after(event)?,
            None => item.state,
        };
        let counted = i32::from(matches!(fault.verdict, Verdict::Retry { .. }));
        let end = (counted == 1).then(|| end_of_tries(&fault.code, ticket.tries, call.policy.send.max_attempts)).flatten();
        let state = end.map_or(Ok(state), |event| state.after(event))?;
        let retry_at = longer_wait(&fault.code, ticket.tries).map_or(fault.retry_at, |wait| call.now + wait);
        let sets = "status = $3, tries = tries + $4, next_try_at = $5, last_error = $6, updated_at = $7";
        let values =
            vec![state.as_str().into(), counted.into(), retry_at.millis().into(), fault.text.clone().into(), call.now.millis().into()];
        self.finish(tx, MESSAGES, ticket, sets, values).await?;
        Ok(())
    }

    pub(super) async fn pause_mailbox(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        mailbox: &str,
        until: Option<Timestamp>,
        why: &str,
        by: &str,
    ) -> Result<()> {
        run(
            tx,
            "INSERT INTO mailboxes (name, is_paused, paused_until, pause_reason, updated_at) VALUES ($1, true, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET is_paused = true, paused_until = excluded.paused_until, pause_reason = excluded.pause_reason,
                updated_at = excluded.updated_at",
            vec![mailbox.into(), until.map(Timestamp::millis).into(), why.into(), now.millis().into()],
        )
        .await?;
        if by == "pipeline" {
            tracing::error!(event = "alert", mailbox, reason = why, "mailbox paused");
        }
        self.note(tx, now, by, "pause", "mailbox", mailbox, why).await
    }

    /// Moves the company that stands for the group of one: a letter to any of them, or a word of any, is the group's.
    pub(super) async fn move_group(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        company: Id<Company>,
        event: CompanyEvent,
    ) -> Result<()> {
        let root = self.root(tx, company).await?;
        self.move_company(tx, now, root.uuid(), event).await
    }

    /// Moves a company if the move is legal from where it stands; otherwise leaves it.
    pub(super) async fn move_company(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        company: uuid::Uuid,
        event: CompanyEvent,
    ) -> Result<()> {
        let sql = self.locked("SELECT status FROM companies WHERE id = $1");
        let Some(row) = query_one(tx, &sql, vec![company.into()]).await? else { return Ok(()) };
        let state = CompanyState::parse(&get::<String>(&row, "status")?)?;
        let Ok(next) = state.after(event) else { return Ok(()) };
        let refused = event == CompanyEvent::OptOut;
        let sql = "UPDATE companies SET status = $2, opt_out = (opt_out OR $3), updated_at = $4 WHERE id = $1";
        run(tx, sql, vec![company.into(), next.as_str().into(), refused.into(), now.millis().into()]).await?;
        if next != state {
            self.note(tx, now, "pipeline", next.as_str(), "company", &company.to_string(), "").await?;
        }
        Ok(())
    }
}
