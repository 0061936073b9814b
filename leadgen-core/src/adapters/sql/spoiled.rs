//! Rows that can't be read: each is given up with its reason, so that one does not stop its lane.

use sea_orm::{DatabaseTransaction, QueryResult};
use tracing::error;
use uuid::Uuid;

use crate::domain::flow::{
    CompanyEvent, CompanyState, MessageEvent, MessageState, NicheEvent, NicheState, OperationEvent, OperationState, QueryEvent, QueryState,
    ResultState,
};
use crate::domain::time::Timestamp;
use crate::error::{Error, Result};
use crate::ports::work::{Claim, Ticket, Work};

use super::connection::{SqlStore, query_one, run};
use super::row::{get, ticket};

/// The code of such a row.
pub(super) const CODE: &str = "row_unreadable";

/// How a row of a table is given up.
#[derive(Clone, Copy)]
pub(super) struct Spoiled {
    table: &'static str,
    /// The column of its state.
    state: &'static str,
    /// The state it ends in, from the word of the one it stands in.
    end: fn(&str) -> Result<&'static str>,
    /// Further assignments: `$3` is the reason, `$4` now.
    sets: &'static str,
    /// As what the journal names it, if it tells of such rows.
    subject: Option<&'static str>,
}

/// A query that was to be asked.
pub(super) const QUERY: Spoiled = Spoiled {
    table: "serp_queries",
    state: "status",
    end: |word| Ok(QueryState::parse(word)?.after(QueryEvent::Fail)?.as_str()),
    sets: "last_error = $3",
    subject: None,
};
/// An operation goes with its query: nobody would look at it again.
pub(super) const OPERATION: Spoiled = Spoiled {
    table: "serp_operations",
    state: "status",
    end: |word| Ok(OperationState::parse(word)?.after(OperationEvent::Fail)?.as_str()),
    sets: "error_payload = $3, completed_at = $4, next_poll_at = NULL",
    subject: None,
};
/// A niche that was to be planned.
pub(super) const NICHE: Spoiled = Spoiled {
    table: "niches",
    state: "status",
    end: |word| Ok(NicheState::parse(word)?.after(NicheEvent::Fail)?.as_str()),
    sets: "last_error = $3",
    subject: None,
};
/// A result that can't be judged is not looked at for a year, as any other that can't be.
pub(super) const RESULT: Spoiled = Spoiled {
    table: "serp_results",
    state: "dedup_status",
    end: |word| Ok(ResultState::parse(word)?.as_str()),
    sets: "last_error = $3, next_try_at = $4 + 31536000000",
    subject: None,
};
/// A company whose site was to be visited.
pub(super) const COMPANY: Spoiled = Spoiled {
    table: "companies",
    state: "status",
    end: |word| Ok(CompanyState::parse(word)?.after(CompanyEvent::Disqualify)?.as_str()),
    sets: "status_reason = 'row_unreadable', last_error = $3, tries = 0, next_try_at = NULL",
    subject: Some("company"),
};
/// A company that was to be written to stays one; no more letters are tried (the draft lane takes those with fewer than 3 tries).
pub(super) const PROSPECT: Spoiled = Spoiled {
    table: "companies",
    state: "status",
    end: |word| Ok(CompanyState::parse(word)?.as_str()),
    sets: "status_reason = 'row_unreadable', last_error = $3, tries = 3, next_try_at = NULL",
    subject: Some("company"),
};
/// A letter before its mark is not sent; one past it may have been, and nobody can tell from such a row.
pub(super) const MESSAGE: Spoiled = Spoiled {
    table: "outreach_messages",
    state: "status",
    end: |word| {
        let state = MessageState::parse(word)?;
        let event = if state == MessageState::Sending { MessageEvent::Doubt } else { MessageEvent::Fail };
        Ok(state.after(event)?.as_str())
    },
    sets: "last_error = $3",
    subject: Some("message"),
};

/// What was read of a row that others only look at; one that can't be read is told and left out.
pub(super) fn or_left_out<T>(row: &QueryResult, read: Result<T>) -> Option<T> {
    let told = |why: &Error| error!(row = ?get::<Uuid>(row, "id").ok(), text = %why.for_row(), code = CODE, "a row can't be read");
    read.inspect_err(told).ok()
}

impl SqlStore {
    /// The claims of leased rows. What can't be read is given up and left out.
    pub(super) async fn readable<W: Work>(
        &self,
        tx: &DatabaseTransaction,
        token: Uuid,
        rows: &[QueryResult],
        kind: Spoiled,
        now: i64,
        read: impl Fn(&QueryResult) -> Result<W::Item>,
    ) -> Result<Vec<Claim<W>>> {
        let mut claims = Vec::new();
        for row in rows {
            let whole = ticket(row, token).and_then(|ticket: Ticket| Ok(Claim::new(ticket, read(row)?)));
            match whole {
                Ok(claim) => claims.push(claim),
                Err(why) => self.give_up_spoiled(tx, row, kind, now, &why).await?,
            }
        }
        Ok(claims)
    }

    /// Gives one such row up where it lies.
    pub(super) async fn give_up_spoiled(
        &self,
        tx: &DatabaseTransaction,
        row: &QueryResult,
        kind: Spoiled,
        now: i64,
        why: &Error,
    ) -> Result<()> {
        let id: Uuid = get(row, "id")?;
        error!(row = %id, table = kind.table, text = %why.for_row(), code = CODE, "a row can't be read");
        let reason = format!("{CODE}: {}", why.for_row());
        self.end_spoiled(tx, kind, id, &get::<String>(row, kind.state)?, &reason, now).await?;
        if kind.table == OPERATION.table {
            let sql = "SELECT id, status FROM serp_queries WHERE status = 'in_progress' AND id = (SELECT query_id FROM serp_operations WHERE id = $1)";
            if let Some(asked) = query_one(tx, sql, vec![id.into()]).await? {
                self.end_spoiled(tx, QUERY, get(&asked, "id")?, &get::<String>(&asked, "status")?, &reason, now).await?;
            }
        }
        Ok(())
    }

    /// The state machine says where such a row ends; its lease ends with it.
    async fn end_spoiled(&self, tx: &DatabaseTransaction, kind: Spoiled, id: Uuid, word: &str, reason: &str, now: i64) -> Result<()> {
        let Spoiled { table, state, end, sets, subject } = kind;
        let sql = format!(
            "UPDATE {table} SET {state} = $2, {sets}, updated_at = $4, claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1"
        );
        let next = end(word)?;
        run(tx, &sql, vec![id.into(), next.into(), reason.into(), now.into()]).await?;
        match subject {
            Some(subject) => self.note(tx, Timestamp::from_millis(now), "pipeline", CODE, subject, &id.to_string(), reason).await,
            None => Ok(()),
        }
    }
}
