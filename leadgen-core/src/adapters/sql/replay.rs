//! Kept pages are read again: what would differ, and making it so.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};
use uuid::Uuid;

use crate::domain::id::Id;
use crate::domain::serp::{KeptPage, Operation, RawPage, Reading, ReadingDiff, Sighting};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Replays;

use super::connection::{Serial, SqlStore, commit, query, query_one, run};
use super::raw_pages::unpack;
use super::row::{get, operation, search_query};

#[async_trait]
impl Replays for SqlStore {
    async fn kept_pages(&self, after: Option<Id<Operation>>, limit: u64) -> Result<Vec<KeptPage>> {
        let sql = "SELECT * FROM serp_operations WHERE status = 'done' AND ingested_at IS NOT NULL AND page_hash IS NOT NULL
            AND (CAST($1 AS uuid) IS NULL OR id > $1) ORDER BY id LIMIT $2";
        let sql = if self.is_postgres() { sql.to_owned() } else { sql.replace("CAST($1 AS uuid)", "$1") };
        let mut pages = Vec::new();
        for row in query(&self.db, &sql, vec![after.map(Id::uuid).into(), (limit as i64).into()]).await? {
            let operation = operation(&row)?;
            let asked = query_one(&self.db, "SELECT * FROM serp_queries WHERE id = $1", vec![operation.query_id.uuid().into()]).await?;
            let kept =
                query_one(&self.db, "SELECT bytes FROM raw_pages WHERE hash = $1", vec![get::<String>(&row, "page_hash")?.into()]).await?;
            if let (Some(asked), Some(kept)) = (asked, kept) {
                let mut query = search_query(&asked)?;
                query.page = page_of(&row)?;
                pages.push(KeptPage { operation, query, page: RawPage { bytes: unpack(&get::<Vec<u8>>(&kept, "bytes")?)? } });
            }
        }
        Ok(pages)
    }

    async fn reread(&self, operation: Id<Operation>, reading: &Reading, dry: bool, now: Timestamp) -> Result<ReadingDiff> {
        let tx = self.write(Serial::None).await?;
        let stored = stored(&tx, operation).await?;
        let mut diff = ReadingDiff::default();
        for sighting in &reading.sightings {
            match stored.get(&sighting.url) {
                None => diff.added.push(sighting.url.clone()),
                Some(known) if known.same_as(sighting) => diff.same += 1,
                Some(_) => diff.changed.push(sighting.url.clone()),
            }
        }
        for (url, known) in &stored {
            if reading.sightings.iter().all(|sighting| &sighting.url != url) {
                if known.is_birthplace { diff.kept.push(url.clone()) } else { diff.removed.push(url.clone()) }
            }
        }
        for list in [&mut diff.removed, &mut diff.kept] {
            list.sort();
        }
        if !dry {
            self.write_reading(&tx, operation, reading, &diff, now).await?;
        }
        commit(tx).await?;
        Ok(diff)
    }
}

/// A result as it stands.
struct Stored {
    id: Uuid,
    title: String,
    snippet: String,
    position: i32,
    language: Option<String>,
    is_birthplace: bool,
}

impl Stored {
    fn same_as(&self, sighting: &Sighting) -> bool {
        self.title == sighting.title
            && self.snippet == sighting.snippet
            && self.position == sighting.position as i32
            && self.language == sighting.language
    }
}

async fn stored(tx: &DatabaseTransaction, operation: Id<Operation>) -> Result<HashMap<String, Stored>> {
    let sql = "SELECT r.*, EXISTS (SELECT 1 FROM companies c WHERE c.source_result_id = r.id) AS is_birthplace FROM serp_results r WHERE r.operation_id = $1";
    let mut results = HashMap::new();
    for row in query(tx, sql, vec![operation.uuid().into()]).await? {
        let result = Stored {
            id: get(&row, "id")?,
            title: get(&row, "title")?,
            snippet: get(&row, "snippet")?,
            position: get(&row, "position")?,
            language: get(&row, "language")?,
            is_birthplace: get(&row, "is_birthplace")?,
        };
        results.insert(get(&row, "url")?, result);
    }
    Ok(results)
}

/// The page an operation brought, from 0: kept by the ingest, for positions.
fn page_of(row: &QueryResult) -> Result<u32> {
    let metadata: serde_json::Value = serde_json::from_str(&get::<String>(row, "metadata")?).unwrap_or_default();
    Ok(metadata["page"].as_u64().unwrap_or(0) as u32)
}

impl SqlStore {
    async fn write_reading(
        &self,
        tx: &DatabaseTransaction,
        id: Id<Operation>,
        reading: &Reading,
        diff: &ReadingDiff,
        now: Timestamp,
    ) -> Result<()> {
        let Some(row) = query_one(tx, "SELECT * FROM serp_operations WHERE id = $1", vec![id.uuid().into()]).await? else { return Ok(()) };
        let operation = operation(&row)?;
        for sighting in &reading.sightings {
            if diff.added.contains(&sighting.url) || diff.changed.contains(&sighting.url) {
                self.upsert_results(tx, now, &operation, std::slice::from_ref(sighting)).await?;
            }
        }
        let stored = stored(tx, id).await?;
        for url in &diff.removed {
            if let Some(known) = stored.get(url) {
                run(tx, "DELETE FROM serp_results WHERE id = $1", vec![known.id.into()]).await?;
            }
        }
        Ok(())
    }
}
