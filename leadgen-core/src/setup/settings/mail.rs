//! The settings of letters: mailboxes, windows, who writes, routing.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::NaiveTime;

use crate::domain::letter::SenderProfile;
use crate::domain::mail::Mailbox;
use crate::domain::name::EmailAddress;
use crate::domain::policy::{EnrichTries, Policy, SendPolicy, SitePolicy};
use crate::domain::time::{LocalWindow, Zone, parse_minute};

use super::reader::{Reader, list};
use super::{MailboxSettings, Routing, Secret};

/// A neutral profile for first steps; it never suffices to send.
fn nobody() -> SenderProfile {
    SenderProfile {
        person: String::new(),
        firm: String::new(),
        offer: "Мы помогаем компаниям принимать заявки с сайта и не терять их.".into(),
        benefit: "Заявки и звонки собираются в одном месте, и видно, на какую ещё не ответили.".into(),
    }
}

impl Reader<'_> {
    pub(super) fn policy(&mut self, zone: Zone, mailboxes: &[MailboxSettings]) -> Policy {
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
            sites: SitePolicy { keep_pages: Duration::from_hours(24 * self.number_in("LEADGEN_KEEP_SITES_DAYS", 0, 3650)) },
            longest_lease: self.optional("WORKER_LEASE_SECONDS", "a whole number from 1 to 1500", |t| {
                t.parse().ok().filter(|seconds| (1..=1500).contains(seconds)).map(Duration::from_secs)
            }),
        }
    }

    pub(super) fn send_window(&mut self, zone: Zone) -> LocalWindow {
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

    pub(super) fn mailbox(&mut self, name: &str) -> Option<MailboxSettings> {
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

    pub(super) fn from_address(&mut self, whole: &str, email: &str, name: &str, user: &str) -> Option<(String, EmailAddress)> {
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

    pub(super) fn sender(&mut self) -> SenderProfile {
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

    pub(super) fn routing(&mut self) -> Routing {
        Routing {
            enabled: self.flag("ROUTING_ENABLED"),
            timeout: Duration::from_millis(self.number_in("ROUTING_DNS_TIMEOUT_MS", 100, 60_000)),
            resolvers: self.parsed("ROUTING_DNS_RESOLVERS", "ip or ip:port, separated by commas", resolvers).unwrap_or_default(),
            ru_mx_patterns: self.set("ROUTING_RU_MX_PATTERNS").map(|text| list(&text)),
            ru_mx_tlds: self.set("ROUTING_RU_MX_TLDS").map(|text| list(&text)),
            force_ru_domains: self.set("ROUTING_FORCE_RU_DOMAINS").map(|text| list(&text)),
        }
    }
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
