//! Route: an approved letter gets its mailbox and its bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::mail::{FrozenMail, Mailbox};
use crate::domain::message::Message;
use crate::domain::name::EmailAddress;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::desk::Worker;
use crate::pipeline::policy::Correspondence;
use crate::ports::clock::Clock;
use crate::ports::entropy::{self, Entropy};
use crate::ports::router::Router;
use crate::ports::work::RouteLetter;
use crate::rules::compose::{Composition, compose};
use crate::rules::gate;

/// Finds the way of letters.
#[derive(Debug)]
pub struct Route {
    /// Knows where recipients' mail lives.
    pub router: Arc<dyn Router>,
    /// The mailboxes that can send, by name.
    pub mailboxes: BTreeMap<String, Mailbox>,
    /// What every letter carries.
    pub correspondence: Arc<Correspondence>,
    /// For `Date`.
    pub clock: Arc<dyn Clock>,
    /// For Message-IDs.
    pub entropy: Arc<dyn Entropy>,
}

#[async_trait]
impl Worker<RouteLetter> for Route {
    async fn work(&self, message: &Message) -> Result<(FrozenMail, Vec<String>)> {
        // Its bytes are frozen here: what does not say who writes, and by what right, must never lie ready to leave.
        self.correspondence.identified()?;
        let policy = self.correspondence.fingerprint();
        let approved = gate::approval_hash(&message.to, &message.letter.subject, &message.letter.body, &policy);
        if approved != message.approval_hash {
            return Err(Error::new(ErrorKind::Refused, format!("route the letter to {}", message.to.masked()))
                .code("approval_stale")
                .detail(
                    "the sender, the lawful basis or the way out changed after it was written; `leadgen draft --again` writes it anew",
                ));
        }
        let route = self.router.route(&message.to).await?;
        let usable: Vec<String> = route.mailboxes.iter().filter(|name| self.mailboxes.contains_key(*name)).cloned().collect();
        let chosen = usable.iter().find(|name| !message.tried_mailboxes.contains(name)).and_then(|name| self.mailboxes.get(name));
        let mailbox = chosen.ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, format!("find a mailbox for {}", message.to.masked()))
                .code("no_mailbox")
                .detail(format!("its rule names {}; configured and working: none", route.mailboxes.join(", ")))
        })?;
        let fallback = route.mailboxes.first() != Some(&mailbox.name);
        let (bytes, message_id) = self.freeze(message, mailbox)?;
        let frozen = FrozenMail {
            message: message.id,
            mailbox: mailbox.name.clone(),
            from: mailbox.from.clone(),
            to: message.to.clone(),
            message_id,
            bytes,
            class: route.class,
            records: route.records,
            fallback,
        };
        Ok((frozen, usable))
    }
}

impl Route {
    fn freeze(&self, message: &Message, mailbox: &Mailbox) -> Result<(Vec<u8>, String)> {
        let mailto = match &self.correspondence.unsubscribe_mailto {
            Some(address) => EmailAddress::parse(address)?,
            None => mailbox.from.clone(),
        };
        let composed = compose(&Composition {
            from: &mailbox.from,
            from_name: &mailbox.from_name,
            to: &message.to,
            subject: &message.letter.subject,
            body: &message.letter.body,
            date: self.clock.now(),
            zone: self.correspondence.zone,
            random: entropy::sixteen(self.entropy.as_ref()),
            outbox_id: message.id.uuid().simple().to_string(),
            unsubscribe_url: self.correspondence.link(message.id),
            unsubscribe_mailto: &mailto,
            token: self.correspondence.token(message.id).unwrap_or_default(),
        })?;
        Ok((composed.bytes, composed.message_id))
    }
}
