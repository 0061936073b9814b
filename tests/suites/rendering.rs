//! Visits to sites whose pages show nothing without scripts, with a stand-in for the browser: when a page is rendered, out of
//! which budget, and what is kept of it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use leadgen_core::adapters::web::WebsiteExtractor;
use leadgen_core::domain::company::Company;
use leadgen_core::domain::contact::Findings;
use leadgen_core::domain::id::Id;
use leadgen_core::domain::page::{FindingsDiff, KeptVisit, SitePage};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::ports::clock::HandClock;
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::ports::store::SitePages;
use leadgen_core::rules::site;
use leadgen_core::testing::builders::a_company;
use leadgen_core::testing::scripted::{ScriptedFetcher, ScriptedRenderer};

const SHELL: &str = "<div id=root></div><script src=/app.js></script>";
const HOME: &str = "https://romashka.ru/";
const API: &str = "https://romashka.ru/api";
const SHOWN: &str = "<script src=/app.js></script><p>Почта: {}</p>";

fn site_of_scripts() -> ScriptedFetcher {
    ScriptedFetcher::pages([(HOME, SHELL), (API, "info@romashka.ru")])
}

async fn visit(fetcher: ScriptedFetcher, renderer: Option<ScriptedRenderer>) -> Findings {
    let extractor = WebsiteExtractor::new(fetcher, 12);
    let extractor = match renderer {
        Some(renderer) => extractor.with_renderer(Arc::new(renderer)),
        None => extractor,
    };
    extractor.extract(&a_company().named("Ромашка").at("romashka.ru").build()).await.unwrap()
}

#[tokio::test]
async fn without_a_browser_the_reason_says_that_one_is_needed() {
    assert_eq!(visit(site_of_scripts(), None).await.reason.as_deref(), Some("needs_browser"));
}

#[tokio::test]
async fn a_browser_that_fails_changes_nothing() {
    let broken = || Error::new(ErrorKind::Unavailable, "render a page").code("browser_ended");
    let renderer = (0..12).fold(ScriptedRenderer::new(), |renderer, _| renderer.fails(broken()));
    assert_eq!(visit(site_of_scripts(), Some(renderer)).await.reason.as_deref(), Some("needs_browser"));
}

#[tokio::test]
async fn a_page_that_shows_nothing_even_then_needs_no_browser() {
    let renderer = ScriptedRenderer::new().page(HOME, [], "<script src=/app.js></script><p>Скоро открытие</p>");
    assert_eq!(visit(site_of_scripts(), Some(renderer)).await.reason.as_deref(), Some("contacts_not_found"));
}

#[tokio::test]
async fn what_a_script_shows_is_found() {
    let renderer = ScriptedRenderer::new().page(HOME, [API], SHOWN);
    let findings = visit(site_of_scripts(), Some(renderer.clone())).await;
    assert_eq!(findings.contacts.first().map(|contact| contact.value.as_str()), Some("info@romashka.ru"));
    assert_eq!(renderer.rendered().iter().filter(|url| url.as_str() == HOME).count(), 1);
}

#[tokio::test]
async fn a_page_that_shows_something_is_not_rendered() {
    let page = format!("<script src=/app.js></script><p>{}</p>", "Мы работаем с 2001 года. ".repeat(20));
    let fetcher = ScriptedFetcher::pages([(HOME, page.as_str())]);
    let renderer = ScriptedRenderer::new();
    visit(fetcher, Some(renderer.clone())).await;
    assert!(renderer.rendered().is_empty());
}

#[tokio::test]
async fn a_page_gets_thirty_things_and_nothing_of_others() {
    let asks: Vec<String> = (0..40).map(|number| format!("https://romashka.ru/api/{number}")).chain(["https://other.ru/".into()]).collect();
    let renderer = ScriptedRenderer::new().page(HOME, asks.iter().map(String::as_str), "<p>{}</p>");
    let fetcher = site_of_scripts();
    visit(fetcher.clone(), Some(renderer.clone())).await;
    assert_eq!(fetcher.fetched().iter().filter(|url| url.path().starts_with("/api/")).count(), 30);
    assert!(fetcher.fetched().iter().all(|url| url.host_str() == Some("romashka.ru")));
    assert_eq!(renderer.refused().len(), 11);
}

#[tokio::test]
async fn three_pages_of_a_company_are_rendered() {
    let paths = ["contacts", "kontakty", "about", "rekvizity", "team"];
    let urls: Vec<String> = paths.iter().map(|path| format!("https://romashka.ru/{path}")).collect();
    let links: String = paths.iter().map(|path| format!("<a href=/{path}>Контакты</a>")).collect();
    let pages = urls.iter().map(|url| (url.as_str(), SHELL)).chain([(HOME, SHELL)]);
    let renderer = ScriptedRenderer::new().page(HOME, [], &links);
    visit(ScriptedFetcher::pages(pages), Some(renderer.clone())).await;
    assert_eq!(renderer.rendered().len(), 3);
}

/// Keeps one visit in the hand.
#[derive(Debug)]
struct Kept(Vec<SitePage>);

#[async_trait]
impl SitePages for Kept {
    async fn page(&self, _: Id<Company>, asked: &str) -> Result<Option<SitePage>> {
        Ok(self.0.iter().find(|page| page.asked == asked).cloned())
    }

    async fn kept_visits(&self, _: Option<Id<Company>>, _: u64) -> Result<Vec<KeptVisit>> {
        Ok(Vec::new())
    }

    async fn refind(&self, _: Id<Company>, _: &Findings, _: bool, _: Timestamp) -> Result<FindingsDiff> {
        Ok(FindingsDiff::default())
    }
}

#[tokio::test]
async fn what_was_shown_is_kept_in_place_of_the_page_and_read_again_without_a_browser() {
    let clock = Arc::new(HandClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let company = a_company().named("Ромашка").at("romashka.ru").build();
    let renderer = ScriptedRenderer::new().page(HOME, [API], SHOWN);
    let visit = async |kept: Vec<SitePage>| {
        let extractor = WebsiteExtractor::new(site_of_scripts(), 1).with_renderer(Arc::new(renderer.clone()));
        extractor.with_kept_pages(Arc::new(Kept(kept)), clock.clone()).extract(&company).await.unwrap()
    };

    let first = visit(Vec::new()).await;

    let page = first.visited[0].clone();
    assert!(page.rendered && page.validators.is_empty(), "it is told from a page as it came");
    assert_eq!(first.contacts[0].page_hash, page.hash(), "a contact names the page it was found on");
    assert_eq!(site::reread(&first.visited, &company).contacts, first.contacts, "a replay finds the same");
    let second = visit(first.visited.clone()).await;
    assert_eq!((&second.contacts, renderer.rendered().len()), (&first.contacts, 1), "a day's page is not rendered again");
    let empty = SitePage { body: b"<script src=/app.js></script>".as_slice().into(), ..page };
    assert_eq!(site::reread(&[empty], &company).reason.as_deref(), Some("contacts_not_found"));
    clock.move_to(Timestamp::from_millis(1_700_000_000_000) + Duration::from_hours(25));
    assert_eq!(visit(first.visited.clone()).await.contacts[0].value, "info@romashka.ru");
    assert_eq!(renderer.rendered().len(), 2, "an older one is asked for and rendered anew");
}
