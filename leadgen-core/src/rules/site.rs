//! What the pages of a site give together: the same for a visit and for pages that were kept.

use url::Url;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, Findings};
use crate::domain::name::DomainName;
use crate::domain::page::SitePage;
use crate::rules::harvest::{self, PageFindings, Site};
use crate::rules::twins::decide::{Verdict, link};
use crate::rules::twins::profile::Profile;
use crate::rules::visit::PRIMARY_FROM;
use crate::rules::{normalize, rank};

/// An address this sure ends a visit early.
const SURE: f64 = 0.95;
/// A label so short is borne by anybody.
const SHORTEST_LABEL: usize = 3;

/// What is known of a company's site before it is read.
pub fn of(company: &Company) -> Site {
    Site { domain: company.home().cloned(), country: None }
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

/// Whether a page is somebody else's: its host is of another registrable domain than the company's, and than the one its site
/// moved to.
pub fn is_elsewhere(company: &Company, page: &Url) -> bool {
    is_away(page, company.canonical_domain.as_ref()) && is_away(page, company.home())
}

/// Whether a page is at another registrable domain than the one the company was found at.
pub fn is_away_from_birthplace(company: &Company, page: &Url) -> bool {
    is_away(page, company.canonical_domain.as_ref())
}

fn is_away(page: &Url, own: Option<&DomainName>) -> bool {
    let found = page.host_str().and_then(normalize::domain_of);
    found.zip(own).is_some_and(|(found, own)| normalize::registrable(own) != normalize::registrable(&found))
}

/// Whether a site at another registrable domain, to which a company's own site leads, is the company's: it bears the same label
/// there, or the page names the firm. That the redirect is permanent proves nothing: domains that expired are sold with their
/// visitors.
pub fn has_moved(company: &Company, to: &DomainName, seen: &Findings) -> bool {
    let label = |host: &DomainName| {
        let family = normalize::registrable(host)?;
        Some(family.as_str().split('.').next()?.replace('-', ""))
    };
    let from = company.canonical_domain.as_ref().and_then(label);
    let same_label = from.is_some_and(|from| from.chars().count() >= SHORTEST_LABEL && label(to) == Some(from));
    let known = Profile::new(&company.name, &company.region).sought(&company.industry);
    let names = || [&seen.company_name, &seen.legal_name].into_iter().flatten();
    same_label || names().any(|name| link(&known, &Profile::new(name, &company.region).sought(&company.industry)).verdict == Verdict::Same)
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
    #![expect(clippy::unwrap_used, reason = "tests")]
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
    fn a_site_that_moved_bears_the_label_or_the_name_of_the_firm() {
        let company = a_company().named("ООО «Дента Люкс»").at("denta-lux.ru").build();
        let named = |name: &str| Findings { company_name: Some(name.to_owned()), ..Findings::default() };
        let cases = [
            ("dentalux.com", "", true),
            ("spb.denta-lux.pro", "", true),
            ("dl-clinic.ru", "Дента-Люкс", true),
            ("dl-clinic.ru", "Казино Вулкан", false),
            ("dl-clinic.ru", "", false),
        ];
        for (to, name, moved) in cases {
            let to = DomainName::parse(to).unwrap();
            assert_eq!(has_moved(&company, &to, &named(name)), moved, "{to} {name}");
        }
        let page = |url: &str| Url::parse(url).unwrap();
        let moved = Company { moved_to: DomainName::parse("dentalux.com").ok(), ..company };
        assert!(!is_elsewhere(&moved, &page("https://dentalux.com/kontakty")) && !is_elsewhere(&moved, &page("https://denta-lux.ru/")));
        assert!(is_elsewhere(&moved, &page("https://other.ru/")));
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
