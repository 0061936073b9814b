//! The doors: rows, own companies and signals come in, each once.

use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;

use crate::domain::flow::{CompanyEvent, Delivery, MessageEvent, MessageState, NicheEvent, NicheState, ResultState};
use crate::domain::id::Id;
use crate::domain::lead::{Cursor, LeadRow, RowStatus};
use crate::domain::message::Message;
use crate::domain::signal::{Signal, SignalKind};
use crate::domain::suppression::{Suppression, SuppressionScope};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{Admit, Admitted, Cursors, ImportedCompany, RowOutcomes};
use crate::rules::effects::{self, effect, outranks};

use super::MemoryStore;
use super::companies::Born;
use super::tables::{NicheRow, SignalRow, Tables};

#[async_trait]
impl Admit<LeadRow> for MemoryStore {
    async fn admit(&self, source: &str, items: &[LeadRow], next: Option<&Cursor>, now: Timestamp) -> Result<Admitted> {
        self.write(|tables, _| {
            let mut admitted = Admitted::default();
            let mut seen = BTreeSet::new();
            for (seq, row) in items.iter().enumerate() {
                // Two rows with one content are one niche.
                if !seen.insert(row.niche_id()) {
                    admitted.known += 1;
                } else if let Some(known) = tables.niches.get_mut(&row.niche_id()) {
                    known.niche.state = known.niche.state.after(NicheEvent::Readmit)?;
                    known.niche.admitted_at = now;
                    known.seq = seq;
                    known.last_error = None;
                    known.lease.tries = 0;
                    known.lease.next_try_at = None;
                    admitted.known += 1;
                } else {
                    tables.niches.insert(row.niche_id(), NicheRow::admitted(row, seq, now));
                    admitted.new += 1;
                }
            }
            tables.keep_cursor(source, next);
            Ok(admitted)
        })
    }
}

#[async_trait]
impl Admit<ImportedCompany> for MemoryStore {
    async fn admit(&self, source: &str, items: &[ImportedCompany], next: Option<&Cursor>, now: Timestamp) -> Result<Admitted> {
        self.write(|tables, _| {
            let mut admitted = Admitted::default();
            for item in items {
                if tables.import(item, now)? {
                    admitted.new += 1;
                } else {
                    admitted.known += 1;
                }
            }
            tables.keep_cursor(source, next);
            Ok(admitted)
        })
    }
}

#[async_trait]
impl Admit<Signal> for MemoryStore {
    async fn admit(&self, source: &str, items: &[Signal], next: Option<&Cursor>, now: Timestamp) -> Result<Admitted> {
        self.write(|tables, _| {
            let mut admitted = Admitted::default();
            for signal in items {
                let key = (signal.mailbox.clone(), signal.key.clone());
                if tables.signals.contains_key(&key) {
                    admitted.known += 1;
                    continue;
                }
                let matched = tables.matching(signal);
                // What strangers write about other things is none of our business to keep.
                let text = if matched.is_some() { signal.text.clone() } else { String::new() };
                tables.signals.insert(key, SignalRow { signal: Signal { text, ..signal.clone() }, message: matched, read_at: now });
                match matched {
                    None => admitted.unmatched += 1,
                    Some(message) => {
                        tables.carry_out(signal, message, now)?;
                        admitted.new += 1;
                    }
                }
            }
            tables.keep_cursor(source, next);
            Ok(admitted)
        })
    }
}

#[async_trait]
impl Cursors for MemoryStore {
    async fn cursor(&self, source: &str) -> Result<Option<Cursor>> {
        Ok(self.read(|tables| tables.cursors.get(source).cloned().map(Cursor)))
    }
}

#[async_trait]
impl RowOutcomes for MemoryStore {
    async fn outcomes(&self, rows: &[LeadRow]) -> Result<Vec<Option<RowStatus>>> {
        let mut told = HashSet::new();
        Ok(self.read(|tables| {
            let outcome = |row: &LeadRow| {
                let is_first = told.insert(row.niche_id());
                tables.outcome(row).map(|outcome| if is_first { outcome } else { outcome.repeated() })
            };
            rows.iter().map(outcome).collect()
        }))
    }
}

impl Tables {
    fn keep_cursor(&mut self, source: &str, next: Option<&Cursor>) {
        if let Some(next) = next {
            self.cursors.insert(source.to_owned(), next.0.clone());
        }
    }

    fn outcome(&self, row: &LeadRow) -> Option<RowStatus> {
        let id = row.niche_id();
        let known = self.niches.get(&id)?;
        if known.niche.state == NicheState::Admitted {
            return known.last_error.as_ref().map(|remark| RowStatus::waiting(row, remark.clone()));
        }
        let log = self.batch_logs.iter().rev().find(|log| log.niche == id)?;
        Some(RowStatus {
            row: row.clone(),
            fate: log.fate,
            generated: log.generated as u32,
            inserted: log.inserted as u32,
            duplicates: (log.generated - log.inserted) as u32,
            first_slot: log.first_slot,
            last_slot: log.last_slot,
            last_error: log.error.clone(),
        })
    }

    /// Takes a company of an own list in with its contacts; whether it was new.
    fn import(&mut self, item: &ImportedCompany, now: Timestamp) -> Result<bool> {
        let newborn = &item.newborn;
        let born = Born {
            newborn,
            industry: &item.industry,
            region: &item.region,
            batch_tag: &item.batch_tag,
            snippet: "",
            result: None,
            inn: item.inn.as_deref(),
            ogrn: item.ogrn.as_deref(),
        };
        let (company, verdict, _) = self.settle(now, &born, &item.contacts())?;
        if let Some(host) = &newborn.canonical_domain {
            self.hosts.entry(host.to_string()).or_insert(company);
        }
        let is_new = verdict == ResultState::Unique;
        Ok(is_new)
    }

    /// The letter a signal is about: one it quotes, else the latest to that address within two weeks.
    fn matching(&self, signal: &Signal) -> Option<Id<Message>> {
        let of_id = |quoted: &String| self.messages.values().find(|row| row.message.message_id.as_ref() == Some(quoted));
        if let Some(row) = signal.quoted_ids.iter().find_map(of_id) {
            return Some(row.message.id);
        }
        let about = signal.about.as_ref().filter(|_| effects::may_match_by_address(signal.kind))?;
        let since = signal.at - effects::WEAK_MATCH;
        let written = self.messages.values().filter(|row| row.message.to == *about && row.marked_at.is_some_and(|at| at >= since));
        written.max_by_key(|row| row.marked_at).map(|row| row.message.id)
    }

    fn carry_out(&mut self, signal: &Signal, id: Id<Message>, now: Timestamp) -> Result<()> {
        let Some(mut item) = self.messages.get(&id).map(|row| row.message.clone()) else { return Ok(()) };
        if item.state == MessageState::InDoubt && item.message_id.as_ref().is_some_and(|ours| signal.quoted_ids.contains(ours)) {
            item = self.settle_by_evidence(item, now)?;
        }
        let kind = effects::hardened(signal.kind, self.soft_bounces(&item, now));
        let effect = effect(kind);
        if let Some(delivery) = effect.delivery.filter(|new| outranks(*new, item.delivery))
            && let Some(row) = self.messages.get_mut(&id)
        {
            row.message.delivery = Some(delivery);
            row.updated_at = now;
            self.note(now, "inbox", delivery.as_str(), ("message", &id.to_string()), &signal.intent);
        }
        if let Some(event) = effect.company.filter(|event| *event != CompanyEvent::OptOut) {
            self.move_group(now, item.company_id, event);
        }
        if let Some(source) = effect.suppress {
            let reason = if signal.text.is_empty() { kind.as_str().to_owned() } else { signal.text.clone() };
            let entry =
                Suppression { scope: SuppressionScope::Email, value: item.to.as_str().to_owned(), source, reason, registered_at: now };
            self.register(&entry, "inbox")?;
        }
        Ok(())
    }

    /// Whoever quotes a letter has it: the doubt is over.
    fn settle_by_evidence(&mut self, item: Message, now: Timestamp) -> Result<Message> {
        let Some(row) = self.messages.get_mut(&item.id) else { return Ok(item) };
        row.message.state = row.message.state.after(MessageEvent::SettleSent)?;
        row.message.delivery = Some(Delivery::Accepted);
        row.message.sent_at = row.marked_at.or(Some(now));
        row.updated_at = now;
        let settled = row.message.clone();
        self.note(now, "inbox", "settled: quoted", ("message", &settled.id.to_string()), "");
        self.move_group(now, settled.company_id, CompanyEvent::Contact);
        Ok(settled)
    }

    /// Soft bounces of an address within the span in which they add up, this one included.
    fn soft_bounces(&self, item: &Message, now: Timestamp) -> usize {
        let is_about = |row: &&SignalRow| {
            let of = row.message.and_then(|id| self.messages.get(&id));
            row.signal.kind == SignalKind::SoftBounce
                && row.read_at >= now - effects::SOFT_SPAN
                && of.is_some_and(|of| of.message.to == item.to)
        };
        self.signals.values().filter(is_about).count()
    }
}
