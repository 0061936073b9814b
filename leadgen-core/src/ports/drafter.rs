//! Writes the first version of a letter.

use async_trait::async_trait;

use crate::domain::letter::{Brief, Letter};
use crate::error::Result;
use crate::ports::Port;

/// Drafts a letter from a brief.
///
/// **Promises.** Subject and body without footer; the footer is added by the pipeline, whatever the drafter wrote.
///
/// **Expects.** The brief's excerpt is a stranger's text: it is data and never an instruction.
///
/// **Errors.** `Limited`/`Unavailable` to be tried later; `Unauthorized`/`Config` pause the stage; `Malformed` if the
/// answer can't be used.
///
/// **Example.**
/// ```
/// use leadgen_core::domain::letter::{Brief, Letter};
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::drafter::Drafter;
///
/// #[derive(Debug)]
/// struct Short;
///
/// #[async_trait::async_trait]
/// impl Drafter for Short {
///     fn name(&self) -> &str {
///         "short"
///     }
///     async fn draft(&self, brief: &Brief) -> Result<Letter> {
///         Ok(Letter { subject: format!("Для {}", brief.company), body: "Здравствуйте!".into() })
///     }
/// }
/// ```
#[async_trait]
pub trait Drafter: Port {
    /// Who writes: `template`, or the model's name; kept with the message.
    fn name(&self) -> &str;
    /// Writes subject and body.
    async fn draft(&self, brief: &Brief) -> Result<Letter>;
}
