//! What works and what does not, line by line, each with its mend. Nothing is changed and nothing is sent; the only outside
//! effects are tokens, logins and free look-ups, each with an end to its patience.

mod browser;
mod letters;
mod search;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::adapters::sql::{self, SqlStore};
use crate::domain::name::suffix_list_version;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::setup::settings::Settings;
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

/// A server that says nothing for so long is not waited for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What everything is looked at with.
struct Visit<'a> {
    settings: &'a Settings,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Visit<'_> {
    async fn within<T>(&self, doing: &'static str, asked: impl Future<Output = Result<T>>) -> Result<T> {
        let silent = || Error::new(ErrorKind::Unavailable, doing).code("no_answer").detail(format!("within {:?}", self.patience));
        tokio::time::timeout(self.patience, asked).await.unwrap_or_else(|_| Err(silent()))
    }
}

/// Less free space than this is worth a warning, in KiB.
const LITTLE_SPACE_KIB: u64 = 1024 * 1024;
/// The release of this program: a clock before it is wrong.
const RELEASED: &str = "2026-01-01T00:00:00Z";

/// Looks at everything the settings name; a silent server is waited for as long as `patience` lasts ([`PATIENCE`]).
pub async fn examine(settings: &Settings, patience: Duration) -> Vec<Finding> {
    let visit = Visit { settings, clock: wiring::clock(settings), patience };
    let now = visit.clock.now();
    let mut findings = vec![time(now)];
    let store = database(settings, &mut findings).await;
    // Everybody is asked at once; the lines stand in the order of a lead's day.
    let searching = async {
        let mut lines = Vec::new();
        search::yandex(&visit, &mut lines).await;
        lines.push(search::sheet(&visit).await);
        lines
    };
    let (searching, letters) = futures::future::join(searching, letters::servers(&visit)).await;
    findings.extend(searching);
    findings.push(search::night(settings, now));
    if let Some(store) = &store {
        search::queue(settings, store, now, &mut findings).await;
    }
    findings.push(crawling(settings));
    findings.push(browser::renders(&visit).await);
    findings.extend(letters);
    findings.push(letters::sending(settings));
    findings.push(disk(settings));
    findings.push(suffix_list());
    findings
}

/// How old the shipped list is by which domains are told apart; a newer release brings a newer one.
fn suffix_list() -> Finding {
    finding("suffix list", Health::Ok, format!("public suffixes of {}", suffix_list_version()), "")
}

/// Whoever visits a site says where its owner reaches them.
fn crawling(settings: &Settings) -> Finding {
    let contact = wiring::web_contact(settings);
    match (contact.is_empty(), settings.offline) {
        (false, _) => finding("visits", Health::Ok, format!("sites are told {contact}"), ""),
        (true, true) => finding("visits", Health::Ok, "loopback only", ""),
        (true, false) => finding(
            "visits",
            Health::Warn,
            "no site is visited: nothing says where its owner reaches you",
            "set LEADGEN_WEB_CONTACT to an address or a page of yours",
        ),
    }
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
