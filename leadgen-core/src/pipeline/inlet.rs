//! The other shape, of the two inlets: *pull → digest → admit → acknowledge*. A crash before the last step means the same
//! items are offered again, and ids made of content make that a no-op.

use crate::domain::lead::LeadRow;
use crate::domain::signal::Signal;
use crate::error::Result;
use crate::pipeline::desk::Tally;
use crate::pipeline::stages::inbox;
use crate::ports::clock::Clock;
use crate::ports::inbox::Inbox;
use crate::ports::leads::LeadSource;
use crate::ports::store::{Admit, Cursors, RowOutcomes};

/// A source that never ends a batch with "no more" would keep the other stages waiting.
const BATCHES_PER_TICK: usize = 100;

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
