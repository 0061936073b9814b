//! The pipeline: moves leads by itself, stage after stage. It knows ports and no adapter.

pub mod builder;
pub mod desk;
pub mod inlet;
pub mod policy;
pub mod stages;
pub mod tally;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info_span};

use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::pipeline::builder::{Parts, PipelineBuilder};
use crate::pipeline::desk::Desk;
use crate::pipeline::policy::Correspondence;
use crate::pipeline::stages::{dedupe, draft, enrich, ingest, plan, poll, route, send, submit};
use crate::pipeline::tally::Tally;
use crate::ports::store::Store;
use crate::ports::work::{
    DedupeResult, DraftLetter, EnrichCompany, IngestPage, PlanNiche, PollOperation, RouteLetter, SendLetter, SubmitQuery,
};
use crate::rules::window;

/// The stages in the order of a lead's day.
pub const STAGES: [&str; 11] = ["intake", "plan", "submit", "poll", "ingest", "dedupe", "enrich", "draft", "route", "send", "inbox"];

/// The whole pipeline, or the part of it whose ports were given.
///
/// ```no_run
/// # async fn run(store: std::sync::Arc<dyn leadgen_core::ports::store::Store>) -> leadgen_core::error::Result<()> {
/// use leadgen_core::pipeline::Pipeline;
///
/// let pipeline = Pipeline::builder().store(store).build()?;
/// pipeline.drain(leadgen_core::pipeline::Until::Idle).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pipeline {
    parts: Parts,
    store: Arc<dyn Store>,
    correspondence: Option<Arc<Correspondence>>,
    desk: Desk,
    /// How many companies are visited side by side.
    visits: usize,
    only: Vec<String>,
    begun: tokio::sync::OnceCell<()>,
}

/// How far [`Pipeline::drain`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Nothing more is due now.
    Idle,
    /// Nothing is due until then: waits (or lets the clock be moved) from one due time to the next.
    Instant(Timestamp),
}

impl Pipeline {
    /// Starts a builder.
    pub fn builder() -> PipelineBuilder {
        PipelineBuilder::default()
    }

    /// Keeps to some stages.
    pub fn only<S: AsRef<str>>(mut self, stages: &[S]) -> Result<Self> {
        for stage in stages {
            let stage = stage.as_ref();
            if !STAGES.contains(&stage) {
                return Err(Error::new(ErrorKind::Config, format!("run the stage {stage:?}"))
                    .code("unknown_stage")
                    .detail(format!("stages are {}", STAGES.join(", "))));
            }
            self.only.push(stage.to_owned());
        }
        Ok(self)
    }

    /// The store, for actions.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The pipeline's present.
    pub fn now(&self) -> Timestamp {
        self.desk.clock.now()
    }

    /// Cancelling it ends every loop after the work in hand.
    pub fn shutdown(&self) -> &CancellationToken {
        &self.desk.shutdown
    }

    /// The stages whose ports are here and that were not left out.
    pub fn stages(&self) -> Vec<&'static str> {
        let parts = &self.parts;
        let searches = parts.search.is_some();
        let has = |stage: &str| match stage {
            "intake" => !parts.leads.is_empty(),
            "submit" | "poll" | "ingest" => searches,
            "enrich" => parts.contacts.is_some(),
            "draft" => parts.drafter.is_some() && self.correspondence.is_some(),
            "route" => parts.router.is_some() && self.correspondence.is_some() && !parts.transports.is_empty(),
            "send" => !parts.transports.is_empty(),
            "inbox" => !parts.inboxes.is_empty(),
            _ => true,
        };
        STAGES.into_iter().filter(|stage| has(stage) && (self.only.is_empty() || self.only.iter().any(|only| only == stage))).collect()
    }

    /// The earliest instant later than now at which something is due: in the store, or at a source of rows.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut due = self.store.next_due(self.now()).await?;
        if self.stages().contains(&"intake") {
            for inlet in &self.parts.leads {
                due = [due, inlet.next_due(self.now()).await].into_iter().flatten().min();
            }
        }
        let opening = self.window_opens().await?;
        Ok([due, opening].into_iter().flatten().min())
    }

    /// When the window of letters opens, if it is closed and some wait at it: their own turn is over then.
    async fn window_opens(&self) -> Result<Option<Timestamp>> {
        let (send, now) = (&self.desk.policy.send, self.now());
        if !send.enabled || !self.stages().contains(&"send") || window::is_open(&send.window, now) {
            return Ok(None);
        }
        let wait = self.store.loads(now).await?.iter().any(|lane| lane.stage == "send" && lane.due > 0);
        wait.then(|| window::next_turn(&send.window, now, None, Duration::ZERO)).transpose()
    }

    /// Rows taken in whose source has not been told what became of them.
    pub async fn untold(&self) -> usize {
        let mut untold = 0;
        for inlet in &self.parts.leads {
            untold += inlet.untold().await;
        }
        untold
    }

    /// One pass over one stage.
    pub async fn tick(&self, stage: &str) -> Result<Tally> {
        self.begun.get_or_try_init(|| self.store.begin()).await?;
        let began = self.now();
        let ended = self.stage(stage).instrument(info_span!("stage", stage)).await;
        metrics::histogram!("leadgen_tick_seconds", "stage" => stage.to_owned()).record(self.now().since(began).as_secs_f64());
        ended
    }

    /// One pass over all stages. A stage that fails is logged and the following ones still run.
    pub async fn pass(&self) -> Result<Vec<Tally>> {
        let mut tallies = Vec::new();
        for stage in self.stages() {
            if self.desk.shutdown.is_cancelled() {
                break;
            }
            match self.tick(stage).await {
                Ok(tally) => tallies.push(tally),
                Err(error) if error.machine_code() == "already_running" => return Err(error),
                Err(error) => {
                    error!(stage, code = error.machine_code(), text = %error.for_row(), "stage failed");
                    tallies.push(Tally { paused: Some(error.for_row()), ..Tally::of(stage) });
                }
            }
        }
        Ok(tallies)
    }

    /// Passes until nothing is due (or until the instant has come), and gives the sums per stage.
    pub async fn drain(&self, until: Until) -> Result<Vec<Tally>> {
        let mut sums: Vec<Tally> = self.stages().into_iter().map(Tally::of).collect();
        let mut rested = false;
        loop {
            let tallies = self.pass().await?;
            let at_rest = tallies.iter().all(Tally::is_at_rest);
            // A stage that paused may have handed its item to another one (a letter takes its next mailbox): only a
            // second look tells that nothing is left.
            let idle = at_rest && (rested || tallies.iter().all(Tally::is_idle));
            rested = at_rest;
            add(&mut sums, tallies);
            if self.desk.shutdown.is_cancelled() {
                return Ok(sums);
            }
            if !idle {
                continue;
            }
            let Until::Instant(end) = until else { return Ok(sums) };
            match self.next_due().await? {
                Some(due) if due <= end => self.desk.clock.sleep_until(due).await,
                _ => return Ok(sums),
            }
            rested = false;
        }
    }

    /// Runs until shut down. Between passes it waits for the next due time, at most `tick`.
    pub async fn run(&self, tick: Duration) -> Result<()> {
        while !self.desk.shutdown.is_cancelled() {
            let idle = match self.pass().await {
                Ok(tallies) => tallies.iter().all(Tally::is_at_rest),
                Err(error) if matches!(error.verdict(), Verdict::Retry { .. }) => {
                    error!(code = error.machine_code(), text = %error.for_row(), "pass failed");
                    true
                }
                Err(error) => return Err(error),
            };
            if idle {
                let soon = self.now() + tick;
                let due = self.next_due().await.ok().flatten().map_or(soon, |due| due.min(soon));
                let pause = self.desk.clock.sleep_until(due);
                tokio::select! {
                    () = pause => {}
                    () = self.desk.shutdown.cancelled() => {}
                }
            }
        }
        Ok(())
    }

    async fn stage(&self, stage: &str) -> Result<Tally> {
        let missing = || {
            Error::new(ErrorKind::Config, format!("run the stage {stage:?}"))
                .code("stage_not_configured")
                .detail("a part it needs is not set up")
        };
        let (parts, desk, store) = (&self.parts, &self.desk, &self.store);
        match stage {
            "intake" => self.unless_cut(stage, self.intake()).await,
            "plan" => desk.tick::<PlanNiche>(&**store, &plan::Plan { settings: parts.planning.clone() }).await,
            "submit" => {
                let search = parts.search.clone().ok_or_else(missing)?;
                desk.tick_once::<SubmitQuery>(&**store, &submit::Submit { search }).await
            }
            "poll" => {
                let search = parts.search.clone().ok_or_else(missing)?;
                desk.tick::<PollOperation>(&**store, &poll::Poll { search }).await
            }
            "ingest" => {
                let search = parts.search.clone().ok_or_else(missing)?;
                desk.tick::<IngestPage>(
                    &**store,
                    &ingest::Ingest { search, excluded: parts.excluded_domains.clone(), policy: desk.policy.search.clone() },
                )
                .await
            }
            "dedupe" => desk.tick::<DedupeResult>(&**store, &dedupe::Dedupe).await,
            "enrich" => {
                let contacts = parts.contacts.clone().ok_or_else(missing)?;
                let desk = Desk { width: self.visits, ..desk.clone() };
                desk.tick::<EnrichCompany>(&**store, &enrich::Enrich { contacts, verifier: parts.verifier.clone() }).await
            }
            "draft" => {
                let drafter = parts.drafter.clone().ok_or_else(missing)?;
                let correspondence = self.correspondence.clone().ok_or_else(missing)?;
                let (verifier, clock) = (parts.verifier.clone(), Arc::clone(&desk.clock));
                desk.tick::<DraftLetter>(&**store, &draft::Draft { drafter, correspondence, verifier, clock }).await
            }
            "route" => {
                let router = parts.router.clone().ok_or_else(missing)?;
                let correspondence = self.correspondence.clone().ok_or_else(missing)?;
                let mailboxes = parts.transports.iter().map(|(name, t)| (name.clone(), t.mailbox().clone())).collect();
                let (clock, entropy) = (Arc::clone(&desk.clock), Arc::clone(&desk.entropy));
                desk.tick::<RouteLetter>(&**store, &route::Route { router, mailboxes, correspondence, clock, entropy }).await
            }
            "send" => desk.tick_once::<SendLetter>(&**store, &send::Send { transports: parts.transports.clone() }).await,
            "inbox" => self.unless_cut(stage, self.inbox()).await,
            _ => Err(missing()),
        }
    }

    /// An inlet that is ended half way offers the same items again.
    async fn unless_cut(&self, stage: &str, inlet: impl Future<Output = Result<Tally>>) -> Result<Tally> {
        tokio::select! {
            ended = inlet => ended,
            () = self.desk.cut.cancelled() => Ok(Tally::of(stage)),
        }
    }

    async fn intake(&self) -> Result<Tally> {
        let mut tally = Tally::of("intake");
        for inlet in &self.parts.leads {
            let turn = inlet.tick(self.store.as_ref(), self.desk.clock.as_ref()).await?;
            tally.done += turn.done;
            tally.retried += turn.retried;
        }
        Ok(tally)
    }

    async fn inbox(&self) -> Result<Tally> {
        let mut tally = Tally::of("inbox");
        for source in &self.parts.inboxes {
            tally.done += inlet::arrivals(self.store.as_ref(), source.as_ref(), self.desk.clock.as_ref()).await?.done;
        }
        Ok(tally)
    }
}

fn add(sums: &mut [Tally], tallies: Vec<Tally>) {
    for tally in tallies {
        if let Some(sum) = sums.iter_mut().find(|sum| sum.stage == tally.stage) {
            sum.done += tally.done;
            sum.retried += tally.retried;
            sum.rejected += tally.rejected;
            sum.held += tally.held;
            sum.in_doubt += tally.in_doubt;
            sum.lost += tally.lost;
            sum.paused = tally.paused;
        }
    }
}
