//! Two companies that may be one, what a person says to it, and what was moved when they became one.

use serde::{Deserialize, Serialize};

use crate::domain::company::{Company, Suspect};
use crate::domain::contact::Contact;
use crate::domain::flow::{CompanyState, MessageState};
use crate::domain::id::Id;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::domain::words::words;
use crate::error::{Error, ErrorKind, Result};

words! {
    /// Where a pair stands.
    PairState {
        /// A person should look. What is learnt later may make them one by itself, but not where a person took a word back:
        /// those are two until a person says otherwise.
        Pending = "pending",
        /// They were made one because their names agree, though their domains don't: a person should look.
        Linked = "linked",
        /// They were made one on good grounds.
        Merged = "merged",
        /// A person said that they are one.
        Confirmed = "confirmed",
        /// A person said that they are two. They never become one again by themselves.
        Rejected = "rejected",
    }
}

/// What a person says to a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairEvent {
    /// They are one.
    Confirm,
    /// They are two.
    Reject,
    /// As if nobody had said anything; what was made one without asking is parted.
    Undo,
    /// What was said of others parts these two as well: they were one with companies that are two.
    Untie,
}

impl PairState {
    /// The next state.
    pub fn after(self, event: PairEvent) -> Result<Self> {
        match (self, event) {
            (Self::Pending | Self::Linked | Self::Merged, PairEvent::Confirm) => Ok(Self::Confirmed),
            (Self::Pending | Self::Linked | Self::Merged | Self::Confirmed, PairEvent::Reject) => Ok(Self::Rejected),
            (Self::Linked | Self::Merged, PairEvent::Undo) => Ok(Self::Rejected),
            (Self::Confirmed | Self::Rejected, PairEvent::Undo) => Ok(Self::Pending),
            (Self::Linked | Self::Merged | Self::Confirmed, PairEvent::Untie) => Ok(Self::Pending),
            _ => Err(Error::new(ErrorKind::Conflict, format!("move a pair from {self} by {event:?}")).code("illegal_transition")),
        }
    }

    /// Whether the two are one.
    pub fn is_one(self) -> bool {
        matches!(self, Self::Linked | Self::Merged | Self::Confirmed)
    }
}

/// One side of a pair, as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PairSide {
    /// The company.
    pub id: Id<Company>,
    /// Its name.
    pub name: String,
    /// Its host, or empty.
    pub domain: String,
    /// Its city, or empty.
    pub region: String,
    /// Where it stands.
    pub status: CompanyState,
}

/// Two companies that may be one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TwinPair {
    /// Made of the two, in any order.
    pub id: Id<TwinPair>,
    /// One.
    pub first: PairSide,
    /// The other.
    pub second: PairSide,
    /// Where the pair stands.
    pub state: PairState,
    /// The rule that brought them together.
    pub rule: String,
    /// How sure it is, 0 to 1.
    pub score: f64,
    /// What was compared, as JSON.
    pub features: String,
    /// Who decided last: a person, or `pipeline`.
    pub decided_by: String,
    /// When.
    pub decided_at: Timestamp,
}

impl TwinPair {
    /// The id of a pair.
    pub fn id_of(a: Id<Company>, b: Id<Company>) -> Id<Self> {
        Id::of(&["pair", &a.min(b).to_string(), &a.max(b).to_string()])
    }
}

/// Why a letter stands aside whose company is one with another that is written to.
pub const MERGED: &str = "merged: its company is one with another that is written to";

/// What a merge moved: enough to take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The company that became a duplicate.
    pub from: Id<Company>,
    /// The company it became a duplicate of.
    pub to: Id<Company>,
    /// Where it stood.
    pub was: CompanyState,
    /// Why it stood there.
    pub reason: Option<String>,
    /// Its contacts.
    pub contacts: Vec<Id<Contact>>,
    /// Those of them that were primary.
    pub primaries: Vec<Id<Contact>>,
    /// The address of the other that became primary by the merge, if it had none before.
    #[serde(default)]
    pub chosen: Option<Id<Contact>>,
    /// Where the other stood, and why, if it is ready only by its addresses.
    #[serde(default)]
    pub lifted: Option<(CompanyState, Option<String>)>,
    /// Its letters that were put aside because the other is written to, and where each stood.
    #[serde(default)]
    pub letters: Vec<(Id<Message>, MessageState)>,
    /// Its results; those that were `unique` became `dup_fuzzy`.
    pub results: Vec<Id<Suspect>>,
    /// Those of its results that were `unique`.
    pub unique: Vec<Id<Suspect>>,
    /// Its hosts.
    pub hosts: Vec<String>,
    /// Companies that were duplicates of it.
    pub members: Vec<Id<Company>>,
}

/// What looking at all companies once more came to (DEDUP-8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Regrouped {
    /// Companies looked at.
    pub companies: u64,
    /// Companies that stand for themselves or for a group.
    pub primaries: u64,
    /// Companies that became duplicates just now.
    pub duplicates_marked: u64,
    /// Pairs that a person should look at, new ones.
    pub pairs: u64,
    /// Keys that were put right.
    pub hash_updates: u64,
    /// Rows that changed in all.
    pub updated: u64,
    /// Keys under which more companies stand than are compared.
    pub full_blocks: u64,
    /// Comparisons left out because of that, at most.
    pub left_out: u64,
}

/// Why a person's word can't make two companies one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOne {
    /// A member of one group was parted from a member of the other.
    Parted,
    /// One of them wants no letters, and the other was written to or wants none either.
    Refused,
    /// Both were written to.
    WrittenTo,
}

impl NotOne {
    /// What a person is told, with what to do.
    pub fn error(self) -> Error {
        let why = match self {
            Self::Parted => "a member of one group was parted from a member of the other: take that word back first",
            Self::Refused => {
                "one of them wants no letters, and the other was written to or wants none either: each keeps what it was sent and said. If they are \
                 one firm, add the other one's domain to the opt-outs, so that it gets no letter either"
            }
            Self::WrittenTo => "both were written to already: each keeps what it was sent and answered",
        };
        Error::new(ErrorKind::Conflict, "make two companies one").code("not_one").detail(why)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_was_parted_waits_for_a_person_and_never_joins_by_itself() {
        assert_eq!(PairState::Merged.after(PairEvent::Undo).unwrap(), PairState::Rejected);
        assert_eq!(PairState::Confirmed.after(PairEvent::Undo).unwrap(), PairState::Pending);
        assert_eq!(PairState::Rejected.after(PairEvent::Undo).unwrap(), PairState::Pending);
        assert!(PairState::Rejected.after(PairEvent::Confirm).is_err(), "take the no back first");
        assert!(PairState::Pending.after(PairEvent::Undo).is_err());
    }
}
