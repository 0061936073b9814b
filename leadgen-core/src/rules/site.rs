//! What the pages of a site give together: the same for a visit and for pages that were kept.

use url::Url;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, Findings};
use crate::domain::page::SitePage;
use crate::rules::harvest::{self, PageFindings, Site};
use crate::rules::visit::PRIMARY_FROM;
use crate::rules::{normalize, rank};

/// An address this sure ends a visit early.
const SURE: f64 = 0.95;

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

/// Whether a page is somebody else's: its host is of another registrable domain than the company's.
pub fn is_elsewhere(company: &Company, page: &Url) -> bool {
    let found = page.host_str().and_then(normalize::domain_of);
    let own = company.canonical_domain.as_ref();
    found.zip(own).is_some_and(|(found, own)| normalize::registrable(own) != normalize::registrable(&found))
}

/// Kept pages, read by the rules of today. What a visit would not read is not read here either.
pub fn reread(pages: &[SitePage], company: &Company) -> Findings {
    let site = of(company);
    let read = pages.iter().filter(|page| (200..300).contains(&page.status)).filter_map(|page| {
        let url = Url::parse(&page.url).ok().filter(|url| !is_elsewhere(company, url))?;
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
    has(pages, ContactType::Email, PRIMARY_FROM)
}

fn has(pages: &[PageFindings], kind: ContactType, score: f64) -> bool {
    let mut sightings = pages.iter().flat_map(|page| &page.contacts).filter(|seen| seen.doubt.is_none());
    sightings.any(|seen| {
        let contact = &seen.contact;
        // An address that no letter goes to is none to stop at.
        let counts = kind != ContactType::Email || rank::may_be_primary(&contact.value, &contact.origin);
        contact.contact_type == kind && contact.score >= score && counts
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::page::Validators;
    use crate::domain::time::Timestamp;
    use crate::testing::builders::a_company;

    fn page(url: &str, status: u16, body: &str) -> SitePage {
        SitePage {
            asked: url.to_owned(),
            url: url.to_owned(),
            status,
            content_type: Some("text/html; charset=utf-8".into()),
            body: body.as_bytes().into(),
            truncated: false,
            validators: Validators::default(),
            rendered: false,
            fetched_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_second_reading_takes_nothing_that_a_visit_would_not_take() {
        let company = a_company().at("romashka.ru").build();
        let pages = [
            page("https://www.romashka.ru/", 200, "<p>info@romashka.ru</p>"),
            page("https://other.ru/kontakty", 200, "<p>info@other.ru</p>"),
            page("https://romashka.ru/team", 200, "<meta name=robots content=noindex><p>team@romashka.ru</p>"),
            page("https://romashka.ru/gone", 404, "<p>gone@romashka.ru</p>"),
        ];

        let findings = reread(&pages, &company);

        assert_eq!(findings.contacts.iter().map(|contact| contact.value.as_str()).collect::<Vec<_>>(), ["info@romashka.ru"]);
        assert_eq!(reread(&pages[1..2], &company).contacts, [], "nor where it is all there is");
    }
}
