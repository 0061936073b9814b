//! How long an item waits before it is tried again.

use std::time::Duration;

/// Letters wait 15 min, 1 h, 4 h, 12 h, 24 h, 48 h.
const LETTER_MINUTES: [u64; 6] = [15, 60, 240, 720, 1440, 2880];
/// Everything else waits 1, 5, 30 minutes.
const MINUTES: [u64; 3] = [1, 5, 30];
/// Polls that fail wait 1, 2, 5 minutes: the result is kept for some hours only.
const POLL_MINUTES: [u64; 3] = [1, 2, 5];
/// A search that was definitely not taken is asked again after 1, 5, 25 seconds of the same night.
const SUBMIT_SECONDS: [u64; 3] = [1, 5, 25];
/// A look-up of mail hosts waits half an hour.
const ROUTE_MINUTES: [u64; 1] = [30];
/// Growth of the pause between two polls of an operation that is not done.
const POLL_GROWTH: f64 = 1.5;
/// The longest pause between two polls.
const POLL_MOST: Duration = Duration::from_mins(5);

/// The pause of a stage after `tries` tries in vain: what the other side asked for, else that of the table. A site that asks for a
/// moment only is left alone as long as one that says nothing, so that its tries are not over within minutes.
pub fn pause(stage: &str, tries: u32, random: u64, asked: Option<Duration>) -> Duration {
    match asked {
        Some(asked) if stage == "enrich" => asked.max(of_table(stage, tries, random)),
        Some(asked) => asked,
        None => of_table(stage, tries, random),
    }
}

/// With ±20 % of chance so that many items don't come back at once.
fn of_table(stage: &str, tries: u32, random: u64) -> Duration {
    let share = 0.8 + 0.4 * (random as f64 / u64::MAX as f64);
    if stage == "submit" {
        return Duration::from_secs_f64(SUBMIT_SECONDS[(tries as usize).min(SUBMIT_SECONDS.len() - 1)] as f64 * share);
    }
    let table: &[u64] = match stage {
        "send" => &LETTER_MINUTES,
        "poll" => &POLL_MINUTES,
        "route" => &ROUTE_MINUTES,
        _ => &MINUTES,
    };
    let minutes = table[(tries as usize).min(table.len() - 1)];
    Duration::from_secs_f64(minutes as f64 * 60.0 * share)
}

/// The pause before the next poll of an operation that was polled `polls` times and is not done.
pub fn poll_pause(interval: Duration, polls: u32) -> Duration {
    interval.mul_f64(POLL_GROWTH.powi(polls.min(20) as i32)).min(POLL_MOST.max(interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_grow_to_five_minutes_and_stay_there() {
        let minute = Duration::from_mins(1);
        assert_eq!(poll_pause(minute, 0), minute);
        assert_eq!(poll_pause(minute, 1), Duration::from_secs(90));
        assert_eq!(poll_pause(minute, 19), POLL_MOST);
    }

    #[test]
    fn chance_stays_within_a_fifth() {
        assert_eq!(pause("send", 0, 0, None), Duration::from_secs(720));
        assert_eq!(pause("send", 99, u64::MAX, None), Duration::from_secs(48 * 3600 * 12 / 10));
    }

    #[test]
    fn what_they_ask_for_is_kept_and_a_site_is_not_tried_faster_than_by_the_table() {
        let seconds = Duration::from_secs;
        assert_eq!(pause("poll", 0, 0, Some(seconds(7))), seconds(7));
        assert_eq!(pause("enrich", 2, 0, Some(seconds(7))), seconds(24 * 60));
        assert_eq!(pause("enrich", 0, 0, Some(seconds(3600))), seconds(3600));
    }
}
