//! What is queued will cost and bring: by the price table, by what searches brought so far, by the caps of the mailboxes.

use serde::Serialize;

use crate::domain::money::Money;
use crate::domain::policy::{Policy, SearchPolicy};
use crate::domain::report::{Hold, NicheYield};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{Reports, SearchLedger, SearchQueue};
use crate::rules::cost::{self, Estimate};
use crate::rules::planning::opening;

/// Companies a query brings while nothing is known yet: of a hundred results most are catalogues or known already.
const COMPANIES_PER_QUERY: f64 = 12.0;
/// Companies with an address among all, while nothing is known yet.
const WITH_ADDRESS: f64 = 0.6;

/// Holds that stand until their time, whatever the settings say now; those of a window, a budget or a quota are found anew.
const ONLY_TIME_ENDS: [&str; 2] = ["quota_exceeded", "auth_failed"];

/// The forecast.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Queries that wait.
    pub queries: u64,
    /// Their cost and nights.
    pub estimate: Estimate,
    /// The first slot.
    pub first: Option<Timestamp>,
    /// The last slot.
    pub last: Option<Timestamp>,
    /// Charged in this calendar month (Moscow time).
    pub spent: Money,
    /// The limit of a calendar month.
    pub budget: Option<Money>,
    /// Whether the queue fits into what is left of it.
    pub within_budget: bool,
    /// Companies expected of these queries.
    pub companies: u64,
    /// Letters expected of these companies.
    pub letters: u64,
    /// Letters that may leave on one working day under the caps.
    pub letters_a_day: u64,
    /// The day on which the last of them leaves, if mailboxes are set up.
    pub last_letter: Option<String>,
    /// Niches whose last queries brought hardly anything new.
    pub exhausted: Vec<NicheYield>,
    /// What holds searches up now.
    pub holds: Vec<Hold>,
}

/// Looks at the queue of a batch, or at all of it.
pub async fn queue<S>(store: &S, batch: Option<&str>, policy: &Policy, now: Timestamp) -> Result<Forecast>
where
    S: SearchQueue + SearchLedger + Reports + ?Sized,
{
    let slots = store.waiting(batch).await?;
    let estimate = cost::estimate(&policy.search, &slots);
    let (from, to) = cost::month(now);
    let spent = store.spent(from, to).await?;
    let this_month: Vec<Timestamp> = slots.iter().copied().filter(|slot| *slot < to).collect();
    let wanted = cost::estimate(&policy.search, &this_month).cost + spent;
    let funnel = store.funnel(None).await?;
    let rate = |part: u64, whole: u64, usual: f64| if whole >= 20 { part as f64 / whole as f64 } else { usual };
    let companies = (slots.len() as f64 * rate(funnel.companies, funnel.pages, COMPANIES_PER_QUERY)).round();
    let letters = (companies * rate(funnel.drafted, funnel.companies, WITH_ADDRESS)).round();
    let letters_a_day = policy.send.mailboxes.iter().map(|mailbox| u64::from(mailbox.daily_cap)).sum();
    Ok(Forecast {
        queries: slots.len() as u64,
        first: slots.first().copied(),
        last: slots.last().copied(),
        spent,
        budget: policy.search.budget,
        within_budget: policy.search.budget.is_none_or(|budget| wanted <= budget),
        companies: companies as u64,
        letters: letters as u64,
        letters_a_day,
        last_letter: last_letter(slots.last().copied().unwrap_or(now), letters as u64, letters_a_day, &policy.send.window.weekdays),
        exhausted: store.yields(batch).await?.into_iter().filter(|niche| niche.exhausted).collect(),
        holds: store.holds(now).await?,
        estimate,
    })
}

/// What keeps searches from being handed over at an instant: what holds them, the night window, the budget; in this order.
pub async fn barrier<S>(store: &S, policy: &SearchPolicy, now: Timestamp) -> Result<Option<Hold>>
where
    S: SearchLedger + ?Sized,
{
    let hold = |until, reason: &str| Hold { kind: "submit".into(), until, reason: reason.into() };
    let held = store.holds(now).await?.into_iter().find(|hold| hold.kind == "submit" && ONLY_TIME_ENDS.contains(&hold.reason.as_str()));
    if held.is_some() {
        return Ok(held);
    }
    if policy.enforce_night {
        let (start, _) = opening(policy.night, now);
        if start > now {
            return Ok(Some(hold(start, "night_window_closed")));
        }
    }
    let Some(budget) = policy.budget else { return Ok(None) };
    let (from, to) = cost::month(now);
    let next = store.spent(from, to).await? + cost::price(&policy.prices, policy.mode, now);
    Ok((next > budget).then(|| hold(to, "budget_reached")))
}

/// Working days from the day after the last search until all letters have left.
fn last_letter(after: Timestamp, letters: u64, a_day: u64, weekdays: &[u8]) -> Option<String> {
    if a_day == 0 || letters == 0 || weekdays.is_empty() {
        return None;
    }
    let mut days = letters.div_ceil(a_day);
    let mut day = after.day();
    while days > 0 {
        day = day.succ_opt()?;
        let weekday = chrono::Datelike::weekday(&day).number_from_monday() as u8;
        if weekdays.contains(&weekday) {
            days -= 1;
        }
    }
    Some(day.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn letters_wait_for_working_days() {
        let friday = Timestamp::parse("2026-01-16T05:00:00Z").unwrap();
        assert_eq!(last_letter(friday, 90, 90, &[1, 2, 3, 4, 5]).unwrap(), "2026-01-19");
        assert_eq!(last_letter(friday, 91, 90, &[1, 2, 3, 4, 5]).unwrap(), "2026-01-20");
        assert_eq!(last_letter(friday, 5, 0, &[1]), None);
    }
}
