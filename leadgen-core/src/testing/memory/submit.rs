//! The submit lane: a query is marked, then asked.

use async_trait::async_trait;

use crate::domain::flow::{OperationEvent, OperationState, QueryEvent, QueryState};
use crate::domain::id::Id;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{Operation, Reading, Submission};
use crate::domain::time::Timestamp;
use crate::error::{Result, Verdict};
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{Call, Claim, Fault, SubmitQuery, Ticket};
use crate::rules::unanswered::{Unanswered, after_submit};

use super::MemoryStore;
use super::leases::{Lease, first_due, lease_lost};
use super::ledger::{Hold, Side, barred};
use super::tables::{OperationRow, QueryRow, Tables};

/// Credentials that are not accepted are not tried again sooner.
const AUTH_PAUSE: std::time::Duration = std::time::Duration::from_mins(1);

#[async_trait]
impl Lane<SubmitQuery> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<SubmitQuery>>> {
        self.write(|tables, lease_now| {
            tables.settle_abandoned_queries(call, lease_now)?;
            let is_due = |row: &&QueryRow| row.query.state == QueryState::Pending && row.query.scheduled_for <= call.now;
            if !tables.queries.values().any(|row| is_due(&row)) || tables.barrier(call).is_some() {
                return Ok(vec![]);
            }
            let due = tables
                .queries
                .values()
                .filter(is_due)
                .filter(|row| row.is_asked_for(call) && row.lease.is_free(call, lease_now) && !tables.has_open_operation(row.query.id));
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
                row.lease.settle();
                let query = row.query.id;
                tables.insert_operation(call, query, &ticket, submission).map(|()| true)
            })?;
            if !kept {
                lost.push(ticket);
            }
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, lease_now| {
            let row = tables.leased_query(ticket).ok_or_else(|| lease_lost(ticket))?;
            let id = row.query.id;
            if row.query.state == QueryState::Pending && fault.verdict != Verdict::Reject {
                row.last_error = Some(fault.text.clone());
                row.lease.put_off(fault, false);
                return Ok(());
            }
            let tried = tables.tried(call, id);
            if fault.verdict == Verdict::InDoubt {
                tables.flag_unknown(id, ticket.token);
            } else {
                // The provider definitely did not take it.
                tables.charges.remove(&ticket.token);
            }
            let fate = after_submit(fault.verdict, &fault.code, tried);
            tables.unanswered(call, id, fate, fault.retry_at, &fault.text)?;
            tables.hold_submissions(call, fault, fate, lease_now)
        })
    }
}

#[async_trait]
impl OnceLane<SubmitQuery> for MemoryStore {
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        let refused = self.write(|tables, lease_now| {
            if let Some(barrier) = tables.barrier(call) {
                if let Some(row) = tables.leased_query(ticket) {
                    row.lease.end();
                }
                return Ok(Some(barred(&barrier)));
            }
            let row = tables.leased_query(ticket).ok_or_else(|| lease_lost(ticket))?;
            let marked = row.query.state.after(QueryEvent::Mark)?;
            if !row.lease.pass::<SubmitQuery>(call, lease_now) {
                return Err(lease_lost(ticket));
            }
            row.query.state = marked;
            row.updated_at = call.now;
            let batch_tag = row.query.batch_tag.clone();
            tables.charge(call, ticket, batch_tag);
            tables.use_quota(call, Side::Submit, 1);
            Ok(None)
        })?;
        refused.map_or(Ok(()), Err)
    }

    async fn renew(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        self.write(|tables, lease_now| {
            let row = tables.leased_query(ticket).ok_or_else(|| lease_lost(ticket))?;
            row.lease.renew::<SubmitQuery>(call, lease_now);
            Ok(())
        })
    }
}

impl Tables {
    fn has_open_operation(&self, query: Id<SearchQuery>) -> bool {
        self.operations.values().any(|row| row.operation.query_id == query && row.operation.state.is_open())
    }

    /// Marked, no operation, nobody at it: it may have been paid. Shown, and asked once more on a later night.
    fn settle_abandoned_queries(&mut self, call: &Call, lease_now: Timestamp) -> Result<()> {
        // The commit that keeps an operation takes the token away.
        let is_marked = |row: &&QueryRow| row.query.state == QueryState::InProgress && row.lease.is_over(lease_now);
        let abandoned = self.queries.values().filter(is_marked);
        let abandoned: Vec<_> = abandoned.filter_map(|row| row.lease.token().map(|token| (row.query.id, token))).collect();
        for (id, token) in abandoned {
            let fate = after_submit(Verdict::InDoubt, "submit_unknown", self.tried(call, id));
            self.flag_unknown(id, token);
            let text = "submit_unknown: the process ended between the call and its answer; the search may have been paid";
            self.unanswered(call, id, fate, call.now, text)?;
        }
        Ok(())
    }

    fn flag_unknown(&mut self, id: Id<SearchQuery>, token: uuid::Uuid) {
        if let Some(row) = self.queries.get_mut(&id) {
            row.submit_unknown = true;
        }
        self.doubt_charge(token);
    }

    /// What one query met may concern all of them.
    fn hold_submissions(&mut self, call: &Call, fault: &Fault, fate: Unanswered, lease_now: Timestamp) -> Result<()> {
        let hold = match fate {
            Unanswered::NextNightUncounted => return self.postpone_due(call, fault, lease_now),
            Unanswered::WhenTheySaid => Hold { until: fault.retry_at, reason: "quota_exceeded" },
            Unanswered::AsItWas if fault.verdict == Verdict::Pause => {
                Hold { until: fault.retry_at.max(call.now + AUTH_PAUSE), reason: "auth_failed" }
            }
            Unanswered::AsItWas | Unanswered::Soon | Unanswered::NextNight | Unanswered::GiveUp => return Ok(()),
        };
        self.holds.insert(Side::Submit, hold);
        Ok(())
    }

    /// A quota is used up: what is due behind the refused query waits for the next night as well, in its old order.
    fn postpone_due(&mut self, call: &Call, fault: &Fault, lease_now: Timestamp) -> Result<()> {
        let policy = &call.policy.search;
        if !policy.enforce_night {
            let until = super::queries::next_night_start(policy, call.now, fault.retry_at);
            self.holds.insert(Side::Submit, Hold { until, reason: "quota_exceeded" });
            return Ok(());
        }
        let due = self
            .queries
            .values()
            .filter(|row| row.query.state == QueryState::Pending && row.query.scheduled_for <= call.now && row.lease.is_over(lease_now));
        let due = first_due(due.map(|row| ((row.query.scheduled_for, row.query.id), row.query.id)).collect(), usize::MAX);
        let slots = self.later_slots(policy, call.now, fault.retry_at, due.len())?;
        for (id, slot) in due.into_iter().zip(slots) {
            let Some(row) = self.queries.get_mut(&id) else { continue };
            row.query.scheduled_for = slot;
            row.lease.tries = 0;
            row.lease.next_try_at = None;
            row.updated_at = call.now;
        }
        Ok(())
    }

    fn insert_operation(&mut self, call: &Call, query: Id<SearchQuery>, ticket: &Ticket, submission: Submission) -> Result<()> {
        let (handle, page) = match submission {
            Submission::Deferred(handle) => (handle, None),
            // A quick provider gives no name; the lease that asked is one of a kind.
            Submission::Ready(page) => (format!("sync:{}", ticket.token), Some(page)),
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
            page: page.map(|page| self.keep_page(page, call.now)),
            page_number: 0,
            ingested_at: None,
            reading: Reading::default(),
            error: None,
            lease: Lease::default(),
        };
        self.operations.insert(id, row);
        Ok(())
    }
}
