//! The port of searches holds for more than one provider; and what lies between a provider and the results.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use leadgen_core::actions::replay;
use leadgen_core::adapters::files::SavedSerps;
use leadgen_core::adapters::kit::http::Http;
use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::adapters::searxng::{self, SearxSearch};
use leadgen_core::adapters::yandex::{PageReader, read_page};
use leadgen_core::domain::name::DomainName;
use leadgen_core::domain::policy::{Policy, SearchPolicy};
use leadgen_core::domain::serp::RawPage;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::Verdict;
use leadgen_core::pipeline::Until;
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::search::SearchProvider;
use leadgen_core::ports::store::{Exports, SearchLedger, Searches};
use leadgen_core::testing::conformance;
use leadgen_core::testing::scripted::{Answer, ScriptedSearch, results};
use leadgen_sandbox::{Action, Fault, Plan, Row, Town};
use leadgen_tests::search_bench::{client, env, look, pipeline, query, store};

const NIGHT: &str = "2026-01-15T21:00:00Z";

fn night() -> Timestamp {
    Timestamp::parse(NIGHT).unwrap()
}

async fn town(dir: &std::path::Path) -> Town {
    Town::open(Plan { polls_until_done: 1, ..Plan::new(dir.join("town")) }).await.unwrap()
}

/// The suite of the port, with a query that finds something and one that finds nothing.
async fn holds(provider: &dyn SearchProvider) {
    let broken = RawPage { bytes: b"<html>502".to_vec() };
    for (niche, city) in [("стоматология", "Казань"), ("верблюды", "Норильск")] {
        conformance::search(provider, &query(niche, city, "trial", night()).unwrap(), Some(&broken)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_provider_of_the_house_holds_what_the_port_promises() {
    let dir = tempfile::tempdir().unwrap();
    let town = town(dir.path()).await;
    let clock = Arc::new(HandClock::at(night()));

    holds(&client(&town, clock, Duration::from_secs(5)).unwrap()).await;

    let http = Http::new(&client_config(None).unwrap(), Duration::from_secs(5), true).unwrap();
    let settings =
        searxng::Settings { base_url: env(&town, "LEADGEN_SEARXNG_URL"), language: "ru".into(), engines: String::new(), safe_search: 1 };
    holds(&SearxSearch::new(settings, http).unwrap()).await;

    let folder = dir.path().join("serps");
    std::fs::create_dir_all(&folder).unwrap();
    let doc = "<group><doc><url>https://denta-lux.ru/</url><title>Дента</title></doc></group>";
    let page = |inside: &str| {
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><yandexsearch version=\"1.0\"><response>{inside}</response></yandexsearch>")
    };
    std::fs::write(folder.join("стоматология_казань.xml"), page(&format!("<results><grouping>{doc}</grouping></results>"))).unwrap();
    std::fs::write(folder.join("верблюды.xml"), page("<error code=\"15\">nothing</error>")).unwrap();
    let saved = SavedSerps::open(&folder, read_page).unwrap();
    holds(&saved).await;
    let unknown = SearchProvider::submit(&saved, &query("окна", "Уфа", "x", night()).unwrap()).await.unwrap_err();
    assert_eq!(unknown.machine_code(), "no_saved_page");

    let scripted = ScriptedSearch::answers([Answer::deferred(results([("https://denta-lux.ru/", "Дента")])), Answer::Ready(results([]))]);
    for city in ["Казань", "Уфа"] {
        conformance::search(&scripted, &query("окна", city, "trial", night()).unwrap(), None).await;
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_pages_are_followed_up_to_the_ceiling_of_the_provider() {
    let dir = tempfile::tempdir().unwrap();
    let rows = vec![Row { niche: "стоматология".into(), city: "Казань".into() }];
    let plan = Plan { rows, firms_per_row: 400, polls_until_done: 1, ..Plan::new(dir.path().join("town")) };
    let town = Town::open(plan).await.unwrap();
    let clock = Arc::new(HandClock::at(night()));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    store.enqueue(&[query("стоматология", "Казань", "pages", night()).unwrap()]).await.unwrap();
    let policy = Policy { search: SearchPolicy { pages: 9, ..SearchPolicy::default() }, ..Policy::default() };
    let pipeline = pipeline(store.clone(), client(&town, clock.clone(), Duration::from_secs(10)).unwrap(), clock, policy).unwrap();

    pipeline.drain(Until::Instant(night() + Duration::from_hours(2))).await.unwrap();

    let row = look(
        &url,
        "SELECT status, CAST(page AS text) AS page, (SELECT CAST(count(*) AS text) FROM serp_operations) AS operations FROM serp_queries",
    )
    .await
    .unwrap();
    assert_eq!(row[0], ["completed", "2", "3"], "two full pages and the part of a third");
    let places = look(&url, "SELECT CAST(min(position) AS text) AS a, CAST(max(position) AS text) AS b FROM serp_results").await.unwrap();
    assert_eq!(places[0][0], "1");
    assert!(places[0][1].parse::<u32>().unwrap() > 200, "places are counted over all pages: {places:?}");
    assert_eq!((town.searches().len(), store.costs().await.unwrap()[0].night), (3, 3), "each page is paid, and charged");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_shows_what_the_rules_of_today_change_and_then_changes_it() {
    let dir = tempfile::tempdir().unwrap();
    let town = town(dir.path()).await;
    let clock = Arc::new(HandClock::at(night()));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    store.enqueue(&[query("стоматология", "Казань", "replay", night()).unwrap()]).await.unwrap();
    let pipeline =
        pipeline(store.clone(), client(&town, clock.clone(), Duration::from_secs(10)).unwrap(), clock.clone(), Policy::default()).unwrap();
    pipeline.drain(Until::Instant(night() + Duration::from_hours(1))).await.unwrap();
    let before = store.companies(None).await.unwrap();
    let policy = SearchPolicy::default();
    let asked = town.searches().len();

    let same = replay::from_ingest(store.as_ref(), &PageReader, &[], &policy, true, clock.now()).await.unwrap();
    assert_eq!((same.pages, same.added + same.changed + same.removed + same.kept), (1, 0));

    // A host is sieved out from now on; a company was born of it. A title that someone mangled is mended.
    let host = DomainName::parse(&before[0].canonical_domain).unwrap();
    let db = leadgen_core::adapters::sql::SqlStore::open(&leadgen_core::adapters::sql::Settings::new(&url)).await.unwrap();
    let mangle = format!(
        "UPDATE serp_results SET title = 'x' WHERE domain <> '{host}' AND id = (SELECT id FROM serp_results WHERE domain <> '{host}' ORDER BY id LIMIT 1)"
    );
    leadgen_migrations::sea_orm::ConnectionTrait::execute_unprepared(&db, &mangle).await.unwrap();
    db.close().await.unwrap();
    let excluded = std::slice::from_ref(&host);
    let shown = replay::from_ingest(store.as_ref(), &PageReader, excluded, &policy, true, clock.now()).await.unwrap();
    assert_eq!((shown.changed, shown.added), (1, 0));
    assert!(shown.kept >= 1, "a result that a company was born of stays: {shown:?}");

    let done = replay::from_ingest(store.as_ref(), &PageReader, excluded, &policy, false, clock.now()).await.unwrap();
    assert_eq!(done, shown, "what was shown is what is done");
    let again = replay::from_ingest(store.as_ref(), &PageReader, excluded, &policy, true, clock.now()).await.unwrap();
    assert_eq!((again.changed, again.removed), (0, 0));
    assert_eq!(store.companies(None).await.unwrap().len(), before.len());
    assert_eq!(town.searches().len(), asked, "nothing was asked outside");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_answers_go_when_their_time_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let town = town(dir.path()).await;
    let pages = |keep: Duration| {
        let (town, dir) = (&town, dir.path());
        async move {
            let clock = Arc::new(HandClock::at(night()));
            let url = format!("sqlite://{}?mode=rwc", dir.join(format!("{}.db", keep.as_secs())).display());
            let store = store(&url, clock.clone()).await.unwrap();
            let policy = Policy { search: SearchPolicy { keep_pages: keep, ..SearchPolicy::default() }, ..Policy::default() };
            let pipeline =
                pipeline(store.clone(), client(town, clock.clone(), Duration::from_secs(10)).unwrap(), clock.clone(), policy).unwrap();
            let mut kept = Vec::new();
            for (n, city) in ["Казань", "Уфа"].into_iter().enumerate() {
                let due = night() + Duration::from_hours(24 * 91 * n as u64);
                store.enqueue(&[query("стоматология", city, "keep", due).unwrap()]).await.unwrap();
                clock.move_to(due);
                pipeline.drain(Until::Instant(due + Duration::from_hours(1))).await.unwrap();
                kept.push(look(&url, "SELECT CAST(count(*) AS text) AS n FROM raw_pages").await.unwrap()[0][0].clone());
            }
            kept
        }
    };

    assert_eq!(pages(Duration::from_hours(24 * 90)).await, ["1", "1"], "the first is gone when the second comes");
    assert_eq!(pages(Duration::from_hours(24 * 365)).await, ["1", "2"]);
    assert_eq!(pages(Duration::ZERO).await, ["0", "0"], "zero keeps none once they are read");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_once_for_all_who_ask() {
    let dir = tempfile::tempdir().unwrap();
    let town = town(dir.path()).await;
    let clock = Arc::new(HandClock::at(night()));
    // Every exchange but the first would be refused.
    let search = Arc::new(client(&town, clock, Duration::from_secs(5)).unwrap());
    let ask = |n: usize| {
        let search = Arc::clone(&search);
        async move { SearchProvider::submit(search.as_ref(), &query("окна", &format!("Уфа {n}"), "x", night()).unwrap()).await }
    };
    ask(0).await.unwrap();
    town.faults().add(Fault {
        server: "iam".into(),
        matches: String::new(),
        at: String::new(),
        times: u32::MAX,
        action: Action::Status(503),
    });

    let mut at_once = tokio::task::JoinSet::new();
    (1..20).for_each(|n| drop(at_once.spawn(ask(n))));
    while let Some(answer) = at_once.join_next().await {
        answer.unwrap().unwrap();
    }

    assert_eq!(town.searches().len(), 20);
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_waits_for_its_night_is_moved_up_when_someone_asks_for_it_now() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(HandClock::at(night()));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let sql = store(&url, clock.clone()).await.unwrap();
    let memory = leadgen_core::testing::memory::MemoryStore::with_lease_clock(clock);
    let stores: [&dyn leadgen_core::ports::store::Store; 2] = [sql.as_ref(), &memory];
    for store in stores {
        let planned = query("окна", "Уфа", "june", night() + Duration::from_hours(30)).unwrap();
        let asked = query("окна", "Уфа", "now", night()).unwrap();

        assert_eq!(store.enqueue(std::slice::from_ref(&planned)).await.unwrap(), 1);
        assert_eq!(store.enqueue(std::slice::from_ref(&asked)).await.unwrap(), 1);
        assert_eq!(store.enqueue(&[planned]).await.unwrap(), 0, "it is not put off again");

        assert_eq!(store.waiting(Some("june")).await.unwrap(), vec![night()], "it is due now, in its own batch");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_niche_whose_last_searches_bring_nothing_new_is_reported_as_exhausted() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    for in_memory in [false, true] {
        let clock = Arc::new(HandClock::at(night()));
        let store: Arc<dyn leadgen_core::ports::store::Store> = if in_memory {
            Arc::new(leadgen_core::testing::memory::MemoryStore::with_lease_clock(clock.clone()))
        } else {
            store(&url, clock.clone()).await.unwrap()
        };
        let due = night();
        let queries: Vec<_> = ["окна", "двери"]
            .iter()
            .flat_map(|niche| (0..4_u64).map(move |n| (niche, n)))
            .map(|(niche, n)| {
                let mut query = query(niche, &format!("Уфа {n}"), "yield", due + Duration::from_secs(60 * n)).unwrap();
                query.city = "Уфа".into();
                query
            })
            .collect();
        store.enqueue(&queries).await.unwrap();
        // Each search for windows finds the same thirty firms; each one for doors finds others.
        let mut answers = std::collections::BTreeMap::new();
        for (n, query) in queries.iter().enumerate() {
            let hosts: Vec<String> = (0..30)
                .map(|f| if query.niche == "окна" { format!("https://okna{f}.ru/") } else { format!("https://dveri{n}-{f}.ru/") })
                .collect();
            answers.insert(query.text.clone(), results(hosts.iter().map(|host| (host.as_str(), ""))));
        }
        let search = ByText(answers);
        let builder = leadgen_core::pipeline::Pipeline::builder().store(store.clone()).clock(clock.clone()).search(search);
        let pipeline = builder.build().unwrap().only(&["submit", "ingest", "dedupe"]).unwrap();
        pipeline.drain(Until::Instant(due + Duration::from_hours(1))).await.unwrap();

        let yields = store.yields(Some("yield")).await.unwrap();

        let told: Vec<_> = yields.iter().map(|y| (y.niche.as_str(), y.answered, y.last_results, y.last_new, y.exhausted)).collect();
        assert_eq!(told, [("окна", 4, 90, 0, true), ("двери", 4, 90, 90, false)]);
    }
}

/// Answers each text with its own page.
#[derive(Debug)]
struct ByText(std::collections::BTreeMap<String, RawPage>);

#[async_trait::async_trait]
impl SearchProvider for ByText {
    async fn submit(
        &self,
        query: &leadgen_core::domain::query::SearchQuery,
    ) -> leadgen_core::error::Result<leadgen_core::domain::serp::Submission> {
        Ok(leadgen_core::domain::serp::Submission::Ready(self.0[&query.text].clone()))
    }

    fn read(&self, page: &RawPage) -> leadgen_core::error::Result<Vec<leadgen_core::domain::serp::Hit>> {
        ScriptedSearch::answers([Answer::Ready(page.clone())]).read(page)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_server_that_limits_us_says_for_how_long() {
    let dir = tempfile::tempdir().unwrap();
    let town = town(dir.path()).await;
    let clock = Arc::new(HandClock::at(night()));
    let search = client(&town, clock, Duration::from_secs(5)).unwrap();
    town.faults().add(Fault {
        server: "iam".into(),
        matches: String::new(),
        at: String::new(),
        times: u32::MAX,
        action: Action::StatusAfter(429, 90),
    });

    let error = SearchProvider::submit(&search, &query("окна", "Уфа", "x", night()).unwrap()).await.unwrap_err();

    assert_eq!(error.machine_code(), "token_limited");
    assert_eq!(error.verdict(), Verdict::Retry { after: Some(Duration::from_secs(90)) });
    assert!(town.searches().is_empty(), "nothing was asked, nothing is paid");
}
