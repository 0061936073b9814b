//! From what the pages of a site show to what is known of its firm.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::name::{DomainName, EmailAddress, RegistrableDomain};
use crate::rules::pages::Grade;
use crate::rules::{normalize, rank};

use super::latin::compact;
use super::requisites::{Number, Requisite};
use super::{Doubt, Page, PageFindings, Sighting, Site, excerpt, firm, lists, same_family};

/// Messengers kept of one site.
const MOST_MESSENGERS: usize = 20;

/// What a host is to the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Own,
    /// Another host of the same name.
    Kin,
    Free,
    Foreign,
}

/// Puts the pages of a site together. The home page comes first. All contacts are given, best first; how many are
/// kept is up to whoever stores them.
pub fn merge(pages: &[PageFindings], site: &Site) -> Findings {
    let own = site.domain.clone().or_else(|| inferred(pages));
    let mut findings = Findings { pages: u32::try_from(pages.len()).unwrap_or(u32::MAX), ..Findings::default() };
    findings.contacts = contacts(pages, own.as_ref());
    for page in pages {
        for link in &page.messengers {
            if findings.messengers.len() < MOST_MESSENGERS && !findings.messengers.contains(link) {
                findings.messengers.push(link.clone());
            }
        }
    }
    let of_bank = is_bank(pages);
    findings.inn = most_seen(pages, Requisite::Inn, of_bank);
    findings.ogrn = most_seen(pages, Requisite::Ogrn, of_bank);
    findings.kpp = most_seen(pages, Requisite::Kpp, of_bank);
    let labels = site_labels(own.as_ref(), pages);
    let hints: Vec<&[firm::Hint]> = pages.iter().map(|page| page.hints.as_slice()).collect();
    findings.company_name = firm::choose(&hints, &labels);
    findings.legal_name = firm::legal(&hints, findings.company_name.as_deref());
    let strong = || pages.iter().filter(|page| page.grade == Grade::Strong);
    findings.address = strong().chain(pages).find_map(|page| page.address.clone());
    findings.excerpt = pages.first().map(|home| excerpt::of(&home.page)).unwrap_or_default();
    findings
}

/// What is known of every contact of a site, best first.
fn contacts(pages: &[PageFindings], own: Option<&DomainName>) -> Vec<FoundContact> {
    let mut best: BTreeMap<(ContactType, String), (FoundContact, usize, BTreeSet<String>)> = BTreeMap::new();
    let relations = Relations { own, has_own: has_own(pages, own) };
    let visible = |kind: ContactType| {
        pages
            .iter()
            .flat_map(|page| &page.contacts)
            .any(|seen| seen.contact.contact_type == kind && relations.score(seen, Grade::None).is_some_and(|score| score >= 0.5))
    };
    let (has_email, has_phone) = (visible(ContactType::Email), visible(ContactType::Phone));
    for (at, page) in pages.iter().enumerate() {
        for (order, seen) in page.contacts.iter().enumerate() {
            let has_better = if seen.contact.contact_type == ContactType::Email { has_email } else { has_phone };
            let Some(score) = relations.score(seen, page.grade).filter(|_| !(has_better && relations.is_last_resort(seen))) else {
                continue;
            };
            let key = (seen.contact.contact_type, seen.contact.value.clone());
            let entry = best
                .entry(key)
                .or_insert_with(|| (FoundContact { score: 0.0, ..seen.contact.clone() }, at * 10_000 + order, BTreeSet::new()));
            entry.2.insert(seen.contact.origin.clone());
            // A number that is once called a phone is one.
            if seen.contact.kind != "fax" && entry.0.kind == "fax" {
                entry.0.kind.clone_from(&seen.contact.kind);
            }
            if score > entry.0.score {
                let kind = entry.0.kind.clone();
                entry.0 = FoundContact { kind, score, ..seen.contact.clone() };
            }
        }
    }
    let contacts = best.into_values().map(|(mut contact, order, origins)| {
        // Met in several forms: a little surer each time.
        contact.score = (contact.score + 0.03 * (origins.len() - 1) as f64).clamp(0.05, 0.99);
        if contact.contact_type == ContactType::Phone {
            contact.extension = extension(pages, &contact);
        }
        (contact, order)
    });
    rank::best(contacts.collect())
}

/// What is dialled after a number answers: the one extension that is told, unless the number also stands without any.
fn extension(pages: &[PageFindings], phone: &FoundContact) -> Option<String> {
    let of_phone = |seen: &&Sighting| (seen.contact.contact_type, &seen.contact.value) == (phone.contact_type, &phone.value);
    let sightings = || pages.iter().flat_map(|page| &page.contacts).filter(of_phone);
    let stands_bare = sightings().any(|seen| seen.contact.origin == "text" && seen.contact.extension.is_none());
    let told: BTreeSet<&str> = sightings().filter_map(|seen| seen.contact.extension.as_deref()).collect();
    told.first().filter(|_| told.len() == 1 && !stands_bare).map(|extension| (*extension).to_owned())
}

/// Why the pages of a site gave nothing.
pub fn reason(pages: &[PageFindings]) -> &'static str {
    let letters: usize = pages.iter().map(|page| page.page.text.len()).sum();
    if pages.is_empty() {
        "noindex"
    } else if pages.iter().any(|page| page.page.needs_browser()) {
        "needs_browser"
    } else if pages.iter().any(|page| page.page.forms > 0) {
        "only_forms"
    } else if letters < 200 && pages.iter().any(|page| page.page.images > 0) {
        "only_images"
    } else {
        "contacts_not_found"
    }
}

struct Relations<'a> {
    own: Option<&'a DomainName>,
    /// The site shows an address of its own.
    has_own: bool,
}

impl Relations<'_> {
    fn of(&self, host: &DomainName) -> Relation {
        match self.own {
            Some(own) if same_family(own, host) => Relation::Own,
            _ if lists::is_free_mail(host) => Relation::Free,
            Some(own) if is_kin(own, host) => Relation::Kin,
            _ => Relation::Foreign,
        }
    }

    /// Whether a contact is taken only where there is nothing else: what nobody sees may be a trap, and what stands among the
    /// words of others may be theirs.
    fn is_last_resort(&self, seen: &Sighting) -> bool {
        match (seen.doubt, seen.contact.contact_type) {
            (Some(Doubt::Hidden), _) | (Some(Doubt::Literal | Doubt::Stranger), ContactType::Phone) => true,
            (Some(Doubt::Stranger), ContactType::Email) => !self.is_ours(&seen.contact.value),
            _ => false,
        }
    }

    fn is_ours(&self, address: &str) -> bool {
        EmailAddress::parse(address).is_ok_and(|address| matches!(self.of(address.domain()), Relation::Own | Relation::Kin))
    }

    /// How sure a contact is; none: it is not the firm's.
    fn score(&self, seen: &Sighting, grade: Grade) -> Option<f64> {
        let graded = match grade {
            Grade::Strong => 0.03,
            _ => 0.0,
        };
        let is_doubtful = match seen.doubt {
            Some(Doubt::HiddenLink) => true,
            Some(Doubt::Stranger) => self.is_last_resort(seen),
            _ => false,
        };
        let base = if is_doubtful { 0.40 } else { seen.contact.score + graded };
        if seen.contact.contact_type == ContactType::Phone {
            let refused = matches!(seen.doubt, Some(Doubt::Credit | Doubt::Sample | Doubt::Hollow));
            return (!refused).then_some(base.min(0.99));
        }
        let address = EmailAddress::parse(&seen.contact.value).ok()?;
        let relation = self.of(address.domain());
        let is_ours = matches!(relation, Relation::Own | Relation::Kin);
        match seen.doubt {
            Some(Doubt::Sample) if !is_ours || seen.contact.origin != "mailto" => return None,
            Some(Doubt::Credit | Doubt::Literal) if !is_ours => return None,
            Some(Doubt::Licence) if relation == Relation::Foreign => return None,
            Some(Doubt::Hollow) if relation != Relation::Own => return None,
            _ => {}
        }
        if relation == Relation::Foreign && (self.has_own || lists::is_platform(address.domain())) {
            return None;
        }
        let brand = relation == Relation::Free && self.own.is_some_and(|own| compact(address.local()).contains(&label_of(own)));
        let moved = match relation {
            Relation::Own => 0.10,
            Relation::Free if brand => 0.03,
            Relation::Foreign if self.own.is_some() => -0.25,
            _ => 0.0,
        };
        // On a page about privacy or delivery the address may be a lawyer's or a carrier's.
        let share = if grade == Grade::Weak && relation != Relation::Own { 0.5 } else { 1.0 };
        Some(((base + moved) * share).clamp(0.05, 0.99))
    }
}

fn emails(page: &PageFindings) -> impl Iterator<Item = (&Sighting, EmailAddress)> {
    let mails = page.contacts.iter().filter(|seen| seen.contact.contact_type == ContactType::Email);
    mails.filter_map(|seen| Some((seen, EmailAddress::parse(&seen.contact.value).ok()?)))
}

fn has_own(pages: &[PageFindings], own: Option<&DomainName>) -> bool {
    let Some(own) = own else { return false };
    let believed = |seen: &Sighting| seen.doubt.is_none() || seen.doubt == Some(Doubt::HiddenLink);
    pages
        .iter()
        .flat_map(emails)
        .any(|(seen, address)| believed(seen) && (same_family(own, address.domain()) || is_kin(own, address.domain())))
}

/// The site's own host where nobody told: what its pages call themselves, else the domain most of its pages show.
fn inferred(pages: &[PageFindings]) -> Option<DomainName> {
    let mut seen: BTreeMap<RegistrableDomain, usize> = BTreeMap::new();
    for page in pages {
        let of_page: BTreeSet<RegistrableDomain> = emails(page)
            .filter(|(seen, address)| {
                seen.doubt.is_none() && !lists::is_free_mail(address.domain()) && !lists::is_platform(address.domain())
            })
            .filter_map(|(_, address)| normalize::registrable(address.domain()))
            .collect();
        for host in of_page {
            *seen.entry(host).or_default() += 1;
        }
        let canonical = page.page.canonical.as_deref().filter(|url| url.starts_with("http")).and_then(normalize::domain_of);
        if let Some(host) = canonical.as_ref().and_then(normalize::registrable) {
            *seen.entry(host).or_default() += 1;
        }
    }
    let most = *seen.values().max()?;
    let mut first = seen.into_iter().filter(|(_, count)| *count == most).map(|(family, _)| family.into_host());
    // Two domains seen equally often tell nothing.
    first.next().filter(|_| first.next().is_none())
}

fn label_of(host: &DomainName) -> String {
    let family = normalize::registrable(host);
    let name = family.as_ref().map_or(host, RegistrableDomain::host).as_str();
    let first = name.split('.').next().unwrap_or("");
    let (unicode, _) = idna::domain_to_unicode(first);
    compact(&unicode)
}

/// Whether another host bears the site's name.
fn is_kin(own: &DomainName, other: &DomainName) -> bool {
    let (a, b) = (label_of(own), label_of(other));
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    short == long
        || (short.len() >= 5 && long.contains(short.as_str()))
        || (short.len() >= 5 && strsim::normalized_levenshtein(short, long) >= 0.85)
}

/// The words that the site's hosts are made of, for one page.
pub(super) fn labels(own: Option<&DomainName>, contacts: &[Sighting], page: &Page) -> Vec<String> {
    let canonical = page.canonical.as_deref().filter(|url| url.starts_with("http")).and_then(normalize::domain_of);
    let mails = contacts.iter().filter(|seen| seen.contact.contact_type == ContactType::Email && seen.doubt.is_none());
    let mails = mails.filter_map(|seen| EmailAddress::parse(&seen.contact.value).ok());
    let mut labels: Vec<String> = own.into_iter().map(label_of).chain(canonical.iter().map(label_of)).collect();
    for address in mails {
        let is_free = lists::is_free_mail(address.domain()) || lists::is_platform(address.domain());
        if own.is_none() && !is_free {
            labels.push(label_of(address.domain()));
        }
        if labels.len() > 3 {
            break;
        }
    }
    labels.dedup();
    labels
}

fn site_labels(own: Option<&DomainName>, pages: &[PageFindings]) -> Vec<String> {
    let mut labels: Vec<String> = own.into_iter().map(label_of).collect();
    // A mailbox at a mail service is often named after the firm.
    for (_, address) in
        pages.iter().flat_map(emails).filter(|(seen, address)| seen.doubt.is_none() && lists::is_free_mail(address.domain()))
    {
        labels.extend(address.local().split(['.', '_', '-', '+']).map(compact).filter(|part| part.len() >= 4));
        if labels.len() > 8 {
            break;
        }
    }
    labels
}

/// The valid number of a kind that most pages show; a bank's only on a bank's site.
fn most_seen(pages: &[PageFindings], kind: Requisite, of_bank: bool) -> Option<String> {
    let mut seen: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let of_kind = |number: &&Number| number.kind == kind && (of_bank || !number.of_bank);
    for (at, page) in pages.iter().enumerate() {
        let weight = if page.grade == Grade::Strong { 2 } else { 1 };
        let values: BTreeSet<&str> = page.numbers.iter().filter(of_kind).map(|number| number.value.as_str()).collect();
        for value in values {
            let order = page.numbers.iter().position(|number| number.value == value).unwrap_or(0);
            let entry = seen.entry(value).or_insert((0, at * 1000 + order));
            entry.0 += weight;
        }
    }
    seen.into_iter().max_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(b.1.cmp(&a.1))).map(|(value, _)| value.to_owned())
}

/// A bank's own site speaks of its own numbers as a bank's.
fn is_bank(pages: &[PageFindings]) -> bool {
    pages.iter().any(|page| {
        let title = page.page.title.to_lowercase();
        let named = page.page.site_name.as_deref().unwrap_or("").to_lowercase();
        title.contains("банк") || named.contains("банк")
    })
}
