//! What a search brings back: an operation, a page, hits, sightings.

use std::fmt;

use crate::domain::flow::OperationState;
use crate::domain::id::Id;
use crate::domain::query::SearchQuery;
use crate::domain::time::Timestamp;

/// The largest result page that is read, in bytes.
pub const LARGEST_PAGE: usize = 20 * 1024 * 1024;

/// What a provider says to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// It will take a while: the provider's name for the operation.
    Deferred(String),
    /// Here it is.
    Ready(RawPage),
}

/// What a poll found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not done yet.
    Running,
    /// Done: the page.
    Done(RawPage),
}

/// A result page as it came, kept before anyone reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct RawPage {
    /// The bytes, decoded from their transport only.
    pub bytes: Vec<u8>,
}

impl RawPage {
    /// The BLAKE3 hash of the bytes, hexadecimal: the page's name in the store.
    pub fn hash(&self) -> String {
        blake3::hash(&self.bytes).to_hex().to_string()
    }
}

impl fmt::Debug for RawPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawPage({} bytes)", self.bytes.len())
    }
}

/// A search handed to a provider that answers later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Made of the query and the provider's name for it.
    pub id: Id<Operation>,
    /// The query it answers.
    pub query_id: Id<SearchQuery>,
    /// The provider's name for it, opaque.
    pub handle: String,
    /// Where it stands.
    pub state: OperationState,
    /// When it was accepted.
    pub requested_at: Timestamp,
    /// How often it was polled.
    pub polls: u32,
}

impl Operation {
    /// The id of a provider's operation for a query.
    pub fn id_of(query: Id<SearchQuery>, handle: &str) -> Id<Self> {
        Id::of(&["operation", &query.to_string(), handle])
    }
}

/// A kept page with all that reading it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPage {
    /// The operation that brought it.
    pub operation: Operation,
    /// The query that was asked.
    pub query: SearchQuery,
    /// The page.
    pub page: RawPage,
}

/// One document of a result page, as the provider shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// Its place on the page, from 1; skipped documents count too. 0: the order of the list is the place.
    pub position: u32,
    /// The address as given.
    pub url: String,
    /// The title, highlighting removed.
    pub title: String,
    /// The passages, or the headline.
    pub snippet: String,
    /// The language the provider saw, if it told.
    pub language: Option<String>,
}

impl Hit {
    /// A hit of which only address and title are known.
    pub fn new(url: impl Into<String>, title: impl Into<String>) -> Self {
        Self { url: url.into(), title: title.into(), ..Self::default() }
    }
}

/// A document that passed the sieve: a row of the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its place on the page, from 1.
    pub position: u32,
    /// The normalized address.
    pub url: String,
    /// The host in canonical form, without `www.`.
    pub domain: String,
    /// The registrable domain, if the host has one.
    pub registrable_domain: Option<String>,
    /// The title, never empty: the host stands in.
    pub title: String,
    /// Text shown below the title.
    pub snippet: String,
    /// The language the provider saw.
    pub language: Option<String>,
}

/// What reading a page gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Documents kept.
    pub sightings: Vec<Sighting>,
    /// Documents read in all.
    pub documents: u32,
    /// Documents dropped because their host is no company's own.
    pub excluded: u32,
    /// These by the kind of host.
    pub excluded_by: std::collections::BTreeMap<String, u32>,
    /// Documents without a usable address.
    pub invalid: u32,
    /// Documents whose address stands at a better place of the same page already.
    pub repeated: u32,
    /// The result page to be asked next; `None`: the query is answered.
    pub next_page: Option<u32>,
}

/// What a second reading of a kept page would change, or has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ReadingDiff {
    /// Addresses that are results now and were none.
    pub added: Vec<String>,
    /// Addresses whose title, snippet, position or language differ.
    pub changed: Vec<String>,
    /// Addresses that are results no more.
    pub removed: Vec<String>,
    /// Addresses that would be no results any more but stay: a company was born of them.
    pub kept: Vec<String>,
    /// Results that are the same.
    pub same: u32,
}
