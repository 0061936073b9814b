//! The submit lane: a query is marked, then asked.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use crate::domain::flow::{QueryEvent, QueryState};
use crate::domain::id::Id;
use crate::domain::query::{SearchMode, SearchQuery};
use crate::domain::serp::Submission;
use crate::error::{Result, Verdict};
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{Call, Claim, Fault, SubmitQuery, Ticket};
use crate::rules::unanswered::{Unanswered, after_submit};

use super::connection::{Serial, SqlStore, commit, query, query_one, run};
use super::leases::{LaneTable, lease_lost};
use super::ledger::{Barrier, Side, barred, cost_metadata};
use super::raw_pages::keep_page;
use super::row::{get, search_query};
use super::spoiled;

const QUERIES: &str = "serp_queries";
/// Credentials that are not accepted are not tried again sooner.
const AUTH_PAUSE: std::time::Duration = std::time::Duration::from_mins(1);

#[async_trait]
impl Lane<SubmitQuery> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<SubmitQuery>>> {
        self.settle_abandoned_queries(call).await?;
        if !self.any_due(call).await? {
            return Ok(vec![]);
        }
        let tx = self.write(Serial::None).await?;
        if let Some(barrier) = self.barrier(&tx, call).await? {
            self.note_barrier(&tx, call, &barrier).await?;
            commit(tx).await?;
            return Ok(vec![]);
        }
        let lane = LaneTable {
            table: QUERIES,
            filter: "status = 'pending' AND scheduled_for <= $4 AND (CAST($6 AS text) IS NULL OR batch_tag = $6 OR by_hand = $6)
                AND NOT EXISTS (SELECT 1 FROM serp_operations o WHERE o.query_id = serp_queries.id AND o.status IN ('created', 'running'))",
            order: "scheduled_for, id",
        };
        let (mut claims, mut taken) = (Vec::new(), 1);
        while claims.is_empty() && taken > 0 {
            let (token, rows) = self.take::<SubmitQuery>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
            taken = rows.len();
            claims = self.readable(&tx, token, &rows, spoiled::QUERY, call.now.millis(), search_query).await?;
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Submission)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, submission) in done {
            let tx = self.write(Serial::None).await?;
            if self.finish(&tx, QUERIES, &ticket, "last_error = NULL, tries = 0, next_try_at = NULL", vec![]).await? {
                self.keep_submission(&tx, call, &ticket, submission).await?;
            } else {
                lost.push(ticket);
            }
            commit(tx).await?;
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::Slots).await?;
        let sql = self.locked("SELECT * FROM serp_queries WHERE id = $1 AND claim_token = $2");
        let row = query_one(&tx, &sql, vec![ticket.row.into(), ticket.token.into()]).await?.ok_or_else(|| lease_lost(ticket))?;
        let query = search_query(&row)?;
        if query.state == QueryState::Pending && !matches!(fault.verdict, Verdict::Reject) {
            self.put_off(&tx, QUERIES, "last_error", ticket, fault, 0).await?;
            return commit(tx).await;
        }
        let mut tried = self.tried(&tx, call, query.id).await?;
        if fault.verdict == Verdict::InDoubt {
            tried.was_unknown = get(&row, "submit_unknown")?;
            self.flag_unknown(&tx, query.id).await?;
            self.doubt_charge(&tx, ticket.row, ticket.token).await?;
        } else {
            self.take_charge_back(&tx, ticket).await?;
        }
        let fate = after_submit(fault.verdict, &fault.code, tried);
        self.unanswered(&tx, call, query.id, fate, fault.retry_at, &fault.text).await?;
        match fate {
            Unanswered::NextNightUncounted => self.postpone_due(&tx, call, fault).await?,
            Unanswered::WhenTheySaid => self.hold(&tx, Side::Submit, fault.retry_at, "quota_exceeded", call.now).await?,
            Unanswered::AsItWas if fault.verdict == Verdict::Pause => {
                let until = fault.retry_at.max(call.now + AUTH_PAUSE);
                self.hold(&tx, Side::Submit, until, "auth_failed", call.now).await?;
            }
            Unanswered::AsItWas | Unanswered::Soon | Unanswered::NextNight | Unanswered::GiveUp => {}
        }
        commit(tx).await
    }
}

#[async_trait]
impl OnceLane<SubmitQuery> for SqlStore {
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        let asked = std::time::Instant::now();
        let tx = self.write(Serial::Quota).await?;
        let call = &self.at_the_lock(call, asked);
        if let Some(barrier) = self.barrier(&tx, call).await? {
            self.finish(&tx, QUERIES, ticket, "", vec![]).await?;
            self.note_barrier(&tx, call, &barrier).await?;
            commit(tx).await?;
            return Err(barred(&barrier));
        }
        let sql = self.locked("SELECT * FROM serp_queries WHERE id = $1 AND claim_token = $2");
        let row = query_one(&tx, &sql, vec![ticket.row.into(), ticket.token.into()]).await?.ok_or_else(|| lease_lost(ticket))?;
        let next = search_query(&row)?.state.after(QueryEvent::Mark)?;
        let values = vec![next.as_str().into(), call.now.millis().into()];
        if !self.pass::<SubmitQuery>(&tx, QUERIES, call, ticket, "status = $3, updated_at = $4", values).await? {
            return Err(lease_lost(ticket));
        }
        self.charge(&tx, call, ticket).await?;
        self.use_quota(&tx, call, Side::Submit, 1).await?;
        commit(tx).await
    }

    async fn renew(&self, call: &Call, ticket: &Ticket) -> Result<()> {
        self.prolong::<SubmitQuery>(QUERIES, call, ticket).await
    }
}

impl SqlStore {
    async fn keep_submission(&self, tx: &DatabaseTransaction, call: &Call, ticket: &Ticket, submission: Submission) -> Result<()> {
        let query: Id<SearchQuery> = Id::from_uuid(ticket.row);
        match submission {
            Submission::Deferred(handle) => {
                let next_poll = call.now + call.policy.search.poll_interval;
                let metadata = cost_metadata(call, SearchMode::Deferred);
                self.insert_operation(tx, call, query, &handle, "created", Some(next_poll), None, metadata).await
            }
            Submission::Ready(page) => {
                let hash = keep_page(tx, &page, call.now).await?;
                // A quick provider gives no name; query and lease are one of a kind.
                let handle = format!("sync:{}:{}", ticket.row, ticket.token);
                let metadata = cost_metadata(call, SearchMode::Synchronous);
                self.insert_operation(tx, call, query, &handle, "done", None, Some(hash), metadata).await
            }
        }
    }

    /// A look before the lock: an idle lane is asked every few seconds and writes nothing.
    async fn any_due(&self, call: &Call) -> Result<bool> {
        let sql = "SELECT 1 FROM serp_queries WHERE status = 'pending' AND scheduled_for <= $1 LIMIT 1";
        Ok(query_one(&self.db, sql, vec![call.now.millis().into()]).await?.is_some())
    }

    async fn note_barrier(&self, tx: &DatabaseTransaction, call: &Call, barrier: &Barrier) -> Result<()> {
        if barrier.reason == "held" {
            return Ok(());
        }
        self.hold(tx, Side::Submit, barrier.until, barrier.reason, call.now).await
    }

    /// Marked, no operation, nobody at it: it may have been paid. Shown, and asked once more on a later night.
    async fn settle_abandoned_queries(&self, call: &Call) -> Result<()> {
        // The commit that keeps an operation takes the token away.
        let sql = format!(
            "SELECT q.* FROM serp_queries q WHERE q.status = 'in_progress' AND q.claim_token IS NOT NULL AND q.claimed_until <= {}",
            self.lease_now()
        );
        if query(&self.db, &sql, vec![]).await?.is_empty() {
            return Ok(());
        }
        let tx = self.write(Serial::Slots).await?;
        for row in query(&tx, &self.locked_if_free(&sql, "q"), vec![]).await? {
            let asked = match search_query(&row) {
                Ok(asked) => asked,
                Err(why) => {
                    self.give_up_spoiled(&tx, &row, spoiled::QUERY, call.now.millis(), &why).await?;
                    continue;
                }
            };
            let tried = self.tried(&tx, call, asked.id).await?;
            self.flag_unknown(&tx, asked.id).await?;
            if let Some(token) = get::<Option<Uuid>>(&row, "claim_token")? {
                self.doubt_charge(&tx, asked.id.uuid(), token).await?;
            }
            let text = "submit_unknown: the process ended between the call and its answer; the search may have been paid";
            let fate = after_submit(Verdict::InDoubt, "submit_unknown", tried);
            self.unanswered(&tx, call, asked.id, fate, call.now, text).await?;
        }
        commit(tx).await
    }

    async fn flag_unknown(&self, tx: &DatabaseTransaction, query: Id<SearchQuery>) -> Result<()> {
        run(tx, "UPDATE serp_queries SET submit_unknown = true WHERE id = $1", vec![query.uuid().into()]).await?;
        Ok(())
    }

    /// A quota is used up: what is due behind the refused query waits for the next night as well, in its old order.
    async fn postpone_due(&self, tx: &DatabaseTransaction, call: &Call, fault: &Fault) -> Result<()> {
        let policy = &call.policy.search;
        if !policy.enforce_night {
            return self.hold(tx, Side::Submit, self.next_night_start(policy, call.now, fault.retry_at), "quota_exceeded", call.now).await;
        }
        let sql = format!(
            "SELECT id FROM serp_queries WHERE status = 'pending' AND scheduled_for <= $1 AND claimed_until <= {} ORDER BY scheduled_for, id",
            self.lease_now()
        );
        let rows = query(tx, &sql, vec![call.now.millis().into()]).await?;
        let slots = self.later_slots(tx, policy, call.now, fault.retry_at, rows.len()).await?;
        for (row, slot) in rows.iter().zip(slots) {
            let values = vec![get::<Uuid>(row, "id")?.into(), slot.millis().into(), call.now.millis().into()];
            run(tx, "UPDATE serp_queries SET scheduled_for = $2, tries = 0, next_try_at = NULL, updated_at = $3 WHERE id = $1", values)
                .await?;
        }
        Ok(())
    }
}
