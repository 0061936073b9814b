//! Hands letters to a mail server, in two steps, because the second can't be taken back.

use async_trait::async_trait;

use crate::domain::mail::{FrozenMail, Mailbox, Receipt};
use crate::error::Result;
use crate::ports::Port;

/// One sending mailbox.
///
/// **Promises.** `offer` connects, logs in and names sender and recipient, and gives the server nothing of the letter.
/// Dropping the offer leaves no trace at the server. `hand_over` gives the letter once, exactly the frozen bytes.
///
/// **Expects.** The caller keeps a mark between the two steps.
///
/// **Errors.** From `offer`: nothing was given. From `hand_over`: `InDoubt` if the server may have the letter; any other
/// error is the server's definite answer. `Unauthorized` means the login is broken, `Refused` a policy verdict,
/// `Rejected` a dead recipient (code = outcome class such as `bad_mailbox`).
///
/// **Example.**
/// ```
/// use leadgen_core::domain::mail::{FrozenMail, Mailbox, Receipt};
/// use leadgen_core::domain::time::Timestamp;
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::transport::{MailTransport, Offer};
///
/// #[derive(Debug)]
/// struct Shelf(Mailbox);
///
/// #[async_trait::async_trait]
/// impl MailTransport for Shelf {
///     fn mailbox(&self) -> &Mailbox {
///         &self.0
///     }
///     async fn offer(&self, _mail: &FrozenMail) -> Result<Box<dyn Offer>> {
///         Ok(Box::new(Open))
///     }
/// }
///
/// struct Open;
///
/// #[async_trait::async_trait]
/// impl Offer for Open {
///     async fn hand_over(self: Box<Self>) -> Result<Receipt> {
///         Ok(Receipt { reply: "250 on the shelf".into(), at: Timestamp::default() })
///     }
/// }
/// ```
#[async_trait]
pub trait MailTransport: Port {
    /// The mailbox letters leave from.
    fn mailbox(&self) -> &Mailbox;
    /// Connects and goes as far as the recipient: nothing is given yet.
    async fn offer(&self, mail: &FrozenMail) -> Result<Box<dyn Offer>>;
}

/// A server that waits for the letter.
#[async_trait]
pub trait Offer: Send {
    /// Gives the letter and waits for the last reply.
    async fn hand_over(self: Box<Self>) -> Result<Receipt>;
}
