//! What searches cost: by mode, by tariff hour, by month.

use chrono::{Datelike, NaiveDate};

use crate::domain::money::Money;
use crate::domain::policy::{Prices, SearchPolicy};
use crate::domain::query::SearchMode;
use crate::domain::time::{NightWindow, Timestamp};
use crate::rules::planning::{is_cheap, opening};

/// The provider counts hours and months by Moscow time, which has no daylight saving.
const MOSCOW_MS: i64 = 3 * 3_600_000;

/// The price of one request that is submitted at an instant.
pub fn price(prices: &Prices, mode: SearchMode, at: Timestamp) -> Money {
    match (mode, is_cheap(at)) {
        (SearchMode::Deferred, true) => prices.deferred_night,
        (SearchMode::Deferred, false) => prices.deferred_day,
        (SearchMode::Synchronous, true) => prices.sync_night,
        (SearchMode::Synchronous, false) => prices.sync_day,
    }
}

/// The calendar month (Moscow time) that holds an instant: its first instant, and the first one after it.
pub fn month(at: Timestamp) -> (Timestamp, Timestamp) {
    let local = Timestamp::from_millis(at.millis() + MOSCOW_MS).day();
    let first = |year, month| {
        let day = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(local);
        Timestamp::from_millis(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() - MOSCOW_MS)
    };
    let next = if local.month() == 12 { (local.year() + 1, 1) } else { (local.year(), local.month() + 1) };
    (first(local.year(), local.month()), first(next.0, next.1))
}

/// What waiting slots will cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Estimate {
    /// Requests in the dear hours.
    pub day: u64,
    /// Requests in the cheap hours.
    pub night: u64,
    /// All of them together.
    pub cost: Money,
    /// Nights that hold at least one of them.
    pub nights: u64,
    /// What asking all of them in the cheap hours would save.
    pub saving: Money,
}

/// The cost of slots, one page each, and how many nights they take.
pub fn estimate(policy: &SearchPolicy, slots: &[Timestamp]) -> Estimate {
    let mut nights: Vec<Timestamp> = slots.iter().map(|slot| opening(policy.slot_window(), *slot).0).collect();
    nights.sort_unstable();
    nights.dedup();
    let night = slots.iter().filter(|slot| is_cheap(**slot)).count() as u64;
    let day = slots.len() as u64 - night;
    let cost: Money = slots.iter().map(|slot| price(&policy.prices, policy.mode, *slot)).sum();
    let cheap = match policy.mode {
        SearchMode::Deferred => policy.prices.deferred_night,
        SearchMode::Synchronous => policy.prices.sync_night,
    };
    let saving = Money::from_millionths(cost.millionths() - (cheap * slots.len() as u64).millionths());
    let nights = if policy.slot_window() == NightWindow::ALWAYS { 0 } else { nights.len() as u64 };
    Estimate { day, night, cost, nights, saving }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_month_begins_at_midnight_in_moscow() {
        let (first, end) = month(at("2026-01-31T20:59:59Z"));
        assert_eq!((first, end), (at("2025-12-31T21:00:00Z"), at("2026-01-31T21:00:00Z")));
        assert_eq!(month(at("2026-12-31T21:00:00Z")).1, at("2027-01-31T21:00:00Z"));
    }

    #[test]
    fn two_hours_of_the_usual_night_cost_the_day_price() {
        let slots = [at("2026-01-15T20:00:00Z"), at("2026-01-15T21:00:00Z"), at("2026-01-16T05:30:00Z")];
        let estimate = estimate(&SearchPolicy::default(), &slots);
        assert_eq!((estimate.day, estimate.night, estimate.nights), (2, 1, 1));
        assert_eq!(estimate.cost.to_string(), "0.08641");
        assert_eq!(estimate.saving.to_string(), "0.01018");
    }
}
