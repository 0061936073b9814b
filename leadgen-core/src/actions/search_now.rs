//! One search at once, outside the night: asked for by name, at the price of the day; and how it ended.

use crate::domain::flow::QueryState;
use crate::domain::query::{Asking, ByHand, SearchQuery};
use crate::domain::report::SearchOutcome;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::{SearchLedger, Searches};
use crate::rules::planning;

/// How a search by hand ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// It is answered, and its results are read.
    Answered(SearchOutcome),
    /// It was handed over, by whomever, and is not answered yet.
    BeingAsked(SearchOutcome),
    /// It was not asked, or not to the end.
    Waiting {
        /// What keeps it, as a code or as `code: sentence`.
        why: String,
        /// Not before this; `None` if nothing but somebody to ask it is wanted.
        until: Option<Timestamp>,
        /// Whether it was taken out of the queue again, as nobody else had planned it. Else it stays, and is asked by
        /// whoever works off the queue next.
        withdrawn: bool,
        /// What is known of it.
        outcome: SearchOutcome,
    },
    /// It was given up.
    GivenUp {
        /// `code: sentence`.
        why: String,
        /// Whether it was, or may have been, paid.
        paid_in_vain: bool,
    },
}

/// The query of a niche, due at an instant, for a search by hand of its own tag.
pub fn query(niche: &str, city: &str, tag: &str, settings: &planning::Settings, now: Timestamp) -> Result<SearchQuery> {
    let text = planning::query_text(niche, city, None, settings)?;
    let region = settings.places.resolve(city, "").code;
    Ok(SearchQuery {
        id: SearchQuery::id_of(&text, region),
        niche_id: None,
        hash: planning::query_hash(&text, region),
        region,
        trigger: None,
        niche: planning::squash(niche),
        city: planning::squash(city),
        batch_tag: tag.to_owned(),
        state: QueryState::Pending,
        scheduled_for: now,
        retry_count: 0,
        page: 0,
        text,
    })
}

/// Puts the query of a niche into the queue, due now, whatever became of it before.
pub async fn enqueue<S>(
    store: &S,
    niche: &str,
    city: &str,
    batch_tag: &str,
    settings: &planning::Settings,
    now: Timestamp,
) -> Result<SearchQuery>
where
    S: Searches + ?Sized,
{
    let query = query(niche, city, batch_tag, settings, now)?;
    store.ask(&query, Asking { again: true, ..Asking::default() }).await?;
    Ok(query)
}

/// How a query ended that was asked by hand and met so; what it brought is counted from an instant on.
pub async fn ending<S>(store: &S, query: &SearchQuery, met: ByHand, since: Timestamp, now: Timestamp) -> Result<Ending>
where
    S: Searches + SearchLedger + ?Sized,
{
    let gone = || Error::new(ErrorKind::Conflict, format!("look after the search {:?}", query.text)).code("query_gone");
    let outcome = store.outcome(query.id, since).await?.ok_or_else(gone)?;
    let why = outcome.last_error.clone();
    Ok(match outcome.query.state {
        QueryState::Completed => Ending::Answered(outcome),
        QueryState::InProgress => Ending::BeingAsked(outcome),
        // Somebody has it in hand, and is about to ask it.
        QueryState::Pending if met == ByHand::BeingAsked => Ending::BeingAsked(outcome),
        QueryState::Failed => Ending::GivenUp { why: why.unwrap_or_else(|| "failed".into()), paid_in_vain: outcome.paid_in_vain },
        QueryState::Pending => {
            let holds = store.holds(now).await?;
            let hold = holds.into_iter().find(|hold| hold.kind == "submit");
            let until = [hold.as_ref().map(|hold| hold.until), Some(outcome.query.scheduled_for)].into_iter().flatten().max();
            Ending::Waiting {
                why: why.or(hold.map(|hold| hold.reason)).unwrap_or_else(|| "stopped before it was asked".into()),
                until: until.filter(|until| *until > now),
                withdrawn: met == ByHand::New && store.unask(query.id).await?,
                outcome,
            }
        }
    })
}
