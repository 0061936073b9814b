//! Finds a company's public business contacts.

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::Findings;
use crate::error::Result;
use crate::ports::Port;

/// Visits wherever a company shows its contacts.
///
/// **Promises.** Only public business contacts, each with its source. Politeness is the extractor's own business:
/// robots.txt, pacing, budgets. Nothing found is not an error: [`Findings::reason`] says why.
///
/// **Expects.** A company with a domain.
///
/// **Errors.** `Unavailable` if another try later may help; `Rejected` if it never will.
///
/// **Example.**
/// ```
/// use leadgen_core::domain::company::Company;
/// use leadgen_core::domain::contact::Findings;
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::contacts::ContactExtractor;
///
/// #[derive(Debug)]
/// struct Nothing;
///
/// #[async_trait::async_trait]
/// impl ContactExtractor for Nothing {
///     async fn extract(&self, _company: &Company) -> Result<Findings> {
///         Ok(Findings { reason: Some("contacts_not_found".into()), ..Findings::default() })
///     }
/// }
/// ```
#[async_trait]
pub trait ContactExtractor: Port {
    /// Finds the contacts of a company.
    async fn extract(&self, company: &Company) -> Result<Findings>;
}
