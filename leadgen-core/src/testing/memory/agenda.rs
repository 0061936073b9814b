//! What is to do, and when: every waiting row with the stage it waits for.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::domain::flow::{CompanyState, MessageState, NicheState, QueryState, ResultState};
use crate::domain::report::LaneLoad;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Agenda;

use super::MemoryStore;
use super::leases::Lease;
use super::ledger::Side;
use super::tables::{OperationRow, Tables};

#[async_trait]
impl Agenda for MemoryStore {
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        Ok(self.read(|tables| {
            let due = tables.waiting().into_iter().flat_map(|waiting| [waiting.slot, waiting.lease.next_try_at]);
            due.chain(tables.lifted_holds(now)).flatten().filter(|at| *at > now).min()
        }))
    }

    async fn loads(&self, now: Timestamp) -> Result<Vec<LaneLoad>> {
        let lease_now = self.lease_clock.now();
        Ok(self.read(|tables| {
            let mut loads: BTreeMap<&str, LaneLoad> = BTreeMap::new();
            for waiting in tables.waiting() {
                let empty = || LaneLoad { stage: waiting.stage.to_owned(), waiting: 0, due: 0, held: 0, oldest_due: None };
                let load = loads.entry(waiting.stage).or_insert_with(empty);
                let due_at = waiting.since.max(waiting.slot).max(waiting.lease.next_try_at).unwrap_or(now);
                load.waiting += 1;
                if !waiting.lease.is_over(lease_now) {
                    load.held += 1;
                } else if due_at <= now {
                    load.due += 1;
                    load.oldest_due = Some(load.oldest_due.map_or(due_at, |oldest| oldest.min(due_at)));
                }
            }
            loads.into_values().collect()
        }))
    }
}

/// A row that waits for a stage.
struct Waiting<'a> {
    stage: &'static str,
    /// When it came into the lane.
    since: Option<Timestamp>,
    /// The turn it was given, for lanes that give turns.
    slot: Option<Timestamp>,
    lease: &'a Lease,
}

impl Tables {
    fn waiting(&self) -> Vec<Waiting<'_>> {
        let mut all = Vec::new();
        for row in self.niches.values().filter(|row| row.niche.state == NicheState::Admitted) {
            all.push(Waiting { stage: "plan", since: Some(row.niche.admitted_at), slot: None, lease: &row.lease });
        }
        for row in self.queries.values().filter(|row| row.query.state == QueryState::Pending) {
            all.push(Waiting { stage: "submit", since: None, slot: Some(row.query.scheduled_for), lease: &row.lease });
        }
        for row in self.operations.values() {
            if row.operation.state.is_open() {
                all.push(Waiting { stage: "poll", since: None, slot: row.next_poll_at, lease: &row.lease });
            } else if row.is_unread() && self.is_asked(row) {
                all.push(Waiting { stage: "ingest", since: row.completed_at, slot: None, lease: &row.lease });
            }
        }
        for row in self.results.values().filter(|row| row.state == ResultState::New) {
            all.push(Waiting { stage: "dedupe", since: Some(row.created_at), slot: None, lease: &row.lease });
        }
        for row in self.companies.values() {
            if row.company.state == CompanyState::New && row.company.canonical_domain.is_some() && !row.opt_out {
                all.push(Waiting { stage: "enrich", since: Some(row.company.first_seen_at), slot: None, lease: &row.lease });
            } else if self.waits_for_a_letter(row) {
                let since = row.last_visit_at.or(Some(row.company.first_seen_at));
                all.push(Waiting { stage: "draft", since, slot: None, lease: &row.lease });
            }
        }
        for row in self.messages.values() {
            match row.message.state {
                MessageState::Approved => all.push(Waiting { stage: "route", since: row.approved_at, slot: None, lease: &row.lease }),
                MessageState::Queued => {
                    all.push(Waiting { stage: "send", since: None, slot: row.message.scheduled_for, lease: &row.lease });
                }
                MessageState::Sending => {
                    all.push(Waiting { stage: "send", since: row.message.scheduled_for, slot: None, lease: &row.lease });
                }
                _ => {}
            }
        }
        all
    }

    /// Whether an operation's query waits for its page.
    fn is_asked(&self, row: &OperationRow) -> bool {
        self.queries.get(&row.operation.query_id).is_some_and(|asked| asked.query.state == QueryState::InProgress)
    }

    /// When what is due already, but held up by the night, a quota or the budget, may go on.
    fn lifted_holds(&self, now: Timestamp) -> [Option<Timestamp>; 2] {
        let submits = self.queries.values().any(|row| row.query.state == QueryState::Pending && row.query.scheduled_for <= now);
        let polls = self.operations.values().any(|row| row.operation.state.is_open() && row.next_poll_at.is_some_and(|at| at <= now));
        let lifted = |side: Side| self.holds.get(&side).map(|hold| hold.until);
        [lifted(Side::Submit).filter(|_| submits), lifted(Side::Poll).filter(|_| polls)]
    }
}
