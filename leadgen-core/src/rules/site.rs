//! What the pages of a site give together: the same for a visit and for pages that were kept.

use url::Url;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, Findings};
use crate::domain::page::SitePage;
use crate::rules::harvest::{self, PageFindings, Site};
use crate::rules::rank;

/// An address this sure ends a visit early.
const SURE: f64 = 0.95;
/// An address this sure is something to write to.
const USABLE: f64 = 0.50;

/// What is known of a company's site before it is read.
pub fn of(company: &Company) -> Site {
    Site { domain: company.canonical_domain.clone(), country: None }
}

/// What a visit brings: contacts that are kept, best first, and if there are none, why.
pub fn findings(pages: &[PageFindings], site: &Site) -> Findings {
    let mut merged = harvest::merge(pages, site);
    merged.contacts = rank::kept(merged.contacts);
    if merged.contacts.is_empty() {
        merged.reason = Some(harvest::reason(pages).to_owned());
    }
    merged
}

/// Kept pages, read by the rules of today.
pub fn reread(pages: &[SitePage], company: &Company) -> Findings {
    let site = of(company);
    let read = pages.iter().filter(|page| (200..300).contains(&page.status)).filter_map(|page| {
        let url = Url::parse(&page.url).ok()?;
        let mut found = harvest::page(&url, &page.body, page.content_type.as_deref(), &site);
        if page.rendered {
            found.page.settle();
        }
        Some(found)
    });
    let read: Vec<PageFindings> = read.filter(|found| !found.page.noindex).collect();
    findings(&read, &site)
}

/// Whether more pages would hardly add anything: an address that is sure, and a phone.
pub fn is_enough(pages: &[PageFindings]) -> bool {
    has(pages, ContactType::Email, SURE) && has(pages, ContactType::Phone, 0.0)
}

/// Whether there is an address to write to.
pub fn has_address(pages: &[PageFindings]) -> bool {
    has(pages, ContactType::Email, USABLE)
}

fn has(pages: &[PageFindings], kind: ContactType, score: f64) -> bool {
    let sightings = pages.iter().flat_map(|page| &page.contacts);
    sightings.filter(|seen| seen.doubt.is_none()).any(|seen| seen.contact.contact_type == kind && seen.contact.score >= score)
}
