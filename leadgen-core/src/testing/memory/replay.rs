//! Kept pages are read again: what would differ, and making it so.

use std::ops::Bound;

use async_trait::async_trait;

use crate::domain::company::Suspect;
use crate::domain::flow::OperationState;
use crate::domain::id::Id;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{KeptPage, Operation, RawPage, Reading, ReadingDiff, Sighting};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Replays;

use super::MemoryStore;
use super::tables::{OperationRow, ResultRow, Tables};

#[async_trait]
impl Replays for MemoryStore {
    async fn kept_pages(&self, after: Option<Id<Operation>>, limit: u64) -> Result<Vec<KeptPage>> {
        Ok(self.read(|tables| {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let rows = tables.operations.range((start, Bound::Unbounded)).map(|(_, row)| row);
            let read = rows.filter(|row| row.operation.state == OperationState::Done && row.ingested_at.is_some() && row.page.is_some());
            read.take(usize::try_from(limit).unwrap_or(usize::MAX)).filter_map(|row| tables.kept_page(row)).collect()
        }))
    }

    async fn reread(&self, operation: Id<Operation>, reading: &Reading, dry: bool, now: Timestamp) -> Result<ReadingDiff> {
        self.write(|tables, _| {
            let diff = tables.difference(operation, reading);
            if dry || !tables.operations.contains_key(&operation) {
                return Ok(diff);
            }
            for sighting in &reading.sightings {
                if diff.added.contains(&sighting.url) || diff.changed.contains(&sighting.url) {
                    tables.upsert_result(now, operation, sighting.clone());
                }
            }
            tables.results.retain(|_, row| row.operation != operation || !diff.removed.contains(&row.sighting.url));
            Ok(diff)
        })
    }
}

fn same(known: &Sighting, seen: &Sighting) -> bool {
    (&known.title, &known.snippet, known.position, &known.language) == (&seen.title, &seen.snippet, seen.position, &seen.language)
}

impl Tables {
    fn kept_page(&self, row: &OperationRow) -> Option<KeptPage> {
        let asked = self.queries.get(&row.operation.query_id)?;
        let (_, bytes) = self.pages.get(row.page.as_deref()?)?;
        let query = SearchQuery { page: row.page_number, ..asked.query.clone() };
        Some(KeptPage { operation: row.operation.clone(), query, page: RawPage { bytes: bytes.to_vec() } })
    }

    fn difference(&self, operation: Id<Operation>, reading: &Reading) -> ReadingDiff {
        let stored: Vec<(Id<Suspect>, &ResultRow)> =
            self.results.iter().filter(|(_, row)| row.operation == operation).map(|(id, row)| (*id, row)).collect();
        let mut diff = ReadingDiff::default();
        for seen in &reading.sightings {
            match stored.iter().find(|(_, known)| known.sighting.url == seen.url) {
                None => diff.added.push(seen.url.clone()),
                Some((_, known)) if same(&known.sighting, seen) => diff.same += 1,
                Some(_) => diff.changed.push(seen.url.clone()),
            }
        }
        for (id, known) in stored {
            let url = &known.sighting.url;
            if reading.sightings.iter().any(|seen| seen.url == *url) {
                continue;
            }
            let is_birthplace = self.companies.values().any(|row| row.birthplace == Some(id));
            if is_birthplace { diff.kept.push(url.clone()) } else { diff.removed.push(url.clone()) }
        }
        diff.removed.sort();
        diff.kept.sort();
        diff
    }
}
