//! Finds a company's contacts on its pages: bytes in, contacts with proof out.

mod charset;
mod emails;
mod html;
mod phones;
mod requisites;
mod structured;

pub use charset::decode;
pub use html::{Link, Page, read as read_html};
pub use requisites::{Requisite, is_valid as requisite_is_valid};

use std::collections::BTreeMap;

use url::Url;

use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::name::DomainName;
use crate::rules::{normalize, rank};

/// What is known of a site before its pages are read.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Its host.
    pub domain: Option<DomainName>,
    /// The country that numbers without a country code are read by.
    pub country: Option<String>,
}

/// What one page gave.
#[derive(Clone, Debug, Default)]
pub struct PageFindings {
    /// Contacts as found, scores from the page alone.
    pub contacts: Vec<FoundContact>,
    /// The name the page gives its firm, with a weight: higher is surer.
    pub name: Option<(u8, String)>,
    /// ИНН with a right check digit.
    pub inn: Option<String>,
    /// ОГРН with a right check digit.
    pub ogrn: Option<String>,
    /// КПП.
    pub kpp: Option<String>,
    /// Links to messengers.
    pub messengers: Vec<String>,
    /// The visible text.
    pub text: String,
}

/// Reads one page.
pub fn page(url: &Url, bytes: &[u8], content_type: Option<&str>, site: &Site) -> PageFindings {
    let text = decode(bytes, content_type);
    let page = read_html(&text);
    let structured = structured::read(&page.json_ld);
    let mut found = PageFindings { text: page.text.clone(), ..PageFindings::default() };
    emails::find(&mut found, url, &page, &structured, site);
    phones::find(&mut found, url, &page, &structured, site);
    let numbers = requisites::find(&page.text);
    (found.inn, found.ogrn, found.kpp) = (numbers.inn, numbers.ogrn, numbers.kpp);
    found.name = requisites::firm_name(&page, &structured);
    found.messengers = messengers(&page);
    found
}

/// Puts the pages of a site together: best contacts first, at most three of each kind, everything else once.
pub fn merge(pages: Vec<PageFindings>, site: &Site) -> Findings {
    let mut best: BTreeMap<(ContactType, String), (FoundContact, usize)> = BTreeMap::new();
    let mut findings = Findings { pages: pages.len() as u32, ..Findings::default() };
    let mut name: Option<(u8, String)> = None;
    for (at, page) in pages.into_iter().enumerate() {
        for (order, contact) in page.contacts.into_iter().enumerate() {
            let key = (contact.contact_type, contact.value.clone());
            match best.get_mut(&key) {
                // Seen again: a little surer.
                Some((known, _)) => {
                    let higher = known.score.max(contact.score) + 0.03;
                    if contact.score > known.score {
                        *known = contact;
                    }
                    known.score = higher.min(0.99);
                }
                None => {
                    best.insert(key, (contact, at * 1000 + order));
                }
            }
        }
        findings.inn = findings.inn.or(page.inn);
        findings.ogrn = findings.ogrn.or(page.ogrn);
        findings.kpp = findings.kpp.or(page.kpp);
        for link in page.messengers {
            if findings.messengers.len() < 10 && !findings.messengers.contains(&link) {
                findings.messengers.push(link);
            }
        }
        if let Some((weight, text)) = page.name
            && name.as_ref().is_none_or(|(known, _)| weight > *known)
        {
            name = Some((weight, text));
        }
        if at == 0 {
            findings.excerpt = excerpt(&page.text);
        }
    }
    findings.company_name = name.map(|(_, text)| text);
    findings.contacts = rank::best(best.into_values().collect(), site.domain.as_ref());
    findings
}

/// The home page's text for a drafter: no addresses, no numbers of people, bounded.
fn excerpt(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.contains('@') && word.chars().filter(char::is_ascii_digit).count() < 7);
    words.collect::<Vec<_>>().join(" ").chars().take(8000).collect()
}

fn messengers(page: &Page) -> Vec<String> {
    let mut links = Vec::new();
    for link in &page.links {
        let Ok(url) = Url::parse(&link.href) else { continue };
        let (host, path) = (url.host_str().unwrap_or("").trim_start_matches("www."), url.path().trim_matches('/'));
        let is_share = ["share", "joinchat", "intent", "widget", "addstickers"].iter().any(|word| path.starts_with(word));
        let is_place = matches!(host, "t.me" | "wa.me" | "api.whatsapp.com" | "vk.com" | "ok.ru" | "max.ru") || url.scheme() == "viber";
        if is_place && !is_share && (!path.is_empty() || url.scheme() == "viber") && !links.contains(&link.href) {
            links.push(link.href.clone());
        }
    }
    links
}

/// Whether two hosts are of one registrable domain.
fn same_family(a: &DomainName, b: &DomainName) -> bool {
    a == b || matches!((normalize::registrable(a), normalize::registrable(b)), (Some(a), Some(b)) if a == b)
}
