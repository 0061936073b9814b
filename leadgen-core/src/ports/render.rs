//! Shows a page as it stands once its scripts have run. Serves extractors, not stages.

use async_trait::async_trait;

use crate::domain::page::Ask;
use crate::error::Result;
use crate::ports::Port;
use crate::ports::fetch::Page;

/// Brings what a page asks for while it is rendered, or says why not.
///
/// **Promises.** Whatever holds for pages that are fetched holds for what is supplied: robots.txt, pace, checked addresses,
/// bounds. **Errors.** A page that asks for what it may not have is refused it; rendering goes on.
#[async_trait]
pub trait Supply: Send + Sync {
    /// Brings one thing.
    async fn supply(&self, ask: &Ask) -> Result<Page>;
}

/// Renders pages.
///
/// **Promises.** Reaches nothing by itself: all that a page asks for, it asks of the supply, and what it can't ask of the
/// supply it does not get. Time and size are bounded whatever the page does, and nothing of one page is there for the next.
/// The page that is given is not asked for again.
///
/// **Expects.** A page of HTML that was fetched.
///
/// **Errors.** `Unavailable` if the page does not come to rest, or whoever renders it breaks down; `Malformed` if what it
/// says can't be read; `Config` if it can't be started.
///
/// **Example.**
/// ```
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::fetch::Page;
/// use leadgen_core::ports::render::{PageRenderer, Supply};
///
/// /// Shows pages as a browser without scripts does.
/// #[derive(Debug)]
/// struct Plain;
///
/// #[async_trait::async_trait]
/// impl PageRenderer for Plain {
///     async fn render(&self, page: &Page, _supply: &dyn Supply) -> Result<Page> {
///         Ok(page.clone())
///     }
/// }
/// ```
#[async_trait]
pub trait PageRenderer: Port {
    /// The page, as it stands in the end.
    async fn render(&self, page: &Page, supply: &dyn Supply) -> Result<Page>;
}
