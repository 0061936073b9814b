//! Sites of the town, visited by the real fetcher. Hostile ones have suites of their own.

use std::sync::Arc;
use std::time::Duration;

use leadgen_core::adapters::dns::Resolver;
use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::adapters::web::{self, HttpFetcher, WebsiteExtractor};
use leadgen_core::domain::company::Company;
use leadgen_core::domain::contact::Findings;
use leadgen_core::domain::flow::CompanyState;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::{Result, Verdict};
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::ports::fetch::Fetcher;
use leadgen_core::rules::target::Reach;
use leadgen_core::rules::twins;
use leadgen_sandbox::{Action, Firm};
use leadgen_tests::harness::fault;
use url::Url;

use super::Street;

pub(super) fn fetcher(street: &Street) -> HttpFetcher {
    let web = &street.settings.web;
    let settings = web::Settings {
        timeout: web.timeout,
        max_redirects: web.max_redirects,
        contact: web.contact.clone(),
        pace: web.pace,
        in_flight: web.concurrency,
        reach: Reach { loopback: web.loopback.clone(), offline: true, ..Reach::default() },
    };
    let routing = &street.settings.routing;
    let resolver = Resolver::new(&routing.resolvers, routing.timeout, true).unwrap();
    HttpFetcher::new(settings, client_config(None).unwrap(), Arc::new(resolver), street.clock.clone())
}

async fn visit(street: &Street, firm: &Firm) -> Result<Findings> {
    let born = twins::newborn(&firm.name, &firm.host).unwrap();
    let company = Company {
        id: born.id(),
        name: born.name.to_string(),
        canonical_domain: born.canonical_domain,
        registrable_domain: born.registrable_domain,
        website_url: born.website_url,
        moved_to: None,
        industry: firm.niche.clone(),
        region: firm.city.clone(),
        batch_tag: "b1".into(),
        state: CompanyState::New,
        state_reason: None,
        dedupe_hash: born.dedupe_hash,
        last_snippet: String::new(),
        first_seen_at: Timestamp::default(),
    };
    WebsiteExtractor::new(fetcher(street), 8).extract(&company).await
}

fn emails(findings: &Findings) -> Vec<&str> {
    findings.contacts.iter().map(|contact| contact.value.as_str()).filter(|value| value.contains('@')).collect()
}

/// Firms are grown in a cycle of twelve; this one of a row.
pub(super) fn firm(street: &Street, row: usize, index: usize) -> &Firm {
    &street.town.firms()[row * 12 + index]
}

#[tokio::test]
async fn an_address_is_found_however_a_site_shows_it() {
    let street = Street::open().await;
    // mailto, text, entities, (собака) in windows-1251, Cloudflare, JSON-LD.
    for index in [0, 2, 3, 4, 5, 6] {
        let firm = firm(&street, 0, index);
        let findings = visit(&street, firm).await.unwrap();
        assert_eq!(emails(&findings), [firm.email.as_str()], "{index} {}", firm.host);
        assert!(findings.contacts.iter().any(|contact| contact.value == firm.phone), "{index} {findings:?}");
        assert!(findings.excerpt.contains(&firm.city), "{index}: read in its charset: {}", findings.excerpt);
    }
}

#[tokio::test]
async fn a_site_that_forbids_visits_is_left_after_its_robots_txt() {
    let street = Street::open().await;
    let closed = firm(&street, 0, 11);
    let ended = visit(&street, closed).await;
    let reason = match &ended {
        Ok(findings) => findings.reason.clone().unwrap_or_default(),
        Err(error) => error.machine_code().to_owned(),
    };
    assert!(["blocked_by_robots", "robots_disallowed"].contains(&reason.as_str()), "{ended:?}");
    let visits = street.town.visits();
    let asked: Vec<&str> = visits.iter().filter(|visit| visit.host == closed.host).map(|visit| visit.path.as_str()).collect();
    assert!(asked.iter().all(|path| *path == "/robots.txt"), "{asked:?}");
}

#[tokio::test]
async fn a_site_with_nothing_but_a_form_gives_no_address() {
    let street = Street::open().await;
    let form = firm(&street, 1, 10);
    let findings = visit(&street, form).await.unwrap();
    assert!(emails(&findings).is_empty(), "{findings:?}");
}

#[tokio::test]
async fn a_site_that_hangs_up_is_tried_later() {
    let street = Street::open().await;
    let gone = firm(&street, 1, 11);
    let error = visit(&street, gone).await.unwrap_err();
    assert_eq!(error.machine_code(), "broken_answer");
    assert_eq!(error.verdict(), Verdict::Retry { after: Some(Duration::from_mins(1)) });
}

#[tokio::test]
async fn a_redirect_is_followed_and_a_circle_is_not() {
    let street = Street::open().await;
    let host = &firm(&street, 0, 0).host;
    let fetcher = fetcher(&street);
    let page = Url::parse(&format!("http://{host}/uslugi")).unwrap();
    fault(&street.town, "sites", "", "/uslugi", 1, Action::Redirect("/kontakty".into()));
    let reached = fetcher.fetch(&page).await.unwrap();
    assert_eq!((reached.status, reached.url.path()), (200, "/kontakty"));
    fault(&street.town, "sites", "", "/uslugi", u32::MAX, Action::Redirect("/o-kompanii".into()));
    fault(&street.town, "sites", "", "/o-kompanii", u32::MAX, Action::Redirect("/uslugi".into()));
    assert_eq!(fetcher.fetch(&page).await.unwrap_err().machine_code(), "too_many_redirects");
}
