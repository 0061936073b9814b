//! `inspect query` and `inspect night`: what is asked, and when.

use std::time::Duration;

use leadgen_core::domain::policy::SearchPolicy;
use leadgen_core::domain::time::{NightWindow, Timestamp};
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::ports::clock::{Clock, SystemClock};
use leadgen_core::rules::planning;
use serde_json::{Value, json};

use super::lines::{text, whole};

/// Queries that may be asked for at once.
const MOST_QUERIES: u64 = 10_000;
/// Slots that may be asked for at once.
const MOST_SLOTS: u64 = 1_000_000;
/// From here on a night may end in a year of five digits.
const YEAR_9999: i64 = 253_370_764_800_000;

/// The queries of a niche with their slots, or the hash of a given text.
pub(super) fn query(input: &Value) -> Value {
    queries(input).unwrap_or_else(|error| json!({"queries": [], "error": error.to_string()}))
}

fn queries(input: &Value) -> Result<Value> {
    if input["text"].is_string() {
        let (text, region) = (text(input, "text"), whole(input, "region_code", 225, i32::MAX as u64)? as u32);
        let line = json!({"text": text, "hash": planning::query_hash(&text, region), "region_code": region, "trigger": null, "scheduled_for": null});
        return Ok(json!({"queries": [line], "error": null}));
    }
    let set = planning::query_set(&text(input, "niche"), &text(input, "city"), &text(input, "country"), &settings(input)?)?;
    let policy = SearchPolicy::default();
    let slots = planning::night_slots(policy.night, policy.spacing, now(input)?, None, set.len())?;
    let lines: Vec<Value> = set
        .iter()
        .zip(slots)
        .map(|(query, slot)| {
            json!({"text": query.text, "hash": planning::query_hash(&query.text, query.region), "region_code": query.region,
                "trigger": query.trigger, "scheduled_for": slot})
        })
        .collect();
    Ok(json!({"queries": lines, "error": null}))
}

/// A missing field, and the word `default`, mean the built-in value.
fn settings(input: &Value) -> Result<planning::Settings> {
    let usual = planning::Settings::default();
    let list = |field: &str, usual: Vec<String>| match input[field].as_array() {
        Some(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        None => usual,
    };
    Ok(planning::Settings {
        language: input["language"].as_str().map_or(usual.language, str::to_owned),
        triggers: list("triggers", usual.triggers),
        minus_domains: list("minus_domains", usual.minus_domains),
        max_queries: whole(input, "max_queries", usual.max_queries as u64, MOST_QUERIES)? as usize,
        places: usual.places,
    })
}

fn now(input: &Value) -> Result<Timestamp> {
    match text(input, "now").as_str() {
        "" => Ok(SystemClock.now()),
        given => {
            let now = Timestamp::parse(given)?;
            let late =
                || Error::new(ErrorKind::Malformed, format!("plan from {given}")).code("bad_time").detail("years up to 9998 are read");
            if now.millis() < YEAR_9999 { Ok(now) } else { Err(late()) }
        }
    }
}

/// Whether the night is open, when it opens and closes, and slots.
pub(super) fn night(input: &Value) -> Value {
    night_of(input).unwrap_or_else(
        |error| json!({"open": null, "window_start": null, "window_end_exclusive": null, "slots": [], "error": error.to_string()}),
    )
}

fn night_of(input: &Value) -> Result<Value> {
    let usual = SearchPolicy::default();
    let side = |field: &str, usual: &str| input[field].as_str().unwrap_or(usual).to_owned();
    let window = NightWindow::parse(&format!("{}-{}", side("window_start", "20:00"), side("window_end", "05:59")))?;
    let now = now(input)?;
    let spacing = match input["spacing_seconds"].as_f64() {
        Some(seconds) => Duration::from_millis((seconds.clamp(0.0, 1e9) * 1000.0) as u64),
        None => usual.spacing,
    };
    let last = match text(input, "last_taken").as_str() {
        "" => None,
        given => Some(Timestamp::parse(given)?),
    };
    let count = whole(input, "count", 0, MOST_SLOTS)? as usize;
    let slots = planning::night_slots(window, spacing, now, last, count)?;
    let (start, end) = planning::opening(window, now);
    Ok(json!({"open": start <= now, "window_start": start, "window_end_exclusive": end, "slots": slots, "error": null}))
}
