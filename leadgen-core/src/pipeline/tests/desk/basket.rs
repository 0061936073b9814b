//! A work and its lane made of a list.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::policy::Policy;
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::pipeline::desk::{Desk, Worker};
use crate::pipeline::tally::Watch;
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{Call, Claim, Fault, Ticket, Work};
use crate::testing::HandClock;
use crate::testing::builders::at;
use crate::testing::scripted::SeededEntropy;

/// A work with a lease so short that a stalled one is cut off at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knit;

impl Work for Knit {
    const NAME: &'static str = "knit";
    const LEASE: Duration = Duration::from_millis(50);
    const CLAIM: usize = 1;
    const TOGETHER: bool = false;
    const TRIES: u32 = 3;
    type Item = &'static str;
    type Done = String;
}

/// A lane that remembers what it was told.
#[derive(Debug, Default)]
pub(super) struct Basket {
    pub(super) waiting: Mutex<VecDeque<&'static str>>,
    pub(super) committed: Mutex<Vec<String>>,
    pub(super) released: Mutex<Vec<Fault>>,
    pub(super) marked: Mutex<Vec<Ticket>>,
    pub(super) refuses_marks: bool,
    pub(super) renewed: Arc<tokio::sync::Notify>,
}

impl Basket {
    pub(super) fn of(items: &[&'static str]) -> Self {
        Self { waiting: Mutex::new(items.iter().copied().collect()), ..Self::default() }
    }

    pub(super) fn committed(&self) -> Vec<String> {
        self.committed.lock().unwrap().clone()
    }

    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        self.released.lock().unwrap().iter().map(|fault| fault.verdict).collect()
    }
}

#[async_trait]
impl Lane<Knit> for Basket {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<Knit>>> {
        let mut waiting = self.waiting.lock().unwrap();
        let taken = call.max.min(waiting.len());
        let ticket = |row: usize| Ticket { row: Uuid::from_u128(row as u128), token: Uuid::from_u128(1), tries: 0 };
        Ok(waiting.drain(..taken).enumerate().map(|(row, item)| Claim::new(ticket(row), item)).collect())
    }

    async fn commit(&self, _call: &Call, done: Vec<(Ticket, String)>) -> Result<Vec<Ticket>> {
        self.committed.lock().unwrap().extend(done.into_iter().map(|(_, done)| done));
        Ok(vec![])
    }

    async fn release(&self, _call: &Call, _ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.released.lock().unwrap().push(fault.clone());
        Ok(())
    }
}

#[async_trait]
impl OnceLane<Knit> for Basket {
    async fn mark(&self, _call: &Call, ticket: &Ticket) -> Result<()> {
        if self.refuses_marks {
            return Err(Error::new(ErrorKind::Conflict, "mark").code("suppressed"));
        }
        self.marked.lock().unwrap().push(ticket.clone());
        Ok(())
    }

    async fn renew(&self, _call: &Call, _ticket: &Ticket) -> Result<()> {
        self.renewed.notify_one();
        Ok(())
    }
}

pub(super) fn a_desk() -> Desk {
    Desk {
        owner: "test".into(),
        clock: Arc::new(HandClock::at(at("2026-01-13T09:00:00Z"))),
        entropy: Arc::new(SeededEntropy::new(1)),
        policy: Arc::new(Policy::default()),
        batch: None,
        width: 1,
        shutdown: CancellationToken::new(),
        cut: CancellationToken::new(),
        watch: Watch::default(),
    }
}

/// Knits what can be knitted: an item named like a kind of error fails with it.
pub(super) struct Knitter;

pub(super) fn knit(item: &str) -> Result<String> {
    let kind = match item {
        "limited" => ErrorKind::Limited,
        "unavailable" => ErrorKind::Unavailable,
        "malformed" => ErrorKind::Malformed,
        "rejected" => ErrorKind::Rejected,
        "refused" => ErrorKind::Refused,
        "config" => ErrorKind::Config,
        "unauthorized" => ErrorKind::Unauthorized,
        "in_doubt" => ErrorKind::InDoubt,
        "conflict" => ErrorKind::Conflict,
        sock => return Ok(format!("knitted {sock}")),
    };
    Err(Error::new(kind, "knit"))
}

#[async_trait]
impl Worker<Knit> for Knitter {
    async fn work(&self, item: &&'static str) -> Result<String> {
        knit(item)
    }
}
