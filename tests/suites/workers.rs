//! Three workers on one PostgreSQL, on the same lanes at the same time: no item is worked twice, and the limits are those
//! of one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use leadgen_core::adapters::sql::{LeaseClock, Settings, SqlStore};
use leadgen_core::domain::company::Company;
use leadgen_core::domain::contact::{ContactType, Findings, FoundContact};
use leadgen_core::domain::lead::LeadRow;
use leadgen_core::domain::mail::Mailbox;
use leadgen_core::domain::query::SearchQuery;
use leadgen_core::domain::serp::{Hit, RawPage, Submission};
use leadgen_core::domain::time::Zone;
use leadgen_core::error::Result;
use leadgen_core::pipeline::policy::Correspondence;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::ports::search::SearchProvider;
use leadgen_core::ports::store::{Admit, Reports};
use leadgen_core::testing::builders::{a_mailbox, a_row, a_sender, an_open_policy, at};
use leadgen_core::testing::scripted::{FixedRouter, Outbox, ScriptedDrafter};
use leadgen_migrations::sea_orm::{ConnectionTrait, DbBackend, Statement};
use leadgen_tests::crew::CrewClock;
use leadgen_tests::postgres;

const WORKERS: usize = 3;
const NICHES: usize = 10;
/// Fewer than there are companies.
const CAP: u32 = 40;

/// How often each thing was done, by all workers together.
#[derive(Clone, Debug, Default)]
struct Done(Arc<Mutex<BTreeMap<String, u32>>>);

impl Done {
    fn note(&self, thing: String) {
        *self.0.lock().expect("no test panics here").entry(thing).or_default() += 1;
    }

    fn twice(&self) -> Vec<String> {
        self.0.lock().expect("no test panics here").iter().filter(|(_, times)| **times > 1).map(|(thing, _)| thing.clone()).collect()
    }

    fn count(&self) -> usize {
        self.0.lock().expect("no test panics here").len()
    }
}

/// Answers at once: two firms of the niche's own, and one that every query finds.
#[derive(Debug)]
struct Directory(Done);

#[async_trait]
impl SearchProvider for Directory {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        self.0.note(query.text.clone());
        let word = query.hash.get(..8).unwrap_or("x").to_owned();
        let hosts = [format!("a-{word}.ru"), format!("b-{word}.ru"), "everywhere.ru".to_owned()];
        Ok(Submission::Ready(RawPage { bytes: hosts.join("\n").into_bytes() }))
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        let text = String::from_utf8_lossy(&page.bytes).into_owned();
        Ok(text.lines().map(|host| Hit::new(format!("https://{host}/"), host)).collect())
    }
}

/// Finds `info@` everywhere.
#[derive(Debug)]
struct Doors(Done);

#[async_trait]
impl ContactExtractor for Doors {
    async fn extract(&self, company: &Company) -> Result<Findings> {
        let host = company.canonical_domain.as_ref().map(ToString::to_string).unwrap_or_default();
        self.0.note(host.clone());
        let email = FoundContact {
            contact_type: ContactType::Email,
            value: format!("info@{host}"),
            kind: "role".into(),
            origin: "mailto".into(),
            score: 1.0,
            source_url: format!("https://{host}/"),
            snippet: String::new(),
            page_hash: String::new(),
            extension: None,
        };
        Ok(Findings { contacts: vec![email], pages: 1, ..Findings::default() })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn three_workers_on_one_database_work_no_item_twice() {
    let Some(url) = postgres::migrated().await else { return };
    let clock = Arc::new(CrewClock::at(at("2026-01-13T09:00:00Z"), WORKERS));
    let end = at("2026-01-13T09:00:00Z") + Duration::from_hours(8);
    let (asked, visited) = (Done::default(), Done::default());
    let outbox = Arc::new(Outbox::of(a_mailbox("gmail")).by(clock.clone()));
    let correspondence = Correspondence {
        sender: a_sender(),
        review_required: false,
        legal_basis: "consent, recorded".into(),
        unsubscribe_url: Some("https://mail.studio.example/u".into()),
        unsubscribe_mailto: None,
        token_keys: vec![("k".into(), b"sixteen characters".to_vec())],
        zone: Zone::UTC,
    };
    let first = postgres::store(&url, LeaseClock::Database).await.expect("connect");
    let rows: Vec<LeadRow> = (0..NICHES).map(|n| a_row(&format!("ниша {n}"), "Казань")).collect();
    Admit::<LeadRow>::admit(&first, "sheet", &rows, None, at("2026-01-13T09:00:00Z")).await.expect("rows come in");

    let mut working = tokio::task::JoinSet::new();
    for worker in 0..WORKERS {
        let store = Arc::new(postgres::store(&url, LeaseClock::Database).await.expect("connect"));
        let pipeline = Pipeline::builder()
            .store(store)
            .owner(format!("worker {worker}"))
            .clock(clock.clone())
            .search(Directory(asked.clone()))
            .contacts(Doors(visited.clone()))
            .drafter(Arc::new(ScriptedDrafter::new()))
            .router(FixedRouter::to(["gmail"]))
            .transport(outbox.clone())
            .correspondence(correspondence.clone())
            .policy(an_open_policy([Mailbox { daily_cap: CAP, ..a_mailbox("gmail") }]))
            .build()
            .expect("a whole pipeline");
        let clock = clock.clone();
        working.spawn(async move {
            let ended = pipeline.drain(Until::Instant(end)).await;
            clock.home();
            ended
        });
    }
    while let Some(ended) = working.join_next().await {
        ended.expect("no worker panics").expect("no worker stops with an error");
    }

    let funnel = first.funnel(None).await.expect("figures");
    let companies = u64::try_from(asked.count() * 2 + 1).expect("few");
    assert_eq!(asked.twice(), Vec::<String>::new(), "a search was paid twice");
    assert_eq!(visited.twice(), Vec::<String>::new(), "a site was visited twice");
    assert_eq!((funnel.queries, funnel.pages), (asked.count() as u64, asked.count() as u64));
    assert_eq!((funnel.results, funnel.companies), (funnel.queries * 3, companies), "one company once, whoever finds it");
    assert_eq!((funnel.sent, funnel.in_doubt, funnel.submit_unknown), (u64::from(CAP), 0, 0), "the cap of one mailbox");
    let mut recipients: Vec<String> = outbox.letters().iter().map(|mail| mail.to.to_string()).collect();
    let letters = recipients.len();
    recipients.sort_unstable();
    recipients.dedup();
    assert_eq!((recipients.len(), letters as u64), (letters, funnel.sent), "a letter left twice, or was not written down");
    let db = SqlStore::open(&Settings::new(&url)).await.expect("connect");
    let marks = Statement::from_string(DbBackend::Postgres, "SELECT marked_at FROM mailbox_marks ORDER BY marked_at");
    let marks = db.query_all_raw(marks).await.expect("the marks");
    let marks: Vec<i64> = marks.iter().map(|row| row.try_get("", "marked_at").expect("a time")).collect();
    assert_eq!(marks.len(), letters, "a mark for each letter");
    assert!(marks.windows(2).all(|pair| pair[1] - pair[0] >= 60_000), "two letters of a mailbox are too close: {marks:?}");
}
