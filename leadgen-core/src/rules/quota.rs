//! Quotas that all workers of a store share: how many requests are still allowed, and when there will be more.
//!
//! Requests are counted in tenths of a second, of a minute and of an hour. Eleven tenths always cover the whole span
//! behind an instant, so no sliding window is ever passed; at worst a tenth of the quota stays unused.

use crate::domain::policy::Quota;
use crate::domain::time::Timestamp;

/// The spans, in milliseconds: a second, a minute, an hour.
pub const SPANS: [i64; 3] = [1000, 60_000, 3_600_000];
/// Tenths that are summed up.
const TENTHS: i64 = 10;

/// The tenth of a span that an instant lies in.
pub fn bucket(span: i64, at: Timestamp) -> i64 {
    at.millis().div_euclid(span / TENTHS)
}

/// The oldest tenth that still counts.
pub fn oldest(span: i64, at: Timestamp) -> i64 {
    bucket(span, at) - TENTHS
}

/// How many more requests are allowed now, `used` being the sums of the three spans; if none, when to look again.
pub fn room(quota: Quota, used: [u64; 3], now: Timestamp) -> (u64, Option<Timestamp>) {
    let allowed = [quota.per_second, quota.per_minute, quota.per_hour].map(u64::from);
    let left = allowed.iter().zip(used).map(|(allowed, used)| allowed.saturating_sub(used)).min().unwrap_or(0);
    if left > 0 {
        return (left, None);
    }
    let full = (0..SPANS.len()).rev().find(|index| used[*index] >= allowed[*index]).unwrap_or(0);
    let tenth = SPANS[full] / TENTHS;
    (0, Some(Timestamp::from_millis((bucket(SPANS[full], now) + 1) * tenth)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const QUOTA: Quota = Quota { per_second: 3, per_minute: 20, per_hour: 100 };

    #[test]
    fn no_sliding_window_is_ever_passed_and_the_quota_is_used() {
        let mut counts: HashMap<(i64, i64), u64> = HashMap::new();
        let mut asked: Vec<i64> = Vec::new();
        let mut now = Timestamp::from_millis(1_768_471_200_123);
        let end = now + std::time::Duration::from_hours(3);
        while now < end {
            let used =
                SPANS.map(|span| (oldest(span, now)..=bucket(span, now)).map(|b| counts.get(&(span, b)).copied().unwrap_or(0)).sum());
            match room(QUOTA, used, now) {
                (0, again) => now = again.unwrap_or(end),
                (_, _) => {
                    asked.push(now.millis());
                    for span in SPANS {
                        *counts.entry((span, bucket(span, now))).or_default() += 1;
                    }
                    now = now + std::time::Duration::from_millis(7);
                }
            }
        }
        for (span, most) in SPANS.into_iter().zip([3_usize, 20, 100]) {
            for (index, at) in asked.iter().enumerate() {
                let within = asked[..=index].iter().filter(|earlier| **earlier > at - span).count();
                assert!(within <= most, "{within} requests in {span} ms");
            }
        }
        assert!(asked.len() >= 270, "{} of 300 used", asked.len());
    }
}
