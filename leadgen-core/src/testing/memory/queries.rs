//! The search queue: slots, tries, putting queries back; queries by hand; what previews and forecasts ask.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::flow::{QueryEvent, QueryState, ResultState};
use crate::domain::id::Id;
use crate::domain::policy::SearchPolicy;
use crate::domain::query::{Asking, ByHand, SearchQuery};
use crate::domain::report::{NicheYield, SearchOutcome};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{SearchQueue, Searches};
use crate::ports::work::{Call, Ticket};
use crate::rules::planning::{is_exhausted, next_night, night_slots};
use crate::rules::unanswered::{Tried, Unanswered};

use super::MemoryStore;
use super::leases::Lease;
use super::tables::{OperationRow, QueryRow, ResultRow, Tables};

/// Where no night is kept, a search that must wait waits at least so long.
const WITHOUT_NIGHT: std::time::Duration = std::time::Duration::from_mins(5);
/// The queries of a niche that are looked at to judge it.
const LAST: usize = 3;

#[async_trait]
impl Searches for MemoryStore {
    async fn ask(&self, query: &SearchQuery, asking: Asking) -> Result<ByHand> {
        self.write(|tables, lease_now| tables.ask(query, asking, lease_now))
    }

    async fn unask(&self, query: Id<SearchQuery>) -> Result<bool> {
        self.write(|tables, lease_now| {
            let never_asked = !tables.operations.values().any(|row| row.operation.query_id == query)
                && !tables.charges.values().any(|charge| charge.query == query);
            let waits = |row: &QueryRow| row.query.state == QueryState::Pending && !row.submit_unknown && row.query.niche_id.is_none();
            let is_idle = tables.queries.get(&query).is_some_and(|row| waits(row) && row.lease.is_over(lease_now));
            Ok(never_asked && is_idle && tables.queries.remove(&query).is_some())
        })
    }

    async fn outcome(&self, query: Id<SearchQuery>, since: Timestamp) -> Result<Option<SearchOutcome>> {
        Ok(self.read(|tables| tables.became_of(query, since)))
    }
}

#[async_trait]
impl SearchQueue for MemoryStore {
    async fn slots_of(&self, ids: &[Id<SearchQuery>]) -> Result<Vec<Option<Timestamp>>> {
        Ok(self.read(|tables| ids.iter().map(|id| tables.queries.get(id).map(|row| row.query.scheduled_for)).collect()))
    }

    async fn last_slot(&self) -> Result<Option<Timestamp>> {
        Ok(self.read(Tables::last_slot))
    }

    async fn waiting(&self, batch: Option<&str>) -> Result<Vec<Timestamp>> {
        Ok(self.read(|tables| {
            let waits = |row: &&QueryRow| row.query.state == QueryState::Pending && batch.is_none_or(|tag| row.query.batch_tag == tag);
            let mut slots: Vec<Timestamp> = tables.queries.values().filter(waits).map(|row| row.query.scheduled_for).collect();
            slots.sort_unstable();
            slots
        }))
    }

    async fn yields(&self, batch: Option<&str>) -> Result<Vec<NicheYield>> {
        Ok(self.read(|tables| tables.yields(batch)))
    }
}

/// The first instant at which what has to wait may be asked again.
pub(super) fn next_night_start(policy: &SearchPolicy, now: Timestamp, retry_at: Timestamp) -> Timestamp {
    if policy.enforce_night { next_night(policy.night, now) } else { retry_at.max(now + WITHOUT_NIGHT) }
}

impl Tables {
    pub(super) fn leased_query(&mut self, ticket: &Ticket) -> Option<&mut QueryRow> {
        self.queries.get_mut(&Id::from_uuid(ticket.row)).filter(|row| row.lease.is_of(ticket))
    }

    fn ask(&mut self, query: &SearchQuery, asking: Asking, lease_now: Timestamp) -> Result<ByHand> {
        let (slot, by_hand) = (query.scheduled_for, Some(query.batch_tag.clone()));
        let paid_in_vain = self.queries.get(&query.id).is_some_and(|row| self.is_paid_in_vain(row));
        let Some(row) = self.queries.get_mut(&query.id) else {
            let query = SearchQuery { state: QueryState::Pending, niche_id: None, retry_count: 0, page: 0, ..query.clone() };
            let (forecast, lease, last_error) = (asking.forecast, Lease::default(), None);
            self.queries
                .insert(query.id, QueryRow { query, forecast, submit_unknown: false, last_error, by_hand, updated_at: slot, lease });
            return Ok(ByHand::New);
        };
        let met = row.query.by_hand(!row.lease.is_over(lease_now), paid_in_vain, slot, asking.again);
        match met {
            ByHand::MovedUp | ByHand::Due => {
                row.query.scheduled_for = row.query.scheduled_for.min(slot);
                row.by_hand = by_hand;
                row.lease.next_try_at = None;
                row.updated_at = slot;
            }
            ByHand::Reopened => {
                row.query.state = row.query.state.after(QueryEvent::Reopen)?;
                row.query.scheduled_for = slot;
                row.by_hand = by_hand;
                row.forecast = row.forecast + asking.forecast;
                row.query.page = 0;
                row.query.retry_count = 0;
                row.last_error = None;
                row.lease.tries = 0;
                row.lease.next_try_at = None;
                row.updated_at = slot;
            }
            ByHand::BeingAsked if row.query.state == QueryState::InProgress => row.by_hand = by_hand,
            ByHand::New | ByHand::BeingAsked | ByHand::Answered | ByHand::PaidInVain => {}
        }
        Ok(met)
    }

    /// Whether it was, or may have been, paid without an answer that could be read: each page read has a charge of its own.
    fn is_paid_in_vain(&self, row: &QueryRow) -> bool {
        let charges = self.charges.values().filter(|charge| charge.query == row.query.id).count();
        let read = self.operations.values().filter(|of| of.operation.query_id == row.query.id && of.ingested_at.is_some()).count();
        charges > read || (row.submit_unknown && row.query.state != QueryState::Completed)
    }

    fn became_of(&self, query: Id<SearchQuery>, since: Timestamp) -> Option<SearchOutcome> {
        let row = self.queries.get(&query)?;
        let operations: Vec<&OperationRow> = self.operations.values().filter(|row| row.operation.query_id == query).collect();
        let last = operations.iter().max_by_key(|row| (row.operation.requested_at, std::cmp::Reverse(row.operation.id)));
        let brought: BTreeSet<_> =
            operations.iter().filter(|row| row.operation.requested_at >= since).map(|row| row.operation.id).collect();
        let results: BTreeSet<_> = self.results.iter().filter(|(_, row)| brought.contains(&row.operation)).map(|(id, _)| *id).collect();
        Some(SearchOutcome {
            query: row.query.clone(),
            last_error: row.last_error.clone(),
            paid_in_vain: self.is_paid_in_vain(row),
            asked: last.map(|row| (row.operation.requested_at, row.operation.handle.clone())),
            results: results.len() as u64,
            companies: self.lines(|row| row.birthplace.is_some_and(|result| results.contains(&result))),
        })
    }

    /// The last slot that is taken.
    pub(super) fn last_slot(&self) -> Option<Timestamp> {
        let takes_a_slot = |row: &&QueryRow| matches!(row.query.state, QueryState::Pending | QueryState::InProgress);
        self.queries.values().filter(takes_a_slot).map(|row| row.query.scheduled_for).max()
    }

    /// Free slots of the next night, after those taken there already.
    pub(super) fn later_slots(&self, policy: &SearchPolicy, now: Timestamp, retry_at: Timestamp, count: usize) -> Result<Vec<Timestamp>> {
        let start = next_night_start(policy, now, retry_at);
        if !policy.enforce_night {
            return Ok(vec![start; count]);
        }
        let last = self.last_slot().filter(|last| *last >= start);
        night_slots(policy.night, policy.spacing, start, last, count)
    }

    /// What the rules ask about a query.
    pub(super) fn tried(&self, call: &Call, id: Id<SearchQuery>) -> Tried {
        let row = self.queries.get(&id);
        Tried {
            attempts: row.map_or(0, |row| row.lease.tries),
            retries: row.map_or(0, |row| row.query.retry_count),
            max_retries: call.policy.search.max_retries,
            was_unknown: row.is_some_and(|row| row.submit_unknown),
        }
    }

    /// Puts an asked query back, or gives it up, as the rule said.
    pub(super) fn unanswered(&mut self, call: &Call, id: Id<SearchQuery>, fate: Unanswered, retry_at: Timestamp, text: &str) -> Result<()> {
        let later = if fate.waits_for_night() { self.later_slots(&call.policy.search, call.now, retry_at, 1)?.pop() } else { None };
        let Some(row) = self.queries.get_mut(&id) else { return Ok(()) };
        if !matches!(row.query.state, QueryState::Pending | QueryState::InProgress) {
            // Its end is written already; a late operation doesn't open it again.
            return Ok(());
        }
        row.query.state = row.query.state.after(fate.event())?;
        // An attempt of this night keeps its slot, and with it the order; only its next try is put off.
        row.query.scheduled_for = later.unwrap_or(row.query.scheduled_for);
        row.query.retry_count += u32::from(fate.counts());
        row.last_error = Some(text.to_owned());
        row.updated_at = call.now;
        let attempts = row.lease.tries + 1;
        row.lease.settle();
        if fate == Unanswered::Soon {
            row.lease.tries = attempts;
            row.lease.next_try_at = Some(retry_at);
        }
        Ok(())
    }

    fn yields(&self, batch: Option<&str>) -> Vec<NicheYield> {
        let mut by_niche: BTreeMap<(&str, &str), Vec<&QueryRow>> = BTreeMap::new();
        for row in self.queries.values() {
            let query = &row.query;
            if query.state == QueryState::Completed && batch.is_none_or(|tag| query.batch_tag == tag) {
                by_niche.entry((&query.niche, &query.city)).or_default().push(row);
            }
        }
        let mut yields: Vec<NicheYield> = Vec::new();
        for ((niche, city), mut answered) in by_niche {
            answered.sort_by_key(|row| (std::cmp::Reverse(row.updated_at), row.query.id));
            let last = answered.iter().take(LAST);
            let results: Vec<&ResultRow> = last.clone().flat_map(|row| self.results_of(row.query.id)).collect();
            let new = results.iter().filter(|row| row.state == ResultState::Unique).count() as u64;
            yields.push(NicheYield {
                niche: niche.to_owned(),
                city: city.to_owned(),
                answered: answered.len() as u64,
                last_results: results.len() as u64,
                last_new: new,
                exhausted: is_exhausted(last.len() as u64, results.len() as u64, new),
            });
        }
        yields.sort_by(|a, b| (a.last_new, &a.niche, &a.city).cmp(&(b.last_new, &b.niche, &b.city)));
        yields
    }

    fn results_of(&self, query: Id<SearchQuery>) -> impl Iterator<Item = &ResultRow> {
        let is_of = move |row: &&ResultRow| self.operations.get(&row.operation).is_some_and(|of| of.operation.query_id == query);
        self.results.values().filter(is_of)
    }
}
