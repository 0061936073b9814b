//! E-mail addresses on a page, from every place where one may hide.

use url::Url;

use crate::domain::contact::{ContactType, FoundContact};
use crate::domain::name::{EmailAddress, has_known_suffix, within};
use crate::rules::normalize;

use super::addresses::{self, Spotted};
use super::context::Context;
use super::decode;
use super::html::{Link, Page, Prop};
use super::marks::Marks;
use super::structured::Structured;
use super::text::{proof, snippet};
use super::{Doubt, PageFindings, Sighting, lists, scripts};

/// Addresses kept of one page.
const MOST: usize = 300;

/// Where an address was met.
struct Place<'a> {
    how: &'static str,
    score: f64,
    at: Option<usize>,
    doubt: Option<Doubt>,
    near: Option<&'a str>,
}

impl Place<'_> {
    fn new(how: &'static str, score: f64) -> Self {
        Self { how, score, at: None, doubt: None, near: None }
    }
}

pub(super) fn find(found: &mut PageFindings, url: &Url, page: &Page, marks: &Marks, structured: &Structured, context: &Context) {
    let mut finder = Finder { found, url, page, context, count: 0 };
    for text in &structured.emails {
        let block = page.json_ld.iter().find(|block| block.contains(text.as_str())).unwrap_or(text);
        finder.cell(text, &Place { near: Some(block), ..Place::new("jsonld", 0.95) });
    }
    for (_, value) in page.props.iter().filter(|(prop, _)| *prop == Prop::Email) {
        finder.cell(value, &Place { near: Some(value), ..Place::new("attribute", 0.95) });
    }
    for link in &page.links {
        finder.link(link);
    }
    for (hex, at) in &page.protected {
        finder.protected(hex, Some(*at));
    }
    for (name, value) in &page.attributes {
        finder.attribute(name, value);
    }
    finder.spotted(&page.text, addresses::find_at(&page.text, marks), "text", 0.85, None);
    finder.running(&page.hidden, "text", 0.20, Some(Doubt::Hidden));
    for text in &page.turned {
        finder.running(text, "text", 0.65, None);
    }
    for script in &page.scripts {
        for built in scripts::strings(script) {
            let (score, doubt) = if built.is_joined { (0.70, None) } else { (0.70, Some(Doubt::Literal)) };
            match decode::shifted_mailto(&built.text) {
                Some(text) => finder.mailto(&text, &Place::new("js", score)),
                None => finder.running(&decode::percent(&built.text), "js", score, doubt),
            }
        }
    }
}

struct Finder<'a> {
    found: &'a mut PageFindings,
    url: &'a Url,
    page: &'a Page,
    context: &'a Context,
    count: usize,
}

impl<'a> Finder<'a> {
    fn link(&mut self, link: &Link) {
        let href = link.href.trim();
        let begins = |scheme: &str| href.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
        let doubt = if link.hidden { Some(Doubt::HiddenLink) } else { None };
        let at = (!link.hidden).then_some(link.text.start);
        if ["mailto:", "email:", "mail:"].into_iter().any(begins) {
            // A link around nothing can be neither seen nor clicked.
            let doubt = if link.hollow { Some(Doubt::Hollow) } else { doubt };
            self.mailto(href, &Place { at, doubt, near: self.shown(link).or(Some(href)), ..Place::new("mailto", 0.95) });
        } else if begins("javascript:") {
            let shifted = href.split(['\'', '"']).skip(1).step_by(2).find_map(decode::shifted_mailto);
            if let Some(text) = shifted {
                self.mailto(&text, &Place { at, doubt, near: self.shown(link).or(Some(href)), ..Place::new("obfuscated", 0.75) });
            } else if href.contains('@') || href.contains("%40") {
                self.running(&decode::percent(href), "js", 0.70, doubt);
            }
        } else if memchr::memchr2(b'@', b'#', href.as_bytes()).is_some() {
            self.web_link(href, at, doubt);
        }
    }

    /// What there is to click on.
    fn shown(&self, link: &Link) -> Option<&'a str> {
        Some(self.page.link_text(link)).filter(|text| !text.trim().is_empty())
    }

    /// Protected addresses, and what people write instead of "mailto:".
    fn web_link(&mut self, href: &str, at: Option<usize>, doubt: Option<Doubt>) {
        if let Some((_, hex)) = href.split_once('#').filter(|(path, _)| path.ends_with("/cdn-cgi/l/email-protection")) {
            self.protected(hex, at);
        } else if href.len() <= 200 && href.contains('@') && !href.contains(['?', '=']) {
            let bare = href.trim_start_matches("http://").trim_start_matches("https://").trim_end_matches('/');
            if !bare.contains(['/', ':']) {
                self.cell(bare, &Place { at, doubt, near: Some(href), ..Place::new("attribute", 0.80) });
            }
        }
    }

    /// All recipients of a `mailto:` link; copies count less.
    fn mailto(&mut self, href: &str, place: &Place<'_>) {
        let mut rest = href;
        // The scheme may be there twice.
        while let Some((scheme, after)) = rest.split_once(':')
            && ["mailto", "email", "mail"].iter().any(|known| scheme.trim().eq_ignore_ascii_case(known))
        {
            rest = after;
        }
        let (to, query) = rest.split_once('?').unwrap_or((rest, ""));
        for part in decode::percent(to).split([',', ';']) {
            self.cell(part, place);
        }
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let score = match key.trim_start_matches("amp;").to_ascii_lowercase().as_str() {
                "to" => place.score,
                "cc" | "bcc" => 0.50,
                _ => continue,
            };
            for part in decode::percent(value).split([',', ';']) {
                self.cell(part, &Place { score, at: place.at, doubt: place.doubt, near: place.near, how: place.how });
            }
        }
    }

    fn protected(&mut self, hex: &str, at: Option<usize>) {
        if let Some(text) = decode::protected(hex.trim()) {
            self.cell(&text, &Place { at, ..Place::new("cfemail", 0.90) });
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let written = format!("{name}=\"{value}\"");
        let near = Some(written.as_str());
        if value.contains('@') {
            let spotted = addresses::find(value);
            if let Some(text) = decode::shifted_mailto(value).filter(|_| spotted.is_empty()) {
                return self.mailto(&text, &Place { near, ..Place::new("obfuscated", 0.75) });
            }
            if spotted.is_empty() {
                let turned: String = value.chars().rev().collect();
                self.running(&turned, "attribute", 0.65, None);
            }
            for one in spotted {
                self.keep(&one, &Place { near, ..Place::new("attribute", 0.80) });
            }
        } else if let Some(text) = decode::base64_text(value) {
            self.cell(&text, &Place { near, ..Place::new("attribute", 0.75) });
        } else if let Some(text) = decode::shifted_mailto(value) {
            self.mailto(&text, &Place { near, ..Place::new("obfuscated", 0.75) });
        } else if value.len() <= 120 && value.contains(['[', '(', '{']) {
            self.running(value, "attribute", 0.75, None);
        }
    }

    /// A value that is one address.
    fn cell(&mut self, text: &str, place: &Place<'_>) {
        let spotted = addresses::find(text);
        if spotted.is_empty()
            && let Some(address) = normalize::email(text).filter(|address| has_known_suffix(address.domain()))
        {
            return self.keep(&Spotted { address, at: 0, folded: false, written_out: false }, place);
        }
        for one in spotted.iter().take(5) {
            self.keep(one, place);
        }
    }

    fn running(&mut self, text: &str, how: &'static str, score: f64, doubt: Option<Doubt>) {
        self.spotted(text, addresses::find(text), how, score, doubt);
    }

    fn spotted(&mut self, text: &str, spotted: Vec<Spotted>, how: &'static str, score: f64, doubt: Option<Doubt>) {
        let is_page = std::ptr::eq(text, self.page.text.as_str());
        for one in spotted {
            let (how, score) = if one.written_out && how == "text" { ("obfuscated", score.min(0.75)) } else { (how, score) };
            let at = is_page.then_some(one.at);
            self.keep(&one, &Place { how, score, at, doubt, near: Some(text) });
        }
    }

    fn keep(&mut self, spotted: &Spotted, place: &Place<'_>) {
        let address = &spotted.address;
        if self.count >= MOST || is_nobody(address) {
            return;
        }
        // Letters that only look Latin are folded where the mailbox can't have others: at a mail service, or at home.
        let free = lists::is_free_mail(address.domain());
        if spotted.folded && !free && !self.context.is_own(address.domain()) {
            return;
        }
        self.count += 1;
        let doubt = place.doubt.or_else(|| place.at.and_then(|at| self.context.doubt(&self.page.text, at)));
        let doubt = doubt.or_else(|| self.context.page_doubt(address.domain()));
        // "ivanov@" at the firm's own host is somebody; anywhere else it is everybody.
        let is_sample = is_sample(address) || (is_everybody(address) && !self.context.is_own(address.domain()));
        let doubt = if is_sample { Some(Doubt::Sample) } else { doubt };
        let near = if place.at.is_some_and(|at| self.context.speaks_of_mail(&self.page.text, at)) { 0.03 } else { 0.0 };
        let snippet = match (place.at, place.near) {
            (Some(at), _) => snippet(&self.page.text, at),
            (None, near) => proof(near.unwrap_or_default(), address.as_str()),
        };
        self.found.contacts.push(Sighting {
            contact: FoundContact {
                contact_type: ContactType::Email,
                value: address.as_str().to_owned(),
                kind: lists::kind(address).into(),
                origin: place.how.into(),
                score: place.score + near,
                source_url: self.url.to_string(),
                snippet,
                page_hash: self.context.page_hash.clone(),
                extension: None,
            },
            raw: address.as_str().to_owned(),
            doubt,
        });
    }
}

/// Mailboxes nobody reads, and strings that only look like an address.
fn is_nobody(address: &EmailAddress) -> bool {
    let bare: String = address.local().chars().filter(char::is_ascii_alphanumeric).collect();
    let nobody = ["noreply", "donotreply", "mailerdaemon", "postmaster", "abuse", "hostmaster", "bounce", "bounces", "nospam"];
    let digits = bare.bytes().filter(u8::is_ascii_digit).count();
    let is_hash = bare.len() >= 16 && digits >= 4 && bare.bytes().all(|b| b.is_ascii_hexdigit());
    let is_number = bare.len() > 40 && digits * 10 > bare.len() * 3;
    nobody.contains(&bare.as_str()) || is_hash || is_number || is_collector(address.domain().as_str())
}

/// Where programs send their errors: "…@o123.ingest.sentry.io", "…@sentry.firma.ru".
fn is_collector(host: &str) -> bool {
    let first = host.split('.').next().unwrap_or("");
    let is_below = host.matches('.').count() >= 2;
    within(host, "sentry.io") || host.contains(".sentry.") || (is_below && (first == "sentry" || first.starts_with("sentry-")))
}

/// The surnames that stand for anybody's.
fn is_everybody(address: &EmailAddress) -> bool {
    let bare: String = address.local().chars().filter(char::is_ascii_alphanumeric).collect();
    ["ivanov", "ivanivanov", "ivanovivan", "petrov", "smith", "mustermann", "maxmustermann"].contains(&bare.as_str())
}

/// Names that stand in forms and templates.
fn is_sample(address: &EmailAddress) -> bool {
    let bare: String = address.local().chars().filter(char::is_ascii_alphanumeric).collect();
    let first = address.domain().as_str().split('.').next().unwrap_or("");
    let anywhere = [
        "name",
        "yourname",
        "youremail",
        "yourmail",
        "your",
        "username",
        "user",
        "example",
        "sample",
        "primer",
        "somebody",
        "someone",
        "johndoe",
        "janedoe",
        "vashapochta",
        "vashemail",
        "vasheimya",
        "xxx",
        "xxxx",
        "abc",
        "qwerty",
        "mymail",
        "myemail",
        "firstname",
        "lastname",
        "firstnamelastname",
        "emailaddress",
        "login",
        "test",
    ];
    anywhere.contains(&bare.as_str())
        || bare.starts_with("youremail")
        || bare.starts_with("yourname")
        || (bare == first && ["email", "mail", "test"].contains(&first))
}
