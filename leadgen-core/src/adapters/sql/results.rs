//! Results of a page, written once and known again.

use sea_orm::{DatabaseTransaction, Value};
use uuid::Uuid;

use crate::domain::flow::ResultState;
use crate::domain::id::Id;
use crate::domain::serp::{Operation, Sighting};
use crate::domain::time::Timestamp;
use crate::error::Result;

use super::connection::{SqlStore, insert_rows, list, query_one};
use super::row::get;

/// Results asked for in one statement.
const KNOWN_AT_ONCE: usize = 500;

impl SqlStore {
    /// Writes results of an operation, known ones anew; how many were not known.
    pub(super) async fn upsert_results(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        operation: &Operation,
        sightings: &[Sighting],
    ) -> Result<u64> {
        let mut known = 0;
        let sightings = once_each(sightings);
        for sightings in sightings.chunks(KNOWN_AT_ONCE) {
            let ids: Vec<Uuid> = sightings.iter().map(|sighting| result_id(operation, sighting)).collect();
            let (places, values) = list(1, ids);
            let row = query_one(tx, &format!("SELECT count(*) AS n FROM serp_results WHERE id IN ({places})"), values).await?;
            known += row.map(|row| get::<i64>(&row, "n")).transpose()?.unwrap_or(0).max(0) as u64;
        }
        let head =
            "INSERT INTO serp_results (id, operation_id, url, domain, registrable_domain, title, snippet, position, language, dedup_status,
            metadata, created_at, updated_at)";
        let tail = "ON CONFLICT (operation_id, url) DO UPDATE SET title = excluded.title, snippet = excluded.snippet, position = excluded.position,
            language = excluded.language, updated_at = excluded.updated_at";
        let metadata = serde_json::json!({"source": "yandex_search_api", "yandex_operation_id": operation.handle}).to_string();
        let rows: Vec<Vec<Value>> = sightings.iter().map(|sighting| result_row(now, operation, sighting, &metadata)).collect();
        insert_rows(tx, head, rows.into_iter(), tail).await?;
        Ok(sightings.len() as u64 - known)
    }
}

/// One address once, at its best position: a statement must not meet a key twice.
fn once_each(sightings: &[Sighting]) -> Vec<&Sighting> {
    let mut best: Vec<&Sighting> = sightings.iter().collect();
    best.sort_by_key(|sighting| sighting.position);
    let mut seen = std::collections::HashSet::new();
    best.retain(|sighting| seen.insert(sighting.url.as_str()));
    best
}

fn result_id(operation: &Operation, sighting: &Sighting) -> Uuid {
    Id::<Sighting>::of(&["result", &operation.id.to_string(), &sighting.url]).uuid()
}

fn result_row(now: Timestamp, operation: &Operation, sighting: &Sighting, metadata: &str) -> Vec<Value> {
    vec![
        result_id(operation, sighting).into(),
        operation.id.uuid().into(),
        sighting.url.clone().into(),
        sighting.domain.clone().into(),
        sighting.registrable_domain.clone().into(),
        sighting.title.clone().into(),
        sighting.snippet.clone().into(),
        (sighting.position as i32).into(),
        sighting.language.clone().into(),
        ResultState::New.as_str().into(),
        metadata.into(),
        now.millis().into(),
        now.millis().into(),
    ]
}
