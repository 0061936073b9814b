//! Mailboxes, routes, frozen bytes and receipts.

use crate::domain::id::Id;
use crate::domain::message::Message;
use crate::domain::mx::MxClass;
use crate::domain::name::EmailAddress;
use crate::domain::time::Timestamp;

/// A sending account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Its name in rules and reports: `yandex`, `gmail`.
    pub name: String,
    /// The From address: exactly the account, or an alias the provider has verified.
    pub from: EmailAddress,
    /// The name shown beside it.
    pub from_name: String,
    /// At most so many letters in any 24 hours.
    pub daily_cap: u32,
}

/// Which mailboxes a letter may leave from, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where the recipient's mail lives.
    pub class: MxClass,
    /// The mail hosts found, best first.
    pub records: Vec<String>,
    /// Mailbox names in order of preference; never empty.
    pub mailboxes: Vec<String>,
    /// Why, in a word: `mx`, `forced`, `disabled`, `implicit_mx`, `temp_error` …
    pub reason: String,
}

/// Bytes that leave as they are, however often they are offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenMail {
    /// The message these bytes belong to.
    pub message: Id<Message>,
    /// The mailbox it leaves from.
    pub mailbox: String,
    /// Envelope sender.
    pub from: EmailAddress,
    /// Envelope recipient.
    pub to: EmailAddress,
    /// Message-ID without angle brackets.
    pub message_id: String,
    /// Header and body with CRLF line ends.
    pub bytes: Vec<u8>,
    /// Where the recipient's mail lives.
    pub class: MxClass,
    /// The mail hosts found.
    pub records: Vec<String>,
    /// Whether another mailbox was preferred and could not be taken.
    pub fallback: bool,
}

/// The server's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The last reply, as one line.
    pub reply: String,
    /// When it came.
    pub at: Timestamp,
}

/// How a mailbox is doing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MailboxHealth {
    /// Its name.
    pub name: String,
    /// Letters marked in the last 24 hours.
    pub sent_24h: u32,
    /// Its cap.
    pub daily_cap: u32,
    /// Paused until then, if it is paused.
    pub paused_until: Option<Timestamp>,
    /// Why it is paused.
    pub pause_reason: Option<String>,
    /// When a letter was last marked.
    pub last_marked_at: Option<Timestamp>,
}
