//! Every state machine of the house on one page. A move is the pure function `state.after(event)`; stores keep
//! only what it returned, so an illegal move is refused everywhere in the same words.

use crate::domain::words::words;
use crate::error::{Error, ErrorKind, Result};

fn illegal<T>(what: &str, state: &str, event: impl std::fmt::Debug) -> Result<T> {
    Err(Error::new(ErrorKind::Conflict, format!("move a {what} from {state} by {event:?}")).code("illegal_transition"))
}

words! {
    /// The life of a niche: a row of the sheet.
    NicheState {
        /// Taken in, not planned yet.
        Admitted = "admitted",
        /// Its queries exist.
        Planned = "planned",
        /// It can't be planned; the row says why.
        Failed = "failed",
    }
}

/// What can happen to a niche.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NicheEvent {
    /// Its queries were stored.
    Plan,
    /// It can't be planned.
    Fail,
    /// Its row says NEW again.
    Readmit,
}

impl NicheState {
    /// The state after an event.
    pub fn after(self, event: NicheEvent) -> Result<Self> {
        match (self, event) {
            (Self::Admitted, NicheEvent::Plan) => Ok(Self::Planned),
            (Self::Admitted, NicheEvent::Fail) => Ok(Self::Failed),
            (_, NicheEvent::Readmit) => Ok(Self::Admitted),
            (Self::Planned | Self::Failed, NicheEvent::Plan | NicheEvent::Fail) => illegal("niche", self.as_str(), event),
        }
    }
}

words! {
    /// The life of a search query.
    QueryState {
        /// Waits for its slot.
        Pending = "pending",
        /// Marked: it may have been asked (and paid).
        InProgress = "in_progress",
        /// Its results are stored.
        Completed = "completed",
        /// Given up; a person may reopen it.
        Failed = "failed",
    }
}

/// What can happen to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryEvent {
    /// The point of no return before the paid call.
    Mark,
    /// Its results were stored.
    Complete,
    /// It will be asked again on a later night.
    PutBack,
    /// Given up.
    Fail,
    /// A person wants it asked again, after its end.
    Reopen,
}

impl QueryState {
    /// The state after an event.
    pub fn after(self, event: QueryEvent) -> Result<Self> {
        match (self, event) {
            (Self::Pending, QueryEvent::Mark) => Ok(Self::InProgress),
            (Self::InProgress, QueryEvent::Complete) => Ok(Self::Completed),
            (Self::InProgress, QueryEvent::PutBack) | (Self::Completed | Self::Failed, QueryEvent::Reopen) => Ok(Self::Pending),
            (Self::Pending | Self::InProgress, QueryEvent::Fail) => Ok(Self::Failed),
            _ => illegal("query", self.as_str(), event),
        }
    }
}

words! {
    /// The life of an operation at the search provider.
    OperationState {
        /// Accepted by the provider, not polled yet.
        Created = "created",
        /// Polled, not finished.
        Running = "running",
        /// Its page is kept.
        Done = "done",
        /// It ended in an error, or its page can't be read.
        Failed = "failed",
        /// The provider keeps results no longer.
        Expired = "expired",
    }
}

/// What can happen to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationEvent {
    /// Polled: still at work.
    Wait,
    /// Polled: its page is kept.
    Finish,
    /// It failed.
    Fail,
    /// Too old to be collected.
    Expire,
}

impl OperationState {
    /// Whether it still waits for the provider.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Running)
    }

    /// The state after an event.
    pub fn after(self, event: OperationEvent) -> Result<Self> {
        match (self, event) {
            (Self::Created | Self::Running, OperationEvent::Wait) => Ok(Self::Running),
            (Self::Created | Self::Running, OperationEvent::Finish) => Ok(Self::Done),
            (Self::Created | Self::Running | Self::Done, OperationEvent::Fail) => Ok(Self::Failed),
            (Self::Created | Self::Running, OperationEvent::Expire) => Ok(Self::Expired),
            _ => illegal("operation", self.as_str(), event),
        }
    }
}

words! {
    /// What deduplication made of a search result.
    ResultState {
        /// Not looked at yet.
        New = "new",
        /// The first of its company.
        Unique = "unique",
        /// Same host as a known company.
        DupHost = "dup_host",
        /// A host that the site of a known company leads to.
        DupCanonical = "dup_canonical",
        /// Same registrable domain.
        DupFamily = "dup_family",
        /// A very similar name; a person may part them again.
        DupFuzzy = "dup_fuzzy",
    }
}

/// What can happen to a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultEvent {
    /// Deduplication judged it; the state says how. `New` is no judgement.
    Judge(ResultState),
    /// A person says the fuzzy pair are two companies.
    Part,
    /// A person says it is the same company after all.
    Join,
}

impl ResultState {
    /// The state after an event.
    pub fn after(self, event: ResultEvent) -> Result<Self> {
        match (self, event) {
            (Self::New, ResultEvent::Judge(verdict)) if verdict != Self::New => Ok(verdict),
            (Self::DupFuzzy, ResultEvent::Part) => Ok(Self::Unique),
            (Self::Unique, ResultEvent::Join) => Ok(Self::DupFuzzy),
            _ => illegal("result", self.as_str(), event),
        }
    }
}

words! {
    /// The life of a company.
    CompanyState {
        /// Found, its site not read yet.
        New = "new",
        /// It has a primary e-mail.
        ReadyToContact = "ready_to_contact",
        /// A letter went out.
        Contacted = "contacted",
        /// It answered.
        Replied = "replied",
        /// A person says it is a lead.
        Qualified = "qualified",
        /// Not a company to write to; the reason stands beside it.
        Disqualified = "disqualified",
        /// The same company as another row.
        Duplicate = "duplicate",
        /// It does not want letters. Final, but for a person.
        OptOut = "optout",
    }
}

/// What can happen to a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompanyEvent {
    /// A primary e-mail was found (also on a later try).
    ContactsFound,
    /// There is no way or no reason to write to it.
    Disqualify,
    /// The last address it had takes no mail.
    AddressLost,
    /// A letter to it was accepted.
    Contact,
    /// It answered.
    Reply,
    /// A person says it is a lead.
    Qualify,
    /// It refuses letters.
    OptOut,
    /// It is another row's company.
    Merge,
    /// It is a company of its own again, or another that was merged into it is: it stands where it stood before.
    Part(CompanyState),
}

impl CompanyState {
    /// Whether a letter reached it, or it said a word of its own: whoever else is the same company joins it, never the other way.
    pub fn was_written_to(self) -> bool {
        matches!(self, Self::Contacted | Self::Replied | Self::Qualified | Self::OptOut)
    }

    /// The state after an event.
    pub fn after(self, event: CompanyEvent) -> Result<Self> {
        match (self, event) {
            (Self::New | Self::Disqualified, CompanyEvent::ContactsFound) => Ok(Self::ReadyToContact),
            (Self::New | Self::Replied | Self::Disqualified, CompanyEvent::Disqualify) => Ok(Self::Disqualified),
            (Self::ReadyToContact, CompanyEvent::AddressLost) => Ok(Self::Disqualified),
            (Self::ReadyToContact | Self::Contacted, CompanyEvent::Contact) => Ok(Self::Contacted),
            (Self::Contacted | Self::Replied, CompanyEvent::Reply) => Ok(Self::Replied),
            (Self::Contacted | Self::Replied, CompanyEvent::Qualify) => Ok(Self::Qualified),
            // It stays what it is; the refusal is kept beside, for the day the two are parted.
            (Self::Duplicate, CompanyEvent::OptOut) => Ok(Self::Duplicate),
            (_, CompanyEvent::OptOut) => Ok(Self::OptOut),
            (Self::New | Self::ReadyToContact | Self::Disqualified, CompanyEvent::Merge) => Ok(Self::Duplicate),
            (Self::Duplicate, CompanyEvent::Part(was)) if was.after(CompanyEvent::Merge).is_ok() => Ok(was),
            // The addresses it had of another went back to that one.
            (Self::ReadyToContact, CompanyEvent::Part(was @ (Self::New | Self::Disqualified))) => Ok(was),
            _ => illegal("company", self.as_str(), event),
        }
    }
}

words! {
    /// The life of a message.
    MessageState {
        /// Written, waits for a person.
        Draft = "draft",
        /// A person (or a policy that needs none) said yes.
        Approved = "approved",
        /// Routed; its bytes are frozen and its turn is set.
        Queued = "queued",
        /// Past the mark: the server may have it.
        Sending = "sending",
        /// The server accepted it.
        Sent = "sent",
        /// Given up for good.
        Failed = "failed",
        /// The server may or may not have it; a person or evidence settles it.
        InDoubt = "in_doubt",
        /// Stopped by policy; a person decides.
        Held = "held",
        /// The recipient does not want it.
        Suppressed = "suppressed",
        /// A person dropped it, or its company turned out to be one that is written to already.
        Cancelled = "cancelled",
        /// Too old to be sent.
        Expired = "expired",
    }
}

/// What can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageEvent {
    /// Approved as it stands.
    Approve,
    /// Routed and frozen.
    Queue,
    /// Its mailbox broke: to be routed anew.
    Unroute,
    /// The point of no return.
    Mark,
    /// The server accepted it.
    Accept,
    /// A definite "later".
    PutBack,
    /// A definite no.
    Fail,
    /// A policy verdict.
    Hold,
    /// Nobody knows whether the server has it.
    Doubt,
    /// The recipient is suppressed.
    Suppress,
    /// A person drops it.
    Cancel,
    /// Too many tries or too old.
    Expire,
    /// A person or evidence says it arrived.
    SettleSent,
    /// A person says: send it again.
    SettleAgain,
    /// Its company is one with another that is written to.
    Merge,
    /// Its company is one of its own again: back to where it was; a letter that had its turn gets another.
    Part(MessageState),
}

impl MessageState {
    /// Whether nothing can happen to it any more by itself.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Sent | Self::Failed | Self::Suppressed | Self::Cancelled | Self::Expired)
    }

    /// Whether its recipient has it, or may have it: past the mark and not given back.
    pub fn may_have_arrived(self) -> bool {
        matches!(self, Self::Sending | Self::Sent | Self::InDoubt)
    }

    /// Whether it is on its way, or may have arrived.
    pub fn is_live(self) -> bool {
        self.may_have_arrived() || matches!(self, Self::Draft | Self::Approved | Self::Queued | Self::Held)
    }

    /// The state after an event.
    pub fn after(self, event: MessageEvent) -> Result<Self> {
        use MessageEvent as E;
        match (self, event) {
            (Self::Draft | Self::Held, E::Approve) | (Self::Queued, E::Unroute) => Ok(Self::Approved),
            (Self::Approved, E::Queue) | (Self::Sending, E::PutBack) | (Self::InDoubt, E::SettleAgain) => Ok(Self::Queued),
            (Self::Queued, E::Mark) => Ok(Self::Sending),
            (Self::Sending, E::Accept) | (Self::InDoubt, E::SettleSent) => Ok(Self::Sent),
            (Self::Approved | Self::Queued | Self::Sending, E::Fail) => Ok(Self::Failed),
            (Self::Draft | Self::Approved | Self::Queued | Self::Sending, E::Hold) => Ok(Self::Held),
            (Self::Sending, E::Doubt) => Ok(Self::InDoubt),
            (Self::Draft | Self::Approved | Self::Queued | Self::Held, E::Suppress) => Ok(Self::Suppressed),
            (Self::Draft | Self::Approved | Self::Queued | Self::Held | Self::InDoubt, E::Cancel)
            | (Self::Draft | Self::Approved | Self::Queued | Self::Held, E::Merge) => Ok(Self::Cancelled),
            (Self::Cancelled, E::Part(was @ (Self::Draft | Self::Held))) => Ok(was),
            (Self::Cancelled, E::Part(Self::Approved | Self::Queued)) => Ok(Self::Approved),
            (Self::Draft | Self::Approved | Self::Queued | Self::Held, E::Expire) => Ok(Self::Expired),
            _ => illegal("message", self.as_str(), event),
        }
    }
}

words! {
    /// What came back after a message was sent. Stands beside the state, never over it.
    Delivery {
        /// The server accepted it; nothing else is known.
        Accepted = "accepted",
        /// It came back for good.
        Bounced = "bounced",
        /// The recipient answered.
        Replied = "replied",
        /// The recipient refuses more letters.
        Unsubscribed = "unsubscribed",
        /// The recipient called it spam.
        Complained = "complained",
    }
}

#[cfg(test)]
mod tests;
