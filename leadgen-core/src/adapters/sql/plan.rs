//! The plan lane, slots, and what puts queries back.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};
use uuid::Uuid;

use crate::domain::flow::{NicheEvent, NicheState, QueryEvent, QueryState};
use crate::domain::id::Id;
use crate::domain::lead::Niche;
use crate::domain::policy::SearchPolicy;
use crate::domain::query::{Planned, SearchQuery};
use crate::domain::time::Timestamp;
use crate::error::{Result, Verdict};
use crate::ports::entropy::{SystemEntropy, sixteen};
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, Fault, PlanNiche, Ticket, Work};
use crate::rules::planning::{self, next_night, night_slots};
use crate::rules::unanswered::{Tried, Unanswered};

use super::connection::{LaneTable, Serial, SqlStore, commit, lease_lost, millis, query, query_one, run};
use super::row::{at, get, id, maybe_at, ticket};

const TABLE: &str = "niches";

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
            order: "admitted_at, seq",
        };
        let (token, mut rows) = self.take::<PlanNiche>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
        commit(tx).await?;
        rows.sort_by_key(|row| (get::<i64>(row, "admitted_at").unwrap_or(0), get::<i64>(row, "seq").unwrap_or(0)));
        rows.iter().map(|row| Ok(Claim::new(ticket(row, token)?, niche(row)?))).collect()
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Planned)>) -> Result<Vec<Ticket>> {
        let tx = self.write(Serial::Slots).await?;
        let mut lost = Vec::new();
        // Slots are handed out in the order of the rows, whatever order the work ended in.
        let mut rows = Vec::new();
        for (ticket, planned) in done {
            let row = query_one(&tx, "SELECT * FROM niches WHERE id = $1 AND claim_token = $2", vec![ticket.row.into(), ticket.token.into()]).await?;
            match row {
                Some(row) => rows.push((get::<i64>(&row, "admitted_at")?, get::<i64>(&row, "seq")?, niche(&row)?, ticket, planned)),
                None => lost.push(ticket),
            }
        }
        rows.sort_by_key(|(admitted, seq, ..)| (*admitted, *seq));
        for (_, _, niche, ticket, planned) in rows {
            let next = niche.state.after(NicheEvent::Plan)?;
            self.store_queries(&tx, call, &niche, &planned).await?;
            self.finish(&tx, TABLE, &ticket, "status = $3, last_error = $4, tries = 0, next_try_at = NULL, updated_at = $5", vec![
                next.as_str().into(),
                planned.warning.clone().into(),
                call.now.millis().into(),
            ])
            .await?;
        }
        commit(tx).await?;
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        let gives_up = match fault.verdict {
            Verdict::Reject | Verdict::Hold | Verdict::InDoubt => true,
            Verdict::Retry { .. } => ticket.tries + 1 >= PlanNiche::TRIES,
            Verdict::Pause | Verdict::Drop => false,
        };
        if gives_up {
            let row = query_one(&tx, "SELECT * FROM niches WHERE id = $1 AND claim_token = $2", vec![ticket.row.into(), ticket.token.into()])
                .await?
                .ok_or_else(|| lease_lost(ticket))?;
            let niche = niche(&row)?;
            let next = niche.state.after(NicheEvent::Fail)?;
            self.batch_log(&tx, call, &niche, [0, 0, 0], (None, None), "error", Some(&fault.text)).await?;
            let values = vec![next.as_str().into(), fault.text.clone().into(), call.now.millis().into()];
            self.finish(&tx, TABLE, ticket, "status = $3, last_error = $4, updated_at = $5", values).await?;
        } else {
            let counted = i32::from(matches!(fault.verdict, Verdict::Retry { .. }));
            self.put_off(&tx, TABLE, "last_error", ticket, fault, counted).await?;
        }
        commit(tx).await
    }
}

impl SqlStore {
    async fn store_queries(&self, tx: &DatabaseTransaction, call: &Call, niche: &Niche, planned: &Planned) -> Result<()> {
        let policy = &call.policy.search;
        let mut fresh = Vec::new();
        let mut slots = Vec::new();
        for planned in &planned.queries {
            let id = SearchQuery::id_of(&planned.text, planned.region);
            match query_one(tx, "SELECT scheduled_for FROM serp_queries WHERE id = $1", vec![id.uuid().into()]).await? {
                Some(row) => slots.push(at(&row, "scheduled_for")?),
                None if fresh.iter().any(|(known, _)| *known == id) => {}
                None => fresh.push((id, planned)),
            }
        }
        let taken = query_one(tx, "SELECT max(scheduled_for) AS last FROM serp_queries WHERE status IN ('pending', 'in_progress')", vec![]).await?;
        let last = taken.map(|row| maybe_at(&row, "last")).transpose()?.flatten();
        let free = night_slots(policy.slot_window(), policy.spacing, call.now, last, fresh.len())?;
        for ((id, planned), slot) in fresh.iter().zip(&free) {
            slots.push(*slot);
            let metadata = serde_json::json!({
                "niche": niche.niche, "city": niche.city, "country": niche.country, "trigger": planned.trigger,
                "batch_tag": niche.batch_tag, "selection": "balanced",
            });
            run(
                tx,
                "INSERT INTO serp_queries (id, niche_id, query_text, query_hash, region_code, is_night_window, status, scheduled_for,
                    trigger_phrase, niche, city, batch_tag, metadata, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, $9, $10, $11, $12, $13, $13)",
                vec![
                    id.uuid().into(),
                    niche.id.uuid().into(),
                    planned.text.clone().into(),
                    planning::query_hash(&planned.text, planned.region).into(),
                    (planned.region as i32).into(),
                    policy.enforce_night.into(),
                    slot.millis().into(),
                    planned.trigger.clone().into(),
                    niche.niche.clone().into(),
                    niche.city.clone().into(),
                    niche.batch_tag.clone().into(),
                    metadata.to_string().into(),
                    call.now.millis().into(),
                ],
            )
            .await?;
        }
        let counts = [planned.queries.len(), fresh.len(), planned.queries.len() - fresh.len()];
        let span = (slots.iter().min().copied(), slots.iter().max().copied());
        self.batch_log(tx, call, niche, counts, span, "done", planned.warning.as_deref()).await
    }

    #[expect(clippy::too_many_arguments, reason = "one row's columns")]
    async fn batch_log(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        niche: &Niche,
        counts: [usize; 3],
        span: (Option<Timestamp>, Option<Timestamp>),
        status: &str,
        error: Option<&str>,
    ) -> Result<()> {
        run(
            tx,
            "INSERT INTO search_batch_logs (id, niche_id, niche, city, country, batch_tag, attempted_queries, inserted_queries,
                duplicate_queries, scheduled_start, scheduled_end, status, error, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            vec![
                Uuid::new_v8(sixteen(&SystemEntropy)).into(),
                niche.id.uuid().into(),
                niche.niche.clone().into(),
                niche.city.clone().into(),
                niche.country.clone().into(),
                niche.batch_tag.clone().into(),
                (counts[0] as i32).into(),
                (counts[1] as i32).into(),
                (counts[2] as i32).into(),
                millis(span.0),
                millis(span.1),
                status.into(),
                error.map(str::to_owned).into(),
                call.now.millis().into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Puts an asked query back, or gives it up, as the rule said.
    pub(super) async fn unanswered(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        id: Id<SearchQuery>,
        fate: Unanswered,
        retry_at: Timestamp,
        text: &str,
    ) -> Result<()> {
        let Some(row) = query_one(tx, "SELECT * FROM serp_queries WHERE id = $1", vec![id.uuid().into()]).await? else { return Ok(()) };
        let state = QueryState::parse(&get::<String>(&row, "status")?)?;
        let old_slot = at(&row, "scheduled_for")?;
        let (event, slot, counted) = match fate {
            Unanswered::Soon => (QueryEvent::PutBack, retry_at.max(old_slot), 1),
            Unanswered::NextNight => (QueryEvent::PutBack, self.later_slot(tx, &call.policy.search, call.now, retry_at).await?, 1),
            Unanswered::NextNightUncounted => (QueryEvent::PutBack, self.later_slot(tx, &call.policy.search, call.now, retry_at).await?, 0),
            Unanswered::AsItWas => (QueryEvent::PutBack, old_slot, 0),
            Unanswered::GiveUp => (QueryEvent::Fail, old_slot, 1),
        };
        run(
            tx,
            "UPDATE serp_queries SET status = $2, scheduled_for = $3, retry_count = retry_count + $4, last_error = $5, updated_at = $6,
                next_try_at = NULL, claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1",
            vec![
                id.uuid().into(),
                state.after(event)?.as_str().into(),
                slot.millis().into(),
                counted.into(),
                text.into(),
                call.now.millis().into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// A free slot of the next night, after those taken there already.
    async fn later_slot(&self, tx: &DatabaseTransaction, policy: &SearchPolicy, now: Timestamp, retry_at: Timestamp) -> Result<Timestamp> {
        if !policy.enforce_night {
            return Ok(retry_at);
        }
        let night = next_night(policy.night, now);
        let sql = "SELECT max(scheduled_for) AS last FROM serp_queries WHERE status IN ('pending', 'in_progress') AND scheduled_for >= $1";
        let last = query(tx, sql, vec![night.millis().into()]).await?.first().map(|row| maybe_at(row, "last")).transpose()?.flatten();
        Ok(night_slots(policy.night, policy.spacing, night, last, 1)?.first().copied().unwrap_or(night))
    }

    /// What the rules ask about a query.
    pub(super) async fn tried(&self, tx: &DatabaseTransaction, call: &Call, id: Id<SearchQuery>) -> Result<Tried> {
        let row = query_one(tx, "SELECT retry_count, submit_unknown FROM serp_queries WHERE id = $1", vec![id.uuid().into()]).await?;
        let max_retries = call.policy.search.max_retries;
        Ok(match row {
            Some(row) => Tried { retries: get::<i32>(&row, "retry_count")?.max(0) as u32, max_retries, was_unknown: get(&row, "submit_unknown")? },
            None => Tried { retries: 0, max_retries, was_unknown: false },
        })
    }
}
