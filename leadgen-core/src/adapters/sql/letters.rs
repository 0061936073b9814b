//! The draft and route lanes: a company becomes a message, a message gets its bytes and its turn.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};
use uuid::Uuid;

use crate::domain::company::Company;
use crate::domain::contact::Contact;
use crate::domain::flow::{CompanyEvent, CompanyState, MessageEvent, MessageState};
use crate::domain::id::Id;
use crate::domain::letter::{Drafted, Prospect};
use crate::domain::mail::FrozenMail;
use crate::domain::message::Message;
use crate::domain::name::EmailAddress;
use crate::domain::verification::{Deliverability, Verification};
use crate::error::{Result, Verdict};
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, DraftLetter, Fault, RouteLetter, Ticket, Work};
use crate::rules::setback::{Setback, setback};
use crate::rules::{compose, pacing, verify, window};

use super::connection::{Serial, SqlStore, commit, query_one, run};
use super::leases::{LaneTable, lease_lost};
use super::merges::GROUP;
use super::row::{company, get, id, maybe_at, message, ticket, verification};
use super::spoiled;

pub(super) const MESSAGES: &str = "outreach_messages";
/// A message with its company's name.
pub(super) const MESSAGE: &str = "SELECT m.*, c.name AS company_name FROM outreach_messages m JOIN companies c ON c.id = m.company_id";
/// A company whose letter can't be written waits a day.
const NEXT_DRAFT: std::time::Duration = std::time::Duration::from_hours(24);

/// States of a letter that its recipient has, or may have: [`MessageState::may_have_arrived`].
pub(super) const MAY_HAVE_ARRIVED: &str = "('sending', 'sent', 'in_doubt')";
/// States of a letter that is on its way, or may have arrived: [`MessageState::is_live`].
pub(super) const LIVE: &str = "('draft', 'approved', 'queued', 'held', 'sending', 'sent', 'in_doubt')";

/// Companies that a letter may be written to. A group is written to once, whichever of its companies the letter names.
pub(super) const DRAFT_LANE: &str = "status = 'ready_to_contact' AND NOT opt_out AND tries < 3
    AND EXISTS (SELECT 1 FROM contacts k WHERE k.company_id = companies.id AND k.is_primary AND k.contact_type = 'email'
        AND NOT EXISTS (SELECT 1 FROM outreach_messages m WHERE m.contact_id = k.id OR m.to_email = k.value)
        AND NOT EXISTS (SELECT 1 FROM opt_out_registry s WHERE s.contact_type = 'email' AND s.contact_value = k.value))
    AND NOT EXISTS (SELECT 1 FROM outreach_messages m WHERE m.company_id IN (SELECT companies.id UNION ALL SELECT g.id FROM companies g WHERE g.duplicate_of = companies.id)
        AND ((m.campaign = companies.batch_tag AND m.status <> 'cancelled') OR m.status IN ('draft', 'approved', 'queued', 'held', 'sending', 'sent', 'in_doubt')))";

#[async_trait]
impl Lane<DraftLetter> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<DraftLetter>>> {
        let tx = self.write(Serial::None).await?;
        let lane = LaneTable {
            table: "companies",
            filter: &format!("{DRAFT_LANE} AND (CAST($6 AS text) IS NULL OR batch_tag = $6)"),
            order: "first_seen_at, id",
        };
        let (mut claims, mut given_up) = (Vec::new(), true);
        while claims.is_empty() && given_up {
            given_up = false;
            let (token, rows) = self.take::<DraftLetter>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
            for row in &rows {
                let id: Uuid = get(row, "id")?;
                let sql = "SELECT * FROM contacts WHERE company_id = $1 AND is_primary AND contact_type = 'email'";
                let Some(contact) = query_one(&tx, sql, vec![id.into()]).await? else {
                    self.let_go(&tx, "companies", id).await?;
                    continue;
                };
                let claim = match prospect(row, &contact, token) {
                    Ok(claim) => claim,
                    Err(why) => {
                        self.give_up_spoiled(&tx, row, spoiled::PROSPECT, call.now.millis(), &why).await?;
                        given_up = true;
                        continue;
                    }
                };
                let refused = match self.covered(&tx, &claim.item.to).await? {
                    None => self.refusal_of_group(&tx, Id::from_uuid(id)).await?,
                    covered => covered,
                };
                if refused.is_some() {
                    self.let_go(&tx, "companies", id).await?;
                    let values = vec![id.into(), (call.now + NEXT_DRAFT).millis().into()];
                    run(&tx, "UPDATE companies SET next_try_at = $2 WHERE id = $1", values).await?;
                    continue;
                }
                claims.push(claim);
            }
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Drafted)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, drafted) in done {
            let tx = self.write(Serial::None).await?;
            match self.leased_company(&tx, &ticket).await? {
                Some(company) => self.insert_message(&tx, call, &company, &drafted, &ticket).await?,
                None => lost.push(ticket),
            }
            commit(tx).await?;
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        match setback(fault.verdict, ticket.tries, DraftLetter::TRIES) {
            Setback::Again { counted } => self.put_off(&tx, "companies", "last_error", ticket, fault, i32::from(counted)).await?,
            Setback::GiveUp if verify::is_bad(&fault.code) => self.address_is_dead(&tx, call, ticket, fault).await?,
            Setback::GiveUp => {
                let sets = "tries = tries + 1, next_try_at = $3, status_reason = 'generation_failed', last_error = $4, updated_at = $5";
                let values = vec![(call.now + NEXT_DRAFT).millis().into(), fault.text.clone().into(), call.now.millis().into()];
                if !self.finish(&tx, "companies", ticket, sets, values).await? {
                    return Err(lease_lost(ticket));
                }
            }
        }
        commit(tx).await
    }
}

#[async_trait]
impl Lane<RouteLetter> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<RouteLetter>>> {
        let tx = self.write(Serial::None).await?;
        let lane = LaneTable {
            table: MESSAGES,
            filter: "status = 'approved' AND (CAST($6 AS text) IS NULL OR campaign = $6)",
            order: "approved_at, id",
        };
        let (mut claims, mut given_up) = (Vec::new(), true);
        while claims.is_empty() && given_up {
            given_up = false;
            let (token, rows) = self.take::<RouteLetter>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
            for row in &rows {
                let row_id: Uuid = get(row, "id")?;
                let full = query_one(&tx, &format!("{MESSAGE} WHERE m.id = $1"), vec![row_id.into()]).await?;
                let Some(full) = full else {
                    self.let_go(&tx, MESSAGES, row_id).await?;
                    continue;
                };
                let claim = match ticket(row, token).and_then(|ticket| Ok(Claim::<RouteLetter>::new(ticket, message(&full)?))) {
                    Ok(claim) => claim,
                    Err(why) => {
                        self.give_up_spoiled(&tx, row, spoiled::MESSAGE, call.now.millis(), &why).await?;
                        given_up = true;
                        continue;
                    }
                };
                if let Some(why) = self.suppressed(&tx, &claim.item).await? {
                    self.move_message(&tx, call, &claim.item, MessageEvent::Suppress, &why).await?;
                    continue;
                }
                claims.push(claim);
            }
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, (FrozenMail, Vec<String>))>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, (mail, alternatives)) in done {
            let tx = self.write(Serial::Outbox).await?;
            match self.leased_message(&tx, &ticket).await? {
                Some(item) => self.queue(&tx, call, &ticket, &item, &mail, &alternatives).await?,
                None => lost.push(ticket),
            }
            commit(tx).await?;
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        let item = self.leased_message(&tx, ticket).await?.ok_or_else(|| lease_lost(ticket))?;
        match fault.verdict {
            Verdict::Reject | Verdict::InDoubt => self.move_message(&tx, call, &item, MessageEvent::Fail, &fault.text).await?,
            Verdict::Hold => self.move_message(&tx, call, &item, MessageEvent::Hold, &fault.text).await?,
            Verdict::Retry { .. } => self.put_off(&tx, MESSAGES, "last_error", ticket, fault, 1).await?,
            Verdict::Pause | Verdict::Drop => self.put_off(&tx, MESSAGES, "last_error", ticket, fault, 0).await?,
        }
        commit(tx).await
    }
}

/// What a letter is written from: a company and its primary contact.
fn prospect(row: &QueryResult, contact: &QueryResult, token: Uuid) -> Result<Claim<DraftLetter>> {
    let company = company(row)?;
    let excerpt: String = get(row, "homepage_excerpt")?;
    let item = Prospect {
        contact_id: id(contact, "id")?,
        verification: verification(contact)?,
        source_url: get(contact, "source_url")?,
        excerpt: if excerpt.is_empty() { company.last_snippet.clone() } else { excerpt },
        campaign: company.batch_tag.clone(),
        to: EmailAddress::parse(&get::<String>(contact, "value")?)?,
        company,
    };
    Ok(Claim::new(ticket(row, token)?, item))
}

impl SqlStore {
    /// The bytes are kept and the letter gets its turn, one after the last of its mailbox.
    async fn queue(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        ticket: &Ticket,
        item: &Message,
        mail: &FrozenMail,
        alternatives: &[String],
    ) -> Result<()> {
        let sql = "SELECT max(scheduled_for) AS last FROM outreach_messages WHERE mailbox = $1 AND status IN ('queued', 'sending', 'sent')";
        let last = query_one(tx, sql, vec![mail.mailbox.clone().into()]).await?;
        let last = last.map(|row| maybe_at(&row, "last")).transpose()?.flatten();
        let send = &call.policy.send;
        let turn = window::next_turn(&send.window, call.now, last, pacing::delay(send.delay, call.random))?;
        let next = item.state.after(MessageEvent::Queue)?;
        let sets = "status = $3, scheduled_for = $4, mailbox = $5, alternatives = $6, message_id = $7, frozen = $8, from_email = $9,
            mx_class = $10, mx_records = $11, fallback = $12, tries = 0, next_try_at = NULL, updated_at = $13";
        self.finish(
            tx,
            MESSAGES,
            ticket,
            sets,
            vec![
                next.as_str().into(),
                turn.millis().into(),
                mail.mailbox.clone().into(),
                alternatives.join(" ").into(),
                mail.message_id.clone().into(),
                compose::dated(&mail.bytes, turn, send.window.zone).into(),
                mail.from.as_str().into(),
                mail.class.as_str().into(),
                mail.records.join(" ").into(),
                mail.fallback.into(),
                call.now.millis().into(),
            ],
        )
        .await?;
        self.note(tx, call.now, "pipeline", "queue", "message", &item.id.to_string(), &format!("{} at {turn}", mail.mailbox)).await
    }

    /// The address takes no mail: the next one of the company takes its place, if there is one.
    async fn address_is_dead(&self, tx: &DatabaseTransaction, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let company = self.leased_company(tx, ticket).await?.ok_or_else(|| lease_lost(ticket))?;
        let sql = "SELECT value FROM contacts WHERE company_id = $1 AND is_primary AND contact_type = 'email'";
        if let Some(row) = query_one(tx, sql, vec![company.id.uuid().into()]).await? {
            let found = Verification { state: Deliverability::Invalid, reason: fault.code.clone(), checked_at: Some(call.now) };
            self.keep_verification(tx, company.id, &get::<String>(&row, "value")?, &found).await?;
        }
        let another = self.choose_primary(tx, company.id, &[]).await?;
        let reason = (!another).then(|| fault.code.clone());
        // A refusal or a merge that came meanwhile stays.
        let next = if another { company.state } else { company.state.after(CompanyEvent::AddressLost).unwrap_or(company.state) };
        let sets = "status = $6, status_reason = $3, last_error = $4, tries = 0, next_try_at = NULL, updated_at = $5";
        let values = vec![reason.into(), fault.text.clone().into(), call.now.millis().into(), next.as_str().into()];
        self.finish(tx, "companies", ticket, sets, values).await.map(|_| ())
    }

    async fn insert_message(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        company: &Company,
        drafted: &Drafted,
        ticket: &Ticket,
    ) -> Result<()> {
        let sql = "SELECT id, value FROM contacts WHERE company_id = $1 AND is_primary AND contact_type = 'email'";
        let contact = query_one(tx, sql, vec![company.id.uuid().into()]).await?;
        self.finish(tx, "companies", ticket, "tries = 0, next_try_at = NULL, last_error = NULL", vec![]).await?;
        let Some(contact) = contact else { return Ok(()) };
        if let Some(found) = &drafted.verification {
            self.keep_verification(tx, company.id, &get::<String>(&contact, "value")?, found).await?;
        }
        let contact_id: Id<Contact> = id(&contact, "id")?;
        let to = EmailAddress::parse(&get::<String>(&contact, "value")?)?;
        // A refusal, or a company with a letter of its own, that came while the letter was written.
        let sql = format!("SELECT id FROM outreach_messages WHERE company_id IN {GROUP} AND status IN {LIVE} LIMIT 1");
        if query_one(tx, &sql, vec![company.id.uuid().into()]).await?.is_some() {
            return Ok(());
        }
        if company.state != CompanyState::ReadyToContact || self.covered(tx, &to).await?.is_some() {
            return Ok(());
        }
        let message = Message::id_of(contact_id, &company.batch_tag, 1);
        let approved = (!drafted.needs_review).then(|| MessageState::Draft.after(MessageEvent::Approve)).transpose()?;
        let touched = run(
            tx,
            "INSERT INTO outreach_messages (id, company_id, contact_id, campaign, step, to_email, subject, body, drafter, approval_hash,
                approved_at, approved_by, status, created_at, updated_at)
             VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) ON CONFLICT DO NOTHING",
            vec![
                message.uuid().into(),
                company.id.uuid().into(),
                contact_id.uuid().into(),
                company.batch_tag.clone().into(),
                to.as_str().into(),
                drafted.letter.subject.clone().into(),
                drafted.letter.body.clone().into(),
                drafted.drafter.clone().into(),
                drafted.approval_hash.clone().into(),
                approved.map(|_| call.now.millis()).into(),
                approved.map(|_| "policy".to_owned()).into(),
                approved.unwrap_or(MessageState::Draft).as_str().into(),
                call.now.millis().into(),
            ],
        )
        .await?;
        if touched == 0 {
            return Ok(());
        }
        let action = if approved.is_some() { "approve" } else { "draft" };
        let actor = if approved.is_some() { "policy" } else { "pipeline" };
        self.note(tx, call.now, actor, action, "message", &message.to_string(), &company.name).await
    }

    /// As [`SqlStore::locked`], for messages: their company is only looked at.
    pub(super) fn locked_message(&self, sql: &str) -> String {
        if self.is_postgres() { format!("{sql} FOR UPDATE OF m") } else { sql.to_owned() }
    }

    pub(super) async fn leased_message(&self, tx: &DatabaseTransaction, ticket: &Ticket) -> Result<Option<Message>> {
        let sql = self.locked_message(&format!("{MESSAGE} WHERE m.id = $1 AND m.claim_token = $2"));
        query_one(tx, &sql, vec![ticket.row.into(), ticket.token.into()]).await?.as_ref().map(message).transpose()
    }

    /// Moves a message, ends its lease, and says so in the journal.
    pub(super) async fn move_message(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        item: &Message,
        event: MessageEvent,
        text: &str,
    ) -> Result<()> {
        let next = item.state.after(event)?;
        run(
            tx,
            "UPDATE outreach_messages SET status = $2, last_error = $3, updated_at = $4, claimed_by = NULL, claim_token = NULL, claimed_until = 0
             WHERE id = $1",
            vec![item.id.uuid().into(), next.as_str().into(), text.into(), call.now.millis().into()],
        )
        .await?;
        self.note(tx, call.now, "pipeline", next.as_str(), "message", &item.id.to_string(), text).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_states_are_those_of_the_state_machine() {
        let listed = |is: fn(MessageState) -> bool| {
            let words: Vec<String> = MessageState::ALL.iter().filter(|state| is(**state)).map(|state| format!("'{state}'")).collect();
            format!("({})", words.join(", "))
        };
        let sorted = |list: &str| {
            let mut words: Vec<String> = list.trim_matches(['(', ')']).split(", ").map(str::to_owned).collect();
            words.sort();
            words
        };
        assert_eq!(sorted(LIVE), sorted(&listed(MessageState::is_live)));
        assert_eq!(sorted(MAY_HAVE_ARRIVED), sorted(&listed(MessageState::may_have_arrived)));
        assert!(DRAFT_LANE.contains(LIVE));
    }
}
