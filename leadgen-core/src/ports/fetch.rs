//! Gets one page of the web, politely and within bounds. Serves extractors, not stages.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::domain::page::Validators;
use crate::error::Result;
use crate::ports::Port;

/// A page as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it was found in the end, redirects followed.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header, if there was one.
    pub content_type: Option<String>,
    /// The body, unpacked, cut at the size limit.
    pub body: Vec<u8>,
    /// Whether the body was cut.
    pub truncated: bool,
    /// By which the page can be asked for again.
    pub validators: Validators,
    /// How long its transfer took, pauses before it not counted.
    pub spent: Duration,
}

/// Fetches pages.
///
/// **Promises.** Size, time, redirects and target addresses are bounded by the fetcher; pacing and robots.txt are kept
/// for every host. A status that is not 2xx is a page, not an error.
///
/// **Expects.** http or https.
///
/// **Errors.** `Rejected` with code `robots_disallowed` or `target_refused` if it may not go there; `Unavailable` if
/// nothing came; `Limited` if the host asks for a pause.
///
/// **Example.**
/// ```
/// use std::time::Duration;
/// use leadgen_core::domain::page::Validators;
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::fetch::{Fetcher, Page};
/// use url::Url;
///
/// #[derive(Debug)]
/// struct Blank;
///
/// #[async_trait::async_trait]
/// impl Fetcher for Blank {
///     async fn fetch(&self, url: &Url) -> Result<Page> {
///         let (validators, spent) = (Validators::default(), Duration::ZERO);
///         Ok(Page { url: url.clone(), status: 404, content_type: None, body: vec![], truncated: false, validators, spent })
///     }
/// }
/// ```
#[async_trait]
pub trait Fetcher: Port {
    /// Gets one page.
    async fn fetch(&self, url: &Url) -> Result<Page>;

    /// Gets a page unless it is still the one that was found at `at`: then the status is 304 and there is no body. Who
    /// can't ask so gets it anyway.
    async fn refetch(&self, url: &Url, at: &Url, known: &Validators) -> Result<Page> {
        let (_, _) = (at, known);
        self.fetch(url).await
    }

    /// The maps that the site at an address names, as far as they are known. Asks nothing.
    async fn maps(&self, site: &Url) -> Vec<Url> {
        let _ = site;
        Vec::new()
    }
}
