//! Send: a frozen letter goes out, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::mail::{FrozenMail, Receipt};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::desk::{OnceWorker, Ready};
use crate::ports::transport::{MailTransport, Offer};
use crate::ports::work::SendLetter;

/// Hands letters to the transport of their mailbox.
#[derive(Debug)]
pub struct Send {
    /// The transports by mailbox name.
    pub transports: BTreeMap<String, Arc<dyn MailTransport>>,
}

#[async_trait]
impl OnceWorker<SendLetter> for Send {
    async fn prepare(&self, mail: &FrozenMail) -> Result<Box<dyn Ready<SendLetter>>> {
        let transport = self.transports.get(&mail.mailbox).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("send from the mailbox {}", mail.mailbox))
                .code("auth_broken")
                .detail("no such mailbox is configured any more")
        })?;
        Ok(Box::new(Offered(transport.offer(mail).await?)))
    }
}

struct Offered(Box<dyn Offer>);

#[async_trait]
impl Ready<SendLetter> for Offered {
    async fn finish(self: Box<Self>) -> Result<Receipt> {
        self.0.hand_over().await
    }
}
