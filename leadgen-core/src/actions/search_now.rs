//! One search at once, outside the night: asked for by name, at the price of the day.

use crate::domain::flow::QueryState;
use crate::domain::query::SearchQuery;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Searches;
use crate::rules::planning;

/// Puts the query of a niche into the queue, due now, under a batch of its own.
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
    let text = planning::query_text(niche, city, None, settings)?;
    let region = settings.places.resolve(city, "").code;
    let query = SearchQuery {
        id: SearchQuery::id_of(&text, region),
        niche_id: None,
        hash: planning::query_hash(&text, region),
        region,
        trigger: None,
        niche: planning::squash(niche),
        city: planning::squash(city),
        batch_tag: batch_tag.to_owned(),
        state: QueryState::Pending,
        scheduled_for: now,
        retry_count: 0,
        page: 0,
        text,
    };
    store.enqueue(std::slice::from_ref(&query)).await?;
    Ok(query)
}
