//! Kept answers are read again, with no outside call: what the rules of today make of them, and what that changes.

use serde::Serialize;

use crate::domain::name::DomainName;
use crate::domain::page::FindingsDiff;
use crate::domain::policy::SearchPolicy;
use crate::domain::serp::ReadingDiff;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::search::SearchProvider;
use crate::ports::store::{Replays, SitePages};
use crate::rules::{reading, site};

/// Pages read at once.
const AT_ONCE: u64 = 50;

/// A page whose reading differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The provider's name of the operation.
    pub operation: String,
    /// The query it answered.
    pub query: String,
    /// What differs.
    pub diff: ReadingDiff,
}

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Pages read.
    pub pages: u64,
    /// Results that are the same.
    pub same: u64,
    /// Results added, changed, removed; and kept because a company was born of them.
    pub added: u64,
    /// See above.
    pub changed: u64,
    /// See above.
    pub removed: u64,
    /// See above.
    pub kept: u64,
    /// Pages that can't be read any more: operation and why. Their results stay as they are.
    pub unreadable: Vec<(String, String)>,
    /// The pages that differ.
    pub differing: Vec<Changed>,
}

/// Reads all kept pages again; with `dry` only tells what would change.
pub async fn from_ingest<S>(
    store: &S,
    search: &dyn SearchProvider,
    excluded: &[DomainName],
    policy: &SearchPolicy,
    dry: bool,
    now: Timestamp,
) -> Result<Replayed>
where
    S: Replays + ?Sized,
{
    let mut replayed = Replayed::default();
    let mut after = None;
    loop {
        let pages = store.kept_pages(after, AT_ONCE).await?;
        let Some(last) = pages.last() else { return Ok(replayed) };
        after = Some(last.operation.id);
        for kept in pages {
            replayed.pages += 1;
            match reading::page(search.read(&kept.page), &kept.query, excluded, policy) {
                Ok(reading) => {
                    let diff = store.reread(kept.operation.id, &reading, dry, now).await?;
                    replayed.count(kept.operation.handle, kept.query.text, diff);
                }
                Err(error) => replayed.unreadable.push((kept.operation.handle, error.for_row())),
            }
        }
    }
}

impl Replayed {
    fn count(&mut self, operation: String, query: String, diff: ReadingDiff) {
        self.same += u64::from(diff.same);
        self.added += diff.added.len() as u64;
        self.changed += diff.changed.len() as u64;
        self.removed += diff.removed.len() as u64;
        self.kept += diff.kept.len() as u64;
        if diff.added.len() + diff.changed.len() + diff.removed.len() + diff.kept.len() > 0 {
            self.differing.push(Changed { operation, query, diff });
        }
    }
}

/// Companies read at once: their pages lie in memory together.
const SITES_AT_ONCE: u64 = 8;

/// A company whose pages say something else now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedSite {
    /// Its host, else its name.
    pub company: String,
    /// What differs.
    pub diff: FindingsDiff,
}

/// What a replay of sites found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplayedSites {
    /// Companies whose pages were read.
    pub companies: u64,
    /// Pages read.
    pub pages: u64,
    /// Contacts that are the same.
    pub same: u64,
    /// Contacts added, changed, removed; and kept because a letter was written there.
    pub added: u64,
    /// See above.
    pub changed: u64,
    /// See above.
    pub removed: u64,
    /// See above.
    pub kept: u64,
    /// The companies that differ.
    pub differing: Vec<ChangedSite>,
}

/// Reads the kept pages of all sites again, with no outside call; with `dry` only tells what would change.
pub async fn from_enrich<S>(store: &S, dry: bool, now: Timestamp) -> Result<ReplayedSites>
where
    S: SitePages + ?Sized,
{
    let mut replayed = ReplayedSites::default();
    let mut after = None;
    loop {
        let visits = store.kept_visits(after, SITES_AT_ONCE).await?;
        let Some(last) = visits.last() else { return Ok(replayed) };
        after = Some(last.company.id);
        for visit in visits {
            replayed.companies += 1;
            replayed.pages += visit.pages.len() as u64;
            let diff = store.refind(visit.company.id, &site::reread(&visit.pages, &visit.company), dry, now).await?;
            replayed.same += u64::from(diff.same);
            replayed.added += diff.added.len() as u64;
            replayed.changed += diff.changed.len() as u64;
            replayed.removed += diff.removed.len() as u64;
            replayed.kept += diff.kept.len() as u64;
            if !diff.is_empty() {
                let name = visit.company.canonical_domain.as_ref().map_or(visit.company.name.clone(), ToString::to_string);
                replayed.differing.push(ChangedSite { company: name, diff });
            }
        }
    }
}
