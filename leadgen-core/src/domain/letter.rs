//! A letter before it is a message: whom it is for, what it may say, what it says.

use crate::domain::company::Company;
use crate::domain::contact::Contact;
use crate::domain::id::Id;
use crate::domain::name::EmailAddress;
use crate::domain::verification::Verification;

/// A company a first letter may be written to.
#[derive(Clone, Debug, PartialEq)]
pub struct Prospect {
    /// The company.
    pub company: Company,
    /// The contact the letter would go to.
    pub contact_id: Id<Contact>,
    /// Its address.
    pub to: EmailAddress,
    /// Whether it takes mail, as far as known.
    pub verification: Verification,
    /// The page the address was found on.
    pub source_url: String,
    /// What its home page says; untrusted text.
    pub excerpt: String,
    /// The campaign: the batch tag.
    pub campaign: String,
}

/// All a drafter is told. Page text is data: it never changes the instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// The company's name.
    pub company: String,
    /// Its domain, if it has one.
    pub domain: Option<String>,
    /// Its city, or empty.
    pub city: String,
    /// What it does.
    pub niche: String,
    /// What its home page says, at most 6,000 characters; untrusted text.
    pub excerpt: String,
    /// Who writes.
    pub sender: SenderProfile,
}

/// Who writes and what is offered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct SenderProfile {
    /// The person: "Анна Ковалёва".
    pub person: String,
    /// The firm: "Студия «Пример»".
    pub firm: String,
    /// One sentence on what is offered.
    pub offer: String,
    /// The recipient's use of it in one sentence.
    pub benefit: String,
}

/// Subject and body, without the footer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text with `\n` line ends.
    pub body: String,
}

/// What the draft stage hands to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafted {
    /// The letter with its footer.
    pub letter: Letter,
    /// Who wrote it: `template`, or the model's name.
    pub drafter: String,
    /// What a person would approve: the hash over recipient, text, mailboxes and policy.
    pub approval_hash: String,
    /// Whether a person must read it first.
    pub needs_review: bool,
    /// What was found out of the recipient's address, if it was looked at.
    pub verification: Option<Verification>,
}
