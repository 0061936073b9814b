//! All settings in one reading, and those of the program, the database and the web.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::name::EmailAddress;
use crate::domain::time::{Timestamp, Zone};
use crate::rules::regions::Places;

use super::reader::{Reader, list};
use super::{Browser, Llm, MailboxSettings, Rehearsal, Secret, Settings, Web, Yandex};

impl Reader<'_> {
    pub(super) fn settings(&mut self) -> Settings {
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
                search_url: self.address("LEADGEN_YANDEX_SEARCH_URL"),
                operation_url: self.address("LEADGEN_YANDEX_OPERATION_URL"),
                iam_url: self.address("LEADGEN_YANDEX_IAM_URL"),
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
                base_url: self.address("OPENAI_BASE_URL"),
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

    pub(super) fn web(&mut self) -> Web {
        // The web outside is never asked without a pause.
        let least_pace = u64::from(!self.flag("LEADGEN_OFFLINE"));
        Web {
            timeout: self.seconds("ENRICH_TIMEOUT_SECONDS"),
            max_redirects: self.number_in("ENRICH_MAX_REDIRECTS", 0, 20) as u32,
            max_pages: self.number_in("ENRICH_MAX_PAGES", 1, 50) as u32,
            concurrency: self.number_in("ENRICH_CONCURRENCY", 1, 1000) as usize,
            contact: self.text("LEADGEN_WEB_CONTACT"),
            pace: Duration::from_secs(self.number_in("LEADGEN_WEB_PACE_SECONDS", least_pace, 60)),
            loopback: self.optional("LEADGEN_WEB_LOOPBACK", "PORT=ADDRESS:PORT pairs of loopback addresses", loopback).unwrap_or_default(),
            companies: self.number_in("ENRICH_COMPANIES", 1, 1000) as usize,
            denied: self
                .optional("LEADGEN_WEB_DENY", "addresses or ranges, for example 198.51.100.7,2001:db8::/32", ranges)
                .unwrap_or_default(),
            browser: self.browser(),
        }
    }

    fn browser(&mut self) -> Option<Browser> {
        let (sandbox, seconds) = (self.flag("LEADGEN_WEB_BROWSER_SANDBOX"), self.number_in("LEADGEN_WEB_BROWSER_SECONDS", 5, 120));
        let program = self.parsed("LEADGEN_WEB_BROWSER", "off, auto or the path of a Chromium", |t| match t {
            "off" => Some(None),
            "auto" => Some(Some(None)),
            path => path.starts_with('/').then(|| Some(Some(PathBuf::from(path)))),
        });
        program.flatten().map(|program| Browser { program, sandbox, deadline: Duration::from_secs(seconds) })
    }

    pub(super) fn database_url(&mut self) -> String {
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

    pub(super) fn roles(&mut self) -> Vec<String> {
        self.parsed("LEADGEN_ROLES", "api, scheduler, worker, separated by commas", |t| {
            let roles = list(t);
            (!roles.is_empty() && roles.iter().all(|role| matches!(role.as_str(), "api" | "scheduler" | "worker"))).then_some(roles)
        })
        .unwrap_or_default()
    }

    pub(super) fn needed(&mut self, env: &str, why: &str) -> Option<String> {
        let value = self.set(env);
        if value.is_none() {
            self.problem(env, why);
        }
        value
    }
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

fn ranges(text: &str) -> Option<Vec<IpNet>> {
    let range = |text: &String| text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)));
    list(text).iter().map(range).collect()
}

fn rehearsal(text: &str) -> Option<Rehearsal> {
    let (start, rest) = text.split_once('@')?;
    let (anchor, speed) = rest.split_once('*')?;
    let speed: f64 = speed.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0)?;
    Some(Rehearsal { start: Timestamp::parse(start).ok()?, anchor_millis: anchor.parse().ok()?, speed })
}
