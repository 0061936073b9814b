//! What searches cost, what quota they used, what holds them up.

use std::collections::BTreeMap;

use async_trait::async_trait;
use uuid::Uuid;

use crate::domain::id::Id;
use crate::domain::money::Money;
use crate::domain::policy::Quota;
use crate::domain::report::{self, CostLine};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::SearchLedger;
use crate::ports::work::{Call, Ticket};
use crate::rules::planning::{is_cheap, opening};
use crate::rules::{cost, quota};

use super::MemoryStore;
use super::tables::{Charge, Tables};

/// Which side of the provider a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Poll,
    Submit,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Poll => "poll",
        }
    }

    fn quota(self, call: &Call) -> Quota {
        match self {
            Self::Submit => call.policy.search.submit_quota,
            Self::Poll => call.policy.search.poll_quota,
        }
    }
}

/// What holds a side up.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) until: Timestamp,
    pub(super) reason: &'static str,
}

/// A hold that only time ends; a quota's or a window's is computed anew.
const ONLY_TIME_ENDS: [&str; 2] = ["quota_exceeded", "auth_failed"];

#[async_trait]
impl SearchLedger for MemoryStore {
    async fn costs(&self) -> Result<Vec<CostLine>> {
        Ok(self.read(|tables| {
            let mut lines: BTreeMap<&str, CostLine> = BTreeMap::new();
            for row in tables.queries.values() {
                let batch = row.query.batch_tag.as_str();
                let line = lines.entry(batch).or_insert_with(|| CostLine { batch: batch.to_owned(), ..CostLine::default() });
                line.queries += 1;
                line.forecast = line.forecast + row.forecast;
            }
            for charge in tables.charges.values() {
                let batch = charge.batch_tag.as_str();
                let line = lines.entry(batch).or_insert_with(|| CostLine { batch: batch.to_owned(), ..CostLine::default() });
                line.night += u64::from(charge.is_cheap);
                line.day += u64::from(!charge.is_cheap);
                line.cost = line.cost + charge.cost;
                line.unknown += u64::from(charge.is_unknown);
            }
            lines.into_values().collect()
        }))
    }

    async fn spent(&self, from: Timestamp, to: Timestamp) -> Result<Money> {
        Ok(self.read(|tables| tables.charged(from, to)))
    }

    async fn holds(&self, now: Timestamp) -> Result<Vec<report::Hold>> {
        Ok(self.read(|tables| {
            let held = tables.holds.iter().filter(|(_, hold)| hold.until > now);
            held.map(|(side, hold)| report::Hold { kind: side.as_str().into(), until: hold.until, reason: hold.reason.into() }).collect()
        }))
    }
}

/// What a barrier answers at the mark.
pub(super) fn barred(barrier: &Hold) -> Error {
    Error::new(ErrorKind::Conflict, "submit a query").code(barrier.reason).detail(format!("not before {}", barrier.until))
}

impl Tables {
    /// What keeps a submission from being made: what they said, the night, the budget, the quota; in this order. It is
    /// noted for people and for the agenda.
    pub(super) fn barrier(&mut self, call: &Call) -> Option<Hold> {
        if let Some(until) = self.held(Side::Submit, call.now) {
            return Some(Hold { until, reason: "held" });
        }
        let barrier = self.barrier_of_rules(call)?;
        self.holds.insert(Side::Submit, barrier.clone());
        Some(barrier)
    }

    fn barrier_of_rules(&self, call: &Call) -> Option<Hold> {
        let policy = &call.policy.search;
        let (start, _) = opening(policy.night, call.now);
        if policy.enforce_night && start > call.now {
            return Some(Hold { until: start, reason: "night_window_closed" });
        }
        if let Some(budget) = policy.budget {
            let (first, next) = cost::month(call.now);
            if self.charged(first, next) + cost::price(&policy.prices, policy.mode, call.now) > budget {
                return Some(Hold { until: next, reason: "budget_reached" });
            }
        }
        let (_, again) = self.room(call, Side::Submit);
        again.map(|until| Hold { until, reason: "quota" })
    }

    /// Calls of a side that are allowed now; if none, when to look again.
    pub(super) fn room(&self, call: &Call, side: Side) -> (u64, Option<Timestamp>) {
        let counted = |span: i64| {
            let tenths = self.quota.range((side, span, quota::oldest(span, call.now))..=(side, span, i64::MAX));
            tenths.map(|(_, calls)| calls).sum()
        };
        quota::room(side.quota(call), quota::SPANS.map(counted), call.now)
    }

    /// Counts calls of a side.
    pub(super) fn use_quota(&mut self, call: &Call, side: Side, calls: u64) {
        for span in quota::SPANS {
            *self.quota.entry((side, span, quota::bucket(span, call.now))).or_default() += calls;
        }
    }

    /// Until when a side is held up by what they said.
    pub(super) fn held(&self, side: Side, now: Timestamp) -> Option<Timestamp> {
        let hold = self.holds.get(&side).filter(|hold| hold.until > now && ONLY_TIME_ENDS.contains(&hold.reason));
        hold.map(|hold| hold.until)
    }

    /// Charges a submission at its mark; the charge bears the name of the lease.
    pub(super) fn charge(&mut self, call: &Call, ticket: &Ticket, batch_tag: String) {
        let policy = &call.policy.search;
        let cost = cost::price(&policy.prices, policy.mode, call.now);
        let (query, at) = (Id::from_uuid(ticket.row), call.now);
        let charge = Charge { query, batch_tag, at, is_cheap: is_cheap(call.now), cost, is_unknown: false };
        self.charges.insert(ticket.token, charge);
    }

    /// Nobody knows whether it was taken: it counts as paid.
    pub(super) fn doubt_charge(&mut self, token: Uuid) {
        if let Some(charge) = self.charges.get_mut(&token) {
            charge.is_unknown = true;
        }
    }

    fn charged(&self, from: Timestamp, to: Timestamp) -> Money {
        self.charges.values().filter(|charge| (from..to).contains(&charge.at)).map(|charge| charge.cost).sum()
    }
}
