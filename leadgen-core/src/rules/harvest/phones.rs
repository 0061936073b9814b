//! Phones on a page: links, structured data, marked values, text.

use std::collections::HashSet;

use url::Url;

use crate::domain::contact::{ContactType, FoundContact};
use crate::domain::name::{DomainName, Phone};
use crate::rules::normalize;

use super::context::Context;
use super::decode::percent;
use super::html::{Link, Page, Prop};
use super::numbers::{self, Spotted, is_sample};
use super::scripts::{self, Field};
use super::structured::Structured;
use super::text::{proof, snippet};
use super::{DRAWN, Doubt, PageFindings, Sighting};

/// Bytes of a text that show its language.
const JUDGED_BY: usize = 30_000;

pub(super) fn find(found: &mut PageFindings, url: &Url, page: &Page, structured: &Structured, country: Option<&str>, context: &Context) {
    let mut finder = Finder { found, url, page, country, context };
    let spotted = numbers::find(&page.text, country);
    // Numbers that the text around their link calls a fax.
    let faxes: HashSet<&Phone> = spotted.iter().filter(|one| one.is_fax).map(|one| &one.phone).collect();
    for link in &page.links {
        finder.link(link, &faxes);
    }
    finder.marked(structured);
    finder.spotted(&page.text, spotted, 0.85, None);
    finder.spotted(&page.hidden, numbers::find(&page.hidden, country), 0.20, Some(Doubt::Hidden));
    if page.text.len() < DRAWN && !finder.found.contacts.iter().any(|seen| seen.contact.contact_type == ContactType::Phone) {
        finder.drawn();
    }
}

struct Finder<'a> {
    found: &'a mut PageFindings,
    url: &'a Url,
    page: &'a Page,
    country: Option<&'a str>,
    context: &'a Context,
}

/// A number as it was met.
struct Met<'a> {
    phone: Phone,
    origin: &'static str,
    score: f64,
    is_fax: bool,
    raw: &'a str,
    near: String,
    extension: Option<String>,
    doubt: Option<Doubt>,
}

impl Finder<'_> {
    fn keep(&mut self, met: Met<'_>) {
        self.found.contacts.push(Sighting {
            contact: FoundContact {
                contact_type: ContactType::Phone,
                value: met.phone.as_str().to_owned(),
                kind: if met.is_fax { "fax".into() } else { type_of(&met.phone).into() },
                origin: met.origin.into(),
                score: met.score,
                source_url: self.url.to_string(),
                snippet: met.near,
                page_hash: self.context.page_hash.clone(),
                extension: met.extension,
            },
            raw: snippet(met.raw, 0),
            doubt: met.doubt,
        });
    }

    fn link(&mut self, link: &Link, faxes: &HashSet<&Phone>) {
        let Some(number) = dialled(&link.href) else { return };
        let extension = numbers::one(number, self.country).and_then(|one| one.extension);
        let Some(phone) = in_link(number, self.country).filter(|phone| !is_sample(phone)) else { return };
        let doubt = if link.hollow {
            Some(Doubt::Hollow)
        } else if link.hidden {
            Some(Doubt::HiddenLink)
        } else {
            self.context.doubt(&self.page.text, link.text.start).filter(|doubt| matches!(doubt, Doubt::Credit | Doubt::Stranger))
        };
        let is_fax = faxes.contains(&phone);
        let text = self.page.link_text(link).trim();
        let near = snippet(if link.hidden { &self.page.hidden } else { &self.page.text }, link.text.start);
        self.keep(Met {
            phone,
            origin: "tel",
            score: 0.95,
            is_fax,
            raw: if text.is_empty() { number } else { text },
            near,
            extension,
            doubt,
        });
    }

    /// Values that the page marks as numbers.
    fn marked(&mut self, structured: &Structured) {
        let page = self.page;
        let data = structured.phones.iter().map(|text| ("jsonld", 0.92, false, text));
        let props = page.props.iter().filter(|(prop, _)| matches!(prop, Prop::Phone | Prop::Fax));
        let props = props.map(|(prop, text)| ("attribute", 0.92, *prop == Prop::Fax, text));
        let named = page.attributes.iter().filter(|(name, text)| text.len() <= 40 && (name.contains("phone") || name.contains("tel")));
        let named = named.map(|(name, text)| ("attribute", 0.80, name.contains("fax"), text));
        for (origin, score, is_fax, text) in data.chain(props).chain(named) {
            if let Some(phone) = in_link(text, self.country).filter(|phone| !is_sample(phone)) {
                let whole = page.json_ld.iter().find(|block| origin == "jsonld" && block.contains(text.as_str())).unwrap_or(text);
                let extension = numbers::one(text, self.country).and_then(|one| one.extension);
                self.keep(Met { phone, origin, score, is_fax, raw: text, near: proof(whole, text), extension, doubt: None });
            }
        }
    }

    /// Numbers that only a script of the page holds: it shows none itself.
    fn drawn(&mut self) {
        let page = self.page;
        for script in &page.scripts {
            let named = scripts::fields(script).into_iter().filter(|(field, _)| *field == Field::Phone).map(|(_, text)| text);
            for text in named.chain(scripts::whole_numbers(script).map(str::to_owned)) {
                if let Some(phone) = in_link(&text, self.country).filter(|phone| !is_sample(phone)) {
                    let near = proof(script, &text);
                    let doubt = Some(Doubt::Literal);
                    self.keep(Met { phone, origin: "js", score: 0.45, is_fax: false, raw: &text, near, extension: None, doubt });
                }
            }
        }
    }

    fn spotted(&mut self, text: &str, spotted: Vec<Spotted>, score: f64, doubt: Option<Doubt>) {
        for one in spotted {
            let of_place = || self.context.doubt(text, one.start).filter(|doubt| *doubt != Doubt::Licence);
            let doubt = doubt.or_else(of_place);
            let (raw, near) = (text.get(one.start..one.end).unwrap_or(""), snippet(text, one.start));
            let extension = one.extension;
            self.keep(Met { phone: one.phone, origin: "text", score, is_fax: one.is_fax, raw, near, extension, doubt });
        }
    }
}

/// The number of a `tel:` link.
fn dialled(href: &str) -> Option<&str> {
    let (scheme, rest) = href.trim().split_once(':')?;
    ["tel", "callto", "phone"].iter().any(|known| scheme.trim().eq_ignore_ascii_case(known)).then_some(rest)
}

/// A value that is one number: as in ENR-14, and as people dial it at home.
fn in_link(text: &str, country: Option<&str>) -> Option<Phone> {
    let decoded = percent(text);
    let text = decoded.split(";ext=").next().unwrap_or("").trim_start_matches('/');
    if let Some(phone) = normalize::phone(text, country) {
        return Some(phone);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_home = matches!(country, None | Some("RU" | "KZ"));
    match (is_home, digits.len(), digits.as_bytes().first()) {
        (true, 10, Some(b'3' | b'4' | b'8' | b'9')) => normalize::phone(&format!("+7{digits}"), None),
        // "+8 800" is a slip of the hand.
        (true, 11, Some(b'8')) if text.trim_start().starts_with('+') => normalize::phone(&digits, None),
        _ => numbers::find(text, country).into_iter().next().map(|spotted| spotted.phone),
    }
}

fn type_of(phone: &Phone) -> &'static str {
    let digits = phone.as_str();
    if digits.starts_with("+7800")
        || ["+1800", "+1888", "+1877", "+1866", "+1855", "+1844", "+1833", "+31800", "+44800"].iter().any(|free| digits.starts_with(free))
    {
        "toll_free"
    } else {
        ""
    }
}

/// The country that numbers without a country code are read by: as told, else by the zone of the host, else by the text.
pub(super) fn country(told: Option<&str>, domain: Option<&DomainName>, text: &str) -> Option<String> {
    if let Some(told) = told.filter(|told| !told.is_empty()) {
        return Some(told.to_owned());
    }
    let zone = domain.and_then(|domain| domain.as_str().rsplit('.').next()).unwrap_or("");
    let of_zone = match zone {
        "ru" | "su" | "xn--p1ai" | "moscow" | "xn--80adxhks" | "tatar" | "xn--d1acj3b" => Some("RU"),
        "uk" => Some("GB"),
        "eu" | "tv" | "me" | "io" | "co" | "cc" | "ws" | "fm" | "ai" => None,
        zone if zone.len() == 2 => return Some(zone.to_ascii_uppercase()),
        _ => None,
    };
    of_zone.map(str::to_owned).or_else(|| Some(if is_cyrillic(text) { "RU" } else { "US" }.to_owned()))
}

/// Whether a text is written in Cyrillic letters for the most part.
fn is_cyrillic(text: &str) -> bool {
    let head = &text.as_bytes()[..text.len().min(JUDGED_BY)];
    let (mut cyrillic, mut latin) = (0_usize, 0_usize);
    // In pieces whose counts fit a byte: such loops are cheap.
    for piece in head.chunks(255) {
        let (mut first, mut second) = (0_u8, 0_u8);
        for byte in piece {
            first += u8::from(matches!(byte, 0xD0 | 0xD1));
            second += u8::from(byte.is_ascii_lowercase());
        }
        cyrillic += usize::from(first);
        latin += usize::from(second);
    }
    cyrillic * 2 > latin
}
