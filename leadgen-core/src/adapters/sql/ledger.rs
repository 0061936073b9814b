//! What searches cost, what quota they used, what holds them up.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use tracing::info;
use uuid::Uuid;

use crate::domain::id::Id;
use crate::domain::money::Money;
use crate::domain::policy::Quota;
use crate::domain::query::SearchMode;
use crate::domain::report::{CostLine, Hold};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::SearchLedger;
use crate::ports::work::{Call, Ticket};
use crate::rules::planning::{is_cheap, opening};
use crate::rules::{cost, quota};

use super::connection::{LeaseClock, SqlStore, query, query_one, run};
use super::row::{at, count, get};

/// Which side of the provider a call goes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Submit,
    Poll,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Poll => "poll",
        }
    }

    fn quota(self, call: &Call) -> Quota {
        match self {
            Self::Submit => call.policy.search.submit_quota,
            Self::Poll => call.policy.search.poll_quota,
        }
    }
}

/// Why nothing may be submitted now, and until when.
pub(super) struct Barrier {
    pub(super) reason: &'static str,
    pub(super) until: Timestamp,
}

impl SqlStore {
    /// What keeps a submission from being made: what they said, the night, the budget, the quota; in this order.
    pub(super) async fn barrier(&self, tx: &DatabaseTransaction, call: &Call) -> Result<Option<Barrier>> {
        let policy = &call.policy.search;
        if let Some(until) = self.held(tx, Side::Submit, call.now).await? {
            return Ok(Some(Barrier { reason: "held", until }));
        }
        if policy.enforce_night {
            let (start, _) = opening(policy.night, call.now);
            if start > call.now {
                return Ok(Some(Barrier { reason: "night_window_closed", until: start }));
            }
        }
        if let Some(budget) = policy.budget {
            let (first, next) = cost::month(call.now);
            let spent = self.charged(tx, first, next).await?;
            if spent + cost::price(&policy.prices, policy.mode, call.now) > budget {
                return Ok(Some(Barrier { reason: "budget_reached", until: next }));
            }
        }
        let (_, again) = self.room(tx, call, Side::Submit).await?;
        Ok(again.map(|until| Barrier { reason: "quota", until }))
    }

    /// Calls of a side that are allowed now; if none, when to look again.
    pub(super) async fn room(&self, tx: &DatabaseTransaction, call: &Call, side: Side) -> Result<(u64, Option<Timestamp>)> {
        let [second, minute, hour] = quota::SPANS.map(|span| format!("(span = {span} AND bucket >= {})", quota::oldest(span, call.now)));
        let sql = format!(
            "SELECT span, CAST(sum(calls) AS bigint) AS n FROM search_quota WHERE kind = $1 AND ({second} OR {minute} OR {hour}) GROUP BY span"
        );
        let mut used = [0; 3];
        for row in query(tx, &sql, vec![side.as_str().into()]).await? {
            let span: i64 = get(&row, "span")?;
            if let Some(place) = quota::SPANS.iter().position(|known| *known == span) {
                used[place] = count(&row, "n")?;
            }
        }
        Ok(quota::room(side.quota(call), used, call.now))
    }

    /// The call as of now: under the lock that serializes counting, which may have been waited for.
    pub(super) fn at_the_lock(&self, call: &Call, asked: std::time::Instant) -> Call {
        let now = match &self.lease_clock {
            LeaseClock::Given(clock) => clock.now().max(call.now),
            LeaseClock::Database => call.now + asked.elapsed(),
        };
        Call { now, ..call.clone() }
    }

    /// Counts calls of a side, and forgets those that count no more.
    pub(super) async fn use_quota(&self, tx: &DatabaseTransaction, call: &Call, side: Side, calls: u64) -> Result<()> {
        if calls == 0 {
            return Ok(());
        }
        let [second, minute, hour] = quota::SPANS.map(|span| format!("($1, {span}, {}, $2)", quota::bucket(span, call.now)));
        let sql = format!(
            "INSERT INTO search_quota (kind, span, bucket, calls) VALUES {second}, {minute}, {hour}
             ON CONFLICT (kind, span, bucket) DO UPDATE SET calls = search_quota.calls + excluded.calls"
        );
        run(tx, &sql, vec![side.as_str().into(), (calls as i64).into()]).await?;
        // A second look-back, so that a worker whose clock lags a little still finds its counts.
        let forgotten = |span| quota::oldest(span, call.now) * 2 - quota::bucket(span, call.now);
        let [second, minute, hour] = quota::SPANS.map(|span| format!("(span = {span} AND bucket < {})", forgotten(span)));
        let sql = format!("DELETE FROM search_quota WHERE kind = $1 AND ({second} OR {minute} OR {hour})");
        run(tx, &sql, vec![side.as_str().into()]).await?;
        Ok(())
    }

    /// Until when a side is held up by a hold that only time ends (a quota's or a window's is computed anew).
    pub(super) async fn held(&self, tx: &DatabaseTransaction, side: Side, now: Timestamp) -> Result<Option<Timestamp>> {
        let sql = "SELECT until FROM search_holds WHERE kind = $1 AND until > $2 AND reason IN ('quota_exceeded', 'auth_failed')";
        query_one(tx, sql, vec![side.as_str().into(), now.millis().into()]).await?.map(|row| at(&row, "until")).transpose()
    }

    /// Notes what holds a side up, for people and for the agenda; said once in the log.
    pub(super) async fn hold(&self, tx: &DatabaseTransaction, side: Side, until: Timestamp, reason: &str, now: Timestamp) -> Result<()> {
        let known = query_one(tx, "SELECT until, reason FROM search_holds WHERE kind = $1", vec![side.as_str().into()]).await?;
        if let Some(row) = known
            && at(&row, "until")? == until
            && get::<String>(&row, "reason")? == reason
        {
            return Ok(());
        }
        let sql = "INSERT INTO search_holds (kind, until, reason, updated_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (kind) DO UPDATE SET until = excluded.until, reason = excluded.reason, updated_at = excluded.updated_at";
        run(tx, sql, vec![side.as_str().into(), until.millis().into(), reason.into(), now.millis().into()]).await?;
        info!(side = side.as_str(), reason, until = %until, "waiting");
        Ok(())
    }

    /// Charges a submission at its mark; the charge bears the name of query and lease.
    pub(super) async fn charge(&self, tx: &DatabaseTransaction, call: &Call, ticket: &Ticket) -> Result<()> {
        let policy = &call.policy.search;
        let price = cost::price(&policy.prices, policy.mode, call.now);
        let sql = "INSERT INTO search_charges (id, query_id, batch_tag, at, mode, is_cheap, cost, created_at)
            SELECT $1, id, batch_tag, $3, $4, $5, $6, $3 FROM serp_queries WHERE id = $2 ON CONFLICT (id) DO NOTHING";
        let values = vec![
            charge_of(ticket.row, ticket.token).into(),
            ticket.row.into(),
            call.now.millis().into(),
            policy.mode.as_str().into(),
            is_cheap(call.now).into(),
            price.millionths().into(),
        ];
        run(tx, sql, values).await?;
        Ok(())
    }

    /// The provider definitely did not take it.
    pub(super) async fn take_charge_back(&self, tx: &DatabaseTransaction, ticket: &Ticket) -> Result<()> {
        run(tx, "DELETE FROM search_charges WHERE id = $1", vec![charge_of(ticket.row, ticket.token).into()]).await?;
        Ok(())
    }

    /// Nobody knows whether it was taken: it counts as paid.
    pub(super) async fn doubt_charge(&self, tx: &DatabaseTransaction, row: Uuid, token: Uuid) -> Result<()> {
        run(tx, "UPDATE search_charges SET is_unknown = true WHERE id = $1", vec![charge_of(row, token).into()]).await?;
        Ok(())
    }

    async fn charged(&self, db: &impl sea_orm::ConnectionTrait, from: Timestamp, to: Timestamp) -> Result<Money> {
        let sql = "SELECT CAST(COALESCE(sum(cost), 0) AS bigint) AS n FROM search_charges WHERE at >= $1 AND at < $2";
        let row = query_one(db, sql, vec![from.millis().into(), to.millis().into()]).await?;
        Ok(Money::from_millionths(row.map(|row| get::<i64>(&row, "n")).transpose()?.unwrap_or(0)))
    }
}

/// The id of a charge: of the query and of this taking of it. A claim of many queries gives them one token.
fn charge_of(row: Uuid, token: Uuid) -> Uuid {
    Id::<Uuid>::of(&["charge", &row.to_string(), &token.to_string()]).uuid()
}

/// What a barrier answers at the mark.
pub(super) fn barred(barrier: &Barrier) -> Error {
    Error::new(ErrorKind::Conflict, "submit a query").code(barrier.reason).detail(format!("not before {}", barrier.until))
}

#[async_trait]
impl SearchLedger for SqlStore {
    async fn costs(&self) -> Result<Vec<CostLine>> {
        // A charge is told also if no query is left in its batch.
        let planned = "SELECT b.batch_tag, count(q.id) AS queries, CAST(COALESCE(sum(q.forecast), 0) AS bigint) AS forecast
            FROM (SELECT batch_tag FROM serp_queries UNION SELECT batch_tag FROM search_charges) b
            LEFT JOIN serp_queries q ON q.batch_tag = b.batch_tag GROUP BY b.batch_tag ORDER BY b.batch_tag";
        let mut lines = Vec::new();
        for row in query(&self.db, planned, vec![]).await? {
            let batch: String = get(&row, "batch_tag")?;
            let charged = "SELECT count(*) AS n, CAST(COALESCE(sum(CASE WHEN is_cheap THEN 1 ELSE 0 END), 0) AS bigint) AS cheap,
                CAST(COALESCE(sum(cost), 0) AS bigint) AS cost, CAST(COALESCE(sum(CASE WHEN is_unknown THEN 1 ELSE 0 END), 0) AS bigint) AS unknown
                FROM search_charges WHERE batch_tag = $1";
            let mut line = CostLine {
                queries: count(&row, "queries")?,
                forecast: Money::from_millionths(get(&row, "forecast")?),
                batch: batch.clone(),
                ..CostLine::default()
            };
            if let Some(row) = query_one(&self.db, charged, vec![batch.into()]).await? {
                line.night = count(&row, "cheap")?;
                line.day = count(&row, "n")?.saturating_sub(line.night);
                line.cost = Money::from_millionths(get(&row, "cost")?);
                line.unknown = count(&row, "unknown")?;
            }
            lines.push(line);
        }
        Ok(lines)
    }

    async fn spent(&self, from: Timestamp, to: Timestamp) -> Result<Money> {
        self.charged(&self.db, from, to).await
    }

    async fn holds(&self, now: Timestamp) -> Result<Vec<Hold>> {
        let sql = "SELECT kind, until, reason FROM search_holds WHERE until > $1 ORDER BY kind";
        let rows = query(&self.db, sql, vec![now.millis().into()]).await?;
        rows.iter().map(|row| Ok(Hold { kind: get(row, "kind")?, until: at(row, "until")?, reason: get(row, "reason")? })).collect()
    }
}

/// The word of a mode, for what a query's operation keeps.
pub(super) fn cost_metadata(call: &Call, mode: SearchMode) -> String {
    let policy = &call.policy.search;
    let price = cost::price(&policy.prices, mode, call.now);
    serde_json::json!({"cost_estimate": price, "mode": mode.as_str(), "tariff": if is_cheap(call.now) { "night" } else { "day" }})
        .to_string()
}
