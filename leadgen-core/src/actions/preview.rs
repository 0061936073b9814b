//! What planning rows would do: queries, slots, cost, nights. Nothing is stored.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::lead::LeadRow;
use crate::domain::policy::SearchPolicy;
use crate::domain::query::SearchQuery;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::SearchQueue;
use crate::rules::cost::{self, Estimate};
use crate::rules::planning;

/// One query as it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueryPreview {
    /// The whole text with operators.
    pub text: String,
    /// Its hash.
    pub hash: String,
    /// The region code.
    pub region_code: u32,
    /// The buying phrase.
    pub trigger: Option<String>,
    /// Its slot, new or old.
    pub scheduled_for: Timestamp,
    /// Whether it is in the queue already (or comes up twice in these rows).
    pub known: bool,
}

/// One row as it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowPreview {
    /// Where the row stands.
    pub row: String,
    /// The niche.
    pub niche: String,
    /// The city.
    pub city: String,
    /// The batch.
    pub batch_tag: String,
    /// Its queries.
    pub queries: Vec<QueryPreview>,
    /// A remark: an unknown place.
    pub warning: Option<String>,
    /// Why it can't be planned.
    pub error: Option<String>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Row by row.
    pub rows: Vec<RowPreview>,
    /// Queries that would be created.
    pub new: usize,
    /// Queries that exist already.
    pub duplicates: usize,
    /// What the new ones would cost.
    pub estimate: Estimate,
    /// The first new slot.
    pub first: Option<Timestamp>,
    /// The last new slot.
    pub last: Option<Timestamp>,
}

/// Plans rows without storing anything: slots are those that planning now would hand out.
pub async fn rows<S>(store: &S, rows: &[LeadRow], settings: &planning::Settings, policy: &SearchPolicy, now: Timestamp) -> Result<Preview>
where
    S: SearchQueue + ?Sized,
{
    let planned: Vec<_> = rows.iter().map(|row| planning::query_set(&row.niche, &row.city, &row.country, settings)).collect();
    let ids: Vec<_> = planned.iter().flatten().flatten().map(|query| SearchQuery::id_of(&query.text, query.region)).collect();
    let mut slots: HashMap<_, _> =
        ids.iter().copied().zip(store.slots_of(&ids).await?).filter_map(|(id, slot)| Some((id, slot?))).collect();
    let mut fresh = Vec::new();
    for id in ids {
        if !slots.contains_key(&id) && !fresh.contains(&id) {
            fresh.push(id);
        }
    }
    let free = planning::night_slots(policy.slot_window(), policy.spacing, now, store.last_slot().await?, fresh.len())?;
    slots.extend(fresh.iter().copied().zip(free.iter().copied()));
    let mut unseen: std::collections::HashSet<_> = fresh.into_iter().collect();
    let mut lines = Vec::new();
    for (row, planned) in rows.iter().zip(planned) {
        let (queries, error) = match planned {
            Ok(queries) => (queries, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let queries = queries.into_iter().filter_map(|query| {
            let id = SearchQuery::id_of(&query.text, query.region);
            Some(QueryPreview {
                hash: planning::query_hash(&query.text, query.region),
                region_code: query.region,
                scheduled_for: *slots.get(&id)?,
                known: !unseen.remove(&id),
                trigger: query.trigger,
                text: query.text,
            })
        });
        lines.push(RowPreview {
            row: row.origin.clone(),
            niche: row.niche.clone(),
            city: row.city.clone(),
            batch_tag: row.batch().to_owned(),
            queries: queries.collect(),
            warning: settings.places.warning(&row.city, &row.country).filter(|_| error.is_none()),
            error,
        });
    }
    let all: usize = lines.iter().map(|line| line.queries.len()).sum();
    Ok(Preview {
        rows: lines,
        new: free.len(),
        duplicates: all - free.len(),
        estimate: cost::estimate(policy, &free),
        first: free.first().copied(),
        last: free.last().copied(),
    })
}
