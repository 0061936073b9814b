//! A search query: one text, one region, one night.

use crate::domain::flow::QueryState;
use crate::domain::id::Id;
use crate::domain::lead::Niche;
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
