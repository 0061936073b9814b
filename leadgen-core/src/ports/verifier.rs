//! Finds out whether an address takes mail.

use async_trait::async_trait;

use crate::domain::name::EmailAddress;
use crate::domain::verification::Verification;
use crate::ports::Port;

/// Judges addresses before anything is written to them.
///
/// **Promises.** No connection to the recipient's mail server. What can't be found out is an answer (unknown, with its
/// cause), not an error.
///
/// **Expects.** `before`: what was known of the address so far; a name that is missing twice, an hour apart, is gone.
///
/// **Example.**
/// ```
/// use leadgen_core::domain::name::EmailAddress;
/// use leadgen_core::domain::verification::Verification;
/// use leadgen_core::ports::verifier::Verifier;
///
/// #[derive(Debug)]
/// struct Trusting;
///
/// #[async_trait::async_trait]
/// impl Verifier for Trusting {
///     async fn verify(&self, _address: &EmailAddress, _before: &Verification) -> Verification {
///         Verification::not_checked()
///     }
/// }
/// ```
#[async_trait]
pub trait Verifier: Port {
    /// What is known of an address now.
    async fn verify(&self, address: &EmailAddress, before: &Verification) -> Verification;
}
