//! Leases: who works on a row, until when, and how it is given back.

use sea_orm::{DatabaseTransaction, QueryResult, Value};
use uuid::Uuid;

use super::connection::{LeaseClock, SqlStore, query, run};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::entropy::{SystemEntropy, sixteen};
use crate::ports::work::{Call, Fault, Ticket, Work};

/// A lane's rows within a table.
pub(super) struct LaneTable<'a> {
    pub(super) table: &'a str,
    pub(super) filter: &'a str,
    pub(super) order: &'a str,
}

pub(super) fn lease_lost(ticket: &Ticket) -> Error {
    Error::new(ErrorKind::Conflict, format!("write the outcome of {}", ticket.row)).code("lease_lost")
}

impl SqlStore {
    /// The store's own present, as an SQL expression in milliseconds.
    pub(super) fn lease_now(&self) -> String {
        match &self.lease_clock {
            LeaseClock::Given(clock) => clock.now().millis().to_string(),
            LeaseClock::Database if self.is_postgres() => "(extract(epoch FROM clock_timestamp()) * 1000)::bigint".into(),
            LeaseClock::Database => "CAST(unixepoch('subsec') * 1000 AS INTEGER)".into(),
        }
    }

    /// Leases rows of a table: those that match `filter` (its values start at `$6`). Gives them with the ticket's token, in order.
    pub(super) async fn take<W: Work>(
        &self,
        tx: &DatabaseTransaction,
        lane: &LaneTable<'_>,
        call: &Call,
        more: Vec<Value>,
    ) -> Result<(Uuid, Vec<QueryResult>)> {
        let token = Uuid::new_v8(sixteen(&SystemEntropy));
        let now = self.lease_now();
        let lock = if self.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
        let lease = call.lease::<W>().as_millis() as i64;
        let (table, filter, order) = (lane.table, lane.filter, lane.order);
        // Materialized: a planner that evaluates the choice once per row would lease more than it was asked for.
        let sql = format!(
            "WITH due AS MATERIALIZED (
                SELECT id FROM {table} WHERE claimed_until <= {now} AND (next_try_at IS NULL OR next_try_at <= $4) AND {filter}
                ORDER BY {order} LIMIT $5 {lock})
             UPDATE {table} SET claimed_by = $1, claim_token = $2, claimed_until = {now} + $3 WHERE id IN (SELECT id FROM due) RETURNING id"
        );
        let mut values: Vec<Value> =
            vec![call.owner.clone().into(), token.into(), lease.into(), call.now.millis().into(), (call.max as i64).into()];
        values.extend(more);
        let taken = query(tx, &sql, values).await?;
        if taken.is_empty() {
            return Ok((token, vec![]));
        }
        // An update returns its rows in any order.
        let ids: Vec<Value> = taken.iter().map(|row| Ok(super::row::get::<Uuid>(row, "id")?.into())).collect::<Result<_>>()?;
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let rows = query(tx, &format!("SELECT * FROM {table} WHERE id IN ({}) ORDER BY {order}", places.join(", ")), ids).await?;
        Ok((token, rows))
    }

    /// Gives a leased row back as it was.
    pub(super) async fn let_go(&self, tx: &DatabaseTransaction, table: &str, row: Uuid) -> Result<()> {
        let sql = format!("UPDATE {table} SET claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1");
        run(tx, &sql, vec![row.into()]).await?;
        Ok(())
    }

    /// Passes a row beyond the point of no return: only while its lease lasts, which then begins anew, since what follows can't
    /// be cut off. `sets` are assignments with values from `$3`. Whether the lease lasted.
    pub(super) async fn pass<W: Work>(
        &self,
        tx: &DatabaseTransaction,
        table: &str,
        call: &Call,
        ticket: &Ticket,
        sets: &str,
        more: Vec<Value>,
    ) -> Result<bool> {
        let now = self.lease_now();
        let lease = call.lease::<W>().as_millis();
        let sql = format!(
            "UPDATE {table} SET claimed_until = {now} + {lease}, {sets} WHERE id = $1 AND claim_token = $2 AND claimed_until > {now}"
        );
        let mut values: Vec<Value> = vec![ticket.row.into(), ticket.token.into()];
        values.extend(more);
        Ok(run(tx, &sql, values).await? > 0)
    }

    /// Begins the lease of a row anew, if it is still ours.
    pub(super) async fn prolong<W: Work>(&self, table: &str, call: &Call, ticket: &Ticket) -> Result<()> {
        let lease = call.lease::<W>().as_millis();
        let sql = format!("UPDATE {table} SET claimed_until = {} + {lease} WHERE id = $1 AND claim_token = $2", self.lease_now());
        let touched = run(&self.db, &sql, vec![ticket.row.into(), ticket.token.into()]).await?;
        if touched > 0 { Ok(()) } else { Err(lease_lost(ticket)) }
    }

    /// Ends a lease, if it is still ours; whether it was. `sets` are further assignments with values from `$3`.
    pub(super) async fn finish(
        &self,
        tx: &DatabaseTransaction,
        table: &str,
        ticket: &Ticket,
        sets: &str,
        more: Vec<Value>,
    ) -> Result<bool> {
        let comma = if sets.is_empty() { "" } else { ", " };
        let sql = format!(
            "UPDATE {table} SET claimed_by = NULL, claim_token = NULL, claimed_until = 0{comma}{sets} WHERE id = $1 AND claim_token = $2"
        );
        let mut values: Vec<Value> = vec![ticket.row.into(), ticket.token.into()];
        values.extend(more);
        Ok(run(tx, &sql, values).await? > 0)
    }

    /// Gives a row back for later: the common case of a release.
    pub(super) async fn put_off(
        &self,
        tx: &DatabaseTransaction,
        table: &str,
        error_column: &str,
        ticket: &Ticket,
        fault: &Fault,
        counted: i32,
    ) -> Result<()> {
        let sets = format!("tries = tries + $3, next_try_at = $4, {error_column} = $5");
        let values = vec![counted.into(), fault.retry_at.millis().into(), fault.text.clone().into()];
        if self.finish(tx, table, ticket, &sets, values).await? { Ok(()) } else { Err(lease_lost(ticket)) }
    }
}
