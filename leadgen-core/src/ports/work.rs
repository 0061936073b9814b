//! The nine works of the pipeline: what goes in, what comes out. A lane is where items of a work wait.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::company::{Company, NewCompany, Suspect};
use crate::domain::contact::Findings;
use crate::domain::lead::Niche;
use crate::domain::letter::{Drafted, Prospect};
use crate::domain::mail::{FrozenMail, Receipt};
use crate::domain::message::Message;
use crate::domain::policy::Policy;
use crate::domain::query::{Planned, SearchQuery};
use crate::domain::serp::{KeptPage, Operation, Progress, Reading, Submission};
use crate::domain::time::Timestamp;
use crate::error::{Error, Verdict};

/// One kind of work: a name, what a claim loads, what a commit writes.
pub trait Work: Debug + Send + Sync + 'static {
    /// The stage's name, the same in modules, spans, metrics and arguments.
    const NAME: &'static str;
    /// How long an item may be held; work is cut off before that. A policy may shorten it: [`Call::lease`].
    const LEASE: Duration;
    /// How many items one claim takes.
    const CLAIM: usize;
    /// Whether the items of a claim are committed in one transaction.
    const TOGETHER: bool;
    /// After so many tries in vain an item is given up.
    const TRIES: u32;
    /// All that the work needs to know.
    type Item: Clone + Debug + Send + Sync + 'static;
    /// All that the commit needs to write.
    type Done: Clone + Debug + Send + Sync + 'static;
}

macro_rules! works {
    ($($(#[$doc:meta])* $work:ident: $name:literal, $lease:expr, claim $claim:literal, together $together:literal, tries $tries:literal, $item:ty => $done:ty;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $work;

        impl Work for $work {
            const NAME: &'static str = $name;
            const LEASE: Duration = $lease;
            const CLAIM: usize = $claim;
            const TOGETHER: bool = $together;
            const TRIES: u32 = $tries;
            type Item = $item;
            type Done = $done;
        }
    )+};
}

works! {
    /// A niche becomes queries, each with its night.
    PlanNiche: "plan", Duration::from_mins(1), claim 50, together true, tries 5, Niche => Planned;
    /// A query is asked: once.
    SubmitQuery: "submit", Duration::from_mins(2), claim 1, together false, tries 3, SearchQuery => Submission;
    /// An operation is looked at.
    PollOperation: "poll", Duration::from_mins(2), claim 8, together false, tries 1000, Operation => Progress;
    /// A kept page becomes results.
    IngestPage: "ingest", Duration::from_mins(1), claim 20, together true, tries 5, KeptPage => Reading;
    /// A result becomes a company, or a twin of one.
    DedupeResult: "dedupe", Duration::from_mins(1), claim 100, together true, tries 5, Suspect => NewCompany;
    /// A company's contacts are found.
    EnrichCompany: "enrich", Duration::from_mins(30), claim 8, together false, tries 3, Company => Findings;
    /// A letter is written.
    DraftLetter: "draft", Duration::from_mins(3), claim 4, together false, tries 3, Prospect => Drafted;
    /// An approved letter gets its mailbox, its bytes and its turn.
    RouteLetter: "route", Duration::from_mins(2), claim 8, together false, tries 1000, Message => (FrozenMail, Vec<String>);
    /// A letter goes out: once.
    SendLetter: "send", Duration::from_mins(25), claim 1, together false, tries 6, FrozenMail => Receipt;
}

/// Who calls a lane, when, and under which limits.
#[derive(Clone, Debug)]
pub struct Call {
    /// The process and worker that asks; kept with the lease for people to see.
    pub owner: String,
    /// The pipeline's present. Leases are *not* counted by it but by the store's own clock.
    pub now: Timestamp,
    /// Take at most so many items.
    pub max: usize,
    /// Chance for what a commit must draw (the pause before a letter's turn).
    pub random: u64,
    /// Only items of this batch.
    pub batch: Option<String>,
    /// The limits that hold for all workers together.
    pub policy: Arc<Policy>,
}

impl Call {
    /// How long an item of this work is leased for: as long as the work may take, or as long as the policy lets any lease be.
    ///
    /// ```
    /// use std::time::Duration;
    /// use leadgen_core::domain::policy::Policy;
    /// use leadgen_core::ports::work::{EnrichCompany, PlanNiche, lease};
    ///
    /// let policy = Policy { longest_lease: Some(Duration::from_secs(90)), ..Policy::default() };
    /// assert_eq!(lease::<EnrichCompany>(&policy), Duration::from_secs(90));
    /// assert_eq!(lease::<PlanNiche>(&policy), Duration::from_secs(60));
    /// ```
    pub fn lease<W: Work>(&self) -> Duration {
        lease::<W>(&self.policy)
    }
}

/// How long an item of a work is leased for under a policy: see [`Call::lease`].
pub fn lease<W: Work>(policy: &Policy) -> Duration {
    policy.longest_lease.map_or(W::LEASE, |longest| W::LEASE.min(longest))
}

/// The proof of a lease: which row, and which taking of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The row.
    pub row: Uuid,
    /// This taking; a later one has another.
    pub token: Uuid,
    /// Tries in vain so far.
    pub tries: u32,
}

/// An item with its lease.
#[derive(Clone, Debug)]
pub struct Claim<W: Work> {
    /// Gives it back or commits it.
    pub ticket: Ticket,
    /// What to work on.
    pub item: W::Item,
    /// The work.
    pub work: PhantomData<W>,
}

impl<W: Work> Claim<W> {
    /// An item under a ticket.
    pub fn new(ticket: Ticket, item: W::Item) -> Self {
        Self { ticket, item, work: PhantomData }
    }
}

/// Why an item comes back unfinished, and what should happen to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What should happen.
    pub verdict: Verdict,
    /// The stable code.
    pub code: String,
    /// `code: sentence`, for the row.
    pub text: String,
    /// Not again before then, if the verdict is to retry or to pause.
    pub retry_at: Timestamp,
    /// What the other side sent, if it is worth keeping.
    pub evidence: Option<String>,
}

impl Fault {
    /// A fault from an error.
    pub fn from_error(error: &Error, retry_at: Timestamp) -> Self {
        Self {
            verdict: error.verdict(),
            code: error.machine_code().to_owned(),
            text: error.for_row(),
            retry_at,
            evidence: error.evidence().map(str::to_owned),
        }
    }
}
