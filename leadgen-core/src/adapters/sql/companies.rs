//! The dedupe lane: a result becomes a company, or a twin of one.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};
use uuid::Uuid;

use crate::domain::company::{NewCompany, Suspect};
use crate::domain::flow::{ResultEvent, ResultState};
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, DedupeResult, Fault, Ticket, Work};
use crate::rules::setback::{Setback, setback};

use super::births::{Birth, Settled};
use super::connection::{Serial, SqlStore, commit, list, query, run};
use super::leases::LaneTable;
use super::row::{get, id};
use super::spoiled;

const RESULTS: &str = "serp_results";
/// Rows asked for in one statement.
const AT_ONCE: usize = 300;
/// A result that can't be judged is not looked at for a year; its reason stands beside it.
const PUT_ASIDE: std::time::Duration = std::time::Duration::from_hours(24 * 365);

#[async_trait]
impl Lane<DedupeResult> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<DedupeResult>>> {
        let tx = self.write(Serial::None).await?;
        let lane = LaneTable {
            table: RESULTS,
            filter: "dedup_status = 'new' AND (CAST($6 AS text) IS NULL OR EXISTS (SELECT 1 FROM serp_operations o JOIN serp_queries q ON q.id = o.query_id
                WHERE o.id = serp_results.operation_id AND (q.batch_tag = $6 OR q.by_hand = $6)))",
            order: "created_at, operation_id, position, id",
        };
        let (mut claims, mut taken) = (Vec::new(), 1);
        while claims.is_empty() && taken > 0 {
            let (token, rows) = self.take::<DedupeResult>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
            taken = rows.len();
            let asked = self.asked(&tx, &operations_of(&rows.iter().collect::<Vec<_>>())).await?;
            claims = self.readable(&tx, token, &rows, spoiled::RESULT, call.now.millis(), |row| suspect(row, &asked)).await?;
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, NewCompany)>) -> Result<Vec<Ticket>> {
        let tx = self.write(Serial::Twins).await?;
        let held = self.held_results(&tx, &done).await?;
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        for (ticket, newborn) in done {
            match held.get(&ticket.row) {
                Some(row) if get::<Uuid>(row, "claim_token")? == ticket.token => {
                    kept.push((get::<i32>(row, "position")?, row, ticket, newborn));
                }
                _ => lost.push(ticket),
            }
        }
        // The better position is the first of its company, whatever order the work ended in.
        kept.sort_by_key(|(position, _, ticket, _)| (*position, ticket.row));
        let settled = self.settle_results(&tx, call.now, &kept).await?;
        let mut seen_again = std::collections::BTreeSet::new();
        for ((_, row, ticket, _), settled) in kept.iter().zip(&settled) {
            let state = ResultState::parse(&get::<String>(row, "dedup_status")?)?;
            let next = state.after(ResultEvent::Judge(settled.verdict))?;
            let sets = "dedup_status = $3, company_id = $4, dedup_score = $5, is_processed = true, tries = 0, next_try_at = NULL, last_error = NULL, updated_at = $6";
            let values = vec![next.as_str().into(), settled.company.uuid().into(), settled.score.into(), call.now.millis().into()];
            self.finish(&tx, RESULTS, ticket, sets, values).await?;
            if settled.verdict != ResultState::Unique {
                seen_again.insert(settled.company.uuid());
            }
        }
        if !seen_again.is_empty() {
            let (places, mut values) = list(2, seen_again);
            values.insert(0, call.now.millis().into());
            run(&tx, &format!("UPDATE companies SET last_seen_at = $1 WHERE id IN ({places})"), values).await?;
        }
        commit(tx).await?;
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        let (retry_at, counted) = match setback(fault.verdict, ticket.tries, DedupeResult::TRIES) {
            Setback::GiveUp => (call.now + PUT_ASIDE, true),
            Setback::Again { counted } => (fault.retry_at, counted),
        };
        let fault = Fault { retry_at, ..fault.clone() };
        self.put_off(&tx, RESULTS, "last_error", ticket, &fault, i32::from(counted)).await?;
        commit(tx).await
    }
}

/// A result whose ticket still holds: its position, its row, the company it would be.
type Kept<'a> = (i32, &'a QueryResult, Ticket, NewCompany);

/// What was asked for when a result was found.
#[derive(Clone, Debug, Default)]
struct Asked {
    niche: String,
    city: String,
    batch_tag: String,
}

impl SqlStore {
    /// The rows of tickets, held so that nobody else moves them meanwhile.
    async fn held_results(&self, tx: &DatabaseTransaction, done: &[(Ticket, NewCompany)]) -> Result<HashMap<Uuid, QueryResult>> {
        let mut held = HashMap::new();
        for done in done.chunks(AT_ONCE) {
            let rows: Vec<Uuid> = done.iter().map(|(ticket, _)| ticket.row).collect();
            let (places, values) = list(1, rows);
            let sql = self.locked(&format!("SELECT * FROM serp_results WHERE id IN ({places}) AND claim_token IS NOT NULL ORDER BY id"));
            for row in query(tx, &sql, values).await? {
                held.insert(get(&row, "id")?, row);
            }
        }
        Ok(held)
    }

    /// Tells which companies judged results are, in their order.
    async fn settle_results(&self, tx: &DatabaseTransaction, now: Timestamp, kept: &[Kept<'_>]) -> Result<Vec<Settled>> {
        let rows: Vec<&QueryResult> = kept.iter().map(|(_, row, ..)| *row).collect();
        let asked = self.asked(tx, &operations_of(&rows)).await?;
        let none = Asked::default();
        let snippets = rows.iter().map(|row| get::<String>(row, "snippet")).collect::<Result<Vec<_>>>()?;
        let mut births = Vec::new();
        for ((_, row, ticket, newborn), snippet) in kept.iter().zip(&snippets) {
            let asked = asked.get(&get::<Uuid>(row, "operation_id")?).and_then(Option::as_ref).unwrap_or(&none);
            births.push(Birth {
                newborn,
                industry: &asked.niche,
                region: &asked.city,
                batch_tag: &asked.batch_tag,
                snippet,
                source: "yandex_search_api",
                result: Some(ticket.row),
                contacts: vec![],
                inn: None,
                ogrn: None,
            });
        }
        self.settle(tx, now, &births).await
    }

    /// What was asked for, by operation; nothing where it can't be read.
    async fn asked(&self, tx: &DatabaseTransaction, operations: &[Uuid]) -> Result<HashMap<Uuid, Option<Asked>>> {
        let mut asked = HashMap::new();
        for operations in operations.chunks(AT_ONCE) {
            let (places, values) = list(1, operations.iter().copied());
            let sql = format!(
                "SELECT o.id, q.niche, q.city, q.batch_tag FROM serp_operations o JOIN serp_queries q ON q.id = o.query_id WHERE o.id IN ({places})"
            );
            for row in query(tx, &sql, values).await? {
                let read = || Ok(Asked { niche: get(&row, "niche")?, city: get(&row, "city")?, batch_tag: get(&row, "batch_tag")? });
                asked.insert(get(&row, "id")?, spoiled::or_left_out(&row, read()));
            }
        }
        Ok(asked)
    }
}

fn operations_of(rows: &[&QueryResult]) -> Vec<Uuid> {
    let operations: HashSet<Uuid> = rows.iter().filter_map(|row| get::<Uuid>(row, "operation_id").ok()).collect();
    operations.into_iter().collect()
}

/// A result with what was asked for when it was found.
fn suspect(row: &QueryResult, asked: &HashMap<Uuid, Option<Asked>>) -> Result<Suspect> {
    let asked = match asked.get(&get::<Uuid>(row, "operation_id")?) {
        Some(Some(asked)) => asked.clone(),
        Some(None) => return Err(Error::new(ErrorKind::Malformed, "read what was asked for").code(spoiled::CODE)),
        None => Asked::default(),
    };
    Ok(Suspect {
        result_id: id(row, "id")?,
        url: get(row, "url")?,
        snippet: get(row, "snippet")?,
        industry: asked.niche,
        region: asked.city,
        batch_tag: asked.batch_tag,
        domain: DomainName::parse(&get::<String>(row, "domain")?)?,
        title: get(row, "title")?,
    })
}
