//! Instants, zones and daily windows. Nothing here knows what time it is now: instants come in as arguments.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc};

use crate::error::{Error, ErrorKind, Result};

/// An instant in UTC, to the millisecond.
///
/// ```
/// use leadgen_core::domain::time::Timestamp;
///
/// let at = Timestamp::parse("2025-01-01T20:00:00Z").unwrap();
/// assert_eq!(at.to_string(), "2025-01-01T20:00:00Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 UTC, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads RFC 3339 (`2025-01-01T20:00:00Z`, any offset, 0 to 9 fractional digits).
    pub fn parse(text: &str) -> Result<Self> {
        DateTime::parse_from_rfc3339(text.trim())
            .map(|at| Self(at.timestamp_millis()))
            .map_err(|e| Error::new(ErrorKind::Malformed, format!("read the time {text:?}")).code("bad_time").because(e))
    }

    /// Rounded up to a full second.
    #[must_use]
    pub fn ceil_second(self) -> Self {
        Self(self.0.div_euclid(1000) * 1000 + if self.0.rem_euclid(1000) > 0 { 1000 } else { 0 })
    }

    /// As a chrono value; instants beyond chrono's range become its ends.
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC })
    }

    /// From a chrono value.
    pub fn from_chrono(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }

    /// The UTC day, `YYYY-MM-DD`.
    pub fn day(self) -> NaiveDate {
        self.to_chrono().date_naive()
    }

    /// How long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Where local time is counted: an IANA zone with its clock changes, or a fixed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// An IANA zone, for example `Europe/Moscow`.
    Named(chrono_tz::Tz),
    /// A fixed offset east of UTC.
    Fixed(FixedOffset),
}

impl Zone {
    /// UTC itself.
    pub const UTC: Self = Self::Named(chrono_tz::UTC);

    /// Reads an IANA name or `+HH:MM`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(zone) = text.parse::<chrono_tz::Tz>() {
            return Ok(Self::Named(zone));
        }
        text.parse::<FixedOffset>().map(Self::Fixed).map_err(|_| {
            Error::new(ErrorKind::Config, format!("read the time zone {text:?}")).code("bad_zone").detail("an IANA name or +HH:MM")
        })
    }

    /// A fixed offset in minutes east of UTC.
    pub fn from_offset_minutes(minutes: i32) -> Result<Self> {
        minutes
            .checked_mul(60)
            .and_then(FixedOffset::east_opt)
            .map(Self::Fixed)
            .ok_or_else(|| Error::new(ErrorKind::Config, format!("read the offset of {minutes} minutes")).code("bad_zone"))
    }

    /// The wall clock there at that instant.
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        match self {
            Self::Named(zone) => at.to_chrono().with_timezone(&zone).naive_local(),
            Self::Fixed(zone) => at.to_chrono().with_timezone(&zone).naive_local(),
        }
    }

    /// The instant of a wall-clock time. A time skipped by a clock change is the first instant after the gap;
    /// a time that occurs twice is the earlier of the two.
    pub fn instant(self, local: NaiveDateTime) -> Timestamp {
        match self {
            Self::Named(zone) => Timestamp::from_chrono(first_instant(zone, local)),
            Self::Fixed(zone) => Timestamp::from_chrono(first_instant(zone, local)),
        }
    }

    /// The instant as RFC 3339 with this zone's offset.
    pub fn show(self, at: Timestamp) -> String {
        match self {
            Self::Named(zone) => at.to_chrono().with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true),
            Self::Fixed(zone) => at.to_chrono().with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }

    /// The instant as an RFC 5322 `Date` value with this zone's offset.
    pub fn mail_date(self, at: Timestamp) -> String {
        match self {
            Self::Named(zone) => at.to_chrono().with_timezone(&zone).to_rfc2822(),
            Self::Fixed(zone) => at.to_chrono().with_timezone(&zone).to_rfc2822(),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(zone) => f.write_str(zone.name()),
            Self::Fixed(zone) => zone.fmt(f),
        }
    }
}

fn first_instant<Z: TimeZone>(zone: Z, local: NaiveDateTime) -> DateTime<Utc> {
    let mut probe = local;
    // The longest gap in the zone database is a whole day (Samoa, 2011); a quarter of an hour divides all of them.
    for _ in 0..=100 {
        match zone.from_local_datetime(&probe) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => return at.with_timezone(&Utc),
            MappedLocalTime::None => {
                let quarter = chrono::Duration::minutes(15);
                let since_quarter = chrono::Duration::seconds(probe.and_utc().timestamp().rem_euclid(900));
                probe = probe + quarter - since_quarter;
            }
        }
    }
    local.and_utc()
}

/// A daily window of wall-clock time on some weekdays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalWindow {
    /// The first open second of a day.
    pub start: NaiveTime,
    /// The last open second of a day, itself included.
    pub end: NaiveTime,
    /// Open weekdays, ISO numbers: 1 is Monday, 7 Sunday.
    pub weekdays: Vec<u8>,
    /// Where the wall clock hangs.
    pub zone: Zone,
}

/// The night window of cheap searches: whole minutes of UTC, end minute included, possibly across midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NightWindow {
    /// Minute of the day at which it opens.
    pub start_minute: u16,
    /// The last minute of the day that still belongs to it.
    pub end_minute: u16,
}

impl NightWindow {
    /// Open at every minute.
    pub const ALWAYS: Self = Self { start_minute: 0, end_minute: 1439 };

    /// Reads `HH:MM-HH:MM`.
    ///
    /// ```
    /// use leadgen_core::domain::time::NightWindow;
    ///
    /// assert_eq!(NightWindow::parse("20:00-05:59").unwrap().minutes(), 600);
    /// assert!(NightWindow::parse("20:00").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Config, format!("read the window {text:?}")).code("bad_window").detail("HH:MM-HH:MM");
        let (start, end) = text.split_once('-').ok_or_else(bad)?;
        Ok(Self { start_minute: parse_minute(start).ok_or_else(bad)?, end_minute: parse_minute(end).ok_or_else(bad)? })
    }

    /// How many minutes of a day belong to it.
    pub fn minutes(self) -> u16 {
        (self.end_minute + 1440 - self.start_minute) % 1440 + 1
    }
}

/// Reads `HH:MM` as a minute of the day.
pub fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok()).flatten();
    let (hour, minute) = (two(hour)?, two(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_skipped_wall_time_is_the_first_instant_after_the_gap() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let skipped = NaiveDate::from_ymd_opt(2025, 3, 30).unwrap().and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(berlin.instant(skipped).to_string(), "2025-03-30T01:00:00Z");
    }

    #[test]
    fn a_wall_time_that_occurs_twice_is_the_earlier() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let twice = NaiveDate::from_ymd_opt(2025, 10, 26).unwrap().and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(berlin.instant(twice).to_string(), "2025-10-26T00:30:00Z");
    }

    #[test]
    fn rounding_up_leaves_full_seconds_alone() {
        assert_eq!(Timestamp::from_millis(2000).ceil_second().millis(), 2000);
        assert_eq!(Timestamp::from_millis(2001).ceil_second().millis(), 3000);
        assert_eq!(Timestamp::from_millis(-1).ceil_second().millis(), 0);
    }
}
