//! The process dies between every pair of steps of submit, poll and ingest: no operation is lost, and no search is asked
//! twice unless it is shown as `submit_unknown`.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use leadgen_core::adapters::sql::SqlStore;
use leadgen_core::adapters::yandex::YandexSearch;
use leadgen_core::domain::policy::Policy;
use leadgen_core::domain::query::SearchQuery;
use leadgen_core::domain::serp::{Hit, Operation, Progress, RawPage, Submission};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::Result;
use leadgen_core::pipeline::desk::{Desk, Watch};
use leadgen_core::pipeline::stages::{ingest::Ingest, poll::Poll, submit::Submit};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::entropy::SystemEntropy;
use leadgen_core::ports::search::SearchProvider;
use leadgen_core::ports::store::{Agenda, Lane, OnceLane, Searches, Shift};
use leadgen_core::ports::work::{Call, Claim, Fault, IngestPage, PollOperation, SubmitQuery, Ticket, Work};
use leadgen_sandbox::{Plan, Town};
use leadgen_tests::search_bench::{client, look, query, store};
use tokio_util::sync::CancellationToken;

const NIGHT: &str = "2026-01-15T20:00:00Z";

/// Counts steps. At the chosen one the process is gone: who called never hears an answer.
#[derive(Debug)]
struct Life {
    ends_at: usize,
    steps: AtomicUsize,
    last: Mutex<String>,
    gone: CancellationToken,
}

impl Life {
    async fn step(&self, name: impl Into<String>) {
        let at = self.steps.fetch_add(1, Ordering::SeqCst);
        if at == self.ends_at {
            *self.last.lock().unwrap() = name.into();
            self.gone.cancel();
            std::future::pending::<()>().await;
        }
    }
}

/// A store and a provider that die with the process.
#[derive(Clone, Debug)]
struct Mortal<T> {
    inner: Arc<T>,
    life: Arc<Life>,
}

#[async_trait]
impl<W: Work> Lane<W> for Mortal<SqlStore>
where
    SqlStore: Lane<W>,
{
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<W>>> {
        self.life.step(format!("before {} claims", W::NAME)).await;
        let claims = Lane::<W>::claim(self.inner.as_ref(), call).await;
        self.life.step(format!("after {} claimed", W::NAME)).await;
        claims
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, W::Done)>) -> Result<Vec<Ticket>> {
        self.life.step(format!("before {} commits", W::NAME)).await;
        let lost = Lane::<W>::commit(self.inner.as_ref(), call, done).await;
        self.life.step(format!("after {} committed", W::NAME)).await;
        lost
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.life.step(format!("before {} releases", W::NAME)).await;
        let released = Lane::<W>::release(self.inner.as_ref(), call, ticket, fault).await;
        self.life.step(format!("after {} released", W::NAME)).await;
        released
    }
}

#[async_trait]
impl OnceLane<SubmitQuery> for Mortal<SqlStore> {
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        self.life.step("before the mark").await;
        let marked = OnceLane::<SubmitQuery>::mark(self.inner.as_ref(), call, ticket).await;
        self.life.step("after the mark").await;
        marked
    }

    async fn renew(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        OnceLane::<SubmitQuery>::renew(self.inner.as_ref(), call, ticket).await
    }
}

#[async_trait]
impl SearchProvider for Mortal<YandexSearch> {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        self.life.step("before the call").await;
        let answer = self.inner.submit(query).await;
        self.life.step("after the call").await;
        answer
    }

    async fn poll(&self, operation: &Operation) -> Result<Progress> {
        self.life.step("before the look").await;
        let progress = self.inner.poll(operation).await;
        self.life.step("after the look").await;
        progress
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        self.inner.read(page)
    }
}

/// Runs the three stages until nothing is due before the end.
async fn live(lanes: &Mortal<SqlStore>, search: Arc<dyn SearchProvider>, clock: Arc<HandClock>, end: Timestamp) -> Result<()> {
    let policy = Arc::new(Policy::default());
    let desk = Desk {
        owner: "mortal".into(),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        policy: Arc::clone(&policy),
        batch: None,
        width: 1,
        shutdown: CancellationToken::new(),
        cut: CancellationToken::new(),
        watch: Watch::default(),
    };
    lanes.inner.begin().await?;
    loop {
        let submitted = desk.tick_once::<SubmitQuery>(lanes, &Submit { search: Arc::clone(&search) }).await?;
        let polled = desk.tick::<PollOperation>(lanes, &Poll { search: Arc::clone(&search) }).await?;
        let reader = Ingest { search: Arc::clone(&search), excluded: vec![], policy: policy.search.clone() };
        let read = desk.tick::<IngestPage>(lanes, &reader).await?;
        if ![submitted, polled, read].iter().all(leadgen_core::pipeline::desk::Tally::is_idle) {
            continue;
        }
        match lanes.inner.next_due(clock.now()).await? {
            Some(due) if due <= end => clock.move_to(due),
            _ => return Ok(()),
        }
    }
}

/// One life that ends at a step, and the life after it.
async fn die_at(step: usize, town: &Town, dir: &Path) -> anyhow::Result<(bool, String, Vec<String>, usize)> {
    let night = Timestamp::parse(NIGHT)?;
    let clock = Arc::new(HandClock::at(night));
    let url = format!("sqlite://{}?mode=rwc", dir.join(format!("{step}.db")).display());
    let asked = query("стоматология", &format!("Казань {step}"), "bench", night)?;
    let end = night + Duration::from_hours(24 * 4);
    let first = Arc::new(Life { ends_at: step, steps: AtomicUsize::new(0), last: Mutex::default(), gone: CancellationToken::new() });
    {
        let store = store(&url, clock.clone()).await?;
        store.enqueue(std::slice::from_ref(&asked)).await?;
        let lanes = Mortal { inner: store, life: Arc::clone(&first) };
        let search = Mortal { inner: Arc::new(client(town, clock.clone(), Duration::from_secs(5))?), life: Arc::clone(&first) };
        tokio::select! {
            ended = live(&lanes, Arc::new(search), clock.clone(), end) => ended?,
            () = first.gone.cancelled() => {}
        }
    }
    let died = first.gone.is_cancelled();
    let second = Arc::new(Life { ends_at: usize::MAX, steps: AtomicUsize::new(0), last: Mutex::default(), gone: CancellationToken::new() });
    let lanes = Mortal { inner: store(&url, clock.clone()).await?, life: Arc::clone(&second) };
    let search = Mortal { inner: Arc::new(client(town, clock.clone(), Duration::from_secs(5))?), life: second };
    live(&lanes, Arc::new(search), clock, end).await?;
    let rows = look(&url, "SELECT status, CAST(submit_unknown AS text) AS unknown, (SELECT CAST(count(*) AS text) FROM serp_operations) AS operations FROM serp_queries").await?;
    let asked_times = town.searches().iter().filter(|search| search.text == asked.text).count();
    let last = first.last.lock().unwrap().clone();
    Ok((died, last, rows[0].clone(), asked_times))
}

#[tokio::test(flavor = "multi_thread")]
async fn death_between_any_two_steps_loses_no_operation_and_pays_nothing_twice_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan::new(dir.path().join("town"))).await.unwrap();
    println!("| the process dies | query | in doubt | operations kept | searches taken |\n|---|---|---|---|---|");
    let mut step = 0;
    loop {
        let (died, name, row, asked) = die_at(step, &town, dir.path()).await.unwrap_or_else(|e| panic!("step {step}: {e:?}"));
        if !died {
            break;
        }
        let in_doubt = row[1] == "1";
        println!("| {name} | {} | {in_doubt} | {} | {asked} |", row[0], row[2]);
        assert_eq!(row[0], "completed", "{name}");
        assert!(asked == 1 || (asked == 2 && in_doubt), "{name}: asked {asked} times, in doubt: {in_doubt}");
        let kept: usize = row[2].parse().unwrap();
        assert!(kept == asked || (in_doubt && kept + 1 == asked), "{name}: {asked} searches were taken, {kept} operations are kept");
        step += 1;
    }
    println!("{step} points");
    assert!(step >= 30, "only {step} points were reached");
    town.close().await;
}
