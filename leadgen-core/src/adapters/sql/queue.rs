//! The search queue, for planning, previews and forecasts.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::ConnectionTrait;

use crate::domain::id::Id;
use crate::domain::query::SearchQuery;
use crate::domain::report::NicheYield;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::SearchQueue;
use crate::rules::planning::is_exhausted;

use super::connection::{SqlStore, list, query};
use super::row::{at, count, get, id, maybe_at};

/// Ids asked for in one statement.
const AT_ONCE: usize = 1000;
/// The queries of a niche that are looked at to judge it.
const LAST: usize = 3;

#[async_trait]
impl SearchQueue for SqlStore {
    async fn slots_of(&self, ids: &[Id<SearchQuery>]) -> Result<Vec<Option<Timestamp>>> {
        let known = self.slots_by_id(&self.db, ids).await?;
        Ok(ids.iter().map(|id| known.get(id).copied()).collect())
    }

    async fn last_slot(&self) -> Result<Option<Timestamp>> {
        self.latest_slot(&self.db).await
    }

    async fn waiting(&self, batch: Option<&str>) -> Result<Vec<Timestamp>> {
        let sql = "SELECT scheduled_for FROM serp_queries WHERE status = 'pending' AND (CAST($1 AS text) IS NULL OR batch_tag = $1)
            ORDER BY scheduled_for, id";
        query(&self.db, sql, vec![batch.map(str::to_owned).into()]).await?.iter().map(|row| at(row, "scheduled_for")).collect()
    }

    async fn yields(&self, batch: Option<&str>) -> Result<Vec<NicheYield>> {
        let sql = "SELECT q.niche, q.city, q.id, q.updated_at,
                (SELECT count(*) FROM serp_results r JOIN serp_operations o ON o.id = r.operation_id WHERE o.query_id = q.id) AS results,
                (SELECT count(*) FROM serp_results r JOIN serp_operations o ON o.id = r.operation_id
                    WHERE o.query_id = q.id AND r.dedup_status = 'unique') AS fresh
            FROM serp_queries q WHERE q.status = 'completed' AND (CAST($1 AS text) IS NULL OR q.batch_tag = $1)
            ORDER BY q.niche, q.city, q.updated_at DESC, q.id";
        let mut yields: Vec<NicheYield> = Vec::new();
        let mut judged = 0;
        for row in query(&self.db, sql, vec![batch.map(str::to_owned).into()]).await? {
            let (niche, city): (String, String) = (get(&row, "niche")?, get(&row, "city")?);
            if yields.last().is_none_or(|last| last.niche != niche || last.city != city) {
                yields.push(NicheYield { niche, city, answered: 0, last_results: 0, last_new: 0, exhausted: false });
                judged = 0;
            }
            let Some(last) = yields.last_mut() else { continue };
            last.answered += 1;
            if judged < LAST {
                judged += 1;
                last.last_results += count(&row, "results")?;
                last.last_new += count(&row, "fresh")?;
            }
            last.exhausted = is_exhausted(judged as u64, last.last_results, last.last_new);
        }
        yields.sort_by(|a, b| (a.last_new, &a.niche, &a.city).cmp(&(b.last_new, &b.niche, &b.city)));
        Ok(yields)
    }
}

impl SqlStore {
    pub(super) async fn slots_by_id(
        &self,
        db: &impl ConnectionTrait,
        ids: &[Id<SearchQuery>],
    ) -> Result<HashMap<Id<SearchQuery>, Timestamp>> {
        let mut known = HashMap::new();
        for chunk in ids.chunks(AT_ONCE) {
            let (places, values) = list(1, chunk.iter().map(|id| id.uuid()));
            for row in query(db, &format!("SELECT id, scheduled_for FROM serp_queries WHERE id IN ({places})"), values).await? {
                known.insert(id(&row, "id")?, at(&row, "scheduled_for")?);
            }
        }
        Ok(known)
    }

    /// Two look-ups at the end of the index, where one over both states would read all of it.
    pub(super) async fn latest_slot(&self, db: &impl ConnectionTrait) -> Result<Option<Timestamp>> {
        let mut latest = None;
        for state in ["pending", "in_progress"] {
            let sql = "SELECT max(scheduled_for) AS last FROM serp_queries WHERE status = $1";
            for row in query(db, sql, vec![state.into()]).await? {
                latest = latest.max(maybe_at(&row, "last")?);
            }
        }
        Ok(latest)
    }
}
