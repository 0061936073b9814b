//! E-mail addresses on a page: in links, text, entities, protected forms, structured data, joined literals.

use std::sync::LazyLock;

use regex::Regex;
use url::Url;

use crate::domain::contact::{ContactType, FoundContact};
use crate::domain::name::EmailAddress;
use crate::rules::normalize;

use super::html::Page;
use super::structured::Structured;
use super::{PageFindings, Site, same_family};

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z0-9][A-Za-z0-9._%+'-]{0,63}\s?@\s?(?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,24}"));
static WRITTEN_OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)([A-Za-z0-9][A-Za-z0-9._+-]{0,63})\s*(?:\[at\]|\(at\)|\{at\}|\(собака\)|\[собака\]|\{собака\}|«собака»|\s собака \s|\s at \s|_at_|＠)\s*([A-Za-zА-Яа-я0-9-]+(?:\s*(?:\.|\[dot\]|\(dot\)|\(точка\)|\[точка\]|\s точка \s|\s dot \s|．)\s*[A-Za-zА-Яа-я0-9-]+){0,4})",
    )
});
static JOINED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"["']([A-Za-z0-9._-]{1,40})["']\s*\+\s*["']@["']\s*\+\s*["']([A-Za-z0-9.-]{3,60})["']"#));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|e| panic!("a pattern of our own is wrong: {e}"))
}

/// Addresses of builders, counters, agencies and templates: never the firm's own.
const PLATFORMS: [&str; 40] = [
    "example.com",
    "example.org",
    "example.net",
    "example.ru",
    "domain.com",
    "domain.ru",
    "site.com",
    "site.ru",
    "email.com",
    "email.ru",
    "test.ru",
    "test.com",
    "yourdomain.com",
    "yoursite.com",
    "company.com",
    "company.ru",
    "mysite.com",
    "mysite.ru",
    "sentry.io",
    "wixpress.com",
    "wix.com",
    "tilda.cc",
    "tilda.ws",
    "1c-bitrix.ru",
    "bitrix24.ru",
    "ucoz.ru",
    "nethouse.ru",
    "insales.ru",
    "reg.ru",
    "beget.com",
    "timeweb.ru",
    "jivosite.com",
    "godaddy.com",
    "squarespace.com",
    "shopify.com",
    "cloudflare.com",
    "w3.org",
    "schema.org",
    "google.com",
    "gstatic.com",
];
const NOBODY: [&str; 12] = [
    "noreply",
    "donotreply",
    "mailerdaemon",
    "postmaster",
    "abuse",
    "hostmaster",
    "bounce",
    "bounces",
    "name",
    "user",
    "username",
    "youremail",
];
const ROLES: [&str; 58] = [
    "info",
    "office",
    "mail",
    "post",
    "hello",
    "hi",
    "contact",
    "contacts",
    "kontakt",
    "sales",
    "sale",
    "zakaz",
    "order",
    "orders",
    "opt",
    "b2b",
    "market",
    "marketing",
    "pr",
    "reklama",
    "hr",
    "job",
    "jobs",
    "rabota",
    "resume",
    "support",
    "help",
    "service",
    "buh",
    "buhgalter",
    "account",
    "accounts",
    "admin",
    "secretar",
    "secretary",
    "priem",
    "priemnaya",
    "reception",
    "director",
    "dir",
    "general",
    "manager",
    "zakupki",
    "tender",
    "snab",
    "partner",
    "partners",
    "dealer",
    "shop",
    "store",
    "site",
    "web",
    "admissions",
    "enquiries",
    "inquiry",
    "booking",
    "team",
    "clinic",
];
const FREE_MAIL: [&str; 16] = [
    "gmail.com",
    "yandex.ru",
    "yandex.com",
    "ya.ru",
    "mail.ru",
    "bk.ru",
    "inbox.ru",
    "list.ru",
    "internet.ru",
    "rambler.ru",
    "lenta.ru",
    "outlook.com",
    "hotmail.com",
    "icloud.com",
    "yahoo.com",
    "proton.me",
];

pub(super) fn find(found: &mut PageFindings, url: &Url, page: &Page, structured: &Structured, site: &Site) {
    let mut finder = Finder { found, url, site, text: &page.text };
    for text in &structured.emails {
        finder.take(text, "jsonld", 0.95);
    }
    for link in &page.links {
        if link.href.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")) {
            finder.take(&link.href, "mailto", 0.95);
        } else if let Some((_, hex)) = link.href.split_once("/cdn-cgi/l/email-protection#") {
            finder.protected(hex);
        }
    }
    for hex in &page.protected {
        finder.protected(hex);
    }
    for (_, value) in &page.attributes {
        finder.take(value, "attribute", 0.85);
    }
    let text = readable(&page.text);
    for address in ADDRESS.find_iter(&text) {
        finder.in_text(address.as_str(), "text", 0.85);
    }
    for written in WRITTEN_OUT.captures_iter(&text) {
        let host = ["[dot]", "(dot)", "(точка)", "[точка]", " точка ", " dot ", "．"]
            .iter()
            .fold(written[2].to_lowercase(), |host, sign| host.replace(sign, "."));
        let host: String = host.split_whitespace().collect();
        finder.in_text(&format!("{}@{host}", &written[1]), "obfuscated", 0.75);
    }
    for script in &page.scripts {
        for joined in JOINED.captures_iter(script).take(20) {
            finder.take(&format!("{}@{}", &joined[1], &joined[2]), "js", 0.70);
        }
    }
}

/// Invisible characters and full-width signs are how addresses are hidden from simple readers.
fn readable(text: &str) -> String {
    text.chars().filter(|c| !normalize::is_zero_width(*c) && *c != '\u{AD}').map(|c| if c == '＠' { '@' } else { c }).collect()
}

struct Finder<'a> {
    found: &'a mut PageFindings,
    url: &'a Url,
    site: &'a Site,
    text: &'a str,
}

impl Finder<'_> {
    fn protected(&mut self, hex: &str) {
        let bytes: Option<Vec<u8>> = (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()).collect();
        let Some((key, rest)) = bytes.as_deref().and_then(<[u8]>::split_first) else { return };
        let decoded: Vec<u8> = rest.iter().map(|byte| byte ^ key).collect();
        if let Ok(text) = String::from_utf8(decoded) {
            self.take(&text, "cfemail", 0.90);
        }
    }

    /// An address cut out of running text: words glued to its end are cut where the top-level domain is known.
    fn in_text(&mut self, text: &str, how: &str, score: f64) {
        let tight: String = text.split_whitespace().collect();
        if let Some(address) = EmailAddress::parse(&tight).ok().filter(|address| normalize::has_known_suffix(address.domain())) {
            return self.keep(&address, how, score);
        }
        let cut = tight.char_indices().rev().map(|(at, _)| &tight[..at]).take(24).find_map(|shorter| {
            let address = EmailAddress::parse(shorter).ok()?;
            let glued = &tight[shorter.len()..];
            // "info@firm.ruТелефон": another script begins where the address ends.
            let other_script = glued.chars().next().is_some_and(|c| !c.is_ascii());
            (other_script && normalize::has_known_suffix(address.domain())).then_some(address)
        });
        if let Some(address) = cut {
            self.keep(&address, how, score);
        }
    }

    fn take(&mut self, text: &str, how: &str, score: f64) {
        if let Some(address) = normalize::email(text)
            && normalize::has_known_suffix(address.domain())
        {
            self.keep(&address, how, score);
        }
    }

    fn keep(&mut self, address: &EmailAddress, how: &str, score: f64) {
        let own = self.site.domain.as_ref().is_some_and(|site| same_family(site, address.domain()));
        if !own && is_foreign(address) {
            return;
        }
        let free = FREE_MAIL.contains(&address.domain().as_str());
        let score = score
            + if own {
                0.10
            } else if free || self.site.domain.is_none() {
                0.0
            } else {
                -0.25
            };
        let kind = kind(address);
        let known = self.found.contacts.iter_mut().find(|c| c.contact_type == ContactType::Email && c.value == address.as_str());
        match known {
            Some(known) => known.score = (known.score.max(score) + 0.03).min(0.99),
            None => self.found.contacts.push(FoundContact {
                contact_type: ContactType::Email,
                value: address.as_str().to_owned(),
                kind: kind.into(),
                origin: how.into(),
                score: score.clamp(0.05, 0.99),
                source_url: self.url.to_string(),
                snippet: snippet(self.text, address.as_str()),
            }),
        }
    }
}

/// Whether an address can't be the firm's own.
fn is_foreign(address: &EmailAddress) -> bool {
    let host = address.domain();
    let bare: String = address.local().chars().filter(char::is_ascii_alphanumeric).collect();
    let long_number = address.local().len() > 24 && address.local().bytes().all(|b| b.is_ascii_hexdigit());
    PLATFORMS.iter().any(|platform| host.is_within(platform)) || NOBODY.contains(&bare.as_str()) || long_number
}

/// `role`, `personal` or `unknown`.
fn kind(address: &EmailAddress) -> &'static str {
    let parts: Vec<&str> = address.local().split(['.', '_', '-', '+']).collect();
    if parts.iter().any(|part| ROLES.contains(&part.trim_end_matches(|c: char| c.is_ascii_digit()))) {
        return "role";
    }
    if parts.len() == 2 && parts.iter().all(|part| part.len() > 1 && part.bytes().all(|b| b.is_ascii_alphabetic())) {
        "personal"
    } else {
        "unknown"
    }
}

/// The text around a value, at most 200 characters.
pub(super) fn snippet(text: &str, value: &str) -> String {
    let Some(at) = text.find(value) else { return String::new() };
    let start = text[..at].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
    text[start..].chars().take(200).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
