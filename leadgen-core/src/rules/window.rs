//! When letters may leave: daily windows of local time, and the next turn within them.

use std::time::Duration;

use chrono::{Datelike, Days, NaiveDate};

use crate::domain::time::{LocalWindow, Timestamp};
use crate::error::{Error, ErrorKind, Result};

/// Whether the window is open: start and end instants included (SEND-3).
pub fn is_open(window: &LocalWindow, now: Timestamp) -> bool {
    let local = window.zone.local(now);
    allows(window, local.date()) && (start_of(window, local.date())..=end_of(window, local.date())).contains(&now)
}

/// The next turn (SEND-4): a delay after the later of now and the last turn, never outside the window.
/// Codes: `bad_window`, `delay_exceeds_window`.
pub fn next_turn(window: &LocalWindow, now: Timestamp, last: Option<Timestamp>, delay: Duration) -> Result<Timestamp> {
    let refuse = |code: &'static str, detail: &str| Error::new(ErrorKind::Config, "find a letter's turn").code(code).detail(detail);
    if window.end <= window.start || window.weekdays.is_empty() {
        return Err(refuse("bad_window", "the end must be after the start, on at least one weekday"));
    }
    let length = (window.end - window.start).to_std().unwrap_or_default();
    if delay > length {
        return Err(refuse("delay_exceeds_window", "the pause between two letters is longer than the window"));
    }
    let anchor = last.map_or(now, |last| last.max(now)).ceil_second();
    let day = window.zone.local(anchor).date();
    let base = if !allows(window, day) || anchor > end_of(window, day) {
        start_of(window, next_day(window, day))
    } else {
        anchor.max(start_of(window, day))
    };
    let candidate = base + delay;
    let day = window.zone.local(base).date();
    if candidate <= end_of(window, day) {
        return Ok(candidate);
    }
    let next = next_day(window, day);
    // A clock change may shorten the first hours of a day: the turn never passes the day's end.
    Ok((start_of(window, next) + delay).min(end_of(window, next)))
}

fn allows(window: &LocalWindow, day: NaiveDate) -> bool {
    window.weekdays.contains(&(day.weekday().number_from_monday() as u8))
}

fn start_of(window: &LocalWindow, day: NaiveDate) -> Timestamp {
    window.zone.instant(day.and_time(window.start))
}

fn end_of(window: &LocalWindow, day: NaiveDate) -> Timestamp {
    window.zone.instant(day.and_time(window.end))
}

fn next_day(window: &LocalWindow, day: NaiveDate) -> NaiveDate {
    (1..=7).filter_map(|ahead| day.checked_add_days(Days::new(ahead))).find(|next| allows(window, *next)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Zone;
    use crate::rules::golden::check;
    use chrono::NaiveTime;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn window(input: &Value) -> LocalWindow {
        let time = |key: &str| NaiveTime::parse_from_str(input[key].as_str().unwrap_or(""), "%H:%M").unwrap_or_default();
        let days = input["weekdays"].as_array().map(|days| days.iter().filter_map(serde_json::Value::as_u64).map(|d| d as u8).collect());
        LocalWindow {
            start: time("window_start"),
            end: time("window_end"),
            weekdays: days.unwrap_or_else(|| (1..=7).collect()),
            zone: Zone::from_offset_minutes(input["utc_offset_minutes"].as_i64().unwrap_or(0) as i32).unwrap_or(Zone::UTC),
        }
    }

    fn at(value: &Value) -> Option<Timestamp> {
        Timestamp::parse(value.as_str()?).ok()
    }

    #[test]
    fn the_window_opens_as_in_the_golden_cases() {
        check(include_str!("../../golden/send_window.json"), |input| json!(is_open(&window(input), at(&input["now"]).unwrap_or_default())));
    }

    #[test]
    fn turns_are_the_golden_ones() {
        check(include_str!("../../golden/send_schedule.json"), |input| {
            let delay = Duration::from_secs(input["delay_seconds"].as_u64().unwrap_or(0));
            match next_turn(&window(input), at(&input["now"]).unwrap_or_default(), at(&input["last_scheduled"]), delay) {
                Ok(turn) => json!(turn.to_string()),
                Err(error) => json!({"error": error.machine_code()}),
            }
        });
    }

    proptest! {
        /// Clock changes included: a turn is never outside the window.
        #[test]
        fn a_turn_is_always_inside_the_window(seconds in 1_700_000_000_i64..1_900_000_000, delay in 0_u64..7200, zone in 0_usize..6) {
            let names = ["Europe/Moscow", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"];
            let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
            let window = LocalWindow {
                start: time(9, 10),
                end: time(18, 0),
                weekdays: vec![1, 2, 3, 4, 5],
                zone: Zone::parse(names[zone]).unwrap_or(Zone::UTC),
            };
            let now = Timestamp::from_millis(seconds * 1000);
            let turn = next_turn(&window, now, None, Duration::from_secs(delay)).unwrap_or_default();
            prop_assert!(is_open(&window, turn), "{} {turn}", names[zone]);
            prop_assert!(turn >= now);
        }
    }
}
