//! What comes back: a mail in our inbox, and what it means to us.

use crate::domain::name::EmailAddress;
use crate::domain::time::Timestamp;
use crate::domain::words::words;

/// A mail as it lies in an inbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The mailbox it lies in.
    pub mailbox: String,
    /// What names it within the mailbox, whatever place it has there: a hash of its content.
    pub key: String,
    /// The whole mail, cut at the size limit.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Arrival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arrival({} {} {} bytes)", self.mailbox, self.key, self.bytes.len())
    }
}

words! {
    /// What an arrival means to us.
    SignalKind {
        /// The address does not exist or refuses for good.
        HardBounce = "hard_bounce",
        /// A bounce that may pass: full mailbox, greylisting that ran out.
        SoftBounce = "soft_bounce",
        /// Still being tried by a server on the way.
        Delayed = "delayed",
        /// Refused by policy or reputation.
        PolicyBounce = "policy_bounce",
        /// Called spam by its reader.
        Complaint = "complaint",
        /// A machine answered.
        AutoReply = "auto_reply",
        /// A person answered.
        Reply = "reply",
        /// A person wants no more letters.
        Stop = "stop",
        /// Not about our letters.
        Unrelated = "unrelated",
    }
}

/// An arrival, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The mailbox it lies in.
    pub mailbox: String,
    /// Its place there.
    pub key: String,
    /// What it means.
    pub kind: SignalKind,
    /// The intent of a reply: `interested`, `question`, `not_interested` …; empty otherwise.
    pub intent: String,
    /// Message-IDs it quotes, without angle brackets; ours may be among them.
    pub quoted_ids: Vec<String>,
    /// The address it is about: the bounced recipient, or the sender of a reply.
    pub about: Option<EmailAddress>,
    /// What the server or the person said, at most 500 characters.
    pub text: String,
    /// When it was read.
    pub at: Timestamp,
}
