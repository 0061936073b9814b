//! The limits every worker keeps: when searches may be asked, when and how fast letters may leave.

use std::time::Duration;

use crate::domain::mail::Mailbox;
use crate::domain::money::Money;
use crate::domain::query::SearchMode;
use crate::domain::time::{LocalWindow, NightWindow, Zone};

/// When searches may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPolicy {
    /// The night window, UTC.
    pub night: NightWindow,
    /// Whether the window is kept; if not, queries are due at once.
    pub enforce_night: bool,
    /// Distance between two slots.
    pub spacing: Duration,
    /// Puttings back after which a query is given up.
    pub max_retries: u32,
    /// The provider keeps results so long; an operation open longer is expired.
    pub retention: Duration,
    /// The pause before the first poll and between polls.
    pub poll_interval: Duration,
    /// Deferred by night, or at once: decides price and quota.
    pub mode: SearchMode,
    /// Result pages asked for a query, as long as the pages are full.
    pub pages: u32,
    /// Results on a full page.
    pub per_page: u32,
    /// What a request costs.
    pub prices: Prices,
    /// Nothing is submitted that would take the calendar month above this; `None`: no limit.
    pub budget: Option<Money>,
    /// Submissions allowed to all workers together.
    pub submit_quota: Quota,
    /// Polls allowed to all workers together.
    pub poll_quota: Quota,
    /// Raw answers are kept so long after they came; zero: only until they are read.
    pub keep_pages: Duration,
}

/// The provider gives no more results of one query.
pub const MOST_RESULTS: u32 = 250;

/// Requests allowed in any second, minute and hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// In any second.
    pub per_second: u32,
    /// In any minute.
    pub per_minute: u32,
    /// In any hour.
    pub per_hour: u32,
}

/// What one request costs, by mode and tariff hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// Deferred, dear hours.
    pub deferred_day: Money,
    /// Deferred, cheap hours.
    pub deferred_night: Money,
    /// At once, dear hours.
    pub sync_day: Money,
    /// At once, cheap hours.
    pub sync_night: Money,
}

impl Default for Prices {
    /// Roubles with VAT, as published in 2026; the settings hold the true ones.
    fn default() -> Self {
        Self {
            deferred_day: Money::from_millionths(30_500),
            deferred_night: Money::from_millionths(25_410),
            sync_day: Money::from_millionths(488_000),
            sync_night: Money::from_millionths(366_000),
        }
    }
}

impl SearchPolicy {
    /// The window slots are handed out in: the night, or any minute if the night is not enforced.
    pub fn slot_window(&self) -> NightWindow {
        if self.enforce_night { self.night } else { NightWindow::ALWAYS }
    }
}

impl Default for SearchPolicy {
    fn default() -> Self {
        Self {
            night: NightWindow { start_minute: 20 * 60, end_minute: 5 * 60 + 59 },
            enforce_night: true,
            spacing: Duration::from_secs(45),
            max_retries: 3,
            retention: Duration::from_hours(12),
            poll_interval: Duration::from_mins(1),
            mode: SearchMode::Deferred,
            pages: 1,
            per_page: 100,
            prices: Prices::default(),
            budget: None,
            submit_quota: Quota::DEFERRED,
            poll_quota: Quota::DEFERRED,
            keep_pages: Duration::from_hours(90 * 24),
        }
    }
}

impl Quota {
    /// What the provider grants deferred requests, and polls.
    pub const DEFERRED: Self = Self { per_second: 10, per_minute: 600, per_hour: 35_000 };
    /// What it grants requests that are answered at once.
    pub const SYNCHRONOUS: Self = Self { per_second: 10, per_minute: 600, per_hour: 10_000 };
}

/// When and how fast letters may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendPolicy {
    /// Whether anything may leave at all.
    pub enabled: bool,
    /// Local time and weekdays at which letters may leave.
    pub window: LocalWindow,
    /// Pause between two letters of one mailbox, drawn evenly from here: from, to.
    pub delay: (Duration, Duration),
    /// The mailboxes letters may leave from.
    pub mailboxes: Vec<Mailbox>,
    /// Attempts past the mark after which a message expires.
    pub max_attempts: u32,
}

impl SendPolicy {
    /// The mailbox of that name.
    pub fn mailbox(&self, name: &str) -> Option<&Mailbox> {
        self.mailboxes.iter().find(|mailbox| mailbox.name == name)
    }
}

impl Default for SendPolicy {
    fn default() -> Self {
        let minute = |minutes: u32| chrono::NaiveTime::from_num_seconds_from_midnight_opt(minutes * 60, 0).unwrap_or_default();
        Self {
            enabled: false,
            window: LocalWindow {
                start: minute(9 * 60 + 10),
                end: minute(18 * 60),
                weekdays: vec![1, 2, 3, 4, 5],
                zone: Zone::Named(chrono_tz::Europe::Moscow),
            },
            delay: (Duration::from_secs(240), Duration::from_secs(720)),
            mailboxes: Vec::new(),
            max_attempts: 6,
        }
    }
}

/// All limits that stores keep for every worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// When searches may be asked.
    pub search: SearchPolicy,
    /// When and how fast letters may leave.
    pub send: SendPolicy,
    /// Tries of a company's site, in all.
    pub enrich_tries: EnrichTries,
    /// What is kept of the pages of sites.
    pub sites: SitePolicy,
    /// No lease is longer than this, whatever its work asks for; the work's deadline shrinks with it. `None`: each work's own.
    pub longest_lease: Option<Duration>,
}

/// How often a site is visited again after nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrichTries {
    /// In all.
    pub max: u32,
    /// At least so far apart.
    pub apart: Duration,
}

impl Default for EnrichTries {
    fn default() -> Self {
        Self { max: 3, apart: Duration::from_hours(24) }
    }
}

/// What is kept of the pages of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SitePolicy {
    /// How long pages are kept for replays and for visits that ask only for what is new; zero keeps none.
    pub keep_pages: Duration,
}

impl Default for SitePolicy {
    fn default() -> Self {
        Self { keep_pages: Duration::from_hours(30 * 24) }
    }
}
