//! What works and what does not, line by line, each with its mend. Nothing is changed; the only outside effects are a
//! token and two free look-ups.

use std::sync::Arc;

use serde::Serialize;

use crate::adapters::sql::{self, SqlStore};
use crate::domain::query::SearchMode;
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::ports::clock::Clock;
use crate::ports::store::{SearchLedger, SearchQueue};
use crate::rules::cost;
use crate::rules::planning::opening;
use crate::setup::settings::{Provider, Settings};
use crate::setup::wiring;

/// Whether a thing works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It works.
    Ok,
    /// It is not set up, or will trouble someone later.
    Warn,
    /// It does not work.
    Fail,
}

impl Health {
    /// The word shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do, or empty.
    pub mend: String,
}

fn finding(what: &str, health: Health, found: impl Into<String>, mend: impl Into<String>) -> Finding {
    Finding { what: what.into(), health, found: found.into(), mend: mend.into() }
}

fn failed(what: &str, error: &Error, mend: &str) -> Finding {
    finding(what, Health::Fail, error.for_row(), mend)
}

/// Less free space than this is worth a warning, in KiB.
const LITTLE_SPACE_KIB: u64 = 1024 * 1024;
/// The release of this program: a clock before it is wrong.
const RELEASED: &str = "2026-01-01T00:00:00Z";

/// Looks at everything the settings name.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let clock = wiring::clock(settings);
    let now = clock.now();
    let mut findings = vec![time(now)];
    let store = database(settings, &mut findings).await;
    yandex(settings, &clock, &mut findings).await;
    findings.push(sheet(settings, &clock).await);
    findings.push(night(settings, now));
    if let Some(store) = &store {
        queue(settings, store, now, &mut findings).await;
    }
    findings.push(sending(settings));
    findings.push(disk(settings));
    findings
}

fn time(now: Timestamp) -> Finding {
    let health = if Timestamp::parse(RELEASED).is_ok_and(|released| now > released) { Health::Ok } else { Health::Fail };
    let mend = if health == Health::Ok { "" } else { "set the machine's clock; tokens and nights depend on it" };
    finding("clock", health, format!("{now} UTC"), mend)
}

/// The store, if it can be used as it is. A database file that is not there is not made.
async fn database(settings: &Settings, findings: &mut Vec<Finding>) -> Option<SqlStore> {
    let wire = sql::Settings::new(settings.database_url.reveal());
    let kind = if wire.url.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" };
    if sqlite_file(settings).is_some_and(|file| !file.exists()) {
        findings.push(finding("database", Health::Warn, "there is no database yet", "leadgen migrate up (or any command) makes it"));
        return None;
    }
    match wiring::pending_migrations(settings).await {
        Err(error) => findings.push(failed("database", &error, "check DATABASE_URL and that the server runs")),
        Ok(pending) if !pending.is_empty() => {
            findings.push(finding(
                "database",
                Health::Warn,
                format!("{kind}; {} schema steps are missing", pending.len()),
                "leadgen migrate up",
            ));
        }
        Ok(_) => match SqlStore::connect(wire).await {
            Ok(store) => {
                findings.push(finding("database", Health::Ok, format!("{kind}, schema up to date"), ""));
                return Some(store);
            }
            Err(error) => findings.push(failed("database", &error, "check DATABASE_URL")),
        },
    }
    None
}

fn sqlite_file(settings: &Settings) -> Option<std::path::PathBuf> {
    let url = settings.database_url.reveal();
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?.split('?').next()?;
    (!path.is_empty() && path != ":memory:").then(|| path.into())
}

async fn yandex(settings: &Settings, clock: &Arc<dyn Clock>, findings: &mut Vec<Finding>) {
    match &settings.provider {
        Provider::Yandex => {}
        Provider::Files(folder) if folder.is_dir() => {
            return findings.push(finding("search", Health::Ok, format!("saved pages in {}", folder.display()), ""));
        }
        Provider::Files(folder) => {
            return findings.push(finding(
                "search",
                Health::Fail,
                format!("{} is no folder", folder.display()),
                "set LEADGEN_SEARCH_FOLDER",
            ));
        }
        Provider::Searxng(url, ..) => return findings.push(finding("search", Health::Ok, format!("SearXNG at {url}, not asked"), "")),
    }
    if settings.yandex.folder_id.is_none() {
        let mend = "set YANDEX_CLOUD_FOLDER_ID and YANDEX_CLOUD_SA_KEY_FILE";
        findings.push(finding("Yandex search", Health::Warn, "not set up: no searches", mend));
        return;
    }
    let search = match wiring::yandex(settings, clock, SearchMode::Deferred) {
        Ok(search) => search,
        Err(error) => return findings.push(failed("Yandex key", &error, "make an authorized key of a service account and name its file")),
    };
    findings.push(finding("Yandex key", Health::Ok, "read", ""));
    if let Err(error) = search.check_token().await {
        return findings.push(failed("Yandex token", &error, "is the key still there, and the machine's clock right?"));
    }
    findings.push(finding("Yandex token", Health::Ok, "given", ""));
    findings.push(match search.check_access().await {
        Ok(()) => finding("Yandex folder", Health::Ok, "the account may search in it", ""),
        Err(error) if error.machine_code() == "quota_exceeded" => {
            finding("Yandex folder", Health::Warn, "not checked: the free look-ups of today are used up", "try again tomorrow")
        }
        Err(error) => failed("Yandex folder", &error, "give the service account the role search-api.webSearch.user in this very folder"),
    });
}

async fn sheet(settings: &Settings, clock: &Arc<dyn Clock>) -> Finding {
    if settings.sheet.id.is_none() {
        return finding(
            "sheet",
            Health::Warn,
            "not set up: niches come from files",
            "set GOOGLE_SHEET_ID and GOOGLE_SA_KEY_FILE to use one",
        );
    }
    let sheet = match wiring::sheet(settings, clock, None) {
        Ok(sheet) => sheet,
        Err(error) => return failed("sheet", &error, "name the key file of a service account in GOOGLE_SA_KEY_FILE"),
    };
    match sheet.check().await {
        Ok(rows) => finding("sheet", Health::Ok, format!("{} rows, all columns are there", rows.saturating_sub(1)), ""),
        Err(error) => failed("sheet", &error, "share it with the account's client_email as an editor; see the named columns"),
    }
}

fn night(settings: &Settings, now: Timestamp) -> Finding {
    let policy = &settings.policy.search;
    if !policy.enforce_night {
        return finding(
            "night window",
            Health::Warn,
            "not kept: searches are asked at any hour",
            "YANDEX_ENFORCE_NIGHT_WINDOW=true saves money",
        );
    }
    let (start, end) = opening(policy.night, now);
    let when = if start <= now { format!("open until {end}") } else { format!("opens {start}, until {end}") };
    let minutes = u64::from(policy.night.minutes());
    let slots: Vec<Timestamp> = (0..minutes).map(|minute| start + std::time::Duration::from_mins(minute)).collect();
    let estimate = cost::estimate(policy, &slots);
    let dear = estimate.day * 100 / minutes.max(1);
    let mend = if dear == 0 { String::new() } else { format!("{dear} % of it pays the day price; 21:00-04:59 pays none") };
    finding("night window", Health::Ok, when, mend)
}

async fn queue(settings: &Settings, store: &SqlStore, now: Timestamp, findings: &mut Vec<Finding>) {
    let policy = &settings.policy.search;
    let (from, to) = cost::month(now);
    match (store.spent(from, to).await, policy.budget) {
        (Err(error), _) => findings.push(failed("budget", &error, "")),
        (Ok(spent), None) => {
            let mend = "LEADGEN_BUDGET_SEARCH_RUB stops searches before a month costs more";
            findings.push(finding("budget", Health::Ok, format!("{} ₽ this month, no limit", spent.rounded()), mend));
        }
        (Ok(spent), Some(budget)) => {
            let next = spent + cost::price(&policy.prices, policy.mode, now);
            let (health, mend) = if next > budget {
                (Health::Fail, "searches stand still: raise LEADGEN_BUDGET_SEARCH_RUB or wait for the next month")
            } else {
                (Health::Ok, "")
            };
            findings.push(finding("budget", health, format!("{} of {} ₽ this month", spent.rounded(), budget.rounded()), mend));
        }
    }
    if let Ok(holds) = store.holds(now).await {
        let worth = holds.iter().filter(|hold| hold.reason != "night_window_closed" && hold.reason != "budget_reached");
        findings.extend(
            worth.map(|hold| finding(&format!("{} waits", hold.kind), Health::Warn, format!("{} until {}", hold.reason, hold.until), "")),
        );
    }
    if let Ok(waiting) = store.waiting(None).await {
        let tonight = opening(policy.slot_window(), now).1;
        let count = waiting.iter().filter(|slot| **slot < tonight).count();
        let (health, mend) = if waiting.is_empty() { (Health::Warn, "leadgen intake import niches.csv") } else { (Health::Ok, "") };
        findings.push(finding("queue", health, format!("{} queries wait, {count} of them for this night", waiting.len()), mend));
    }
}

fn sending(settings: &Settings) -> Finding {
    let policy = &settings.policy.send;
    let window = format!("{}-{} {}", policy.window.start.format("%H:%M"), policy.window.end.format("%H:%M"), settings.zone);
    match (policy.enabled, policy.mailboxes.len()) {
        (false, _) => finding(
            "sending window",
            Health::Warn,
            format!("{window}; sending is off"),
            "EMAIL_SENDING_ENABLED=true, once drafts were reviewed",
        ),
        (true, 0) => finding(
            "sending window",
            Health::Fail,
            format!("{window}; no mailbox"),
            "set YANDEX_USER and YANDEX_PASS, or GMAIL_USER and GMAIL_PASS",
        ),
        (true, count) => finding("sending window", Health::Ok, format!("{window}; {count} mailboxes"), ""),
    }
}

/// Free space where the database lies, as the system's own `df` tells it.
fn disk(settings: &Settings) -> Finding {
    let file = sqlite_file(settings).unwrap_or_else(|| ".".into());
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or_else(|| std::path::PathBuf::from("."), std::path::Path::to_path_buf);
    let told = std::process::Command::new("df").arg("-Pk").arg(&folder).output();
    let free =
        told.ok().and_then(|told| String::from_utf8_lossy(&told.stdout).lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok());
    match free {
        None => finding("disk", Health::Warn, "free space could not be told", ""),
        Some(free) if free < LITTLE_SPACE_KIB => {
            finding("disk", Health::Warn, format!("{} MiB free", free / 1024), "make room: raw answers and pages are kept")
        }
        Some(free) => finding("disk", Health::Ok, format!("{} GiB free", free / 1024 / 1024), ""),
    }
}
