//! Reads single values out of the layers and gathers every problem.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::name::DomainName;
use crate::setup::layers::Layers;

pub(super) struct Reader<'a> {
    pub(super) layers: &'a Layers,
    pub(super) problems: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn set(&self, env: &str) -> Option<String> {
        self.layers.text(env).map(|text| text.trim().to_owned())
    }

    pub(super) fn text(&self, env: &str) -> String {
        self.set(env).unwrap_or_default()
    }

    pub(super) fn path(&self, env: &str) -> Option<PathBuf> {
        self.set(env).map(PathBuf::from)
    }

    pub(super) fn flag(&mut self, env: &str) -> bool {
        let read = |text: &str| match text.to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        };
        self.parsed(env, "true or false", read).unwrap_or(false)
    }

    pub(super) fn number_in(&mut self, env: &str, least: u64, most: u64) -> u64 {
        let read = |text: &str| text.parse::<u64>().ok().filter(|n| (least..=most).contains(n));
        self.parsed(env, &format!("a whole number from {least} to {most}"), read).unwrap_or(least)
    }

    pub(super) fn seconds(&mut self, env: &str) -> Duration {
        Duration::from_secs(self.number_in(env, 1, 86_400))
    }

    pub(super) fn optional<T>(&mut self, env: &str, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.set(env)?;
        self.parsed(env, allowed, read)
    }

    pub(super) fn parsed<T>(&mut self, env: &str, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = read(&self.text(env));
        if value.is_none() {
            self.problem(env, &format!("allowed: {allowed}"));
        }
        value
    }

    /// Names the key and where it was set, never the value: it may be a secret pasted into the wrong line.
    pub(super) fn problem(&mut self, env: &str, what: &str) {
        self.problems.push(format!("{env} (set by {}): {what}", self.layers.origin(env)));
    }

    /// A base address: https, or plain http to loopback.
    pub(super) fn address(&mut self, env: &str) -> String {
        self.parsed(env, "an address that begins with https://, or with http:// to loopback", |text| {
            let url = url::Url::parse(text).ok()?;
            let is_loopback = match url.host()? {
                url::Host::Domain(name) => name == "localhost",
                url::Host::Ipv4(ip) => ip.is_loopback(),
                url::Host::Ipv6(ip) => ip.is_loopback(),
            };
            (url.scheme() == "https" || (url.scheme() == "http" && is_loopback)).then(|| text.to_owned())
        })
        .unwrap_or_default()
    }

    pub(super) fn domains(&mut self, env: &str) -> Vec<DomainName> {
        let mut domains = Vec::new();
        for text in self.set(env).map(|text| list(&text)).unwrap_or_default() {
            match DomainName::parse(&text) {
                Ok(domain) => domains.push(domain),
                Err(_) => self.problem(env, &format!("{text:?} is no domain")),
            }
        }
        domains
    }
}

pub(super) fn list(text: &str) -> Vec<String> {
    text.split([',', ';', '\n']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
