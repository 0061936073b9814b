//! The typed settings: every value read and checked once, every problem named at once.

mod mail;
mod reader;
mod search;
mod whole;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::adapters::yandex::Request;
use crate::domain::letter::SenderProfile;
use crate::domain::mail::Mailbox;
use crate::domain::name::DomainName;
use crate::domain::policy::Policy;
use crate::domain::time::{Timestamp, Zone};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::regions::Places;
use crate::setup::layers::Layers;

use reader::Reader;

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether what somebody presents is this secret; takes the same time for every wrong one.
    pub fn is(&self, presented: &str) -> bool {
        let (ours, theirs) = (blake3::hash(self.0.as_bytes()), blake3::hash(presented.as_bytes()));
        aws_lc_rs::constant_time::verify_slices_are_equal(ours.as_bytes(), theirs.as_bytes()).is_ok()
    }

    /// The secret itself, for the client that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A clock for rehearsals: starts at an instant and runs faster than the sun.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rehearsal {
    /// What the clock shows at the anchor.
    pub start: Timestamp,
    /// The real instant, milliseconds since 1970, at which it shows that.
    pub anchor_millis: i64,
    /// How many seconds pass in one.
    pub speed: f64,
}

/// Yandex Search.
#[derive(Clone, Debug)]
pub struct Yandex {
    /// The folder that pays.
    pub folder_id: Option<String>,
    /// Key file.
    pub sa_key_file: Option<PathBuf>,
    /// Key as text.
    pub sa_key_json: Option<Secret>,
    /// Token made by hand.
    pub iam_token: Option<Secret>,
    /// API key.
    pub api_key: Option<Secret>,
    /// Base addresses.
    pub search_url: String,
    /// Operation service.
    pub operation_url: String,
    /// Token service.
    pub iam_url: String,
    /// How searches are asked.
    pub request: Request,
}

/// Who searches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Yandex Search API.
    Yandex,
    /// Saved pages in a folder.
    Files(PathBuf),
    /// A SearXNG instance: address, language, engines.
    Searxng(String, String, String),
}

/// The sheet of niches.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The spreadsheet's id.
    pub id: Option<String>,
    /// The sheet within it.
    pub tab: String,
    /// Key file.
    pub key_file: Option<PathBuf>,
    /// Key as text.
    pub key_json: Option<Secret>,
    /// Whether `run` takes rows by itself.
    pub sync: bool,
    /// How often.
    pub interval: Duration,
    /// Only rows of this batch.
    pub batch_tag: Option<String>,
    /// Base address.
    pub base_url: String,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Llm {
    /// Its key; without one the template writes.
    pub api_key: Option<Secret>,
    /// Base address.
    pub base_url: String,
    /// Model name.
    pub model: String,
}

/// Visiting sites.
#[derive(Clone, Debug)]
pub struct Web {
    /// Time for a page.
    pub timeout: Duration,
    /// Redirects followed.
    pub max_redirects: u32,
    /// Pages of a company.
    pub max_pages: u32,
    /// Requests under way at once, over all hosts.
    pub concurrency: usize,
    /// Companies side by side.
    pub companies: usize,
    /// Who crawls, for the User-Agent.
    pub contact: String,
    /// Least pause between two requests to one host.
    pub pace: Duration,
    /// Ranges that are never visited.
    pub denied: Vec<IpNet>,
    /// Loopback pairs that may be visited: logical port, address.
    pub loopback: Vec<(u16, SocketAddr)>,
    /// Who renders pages that show nothing without scripts; none: nobody.
    pub browser: Option<Browser>,
}

/// A browser of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// Its path; none: wherever it usually lies.
    pub program: Option<PathBuf>,
    /// Whether it keeps pages in its own sandbox.
    pub sandbox: bool,
    /// Time for the scripts of a page.
    pub deadline: Duration,
}

/// One mailbox with its servers.
#[derive(Clone, Debug)]
pub struct MailboxSettings {
    /// Name, From, cap.
    pub mailbox: Mailbox,
    /// SMTP host.
    pub smtp_host: String,
    /// SMTP port.
    pub smtp_port: u16,
    /// TLS from the first byte; otherwise STARTTLS.
    pub implicit_tls: bool,
    /// Login.
    pub user: String,
    /// App password.
    pub pass: Secret,
    /// Where answers are read; `None`: nowhere.
    pub imap: Option<(String, u16)>,
}

/// Routing by mail hosts.
#[derive(Clone, Debug)]
pub struct Routing {
    /// Whether recipients' mail hosts are looked up.
    pub enabled: bool,
    /// Time for one look-up.
    pub timeout: Duration,
    /// Resolvers.
    pub resolvers: Vec<SocketAddr>,
    /// Replaces the built-in mail hosts.
    pub ru_mx_patterns: Option<Vec<String>>,
    /// Replaces the built-in zones.
    pub ru_mx_tlds: Option<Vec<String>>,
    /// Replaces the built-in recipient domains.
    pub force_ru_domains: Option<Vec<String>>,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub database_url: Secret,
    /// Whether programs migrate at their start.
    pub migrate: bool,
    /// Zone of reports and of the send window.
    pub zone: Zone,
    /// Log filter.
    pub log_level: String,
    /// Loopback only.
    pub offline: bool,
    /// A clock for rehearsals.
    pub rehearsal: Option<Rehearsal>,
    /// Further root certificates.
    pub extra_roots: Option<PathBuf>,
    /// Who searches.
    pub provider: Provider,
    /// Searching with Yandex.
    pub yandex: Yandex,
    /// Queries of a niche.
    pub max_queries: usize,
    /// Buying phrases; `None`: built-in.
    pub triggers: Option<Vec<String>>,
    /// Places besides the built-in table.
    pub places: Places,
    /// Domains excluded in the text; `None`: built-in.
    pub minus_domains: Option<Vec<String>>,
    /// Domains dropped from results.
    pub excluded_domains: Vec<DomainName>,
    /// Intake from a sheet.
    pub sheet: Sheet,
    /// Drafting.
    pub llm: Llm,
    /// Visiting.
    pub web: Web,
    /// Who writes.
    pub sender: SenderProfile,
    /// The lawful basis.
    pub legal_basis: String,
    /// Whether people approve.
    pub review_required: bool,
    /// The unsubscribe page.
    pub unsubscribe_url: Option<String>,
    /// The address for refusals.
    pub unsubscribe_mailto: Option<String>,
    /// Signs unsubscribe links.
    pub token_key: Option<Secret>,
    /// Signed them before.
    pub token_keys_old: Vec<Secret>,
    /// Mailboxes with a login.
    pub mailboxes: Vec<MailboxSettings>,
    /// Routing.
    pub routing: Routing,
    /// Where the server listens.
    pub bind: SocketAddr,
    /// The server's bearer token.
    pub server_token: Option<Secret>,
    /// The server's roles.
    pub roles: Vec<String>,
    /// Pause between two passes.
    pub tick: Duration,
    /// The limits.
    pub policy: Policy,
}

impl Settings {
    /// Reads all layers; every problem is named at once, with its key, what is allowed, and where it was set.
    pub fn read(layers: &Layers) -> Result<Self> {
        let mut reader = Reader { layers, problems: layers.problems().to_vec() };
        let settings = reader.settings();
        if reader.problems.is_empty() {
            return Ok(settings);
        }
        let count = reader.problems.len();
        Err(Error::new(ErrorKind::Config, "read the settings").code("config_invalid").detail(format!(
            "{count} problem{}:\n  {}",
            if count == 1 { "" } else { "s" },
            reader.problems.join("\n  ")
        )))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::setup::layers::Origin;

    fn with(pairs: &[(&str, &str)]) -> Layers {
        pairs.iter().fold(Layers::defaults(), |layers, (name, value)| layers.with(name, *value, &Origin::Environment))
    }

    #[test]
    fn the_defaults_alone_are_good_and_send_nothing() {
        let settings = Settings::read(&Layers::defaults()).unwrap();
        assert!(!settings.policy.send.enabled);
        assert!(settings.review_required);
        assert!(settings.mailboxes.is_empty());
        assert_eq!(settings.policy.search.night.minutes(), 600);
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_value_is_shown() {
        let layers = with(&[("YANDEX_SPACING_SECONDS", "s3cr3t"), ("APP_TIMEZONE", "Mars/Base"), ("YANDEX_USER", "a@firma.ru")]);
        let text = Settings::read(&layers).unwrap_err().to_string();
        for key in ["YANDEX_SPACING_SECONDS", "APP_TIMEZONE", "YANDEX_PASS"] {
            assert!(text.contains(key), "{text}");
        }
        assert!(!text.contains("s3cr3t"), "{text}");
    }

    #[test]
    fn a_rehearsal_clock_needs_offline() {
        let clock = ("LEADGEN_REHEARSAL_CLOCK", "2026-01-15T20:00:00Z@1768500000000*600");
        assert!(Settings::read(&with(&[clock])).is_err());
        let settings = Settings::read(&with(&[clock, ("LEADGEN_OFFLINE", "yes")])).unwrap();
        assert!((settings.rehearsal.unwrap().speed - 600.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_web_outside_is_not_visited_without_a_pause_and_ranges_to_shun_are_read() {
        let hasty = ("LEADGEN_WEB_PACE_SECONDS", "0");
        assert!(Settings::read(&with(&[hasty])).unwrap_err().to_string().contains("LEADGEN_WEB_PACE_SECONDS"));
        assert_eq!(Settings::read(&with(&[hasty, ("LEADGEN_OFFLINE", "yes")])).unwrap().web.pace, Duration::ZERO);
        let denied = |text| Settings::read(&with(&[("LEADGEN_WEB_DENY", text)])).map(|settings| settings.web.denied.len());
        assert_eq!(denied("203.0.114.7, 198.41.0.0/24, 2a00:1450::/32").unwrap(), 3);
        assert!(denied("198.41.0.0/33").unwrap_err().to_string().contains("LEADGEN_WEB_DENY"));
    }

    #[test]
    fn a_mailbox_is_read_from_the_reference_names() {
        let settings = Settings::read(&with(&[
            ("GMAIL_USER", "studio@gmail.com"),
            ("GMAIL_PASS", "app password"),
            ("GMAIL_FROM", "Студия \"Пример\" <studio@gmail.com>"),
            ("SEND_DAILY_LIMIT", "20"),
        ]))
        .unwrap();
        let mailbox = &settings.mailboxes[0];
        assert_eq!((mailbox.mailbox.name.as_str(), mailbox.smtp_port, mailbox.implicit_tls), ("gmail", 587, false));
        assert_eq!(mailbox.mailbox.daily_cap, 20);
        assert!(!format!("{settings:?}").contains("app password"));
    }

    #[test]
    fn postgres_parts_make_a_url_with_the_password_encoded() {
        let settings = Settings::read(&with(&[("POSTGRES_HOST", "db"), ("POSTGRES_PASSWORD", "a b@c")])).unwrap();
        assert_eq!(settings.database_url.reveal(), "postgres://leadgen:a%20b%40c@db:5432/leadgen");
    }
}
