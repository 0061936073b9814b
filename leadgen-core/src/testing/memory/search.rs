//! The lanes from a query to results: submit, poll, ingest.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::flow::{OperationEvent, OperationState, QueryEvent, QueryState, ResultState};
use crate::domain::id::Id;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{KeptPage, Operation, Progress, RawPage, Reading, Sighting, Submission};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{Call, Claim, Fault, IngestPage, PollOperation, SubmitQuery, Ticket};
use crate::rules::backoff::poll_pause;
use crate::rules::planning::night_open;
use crate::rules::unanswered::{Tried, after_operation, after_submit};

use super::MemoryStore;
use super::leases::{Lease, first_due, lease_lost, of_batch};
use super::tables::{OperationRow, QueryRow, ResultRow, Tables};

fn night_allows(call: &Call) -> bool {
    !call.policy.search.enforce_night || night_open(call.policy.search.night, call.now)
}

#[async_trait]
impl Lane<SubmitQuery> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<SubmitQuery>>> {
        self.write(|tables, lease_now| {
            tables.settle_abandoned_queries(call, lease_now)?;
            if !night_allows(call) {
                return Ok(vec![]);
            }
            let waits = |row: &&QueryRow| row.query.state == QueryState::Pending && row.query.scheduled_for <= call.now;
            let due = tables.queries.values().filter(waits).filter(|row| {
                of_batch(call, &row.query.batch_tag) && row.lease.is_free(call, lease_now) && !tables.has_open_operation(row.query.id)
            });
            let due = due.map(|row| ((row.query.scheduled_for, row.query.id), row.query.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                let token = tables.new_token();
                let Some(row) = tables.queries.get_mut(&id) else { continue };
                claims.push(Claim::new(row.lease.take::<SubmitQuery>(id.uuid(), token, call, lease_now), row.query.clone()));
            }
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Submission)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, submission) in done {
            let kept = self.write(|tables, _| {
                let Some(row) = tables.leased_query(&ticket) else { return Ok(false) };
                row.last_error = None;
                row.lease.end();
                let query = row.query.id;
                tables.insert_operation(call, query, submission).map(|()| true)
            })?;
            if !kept {
                lost.push(ticket);
            }
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            let row = tables.leased_query(ticket).ok_or_else(|| lease_lost(ticket))?;
            let id = row.query.id;
            if row.query.state == QueryState::Pending && fault.verdict != Verdict::Reject {
                row.last_error = Some(fault.text.clone());
                row.lease.put_off(fault, false);
                return Ok(());
            }
            let in_doubt = fault.verdict == Verdict::InDoubt;
            let was_unknown = in_doubt && row.submit_unknown;
            row.submit_unknown |= in_doubt;
            let tried = Tried { was_unknown, ..tables.tried(call, id) };
            let fate = after_submit(fault.verdict, &fault.code, tried);
            tables.unanswered(call, id, fate, fault.retry_at, &fault.text)?;
            if fault.verdict == Verdict::Pause
                && let Some(row) = tables.queries.get_mut(&id)
            {
                row.lease.next_try_at = Some(fault.retry_at);
            }
            Ok(())
        })
    }
}

#[async_trait]
impl OnceLane<SubmitQuery> for MemoryStore {
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        let refused = self.write(|tables, _| {
            if !night_allows(call) {
                if let Some(row) = tables.leased_query(ticket) {
                    row.lease.end();
                }
                return Ok(Some(Error::new(ErrorKind::Conflict, "submit a query").code("night_window_closed")));
            }
            let row = tables.leased_query(ticket).filter(|row| row.query.state == QueryState::Pending).ok_or_else(|| lease_lost(ticket))?;
            row.query.state = row.query.state.after(QueryEvent::Mark)?;
            row.updated_at = call.now;
            Ok(None)
        })?;
        refused.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Lane<PollOperation> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<PollOperation>>> {
        self.write(|tables, lease_now| {
            tables.expire_operations(call, lease_now)?;
            let waits = |row: &&OperationRow| row.operation.state.is_open() && row.next_poll_at.is_some_and(|at| at <= call.now);
            let due = tables.operations.values().filter(waits);
            let due = due.filter(|row| row.lease.is_free(call, lease_now) && of_batch(call, tables.batch_of(&row.operation)));
            let due = due.map(|row| ((row.next_poll_at, row.operation.id), row.operation.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                let token = tables.new_token();
                let Some(row) = tables.operations.get_mut(&id) else { continue };
                claims.push(Claim::new(row.lease.take::<PollOperation>(id.uuid(), token, call, lease_now), row.operation.clone()));
            }
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
            let is_asked = |row: &OperationRow| {
                let query = tables.queries.get(&row.operation.query_id);
                query.is_some_and(|row| row.query.state == QueryState::InProgress && of_batch(call, &row.query.batch_tag))
            };
            let waits = |row: &&OperationRow| row.operation.state == OperationState::Done && row.page.is_some() && is_asked(row);
            let due = tables.operations.values().filter(waits).filter(|row| row.lease.is_free(call, lease_now));
            let due = due.map(|row| ((row.completed_at, row.operation.id), row.operation.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                let token = tables.new_token();
                let Some(row) = tables.operations.get_mut(&id) else { continue };
                let ticket = row.lease.take::<IngestPage>(id.uuid(), token, call, lease_now);
                let (operation, hash) = (row.operation.clone(), row.page.clone().unwrap_or_default());
                if let (Some(asked), Some(bytes)) = (tables.queries.get(&operation.query_id), tables.pages.get(&hash)) {
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
                let Some(row) = tables.leased_operation(&ticket) else {
                    lost.push(ticket);
                    continue;
                };
                row.lease.end();
                row.lease.tries = 0;
                let (operation, query) = (row.operation.id, row.operation.query_id);
                for sighting in reading.sightings {
                    tables.upsert_result(call, operation, sighting);
                }
                if let Some(row) = tables.queries.get_mut(&query).filter(|row| row.query.state == QueryState::InProgress) {
                    row.query.state = row.query.state.after(QueryEvent::Complete)?;
                    row.last_error = None;
                    row.updated_at = call.now;
                }
            }
            Ok(lost)
        })
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            if fault.verdict != Verdict::Drop {
                return tables.fail_operation(call, ticket, fault);
            }
            if let Some(row) = tables.leased_operation(ticket) {
                row.lease.end();
            }
            Ok(())
        })
    }
}

impl Tables {
    fn leased_operation(&mut self, ticket: &Ticket) -> Option<&mut OperationRow> {
        self.operations.get_mut(&Id::from_uuid(ticket.row)).filter(|row| row.lease.is_of(ticket))
    }

    fn has_open_operation(&self, query: Id<SearchQuery>) -> bool {
        self.operations.values().any(|row| row.operation.query_id == query && row.operation.state.is_open())
    }

    /// Marked, no operation, nobody at it: it may have been paid. Shown, and asked once more on a later night.
    fn settle_abandoned_queries(&mut self, call: &Call, lease_now: Timestamp) -> Result<()> {
        let has_answer = |row: &QueryRow| {
            self.operations.values().any(|known| {
                let state = known.operation.state;
                known.operation.query_id == row.query.id
                    && (state.is_open() || state == OperationState::Done)
                    && known.operation.requested_at >= row.updated_at
            })
        };
        let abandoned = |row: &&QueryRow| {
            row.query.state == QueryState::InProgress && row.lease.was_taken() && row.lease.is_over(lease_now) && !has_answer(row)
        };
        let abandoned: Vec<Id<SearchQuery>> = self.queries.values().filter(abandoned).map(|row| row.query.id).collect();
        for id in abandoned {
            let fate = after_submit(Verdict::InDoubt, "submit_unknown", self.tried(call, id));
            if let Some(row) = self.queries.get_mut(&id) {
                row.submit_unknown = true;
            }
            let text = "submit_unknown: the process ended between the call and its answer; the search may have been paid";
            self.unanswered(call, id, fate, call.now, text)?;
        }
        Ok(())
    }

    fn insert_operation(&mut self, call: &Call, query: Id<SearchQuery>, submission: Submission) -> Result<()> {
        let (handle, page) = match submission {
            Submission::Deferred(handle) => (handle, None),
            Submission::Ready(page) => (format!("sync:{}:{}", query, call.now.millis()), Some(page)),
        };
        if self.operations.values().any(|row| row.operation.handle == handle) {
            return Ok(());
        }
        let id = Operation::id_of(query, &handle);
        let state = match page {
            Some(_) => OperationState::Created.after(OperationEvent::Finish)?,
            None => OperationState::Created,
        };
        let row = OperationRow {
            operation: Operation { id, query_id: query, handle, state, requested_at: call.now, polls: 0 },
            completed_at: page.as_ref().map(|_| call.now),
            next_poll_at: page.is_none().then_some(call.now + call.policy.search.poll_interval),
            page: page.map(|page| self.keep_page(page)),
            error: None,
            lease: Lease::default(),
        };
        self.operations.insert(id, row);
        Ok(())
    }

    fn keep_progress(&mut self, call: &Call, ticket: &Ticket, progress: Progress) -> Result<bool> {
        let page = match progress {
            Progress::Running => None,
            Progress::Done(page) => Some(self.keep_page(page)),
        };
        let Some(row) = self.leased_operation(ticket) else { return Ok(false) };
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

    /// Keeps a page by its hash; the same bytes are kept once.
    fn keep_page(&mut self, page: RawPage) -> String {
        let hash = page.hash();
        self.pages.entry(hash.clone()).or_insert_with(|| Arc::from(page.bytes));
        hash
    }

    fn fail_operation(&mut self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let row = self.leased_operation(ticket).ok_or_else(|| lease_lost(ticket))?;
        let (id, is_open) = (row.operation.id, row.operation.state.is_open());
        let event = if fault.code == "operation_expired" && is_open { OperationEvent::Expire } else { OperationEvent::Fail };
        self.close_operation(call, id, event, &fault.code, &fault.text)
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
        self.unanswered(call, query, fate, call.now, text)
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

    fn upsert_result(&mut self, call: &Call, operation: Id<Operation>, sighting: Sighting) {
        let id = Id::of(&["result", &operation.to_string(), &sighting.url]);
        if let Some(known) = self.results.get_mut(&id) {
            known.sighting = Sighting {
                domain: known.sighting.domain.clone(),
                registrable_domain: known.sighting.registrable_domain.clone(),
                ..sighting
            };
            known.updated_at = call.now;
            return;
        }
        let row = ResultRow {
            operation,
            sighting,
            state: ResultState::New,
            score: None,
            company: None,
            last_error: None,
            created_at: call.now,
            updated_at: call.now,
            lease: Lease::default(),
        };
        self.results.insert(id, row);
    }
}
