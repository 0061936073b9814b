//! A router with one answer, and a mail server that keeps what it was handed.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::mail::{FrozenMail, Mailbox, Receipt, Route};
use crate::domain::mx::MxClass;
use crate::domain::name::EmailAddress;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::router::Router;
use crate::ports::transport::{MailTransport, Offer};

use super::{Faults, Shared};

/// Sends every letter the same way.
///
/// ```
/// use leadgen_core::testing::scripted::FixedRouter;
///
/// let router = FixedRouter::to(["yandex", "gmail"]);
/// ```
#[derive(Clone, Debug)]
pub struct FixedRouter {
    route: Route,
    refused: BTreeMap<String, String>,
}

impl FixedRouter {
    /// Mailboxes in order of preference.
    pub fn to<'a>(mailboxes: impl IntoIterator<Item = &'a str>) -> Self {
        let mailboxes = mailboxes.into_iter().map(str::to_owned).collect();
        let route = Route { class: MxClass::Other, records: vec!["mx.example.net".into()], mailboxes, reason: "mx".into() };
        Self { route, refused: BTreeMap::new() }
    }

    /// Where all recipients' mail lives.
    #[must_use]
    pub fn class(mut self, class: MxClass) -> Self {
        self.route.class = class;
        self
    }

    /// A domain that takes no mail, with the reason.
    #[must_use]
    pub fn refuses(mut self, domain: &str, reason: &str) -> Self {
        self.refused.insert(domain.to_owned(), reason.to_owned());
        self
    }
}

#[async_trait]
impl Router for FixedRouter {
    async fn route(&self, to: &EmailAddress) -> Result<Route> {
        match self.refused.get(to.domain().as_str()) {
            Some(reason) => {
                Err(Error::new(ErrorKind::Rejected, format!("route a letter to {}", to.masked())).code("bad_domain").detail(reason))
            }
            None => Ok(self.route.clone()),
        }
    }
}

/// A mail server that accepts letters and keeps them, unless the script says otherwise.
///
/// ```
/// use leadgen_core::error::{Error, ErrorKind};
/// use leadgen_core::testing::builders::a_mailbox;
/// use leadgen_core::testing::scripted::Outbox;
///
/// let broken = || Error::new(ErrorKind::Unauthorized, "log in").code("auth_broken");
/// let yandex = Outbox::of(a_mailbox("yandex")).refuses_the_offer(broken());
/// assert!(yandex.letters().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Outbox {
    mailbox: Mailbox,
    clock: Arc<dyn Clock>,
    memory: Shared<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    at_offer: Faults,
    at_hand_over: Faults,
    answers_to_lose: u32,
    offered: usize,
    letters: Vec<FrozenMail>,
}

impl Outbox {
    /// The server of a mailbox.
    pub fn of(mailbox: Mailbox) -> Self {
        Self { mailbox, clock: Arc::new(SystemClock), memory: Shared::new(Memory::default()) }
    }

    /// Dates receipts by a clock of yours.
    #[must_use]
    pub fn by(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The next offer fails: nothing is given.
    #[must_use]
    pub fn refuses_the_offer(self, error: Error) -> Self {
        self.memory.lock().at_offer.add(error);
        self
    }

    /// The next letter is refused after it was handed over.
    #[must_use]
    pub fn refuses_the_letter(self, error: Error) -> Self {
        self.memory.lock().at_hand_over.add(error);
        self
    }

    /// The next letter is kept, but the answer is lost on its way.
    #[must_use]
    pub fn loses_an_answer(self) -> Self {
        self.memory.lock().answers_to_lose += 1;
        self
    }

    /// Every letter the server has, in order.
    pub fn letters(&self) -> Vec<FrozenMail> {
        self.memory.lock().letters.clone()
    }

    /// How many letters were offered, whatever came of it.
    pub fn offered(&self) -> usize {
        self.memory.lock().offered
    }
}

#[async_trait]
impl MailTransport for Outbox {
    fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    async fn offer(&self, mail: &FrozenMail) -> Result<Box<dyn Offer>> {
        let mut memory = self.memory.lock();
        memory.offered += 1;
        memory.at_offer.next()?;
        Ok(Box::new(Offered { mail: mail.clone(), outbox: self.clone() }))
    }
}

/// A letter at the door. Dropping it leaves no trace.
struct Offered {
    mail: FrozenMail,
    outbox: Outbox,
}

#[async_trait]
impl Offer for Offered {
    async fn hand_over(self: Box<Self>) -> Result<Receipt> {
        let mut memory = self.outbox.memory.lock();
        memory.at_hand_over.next()?;
        memory.letters.push(self.mail);
        if memory.answers_to_lose > 0 {
            memory.answers_to_lose -= 1;
            return Err(Error::new(ErrorKind::InDoubt, "hear whether the letter was taken").code("delivery_unknown"));
        }
        Ok(Receipt { reply: format!("250 kept as number {}", memory.letters.len()), at: self.outbox.clock.now() })
    }
}
