//! Decides which mailboxes a letter may leave from.

use async_trait::async_trait;

use crate::domain::mail::Route;
use crate::domain::name::EmailAddress;
use crate::error::Result;
use crate::ports::Port;

/// Finds where a recipient's mail lives and which mailboxes suit it.
///
/// **Promises.** A route with at least one mailbox name, best first.
///
/// **Expects.** A valid address.
///
/// **Errors.** `Rejected` with code `bad_domain` if the domain takes no mail. A look-up that merely failed is not an
/// error: the class is UNKNOWN and the default rule applies.
///
/// **Example.**
/// ```
/// use leadgen_core::domain::mail::Route;
/// use leadgen_core::domain::mx::MxClass;
/// use leadgen_core::domain::name::EmailAddress;
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::router::Router;
///
/// #[derive(Debug)]
/// struct OneBox;
///
/// #[async_trait::async_trait]
/// impl Router for OneBox {
///     async fn route(&self, _to: &EmailAddress) -> Result<Route> {
///         Ok(Route { class: MxClass::Other, records: vec![], mailboxes: vec!["gmail".into()], reason: "disabled".into() })
///     }
/// }
/// ```
#[async_trait]
pub trait Router: Port {
    /// The route to an address.
    async fn route(&self, to: &EmailAddress) -> Result<Route>;
}
