//! The draft and route lanes: a company becomes a message, a message gets its bytes and its turn.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::Contact;
use crate::domain::flow::{CompanyEvent, CompanyState, MessageEvent, MessageState};
use crate::domain::id::Id;
use crate::domain::letter::{Drafted, Prospect};
use crate::domain::mail::FrozenMail;
use crate::domain::message::Message;
use crate::domain::name::EmailAddress;
use crate::domain::suppression::SuppressionScope;
use crate::domain::time::Timestamp;
use crate::domain::verification::{Deliverability, Verification};
use crate::error::{Result, Verdict};
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, DraftLetter, Fault, RouteLetter, Ticket, Work};
use crate::rules::setback::{Setback, setback};
use crate::rules::{compose, pacing, verify, window};

use super::MemoryStore;
use super::leases::{Lease, first_due, lease_lost, of_batch};
use super::tables::{CompanyRow, MessageRow, Tables, Way};

/// A company whose letter can't be written waits a day.
const NEXT_DRAFT: std::time::Duration = std::time::Duration::from_hours(24);

#[async_trait]
impl Lane<DraftLetter> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<DraftLetter>>> {
        self.write(|tables, lease_now| {
            let due = tables.companies.values().filter(|row| {
                tables.waits_for_a_letter(row) && of_batch(call, &row.company.batch_tag) && row.lease.is_free(call, lease_now)
            });
            let due = due.map(|row| ((row.company.first_seen_at, row.company.id), row.company.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                let Some(contact) = tables.primary(id).cloned() else { continue };
                let to = EmailAddress::parse(&contact.found.value)?;
                let covered = tables.covered(&to).is_some() || tables.refusal_of_group(id).is_some();
                let token = tables.new_token();
                let Some(row) = tables.companies.get_mut(&id) else { continue };
                if covered {
                    row.lease.next_try_at = Some(call.now + NEXT_DRAFT);
                    continue;
                }
                let ticket = row.lease.take::<DraftLetter>(id.uuid(), token, call, lease_now);
                claims.push(Claim::new(ticket, prospect(row, contact, to)));
            }
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Drafted)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, drafted) in done {
            let kept = self.write(|tables, _| tables.insert_message(call, &ticket, drafted))?;
            if !kept {
                lost.push(ticket);
            }
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            let row = tables.leased_company(ticket).ok_or_else(|| lease_lost(ticket))?;
            row.last_error = Some(fault.text.clone());
            match setback(fault.verdict, ticket.tries, DraftLetter::TRIES) {
                Setback::Again { counted } => row.lease.put_off(fault, counted),
                Setback::GiveUp if verify::is_bad(&fault.code) => {
                    row.lease.settle();
                    let id = row.company.id;
                    tables.address_is_dead(call, id, fault);
                }
                Setback::GiveUp => {
                    row.lease.put_off(&Fault { retry_at: call.now + NEXT_DRAFT, ..fault.clone() }, true);
                    row.company.state_reason = Some("generation_failed".to_owned());
                    row.updated_at = call.now;
                }
            }
            Ok(())
        })
    }
}

#[async_trait]
impl Lane<RouteLetter> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<RouteLetter>>> {
        self.write(|tables, lease_now| {
            let waits = |row: &&MessageRow| row.message.state == MessageState::Approved && of_batch(call, &row.message.campaign);
            let due = tables.messages.values().filter(waits).filter(|row| row.lease.is_free(call, lease_now));
            let due = due.map(|row| ((row.approved_at, row.message.id), row.message.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                if let Some(why) = tables.suppressed(id) {
                    tables.move_message(call.now, id, MessageEvent::Suppress, &why)?;
                    continue;
                }
                let token = tables.new_token();
                let Some(row) = tables.messages.get_mut(&id) else { continue };
                claims.push(Claim::new(row.lease.take::<RouteLetter>(id.uuid(), token, call, lease_now), row.message.clone()));
            }
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, (FrozenMail, Vec<String>))>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, (mail, alternatives)) in done {
            let kept = self.write(|tables, _| tables.queue_letter(call, &ticket, mail, alternatives))?;
            if !kept {
                lost.push(ticket);
            }
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            let row = tables.leased_message(ticket).ok_or_else(|| lease_lost(ticket))?;
            let id = row.message.id;
            match fault.verdict {
                Verdict::Reject | Verdict::InDoubt => tables.move_message(call.now, id, MessageEvent::Fail, &fault.text),
                Verdict::Hold => tables.move_message(call.now, id, MessageEvent::Hold, &fault.text),
                Verdict::Retry { .. } | Verdict::Pause | Verdict::Drop => {
                    row.message.last_error = Some(fault.text.clone());
                    row.lease.put_off(fault, matches!(fault.verdict, Verdict::Retry { .. }));
                    Ok(())
                }
            }
        })
    }
}

fn prospect(row: &CompanyRow, contact: Contact, to: EmailAddress) -> Prospect {
    let company = row.company.clone();
    Prospect {
        contact_id: contact.id,
        to,
        verification: contact.verification,
        source_url: contact.found.source_url,
        excerpt: if row.excerpt.is_empty() { company.last_snippet.clone() } else { row.excerpt.clone() },
        campaign: company.batch_tag.clone(),
        company,
    }
}

impl Tables {
    /// A company with a primary address that was never written to, in a campaign that did not write to it yet.
    pub(super) fn waits_for_a_letter(&self, row: &CompanyRow) -> bool {
        let company = &row.company;
        let Some(contact) = self.primary(company.id) else { return false };
        let to_address = |row: &MessageRow| row.message.contact_id == contact.id || row.message.to.as_str() == contact.found.value;
        let of_campaign = |message: &Message| message.campaign == company.batch_tag && message.state != MessageState::Cancelled;
        // A group is written to once, whichever of its companies the letter names.
        let was_written_to = self.messages.values().any(to_address)
            || self.letters_of_group(company.id).any(|message| message.state.is_live() || of_campaign(message));
        company.state == CompanyState::ReadyToContact
            && !row.opt_out
            && row.lease.tries < DraftLetter::TRIES
            && !was_written_to
            && !self.registry.contains_key(&(SuppressionScope::Email, contact.found.value.clone()))
    }

    /// The address takes no mail: the next one of the company takes its place, if there is one.
    fn address_is_dead(&mut self, call: &Call, company: Id<Company>, fault: &Fault) {
        if let Some(id) = self.primary(company).map(|contact| contact.id)
            && let Some(contact) = self.contacts.get_mut(&id)
        {
            contact.verification = Verification { state: Deliverability::Invalid, reason: fault.code.clone(), checked_at: Some(call.now) };
        }
        let another = self.choose_primary(company, &[]);
        if let Some(row) = self.companies.get_mut(&company) {
            row.company.state_reason = (!another).then(|| fault.code.clone());
            if !another {
                // A refusal or a merge that came meanwhile stays.
                row.company.state = row.company.state.after(CompanyEvent::AddressLost).unwrap_or(row.company.state);
            }
            row.updated_at = call.now;
        }
    }

    /// Whether the lease still held.
    fn insert_message(&mut self, call: &Call, ticket: &Ticket, drafted: Drafted) -> Result<bool> {
        let Some(row) = self.leased_company(ticket) else { return Ok(false) };
        row.last_error = None;
        row.lease.settle();
        let company = row.company.clone();
        let Some(contact) = self.primary(company.id) else { return Ok(true) };
        let (contact_id, to) = (contact.id, EmailAddress::parse(&contact.found.value)?);
        if let Some(found) = &drafted.verification {
            self.keep_verification(company.id, to.as_str(), found);
        }
        let id = Message::id_of(contact_id, &company.batch_tag, 1);
        // A refusal, or a company with a letter of its own, may have come while the letter was written.
        if self.letters_of_group(company.id).any(|message| message.state.is_live()) {
            return Ok(true);
        }
        if company.state != CompanyState::ReadyToContact || self.covered(&to).is_some() || self.messages.contains_key(&id) {
            return Ok(true);
        }
        let (state, actor, action) = if drafted.needs_review {
            (MessageState::Draft, "pipeline", "draft")
        } else {
            (MessageState::Draft.after(MessageEvent::Approve)?, "policy", "approve")
        };
        let approved = (!drafted.needs_review).then_some(call.now);
        let row = MessageRow {
            message: Message {
                id,
                company_id: company.id,
                company_name: company.name.clone(),
                contact_id,
                campaign: company.batch_tag.clone(),
                step: 1,
                to,
                letter: drafted.letter,
                state,
                delivery: None,
                approval_hash: drafted.approval_hash,
                tried_mailboxes: vec![],
                route_error: None,
                scheduled_for: None,
                sent_at: None,
                mailbox: None,
                message_id: None,
                attempts: 0,
                last_error: None,
            },
            drafter: drafted.drafter,
            approved_at: approved,
            approved_by: approved.map(|_| "policy".to_owned()),
            frozen: None,
            way: None,
            alternatives: vec![],
            receipt: None,
            marked_at: None,
            created_at: call.now,
            updated_at: call.now,
            lease: Lease::default(),
        };
        self.messages.insert(id, row);
        self.note(call.now, actor, action, ("message", &id.to_string()), &company.name);
        Ok(true)
    }

    /// Gives a routed letter its turn; whether the lease still held.
    fn queue_letter(&mut self, call: &Call, ticket: &Ticket, mail: FrozenMail, alternatives: Vec<String>) -> Result<bool> {
        let last = self.last_turn(&mail.mailbox);
        let Some(row) = self.leased_message(ticket) else { return Ok(false) };
        let send = &call.policy.send;
        let turn = window::next_turn(&send.window, call.now, last, pacing::delay(send.delay, call.random))?;
        row.message.state = row.message.state.after(MessageEvent::Queue)?;
        row.message.scheduled_for = Some(turn);
        row.message.mailbox = Some(mail.mailbox.clone());
        row.message.message_id = Some(mail.message_id.clone());
        row.alternatives = alternatives;
        row.way = Some(Way { class: mail.class, records: mail.records.clone(), fallback: mail.fallback });
        row.updated_at = call.now;
        row.lease.settle();
        let (id, detail) = (row.message.id, format!("{} at {turn}", mail.mailbox));
        row.frozen = Some(Arc::new(FrozenMail { bytes: compose::dated(&mail.bytes, turn, send.window.zone), ..mail }));
        self.note(call.now, "pipeline", "queue", ("message", &id.to_string()), &detail);
        Ok(true)
    }

    /// The last turn that a letter of a mailbox has or had.
    fn last_turn(&self, mailbox: &str) -> Option<Timestamp> {
        let has_a_turn = |row: &&MessageRow| {
            let state = row.message.state;
            row.message.mailbox.as_deref() == Some(mailbox)
                && matches!(state, MessageState::Queued | MessageState::Sending | MessageState::Sent)
        };
        self.messages.values().filter(has_a_turn).filter_map(|row| row.message.scheduled_for).max()
    }
}
