//! The lanes from a query to results: submit, poll, ingest.

use std::io::{Read, Write};

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use crate::domain::flow::{OperationEvent, OperationState, QueryEvent, QueryState};
use crate::domain::id::Id;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{KeptPage, Operation, Progress, RawPage, Reading, Submission};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::store::{Lane, OnceLane, Searches};
use crate::ports::work::{Call, Claim, Fault, IngestPage, PollOperation, SubmitQuery, Ticket};
use crate::rules::backoff::poll_pause;
use crate::rules::planning::night_open;
use crate::rules::unanswered::{after_operation, after_submit};

use super::connection::{LaneTable, Serial, SqlStore, commit, lease_lost, query, query_one, run};
use super::row::{get, operation, search_query, ticket};

const QUERIES: &str = "serp_queries";
const OPERATIONS: &str = "serp_operations";
/// The largest page a store unpacks.
const MOST_PAGE: u64 = 64 * 1024 * 1024;

fn night_allows(call: &Call) -> bool {
    !call.policy.search.enforce_night || night_open(call.policy.search.night, call.now)
}

#[async_trait]
impl Lane<SubmitQuery> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<SubmitQuery>>> {
        let tx = self.write(Serial::None).await?;
        self.settle_abandoned_queries(&tx, call).await?;
        if !night_allows(call) {
            commit(tx).await?;
            return Ok(vec![]);
        }
        let lane = LaneTable {
            table: QUERIES,
            filter: "status = 'pending' AND scheduled_for <= $4 AND (CAST($6 AS text) IS NULL OR batch_tag = $6)
                AND NOT EXISTS (SELECT 1 FROM serp_operations o WHERE o.query_id = serp_queries.id AND o.status IN ('created', 'running'))",
            order: "scheduled_for, id",
        };
        let (token, rows) = self.take::<SubmitQuery>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
        commit(tx).await?;
        rows.iter().map(|row| Ok(Claim::new(ticket(row, token)?, search_query(row)?))).collect()
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Submission)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, submission) in done {
            let tx = self.write(Serial::None).await?;
            if !self.finish(&tx, QUERIES, &ticket, "last_error = NULL", vec![]).await? {
                lost.push(ticket);
                continue;
            }
            let query: Id<SearchQuery> = Id::from_uuid(ticket.row);
            match submission {
                Submission::Deferred(handle) => {
                    let next_poll = call.now + call.policy.search.poll_interval;
                    self.insert_operation(&tx, call, query, &handle, "created", Some(next_poll), None).await?;
                }
                Submission::Ready(page) => {
                    let hash = keep_page(&tx, &page, call.now).await?;
                    let handle = format!("sync:{}:{}", query, call.now.millis());
                    self.insert_operation(&tx, call, query, &handle, "done", None, Some(hash)).await?;
                }
            }
            commit(tx).await?;
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        let row = query_one(&tx, "SELECT * FROM serp_queries WHERE id = $1 AND claim_token = $2", vec![ticket.row.into(), ticket.token.into()])
            .await?
            .ok_or_else(|| lease_lost(ticket))?;
        let query = search_query(&row)?;
        if query.state == QueryState::Pending && !matches!(fault.verdict, Verdict::Reject) {
            self.put_off(&tx, QUERIES, "last_error", ticket, fault, 0).await?;
            return commit(tx).await;
        }
        if fault.verdict == Verdict::InDoubt {
            self.flag_unknown(&tx, query.id).await?;
        }
        let before = if fault.verdict == Verdict::InDoubt { get(&row, "submit_unknown")? } else { false };
        let mut tried = self.tried(&tx, call, query.id).await?;
        tried.was_unknown = before;
        let fate = after_submit(fault.verdict, &fault.code, tried);
        self.unanswered(&tx, call, query.id, fate, fault.retry_at, &fault.text).await?;
        if fault.verdict == Verdict::Pause {
            let values = vec![query.id.uuid().into(), fault.retry_at.millis().into()];
            run(&tx, "UPDATE serp_queries SET next_try_at = $2 WHERE id = $1", values).await?;
        }
        commit(tx).await
    }
}

#[async_trait]
impl OnceLane<SubmitQuery> for SqlStore {
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        if !night_allows(call) {
            self.finish(&tx, QUERIES, ticket, "", vec![]).await?;
            commit(tx).await?;
            return Err(Error::new(ErrorKind::Conflict, "submit a query").code("night_window_closed"));
        }
        let next = QueryState::Pending.after(QueryEvent::Mark)?;
        let touched = run(
            &tx,
            "UPDATE serp_queries SET status = $3, updated_at = $4 WHERE id = $1 AND claim_token = $2 AND status = 'pending'",
            vec![ticket.row.into(), ticket.token.into(), next.as_str().into(), call.now.millis().into()],
        )
        .await?;
        if touched == 0 {
            return Err(lease_lost(ticket));
        }
        commit(tx).await
    }
}

#[async_trait]
impl Lane<PollOperation> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<PollOperation>>> {
        let tx = self.write(Serial::None).await?;
        self.expire_operations(&tx, call).await?;
        let lane = LaneTable {
            table: OPERATIONS,
            filter: "status IN ('created', 'running') AND next_poll_at <= $4 AND (CAST($6 AS text) IS NULL OR EXISTS
                (SELECT 1 FROM serp_queries q WHERE q.id = serp_operations.query_id AND q.batch_tag = $6))",
            order: "next_poll_at, id",
        };
        let (token, rows) = self.take::<PollOperation>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
        commit(tx).await?;
        rows.iter().map(|row| Ok(Claim::new(ticket(row, token)?, operation(row)?))).collect()
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Progress)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, progress) in done {
            let tx = self.write(Serial::None).await?;
            let Some(operation) = self.leased_operation(&tx, &ticket).await? else {
                lost.push(ticket);
                continue;
            };
            match progress {
                Progress::Running => {
                    let next = operation.state.after(OperationEvent::Wait)?;
                    let polls = operation.polls + 1;
                    let again = call.now + poll_pause(call.policy.search.poll_interval, polls);
                    let values = vec![next.as_str().into(), (polls as i32).into(), again.millis().into(), call.now.millis().into()];
                    self.finish(&tx, OPERATIONS, &ticket, "status = $3, polls = $4, next_poll_at = $5, tries = 0, updated_at = $6", values).await?;
                }
                Progress::Done(page) => {
                    let next = operation.state.after(OperationEvent::Finish)?;
                    let hash = keep_page(&tx, &page, call.now).await?;
                    let values = vec![next.as_str().into(), hash.into(), call.now.millis().into()];
                    let sets = "status = $3, page_hash = $4, completed_at = $5, tries = 0, next_try_at = NULL, next_poll_at = NULL, updated_at = $5";
                    self.finish(&tx, OPERATIONS, &ticket, sets, values).await?;
                }
            }
            commit(tx).await?;
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        match fault.verdict {
            Verdict::Retry { .. } | Verdict::Pause | Verdict::Drop => {
                let sets = "next_poll_at = $3, retry_count = retry_count + 1, tries = tries + 1, error_payload = $4";
                let values = vec![fault.retry_at.millis().into(), fault.text.clone().into()];
                if !self.finish(&tx, OPERATIONS, ticket, sets, values).await? {
                    return Err(lease_lost(ticket));
                }
            }
            Verdict::Reject | Verdict::Hold | Verdict::InDoubt => self.fail_operation(&tx, call, ticket, fault).await?,
        }
        commit(tx).await
    }
}

#[async_trait]
impl Lane<IngestPage> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<IngestPage>>> {
        let tx = self.write(Serial::None).await?;
        let lane = LaneTable {
            table: OPERATIONS,
            filter: "status = 'done' AND page_hash IS NOT NULL AND EXISTS (SELECT 1 FROM serp_queries q
                WHERE q.id = serp_operations.query_id AND q.status = 'in_progress' AND (CAST($6 AS text) IS NULL OR q.batch_tag = $6))",
            order: "completed_at, id",
        };
        let (token, rows) = self.take::<IngestPage>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
        let mut claims = Vec::new();
        for row in &rows {
            let operation = operation(row)?;
            let asked = query_one(&tx, "SELECT * FROM serp_queries WHERE id = $1", vec![operation.query_id.uuid().into()]).await?;
            let kept = query_one(&tx, "SELECT bytes FROM raw_pages WHERE hash = $1", vec![get::<String>(row, "page_hash")?.into()]).await?;
            if let (Some(asked), Some(kept)) = (asked, kept) {
                let page = RawPage { bytes: unpack(&get::<Vec<u8>>(&kept, "bytes")?)? };
                claims.push(Claim::new(ticket(row, token)?, KeptPage { operation, query: search_query(&asked)?, page }));
            }
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Reading)>) -> Result<Vec<Ticket>> {
        let tx = self.write(Serial::None).await?;
        let mut lost = Vec::new();
        for (ticket, reading) in done {
            let Some(operation) = self.leased_operation(&tx, &ticket).await? else {
                lost.push(ticket);
                continue;
            };
            let mut inserted = 0;
            for sighting in &reading.sightings {
                inserted += self.upsert_result(&tx, call, &operation, sighting).await?;
            }
            let metadata = serde_json::json!({
                "documents": reading.documents, "inserted": inserted, "updated": reading.sightings.len() as u64 - inserted,
                "excluded": reading.excluded, "invalid": reading.invalid,
            });
            self.finish(&tx, OPERATIONS, &ticket, "metadata = $3, tries = 0, updated_at = $4", vec![
                metadata.to_string().into(),
                call.now.millis().into(),
            ])
            .await?;
            let completed = QueryState::InProgress.after(QueryEvent::Complete)?;
            run(
                &tx,
                "UPDATE serp_queries SET status = $2, last_error = NULL, updated_at = $3 WHERE id = $1 AND status = 'in_progress'",
                vec![operation.query_id.uuid().into(), completed.as_str().into(), call.now.millis().into()],
            )
            .await?;
        }
        commit(tx).await?;
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        if fault.verdict == Verdict::Drop {
            self.finish(&tx, OPERATIONS, ticket, "", vec![]).await?;
        } else {
            self.fail_operation(&tx, call, ticket, fault).await?;
        }
        commit(tx).await
    }
}

#[async_trait]
impl Searches for SqlStore {
    async fn enqueue(&self, queries: &[SearchQuery]) -> Result<u32> {
        let tx = self.write(Serial::Slots).await?;
        let mut waiting = 0;
        for query in queries {
            let now = query.scheduled_for.millis();
            let touched = run(
                &tx,
                "INSERT INTO serp_queries (id, query_text, query_hash, region_code, is_night_window, status, scheduled_for, trigger_phrase,
                    niche, city, batch_tag, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, false, 'pending', $5, $6, $7, $8, $9, $5, $5)
                 ON CONFLICT (query_hash) DO UPDATE SET status = 'pending', scheduled_for = excluded.scheduled_for, batch_tag = excluded.batch_tag,
                    updated_at = excluded.updated_at WHERE serp_queries.status IN ('completed', 'failed')",
                vec![
                    query.id.uuid().into(),
                    query.text.clone().into(),
                    query.hash.clone().into(),
                    (query.region as i32).into(),
                    now.into(),
                    query.trigger.clone().into(),
                    query.niche.clone().into(),
                    query.city.clone().into(),
                    query.batch_tag.clone().into(),
                ],
            )
            .await?;
            waiting += touched as u32;
        }
        commit(tx).await?;
        Ok(waiting)
    }
}

impl SqlStore {
    /// Marked, no operation, nobody at it: it may have been paid. Shown, and asked once more on a later night.
    async fn settle_abandoned_queries(&self, tx: &DatabaseTransaction, call: &Call) -> Result<()> {
        let sql = format!(
            "SELECT q.* FROM serp_queries q WHERE q.status = 'in_progress' AND q.claim_token IS NOT NULL AND q.claimed_until <= {}
                AND NOT EXISTS (SELECT 1 FROM serp_operations o WHERE o.query_id = q.id AND o.status IN ('created', 'running', 'done') AND o.requested_at >= q.updated_at)",
            self.lease_now()
        );
        for row in query(tx, &sql, vec![]).await? {
            let asked = search_query(&row)?;
            let tried = self.tried(tx, call, asked.id).await?;
            self.flag_unknown(tx, asked.id).await?;
            let text = "submit_unknown: the process ended between the call and its answer; the search may have been paid";
            let fate = after_submit(Verdict::InDoubt, "submit_unknown", tried);
            self.unanswered(tx, call, asked.id, fate, call.now, text).await?;
        }
        Ok(())
    }

    async fn flag_unknown(&self, tx: &DatabaseTransaction, query: Id<SearchQuery>) -> Result<()> {
        run(tx, "UPDATE serp_queries SET submit_unknown = true WHERE id = $1", vec![query.uuid().into()]).await?;
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one row's columns")]
    async fn insert_operation(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        query: Id<SearchQuery>,
        handle: &str,
        status: &str,
        next_poll: Option<Timestamp>,
        page: Option<String>,
    ) -> Result<()> {
        let completed = page.as_ref().map(|_| call.now.millis());
        run(
            tx,
            "INSERT INTO serp_operations (id, query_id, operation_id, status, requested_at, completed_at, next_poll_at, page_hash, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $5, $5) ON CONFLICT (operation_id) DO NOTHING",
            vec![
                Operation::id_of(query, handle).uuid().into(),
                query.uuid().into(),
                handle.into(),
                status.into(),
                call.now.millis().into(),
                completed.into(),
                next_poll.map(Timestamp::millis).into(),
                page.into(),
            ],
        )
        .await?;
        Ok(())
    }

    async fn leased_operation(&self, tx: &DatabaseTransaction, ticket: &Ticket) -> Result<Option<Operation>> {
        let sql = "SELECT * FROM serp_operations WHERE id = $1 AND claim_token = $2";
        query_one(tx, sql, vec![ticket.row.into(), ticket.token.into()]).await?.as_ref().map(operation).transpose()
    }

    async fn fail_operation(&self, tx: &DatabaseTransaction, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let operation = self.leased_operation(tx, ticket).await?.ok_or_else(|| lease_lost(ticket))?;
        let event = if fault.code == "operation_expired" && operation.state.is_open() { OperationEvent::Expire } else { OperationEvent::Fail };
        self.close_operation(tx, call, &operation, event, &fault.code, &fault.text).await
    }

    async fn close_operation(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        operation: &Operation,
        event: OperationEvent,
        code: &str,
        text: &str,
    ) -> Result<()> {
        run(
            tx,
            "UPDATE serp_operations SET status = $2, error_payload = $3, completed_at = $4, next_poll_at = NULL, updated_at = $4,
                claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1",
            vec![operation.id.uuid().into(), operation.state.after(event)?.as_str().into(), text.into(), call.now.millis().into()],
        )
        .await?;
        let fate = after_operation(code, self.tried(tx, call, operation.query_id).await?);
        self.unanswered(tx, call, operation.query_id, fate, call.now, text).await
    }

    async fn expire_operations(&self, tx: &DatabaseTransaction, call: &Call) -> Result<()> {
        let oldest = call.now - call.policy.search.retention;
        let sql = format!(
            "SELECT * FROM serp_operations WHERE status IN ('created', 'running') AND requested_at < $1 AND claimed_until <= {}",
            self.lease_now()
        );
        for row in query(tx, &sql, vec![oldest.millis().into()]).await? {
            let operation = operation(&row)?;
            debug_assert!(operation.state.is_open() || operation.state == OperationState::Done);
            let text = "operation_expired: the provider keeps results no longer";
            self.close_operation(tx, call, &operation, OperationEvent::Expire, "operation_expired", text).await?;
        }
        Ok(())
    }

    async fn upsert_result(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        operation: &Operation,
        sighting: &crate::domain::serp::Sighting,
    ) -> Result<u64> {
        let result: Id<crate::domain::serp::Sighting> = Id::of(&["result", &operation.id.to_string(), &sighting.url]);
        let known = query_one(tx, "SELECT id FROM serp_results WHERE id = $1", vec![result.uuid().into()]).await?.is_some();
        let metadata = serde_json::json!({"source": "yandex_search_api", "yandex_operation_id": operation.handle});
        run(
            tx,
            "INSERT INTO serp_results (id, operation_id, url, domain, registrable_domain, title, snippet, position, language, dedup_status,
                metadata, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'new', $10, $11, $11)
             ON CONFLICT (operation_id, url) DO UPDATE SET title = excluded.title, snippet = excluded.snippet, position = excluded.position,
                language = excluded.language, updated_at = excluded.updated_at",
            vec![
                result.uuid().into(),
                operation.id.uuid().into(),
                sighting.url.clone().into(),
                sighting.domain.clone().into(),
                sighting.registrable_domain.clone().into(),
                sighting.title.clone().into(),
                sighting.snippet.clone().into(),
                (sighting.position as i32).into(),
                sighting.language.clone().into(),
                metadata.to_string().into(),
                call.now.millis().into(),
            ],
        )
        .await?;
        Ok(u64::from(!known))
    }
}

/// Keeps a page by its hash; the same bytes are kept once.
async fn keep_page(tx: &DatabaseTransaction, page: &RawPage, now: Timestamp) -> Result<String> {
    let hash = page.hash();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let packed = packer.write_all(&page.bytes).and_then(|()| packer.finish());
    let packed = packed.map_err(|e| Error::new(ErrorKind::Malformed, "pack a result page").because(e))?;
    let values = vec![hash.clone().into(), packed.into(), now.millis().into()];
    run(tx, "INSERT INTO raw_pages (hash, bytes, created_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING", values).await?;
    Ok(hash)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = flate2::read::GzDecoder::new(packed).take(MOST_PAGE).read_to_end(&mut bytes);
    read.map_err(|e| Error::new(ErrorKind::Malformed, "unpack a result page").because(e))?;
    Ok(bytes)
}

