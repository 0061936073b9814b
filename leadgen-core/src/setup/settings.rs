//! The typed settings: every value read and checked once, every problem named at once.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveTime;

use crate::adapters::yandex::{FamilyMode, FixTypo, GroupMode, Localization, Period, Request, SearchType, SortMode, SortOrder};
use crate::domain::letter::SenderProfile;
use crate::domain::mail::Mailbox;
use crate::domain::money::Money;
use crate::domain::name::{DomainName, EmailAddress};
use crate::domain::policy::{EnrichTries, Policy, Prices, Quota, SearchPolicy, SendPolicy};
use crate::domain::query::SearchMode;
use crate::domain::time::{LocalWindow, NightWindow, Timestamp, Zone, parse_minute};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::regions::Places;
use crate::setup::layers::Layers;

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
    /// Companies side by side.
    pub concurrency: usize,
    /// Who crawls, for the User-Agent.
    pub contact: String,
    /// Least pause between two requests to one host.
    pub pace: Duration,
    /// Loopback pairs that may be visited: logical port, address.
    pub loopback: Vec<(u16, SocketAddr)>,
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

/// A neutral profile for first steps; it never suffices to send.
fn nobody() -> SenderProfile {
    SenderProfile {
        person: String::new(),
        firm: String::new(),
        offer: "Мы помогаем компаниям принимать заявки с сайта и не терять их.".into(),
        benefit: "Заявки и звонки собираются в одном месте, и видно, на какую ещё не ответили.".into(),
    }
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

struct Reader<'a> {
    layers: &'a Layers,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn settings(&mut self) -> Settings {
        let zone = self.parsed("APP_TIMEZONE", "an IANA zone or +HH:MM", |t| Zone::parse(t).ok()).unwrap_or(Zone::UTC);
        let mailboxes: Vec<MailboxSettings> = ["yandex", "gmail"].iter().filter_map(|name| self.mailbox(name)).collect();
        let policy = self.policy(zone, &mailboxes);
        let offline = self.flag("LEADGEN_OFFLINE");
        let rehearsal = self.optional("LEADGEN_REHEARSAL_CLOCK", "START@ANCHOR_MILLIS*SPEED", rehearsal);
        if rehearsal.is_some() && !offline {
            self.problem(
                "LEADGEN_REHEARSAL_CLOCK",
                "works only together with LEADGEN_OFFLINE=true: a moved clock must not reach the world",
            );
        }
        Settings {
            database_url: Secret::new(self.database_url()),
            migrate: self.flag("LEADGEN_DATABASE_MIGRATE"),
            zone,
            log_level: self.text("LOG_LEVEL"),
            offline,
            rehearsal,
            extra_roots: self.path("LEADGEN_TLS_EXTRA_ROOTS"),
            provider: self.provider(),
            yandex: Yandex {
                folder_id: self.set("YANDEX_CLOUD_FOLDER_ID"),
                sa_key_file: self.path("YANDEX_CLOUD_SA_KEY_FILE"),
                sa_key_json: self.set("YANDEX_CLOUD_SA_KEY_JSON").map(Secret::new),
                iam_token: self.set("YANDEX_CLOUD_IAM_TOKEN").map(Secret::new),
                api_key: self.set("YANDEX_CLOUD_API_KEY").map(Secret::new),
                search_url: self.text("LEADGEN_YANDEX_SEARCH_URL"),
                operation_url: self.text("LEADGEN_YANDEX_OPERATION_URL"),
                iam_url: self.text("LEADGEN_YANDEX_IAM_URL"),
                request: self.request(),
            },
            max_queries: self.number_in("YANDEX_MAX_QUERIES_PER_NICHE", 1, 20) as usize,
            triggers: self.set("YANDEX_TRIGGERS").map(|text| list(&text)),
            places: self
                .optional("YANDEX_REGIONS", "PLACE=CODE pairs, for example Иннополис=43", |t| {
                    Places::parse(list(t).iter().map(String::as_str))
                })
                .unwrap_or_default(),
            minus_domains: self.set("YANDEX_MINUS_DOMAINS").map(|text| list(&text)),
            excluded_domains: self.domains("EXCLUDED_DOMAINS"),
            sheet: self.sheet(),
            llm: Llm {
                api_key: self.set("OPENAI_API_KEY").map(Secret::new),
                base_url: self.text("OPENAI_BASE_URL"),
                model: self.text("OPENAI_EMAIL_MODEL"),
            },
            web: self.web(),
            sender: self.sender(),
            legal_basis: self.text("LEADGEN_LEGAL_BASIS"),
            review_required: self.flag("LEADGEN_REVIEW_REQUIRED"),
            unsubscribe_url: self
                .optional("UNSUBSCRIBE_URL", "an https address", |t| t.starts_with("https://").then(|| t.trim_end_matches('/').to_owned())),
            unsubscribe_mailto: self
                .optional("UNSUBSCRIBE_MAILTO", "an e-mail address", |t| EmailAddress::parse(t).ok().map(|a| a.as_str().to_owned())),
            token_key: self.optional("LEADGEN_TOKEN_KEY", "at least 16 characters", |t| (t.len() >= 16).then(|| Secret::new(t))),
            token_keys_old: self
                .set("LEADGEN_TOKEN_KEYS_OLD")
                .map(|text| list(&text))
                .unwrap_or_default()
                .into_iter()
                .map(Secret::new)
                .collect(),
            mailboxes,
            routing: self.routing(),
            bind: self
                .parsed("SERVER_BIND", "address:port", |t| t.parse().ok())
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            server_token: self.set("LEADGEN_SERVER_TOKEN").map(Secret::new),
            roles: self.roles(),
            tick: self.seconds("LEADGEN_TICK_SECONDS"),
            policy,
        }
    }

    fn provider(&mut self) -> Provider {
        match self.text("LEADGEN_SEARCH_PROVIDER").to_lowercase().as_str() {
            "yandex" => Provider::Yandex,
            "files" => {
                let folder = self.needed("LEADGEN_SEARCH_FOLDER", "is missing while the provider is files");
                folder.map_or(Provider::Yandex, |folder| Provider::Files(folder.into()))
            }
            "searxng" => {
                let url = self.needed("LEADGEN_SEARXNG_URL", "is missing while the provider is searxng");
                let (language, engines) = (self.text("LEADGEN_SEARXNG_LANGUAGE"), self.text("LEADGEN_SEARXNG_ENGINES"));
                url.map_or(Provider::Yandex, |url| Provider::Searxng(url, language, engines))
            }
            _ => {
                self.problem("LEADGEN_SEARCH_PROVIDER", "allowed: yandex, files, searxng");
                Provider::Yandex
            }
        }
    }

    fn sheet(&mut self) -> Sheet {
        let sync = self.flag("SHEET_SYNC_ENABLED");
        let id = self.set("GOOGLE_SHEET_ID");
        if sync && id.is_none() {
            self.problem("GOOGLE_SHEET_ID", "is missing while SHEET_SYNC_ENABLED is true");
        }
        Sheet {
            id,
            tab: self.text("GOOGLE_SHEET_TAB"),
            key_file: self.path("GOOGLE_SA_KEY_FILE"),
            key_json: self.set("GOOGLE_SA_KEY_JSON").map(Secret::new),
            sync,
            interval: Duration::from_mins(self.number_in("SHEET_SYNC_INTERVAL_MINUTES", 1, 10_080)),
            batch_tag: self.set("SHEET_SYNC_BATCH_TAG"),
            base_url: self.text("LEADGEN_SHEETS_URL"),
        }
    }

    fn request(&mut self) -> Request {
        let default = Request::default();
        let words = |words: &[&str]| words.join(", ");
        Request {
            search_type: self.parsed("YANDEX_SEARCH_TYPE", &words(SearchType::WORDS), SearchType::parse).unwrap_or(default.search_type),
            family: self.parsed("YANDEX_FAMILY_MODE", &words(FamilyMode::WORDS), FamilyMode::parse).unwrap_or(default.family),
            fix_typo: self.parsed("YANDEX_FIX_TYPO", &words(FixTypo::WORDS), FixTypo::parse).unwrap_or(default.fix_typo),
            sort: self.parsed("YANDEX_SORT_MODE", &words(SortMode::WORDS), SortMode::parse).unwrap_or(default.sort),
            order: self.parsed("YANDEX_SORT_ORDER", &words(SortOrder::WORDS), SortOrder::parse).unwrap_or(default.order),
            group: self.parsed("YANDEX_GROUP_MODE", &words(GroupMode::WORDS), GroupMode::parse).unwrap_or(default.group),
            groups_on_page: self.number_in("YANDEX_GROUPS_ON_PAGE", 1, 100) as u32,
            docs_in_group: self.number_in("YANDEX_DOCS_IN_GROUP", 1, 3) as u32,
            max_passages: self.number_in("YANDEX_MAX_PASSAGES", 1, 5) as u32,
            localization: self
                .parsed("YANDEX_LOCALIZATION", &words(Localization::WORDS), Localization::parse)
                .unwrap_or(default.localization),
            period: self.parsed("YANDEX_PERIOD", &words(Period::WORDS), Period::parse).unwrap_or(default.period),
            user_agent: self.optional("YANDEX_USER_AGENT", "at most 300 characters", |t| (t.chars().count() <= 300).then(|| t.to_owned())),
            metadata: default.metadata,
        }
    }

    fn quota(&mut self, env: &str) -> Quota {
        let read = |text: &str| {
            let parts: Option<Vec<u32>> = text.split('/').map(|part| part.trim().parse().ok().filter(|n| *n > 0)).collect();
            match parts?[..] {
                [per_second, per_minute, per_hour] => Some(Quota { per_second, per_minute, per_hour }),
                _ => None,
            }
        };
        self.parsed(env, "SECOND/MINUTE/HOUR, for example 10/600/35000", read).unwrap_or(Quota::DEFERRED)
    }

    fn price(&mut self, env: &str) -> Money {
        self.parsed(env, "an amount for 1000 requests, for example 25.41", |t| Money::parse(t).ok()).unwrap_or_default().thousandth()
    }

    fn search_policy(&mut self) -> SearchPolicy {
        let mut policy = self.yandex_policy();
        // Asking saved pages or an instance of one's own is free at any hour; only the pace is kept.
        if self.text("LEADGEN_SEARCH_PROVIDER").to_lowercase() != "yandex" {
            policy.prices =
                Prices { deferred_day: Money::ZERO, deferred_night: Money::ZERO, sync_day: Money::ZERO, sync_night: Money::ZERO };
            policy.mode = SearchMode::Synchronous;
            policy.enforce_night = false;
        }
        policy
    }

    fn yandex_policy(&mut self) -> SearchPolicy {
        SearchPolicy {
            night: self.parsed("YANDEX_NIGHT_WINDOW_UTC", "HH:MM-HH:MM", |t| NightWindow::parse(t).ok()).unwrap_or(NightWindow::ALWAYS),
            enforce_night: self.flag("YANDEX_ENFORCE_NIGHT_WINDOW"),
            spacing: Duration::from_secs(self.number_in("YANDEX_SPACING_SECONDS", 1, 86_400)),
            max_retries: self.number_in("YANDEX_MAX_RETRIES", 1, 100) as u32,
            poll_interval: Duration::from_secs(self.number_in("YANDEX_POLL_INTERVAL_SECONDS", 1, 3600)),
            pages: self.number_in("YANDEX_PAGES", 1, 250) as u32,
            per_page: (self.number_in("YANDEX_GROUPS_ON_PAGE", 1, 100) * self.number_in("YANDEX_DOCS_IN_GROUP", 1, 3)) as u32,
            prices: Prices {
                deferred_day: self.price("LEADGEN_PRICE_DEFERRED_DAY"),
                deferred_night: self.price("LEADGEN_PRICE_DEFERRED_NIGHT"),
                sync_day: self.price("LEADGEN_PRICE_SYNC_DAY"),
                sync_night: self.price("LEADGEN_PRICE_SYNC_NIGHT"),
            },
            budget: self.optional("LEADGEN_BUDGET_SEARCH_RUB", "an amount, for example 500", |t| Money::parse(t).ok()),
            submit_quota: self.quota("LEADGEN_QUOTA_SUBMIT"),
            poll_quota: self.quota("LEADGEN_QUOTA_POLL"),
            keep_pages: Duration::from_hours(24 * self.number_in("LEADGEN_KEEP_PAGES_DAYS", 0, 3650)),
            ..SearchPolicy::default()
        }
    }

    fn policy(&mut self, zone: Zone, mailboxes: &[MailboxSettings]) -> Policy {
        let window = self.send_window(zone);
        let delay = self
            .parsed("SEND_DELAY_SECONDS", "from-to in seconds, from not above to", |t| {
                let (from, to) = t.split_once('-').unwrap_or((t, t));
                let (from, to) = (from.trim().parse::<u64>().ok()?, to.trim().parse::<u64>().ok()?);
                (from <= to && to <= 86_400).then(|| (Duration::from_secs(from), Duration::from_secs(to)))
            })
            .unwrap_or_default();
        Policy {
            search: self.search_policy(),
            send: SendPolicy {
                enabled: self.flag("EMAIL_SENDING_ENABLED"),
                window,
                delay,
                mailboxes: mailboxes.iter().map(|settings| settings.mailbox.clone()).collect(),
                ..SendPolicy::default()
            },
            enrich_tries: EnrichTries::default(),
            longest_lease: self.optional("WORKER_LEASE_SECONDS", "a whole number from 1 to 1500", |t| {
                t.parse().ok().filter(|seconds| (1..=1500).contains(seconds)).map(Duration::from_secs)
            }),
        }
    }

    fn send_window(&mut self, zone: Zone) -> LocalWindow {
        let default = SendPolicy::default().window;
        let hours = self.parsed("SEND_WINDOW", "HH:MM-HH:MM, start before end", |t| {
            let (start, end) = t.split_once('-')?;
            let time = |minute: u16| NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0);
            let (start, end) = (time(parse_minute(start)?)?, time(parse_minute(end)?)?);
            (start < end).then_some((start, end))
        });
        let (start, end) = hours.unwrap_or((default.start, default.end));
        let weekdays = self.parsed("SEND_WEEKDAYS", "1-5 or 1,3,5 with 1 for Monday", weekdays).unwrap_or(default.weekdays);
        LocalWindow { start, end, weekdays, zone }
    }

    fn web(&mut self) -> Web {
        Web {
            timeout: self.seconds("ENRICH_TIMEOUT_SECONDS"),
            max_redirects: self.number_in("ENRICH_MAX_REDIRECTS", 0, 20) as u32,
            max_pages: self.number_in("ENRICH_MAX_PAGES", 1, 50) as u32,
            concurrency: self.number_in("ENRICH_CONCURRENCY", 1, 1000) as usize,
            contact: self.text("LEADGEN_WEB_CONTACT"),
            pace: Duration::from_secs(self.number_in("LEADGEN_WEB_PACE_SECONDS", 0, 60)),
            loopback: self.optional("LEADGEN_WEB_LOOPBACK", "PORT=ADDRESS:PORT pairs of loopback addresses", loopback).unwrap_or_default(),
        }
    }

    fn routing(&mut self) -> Routing {
        Routing {
            enabled: self.flag("ROUTING_ENABLED"),
            timeout: Duration::from_millis(self.number_in("ROUTING_DNS_TIMEOUT_MS", 100, 60_000)),
            resolvers: self.parsed("ROUTING_DNS_RESOLVERS", "ip or ip:port, separated by commas", resolvers).unwrap_or_default(),
            ru_mx_patterns: self.set("ROUTING_RU_MX_PATTERNS").map(|text| list(&text)),
            ru_mx_tlds: self.set("ROUTING_RU_MX_TLDS").map(|text| list(&text)),
            force_ru_domains: self.set("ROUTING_FORCE_RU_DOMAINS").map(|text| list(&text)),
        }
    }

    fn mailbox(&mut self, name: &str) -> Option<MailboxSettings> {
        let key = |part: &str| format!("{}_{part}", name.to_uppercase());
        let user = self.set(&key("USER"))?;
        let Some(pass) = self.set(&key("PASS")) else {
            self.problem(&key("PASS"), "is missing while the user is set");
            return None;
        };
        let (from_name, from) = self.from_address(&key("FROM"), &key("FROM_EMAIL"), &key("FROM_NAME"), &user)?;
        let cap = self.number_in(&key("DAILY_CAP"), 1, 2000);
        let limit = self.optional("SEND_DAILY_LIMIT", "a whole number", |t| t.parse::<u64>().ok()).unwrap_or(cap);
        let (tls, ssl) = (self.flag(&key("SMTP_TLS")), self.flag(&key("SMTP_SSL")));
        if !tls && !ssl {
            self.problem(&key("SMTP_TLS"), "TLS is mandatory: set _SMTP_TLS (STARTTLS) or _SMTP_SSL to true");
        }
        let imap_host = self.text(&key("IMAP_HOST"));
        let imap_port = self.number_in(&key("IMAP_PORT"), 1, 65_535) as u16;
        Some(MailboxSettings {
            mailbox: Mailbox { name: name.to_owned(), from, from_name, daily_cap: cap.min(limit) as u32 },
            smtp_host: self.text(&key("SMTP_HOST")),
            smtp_port: self.number_in(&key("SMTP_PORT"), 1, 65_535) as u16,
            implicit_tls: ssl,
            user,
            pass: Secret::new(pass),
            imap: (imap_host != "off").then_some((imap_host, imap_port)),
        })
    }

    fn from_address(&mut self, whole: &str, email: &str, name: &str, user: &str) -> Option<(String, EmailAddress)> {
        let (shown, address) = match self.set(whole) {
            Some(text) => match text.split_once('<') {
                Some((shown, rest)) => (shown.trim().trim_matches('"').to_owned(), rest.trim_end().trim_end_matches('>').to_owned()),
                None => (String::new(), text),
            },
            None => (self.set(name).unwrap_or_default(), self.set(email).unwrap_or_else(|| user.to_owned())),
        };
        match EmailAddress::parse(&address) {
            Ok(address) => Some((shown, address)),
            Err(_) => {
                self.problem(email, "is no e-mail address");
                None
            }
        }
    }

    fn sender(&mut self) -> SenderProfile {
        let Some(path) = self.path("MAIL_SENDER_PROFILE_FILE") else { return nobody() };
        let read = std::fs::read_to_string(&path).map_err(|e| e.to_string());
        match read.and_then(|text| toml::from_str(&text).map_err(|e: toml::de::Error| e.message().to_owned())) {
            Ok(profile) => profile,
            Err(why) => {
                self.problem("MAIL_SENDER_PROFILE_FILE", &format!("can't be read: {why}"));
                nobody()
            }
        }
    }

    fn database_url(&mut self) -> String {
        let given = self.layers.origin("DATABASE_URL") != crate::setup::layers::Origin::Default;
        if let (false, Some(host)) = (given, self.set("POSTGRES_HOST")) {
            let encode = |text: String| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
            let user = encode(self.text("POSTGRES_USER"));
            let password = self.set("POSTGRES_PASSWORD").map(|p| format!(":{}", encode(p))).unwrap_or_default();
            return format!("postgres://{user}{password}@{host}:{}/{}", self.text("POSTGRES_PORT"), self.text("POSTGRES_DB"));
        }
        let url = self.text("DATABASE_URL");
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            self.problem("DATABASE_URL", "allowed: sqlite://FILE?mode=rwc or postgres://USER:PASSWORD@HOST/DATABASE");
        }
        url
    }

    fn roles(&mut self) -> Vec<String> {
        self.parsed("LEADGEN_ROLES", "api, scheduler, worker, separated by commas", |t| {
            let roles = list(t);
            (!roles.is_empty() && roles.iter().all(|role| matches!(role.as_str(), "api" | "scheduler" | "worker"))).then_some(roles)
        })
        .unwrap_or_default()
    }

    fn domains(&mut self, env: &str) -> Vec<DomainName> {
        let mut domains = Vec::new();
        for text in self.set(env).map(|text| list(&text)).unwrap_or_default() {
            match DomainName::parse(&text) {
                Ok(domain) => domains.push(domain),
                Err(_) => self.problem(env, &format!("{text:?} is no domain")),
            }
        }
        domains
    }

    fn set(&self, env: &str) -> Option<String> {
        self.layers.text(env).map(|text| text.trim().to_owned())
    }

    fn needed(&mut self, env: &str, why: &str) -> Option<String> {
        let value = self.set(env);
        if value.is_none() {
            self.problem(env, why);
        }
        value
    }

    fn text(&self, env: &str) -> String {
        self.set(env).unwrap_or_default()
    }

    fn path(&self, env: &str) -> Option<PathBuf> {
        self.set(env).map(PathBuf::from)
    }

    fn flag(&mut self, env: &str) -> bool {
        let read = |text: &str| match text.to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        };
        self.parsed(env, "true or false", read).unwrap_or(false)
    }

    fn number_in(&mut self, env: &str, least: u64, most: u64) -> u64 {
        let read = |text: &str| u64::from_str(text).ok().filter(|n| (least..=most).contains(n));
        self.parsed(env, &format!("a whole number from {least} to {most}"), read).unwrap_or(least)
    }

    fn seconds(&mut self, env: &str) -> Duration {
        Duration::from_secs(self.number_in(env, 1, 86_400))
    }

    fn optional<T>(&mut self, env: &str, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.set(env)?;
        self.parsed(env, allowed, read)
    }

    fn parsed<T>(&mut self, env: &str, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = read(&self.text(env));
        if value.is_none() {
            self.problem(env, &format!("allowed: {allowed}"));
        }
        value
    }

    /// Names the key and where it was set, never the value: it may be a secret pasted into the wrong line.
    fn problem(&mut self, env: &str, what: &str) {
        self.problems.push(format!("{env} (set by {}): {what}", self.layers.origin(env)));
    }
}

fn list(text: &str) -> Vec<String> {
    text.split([',', ';', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn weekdays(text: &str) -> Option<Vec<u8>> {
    let mut days = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.trim().parse::<u8>().ok()?, to.trim().parse::<u8>().ok()?);
        if !(1..=7).contains(&from) || !(1..=7).contains(&to) || from > to {
            return None;
        }
        days.extend(from..=to);
    }
    days.sort_unstable();
    days.dedup();
    Some(days)
}

fn resolvers(text: &str) -> Option<Vec<SocketAddr>> {
    list(text).iter().map(|item| item.parse().ok().or_else(|| item.parse().ok().map(|ip| SocketAddr::new(ip, 53)))).collect()
}

fn loopback(text: &str) -> Option<Vec<(u16, SocketAddr)>> {
    list(text)
        .iter()
        .map(|pair| {
            let (port, address) = pair.split_once('=')?;
            let address: SocketAddr = address.parse().ok()?;
            address.ip().is_loopback().then_some((port.parse().ok()?, address))
        })
        .collect()
}

fn rehearsal(text: &str) -> Option<Rehearsal> {
    let (start, rest) = text.split_once('@')?;
    let (anchor, speed) = rest.split_once('*')?;
    let speed: f64 = speed.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0)?;
    Some(Rehearsal { start: Timestamp::parse(start).ok()?, anchor_millis: anchor.parse().ok()?, speed })
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
