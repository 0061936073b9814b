//! A search engine.

use async_trait::async_trait;

use crate::domain::query::SearchQuery;
use crate::domain::serp::{Hit, Operation, Progress, RawPage, Submission};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Port;

/// Asks queries and reads the pages that come back.
///
/// **Promises.** `submit` makes at most one paid request. A slow provider returns [`Submission::Deferred`] and is polled;
/// a quick one returns [`Submission::Ready`]. `read` is pure: a stored page is read again for free, with the same result.
///
/// **Expects.** The query was marked before `submit`. `poll` gets operations that this provider made.
///
/// **Errors.** From `submit`: `InDoubt` if the request may have been accepted and the answer is lost; anything else means
/// it was definitely not accepted. `Limited` for quotas, `Unauthorized` for refused credentials, `Rejected` for a query
/// that will never be taken. From `poll`: `Rejected` if the operation failed for good, with code `operation_expired` if
/// its result is gone. From `read`: `Malformed` if the page can't be read, `Limited` if it carries a quota error; a page
/// that says "nothing found" is an empty list.
///
/// **Example.**
/// ```
/// use leadgen_core::domain::query::SearchQuery;
/// use leadgen_core::domain::serp::{Hit, RawPage, Submission};
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::search::SearchProvider;
///
/// #[derive(Debug)]
/// struct Always;
///
/// #[async_trait::async_trait]
/// impl SearchProvider for Always {
///     async fn submit(&self, _query: &SearchQuery) -> Result<Submission> {
///         Ok(Submission::Ready(RawPage { bytes: b"https://firma.ru/".to_vec() }))
///     }
///     fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
///         Ok(vec![Hit::new(String::from_utf8_lossy(&page.bytes), "Firma")])
///     }
/// }
/// ```
#[async_trait]
pub trait SearchProvider: Port {
    /// Asks a query.
    async fn submit(&self, query: &SearchQuery) -> Result<Submission>;
    /// Looks whether a deferred operation is done.
    async fn poll(&self, operation: &Operation) -> Result<Progress> {
        Err(Error::new(ErrorKind::Config, format!("poll {}", operation.handle)).detail("this provider never defers"))
    }
    /// Reads a page.
    fn read(&self, page: &RawPage) -> Result<Vec<Hit>>;
}
