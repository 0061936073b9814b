//! A niche becomes queries, and queries get their nights.

use std::time::Duration;

use crate::domain::query::PlannedQuery;
use crate::domain::time::{NightWindow, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::normalize::is_zero_width;
use crate::rules::regions;

/// Buying phrases added to a niche, in order (PLAN-4).
pub const TRIGGERS: [&str; 5] = ["оставить заявку", "онлайн запись", "рассчитать стоимость", "коммерческое предложение", "бриф"];
/// Domains excluded in the query text, in order (PLAN-5).
pub const MINUS_DOMAINS: [&str; 11] = [
    "avito.ru",
    "market.yandex.ru",
    "2gis.ru",
    "hh.ru",
    "flamp.ru",
    "otzovik.com",
    "irecommend.ru",
    "youtube.com",
    "vk.com",
    "reddit.com",
    "pikabu.ru",
];
/// The provider's limit on a query, in Unicode scalar values.
const MAX_CHARS: usize = 400;
/// The provider's limit on a query, in words.
const MAX_WORDS: usize = 40;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1440 * MINUTE_MS;

/// What is added to every niche.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Language operator of the query.
    pub language: String,
    /// Buying phrases.
    pub triggers: Vec<String>,
    /// Domains excluded in the text.
    pub minus_domains: Vec<String>,
    /// Variants of a niche at most.
    pub max_queries: usize,
    /// Places besides the built-in table.
    pub places: regions::Places,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: "ru".into(),
            triggers: TRIGGERS.map(str::to_owned).to_vec(),
            minus_domains: MINUS_DOMAINS.map(str::to_owned).to_vec(),
            max_queries: 6,
            places: regions::Places::default(),
        }
    }
}

/// Deletes zero-width characters and makes every run of white space one blank (PLAN-1).
pub fn squash(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !is_zero_width(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One query text (PLAN-2, PLAN-3, PLAN-6), or why there is none: `niche_required`, `query_too_long`.
pub fn query_text(niche: &str, place: &str, trigger: Option<&str>, settings: &Settings) -> Result<String> {
    let niche = squash(niche);
    if niche.is_empty() {
        return Err(Error::new(ErrorKind::Rejected, "plan a row without a niche").code("niche_required"));
    }
    let mut text = format!("lang:{} {niche}", squash(&settings.language));
    for part in [squash(place), trigger.map(quoted).unwrap_or_default()] {
        if !part.is_empty() {
            text.push(' ');
            text.push_str(&part);
        }
    }
    if !fits(&text) {
        return Err(Error::new(ErrorKind::Rejected, format!("plan {niche:?}"))
            .code("query_too_long")
            .detail(format!("a query has at most {MAX_CHARS} characters and {MAX_WORDS} words")));
    }
    for domain in &settings.minus_domains {
        let longer = format!("{text} -site:{}", squash(domain));
        if !fits(&longer) {
            break;
        }
        text = longer;
    }
    Ok(text)
}

/// All variants of a niche (PLAN-4): first without a trigger, then the triggers in order.
pub fn query_set(niche: &str, city: &str, country: &str, settings: &Settings) -> Result<Vec<PlannedQuery>> {
    let place = if squash(city).is_empty() { country } else { city };
    let region = settings.places.resolve(city, country).code;
    let core = PlannedQuery { text: query_text(niche, place, None, settings)?, region, trigger: None };
    let mut queries = vec![core];
    for trigger in &settings.triggers {
        let bare = squash(trigger);
        if queries.len() >= settings.max_queries {
            break;
        }
        if bare.is_empty() {
            continue;
        }
        // A variant over the limits is skipped and does not count; the core fitted.
        if let Ok(text) = query_text(niche, place, Some(&bare), settings) {
            let trigger = bare.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).filter(|_| bare.len() >= 2).unwrap_or(&bare);
            queries.push(PlannedQuery { text, region, trigger: Some(trigger.to_owned()) });
        }
    }
    queries.truncate(settings.max_queries.max(1));
    Ok(queries)
}

/// Lower-case hexadecimal SHA-1 of `text|region` (PLAN-7).
pub fn query_hash(text: &str, region: u32) -> String {
    sha1_smol::Sha1::from(format!("{text}|{region}")).hexdigest()
}

/// The language operator of a query text, or empty.
pub fn language_of(text: &str) -> &str {
    text.strip_prefix("lang:").and_then(|rest| rest.split(' ').next()).unwrap_or("")
}

fn quoted(trigger: &str) -> String {
    let bare = squash(trigger);
    if bare.is_empty() || (bare.len() >= 2 && bare.starts_with('"') && bare.ends_with('"')) { bare } else { format!("\"{bare}\"") }
}

fn fits(text: &str) -> bool {
    text.chars().count() <= MAX_CHARS && text.split(' ').count() <= MAX_WORDS
}

/// Whether the last answered queries of a niche brought so few new companies that further ones are hardly worth it: at
/// least three were judged, and fewer than one result in twenty was a new company.
pub fn is_exhausted(judged: u64, results: u64, new: u64) -> bool {
    judged >= 3 && new * 20 < results.max(1)
}

/// Whether searches may be asked now.
pub fn night_open(window: NightWindow, now: Timestamp) -> bool {
    opening(window, now).0 <= now
}

/// The window that holds `now`, or the next one: first instant, and the first instant after it.
pub fn opening(window: NightWindow, now: Timestamp) -> (Timestamp, Timestamp) {
    let length = i64::from(window.minutes()) * MINUTE_MS;
    let day = now.millis().div_euclid(DAY_MS) * DAY_MS;
    let start_of = |day: i64| day + i64::from(window.start_minute) * MINUTE_MS;
    let held = [day - DAY_MS, day].into_iter().map(start_of).find(|start| (*start..*start + length).contains(&now.millis()));
    let start = held.unwrap_or_else(|| if start_of(day) > now.millis() { start_of(day) } else { start_of(day + DAY_MS) });
    (Timestamp::from_millis(start), Timestamp::from_millis(start + length))
}

/// The start of the first window after the one that holds `now` (or after the next one to come, if none does).
pub fn next_night(window: NightWindow, now: Timestamp) -> Timestamp {
    let (start, end) = opening(window, now);
    if start > now { start } else { opening(window, end.max(now + Duration::from_millis(1))).0 }
}

/// Slots for `count` queries (PLAN-11 to PLAN-13).
///
/// ```
/// use std::time::Duration;
/// use leadgen_core::domain::time::{NightWindow, Timestamp};
/// use leadgen_core::rules::planning::night_slots;
///
/// let night = NightWindow::parse("20:00-05:59").unwrap();
/// let noon = Timestamp::parse("2025-01-01T12:00:00Z").unwrap();
/// let slots = night_slots(night, Duration::from_secs(45), noon, None, 2).unwrap();
/// assert_eq!(slots[1].to_string(), "2025-01-01T20:00:45Z");
/// ```
pub fn night_slots(
    window: NightWindow,
    spacing: Duration,
    now: Timestamp,
    last_taken: Option<Timestamp>,
    count: usize,
) -> Result<Vec<Timestamp>> {
    if spacing < Duration::from_secs(1) {
        return Err(Error::new(ErrorKind::Config, "hand out night slots").code("bad_spacing").detail("the spacing is at least one second"));
    }
    let mut cursor = now.ceil_second();
    if let Some(last) = last_taken {
        cursor = cursor.max(last.ceil_second() + spacing);
    }
    let mut slots = Vec::with_capacity(count);
    for _ in 0..count {
        let (start, _) = opening(window, cursor);
        cursor = cursor.max(start);
        slots.push(cursor);
        cursor = cursor + spacing;
    }
    Ok(slots)
}

/// Whether an instant lies in the provider's cheap hours: 00:00–07:59:59 Moscow time, 21:00–04:59:59 UTC.
pub fn is_cheap(at: Timestamp) -> bool {
    let minute = at.millis().rem_euclid(DAY_MS) / MINUTE_MS;
    !(5 * 60..21 * 60).contains(&minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::parse_minute;
    use crate::rules::golden::check;
    use serde_json::{Value, json};

    fn text(value: &Value) -> &str {
        value.as_str().unwrap_or("")
    }

    fn list(value: &Value, default: &[&str]) -> Vec<String> {
        match value.as_array() {
            Some(items) => items.iter().map(|item| text(item).to_owned()).collect(),
            None => default.iter().map(|item| (*item).to_owned()).collect(),
        }
    }

    fn settings(input: &Value) -> Settings {
        Settings {
            language: input["language"].as_str().unwrap_or("ru").to_owned(),
            triggers: list(&input["triggers"], &TRIGGERS),
            minus_domains: list(&input["minus_domains"], &MINUS_DOMAINS),
            max_queries: input["max_queries"].as_u64().unwrap_or(6) as usize,
            places: regions::Places::default(),
        }
    }

    fn window(input: &Value) -> NightWindow {
        let minute = |value: &Value| parse_minute(text(value)).unwrap_or_default();
        NightWindow { start_minute: minute(&input["window_start"]), end_minute: minute(&input["window_end"]) }
    }

    fn at(value: &Value) -> Timestamp {
        Timestamp::parse(text(value)).unwrap_or_default()
    }

    fn or_code<T>(outcome: Result<T>, show: impl Fn(T) -> Value) -> Value {
        outcome.map_or_else(|error| json!({"error": error.machine_code()}), show)
    }

    #[test]
    fn texts_are_the_golden_ones() {
        check(include_str!("../../golden/query_text.json"), |input| {
            let place = if squash(text(&input["city"])).is_empty() { text(&input["country"]) } else { text(&input["city"]) };
            or_code(query_text(text(&input["niche"]), place, input["trigger"].as_str(), &settings(input)), |t| json!(t))
        });
    }

    #[test]
    fn sets_are_the_golden_ones() {
        check(include_str!("../../golden/query_set.json"), |input| {
            let set = query_set(text(&input["niche"]), text(&input["city"]), text(&input["country"]), &settings(input));
            or_code(set, |queries| queries.iter().map(|q| json!({"trigger": q.trigger, "query_text": q.text})).collect())
        });
    }

    #[test]
    fn hashes_are_the_golden_ones() {
        check(include_str!("../../golden/query_hash.json"), |input| {
            json!(query_hash(text(&input["query_text"]), input["region_code"].as_u64().unwrap_or(0) as u32))
        });
    }

    #[test]
    fn the_night_opens_and_closes_as_in_the_golden_cases() {
        check(include_str!("../../golden/night_window.json"), |input| {
            let now = at(&input["now"]);
            let (start, end) = opening(window(input), now);
            json!({"open": night_open(window(input), now), "window_start": start.to_string(), "window_end_exclusive": end.to_string()})
        });
    }

    #[test]
    fn slots_are_the_golden_ones() {
        let cases = crate::rules::golden::cases(include_str!("../../golden/night_slots.json"));
        for case in cases {
            let input = &case.input;
            let last = input["last_taken"].as_str().and_then(|t| Timestamp::parse(t).ok());
            let spacing = Duration::from_millis((input["spacing_seconds"].as_f64().unwrap_or(0.0).max(0.0) * 1000.0) as u64);
            let slots = night_slots(window(input), spacing, at(&input["now"]), last, input["count"].as_u64().unwrap_or(0) as usize);
            match slots {
                Err(error) => assert_eq!(json!({"error": error.machine_code()}), case.expected, "{}", case.name),
                Ok(slots) => {
                    assert_eq!(json!(slots.len()), case.expected["count"], "{}", case.name);
                    for (index, expected) in case.expected["slots"].as_object().into_iter().flatten() {
                        let got = slots[index.parse::<usize>().unwrap_or(0)].to_string();
                        assert_eq!(json!(got), *expected, "{} slot {index}", case.name);
                    }
                }
            }
        }
    }

    #[test]
    fn eight_oclock_in_moscow_is_day() {
        let at = |text: &str| is_cheap(Timestamp::parse(text).unwrap_or_default());
        assert!(at("2026-01-15T04:59:59Z") && at("2026-01-15T21:00:00Z"));
        assert!(!at("2026-01-15T05:00:00Z") && !at("2026-01-15T20:59:59Z"));
    }
}
