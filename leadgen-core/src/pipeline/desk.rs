//! The desk: the only loop in the house. *Claim → work → commit or release → tally*; for a once-work the middle reads
//! *prepare → mark → finish*, one item at a time. Width, deadlines, retries, spans, counters and shutdown live here
//! and nowhere else: a worker gets a value and gives a value back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use crate::domain::policy::Policy;
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::clock::Clock;
use crate::ports::entropy::{self, Entropy};
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{Call, Claim, Fault, Ticket, Work, lease};
use crate::rules::backoff;
use crate::rules::setback::is_the_last;

use super::tally::{Tally, Watch};

/// Does one kind of work: a value in, a value out.
#[async_trait]
pub trait Worker<W: Work>: Send + Sync {
    /// Works on one item.
    async fn work(&self, item: &W::Item) -> Result<W::Done>;
}

/// Does a work that can't be taken back.
#[async_trait]
pub trait OnceWorker<W: Work>: Send + Sync {
    /// Everything up to the point of no return.
    async fn prepare(&self, item: &W::Item) -> Result<Box<dyn Ready<W>>>;
}

/// Stands right before the point of no return.
#[async_trait]
pub trait Ready<W: Work>: Send {
    /// Goes past it. Called after the mark, once.
    async fn finish(self: Box<Self>) -> Result<W::Done>;
}

/// The loop, with all it needs.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Who asks: kept with every lease.
    pub owner: String,
    /// The source of now.
    pub clock: Arc<dyn Clock>,
    /// The source of chance.
    pub entropy: Arc<dyn Entropy>,
    /// The limits.
    pub policy: Arc<Policy>,
    /// Only this batch.
    pub batch: Option<String>,
    /// How many items of a stage are worked on side by side.
    pub width: usize,
    /// Ends the loop after the work in hand.
    pub shutdown: CancellationToken,
    /// Ends the work in hand as well, unless it is past the mark: the item goes back untouched.
    pub cut: CancellationToken,
    /// Told of every item that leaves.
    pub watch: Watch,
}

/// A lane that always has something due would never end a tick; after so many claims the other stages have their turn.
const CLAIMS_PER_TICK: usize = 500;
/// Part of a lease that work may take; the rest is for the commit.
const WORK_SHARE: (u32, u32) = (9, 10);
/// A lease is renewed so often while it lasts: one beat may fail, and the next still comes in time.
const RENEWALS_PER_LEASE: f64 = 3.0;

impl Desk {
    fn call<W: Work>(&self) -> Call {
        Call {
            owner: self.owner.clone(),
            now: self.clock.now(),
            max: W::CLAIM,
            random: entropy::number(self.entropy.as_ref()),
            batch: self.batch.clone(),
            policy: Arc::clone(&self.policy),
        }
    }

    /// Works a lane until it is empty, paused or shut down.
    pub async fn tick<W: Work>(&self, lane: &dyn Lane<W>, worker: &dyn Worker<W>) -> Result<Tally> {
        let mut tally = Tally::of(W::NAME);
        if W::TOGETHER {
            self.claim_by_claim(lane, worker, &mut tally).await?;
        } else {
            self.side_by_side(lane, worker, &mut tally).await?;
        }
        self.publish(&tally);
        Ok(tally)
    }

    /// What is committed together is claimed, worked and committed before the next is claimed.
    async fn claim_by_claim<W: Work>(&self, lane: &dyn Lane<W>, worker: &dyn Worker<W>, tally: &mut Tally) -> Result<()> {
        for _ in 0..CLAIMS_PER_TICK {
            if self.shutdown.is_cancelled() || tally.paused.is_some() {
                break;
            }
            let claims = lane.claim(&self.call::<W>()).await?;
            if claims.is_empty() {
                break;
            }
            self.work_claims(lane, worker, claims, tally).await?;
        }
        Ok(())
    }

    /// Keeps the desk full, so that nobody waits for the slowest: once half of the places are free, all of them are taken.
    async fn side_by_side<W: Work>(&self, lane: &dyn Lane<W>, worker: &dyn Worker<W>, tally: &mut Tally) -> Result<()> {
        let width = self.width.max(1);
        let mut at_work = FuturesUnordered::new();
        let mut claims_left = CLAIMS_PER_TICK;
        let mut is_filling = true;
        loop {
            let room = width - at_work.len();
            is_filling = room > 0 && (is_filling || room * 2 >= width);
            if is_filling && claims_left > 0 && !self.shutdown.is_cancelled() && tally.paused.is_none() {
                let claims = lane.claim(&Call { max: room.min(W::CLAIM), ..self.call::<W>() }).await?;
                claims_left = if claims.is_empty() { 0 } else { claims_left - 1 };
                at_work.extend(claims.into_iter().map(|claim| self.work(worker, claim)));
                continue;
            }
            let Some((ticket, outcome)) = at_work.next().await else { return Ok(()) };
            match outcome {
                Ok(done) => self.keep(lane, ticket, done, tally).await?,
                Err(error) => self.give_back(lane, &ticket, &error, tally).await?,
            }
        }
    }

    async fn work<W: Work>(&self, worker: &dyn Worker<W>, claim: Claim<W>) -> (Ticket, Result<W::Done>) {
        let span = info_span!("work", stage = W::NAME, item = %claim.ticket.row);
        let outcome = self.within::<W, _>(worker.work(&claim.item)).instrument(span).await;
        (claim.ticket, outcome)
    }

    /// Works a lane whose work can't be taken back, one item at a time.
    pub async fn tick_once<W: Work>(&self, lane: &dyn OnceLane<W>, worker: &dyn OnceWorker<W>) -> Result<Tally> {
        let mut tally = Tally::of(W::NAME);
        for _ in 0..CLAIMS_PER_TICK {
            if self.shutdown.is_cancelled() || tally.paused.is_some() {
                break;
            }
            let claims = lane.claim(&self.call::<W>()).await?;
            if claims.is_empty() {
                break;
            }
            for claim in claims {
                let span = info_span!("work", stage = W::NAME, item = %claim.ticket.row);
                self.once(lane, worker, claim, &mut tally).instrument(span).await?;
            }
        }
        self.publish(&tally);
        Ok(tally)
    }

    async fn work_claims<W: Work>(
        &self,
        lane: &dyn Lane<W>,
        worker: &dyn Worker<W>,
        claims: Vec<Claim<W>>,
        tally: &mut Tally,
    ) -> Result<()> {
        let mut finished = Vec::new();
        let claims = claims.into_iter().map(|claim| self.work(worker, claim));
        let mut at_work = futures::stream::iter(claims).buffer_unordered(self.width.max(1));
        while let Some((ticket, outcome)) = at_work.next().await {
            match outcome {
                Ok(done) => finished.push((ticket, done)),
                Err(error) => self.give_back(lane, &ticket, &error, tally).await?,
            }
        }
        if finished.is_empty() {
            return Ok(());
        }
        // Side by side the items end in any order; rows are written in the order of the claim's ids, the same every time.
        finished.sort_by_key(|(ticket, _)| ticket.row);
        if finished.len() > 1 {
            let lost = tally.lost;
            match self.commit(lane, finished.clone(), tally).await {
                Ok(()) => return Ok(()),
                Err(error) => warn!(stage = W::NAME, %error, "could not keep a claim whole: its items are kept one by one"),
            }
            tally.lost = lost;
        }
        for (ticket, done) in finished {
            self.keep(lane, ticket, done, tally).await?;
        }
        Ok(())
    }

    /// Commits one item. What can't be kept costs it a try, so that it ends some day and holds nobody up; a store that is away
    /// takes no such note either, and then the stage ends.
    async fn keep<W: Work>(&self, lane: &dyn Lane<W>, ticket: Ticket, done: W::Done, tally: &mut Tally) -> Result<()> {
        match self.commit(lane, vec![(ticket.clone(), done)], tally).await {
            Ok(()) => Ok(()),
            Err(error) => self.give_back(lane, &ticket, &error, tally).await,
        }
    }

    async fn once<W: Work>(&self, lane: &dyn OnceLane<W>, worker: &dyn OnceWorker<W>, claim: Claim<W>, tally: &mut Tally) -> Result<()> {
        let ready = match self.within::<W, _>(worker.prepare(&claim.item)).await {
            Ok(ready) => ready,
            Err(error) => return self.give_back(lane, &claim.ticket, &error, tally).await,
        };
        if self.cut.is_cancelled() {
            return self.give_back(lane, &claim.ticket, &stopped::<W>(), tally).await;
        }
        if let Err(error) = lane.mark(&self.call::<W>(), &claim.ticket).await {
            if error.kind() == ErrorKind::Conflict {
                info!(reason = error.machine_code(), "not now");
                tally.lost += 1;
                return Ok(());
            }
            return Err(error);
        }
        // Past the mark the work is never cut off by us: a lost answer would be a doubt of our own making.
        let began = self.clock.now();
        let finished = self.finish(lane, &claim.ticket, ready).await;
        metrics::histogram!("leadgen_finish_seconds", "stage" => W::NAME).record(self.clock.now().since(began).as_secs_f64());
        let lost = tally.lost;
        match &finished {
            Ok(done) => self.commit_marked(lane, &claim.ticket, done.clone(), tally).await?,
            Err(error) => self.give_back(lane, &claim.ticket, error, tally).await?,
        }
        if tally.lost > lost {
            error!(
                event = "alert",
                ?finished,
                "an outcome came after its lease was over: the item stands in doubt, and this tells how it really ended"
            );
        }
        Ok(())
    }

    /// Goes past the point of no return, and meanwhile tells the store that somebody is still at it.
    async fn finish<W: Work>(&self, lane: &dyn OnceLane<W>, ticket: &Ticket, ready: Box<dyn Ready<W>>) -> Result<W::Done> {
        let renewing = async {
            // The store's leases run by the real day, whatever this pipeline's clock shows.
            let mut beat = tokio::time::interval(lease::<W>(&self.policy).div_f64(RENEWALS_PER_LEASE));
            beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            beat.tick().await;
            loop {
                beat.tick().await;
                if let Err(error) = lane.renew(&self.call::<W>(), ticket).await {
                    warn!(%error, "could not renew a lease");
                }
            }
        };
        tokio::select! {
            finished = ready.finish() => finished,
            () = renewing => Err(stopped::<W>()),
        }
    }

    async fn commit<W: Work>(&self, lane: &dyn Lane<W>, done: Vec<(Ticket, W::Done)>, tally: &mut Tally) -> Result<()> {
        let count = done.len() as u64;
        let lost = lane.commit(&self.call::<W>(), done).await?.len() as u64;
        tally.lost += lost;
        tally.done += count - lost;
        self.watch.tell(W::NAME, count);
        Ok(())
    }

    /// The outcome of a marked item is worth a few tries: without it the item is in doubt.
    async fn commit_marked<W: Work>(&self, lane: &dyn Lane<W>, ticket: &Ticket, done: W::Done, tally: &mut Tally) -> Result<()> {
        let mut pause = Duration::from_millis(200);
        loop {
            match self.commit(lane, vec![(ticket.clone(), done.clone())], tally).await {
                Err(error) if matches!(error.verdict(), Verdict::Retry { .. }) && pause < Duration::from_secs(10) => {
                    warn!(%error, "could not keep an outcome, trying again");
                    self.clock.sleep_until(self.clock.now() + pause).await;
                    pause *= 3;
                }
                ended => return ended,
            }
        }
    }

    async fn give_back<W: Work>(&self, lane: &dyn Lane<W>, ticket: &Ticket, error: &Error, tally: &mut Tally) -> Result<()> {
        let now = self.clock.now();
        let verdict = error.verdict();
        let pause = match verdict {
            Verdict::Drop => Duration::ZERO,
            Verdict::Retry { after } => backoff::pause(W::NAME, ticket.tries, entropy::number(self.entropy.as_ref()), after),
            _ => backoff::pause(W::NAME, ticket.tries, entropy::number(self.entropy.as_ref()), None),
        };
        let fault = Fault::from_error(error, now + pause);
        match verdict {
            Verdict::Pause => {
                error!(stage = W::NAME, item = %ticket.row, code = error.machine_code(), text = %fault.text, "stage paused: set-up is wrong");
                tally.paused = Some(fault.text.clone());
            }
            Verdict::Hold | Verdict::InDoubt => {
                error!(stage = W::NAME, item = %ticket.row, code = error.machine_code(), text = %fault.text, "a person should look");
            }
            Verdict::Retry { .. } | Verdict::Reject | Verdict::Drop => {
                warn!(stage = W::NAME, item = %ticket.row, code = error.machine_code(), text = %fault.text, "given back");
            }
        }
        metrics::counter!("leadgen_faults_total", "stage" => W::NAME, "code" => fault.code.clone()).increment(1);
        match verdict {
            Verdict::Retry { .. } if is_the_last(W::NAME, &fault.code, verdict, ticket.tries, W::TRIES) => tally.rejected += 1,
            verdict => tally.count(verdict),
        }
        self.watch.tell(W::NAME, 1);
        match lane.release(&self.call::<W>(), ticket, &fault).await {
            Err(lost) if lost.kind() == ErrorKind::Conflict => {
                tally.lost += 1;
                Ok(())
            }
            ended => ended,
        }
    }

    /// Work that may still be ended: by its deadline, or by a stop that can't wait for it.
    async fn within<W: Work, T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = lease::<W>(&self.policy) * WORK_SHARE.0 / WORK_SHARE.1;
        let began = self.clock.now();
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(limit, work) => outcome.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Unavailable, format!("finish {} within {} s", W::NAME, limit.as_secs())).code("deadline"))
            }),
            () = self.cut.cancelled() => Err(stopped::<W>()),
        };
        metrics::histogram!("leadgen_work_seconds", "stage" => W::NAME).record(self.clock.now().since(began).as_secs_f64());
        outcome
    }

    fn publish(&self, tally: &Tally) {
        let stage = tally.stage.clone();
        for (outcome, count) in [
            ("done", tally.done),
            ("retried", tally.retried),
            ("rejected", tally.rejected),
            ("held", tally.held),
            ("in_doubt", tally.in_doubt),
            ("lost", tally.lost),
        ] {
            if count > 0 {
                metrics::counter!("leadgen_items_total", "stage" => stage.clone(), "outcome" => outcome).increment(count);
            }
        }
        metrics::gauge!("leadgen_stage_last_tick_seconds", "stage" => stage).set(self.clock.now().seconds() as f64);
    }
}

fn stopped<W: Work>() -> Error {
    Error::new(ErrorKind::Conflict, format!("finish {} before the stop", W::NAME)).code("stopped")
}
