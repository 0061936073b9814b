//! The other shape, of the two inlets: *pull → digest → admit → acknowledge*. A crash before the last step means the same
//! items are offered again, and ids made of content make that a no-op.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::warn;

use crate::domain::lead::{LeadRow, RowFate, RowStatus};
use crate::domain::signal::Signal;
use crate::domain::time::Timestamp;
use crate::error::{Error, Result, Verdict};
use crate::pipeline::stages::inbox;
use crate::pipeline::tally::Tally;
use crate::ports::clock::Clock;
use crate::ports::inbox::Inbox;
use crate::ports::leads::LeadSource;
use crate::ports::store::{Admit, Cursors, RowOutcomes};

/// A source that never ends a batch with "no more" would keep the other stages waiting.
const BATCHES_PER_TICK: usize = 100;
/// A source that can't be reached just now is tried again so much later, and then at its next turn (SHEET-9).
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// A source of rows with its rhythm, and the rows whose outcome it has not been told yet.
#[derive(Debug)]
pub struct Inlet {
    name: String,
    source: Arc<dyn LeadSource>,
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Admitted, and not acknowledged: with the remark told last.
    waiting: Vec<(LeadRow, Option<String>)>,
    /// Not pulled before.
    pull_at: Timestamp,
    pull_tries: usize,
    /// Not told before.
    tell_at: Timestamp,
    tell_tries: usize,
}

impl Inlet {
    /// A source, pulled at most once in an interval; zero: at every turn.
    pub fn new(name: impl Into<String>, source: Arc<dyn LeadSource>, interval: Duration) -> Self {
        Self { name: name.into(), source, interval, state: Mutex::default() }
    }

    /// Tells what became of rows taken in earlier, then takes in new ones.
    pub async fn tick<S>(&self, store: &S, clock: &dyn Clock) -> Result<Tally>
    where
        S: Admit<LeadRow> + Cursors + RowOutcomes + ?Sized,
    {
        let mut tally = Tally::of("intake");
        let mut state = self.state.lock().await;
        let now = clock.now();
        if !state.waiting.is_empty() && now >= state.tell_at {
            self.tell(store, &mut state, now, &mut tally).await?;
        }
        if now >= state.pull_at {
            state.pull_at = now + self.interval;
            match self.pull(store, &mut state, now).await {
                Ok(taken) => {
                    state.pull_tries = 0;
                    tally.done += taken;
                }
                Err(error) => {
                    state.pull_at = now + again(&error, &mut state.pull_tries, self.interval);
                    return Err(error);
                }
            }
        }
        Ok(tally)
    }

    /// When this source wants its next turn, if that is later than now.
    pub async fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let state = self.state.lock().await;
        let tell = (!state.waiting.is_empty()).then_some(state.tell_at);
        [tell, Some(state.pull_at)].into_iter().flatten().filter(|due| *due > now).min()
    }

    /// Rows whose outcome the source has not been told yet.
    pub async fn untold(&self) -> usize {
        self.state.lock().await.waiting.len()
    }

    async fn tell<S>(&self, store: &S, state: &mut State, now: Timestamp, tally: &mut Tally) -> Result<()>
    where
        S: RowOutcomes + ?Sized,
    {
        let rows: Vec<LeadRow> = state.waiting.iter().map(|(row, _)| row.clone()).collect();
        let outcomes = store.outcomes(&rows).await?;
        let told = state.waiting.iter().zip(&outcomes).filter_map(|((_, remark), outcome)| {
            let outcome = outcome.as_ref()?;
            let is_news = outcome.fate != RowFate::Waiting || outcome.last_error != *remark;
            is_news.then(|| outcome.clone())
        });
        let told: Vec<RowStatus> = told.collect();
        if told.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.source.acknowledge(&told).await {
            state.tell_at = now + again(&error, &mut state.tell_tries, self.interval);
            let Verdict::Retry { .. } = error.verdict() else { return Err(error) };
            warn!(source = %self.name, code = error.machine_code(), text = %error.for_row(), again = %state.tell_at, "outcomes not told yet");
            tally.retried += 1;
            return Ok(());
        }
        state.tell_tries = 0;
        state.tell_at = now;
        tally.done += told.len() as u64;
        let mut outcomes = outcomes.into_iter();
        state.waiting.retain_mut(|(_, remark)| match outcomes.next().flatten() {
            None => true,
            Some(outcome) if outcome.fate == RowFate::Waiting => {
                *remark = outcome.last_error;
                true
            }
            Some(_) => false,
        });
        Ok(())
    }

    async fn pull<S>(&self, store: &S, state: &mut State, now: Timestamp) -> Result<u64>
    where
        S: Admit<LeadRow> + Cursors + ?Sized,
    {
        let mut taken = 0;
        for _ in 0..BATCHES_PER_TICK {
            let after = store.cursor(&self.name).await?;
            let batch = self.source.pull(after.as_ref()).await?;
            let waits = |row: &LeadRow| state.waiting.iter().any(|(waiting, _)| waiting.niche_id() == row.niche_id());
            let rows: Vec<LeadRow> = batch.items.into_iter().filter(|row| !waits(row)).collect();
            if rows.is_empty() {
                break;
            }
            if let Err(error) = store.admit(&self.name, &rows, batch.next.as_ref(), now).await {
                self.excuse(&rows, &error).await;
                return Err(error);
            }
            taken += rows.len() as u64;
            state.waiting.extend(rows.into_iter().map(|row| (row, None)));
            if batch.next.is_none() || batch.next == after {
                break;
            }
        }
        Ok(taken)
    }

    /// Our own trouble is told without touching the row's status, so that the row is taken again (SHEET-7).
    async fn excuse(&self, rows: &[LeadRow], error: &Error) {
        let remarks: Vec<RowStatus> = rows.iter().map(|row| RowStatus::waiting(row, error.for_row())).collect();
        if let Err(error) = self.source.acknowledge(&remarks).await {
            warn!(source = %self.name, code = error.machine_code(), "nor could that be told");
        }
    }
}

/// The pause before a source is tried again: what they said, else 1, 2, 4 seconds, then its own rhythm.
fn again(error: &Error, tries: &mut usize, interval: Duration) -> Duration {
    let usual = PAUSES.get(*tries).copied().unwrap_or_else(|| interval.max(Duration::from_mins(1)));
    *tries = if *tries >= PAUSES.len() { 0 } else { *tries + 1 };
    match error.verdict() {
        Verdict::Retry { after: Some(pause) } => pause.max(usual),
        Verdict::Retry { after: None } => usual,
        // Set up wrong: nothing changes until a person has mended it.
        _ => interval.max(Duration::from_mins(1)),
    }
}

/// Takes rows in.
pub async fn intake<S>(store: &S, source: &dyn LeadSource, name: &str, clock: &dyn Clock) -> Result<Tally>
where
    S: Admit<LeadRow> + Cursors + ?Sized,
{
    let mut tally = Tally::of("intake");
    for _ in 0..BATCHES_PER_TICK {
        let after = store.cursor(name).await?;
        let batch = source.pull(after.as_ref()).await?;
        if batch.items.is_empty() {
            break;
        }
        let admitted = store.admit(name, &batch.items, batch.next.as_ref(), clock.now()).await?;
        tally.done += u64::from(admitted.new);
        if batch.next.is_none() || batch.next == after {
            break;
        }
    }
    Ok(tally)
}

/// Tells whoever wrote the rows what became of them.
pub async fn acknowledge<S>(store: &S, source: &dyn LeadSource, rows: &[LeadRow]) -> Result<u64>
where
    S: RowOutcomes + ?Sized,
{
    let outcomes: Vec<_> = store.outcomes(rows).await?.into_iter().flatten().collect();
    if !outcomes.is_empty() {
        source.acknowledge(&outcomes).await?;
    }
    Ok(outcomes.len() as u64)
}

/// Reads what arrived in an inbox.
pub async fn arrivals<S>(store: &S, source: &dyn Inbox, clock: &dyn Clock) -> Result<Tally>
where
    S: Admit<Signal> + Cursors + ?Sized,
{
    let mut tally = Tally::of("inbox");
    let name = format!("inbox:{}", source.mailbox());
    for _ in 0..BATCHES_PER_TICK {
        let after = store.cursor(&name).await?;
        let batch = source.pull(after.as_ref()).await?;
        if batch.items.is_empty() {
            break;
        }
        let now = clock.now();
        let signals: Vec<Signal> = batch.items.iter().flat_map(|arrival| inbox::read(arrival, now)).collect();
        let admitted = store.admit(&name, &signals, batch.next.as_ref(), now).await?;
        tally.done += u64::from(admitted.new);
        if batch.next.is_none() || batch.next == after {
            break;
        }
    }
    Ok(tally)
}
