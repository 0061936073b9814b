//! What people ask for: reviews, mailboxes and their health, the journal.

use async_trait::async_trait;

use crate::domain::event::Event;
use crate::domain::flow::{CompanyEvent, Delivery, MessageEvent, MessageState};
use crate::domain::id::Id;
use crate::domain::mail::{Mailbox, MailboxHealth};
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::{Journal, Mailboxes, Reviews, Settlement};
use crate::rules::pacing::UNTIL_RESUMED;

use super::MemoryStore;

#[async_trait]
impl Reviews for MemoryStore {
    async fn messages(&self, state: Option<MessageState>, limit: u64) -> Result<Vec<Message>> {
        Ok(self.read(|tables| {
            let mut rows: Vec<_> = tables.messages.values().filter(|row| state.is_none_or(|state| row.message.state == state)).collect();
            rows.sort_by_key(|row| (row.created_at, row.message.id));
            rows.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).map(|row| row.message.clone()).collect()
        }))
    }

    async fn message(&self, id: Id<Message>) -> Result<Option<Message>> {
        Ok(self.read(|tables| tables.messages.get(&id).map(|row| row.message.clone())))
    }

    async fn approve(&self, id: Id<Message>, hash: &str, by: &str, now: Timestamp) -> Result<()> {
        self.move_by_hand(id, MessageEvent::Approve, "approve", by, now, Check::Text(hash))
    }

    async fn cancel(&self, id: Id<Message>, reason: &str, by: &str, now: Timestamp) -> Result<()> {
        self.move_by_hand(id, MessageEvent::Cancel, reason, by, now, Check::Nothing)
    }

    async fn settle(&self, id: Id<Message>, settlement: Settlement, by: &str, now: Timestamp) -> Result<()> {
        let (event, word) = match settlement {
            Settlement::Sent => (MessageEvent::SettleSent, "settled: sent"),
            Settlement::Again => (MessageEvent::SettleAgain, "settled: send again"),
            Settlement::Drop => (MessageEvent::Cancel, "settled: dropped"),
        };
        self.move_by_hand(id, event, word, by, now, Check::InDoubt)
    }

    async fn withdraw(&self, id: Id<Message>, by: &str, now: Timestamp) -> Result<()> {
        self.write(|tables, _| {
            let missing = || Error::new(ErrorKind::Rejected, format!("find the message {id}")).code("no_such_message");
            let item = tables.messages.get(&id).ok_or_else(missing)?.message.clone();
            item.may_be_withdrawn()?;
            tables.messages.remove(&id);
            let root = tables.root(item.company_id);
            if let Some(company) = tables.companies.get_mut(&root) {
                (company.lease.tries, company.lease.next_try_at) = (0, None);
                company.updated_at = now;
            }
            tables.note(now, by, "withdraw", ("message", &id.to_string()), &item.approval_hash);
            Ok(())
        })
    }
}

/// What must hold for a person's move besides the state machine.
#[derive(Clone, Copy, Debug)]
enum Check<'a> {
    Nothing,
    /// The text is the one that was seen.
    Text(&'a str),
    /// There is a doubt to be ended.
    InDoubt,
}

impl MemoryStore {
    fn move_by_hand(&self, id: Id<Message>, event: MessageEvent, word: &str, by: &str, now: Timestamp, check: Check<'_>) -> Result<()> {
        self.write(|tables, _| {
            let missing = || Error::new(ErrorKind::Rejected, format!("find the message {id}")).code("no_such_message");
            let item = tables.messages.get(&id).ok_or_else(missing)?.message.clone();
            let refused =
                |code: &'static str| Error::new(ErrorKind::Conflict, format!("approve the letter to {}", item.to.masked())).code(code);
            if matches!(check, Check::Text(seen) if seen != item.approval_hash) {
                return Err(refused("approval_stale").detail("its text is not the one that was shown; read it again"));
            }
            if matches!(check, Check::InDoubt) && item.state != MessageState::InDoubt {
                let doing = format!("end the doubt about the letter to {}, which is {}", item.to.masked(), item.state);
                return Err(Error::new(ErrorKind::Conflict, doing).code("illegal_transition"));
            }
            let next = item.state.after(event)?;
            if event == MessageEvent::Approve
                && let Some(why) = tables.suppressed(id)
            {
                return Err(refused("suppressed").detail(why));
            }
            let by = if by.is_empty() { "someone" } else { by };
            let row = tables.messages.get_mut(&id).ok_or_else(missing)?;
            row.message.state = next;
            row.updated_at = now;
            row.lease.settle();
            if event == MessageEvent::Approve {
                row.approved_at = Some(now);
                row.approved_by = Some(by.to_owned());
            }
            if event == MessageEvent::SettleSent {
                row.message.delivery = Some(Delivery::Accepted);
                row.message.sent_at = Some(now);
                tables.move_group(now, item.company_id, CompanyEvent::Contact);
            }
            tables.note(now, by, word, ("message", &id.to_string()), &item.approval_hash);
            Ok(())
        })
    }
}

#[async_trait]
impl Mailboxes for MemoryStore {
    async fn health(&self, mailboxes: &[Mailbox], now: Timestamp) -> Result<Vec<MailboxHealth>> {
        Ok(self.read(|tables| {
            let health = |mailbox: &Mailbox| {
                let (sent_24h, last_marked_at) = tables.pace(&mailbox.name, now);
                let pause = tables.pauses.get(&mailbox.name).filter(|pause| pause.until.is_none_or(|until| until > now));
                MailboxHealth {
                    name: mailbox.name.clone(),
                    sent_24h,
                    daily_cap: mailbox.daily_cap,
                    paused_until: pause.map(|pause| pause.until.unwrap_or(UNTIL_RESUMED)),
                    pause_reason: pause.map(|pause| pause.reason.clone()),
                    last_marked_at,
                }
            };
            mailboxes.iter().map(health).collect()
        }))
    }

    async fn pause(&self, mailbox: &str, until: Option<Timestamp>, reason: &str, by: &str, now: Timestamp) -> Result<()> {
        self.write(|tables, _| {
            tables.pause_mailbox(now, mailbox, until, &format!("{reason} (by {by})"), by);
            Ok(())
        })
    }

    async fn resume(&self, mailbox: &str, by: &str, now: Timestamp) -> Result<()> {
        self.write(|tables, _| {
            tables.pauses.remove(mailbox);
            // Letters that left it may come back to it.
            for row in tables.messages.values_mut().filter(|row| row.message.state == MessageState::Approved) {
                row.message.tried_mailboxes.retain(|tried| tried != mailbox);
            }
            tables.note(now, by, "resume", ("mailbox", mailbox), "");
            Ok(())
        })
    }
}

#[async_trait]
impl Journal for MemoryStore {
    async fn record(&self, event: &Event) -> Result<()> {
        self.write(|tables, _| {
            tables.journal.push(event.clone());
            Ok(())
        })
    }

    async fn events(&self, limit: u64) -> Result<Vec<Event>> {
        let mut newest: Vec<Event> = self.read(|tables| tables.journal.iter().rev().cloned().collect());
        newest.sort_by_key(|event| std::cmp::Reverse(event.at));
        newest.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(newest)
    }
}
