//! A suite for each port: whoever implements one runs it through its suite, and each check that fails says which promise
//! was broken.

use crate::domain::flow::OperationState;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{Operation, Progress, RawPage, Submission};
use crate::error::ErrorKind;
use crate::ports::search::SearchProvider;

/// Polls after which a provider that is still at work has broken its word.
const POLLS: u32 = 1000;

/// A search provider: asked once, it ends in a page that reads the same every time. `broken` is a page it can't read.
pub async fn search(provider: &dyn SearchProvider, query: &SearchQuery, broken: Option<&RawPage>) {
    let page = match provider.submit(query).await.expect("a plain query is taken") {
        Submission::Ready(page) => page,
        Submission::Deferred(handle) => collect(provider, query, handle).await,
    };
    let hits = provider.read(&page).expect("a page of its own can be read");
    assert_eq!(hits, provider.read(&page).expect("and read again"), "reading is pure: the same page gives the same hits");
    assert!(hits.iter().all(|hit| !hit.url.is_empty()), "a hit has an address");
    if let Some(broken) = broken {
        let refusal = provider.read(broken).expect_err("a broken page is no empty list");
        assert!(matches!(refusal.kind(), ErrorKind::Malformed | ErrorKind::Limited), "a broken page is Malformed: {refusal}");
    }
}

async fn collect(provider: &dyn SearchProvider, query: &SearchQuery, handle: String) -> RawPage {
    assert!(!handle.is_empty(), "an operation has a name");
    for polls in 0..POLLS {
        let operation = Operation {
            id: Operation::id_of(query.id, &handle),
            query_id: query.id,
            handle: handle.clone(),
            state: if polls == 0 { OperationState::Created } else { OperationState::Running },
            requested_at: query.scheduled_for,
            polls,
        };
        if let Progress::Done(page) = provider.poll(&operation).await.expect("an operation of its own can be polled") {
            return page;
        }
    }
    panic!("an operation ends within {POLLS} polls");
}
