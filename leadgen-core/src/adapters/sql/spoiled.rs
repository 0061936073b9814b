//! Rows that can't be read: each is given up with its reason, so that one does not stop its lane.

use sea_orm::{DatabaseTransaction, QueryResult};
use tracing::error;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::ports::work::{Claim, Ticket, Work};

use super::connection::{SqlStore, run};
use super::row::{get, ticket};

/// The code of such a row.
pub(super) const CODE: &str = "row_unreadable";

/// How a row of a table is given up: `$1` is its id, `$2` the reason, `$3` now.
pub(super) const QUERY: &[&str] = &["UPDATE serp_queries SET status = 'failed', last_error = $2, updated_at = $3, claimed_by = NULL,
    claim_token = NULL, claimed_until = 0 WHERE id = $1"];
/// An operation goes with its query: nobody would look at it again.
pub(super) const OPERATION: &[&str] = &[
    "UPDATE serp_operations SET status = 'failed', error_payload = $2, completed_at = $3, next_poll_at = NULL, updated_at = $3,
        claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1",
    "UPDATE serp_queries SET status = 'failed', last_error = $2, updated_at = $3
        WHERE status = 'in_progress' AND id = (SELECT query_id FROM serp_operations WHERE id = $1)",
];
pub(super) const NICHE: &[&str] = &["UPDATE niches SET status = 'failed', last_error = $2, updated_at = $3, claimed_by = NULL,
    claim_token = NULL, claimed_until = 0 WHERE id = $1"];

impl SqlStore {
    /// The claims of leased rows. What can't be read is given up by `statements` and left out.
    pub(super) async fn readable<W: Work>(
        &self,
        tx: &DatabaseTransaction,
        token: Uuid,
        rows: &[QueryResult],
        statements: &[&str],
        now: i64,
        read: impl Fn(&QueryResult) -> Result<W::Item>,
    ) -> Result<Vec<Claim<W>>> {
        let mut claims = Vec::new();
        for row in rows {
            let whole = ticket(row, token).and_then(|ticket: Ticket| Ok(Claim::new(ticket, read(row)?)));
            match whole {
                Ok(claim) => claims.push(claim),
                Err(why) => self.give_up_spoiled(tx, row, statements, now, &why).await?,
            }
        }
        Ok(claims)
    }

    /// Gives one such row up where it lies.
    pub(super) async fn give_up_spoiled(
        &self,
        tx: &DatabaseTransaction,
        row: &QueryResult,
        statements: &[&str],
        now: i64,
        why: &Error,
    ) -> Result<()> {
        let id: Uuid = get(row, "id")?;
        error!(row = %id, text = %why.for_row(), code = CODE, "a row can't be read");
        let reason = format!("{CODE}: {}", why.for_row());
        for statement in statements {
            run(tx, statement, vec![id.into(), reason.clone().into(), now.into()]).await?;
        }
        Ok(())
    }
}
