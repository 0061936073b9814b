//! The lanes from an operation to results: poll, ingest.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use crate::domain::flow::{OperationEvent, QueryEvent, QueryState};
use crate::domain::id::Id;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{KeptPage, Operation, Progress, RawPage, Reading};
use crate::domain::time::Timestamp;
use crate::error::{Result, Verdict};
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, Fault, IngestPage, PollOperation, Ticket, Work};
use crate::rules::backoff::poll_pause;
use crate::rules::unanswered::after_operation;

use super::connection::{Serial, SqlStore, commit, query, query_one, run};
use super::leases::{LaneTable, lease_lost};
use super::ledger::Side;
use super::raw_pages::{keep_page, unpack};
use super::row::{get, operation, search_query, ticket};
use super::spoiled;

const OPERATIONS: &str = "serp_operations";
/// Codes of faults that say nothing about the page.
const OUR_TROUBLE: [&str; 4] = ["deadline", "unavailable", "database_busy", "database_unavailable"];

#[async_trait]
impl Lane<PollOperation> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<PollOperation>>> {
        self.expire_operations(call).await?;
        let sql = "SELECT 1 FROM serp_operations WHERE status IN ('created', 'running') AND next_poll_at <= $1 LIMIT 1";
        if query_one(&self.db, sql, vec![call.now.millis().into()]).await?.is_none() {
            return Ok(vec![]);
        }
        let asked = std::time::Instant::now();
        let tx = self.write(Serial::Quota).await?;
        let call = &self.at_the_lock(call, asked);
        let Some(allowed) = self.polls_allowed(&tx, call).await? else {
            commit(tx).await?;
            return Ok(vec![]);
        };
        let limited = Call { max: call.max.min(allowed), ..call.clone() };
        let lane = LaneTable {
            table: OPERATIONS,
            filter: "status IN ('created', 'running') AND next_poll_at <= $4 AND (CAST($6 AS text) IS NULL OR EXISTS
                (SELECT 1 FROM serp_queries q WHERE q.id = serp_operations.query_id AND (q.batch_tag = $6 OR q.by_hand = $6)))",
            order: "next_poll_at, id",
        };
        let (mut claims, mut taken) = (Vec::new(), 1);
        while claims.is_empty() && taken > 0 {
            let (token, rows) = self.take::<PollOperation>(&tx, &lane, &limited, vec![call.batch.clone().into()]).await?;
            taken = rows.len();
            claims = self.readable(&tx, token, &rows, spoiled::OPERATION, call.now.millis(), operation).await?;
        }
        self.use_quota(&tx, call, Side::Poll, claims.len() as u64).await?;
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Progress)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, progress) in done {
            let tx = self.write(Serial::None).await?;
            match self.leased_operation(&tx, &ticket).await? {
                Some(leased) => self.keep_progress(&tx, call, &ticket, &leased, progress).await?,
                None => lost.push(ticket),
            }
            commit(tx).await?;
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::Slots).await?;
        match fault.verdict {
            Verdict::Retry { .. } | Verdict::Pause | Verdict::Drop => {
                let leased = self.leased_operation(&tx, ticket).await?.ok_or_else(|| lease_lost(ticket))?;
                let sets = "next_poll_at = $3, retry_count = retry_count + 1, tries = tries + 1, error_payload = $4, metadata = $5";
                let values = vec![fault.retry_at.millis().into(), fault.text.clone().into(), leased.checked(call.now).into()];
                if !self.finish(&tx, OPERATIONS, ticket, sets, values).await? {
                    return Err(lease_lost(ticket));
                }
                self.hold_polls(&tx, call, fault).await?;
            }
            Verdict::Reject | Verdict::Hold | Verdict::InDoubt => self.fail_operation(&tx, call, ticket, fault).await?,
        }
        commit(tx).await
    }
}

#[async_trait]
impl Lane<IngestPage> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<IngestPage>>> {
        let sql = "SELECT 1 FROM serp_operations WHERE status = 'done' AND ingested_at IS NULL AND page_hash IS NOT NULL LIMIT 1";
        if query_one(&self.db, sql, vec![]).await?.is_none() {
            return Ok(vec![]);
        }
        let tx = self.write(Serial::None).await?;
        self.forget_old_pages(&tx, call).await?;
        let lane = LaneTable {
            table: OPERATIONS,
            filter: "status = 'done' AND page_hash IS NOT NULL AND ingested_at IS NULL AND EXISTS (SELECT 1 FROM serp_queries q
                WHERE q.id = serp_operations.query_id AND q.status = 'in_progress' AND (CAST($6 AS text) IS NULL OR q.batch_tag = $6 OR q.by_hand = $6))",
            order: "completed_at, id",
        };
        let (token, rows) = self.take::<IngestPage>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
        let mut claims = Vec::new();
        for row in &rows {
            let operation = match operation(row) {
                Ok(operation) => operation,
                Err(why) => {
                    self.give_up_spoiled(&tx, row, spoiled::OPERATION, call.now.millis(), &why).await?;
                    continue;
                }
            };
            let asked = query_one(&tx, "SELECT * FROM serp_queries WHERE id = $1", vec![operation.query_id.uuid().into()]).await?;
            let kept = query_one(&tx, "SELECT bytes FROM raw_pages WHERE hash = $1", vec![get::<String>(row, "page_hash")?.into()]).await?;
            let bytes = kept.map(|kept| unpack(&get::<Vec<u8>>(&kept, "bytes")?)).transpose();
            if let (Some(asked), Ok(Some(bytes))) = (asked, bytes) {
                let kept = KeptPage { operation, query: search_query(&asked)?, page: RawPage { bytes } };
                claims.push(Claim::new(ticket(row, token)?, kept));
            } else {
                // One page that the disk spoiled must not stop the others.
                let text = "page_lost: the kept page can't be unpacked";
                self.close_operation(&tx, call, &operation, OperationEvent::Fail, "page_lost", text).await?;
            }
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Reading)>) -> Result<Vec<Ticket>> {
        let tx = self.write(Serial::None).await?;
        let mut lost = Vec::new();
        for (ticket, reading) in done {
            let Some(Leased { operation, .. }) = self.leased_operation(&tx, &ticket).await? else {
                lost.push(ticket);
                continue;
            };
            let Some((asked, known)) = self.asked_by(&tx, &operation).await? else {
                lost.push(ticket);
                continue;
            };
            let inserted = self.upsert_results(&tx, call.now, &operation, &reading.sightings).await?;
            let metadata = serde_json::json!({
                "documents": reading.documents, "inserted": inserted, "updated": reading.sightings.len() as u64 - inserted,
                "excluded": reading.excluded, "excluded_by": reading.excluded_by, "invalid": reading.invalid, "repeated": reading.repeated, "page": asked.page,
                "last_checked": known["last_checked"], "cost_estimate": known["cost_estimate"], "mode": known["mode"], "tariff": known["tariff"],
            });
            let values = vec![metadata.to_string().into(), call.now.millis().into()];
            let sets = "metadata = $3, ingested_at = $4, tries = 0, next_try_at = NULL, error_payload = NULL, updated_at = $4";
            self.finish(&tx, OPERATIONS, &ticket, sets, values).await?;
            self.answered(&tx, call, &operation, reading.next_page).await?;
            if call.policy.search.keep_pages.is_zero() {
                self.forget_page(&tx, operation.id).await?;
            }
        }
        commit(tx).await?;
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::Slots).await?;
        // The page is paid for and kept: what may be our own trouble is tried again, and only what the page says fails it.
        let ours = match fault.verdict {
            Verdict::Drop | Verdict::Pause => Some(0),
            Verdict::Retry { .. } if OUR_TROUBLE.contains(&fault.code.as_str()) && ticket.tries + 1 < IngestPage::TRIES => Some(1),
            Verdict::Retry { .. } | Verdict::Reject | Verdict::Hold | Verdict::InDoubt => None,
        };
        match ours {
            Some(counted) => self.put_off(&tx, OPERATIONS, "error_payload", ticket, fault, counted).await?,
            None => self.fail_operation(&tx, call, ticket, fault).await?,
        }
        commit(tx).await
    }
}

/// An operation under a lease, and what it keeps about itself.
struct Leased {
    operation: Operation,
    metadata: String,
}

impl Leased {
    /// The same metadata with the time of this look. What is no JSON begins anew.
    fn checked(&self, now: Timestamp) -> String {
        let mut metadata: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&self.metadata).unwrap_or_default();
        metadata.insert("last_checked".into(), now.to_string().into());
        serde_json::Value::Object(metadata).to_string()
    }
}

impl SqlStore {
    #[expect(clippy::too_many_arguments, reason = "one row's columns")]
    pub(super) async fn insert_operation(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        query: Id<SearchQuery>,
        handle: &str,
        status: &str,
        next_poll: Option<Timestamp>,
        page: Option<String>,
        metadata: String,
    ) -> Result<()> {
        let completed = page.as_ref().map(|_| call.now.millis());
        run(
            tx,
            "INSERT INTO serp_operations (id, query_id, operation_id, status, requested_at, completed_at, modified_at, next_poll_at, page_hash,
                metadata, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $5, $7, $8, $9, $5, $5) ON CONFLICT (operation_id) DO NOTHING",
            vec![
                Operation::id_of(query, handle).uuid().into(),
                query.uuid().into(),
                handle.into(),
                status.into(),
                call.now.millis().into(),
                completed.into(),
                next_poll.map(Timestamp::millis).into(),
                page.into(),
                metadata.into(),
            ],
        )
        .await?;
        Ok(())
    }

    async fn keep_progress(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        ticket: &Ticket,
        leased: &Leased,
        progress: Progress,
    ) -> Result<()> {
        let operation = &leased.operation;
        match progress {
            Progress::Running => {
                let next = operation.state.after(OperationEvent::Wait)?;
                let polls = operation.polls + 1;
                let again = call.now + poll_pause(call.policy.search.poll_interval, polls);
                let sets = "modified_at = CASE WHEN status = $3 THEN modified_at ELSE $6 END, status = $3, polls = $4, next_poll_at = $5,
                    tries = 0, error_payload = NULL, updated_at = $6, metadata = $7";
                let mut values = vec![next.as_str().into(), (polls as i32).into(), again.millis().into(), call.now.millis().into()];
                values.push(leased.checked(call.now).into());
                self.finish(tx, OPERATIONS, ticket, sets, values).await?;
            }
            Progress::Done(page) => {
                let next = operation.state.after(OperationEvent::Finish)?;
                let hash = keep_page(tx, &page, call.now).await?;
                let sets = "status = $3, page_hash = $4, completed_at = $5, modified_at = $5, tries = 0, next_try_at = NULL,
                    next_poll_at = NULL, error_payload = NULL, updated_at = $5, metadata = $6";
                let values = vec![next.as_str().into(), hash.into(), call.now.millis().into(), leased.checked(call.now).into()];
                self.finish(tx, OPERATIONS, ticket, sets, values).await?;
            }
        }
        Ok(())
    }

    async fn leased_operation(&self, tx: &DatabaseTransaction, ticket: &Ticket) -> Result<Option<Leased>> {
        let sql = self.locked("SELECT * FROM serp_operations WHERE id = $1 AND claim_token = $2");
        let row = query_one(tx, &sql, vec![ticket.row.into(), ticket.token.into()]).await?;
        row.map(|row| Ok(Leased { operation: operation(&row)?, metadata: get(&row, "metadata")? })).transpose()
    }

    async fn fail_operation(&self, tx: &DatabaseTransaction, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let Leased { operation, .. } = self.leased_operation(tx, ticket).await?.ok_or_else(|| lease_lost(ticket))?;
        let event =
            if fault.code == "operation_expired" && operation.state.is_open() { OperationEvent::Expire } else { OperationEvent::Fail };
        let text = match &fault.evidence {
            Some(raw) => format!("{}\n{raw}", fault.text),
            None => fault.text.clone(),
        };
        self.close_operation(tx, call, &operation, event, &fault.code, &text).await
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
            "UPDATE serp_operations SET status = $2, error_payload = $3, completed_at = $4, modified_at = $4, next_poll_at = NULL,
                updated_at = $4, claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1",
            vec![operation.id.uuid().into(), operation.state.after(event)?.as_str().into(), text.into(), call.now.millis().into()],
        )
        .await?;
        let fate = after_operation(code, self.tried(tx, call, operation.query_id).await?);
        let reason = text.lines().next().unwrap_or(text);
        self.unanswered(tx, call, operation.query_id, fate, call.now, reason).await
    }

    /// The query of an operation, and what the operation keeps about itself.
    async fn asked_by(&self, tx: &DatabaseTransaction, operation: &Operation) -> Result<Option<(SearchQuery, serde_json::Value)>> {
        let sql = "SELECT q.*, o.metadata AS kept FROM serp_queries q JOIN serp_operations o ON o.query_id = q.id WHERE o.id = $1";
        let Some(row) = query_one(tx, sql, vec![operation.id.uuid().into()]).await? else { return Ok(None) };
        let kept = serde_json::from_str(&get::<String>(&row, "kept")?).unwrap_or_default();
        Ok(Some((search_query(&row)?, kept)))
    }

    /// The query is answered, or its next page is asked: at once, a slot is a query's and not a page's.
    async fn answered(&self, tx: &DatabaseTransaction, call: &Call, operation: &Operation, next_page: Option<u32>) -> Result<()> {
        let (event, page) = match next_page {
            None => (QueryEvent::Complete, None),
            Some(page) => (QueryEvent::PutBack, Some(page as i32)),
        };
        let sql = "UPDATE serp_queries SET status = $2, last_error = NULL, updated_at = $3, tries = 0, next_try_at = NULL,
                page = COALESCE(CAST($4 AS integer), page), scheduled_for = CASE WHEN CAST($4 AS integer) IS NULL THEN scheduled_for ELSE $3 END
            WHERE id = $1 AND status = 'in_progress'";
        let state = QueryState::InProgress.after(event)?;
        run(tx, sql, vec![operation.query_id.uuid().into(), state.as_str().into(), call.now.millis().into(), page.into()]).await?;
        Ok(())
    }

    /// How many polls may be made now; `None`: none, and the hold tells until when.
    async fn polls_allowed(&self, tx: &DatabaseTransaction, call: &Call) -> Result<Option<usize>> {
        if self.held(tx, Side::Poll, call.now).await?.is_some() {
            return Ok(None);
        }
        match self.room(tx, call, Side::Poll).await? {
            (_, Some(until)) => {
                self.hold(tx, Side::Poll, until, "quota", call.now).await?;
                Ok(None)
            }
            (allowed, None) => Ok(Some(allowed as usize)),
        }
    }

    /// They said when, or they do not know us: other operations need not be tried before.
    async fn hold_polls(&self, tx: &DatabaseTransaction, call: &Call, fault: &Fault) -> Result<()> {
        let reason = match fault.verdict {
            Verdict::Retry { after: Some(_) } if fault.code == "quota_exceeded" => "quota_exceeded",
            Verdict::Pause => "auth_failed",
            _ => return Ok(()),
        };
        self.hold(tx, Side::Poll, fault.retry_at, reason, call.now).await
    }

    async fn expire_operations(&self, call: &Call) -> Result<()> {
        let oldest = call.now - call.policy.search.retention;
        let sql = format!(
            "SELECT o.* FROM serp_operations o WHERE o.status IN ('created', 'running') AND o.requested_at < $1 AND o.claimed_until <= {}",
            self.lease_now()
        );
        if query(&self.db, &sql, vec![oldest.millis().into()]).await?.is_empty() {
            return Ok(());
        }
        let tx = self.write(Serial::Slots).await?;
        for row in query(&tx, &self.locked_if_free(&sql, "o"), vec![oldest.millis().into()]).await? {
            let operation = match operation(&row) {
                Ok(operation) => operation,
                Err(why) => {
                    self.give_up_spoiled(&tx, &row, spoiled::OPERATION, call.now.millis(), &why).await?;
                    continue;
                }
            };
            let text = "operation_expired: the provider keeps results no longer";
            self.close_operation(&tx, call, &operation, OperationEvent::Expire, "operation_expired", text).await?;
        }
        commit(tx).await
    }
}
