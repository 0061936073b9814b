//! A process that can be killed between any two steps of submit, poll and ingest: the real desk, store and client, each
//! counting what it has done. At the step its errand names it says so and stands still; whoever sent it kills it there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use leadgen_core::adapters::sql::{LeaseClock, Settings, SqlStore};
use leadgen_core::adapters::yandex::{Request, YandexSearch};
use leadgen_core::domain::policy::{Policy, SearchPolicy};
use leadgen_core::domain::query::SearchQuery;
use leadgen_core::domain::serp::{Hit, Operation, Progress, RawPage, Submission};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::Result as Ours;
use leadgen_core::pipeline::desk::Desk;
use leadgen_core::pipeline::stages::{ingest::Ingest, poll::Poll, submit::Submit};
use leadgen_core::pipeline::tally::{Tally, Watch};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::entropy::SystemEntropy;
use leadgen_core::ports::search::SearchProvider;
use leadgen_core::ports::store::{Agenda, Lane, OnceLane, Shift};
use leadgen_core::ports::work::{Call, Claim, Fault, IngestPage, PollOperation, SubmitQuery, Ticket, Work};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::search_bench::{Address, client_at};

/// What a process is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Errand {
    /// The database, its schema up to date.
    pub database: String,
    /// Where the town is.
    pub town: Address,
    /// What its clock shows at the start, in milliseconds.
    pub now: i64,
    /// What is due later is left alone.
    pub until: i64,
    /// Result pages asked for a query.
    pub pages: u32,
    /// Results on a page.
    pub per_page: u32,
    /// It stands still after so many steps.
    pub dies_after: usize,
}

/// What a process said last: the step it stood still at, or `None` if it came to its end; and what its clock showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWords {
    /// The step.
    pub step: Option<String>,
    /// The clock, in milliseconds.
    pub at: i64,
}

/// Counts steps, and stands still at the chosen one.
#[derive(Debug)]
struct Life {
    clock: Arc<HandClock>,
    dies_after: usize,
    steps: AtomicUsize,
}

impl Life {
    fn step(&self, name: impl Into<String>) {
        if self.steps.fetch_add(1, Ordering::SeqCst) == self.dies_after {
            self.say(Some(name.into()));
            loop {
                std::thread::park();
            }
        }
    }

    fn say(&self, step: Option<String>) {
        let words = LastWords { step, at: self.clock.now().millis() };
        println!("{}", serde_json::to_string(&words).unwrap_or_default());
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
    async fn claim(&self, call: &Call) -> Ours<Vec<Claim<W>>> {
        let claims = Lane::<W>::claim(self.inner.as_ref(), call).await?;
        if !claims.is_empty() {
            self.life.step(format!("{}: claimed", W::NAME));
        }
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, W::Done)>) -> Ours<Vec<Ticket>> {
        let lost = Lane::<W>::commit(self.inner.as_ref(), call, done).await?;
        self.life.step(format!("{}: outcome kept", W::NAME));
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Ours<()> {
        Lane::<W>::release(self.inner.as_ref(), call, ticket, fault).await?;
        self.life.step(format!("{}: given back, {}", W::NAME, fault.code));
        Ok(())
    }
}

#[async_trait]
impl OnceLane<SubmitQuery> for Mortal<SqlStore> {
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Ours<()> {
        OnceLane::<SubmitQuery>::mark(self.inner.as_ref(), call, ticket).await?;
        self.life.step("submit: marked");
        Ok(())
    }

    async fn renew(&self, call: &Call, ticket: &Ticket) -> Ours<()> {
        OnceLane::<SubmitQuery>::renew(self.inner.as_ref(), call, ticket).await
    }
}

#[async_trait]
impl SearchProvider for Mortal<YandexSearch> {
    async fn submit(&self, query: &SearchQuery) -> Ours<Submission> {
        let answer = self.inner.submit(query).await;
        self.life.step(format!("submit: asked, {}", if answer.is_ok() { "an operation is named" } else { "no answer" }));
        answer
    }

    async fn poll(&self, operation: &Operation) -> Ours<Progress> {
        let progress = self.inner.poll(operation).await;
        let seen = match &progress {
            Ok(Progress::Running) => "not done",
            Ok(Progress::Done(_)) => "the page is here",
            Err(_) => "no page",
        };
        self.life.step(format!("poll: looked, {seen}"));
        progress
    }

    fn read(&self, page: &RawPage) -> Ours<Vec<Hit>> {
        self.inner.read(page)
    }
}

/// Runs the three stages until nothing is due, or until it stands still.
pub async fn live(errand: Errand) -> Result<()> {
    let clock = Arc::new(HandClock::at(Timestamp::from_millis(errand.now)));
    let life = Arc::new(Life { clock: clock.clone(), dies_after: errand.dies_after, steps: AtomicUsize::new(0) });
    let settings = Settings { lease_clock: LeaseClock::Given(clock.clone()), max_connections: 2, ..Settings::new(&errand.database) };
    let store = SqlStore::connect(settings).await.context("open the store")?;
    let request = Request { groups_on_page: errand.per_page, ..Request::default() };
    let provider = client_at(&errand.town, request, clock.clone(), Duration::from_secs(5))?;
    let lanes = Mortal { inner: Arc::new(store), life: Arc::clone(&life) };
    let search: Arc<dyn SearchProvider> = Arc::new(Mortal { inner: Arc::new(provider), life: Arc::clone(&life) });
    life.step("nothing: it has just begun");
    work(&lanes, search, &clock, &errand).await?;
    life.say(None);
    Ok(())
}

async fn work(lanes: &Mortal<SqlStore>, search: Arc<dyn SearchProvider>, clock: &Arc<HandClock>, errand: &Errand) -> Result<()> {
    let search_policy = SearchPolicy { pages: errand.pages, per_page: errand.per_page, ..SearchPolicy::default() };
    let policy = Arc::new(Policy { search: search_policy.clone(), ..Policy::default() });
    let desk = Desk {
        owner: format!("pid-{}", std::process::id()),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        policy,
        batch: None,
        width: 1,
        shutdown: CancellationToken::new(),
        cut: CancellationToken::new(),
        watch: Watch::default(),
    };
    lanes.inner.begin().await?;
    let (submit, poll) = (Submit { search: Arc::clone(&search) }, Poll { search: Arc::clone(&search) });
    let ingest = Ingest { search, excluded: vec![], policy: search_policy };
    loop {
        let submitted = desk.tick_once::<SubmitQuery>(lanes, &submit).await?;
        let polled = desk.tick::<PollOperation>(lanes, &poll).await?;
        let read = desk.tick::<IngestPage>(lanes, &ingest).await?;
        if ![submitted, polled, read].iter().all(Tally::is_idle) {
            continue;
        }
        match lanes.inner.next_due(clock.now()).await? {
            Some(due) if due.millis() <= errand.until => clock.move_to(due),
            _ => return Ok(()),
        }
    }
}
