//! The plan lane, slots, and what puts queries back.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult, Value};
use uuid::Uuid;

use crate::domain::flow::{NicheEvent, NicheState, QueryState};
use crate::domain::id::Id;
use crate::domain::lead::Niche;
use crate::domain::policy::SearchPolicy;
use crate::domain::query::{Planned, PlannedQuery, SearchQuery};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::entropy::{SystemEntropy, sixteen};
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, Fault, PlanNiche, Ticket, Work};
use crate::rules::cost;
use crate::rules::planning::{self, next_night, night_slots};
use crate::rules::setback::{Setback, setback};
use crate::rules::unanswered::{Tried, Unanswered};

use super::connection::{Serial, SqlStore, commit, insert_rows, list, millis, query, query_one, run};
use super::leases::{LaneTable, lease_lost};
use super::row::{at, get, id, maybe_at};
use super::spoiled;

const TABLE: &str = "niches";
/// Where no night is kept, a search that must wait waits at least so long.
const WITHOUT_NIGHT: std::time::Duration = std::time::Duration::from_mins(5);

fn niche(row: &QueryResult) -> Result<Niche> {
    Ok(Niche {
        id: id(row, "id")?,
        niche: get(row, "niche")?,
        city: get(row, "city")?,
        country: get(row, "country")?,
        batch_tag: get(row, "batch_tag")?,
        state: NicheState::parse(&get::<String>(row, "status")?)?,
        admitted_at: at(row, "admitted_at")?,
    })
}

#[async_trait]
impl Lane<PlanNiche> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<PlanNiche>>> {
        let tx = self.write(Serial::None).await?;
        let lane = LaneTable {
            table: TABLE,
            filter: "status = 'admitted' AND (CAST($6 AS text) IS NULL OR batch_tag = $6)",
            order: "admitted_at, seq, id",
        };
        let (mut claims, mut taken) = (Vec::new(), 1);
        while claims.is_empty() && taken > 0 {
            let (token, rows) = self.take::<PlanNiche>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
            taken = rows.len();
            claims = self.readable(&tx, token, &rows, spoiled::NICHE, call.now.millis(), niche).await?;
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Planned)>) -> Result<Vec<Ticket>> {
        let tx = self.write(Serial::Slots).await?;
        let (rows, lost) = self.leased_niches(&tx, done).await?;
        let queries = rows.iter().flat_map(|row| row.planned.queries.iter());
        let mut slots = self.known_slots(&tx, queries.clone()).await?;
        let fresh = fresh_queries(&rows, &slots);
        let free = self.free_slots(&tx, call, fresh.len()).await?;
        self.insert_queries(&tx, call, &fresh, &free).await?;
        let mut owners = HashMap::new();
        for (query, slot) in fresh.iter().zip(free) {
            slots.insert(query.id, slot);
            owners.insert(query.id, query.niche.id);
        }
        let logs: Vec<BatchLog> = rows.iter().map(|row| row.log(&slots, &owners)).collect();
        insert_logs(&tx, call, &logs).await?;
        self.niches_planned(&tx, call, &rows).await?;
        commit(tx).await?;
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        if let Setback::Again { counted } = setback(fault.verdict, ticket.tries, PlanNiche::TRIES) {
            self.put_off(&tx, TABLE, "last_error", ticket, fault, i32::from(counted)).await?;
            return commit(tx).await;
        }
        let sql = self.locked("SELECT * FROM niches WHERE id = $1 AND claim_token = $2");
        let row = query_one(&tx, &sql, vec![ticket.row.into(), ticket.token.into()]).await?.ok_or_else(|| lease_lost(ticket))?;
        let niche = niche(&row)?;
        let next = niche.state.after(NicheEvent::Fail)?;
        let log = BatchLog { niche: &niche, counts: [0, 0, 0], span: (None, None), status: "error", error: Some(&fault.text) };
        insert_logs(&tx, call, &[log]).await?;
        let values = vec![next.as_str().into(), fault.text.clone().into(), call.now.millis().into()];
        self.finish(&tx, TABLE, ticket, "status = $3, last_error = $4, updated_at = $5", values).await?;
        commit(tx).await
    }
}

/// A niche of this claim with what planning made of it.
struct PlannedRow {
    admitted_at: i64,
    seq: i64,
    niche: Niche,
    ticket: Ticket,
    planned: Planned,
}

/// A query nobody planned before.
struct Fresh<'a> {
    id: Id<SearchQuery>,
    niche: &'a Niche,
    planned: &'a PlannedQuery,
}

/// A row of `search_batch_logs`.
struct BatchLog<'a> {
    niche: &'a Niche,
    counts: [usize; 3],
    span: (Option<Timestamp>, Option<Timestamp>),
    status: &'a str,
    error: Option<&'a str>,
}

type Slots = HashMap<Id<SearchQuery>, Timestamp>;

fn query_id(planned: &PlannedQuery) -> Id<SearchQuery> {
    SearchQuery::id_of(&planned.text, planned.region)
}

/// In the order of the rows; of two equal queries the first row has it.
fn fresh_queries<'a>(rows: &'a [PlannedRow], known: &Slots) -> Vec<Fresh<'a>> {
    let mut seen = HashSet::new();
    let all =
        rows.iter().flat_map(|row| row.planned.queries.iter().map(|planned| Fresh { id: query_id(planned), niche: &row.niche, planned }));
    all.filter(|query| !known.contains_key(&query.id) && seen.insert(query.id)).collect()
}

impl PlannedRow {
    fn log(&self, slots: &Slots, owners: &HashMap<Id<SearchQuery>, Id<Niche>>) -> BatchLog<'_> {
        let ids: HashSet<Id<SearchQuery>> = self.planned.queries.iter().map(query_id).collect();
        let inserted = ids.iter().filter(|id| owners.get(id) == Some(&self.niche.id)).count();
        let taken = || ids.iter().filter_map(|id| slots.get(id)).copied();
        let generated = self.planned.queries.len();
        BatchLog {
            niche: &self.niche,
            counts: [generated, inserted, generated - inserted],
            span: (taken().min(), taken().max()),
            status: "done",
            error: self.planned.warning.as_deref(),
        }
    }
}

async fn insert_logs(tx: &DatabaseTransaction, call: &Call, logs: &[BatchLog<'_>]) -> Result<()> {
    let row = |log: &BatchLog<'_>| -> Vec<Value> {
        vec![
            Uuid::new_v8(sixteen(&SystemEntropy)).into(),
            log.niche.id.uuid().into(),
            log.niche.niche.clone().into(),
            log.niche.city.clone().into(),
            log.niche.country.clone().into(),
            log.niche.batch_tag.clone().into(),
            (log.counts[0] as i32).into(),
            (log.counts[1] as i32).into(),
            (log.counts[2] as i32).into(),
            millis(log.span.0),
            millis(log.span.1),
            log.status.to_owned().into(),
            log.error.map(str::to_owned).into(),
            call.now.millis().into(),
        ]
    };
    let head = "INSERT INTO search_batch_logs (id, niche_id, niche, city, country, batch_tag, attempted_queries, inserted_queries,
        duplicate_queries, scheduled_start, scheduled_end, status, error, created_at)";
    insert_rows(tx, head, logs.iter().map(row), "").await
}

impl SqlStore {
    /// The niches whose lease still holds, in the order of the sheet; and the tickets whose lease is lost.
    async fn leased_niches(&self, tx: &DatabaseTransaction, done: Vec<(Ticket, Planned)>) -> Result<(Vec<PlannedRow>, Vec<Ticket>)> {
        let (places, values) = list(1, done.iter().map(|(ticket, _)| ticket.row));
        let found = query(tx, &self.locked(&format!("SELECT * FROM niches WHERE id IN ({places}) ORDER BY id")), values).await?;
        let mut by_id: HashMap<Uuid, &QueryResult> = HashMap::new();
        for row in &found {
            by_id.insert(get(row, "id")?, row);
        }
        let (mut rows, mut lost) = (Vec::new(), Vec::new());
        for (ticket, planned) in done {
            match by_id.get(&ticket.row) {
                Some(row) if get::<Option<Uuid>>(row, "claim_token")? == Some(ticket.token) => {
                    rows.push(PlannedRow {
                        admitted_at: get(row, "admitted_at")?,
                        seq: get(row, "seq")?,
                        niche: niche(row)?,
                        ticket,
                        planned,
                    });
                }
                _ => lost.push(ticket),
            }
        }
        // Slots are handed out in the order of the rows, whatever order the work ended in.
        rows.sort_by_key(|row| (row.admitted_at, row.seq));
        Ok((rows, lost))
    }

    async fn known_slots<'a>(&self, tx: &DatabaseTransaction, queries: impl Iterator<Item = &'a PlannedQuery>) -> Result<Slots> {
        let ids: Vec<Id<SearchQuery>> = queries.map(query_id).collect();
        self.slots_by_id(tx, &ids).await
    }

    /// Slots behind the last one taken (PLAN-11, PLAN-12); the caller holds the lock of the slots.
    async fn free_slots(&self, tx: &DatabaseTransaction, call: &Call, count: usize) -> Result<Vec<Timestamp>> {
        let policy = &call.policy.search;
        let last = self.latest_slot(tx).await?;
        night_slots(policy.slot_window(), policy.spacing, call.now, last, count)
    }

    async fn insert_queries(&self, tx: &DatabaseTransaction, call: &Call, fresh: &[Fresh<'_>], slots: &[Timestamp]) -> Result<()> {
        let policy = &call.policy.search;
        let row = |(query, slot): (&Fresh<'_>, &Timestamp)| -> Vec<Value> {
            let (niche, planned) = (query.niche, query.planned);
            let metadata = serde_json::json!({
                "niche": niche.niche, "city": niche.city, "country": niche.country, "trigger": planned.trigger,
                "batch_tag": niche.batch_tag, "language": planning::language_of(&planned.text), "selection": "balanced",
            });
            vec![
                query.id.uuid().into(),
                niche.id.uuid().into(),
                planned.text.clone().into(),
                planning::query_hash(&planned.text, planned.region).into(),
                (planned.region as i32).into(),
                policy.enforce_night.into(),
                "pending".into(),
                slot.millis().into(),
                planned.trigger.clone().into(),
                niche.niche.clone().into(),
                niche.city.clone().into(),
                niche.batch_tag.clone().into(),
                metadata.to_string().into(),
                cost::price(&policy.prices, policy.mode, *slot).millionths().into(),
                call.now.millis().into(),
                call.now.millis().into(),
            ]
        };
        let head = "INSERT INTO serp_queries (id, niche_id, query_text, query_hash, region_code, is_night_window, status, scheduled_for,
            trigger_phrase, niche, city, batch_tag, metadata, forecast, created_at, updated_at)";
        insert_rows(tx, head, fresh.iter().zip(slots).map(row), "").await
    }

    async fn niches_planned(&self, tx: &DatabaseTransaction, call: &Call, rows: &[PlannedRow]) -> Result<()> {
        let mut by_warning: HashMap<Option<&str>, Vec<Uuid>> = HashMap::new();
        for row in rows {
            let next = row.niche.state.after(NicheEvent::Plan)?;
            debug_assert_eq!(next, NicheState::Planned);
            by_warning.entry(row.planned.warning.as_deref()).or_default().push(row.ticket.row);
        }
        for (warning, ids) in by_warning {
            let (places, mut values) = list(4, ids);
            let sql = format!(
                "UPDATE niches SET status = $1, last_error = $2, updated_at = $3, tries = 0, next_try_at = NULL, claimed_by = NULL,
                    claim_token = NULL, claimed_until = 0 WHERE id IN ({places})"
            );
            values.splice(0..0, [NicheState::Planned.as_str().into(), warning.map(str::to_owned).into(), call.now.millis().into()]);
            run(tx, &sql, values).await?;
        }
        Ok(())
    }

    /// Puts an asked query back, or gives it up, as the rule said. The transaction is serialized with whoever hands out slots.
    pub(super) async fn unanswered(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        id: Id<SearchQuery>,
        fate: Unanswered,
        retry_at: Timestamp,
        text: &str,
    ) -> Result<()> {
        let sql = self.locked("SELECT * FROM serp_queries WHERE id = $1");
        let Some(row) = query_one(tx, &sql, vec![id.uuid().into()]).await? else { return Ok(()) };
        let state = QueryState::parse(&get::<String>(&row, "status")?)?;
        if !matches!(state, QueryState::Pending | QueryState::InProgress) {
            // Its end is written already; a late operation doesn't open it again.
            return Ok(());
        }
        let old_slot = at(&row, "scheduled_for")?;
        // An attempt of this night keeps its slot, and with it the order; only its next try is put off.
        let slot = if fate.waits_for_night() { self.later_slot(tx, &call.policy.search, call.now, retry_at).await? } else { old_slot };
        let next_try = (fate == Unanswered::Soon).then_some(retry_at);
        let (counted, attempts) = (i32::from(fate.counts()), i32::from(next_try.is_some()));
        run(
            tx,
            "UPDATE serp_queries SET status = $2, scheduled_for = $3, retry_count = retry_count + $4, last_error = $5, updated_at = $6,
                tries = CASE WHEN $7 = 0 THEN 0 ELSE tries + $7 END, next_try_at = $8,
                claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1",
            vec![
                id.uuid().into(),
                state.after(fate.event())?.as_str().into(),
                slot.millis().into(),
                counted.into(),
                text.into(),
                call.now.millis().into(),
                attempts.into(),
                millis(next_try),
            ],
        )
        .await?;
        Ok(())
    }

    /// A free slot of the next night, after those taken there already.
    async fn later_slot(&self, tx: &DatabaseTransaction, policy: &SearchPolicy, now: Timestamp, retry_at: Timestamp) -> Result<Timestamp> {
        let slots = self.later_slots(tx, policy, now, retry_at, 1).await?;
        Ok(slots.first().copied().unwrap_or(retry_at))
    }

    /// Free slots of the next night, after those taken there already (YDX-10).
    pub(super) async fn later_slots(
        &self,
        tx: &DatabaseTransaction,
        policy: &SearchPolicy,
        now: Timestamp,
        retry_at: Timestamp,
        count: usize,
    ) -> Result<Vec<Timestamp>> {
        let start = self.next_night_start(policy, now, retry_at);
        if !policy.enforce_night {
            return Ok(vec![start; count]);
        }
        let sql = "SELECT max(scheduled_for) AS last FROM serp_queries WHERE status IN ('pending', 'in_progress') AND scheduled_for >= $1";
        let last = query(tx, sql, vec![start.millis().into()]).await?.first().map(|row| maybe_at(row, "last")).transpose()?.flatten();
        night_slots(policy.night, policy.spacing, start, last, count)
    }

    /// The first instant at which what has to wait may be asked again.
    pub(super) fn next_night_start(&self, policy: &SearchPolicy, now: Timestamp, retry_at: Timestamp) -> Timestamp {
        if policy.enforce_night { next_night(policy.night, now) } else { retry_at.max(now + WITHOUT_NIGHT) }
    }

    /// What the rules ask about a query.
    pub(super) async fn tried(&self, tx: &DatabaseTransaction, call: &Call, id: Id<SearchQuery>) -> Result<Tried> {
        let row =
            query_one(tx, "SELECT tries, retry_count, submit_unknown FROM serp_queries WHERE id = $1", vec![id.uuid().into()]).await?;
        let max_retries = call.policy.search.max_retries;
        Ok(match row {
            Some(row) => Tried {
                attempts: get::<i32>(&row, "tries")?.max(0) as u32,
                retries: get::<i32>(&row, "retry_count")?.max(0) as u32,
                max_retries,
                was_unknown: get(&row, "submit_unknown")?,
            },
            None => Tried { attempts: 0, retries: 0, max_retries, was_unknown: false },
        })
    }
}
