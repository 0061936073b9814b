//! Where answers arrive.

use async_trait::async_trait;

use crate::domain::lead::{Batch, Cursor};
use crate::domain::signal::Arrival;
use crate::error::Result;
use crate::ports::Port;

/// An inbox that is read and never changed.
///
/// **Promises.** `pull` is repeatable and leaves every mail as it was, unread marks included. Arrivals come in the order
/// of their arrival; the cursor of a batch covers exactly what the batch holds.
///
/// **Expects.** The cursor is one this inbox gave, or `None` for the beginning.
///
/// **Errors.** `Unavailable`/`Limited` to be tried later, `Unauthorized` for a refused login.
///
/// **Example.**
/// ```
/// use leadgen_core::domain::lead::{Batch, Cursor};
/// use leadgen_core::domain::signal::Arrival;
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::inbox::Inbox;
///
/// #[derive(Debug)]
/// struct Empty;
///
/// #[async_trait::async_trait]
/// impl Inbox for Empty {
///     fn mailbox(&self) -> &str {
///         "gmail"
///     }
///     async fn pull(&self, _after: Option<&Cursor>) -> Result<Batch<Arrival>> {
///         Ok(Batch { items: vec![], next: None })
///     }
/// }
/// ```
#[async_trait]
pub trait Inbox: Port {
    /// The name of the mailbox it belongs to.
    fn mailbox(&self) -> &str;
    /// What arrived after the cursor.
    async fn pull(&self, after: Option<&Cursor>) -> Result<Batch<Arrival>>;
}
