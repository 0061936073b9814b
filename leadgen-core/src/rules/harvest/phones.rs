//! Phones on a page: links, structured data, marked values, text.

use std::collections::HashSet;

use url::Url;

use crate::domain::contact::{ContactType, FoundContact};
use crate::domain::name::{DomainName, Phone};
use crate::rules::normalize;

use super::context::Context;
use super::decode::percent;
use super::html::{Page, Prop};
use super::numbers::{self, is_sample};
use super::structured::Structured;
use super::text::snippet;
use super::{Doubt, PageFindings, Sighting};

/// Bytes of a text that show its language.
const JUDGED_BY: usize = 30_000;

pub(super) fn find(found: &mut PageFindings, url: &Url, page: &Page, structured: &Structured, country: Option<&str>, context: &Context) {
    let mut keep = |phone: Phone, origin: &str, score: f64, is_fax: bool, raw: &str, snippet: String, doubt: Option<Doubt>| {
        found.contacts.push(Sighting {
            contact: FoundContact {
                contact_type: ContactType::Phone,
                value: phone.as_str().to_owned(),
                kind: if is_fax { "fax".into() } else { type_of(&phone).into() },
                origin: origin.into(),
                score,
                source_url: url.to_string(),
                snippet,
                page_hash: context.page_hash.clone(),
            },
            raw: raw.split_whitespace().collect::<Vec<_>>().join(" "),
            doubt,
        });
    };
    // Numbers that the text around their link calls a fax.
    let spotted = numbers::find(&page.text, country);
    let faxes: HashSet<&Phone> = spotted.iter().filter(|one| one.is_fax).map(|one| &one.phone).collect();
    for link in &page.links {
        let Some(number) = dialled(&link.href) else { continue };
        let Some(phone) = in_link(number, country).filter(|phone| !is_sample(phone)) else {
            continue;
        };
        let doubt = if link.hidden {
            Some(Doubt::HiddenLink)
        } else {
            context.doubt(&page.text, link.text.start).filter(|doubt| *doubt == Doubt::Credit)
        };
        let doubt = if link.hollow { Some(Doubt::Hollow) } else { doubt };
        let is_fax = faxes.contains(&phone);
        let text = page.link_text(link).trim();
        let near = if link.hidden { text.to_owned() } else { snippet(&page.text, link.text.start) };
        keep(phone, "tel", 0.95, is_fax, if text.is_empty() { number } else { text }, near, doubt);
    }
    for text in &structured.phones {
        if let Some(phone) = in_link(text, country).filter(|phone| !is_sample(phone)) {
            keep(phone, "jsonld", 0.92, false, text, String::new(), None);
        }
    }
    for (prop, text) in page.props.iter().filter(|(prop, _)| matches!(prop, Prop::Phone | Prop::Fax)) {
        if let Some(phone) = in_link(text, country).filter(|phone| !is_sample(phone)) {
            keep(phone, "attribute", 0.92, *prop == Prop::Fax, text, String::new(), None);
        }
    }
    for (name, text) in page.attributes.iter().filter(|(name, _)| name.contains("phone") || name.contains("tel")) {
        if let Some(phone) = in_link(text, country).filter(|phone| !is_sample(phone) && text.len() <= 40) {
            keep(phone, "attribute", 0.80, name.contains("fax"), text, String::new(), None);
        }
    }
    for one in &spotted {
        let doubt = context.doubt(&page.text, one.start).filter(|doubt| *doubt != Doubt::Licence);
        let raw = page.text.get(one.start..one.end).unwrap_or("");
        keep(one.phone.clone(), "text", 0.85, one.is_fax, raw, snippet(&page.text, one.start), doubt);
    }
    for one in numbers::find(&page.hidden, country) {
        let raw = page.hidden.get(one.start..one.end).unwrap_or("");
        keep(one.phone, "text", 0.20, one.is_fax, raw, snippet(&page.hidden, one.start), Some(Doubt::Hidden));
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
