//! Leases: who holds a row, until when, and when it may be tried again.

use uuid::Uuid;

use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::ports::work::{Call, Fault, Ticket, Work};

/// The columns by which a row is leased to a worker and put off.
#[derive(Clone, Debug, Default)]
pub(super) struct Lease {
    by: String,
    token: Option<Uuid>,
    until: Timestamp,
    pub(super) tries: u32,
    pub(super) next_try_at: Option<Timestamp>,
}

impl Lease {
    /// Whether somebody may take the row now.
    pub(super) fn is_free(&self, call: &Call, lease_now: Timestamp) -> bool {
        self.is_over(lease_now) && self.next_try_at.is_none_or(|at| at <= call.now)
    }

    /// Whether nobody works on the row.
    pub(super) fn is_over(&self, lease_now: Timestamp) -> bool {
        self.until <= lease_now
    }

    /// The last taking, if its lease was not ended.
    pub(super) fn token(&self) -> Option<Uuid> {
        self.token
    }

    /// Whether a ticket is of the last taking. A lease that is over still counts until somebody else takes the row.
    pub(super) fn is_of(&self, ticket: &Ticket) -> bool {
        self.token == Some(ticket.token)
    }

    /// Takes the row.
    pub(super) fn take<W: Work>(&mut self, row: Uuid, token: Uuid, call: &Call, lease_now: Timestamp) -> Ticket {
        self.by.clone_from(&call.owner);
        self.token = Some(token);
        self.until = lease_now + call.lease::<W>();
        Ticket { row, token, tries: self.tries }
    }

    /// Passes the point of no return: only while the lease lasts, which then begins anew, since what follows can't be cut
    /// off. Whether it lasted.
    pub(super) fn pass<W: Work>(&mut self, call: &Call, lease_now: Timestamp) -> bool {
        let lasts = !self.is_over(lease_now);
        if lasts {
            self.renew::<W>(call, lease_now);
        }
        lasts
    }

    /// Begins the lease anew.
    pub(super) fn renew<W: Work>(&mut self, call: &Call, lease_now: Timestamp) {
        self.until = lease_now + call.lease::<W>();
    }

    /// Ends the lease.
    pub(super) fn end(&mut self) {
        self.by.clear();
        self.token = None;
        self.until = Timestamp::default();
    }

    /// Ends the lease of work that came to its end: earlier tries count no more.
    pub(super) fn settle(&mut self) {
        self.end();
        self.tries = 0;
        self.next_try_at = None;
    }

    /// Ends the lease for now.
    pub(super) fn put_off(&mut self, fault: &Fault, counted: bool) {
        self.end();
        self.tries += u32::from(counted);
        self.next_try_at = Some(fault.retry_at);
    }
}

/// The rows of a lane that are due, in its order, no more than asked for.
pub(super) fn first_due<O: Ord, K>(mut due: Vec<(O, K)>, max: usize) -> Vec<K> {
    due.sort_by(|(a, _), (b, _)| a.cmp(b));
    due.into_iter().map(|(_, key)| key).take(max).collect()
}

/// Whether a row is of the batch that is asked for.
pub(super) fn of_batch(call: &Call, tag: &str) -> bool {
    call.batch.as_deref().is_none_or(|batch| batch == tag)
}

pub(super) fn lease_lost(ticket: &Ticket) -> Error {
    Error::new(ErrorKind::Conflict, format!("write the outcome of {}", ticket.row)).code("lease_lost")
}
