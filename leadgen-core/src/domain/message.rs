//! A message: a letter on its way through approval, routing and sending.

use crate::domain::company::Company;
use crate::domain::contact::Contact;
use crate::domain::flow::{Delivery, MessageState};
use crate::domain::id::Id;
use crate::domain::letter::Letter;
use crate::domain::name::EmailAddress;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};

/// A letter to one address, one step of one campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Made of contact, campaign and step.
    pub id: Id<Message>,
    /// The company written to.
    pub company_id: Id<Company>,
    /// The company's name, for lists.
    pub company_name: String,
    /// The contact written to.
    pub contact_id: Id<Contact>,
    /// The campaign: the batch tag.
    pub campaign: String,
    /// 1 is the first letter.
    pub step: u32,
    /// The recipient.
    pub to: EmailAddress,
    /// Subject and body with footer.
    pub letter: Letter,
    /// Where it stands.
    pub state: MessageState,
    /// What came back.
    pub delivery: Option<Delivery>,
    /// What an approval covers.
    pub approval_hash: String,
    /// Mailboxes that broke on it; it is not routed to them again.
    pub tried_mailboxes: Vec<String>,
    /// The first error that made it leave its mailbox.
    pub route_error: Option<String>,
    /// Its turn, once queued.
    pub scheduled_for: Option<Timestamp>,
    /// When the server accepted it.
    pub sent_at: Option<Timestamp>,
    /// The mailbox it left from.
    pub mailbox: Option<String>,
    /// Its Message-ID without angle brackets, once frozen.
    pub message_id: Option<String>,
    /// Attempts past the mark.
    pub attempts: u32,
    /// Why it stands where it stands.
    pub last_error: Option<String>,
}

impl Message {
    /// Whether it may be taken back and written anew: nobody approved it for good and no server was offered it.
    pub fn may_be_withdrawn(&self) -> Result<()> {
        match self.state {
            MessageState::Draft | MessageState::Held if self.attempts == 0 => Ok(()),
            state => Err(Error::new(ErrorKind::Conflict, format!("write the letter to {} anew", self.to.masked()))
                .code("illegal_transition")
                .detail(format!("it is {state}; only drafts that were never offered to a server can be taken back"))),
        }
    }

    /// The id of a step of a campaign to a contact.
    pub fn id_of(contact: Id<Contact>, campaign: &str, step: u32) -> Id<Self> {
        Id::of(&["message", &contact.to_string(), campaign, &step.to_string()])
    }
}
