//! A company, and the judgement that a result belongs to one.

use crate::domain::company_name::CompanyName;
use crate::domain::flow::CompanyState;
use crate::domain::id::Id;
use crate::domain::name::{DomainName, RegistrableDomain};
use crate::domain::time::Timestamp;

/// A company we know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Made of the dedupe key it was born with.
    pub id: Id<Company>,
    /// Its name as first seen.
    pub name: String,
    /// The host its site lives at; `None` for a company known by name only.
    pub canonical_domain: Option<DomainName>,
    /// The registrable domain of that host.
    pub registrable_domain: Option<RegistrableDomain>,
    /// Its home page.
    pub website_url: Option<String>,
    /// The host its site moved to, at another registrable domain.
    pub moved_to: Option<DomainName>,
    /// The niche it was found for.
    pub industry: String,
    /// The city it was found for.
    pub region: String,
    /// The batch it was first found in.
    pub batch_tag: String,
    /// Where it stands.
    pub state: CompanyState,
    /// Why it stands there: a code.
    pub state_reason: Option<String>,
    /// Lower-case SHA-1 of the dedupe key.
    pub dedupe_hash: String,
    /// The text under its title in the search, if it was found by one.
    pub last_snippet: String,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
}

impl Company {
    /// The host its site lives at today.
    pub fn home(&self) -> Option<&DomainName> {
        self.moved_to.as_ref().or(self.canonical_domain.as_ref())
    }
}

/// The birth certificate of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCompany {
    /// What makes it unique: its registrable domain, else its host, else `name:` and the normalized name.
    pub dedupe_key: String,
    /// Lower-case SHA-1 of the key.
    pub dedupe_hash: String,
    /// Its name as seen, else its host.
    pub name: CompanyName,
    /// The host its site lives at.
    pub canonical_domain: Option<DomainName>,
    /// The registrable domain of that host.
    pub registrable_domain: Option<RegistrableDomain>,
    /// Its home page.
    pub website_url: Option<String>,
}

impl NewCompany {
    /// The id it will have.
    pub fn id(&self) -> Id<Company> {
        Id::of(&["company", &self.dedupe_key])
    }
}

/// A stored result that waits for deduplication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The row of the results.
    pub result_id: Id<Suspect>,
    /// The normalized address.
    pub url: String,
    /// Its host.
    pub domain: DomainName,
    /// The title.
    pub title: String,
    /// Text below the title.
    pub snippet: String,
    /// The niche of its query.
    pub industry: String,
    /// The city of its query.
    pub region: String,
    /// The batch of its query.
    pub batch_tag: String,
}
