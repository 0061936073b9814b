//! The door of the sheet: rows come in, many at once, and go back with what became of them.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult, Value};
use uuid::Uuid;

use crate::domain::flow::{NicheEvent, NicheState};
use crate::domain::id::Id;
use crate::domain::lead::{Cursor, LeadRow, Niche, RowFate, RowStatus};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{Admit, Admitted, RowOutcomes};

use super::connection::{Serial, SqlStore, commit, insert_rows, list, query};
use super::row::{get, maybe_at};

/// Rows asked for in one statement.
const AT_ONCE: usize = 1000;

#[async_trait]
impl Admit<LeadRow> for SqlStore {
    async fn admit(&self, source: &str, items: &[LeadRow], next: Option<&Cursor>, now: Timestamp) -> Result<Admitted> {
        let tx = self.write(Serial::None).await?;
        // Two rows with one content are one niche; a statement must not meet a key twice.
        let mut seen = HashSet::new();
        let rows: Vec<(usize, &LeadRow)> = items.iter().enumerate().filter(|(_, row)| seen.insert(row.niche_id())).collect();
        let known = self.known_niches(&tx, &rows).await?;
        insert_niches(&tx, &rows, now).await?;
        self.keep_cursor(&tx, source, next, now).await?;
        commit(tx).await?;
        Ok(Admitted { new: (rows.len() - known) as u32, known: (known + items.len() - rows.len()) as u32, unmatched: 0 })
    }
}

/// A niche that is known already is admitted again: planning it again inserts nothing.
async fn insert_niches(tx: &DatabaseTransaction, rows: &[(usize, &LeadRow)], now: Timestamp) -> Result<()> {
    let admitted = NicheState::Planned.after(NicheEvent::Readmit)?;
    let cells = |(seq, row): &(usize, &LeadRow)| -> Vec<Value> {
        vec![
            row.niche_id().uuid().into(),
            row.niche.clone().into(),
            row.city.clone().into(),
            row.country.clone().into(),
            row.batch().to_owned().into(),
            row.origin.clone().into(),
            (*seq as i64).into(),
            admitted.as_str().into(),
            now.millis().into(),
            now.millis().into(),
            now.millis().into(),
        ]
    };
    let head = "INSERT INTO niches (id, niche, city, country, batch_tag, origin, seq, status, admitted_at, created_at, updated_at)";
    let tail = "ON CONFLICT (id) DO UPDATE SET status = excluded.status, origin = excluded.origin, seq = excluded.seq,
        admitted_at = excluded.admitted_at, tries = 0, next_try_at = NULL, last_error = NULL, updated_at = excluded.updated_at";
    insert_rows(tx, head, rows.iter().map(cells), tail).await
}

#[async_trait]
impl RowOutcomes for SqlStore {
    async fn outcomes(&self, rows: &[LeadRow]) -> Result<Vec<Option<RowStatus>>> {
        let mut newest: HashMap<Uuid, QueryResult> = HashMap::new();
        let mut waiting: HashMap<Uuid, String> = HashMap::new();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.niche_id().uuid()).collect();
        for chunk in ids.chunks(AT_ONCE) {
            let (places, values) = list(1, chunk.iter().copied());
            let sql = format!(
                "SELECT l.* FROM search_batch_logs l JOIN niches n ON n.id = l.niche_id
                 WHERE l.niche_id IN ({places}) AND n.status <> 'admitted' ORDER BY l.created_at, l.inserted_queries DESC, l.id"
            );
            for log in query(&self.db, &sql, values.clone()).await? {
                newest.insert(get(&log, "niche_id")?, log);
            }
            let sql =
                format!("SELECT id, last_error FROM niches WHERE id IN ({places}) AND status = 'admitted' AND last_error IS NOT NULL");
            for row in query(&self.db, &sql, values).await? {
                waiting.insert(get(&row, "id")?, get(&row, "last_error")?);
            }
        }
        let mut told: HashSet<Id<Niche>> = HashSet::new();
        rows.iter()
            .map(|row| {
                let niche = row.niche_id();
                let is_first = told.insert(niche);
                match (newest.get(&niche.uuid()), waiting.get(&niche.uuid())) {
                    (Some(log), _) if is_first => ended(row, log).map(Some),
                    (Some(log), _) => Ok(Some(ended(row, log)?.repeated())),
                    (None, Some(error)) => Ok(Some(RowStatus::waiting(row, error.clone()))),
                    (None, None) => Ok(None),
                }
            })
            .collect()
    }
}

fn ended(row: &LeadRow, log: &QueryResult) -> Result<RowStatus> {
    let number = |column: &str| -> Result<u32> { Ok(get::<i32>(log, column)?.max(0) as u32) };
    Ok(RowStatus {
        row: row.clone(),
        fate: if get::<String>(log, "status")? == "done" { RowFate::Exported } else { RowFate::Failed },
        generated: number("attempted_queries")?,
        inserted: number("inserted_queries")?,
        duplicates: number("duplicate_queries")?,
        first_slot: maybe_at(log, "scheduled_start")?,
        last_slot: maybe_at(log, "scheduled_end")?,
        last_error: get(log, "error")?,
    })
}

impl SqlStore {
    async fn known_niches(&self, tx: &DatabaseTransaction, rows: &[(usize, &LeadRow)]) -> Result<usize> {
        let mut known = 0;
        for chunk in rows.chunks(AT_ONCE) {
            let (places, values) = list(1, chunk.iter().map(|(_, row)| row.niche_id().uuid()));
            known += query(tx, &format!("SELECT id FROM niches WHERE id IN ({places})"), values).await?.len();
        }
        Ok(known)
    }
}
