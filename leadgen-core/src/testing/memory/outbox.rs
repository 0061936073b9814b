//! The send lane: caps, spacing, window and suppression at claim, and all of them again at the mark.

use async_trait::async_trait;

use crate::domain::flow::{CompanyEvent, Delivery, MessageEvent, MessageState};
use crate::domain::id::Id;
use crate::domain::mail::{FrozenMail, Receipt};
use crate::domain::message::Message;
use crate::domain::suppression::{Suppression, SuppressionScope, SuppressionSource};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{Call, Claim, Fault, SendLetter, Ticket};
use crate::rules::undelivered::{Marked, decide, end_of_tries, longer_wait};
use crate::rules::{pacing, window};

use super::MemoryStore;
use super::leases::{first_due, lease_lost, of_batch};
use super::tables::{Mark, MessageRow, Pause, Tables};

#[async_trait]
impl Lane<SendLetter> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<SendLetter>>> {
        self.write(|tables, lease_now| {
            tables.settle_abandoned_letters(call, lease_now)?;
            let mut claims = Vec::new();
            if !may_leave(call) {
                return Ok(claims);
            }
            for mailbox in &call.policy.send.mailboxes {
                if claims.len() >= call.max || tables.holds_back(call, &mailbox.name).is_some() {
                    continue;
                }
                claims.extend(tables.take_letter(call, &mailbox.name, lease_now)?);
            }
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Receipt)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, receipt) in done {
            let kept = self.write(|tables, _| tables.keep_receipt(call, &ticket, &receipt))?;
            if !kept {
                lost.push(ticket);
            }
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            let row = tables.leased_message(ticket).ok_or_else(|| lease_lost(ticket))?;
            let item = row.message.clone();
            let mailbox = item.mailbox.clone().unwrap_or_default();
            let has_alternative = row.alternatives.iter().any(|name| *name != mailbox && !item.tried_mailboxes.contains(name));
            let marked = if item.state == MessageState::Sending { Marked::Yes } else { Marked::No };
            let outcome = decide(fault.verdict, &fault.code, marked, has_alternative);
            if outcome.pause_for_good {
                tables.pause_mailbox(call.now, &mailbox, None, &fault.text, "pipeline");
            } else if outcome.pause_for_a_while {
                tables.pause_mailbox(call.now, &mailbox, Some(fault.retry_at), &fault.text, "pipeline");
            }
            match outcome.event {
                Some(MessageEvent::Unroute) => tables.unroute(call, item.id, &mailbox, &fault.text)?,
                Some(MessageEvent::PutBack) | None => tables.put_back(call, ticket, fault, outcome.event)?,
                Some(event) => tables.move_message(call.now, item.id, event, &fault.text)?,
            }
            if outcome.suppress {
                let entry = Suppression {
                    scope: SuppressionScope::Email,
                    value: item.to.as_str().to_owned(),
                    source: SuppressionSource::Bounce,
                    reason: fault.text.clone(),
                    registered_at: call.now,
                };
                tables.register(&entry, "pipeline")?;
            }
            Ok(())
        })
    }
}

#[async_trait]
impl OnceLane<SendLetter> for MemoryStore {
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        let refused = self.write(|tables, lease_now| {
            let item = tables.leased_message(ticket).ok_or_else(|| lease_lost(ticket))?.message.clone();
            let mailbox = item.mailbox.clone().unwrap_or_default();
            let refused =
                |code: &'static str| Ok(Some(Error::new(ErrorKind::Conflict, format!("send to {}", item.to.masked())).code(code)));
            if let Some(why) = tables.suppressed(item.id) {
                let why = format!("{why}, between the claim and the mark");
                tables.move_message(call.now, item.id, MessageEvent::Suppress, &why)?;
                return refused("suppressed");
            }
            let held_back = if may_leave(call) { tables.holds_back(call, &mailbox) } else { Some("window_closed") };
            let Some(row) = tables.leased_message(ticket) else { return Err(lease_lost(ticket)) };
            if let Some(code) = held_back {
                row.lease.end();
                return refused(code);
            }
            if !row.lease.pass::<SendLetter>(call, lease_now) {
                return Err(lease_lost(ticket));
            }
            row.message.state = item.state.after(MessageEvent::Mark)?;
            row.message.attempts += 1;
            row.marked_at = Some(call.now);
            row.updated_at = call.now;
            tables.marks.push(Mark { mailbox, at: call.now });
            Ok(None)
        })?;
        refused.map_or(Ok(()), Err)
    }

    async fn renew(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        self.write(|tables, lease_now| {
            let row = tables.leased_message(ticket).ok_or_else(|| lease_lost(ticket))?;
            row.lease.renew::<SendLetter>(call, lease_now);
            Ok(())
        })
    }
}

fn may_leave(call: &Call) -> bool {
    call.policy.send.enabled && window::is_open(&call.policy.send.window, call.now)
}

impl Tables {
    /// Past the mark, without a result, nobody at it: in doubt, never sent again by itself.
    fn settle_abandoned_letters(&mut self, call: &Call, lease_now: Timestamp) -> Result<()> {
        let abandoned = |row: &&MessageRow| row.message.state == MessageState::Sending && row.lease.is_over(lease_now);
        let abandoned: Vec<Id<Message>> = self.messages.values().filter(abandoned).map(|row| row.message.id).collect();
        for id in abandoned {
            let text = "delivery_unknown: the process ended after the letter was offered; the server may have it";
            self.move_message(call.now, id, MessageEvent::Doubt, text)?;
        }
        Ok(())
    }

    /// Why a mailbox may not send just now.
    fn holds_back(&self, call: &Call, mailbox: &str) -> Option<&'static str> {
        let Some(known) = call.policy.send.mailbox(mailbox) else { return Some("mailbox_paused") };
        if self.pauses.get(mailbox).is_some_and(|pause| pause.until.is_none_or(|until| call.now < until)) {
            return Some("mailbox_paused");
        }
        let (marked, last) = self.pace(mailbox, call.now);
        let allowed = pacing::may_send(marked, known.daily_cap, last, call.policy.send.delay.0, call.now);
        allowed.err().map(pacing::NotYet::code)
    }

    /// Letters of a mailbox marked in the counted span, and when the last one was.
    pub(super) fn pace(&self, mailbox: &str, now: Timestamp) -> (u32, Option<Timestamp>) {
        let marks = || self.marks.iter().filter(|mark| mark.mailbox == mailbox).map(|mark| mark.at);
        (marks().filter(|at| *at > now - pacing::COUNTED).count() as u32, marks().max())
    }

    fn take_letter(&mut self, call: &Call, mailbox: &str, lease_now: Timestamp) -> Result<Option<Claim<SendLetter>>> {
        let is_due = |row: &&MessageRow| {
            let message = &row.message;
            message.state == MessageState::Queued
                && message.mailbox.as_deref() == Some(mailbox)
                && message.scheduled_for.is_some_and(|turn| turn <= call.now)
                && row.lease.is_over(lease_now)
        };
        // Due letters whose recipient must not be written to go aside before anyone is given them.
        let due = self.messages.values().filter(is_due).map(|row| row.message.id);
        let refused: Vec<(Id<Message>, String)> = due.filter_map(|id| Some((id, self.suppressed(id)?))).collect();
        for (id, why) in refused {
            self.move_message(call.now, id, MessageEvent::Suppress, &why)?;
        }
        let due = self.messages.values().filter(is_due).filter(|row| row.lease.is_free(call, lease_now));
        let due = due.filter(|row| row.frozen.is_some() && of_batch(call, &row.message.campaign));
        let due = due.map(|row| ((row.message.scheduled_for, row.message.id), row.message.id)).collect();
        let Some(id) = first_due(due, 1).pop() else { return Ok(None) };
        let token = self.new_token();
        let Some(row) = self.messages.get_mut(&id) else { return Ok(None) };
        let mail: Option<FrozenMail> = row.frozen.as_deref().cloned();
        Ok(mail.map(|mail| Claim::new(row.lease.take::<SendLetter>(id.uuid(), token, call, lease_now), mail)))
    }

    /// Whether the lease still held.
    fn keep_receipt(&mut self, call: &Call, ticket: &Ticket, receipt: &Receipt) -> Result<bool> {
        let Some(row) = self.leased_message(ticket) else { return Ok(false) };
        row.message.state = row.message.state.after(MessageEvent::Accept)?;
        row.message.delivery = Some(Delivery::Accepted);
        row.message.sent_at = Some(call.now);
        row.message.last_error = None;
        row.receipt = Some(receipt.reply.clone());
        row.updated_at = call.now;
        row.lease.settle();
        let item = row.message.clone();
        self.move_group(call.now, item.company_id, CompanyEvent::Contact);
        let detail = format!("{} → {}: {}", item.mailbox.as_deref().unwrap_or(""), item.to.masked(), receipt.reply);
        self.note(call.now, "pipeline", "send", ("message", &item.id.to_string()), &detail);
        Ok(true)
    }

    fn unroute(&mut self, call: &Call, id: Id<Message>, mailbox: &str, text: &str) -> Result<()> {
        let Some(row) = self.messages.get_mut(&id) else { return Ok(()) };
        let message = &mut row.message;
        message.state = message.state.after(MessageEvent::Unroute)?;
        message.tried_mailboxes.push(mailbox.to_owned());
        message.route_error.get_or_insert_with(|| text.to_owned());
        message.message_id = None;
        message.mailbox = None;
        message.scheduled_for = None;
        message.last_error = Some(text.to_owned());
        row.frozen = None;
        row.updated_at = call.now;
        row.lease.end();
        self.note(call.now, "pipeline", "unroute", ("message", &id.to_string()), text);
        Ok(())
    }

    fn put_back(&mut self, call: &Call, ticket: &Ticket, fault: &Fault, event: Option<MessageEvent>) -> Result<()> {
        let Some(row) = self.leased_message(ticket) else { return Err(lease_lost(ticket)) };
        let counted = matches!(fault.verdict, Verdict::Retry { .. });
        let end = counted.then(|| end_of_tries(&fault.code, ticket.tries, call.policy.send.max_attempts)).flatten();
        let wait = longer_wait(&fault.code, ticket.tries);
        let fault = &Fault { retry_at: wait.map_or(fault.retry_at, |wait| call.now + wait), ..fault.clone() };
        for event in event.into_iter().chain(end) {
            row.message.state = row.message.state.after(event)?;
        }
        row.message.last_error = Some(fault.text.clone());
        row.updated_at = call.now;
        row.lease.put_off(fault, counted);
        Ok(())
    }

    pub(super) fn pause_mailbox(&mut self, now: Timestamp, mailbox: &str, until: Option<Timestamp>, why: &str, by: &str) {
        self.pauses.insert(mailbox.to_owned(), Pause { until, reason: why.to_owned() });
        self.note(now, by, "pause", ("mailbox", mailbox), why);
    }
}
