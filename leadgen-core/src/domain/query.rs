//! A search query: one text, one region, one night.

use crate::domain::flow::QueryState;
use crate::domain::id::Id;
use crate::domain::lead::Niche;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;

/// A query as planned, before it has a night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedQuery {
    /// The whole text with operators.
    pub text: String,
    /// The region code of the provider (225 is Russia).
    pub region: u32,
    /// The buying phrase added to the niche, without quotes.
    pub trigger: Option<String>,
}

/// What planning made of a niche.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The queries, best first.
    pub queries: Vec<PlannedQuery>,
    /// A remark for the row: `region_defaulted`.
    pub warning: Option<String>,
}

/// A query in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// Made of text and region.
    pub id: Id<SearchQuery>,
    /// The niche it was planned for; `None` for a search by hand.
    pub niche_id: Option<Id<Niche>>,
    /// The whole text with operators.
    pub text: String,
    /// Lower-case SHA-1 of `text|region`.
    pub hash: String,
    /// The region code of the provider.
    pub region: u32,
    /// The buying phrase, without quotes.
    pub trigger: Option<String>,
    /// What the companies do, for the companies it finds.
    pub niche: String,
    /// The city, for the companies it finds.
    pub city: String,
    /// The batch.
    pub batch_tag: String,
    /// Where it stands.
    pub state: QueryState,
    /// Its slot: not asked before.
    pub scheduled_for: Timestamp,
    /// How often it was put back after a failure.
    pub retry_count: u32,
    /// The result page that is asked next, from 0.
    pub page: u32,
}

impl SearchQuery {
    /// The id of a text in a region.
    pub fn id_of(text: &str, region: u32) -> Id<Self> {
        Id::of(&["query", text, &region.to_string()])
    }

    /// What a person meets who asks for this query by hand at a slot: whether a worker holds it, whether it was or may
    /// have been paid in vain, and whether the person asks once more for what was answered or paid.
    pub fn by_hand(&self, is_held: bool, paid_in_vain: bool, slot: Timestamp, again: bool) -> ByHand {
        match self.state {
            QueryState::InProgress => ByHand::BeingAsked,
            QueryState::Pending if is_held => ByHand::BeingAsked,
            QueryState::Completed if !again => ByHand::Answered,
            QueryState::Pending | QueryState::Failed if paid_in_vain && !again => ByHand::PaidInVain,
            QueryState::Pending if self.scheduled_for > slot => ByHand::MovedUp,
            QueryState::Pending => ByHand::Due,
            QueryState::Completed | QueryState::Failed => ByHand::Reopened,
        }
    }
}

/// What a search by hand met in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHand {
    /// Nobody had planned it: it is due now.
    New,
    /// It waited for a later slot: it is due now.
    MovedUp,
    /// It was due already.
    Due,
    /// It had come to an end, and is asked once more.
    Reopened,
    /// It is being asked, or its answer waits to be read: nothing is asked anew.
    BeingAsked,
    /// It was answered before: nothing is asked.
    Answered,
    /// It was asked before, and was or may have been paid without an answer that could be read: nothing is asked.
    PaidInVain,
}

/// How a person asks by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asking {
    /// Whether to ask, and pay, once more what was answered or paid before.
    pub again: bool,
    /// What it is to cost.
    pub forecast: Money,
}

/// When a search is asked: in the night queue, or now at the day price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchMode {
    /// Handed over now, collected later, cheap.
    #[default]
    Deferred,
    /// Answered at once, dear.
    Synchronous,
}

impl SearchMode {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deferred => "deferred",
            Self::Synchronous => "sync",
        }
    }
}
