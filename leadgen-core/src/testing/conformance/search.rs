//! What every search provider promises.

use crate::domain::flow::OperationState;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{Hit, Operation, Progress, RawPage, Submission};
use crate::error::{ErrorKind, Verdict};
use crate::ports::search::SearchProvider;

/// Polls after which an operation should be done.
const PATIENCE: u32 = 50;

/// What the provider under trial is asked.
#[derive(Clone, Debug)]
pub struct Trial {
    /// A query that finds something.
    pub found: SearchQuery,
    /// A query that is answered with "nothing found", if the provider can be asked one.
    pub nothing: Option<SearchQuery>,
}

/// Runs a provider through the suite.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use leadgen_core::testing::builders::a_query;
/// use leadgen_core::testing::conformance::search;
/// use leadgen_core::testing::scripted::{ScriptedSearch, results};
///
/// let provider = ScriptedSearch::answers([results([("https://denta-lux.ru/", "Дента Люкс")])]);
/// search::holds(&provider, search::Trial { found: a_query().build(), nothing: None }).await;
/// # }
/// ```
pub async fn holds(provider: &dyn SearchProvider, trial: Trial) {
    let page = answered(provider, &trial.found).await;
    let hits = read(provider, &page);
    assert!(!hits.is_empty(), "a query that finds something has hits");
    for (index, hit) in hits.iter().enumerate() {
        assert!(!hit.url.trim().is_empty(), "hit {index} has an address");
    }
    let places: Vec<u32> = hits.iter().map(|hit| hit.position).filter(|place| *place > 0).collect();
    assert!(places.is_sorted(), "hits come in the order of their places");
    assert_eq!(read(provider, &page), hits, "a page is read the same twice");
    if let Some(nothing) = &trial.nothing {
        let page = answered(provider, nothing).await;
        assert!(read(provider, &page).is_empty(), "nothing found is an empty list, not an error");
    }
    let garbage = provider.read(&RawPage { bytes: vec![0xFF, 0x00, 0x3C, 0xD0] });
    if let Err(error) = garbage {
        assert_eq!(error.kind(), ErrorKind::Malformed, "what can't be read is malformed: {error}");
        assert_eq!(error.verdict(), Verdict::Reject, "and never tried again: {error}");
    }
}

fn read(provider: &dyn SearchProvider, page: &RawPage) -> Vec<Hit> {
    provider.read(page).unwrap_or_else(|error| panic!("a page of its own can be read: {error}"))
}

/// The page of a query, at once or after some polls.
async fn answered(provider: &dyn SearchProvider, query: &SearchQuery) -> RawPage {
    let handle = match provider.submit(query).await.unwrap_or_else(|error| panic!("a query is taken: {error}")) {
        Submission::Ready(page) => return page,
        Submission::Deferred(handle) => handle,
    };
    assert!(!handle.is_empty(), "an operation has a name");
    let mut operation = Operation {
        id: Operation::id_of(query.id, &handle),
        query_id: query.id,
        handle,
        state: OperationState::Created,
        requested_at: query.scheduled_for,
        polls: 0,
    };
    while operation.polls < PATIENCE {
        match provider.poll(&operation).await.unwrap_or_else(|error| panic!("an operation of its own is polled: {error}")) {
            Progress::Done(page) => return page,
            Progress::Running => operation.polls += 1,
        }
    }
    panic!("an operation is done after {PATIENCE} polls");
}
