//! What more than one lane asks and does to queries: their slots, their tries, putting them back; and queries by hand.

use async_trait::async_trait;

use crate::domain::flow::{QueryEvent, QueryState};
use crate::domain::id::Id;
use crate::domain::policy::SearchPolicy;
use crate::domain::query::SearchQuery;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Searches;
use crate::ports::work::{Call, Ticket};
use crate::rules::planning::{next_night, night_slots};
use crate::rules::unanswered::{Tried, Unanswered};

use super::MemoryStore;
use super::leases::Lease;
use super::tables::{QueryRow, Tables};

#[async_trait]
impl Searches for MemoryStore {
    async fn enqueue(&self, queries: &[SearchQuery]) -> Result<u32> {
        self.write(|tables, _| {
            let mut waiting = 0;
            for query in queries {
                if let Some(row) = tables.queries.get_mut(&query.id) {
                    let Ok(reopened) = row.query.state.after(QueryEvent::Reopen) else { continue };
                    row.query.state = reopened;
                    row.query.scheduled_for = query.scheduled_for;
                    row.query.batch_tag.clone_from(&query.batch_tag);
                    row.updated_at = query.scheduled_for;
                } else {
                    let query = SearchQuery { state: QueryState::Pending, niche_id: None, retry_count: 0, ..query.clone() };
                    let updated_at = query.scheduled_for;
                    let row = QueryRow { submit_unknown: false, last_error: None, updated_at, lease: Lease::default(), query };
                    tables.queries.insert(row.query.id, row);
                }
                waiting += 1;
            }
            Ok(waiting)
        })
    }
}

impl Tables {
    pub(super) fn leased_query(&mut self, ticket: &Ticket) -> Option<&mut QueryRow> {
        self.queries.get_mut(&Id::from_uuid(ticket.row)).filter(|row| row.lease.is_of(ticket))
    }

    /// The last slot that is taken.
    pub(super) fn last_slot(&self) -> Option<Timestamp> {
        let takes_a_slot = |row: &&QueryRow| matches!(row.query.state, QueryState::Pending | QueryState::InProgress);
        self.queries.values().filter(takes_a_slot).map(|row| row.query.scheduled_for).max()
    }

    /// A free slot of the next night, after those taken there already.
    fn later_slot(&self, policy: &SearchPolicy, now: Timestamp, retry_at: Timestamp) -> Result<Timestamp> {
        if !policy.enforce_night {
            return Ok(retry_at);
        }
        let night = next_night(policy.night, now);
        let last = self.last_slot().filter(|last| *last >= night);
        Ok(night_slots(policy.night, policy.spacing, night, last, 1)?.first().copied().unwrap_or(night))
    }

    /// What the rules ask about a query.
    pub(super) fn tried(&self, call: &Call, id: Id<SearchQuery>) -> Tried {
        let row = self.queries.get(&id);
        Tried {
            retries: row.map_or(0, |row| row.query.retry_count),
            max_retries: call.policy.search.max_retries,
            was_unknown: row.is_some_and(|row| row.submit_unknown),
        }
    }

    /// Puts an asked query back, or gives it up, as the rule said.
    pub(super) fn unanswered(&mut self, call: &Call, id: Id<SearchQuery>, fate: Unanswered, retry_at: Timestamp, text: &str) -> Result<()> {
        let Some(old_slot) = self.queries.get(&id).map(|row| row.query.scheduled_for) else { return Ok(()) };
        let slot = match fate {
            Unanswered::Soon => retry_at.max(old_slot),
            Unanswered::NextNight | Unanswered::NextNightUncounted => self.later_slot(&call.policy.search, call.now, retry_at)?,
            Unanswered::AsItWas | Unanswered::GiveUp => old_slot,
        };
        let Some(row) = self.queries.get_mut(&id) else { return Ok(()) };
        row.query.state = row.query.state.after(fate.event())?;
        row.query.scheduled_for = slot;
        row.query.retry_count += u32::from(fate.counts());
        row.last_error = Some(text.to_owned());
        row.updated_at = call.now;
        row.lease.end();
        row.lease.next_try_at = None;
        Ok(())
    }
}
