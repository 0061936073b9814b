//! Queries by hand: what is asked now, whoever planned it; and what became of it.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};

use crate::domain::flow::{QueryEvent, QueryState};
use crate::domain::id::Id;
use crate::domain::query::{Asking, ByHand, SearchQuery};
use crate::domain::report::SearchOutcome;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Searches;

use super::connection::{Serial, SqlStore, commit, query_one, run};
use super::row::{at, count, get, search_query};

/// Whether it was, or may have been, paid without an answer that could be read: each page read has a charge of its own.
const PAID: &str = "(submit_unknown AND status <> 'completed')
    OR (SELECT count(*) FROM search_charges c WHERE c.query_id = serp_queries.id)
     > (SELECT count(*) FROM serp_operations o WHERE o.query_id = serp_queries.id AND o.ingested_at IS NOT NULL) AS paid_in_vain";

#[async_trait]
impl Searches for SqlStore {
    async fn ask(&self, query: &SearchQuery, asking: Asking) -> Result<ByHand> {
        let tx = self.write(Serial::Slots).await?;
        let sql = format!("SELECT *, claimed_until > {} AS is_held, {PAID} FROM serp_queries WHERE query_hash = $1", self.lease_now());
        let met = match query_one(&tx, &self.locked(&sql), vec![query.hash.clone().into()]).await? {
            None => insert(&tx, query, asking).await?,
            Some(row) => ask_known(&tx, &row, query, asking).await?,
        };
        commit(tx).await?;
        Ok(met)
    }

    async fn unask(&self, query: Id<SearchQuery>) -> Result<bool> {
        let tx = self.write(Serial::Slots).await?;
        let sql = format!(
            "DELETE FROM serp_queries WHERE id = $1 AND status = 'pending' AND NOT submit_unknown AND niche_id IS NULL AND claimed_until <= {}
             AND NOT EXISTS (SELECT 1 FROM serp_operations o WHERE o.query_id = $1)
             AND NOT EXISTS (SELECT 1 FROM search_charges c WHERE c.query_id = $1)",
            self.lease_now()
        );
        let gone = run(&tx, &sql, vec![query.uuid().into()]).await?;
        commit(tx).await?;
        Ok(gone > 0)
    }

    async fn outcome(&self, query: Id<SearchQuery>, since: Timestamp) -> Result<Option<SearchOutcome>> {
        let asked = format!("SELECT *, {PAID} FROM serp_queries WHERE id = $1");
        let Some(row) = query_one(&self.db, &asked, vec![query.uuid().into()]).await? else { return Ok(None) };
        let last = "SELECT requested_at, operation_id FROM serp_operations WHERE query_id = $1 ORDER BY requested_at DESC, id LIMIT 1";
        let last = query_one(&self.db, last, vec![query.uuid().into()]).await?;
        let brought = "FROM serp_results r JOIN serp_operations o ON o.id = r.operation_id WHERE o.query_id = $1 AND o.requested_at >= $2";
        let values = || vec![query.uuid().into(), since.millis().into()];
        let results = query_one(&self.db, &format!("SELECT count(*) AS n {brought}"), values()).await?;
        Ok(Some(SearchOutcome {
            query: search_query(&row)?,
            last_error: get(&row, "last_error")?,
            paid_in_vain: get(&row, "paid_in_vain")?,
            asked: last.map(|row| Ok::<_, crate::error::Error>((at(&row, "requested_at")?, get(&row, "operation_id")?))).transpose()?,
            results: results.map(|row| count(&row, "n")).transpose()?.unwrap_or(0),
            companies: self.company_lines(&format!("c.source_result_id IN (SELECT r.id {brought})"), values()).await?,
        }))
    }
}

async fn insert(tx: &DatabaseTransaction, query: &SearchQuery, asking: Asking) -> Result<ByHand> {
    let sql = "INSERT INTO serp_queries (id, query_text, query_hash, region_code, is_night_window, status, scheduled_for, trigger_phrase,
            niche, city, batch_tag, by_hand, forecast, created_at, updated_at)
         VALUES ($1, $2, $3, $4, false, 'pending', $5, $6, $7, $8, $9, $9, $10, $5, $5)";
    let values = vec![
        query.id.uuid().into(),
        query.text.clone().into(),
        query.hash.clone().into(),
        (query.region as i32).into(),
        query.scheduled_for.millis().into(),
        query.trigger.clone().into(),
        query.niche.clone().into(),
        query.city.clone().into(),
        query.batch_tag.clone().into(),
        asking.forecast.millionths().into(),
    ];
    run(tx, sql, values).await?;
    Ok(ByHand::New)
}

async fn ask_known(tx: &DatabaseTransaction, row: &QueryResult, query: &SearchQuery, asking: Asking) -> Result<ByHand> {
    let known = search_query(row)?;
    let met = known.by_hand(get(row, "is_held")?, get(row, "paid_in_vain")?, query.scheduled_for, asking.again);
    let slot = known.scheduled_for.min(query.scheduled_for);
    match met {
        ByHand::MovedUp | ByHand::Due => {
            let sql = "UPDATE serp_queries SET scheduled_for = $2, by_hand = $3, next_try_at = NULL, updated_at = $4 WHERE id = $1";
            let values =
                vec![known.id.uuid().into(), slot.millis().into(), query.batch_tag.clone().into(), query.scheduled_for.millis().into()];
            run(tx, sql, values).await?;
        }
        ByHand::Reopened => {
            let next = known.state.after(QueryEvent::Reopen)?;
            let sql = "UPDATE serp_queries SET status = $2, scheduled_for = $3, by_hand = $4, forecast = forecast + $5, page = 0, retry_count = 0,
                tries = 0, next_try_at = NULL, last_error = NULL, updated_at = $3 WHERE id = $1";
            let values = vec![
                known.id.uuid().into(),
                next.as_str().into(),
                query.scheduled_for.millis().into(),
                query.batch_tag.clone().into(),
                asking.forecast.millionths().into(),
            ];
            run(tx, sql, values).await?;
        }
        // An answer that waits to be read is read by whoever asks for it.
        ByHand::BeingAsked if known.state == QueryState::InProgress => {
            let values = vec![known.id.uuid().into(), query.batch_tag.clone().into()];
            run(tx, "UPDATE serp_queries SET by_hand = $2 WHERE id = $1", values).await?;
        }
        ByHand::New | ByHand::BeingAsked | ByHand::Answered | ByHand::PaidInVain => {}
    }
    Ok(met)
}
