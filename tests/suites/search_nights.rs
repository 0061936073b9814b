//! Nights on a clock moved by hand: the window, the quota and the budget hold for all workers of a store together.
//!
//! `LEADGEN_QUERIES_A_NIGHT` makes the nights of the simulated month longer than a debug build on a busy machine likes.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use leadgen_core::adapters::sql::{LeaseClock, Settings, SqlStore};
use leadgen_core::domain::money::Money;
use leadgen_core::domain::policy::{Policy, Quota, SearchPolicy};
use leadgen_core::domain::query::SearchQuery;
use leadgen_core::domain::serp::{Hit, Operation, Progress, RawPage, Submission};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::search::SearchProvider;
use leadgen_core::ports::store::{SearchLedger, Searches};
use leadgen_core::rules::planning::{night_open, night_slots};
use leadgen_tests::databases;
use leadgen_tests::search_bench::{look, query, store};

/// A provider that writes down when it was called; one call in twenty is refused in some way.
#[derive(Clone, Debug)]
struct Witness {
    clock: Arc<HandClock>,
    seen: Arc<Mutex<Seen>>,
    moody: bool,
}

#[derive(Debug, Default)]
struct Seen {
    submitted: Vec<Timestamp>,
    polled: Vec<Timestamp>,
    operations: BTreeMap<String, u32>,
}

impl Witness {
    fn new(clock: Arc<HandClock>, moody: bool) -> Self {
        Self { clock, seen: Arc::default(), moody }
    }
}

#[async_trait]
impl SearchProvider for Witness {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        let mut seen = self.seen.lock().unwrap();
        seen.submitted.push(self.clock.now());
        let number = seen.submitted.len();
        if self.moody && number % 20 == 7 {
            return Err(Error::new(ErrorKind::Unavailable, "submit").code("provider_error"));
        }
        if self.moody && number % 97 == 13 {
            return Err(Error::new(ErrorKind::InDoubt, "submit").code("submit_unknown"));
        }
        if self.moody && number % 211 == 17 {
            return Err(Error::new(ErrorKind::Limited, "submit").code("quota_exceeded"));
        }
        let handle = format!("{}-{number}", query.id);
        seen.operations.insert(handle.clone(), 0);
        Ok(Submission::Deferred(handle))
    }

    async fn poll(&self, operation: &Operation) -> Result<Progress> {
        let mut seen = self.seen.lock().unwrap();
        seen.polled.push(self.clock.now());
        let polls = seen.operations.entry(operation.handle.clone()).or_default();
        *polls += 1;
        Ok(if *polls < 2 { Progress::Running } else { Progress::Done(RawPage { bytes: operation.handle.clone().into_bytes() }) })
    }

    fn read(&self, _page: &RawPage) -> Result<Vec<Hit>> {
        Ok(vec![])
    }
}

fn most_within(times: &[Timestamp], span: Duration) -> usize {
    let (mut most, mut first) = (0, 0);
    for (last, at) in times.iter().enumerate() {
        while at.since(times[first]) >= span {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most
}

fn worker(store: Arc<SqlStore>, search: Witness, policy: &Policy, clock: Arc<HandClock>, owner: &str) -> Pipeline {
    let builder = Pipeline::builder().store(store).clock(clock).search(search).policy(policy.clone()).owner(owner);
    builder.build().unwrap().only(&["submit", "poll", "ingest"]).unwrap()
}

/// Nights of the simulated month, and queries planned for each of them.
const NIGHTS: u64 = 30;
const A_NIGHT: usize = 5;

fn queries_a_night() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a setting of the test run, not of the product")]
    let text = std::env::var("LEADGEN_QUERIES_A_NIGHT").unwrap_or_default();
    text.parse().unwrap_or(A_NIGHT).clamp(1, 800)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_nights_keeps_window_and_quota_and_answers_every_query() {
    let began = Instant::now();
    // A month in seconds: the disk's own pace is not what is tried here.
    let memory = std::path::Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() };
    let start = Timestamp::parse("2026-01-15T12:00:00Z").unwrap();
    let clock = Arc::new(HandClock::at(start));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    let a_night = queries_a_night();
    let spacing = Duration::from_hours(10) / a_night as u32;
    // The quota of an hour is what its slots need; whatever is put off must fit in beside them.
    let quota = Quota { per_second: 2, per_minute: 10, per_hour: (a_night as u32 / 5).max(60) };
    let policy = Policy {
        search: SearchPolicy {
            spacing,
            submit_quota: quota,
            poll_quota: Quota { per_hour: quota.per_hour * 10, ..Quota::DEFERRED },
            ..SearchPolicy::default()
        },
        ..Policy::default()
    };
    let slots = night_slots(policy.search.night, policy.search.spacing, start, None, NIGHTS as usize * a_night).unwrap();
    let queries: Vec<_> = slots.iter().enumerate().map(|(n, slot)| query("ниша", &format!("Город {n}"), "month", *slot).unwrap()).collect();
    store.enqueue(&queries).await.unwrap();
    let witness = Witness::new(clock.clone(), true);
    let pipeline = worker(store, witness.clone(), &policy, clock.clone(), "month");

    pipeline.drain(Until::Instant(start + Duration::from_hours(24 * (NIGHTS + 10)))).await.unwrap();

    let (submitted, polls) = {
        let seen = witness.seen.lock().unwrap();
        (seen.submitted.clone(), seen.polled.len())
    };
    let outside = submitted.iter().filter(|at| !night_open(policy.search.night, **at)).count();
    let most = [1, 60, 3600].map(|seconds| most_within(&submitted, Duration::from_secs(seconds)));
    let states = look(&url, "SELECT status, CAST(count(*) AS text) AS n FROM serp_queries GROUP BY status").await.unwrap();
    println!(
        "{} queries, {} submissions, {polls} polls; outside the window: {outside}; most in a second/minute/hour: {most:?}; states: {states:?}; {:.1} s",
        queries.len(),
        submitted.len(),
        began.elapsed().as_secs_f64()
    );
    assert_eq!(outside, 0);
    assert!(most[0] <= 2 && most[1] <= 10 && most[2] <= quota.per_hour as usize, "{most:?}");
    assert_eq!(states, vec![vec!["completed".to_owned(), queries.len().to_string()]]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

/// Several workers with one store, all queries due at once: the quota of one holds for all.
async fn crowd(url: &str, workers: usize) -> (Vec<Timestamp>, usize, usize) {
    let night = Timestamp::parse("2026-01-15T21:00:00Z").unwrap();
    let clock = Arc::new(HandClock::at(night));
    let connect = async || {
        let settings = Settings { lease_clock: LeaseClock::Given(clock.clone()), max_connections: 2, ..Settings::new(url) };
        Arc::new(SqlStore::connect(settings).await.unwrap())
    };
    let quota = Quota { per_second: 5, per_minute: 20, per_hour: 100 };
    let policy = Policy { search: SearchPolicy { submit_quota: quota, ..SearchPolicy::default() }, ..Policy::default() };
    let first = connect().await;
    let queries: Vec<_> = (0..150).map(|n| query("ниша", &format!("Город {n}"), "crowd", night).unwrap()).collect();
    first.enqueue(&queries).await.unwrap();
    let witness = Witness::new(clock.clone(), false);
    let mut at_work = tokio::task::JoinSet::new();
    for number in 0..workers {
        let store = if number == 0 { first.clone() } else { connect().await };
        let pipeline = worker(store, witness.clone(), &policy, clock.clone(), &format!("worker-{number}"));
        at_work.spawn(async move { pipeline.drain(Until::Instant(night + Duration::from_hours(8))).await.map(|_| ()) });
    }
    while let Some(ended) = at_work.join_next().await {
        ended.unwrap().unwrap();
    }
    // Workers that move one clock may each find the other's wait just over and go home; the last one tidies up.
    let last = worker(connect().await, witness.clone(), &policy, clock.clone(), "last");
    drop(first);
    last.drain(Until::Instant(night + Duration::from_hours(8))).await.unwrap();
    // The ledger's times are those of the marks; a worker may move the clock between another one's mark and its call.
    let marked = look(url, "SELECT CAST(at AS text) AS at FROM search_charges ORDER BY at").await.unwrap();
    let marked = marked.iter().map(|row| Timestamp::from_millis(row[0].parse().unwrap())).collect();
    let asked = witness.seen.lock().unwrap().submitted.len();
    (marked, asked, queries.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_of_one_store_keep_the_quota_of_one() {
    for (database, workers) in databases::each().await.iter().zip([1, 3]) {
        let db = database.open().await;
        leadgen_migrations::up(&db).await.unwrap();
        db.close().await.unwrap();

        let (marked, asked, queries) = crowd(&database.url, workers).await;

        let most = [1, 60, 3600].map(|seconds| most_within(&marked, Duration::from_secs(seconds)));
        println!("{}: {workers} workers, {queries} queries, most in a second/minute/hour: {most:?}", database.name);
        assert_eq!((marked.len(), asked), (queries, queries), "{}: each query is asked once", database.name);
        assert!(most[0] <= 5 && most[1] <= 20 && most[2] <= 100, "{}: {most:?}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_of_a_month_is_never_passed_and_the_next_month_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let night = Timestamp::parse("2026-01-30T21:30:00Z").unwrap();
    let clock = Arc::new(HandClock::at(night));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    let budget = Money::parse("0.25").unwrap();
    let policy = Policy { search: SearchPolicy { budget: Some(budget), ..SearchPolicy::default() }, ..Policy::default() };
    let queries: Vec<_> = (0..12).map(|n| query("ниша", &format!("Город {n}"), "budget", night).unwrap()).collect();
    store.enqueue(&queries).await.unwrap();
    let witness = Witness::new(clock.clone(), false);
    let pipeline = worker(store.clone(), witness.clone(), &policy, clock.clone(), "frugal");

    pipeline.drain(Until::Instant(night + Duration::from_hours(3))).await.unwrap();

    assert_eq!(witness.seen.lock().unwrap().submitted.len(), 9, "nine searches at 0.02541 are 0.22869, a tenth would be 0.2541");
    let holds = store.holds(clock.now()).await.unwrap();
    assert_eq!((holds[0].reason.as_str(), holds[0].until.to_string().as_str()), ("budget_reached", "2026-01-31T21:00:00Z"));

    pipeline.drain(Until::Instant(night + Duration::from_hours(30))).await.unwrap();

    assert_eq!(witness.seen.lock().unwrap().submitted.len(), 12);
    let costs = store.costs().await.unwrap();
    assert_eq!((costs[0].night, costs[0].day, costs[0].cost.to_string().as_str()), (12, 0, "0.30492"));
}
