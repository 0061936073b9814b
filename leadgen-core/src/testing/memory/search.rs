//! The lanes from an operation to results: poll, ingest.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::flow::{OperationEvent, OperationState, QueryEvent, QueryState, ResultState};
use crate::domain::id::Id;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{KeptPage, Operation, Progress, RawPage, Reading, Sighting};
use crate::domain::time::Timestamp;
use crate::error::{Result, Verdict};
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, Fault, IngestPage, PollOperation, Ticket, Work};
use crate::rules::backoff::poll_pause;
use crate::rules::unanswered::after_operation;

use super::MemoryStore;
use super::leases::{Lease, first_due, lease_lost};
use super::ledger::{Hold, Side};
use super::tables::{OperationRow, ResultRow, Tables};

#[async_trait]
impl Lane<PollOperation> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<PollOperation>>> {
        self.write(|tables, lease_now| {
            tables.expire_operations(call, lease_now)?;
            let Some(allowed) = tables.polls_allowed(call) else { return Ok(vec![]) };
            let waits = |row: &&OperationRow| row.operation.state.is_open() && row.next_poll_at.is_some_and(|at| at <= call.now);
            let due = tables.operations.values().filter(waits);
            let due = due.filter(|row| row.lease.is_free(call, lease_now) && tables.is_asked_for(call, &row.operation));
            let due = due.map(|row| ((row.next_poll_at, row.operation.id), row.operation.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max.min(allowed)) {
                let token = tables.new_token();
                let Some(row) = tables.operations.get_mut(&id) else { continue };
                claims.push(Claim::new(row.lease.take::<PollOperation>(id.uuid(), token, call, lease_now), row.operation.clone()));
            }
            tables.use_quota(call, Side::Poll, claims.len() as u64);
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Progress)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, progress) in done {
            let kept = self.write(|tables, _| tables.keep_progress(call, &ticket, progress))?;
            if !kept {
                lost.push(ticket);
            }
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| match fault.verdict {
            Verdict::Retry { .. } | Verdict::Pause | Verdict::Drop => {
                let row = tables.leased_operation(ticket).ok_or_else(|| lease_lost(ticket))?;
                row.next_poll_at = Some(fault.retry_at);
                row.error = Some(fault.text.clone());
                row.lease.end();
                row.lease.tries += 1;
                tables.hold_polls(fault);
                Ok(())
            }
            Verdict::Reject | Verdict::Hold | Verdict::InDoubt => tables.fail_operation(call, ticket, fault),
        })
    }
}

#[async_trait]
impl Lane<IngestPage> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<IngestPage>>> {
        self.write(|tables, lease_now| {
            tables.forget_old_pages(call);
            let is_asked = |row: &OperationRow| {
                let query = tables.queries.get(&row.operation.query_id);
                query.is_some_and(|row| row.query.state == QueryState::InProgress && row.is_asked_for(call))
            };
            let due = tables.operations.values().filter(|row| row.is_unread() && is_asked(row) && row.lease.is_free(call, lease_now));
            let due = due.map(|row| ((row.completed_at, row.operation.id), row.operation.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                let token = tables.new_token();
                let Some(row) = tables.operations.get_mut(&id) else { continue };
                let ticket = row.lease.take::<IngestPage>(id.uuid(), token, call, lease_now);
                let (operation, hash) = (row.operation.clone(), row.page.clone().unwrap_or_default());
                if let (Some(asked), Some((_, bytes))) = (tables.queries.get(&operation.query_id), tables.pages.get(&hash)) {
                    let page = RawPage { bytes: bytes.to_vec() };
                    claims.push(Claim::new(ticket, KeptPage { operation, query: asked.query.clone(), page }));
                }
            }
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Reading)>) -> Result<Vec<Ticket>> {
        self.write(|tables, _| {
            let mut lost = Vec::new();
            for (ticket, reading) in done {
                if !tables.keep_reading(call, &ticket, reading)? {
                    lost.push(ticket);
                }
            }
            Ok(lost)
        })
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            // The page is paid for and kept: what may be our own trouble is tried again, and only what the page says fails it.
            let ours = match fault.verdict {
                Verdict::Drop | Verdict::Pause => Some(false),
                Verdict::Retry { .. } if is_our_trouble(&fault.code) && ticket.tries + 1 < IngestPage::TRIES => Some(true),
                Verdict::Retry { .. } | Verdict::Reject | Verdict::Hold | Verdict::InDoubt => None,
            };
            let Some(counted) = ours else { return tables.fail_operation(call, ticket, fault) };
            let row = tables.leased_operation(ticket).ok_or_else(|| lease_lost(ticket))?;
            row.error = Some(fault.text.clone());
            row.lease.put_off(fault, counted);
            Ok(())
        })
    }
}

/// Whether the code of a fault says nothing about the page.
fn is_our_trouble(code: &str) -> bool {
    matches!(code, "deadline" | "unavailable" | "database_busy" | "database_unavailable")
}

impl OperationRow {
    /// Whether its page is kept and not read yet.
    pub(super) fn is_unread(&self) -> bool {
        self.operation.state == OperationState::Done && self.page.is_some() && self.ingested_at.is_none()
    }
}

impl Tables {
    fn leased_operation(&mut self, ticket: &Ticket) -> Option<&mut OperationRow> {
        self.operations.get_mut(&Id::from_uuid(ticket.row)).filter(|row| row.lease.is_of(ticket))
    }

    /// How many polls may be made now; `None`: none, and the hold tells until when.
    fn polls_allowed(&mut self, call: &Call) -> Option<usize> {
        if self.held(Side::Poll, call.now).is_some() {
            return None;
        }
        let (allowed, again) = self.room(call, Side::Poll);
        if let Some(until) = again {
            self.holds.insert(Side::Poll, Hold { until, reason: "quota" });
            return None;
        }
        Some(usize::try_from(allowed).unwrap_or(usize::MAX))
    }

    /// They said when, or they do not know us: other operations need not be tried before.
    fn hold_polls(&mut self, fault: &Fault) {
        let reason = match fault.verdict {
            Verdict::Retry { after: Some(_) } if fault.code == "quota_exceeded" => "quota_exceeded",
            Verdict::Pause => "auth_failed",
            _ => return,
        };
        self.holds.insert(Side::Poll, Hold { until: fault.retry_at, reason });
    }

    fn keep_progress(&mut self, call: &Call, ticket: &Ticket, progress: Progress) -> Result<bool> {
        if self.leased_operation(ticket).is_none() {
            return Ok(false);
        }
        let page = match progress {
            Progress::Running => None,
            Progress::Done(page) => Some(self.keep_page(page, call.now)),
        };
        let Some(row) = self.leased_operation(ticket) else { return Ok(false) };
        row.error = None;
        if page.is_some() {
            row.operation.state = row.operation.state.after(OperationEvent::Finish)?;
            row.completed_at = Some(call.now);
            row.next_poll_at = None;
            row.page = page;
            row.lease.settle();
        } else {
            row.operation.state = row.operation.state.after(OperationEvent::Wait)?;
            row.operation.polls += 1;
            row.next_poll_at = Some(call.now + poll_pause(call.policy.search.poll_interval, row.operation.polls));
            row.lease.end();
            row.lease.tries = 0;
        }
        Ok(true)
    }

    /// Whether the lease still held.
    fn keep_reading(&mut self, call: &Call, ticket: &Ticket, reading: Reading) -> Result<bool> {
        let Some(row) = self.leased_operation(ticket) else { return Ok(false) };
        row.lease.settle();
        row.error = None;
        row.ingested_at = Some(call.now);
        row.reading = Reading { sightings: vec![], ..reading.clone() };
        let (operation, query) = (row.operation.id, row.operation.query_id);
        let page_number = self.queries.get(&query).map_or(0, |asked| asked.query.page);
        for sighting in reading.sightings {
            self.upsert_result(call.now, operation, sighting);
        }
        self.answered(call, query, reading.next_page)?;
        if let Some(row) = self.operations.get_mut(&operation) {
            row.page_number = page_number;
            if call.policy.search.keep_pages.is_zero() {
                row.page = None;
                self.forget_pages_of_nobody(None);
            }
        }
        Ok(true)
    }

    /// The query is answered, or its next page is asked: at once, a slot is a query's and not a page's.
    fn answered(&mut self, call: &Call, id: Id<SearchQuery>, next_page: Option<u32>) -> Result<()> {
        let Some(row) = self.queries.get_mut(&id).filter(|row| row.query.state == QueryState::InProgress) else { return Ok(()) };
        let event = if next_page.is_none() { QueryEvent::Complete } else { QueryEvent::PutBack };
        row.query.state = row.query.state.after(event)?;
        row.last_error = None;
        row.updated_at = call.now;
        row.lease.tries = 0;
        row.lease.next_try_at = None;
        if let Some(page) = next_page {
            row.query.page = page;
            row.query.scheduled_for = call.now;
        }
        Ok(())
    }

    /// Keeps a page by its hash; the same bytes are kept once.
    pub(super) fn keep_page(&mut self, page: RawPage, now: Timestamp) -> String {
        let hash = page.hash();
        let (came, _) = self.pages.entry(hash.clone()).or_insert_with(|| (now, Arc::from(page.bytes)));
        *came = now;
        hash
    }

    /// Raw answers past their retention go; one that nobody has read yet stays.
    fn forget_old_pages(&mut self, call: &Call) {
        if call.policy.search.keep_pages.is_zero() {
            return;
        }
        let oldest = call.now - call.policy.search.keep_pages;
        let is_old = |hash: &String| self.pages.get(hash).is_some_and(|(came, _)| *came < oldest);
        for row in self.operations.values_mut() {
            let ended = matches!(row.operation.state, OperationState::Failed | OperationState::Expired);
            if (row.ingested_at.is_some() || ended) && row.page.as_ref().is_some_and(is_old) {
                row.page = None;
            }
        }
        self.forget_pages_of_nobody(Some(oldest));
    }

    /// Pages that no operation refers to go, if they came before an instant.
    fn forget_pages_of_nobody(&mut self, before: Option<Timestamp>) {
        let used: BTreeSet<&String> = self.operations.values().filter_map(|row| row.page.as_ref()).collect();
        self.pages.retain(|hash, (came, _)| used.contains(hash) || before.is_some_and(|before| *came >= before));
    }

    fn fail_operation(&mut self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let row = self.leased_operation(ticket).ok_or_else(|| lease_lost(ticket))?;
        let (id, is_open) = (row.operation.id, row.operation.state.is_open());
        let event = if fault.code == "operation_expired" && is_open { OperationEvent::Expire } else { OperationEvent::Fail };
        let text = match &fault.evidence {
            Some(raw) => format!("{}\n{raw}", fault.text),
            None => fault.text.clone(),
        };
        self.close_operation(call, id, event, &fault.code, &text)
    }

    fn close_operation(&mut self, call: &Call, id: Id<Operation>, event: OperationEvent, code: &str, text: &str) -> Result<()> {
        let Some(row) = self.operations.get_mut(&id) else { return Ok(()) };
        row.operation.state = row.operation.state.after(event)?;
        row.error = Some(text.to_owned());
        row.completed_at = Some(call.now);
        row.next_poll_at = None;
        row.lease.end();
        let query = row.operation.query_id;
        let fate = after_operation(code, self.tried(call, query));
        let reason = text.lines().next().unwrap_or(text);
        self.unanswered(call, query, fate, call.now, reason)
    }

    fn expire_operations(&mut self, call: &Call, lease_now: Timestamp) -> Result<()> {
        let oldest = call.now - call.policy.search.retention;
        let is_old =
            |row: &&OperationRow| row.operation.state.is_open() && row.operation.requested_at < oldest && row.lease.is_over(lease_now);
        let old: Vec<Id<Operation>> = self.operations.values().filter(is_old).map(|row| row.operation.id).collect();
        for id in old {
            let text = "operation_expired: the provider keeps results no longer";
            self.close_operation(call, id, OperationEvent::Expire, "operation_expired", text)?;
        }
        Ok(())
    }

    pub(super) fn upsert_result(&mut self, now: Timestamp, operation: Id<Operation>, sighting: Sighting) {
        let id = Id::of(&["result", &operation.to_string(), &sighting.url]);
        if let Some(row) = self.results.get_mut(&id) {
            // Its address is the same, and so are its host and family.
            row.sighting = sighting;
            row.updated_at = now;
            return;
        }
        let row = ResultRow {
            operation,
            sighting,
            state: ResultState::New,
            score: None,
            company: None,
            last_error: None,
            created_at: now,
            updated_at: now,
            lease: Lease::default(),
        };
        self.results.insert(id, row);
    }
}
