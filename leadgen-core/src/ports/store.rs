//! The store: nine lanes and a few small roles. There is no interface with forty methods: an action takes the one or
//! two roles it needs, and only builders name [`Store`], the sum.
//!
//! What must never race is decided inside the store, by calling a rule: slots at plan, twins at dedupe, suppression,
//! caps, the window and the spacing at claim, and these four again at mark.

use async_trait::async_trait;

use crate::domain::company::{Company, NewCompany};
use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::event::Event;
use crate::domain::flow::MessageState;
use crate::domain::id::Id;
use crate::domain::lead::{Cursor, LeadRow, RowStatus};
use crate::domain::mail::{Mailbox, MailboxHealth};
use crate::domain::message::Message;
use crate::domain::money::Money;
use crate::domain::name::{EmailAddress, Phone};
use crate::domain::page::{FindingsDiff, KeptVisit, SitePage};
use crate::domain::query::{Asking, ByHand, SearchQuery};
use crate::domain::report::{
    CompanyLine, ContactReport, CostLine, DomainHits, Funnel, Hold, LaneLoad, LifeLine, NicheYield, Quality, SearchOutcome, StateCount,
};
use crate::domain::serp::{KeptPage, Operation, Reading, ReadingDiff};
use crate::domain::signal::Signal;
use crate::domain::suppression::Suppression;
use crate::domain::time::Timestamp;
use crate::domain::twins::{PairEvent, PairState, Regrouped, TwinPair};
use crate::error::Result;
use crate::ports::Port;
use crate::ports::hosts::SiteHosts;
use crate::ports::work::{
    Call, Claim, DedupeResult, DraftLetter, EnrichCompany, Fault, IngestPage, PlanNiche, PollOperation, RouteLetter, SendLetter,
    SubmitQuery, Ticket, Work,
};

/// Where items of one work wait.
///
/// **Promises.** A claim is a lease: until it ends, is committed or released, nobody else is given the row. No
/// transaction stays open after a call returns. A commit is one transaction: state moves, new rows, journal rows, the end
/// of the leases. A ticket whose lease was lost writes nothing and is handed back.
///
/// **Expects.** Items are worked on within [`Call::lease`].
///
/// The lanes of searches keep, for all workers together: the night window, the provider's quotas (at the mark of a
/// submission, at the claim of a poll) and the budget. While one of these holds a lane up, its claim is empty and
/// [`Agenda::next_due`] tells when to look again.
///
/// **Errors.** `release` answers `Conflict` (code `lease_lost`) for a lost ticket; `Unavailable` if the database is.
#[async_trait]
pub trait Lane<W: Work>: Send + Sync {
    /// Takes up to `call.max` items that are due, in the order of the lane.
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<W>>>;
    /// Writes outcomes; hands back the tickets whose lease was lost.
    async fn commit(&self, call: &Call, done: Vec<(Ticket, W::Done)>) -> Result<Vec<Ticket>>;
    /// Gives an item back unfinished.
    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()>;
}

/// A lane whose work can't be taken back.
///
/// **Promises.** A mark is durable before it returns. An item found marked without a result once its lease is over is
/// never given out again by itself: it is in doubt. A mark that must not be (suppressed meanwhile, window closed, cap
/// reached, too close to the last letter, lease lost) moves the row where it belongs and answers `Conflict`. A mark renews
/// the lease: what can't be cut off has all of it.
///
/// **Expects.** `mark` is called once, right before the point of no return; `renew` while what follows lasts, oftener
/// than a lease does: who still works is never taken for dead, however short leases are.
///
/// **Errors.** `Conflict`, code `lease_lost`, from both for a ticket that counts no more.
#[async_trait]
pub trait OnceLane<W: Work>: Lane<W> {
    /// The point of no return.
    async fn mark(&self, call: &Call, ticket: &Ticket) -> Result<()>;
    /// Begins the lease of a marked item anew.
    async fn renew(&self, call: &Call, ticket: &Ticket) -> Result<()>;
}

/// What a door let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Admitted {
    /// Items that were new.
    pub new: u32,
    /// Items known already; nothing changed, or only what a second look may change.
    pub known: u32,
    /// Items that mean nothing to us: stored, without effect.
    pub unmatched: u32,
}

/// A door: items and the cursor of their source are written in one transaction.
///
/// **Promises.** Admitting the same items twice is admitting them once.
#[async_trait]
pub trait Admit<T>: Send + Sync {
    /// Lets items in and keeps where the next pull of `source` starts.
    async fn admit(&self, source: &str, items: &[T], next: Option<&Cursor>, now: Timestamp) -> Result<Admitted>;
}

/// Where pulls of a source start.
#[async_trait]
pub trait Cursors: Send + Sync {
    /// The cursor kept for a source.
    async fn cursor(&self, source: &str) -> Result<Option<Cursor>>;
}

/// What became of rows.
#[async_trait]
pub trait RowOutcomes: Send + Sync {
    /// The newest outcome of each row; `None` while it waits. Same length and order as `rows`. Rows of one content are one
    /// niche: the first of them has its new queries, for the later ones they are known.
    async fn outcomes(&self, rows: &[LeadRow]) -> Result<Vec<Option<RowStatus>>>;
}

/// A company from an own list, normalized.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedCompany {
    /// Its birth certificate, used if it is not known yet.
    pub newborn: NewCompany,
    /// What it does, or empty.
    pub industry: String,
    /// Its city, or empty.
    pub region: String,
    /// The batch.
    pub batch_tag: String,
    /// An address known already.
    pub email: Option<EmailAddress>,
    /// A phone known already.
    pub phone: Option<Phone>,
    /// ИНН, its check digits right.
    pub inn: Option<String>,
    /// ОГРН or ОГРНИП, its check digit right.
    pub ogrn: Option<String>,
    /// Where the row stands, kept as the contacts' source.
    pub origin: String,
}

/// The score of a contact that a person's own list names.
const LISTED: f64 = 0.90;

impl ImportedCompany {
    /// The contacts its row names.
    pub fn contacts(&self) -> Vec<FoundContact> {
        let email = self.email.iter().map(|email| (ContactType::Email, email.as_str().to_owned()));
        let phone = self.phone.iter().map(|phone| (ContactType::Phone, phone.as_str().to_owned()));
        let found = |(contact_type, value)| FoundContact {
            contact_type,
            value,
            kind: "unknown".into(),
            origin: "import".into(),
            score: LISTED,
            source_url: self.origin.clone(),
            snippet: String::new(),
            page_hash: String::new(),
            extension: None,
        };
        email.chain(phone).map(found).collect()
    }
}

/// Queries by hand.
///
/// **Promises.** A query that is known keeps its batch; lanes that look for one batch only find it under the tag of the search
/// by hand as well, which is the `batch_tag` of the query given. What was answered, or may have been paid, is asked again only
/// if the person says so.
#[async_trait]
pub trait Searches: Send + Sync {
    /// Lets a query be asked at its `scheduled_for`, and tells what was met: one that is new is put into the queue, one that
    /// waits for a later slot is moved up, one that failed is put back.
    async fn ask(&self, query: &SearchQuery, asking: Asking) -> Result<ByHand>;

    /// Takes a query out of the queue that was never handed over; whether it was there to take.
    async fn unask(&self, query: Id<SearchQuery>) -> Result<bool>;

    /// What became of a query, and what it brought since an instant; `None` if it is not known.
    async fn outcome(&self, query: Id<SearchQuery>, since: Timestamp) -> Result<Option<SearchOutcome>>;

    /// Asks for many, also for what was answered before; gives how many wait at their slot now because of this call.
    async fn enqueue(&self, queries: &[SearchQuery]) -> Result<u32> {
        let mut waiting = 0;
        for query in queries {
            let met = self.ask(query, Asking { again: true, forecast: Money::ZERO }).await?;
            waiting += u32::from(matches!(met, ByHand::New | ByHand::MovedUp | ByHand::Reopened));
        }
        Ok(waiting)
    }
}

/// The search queue, for previews and forecasts.
#[async_trait]
pub trait SearchQueue: Send + Sync {
    /// The slot of each query that is known, in the order asked.
    async fn slots_of(&self, ids: &[Id<SearchQuery>]) -> Result<Vec<Option<Timestamp>>>;
    /// The latest slot that is taken.
    async fn last_slot(&self) -> Result<Option<Timestamp>>;
    /// The slots of the queries that wait, earliest first.
    async fn waiting(&self, batch: Option<&str>) -> Result<Vec<Timestamp>>;
    /// What the queries of each niche brought, those with the fewest new companies first.
    async fn yields(&self, batch: Option<&str>) -> Result<Vec<NicheYield>>;
}

/// What searches cost, and what holds them up.
///
/// **Promises.** A submission is charged by its mark, at the price of that moment; the charge is taken back only when
/// the provider definitely did not take the search. A charge whose search is in doubt stays and says so.
#[async_trait]
pub trait SearchLedger: Send + Sync {
    /// Forecast and actual cost of each batch, by name.
    async fn costs(&self) -> Result<Vec<CostLine>>;
    /// The sum charged from one instant to another (not included).
    async fn spent(&self, from: Timestamp, to: Timestamp) -> Result<Money>;
    /// What keeps searches or polls from being made now.
    async fn holds(&self, now: Timestamp) -> Result<Vec<Hold>>;
}

/// Kept pages are read again.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Pages of answered queries, in the order of their operations' ids, after one of them.
    async fn kept_pages(&self, after: Option<Id<Operation>>, limit: u64) -> Result<Vec<KeptPage>>;
    /// Makes the results of an operation what a reading says and tells what differs; with `dry` nothing is written.
    /// Results that a company was born of are never taken away.
    async fn reread(&self, operation: Id<Operation>, reading: &Reading, dry: bool, now: Timestamp) -> Result<ReadingDiff>;
}

/// Pages of companies' sites, kept so that they are not fetched twice and can be read again.
///
/// **Promises.** The pages of a visit are written together with what was found on them, in place of those of the visit
/// before; a visit that read none leaves the old ones. A body is kept once, whoever shows it. Pages older than the policy
/// allows go, and with a policy that keeps none no page is written.
#[async_trait]
pub trait SitePages: Port {
    /// What the address gave when it was asked for this company the last time.
    async fn page(&self, company: Id<Company>, asked: &str) -> Result<Option<SitePage>>;
    /// Companies with kept pages that are not merged into another and take letters, in the order of their ids, after one of
    /// them.
    async fn kept_visits(&self, after: Option<Id<Company>>, limit: u64) -> Result<Vec<KeptVisit>>;
    /// Makes a company's contacts and numbers what a second reading of its kept pages says, and tells what differs; with
    /// `dry` nothing is written. Contacts from elsewhere are left alone, and so is one that a letter was written to.
    async fn refind(&self, company: Id<Company>, findings: &Findings, dry: bool, now: Timestamp) -> Result<FindingsDiff>;
}

/// How a person ends a doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It arrived.
    Sent,
    /// Send it once more.
    Again,
    /// Drop it.
    Drop,
}

/// People look at drafts.
///
/// **Errors.** `Conflict` with code `approval_stale` if the text changed since the hash was read, `illegal_transition`
/// if the message stands elsewhere; `Rejected` with code `no_such_message`.
#[async_trait]
pub trait Reviews: Send + Sync {
    /// Messages in a state, oldest first.
    async fn messages(&self, state: Option<MessageState>, limit: u64) -> Result<Vec<Message>>;
    /// One message.
    async fn message(&self, id: Id<Message>) -> Result<Option<Message>>;
    /// Approves a draft as it stands: `hash` is what the person saw.
    async fn approve(&self, id: Id<Message>, hash: &str, by: &str, now: Timestamp) -> Result<()>;
    /// Drops a message that has not left.
    async fn cancel(&self, id: Id<Message>, reason: &str, by: &str, now: Timestamp) -> Result<()>;
    /// Ends a doubt.
    async fn settle(&self, id: Id<Message>, settlement: Settlement, by: &str, now: Timestamp) -> Result<()>;
    /// Takes a draft back, so that its company is written to anew. Only what waits for its first approval and was never
    /// offered to a server; anything else is refused with `illegal_transition`.
    async fn withdraw(&self, id: Id<Message>, by: &str, now: Timestamp) -> Result<()>;
}

/// Pairs of companies that may be one.
///
/// **Promises.** What was made one can be parted again with everything that was moved. A pair that a person parted never
/// becomes one by itself, nor do the groups of its two. Whoever was written to stands for its group. A refusal of any
/// member covers the group and is never lifted by anything here.
///
/// **Errors.** `Rejected` with code `no_such_pair`; `Conflict` with `illegal_transition`, or `not_one` if both were written
/// to already, one of them refused, or a person parted their groups: the detail says which.
#[async_trait]
pub trait Twins: Send + Sync {
    /// Pairs in any of these states, the surest first.
    async fn pairs(&self, states: &[PairState], limit: u64) -> Result<Vec<TwinPair>>;
    /// Two pairs at most whose ids stand from the first to the last one given: more than one is too many to tell which is meant.
    async fn pairs_between(&self, first: Id<TwinPair>, last: Id<TwinPair>) -> Result<Vec<TwinPair>>;
    /// What a person says to a pair; where it stands then.
    async fn decide_pair(&self, pair: Id<TwinPair>, event: PairEvent, by: &str, now: Timestamp) -> Result<PairState>;
    /// Looks at all companies once more (DEDUP-6 to DEDUP-8). Twice in a row changes nothing the second time.
    async fn regroup(&self, now: Timestamp) -> Result<Regrouped>;
}

/// The opt-out registry.
///
/// **Promises.** Registering is at once: messages that have not passed the mark become `suppressed`, and a refusal
/// makes the company (found by the address, or by the domain of a domain entry) `optout`. Twice is once: the first
/// reason stays. Nothing in the pipeline lifts an entry. A one-click refusal also stands beside the letters sent to the
/// address, as `unsubscribed`, unless it was called spam before.
#[async_trait]
pub trait Suppressions: Send + Sync {
    /// Registers an entry; whether it was new.
    async fn register(&self, entry: &Suppression, by: &str) -> Result<bool>;
    /// The entry that covers an address: itself, its domain or a parent domain down to the registrable one.
    async fn covers(&self, address: &EmailAddress) -> Result<Option<Suppression>>;
    /// All entries, newest first.
    async fn suppressions(&self, limit: u64) -> Result<Vec<Suppression>>;
    /// The address a contact's unsubscribe token speaks of.
    async fn contact_address(&self, message: Id<Message>) -> Result<Option<EmailAddress>>;
}

/// Mailboxes and their health.
#[async_trait]
pub trait Mailboxes: Send + Sync {
    /// How the given mailboxes are doing.
    async fn health(&self, mailboxes: &[Mailbox], now: Timestamp) -> Result<Vec<MailboxHealth>>;
    /// Pauses one (`until` `None`: until a person resumes it).
    async fn pause(&self, mailbox: &str, until: Option<Timestamp>, reason: &str, by: &str, now: Timestamp) -> Result<()>;
    /// Resumes one.
    async fn resume(&self, mailbox: &str, by: &str, now: Timestamp) -> Result<()>;
}

/// Who did what.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Adds a row.
    async fn record(&self, event: &Event) -> Result<()>;
    /// The newest rows first.
    async fn events(&self, limit: u64) -> Result<Vec<Event>>;
}

/// Figures.
#[async_trait]
pub trait Reports: Send + Sync {
    /// The funnel, of one batch or of all.
    async fn funnel(&self, batch: Option<&str>) -> Result<Funnel>;
    /// How many rows stand in each state, with reason codes.
    async fn states(&self) -> Result<Vec<StateCount>>;
    /// What the searches brought, of one batch or of all.
    async fn quality(&self, batch: Option<&str>) -> Result<Quality>;
    /// Domains of companies by how often they were seen, most first, then by name.
    async fn top_domains(&self, limit: u64) -> Result<Vec<DomainHits>>;
    /// How many companies can be reached and how, and why others can't; of one batch or of all.
    async fn contacts(&self, batch: Option<&str>) -> Result<ContactReport>;
}

/// Lists to take away.
#[async_trait]
pub trait Exports: Send + Sync {
    /// Companies that are not duplicates, by domain, then name.
    async fn companies(&self, batch: Option<&str>) -> Result<Vec<CompanyLine>>;
}

/// The life of a lead.
#[async_trait]
pub trait Lives: Send + Sync {
    /// Finds a company by id, domain or name.
    async fn find_company(&self, text: &str) -> Result<Option<Company>>;
    /// Companies whose ids lie between two, those included, by id; at most two.
    async fn companies_between(&self, first: Id<Company>, last: Id<Company>) -> Result<Vec<Company>>;
    /// All that happened to it, in order.
    async fn life(&self, company: Id<Company>) -> Result<Vec<LifeLine>>;
}

/// What is to do, and when.
#[async_trait]
pub trait Agenda: Send + Sync {
    /// The earliest due time later than `now` among waiting rows: a query's slot, a poll, a retry, a letter's turn.
    /// Rows due already are not counted, whatever holds them.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>>;
    /// What waits in each lane; a lane without waiting rows may be left out.
    async fn loads(&self, now: Timestamp) -> Result<Vec<LaneLoad>>;
}

/// The beginning and the state of a store.
#[async_trait]
pub trait Shift: Send + Sync {
    /// Called before the first claim of a process. On a store that one process at a time may work on, refuses with
    /// `Conflict` (code `already_running`) while another does, and ends the leases a dead one left behind.
    async fn begin(&self) -> Result<()>;
    /// Whether the store answers and its schema is the one this program knows.
    async fn check(&self) -> Result<()>;
}

/// All lanes and roles.
pub trait Store:
    Port
    + Lane<PlanNiche>
    + OnceLane<SubmitQuery>
    + Lane<PollOperation>
    + Lane<IngestPage>
    + Lane<DedupeResult>
    + Lane<EnrichCompany>
    + Lane<DraftLetter>
    + Lane<RouteLetter>
    + OnceLane<SendLetter>
    + Admit<LeadRow>
    + Admit<ImportedCompany>
    + Admit<Signal>
    + Cursors
    + RowOutcomes
    + Searches
    + SearchQueue
    + SearchLedger
    + Replays
    + SitePages
    + SiteHosts
    + Reviews
    + Twins
    + Suppressions
    + Mailboxes
    + Journal
    + Reports
    + Exports
    + Lives
    + Agenda
    + Shift
{
}

impl<T> Store for T where
    T: Port
        + Lane<PlanNiche>
        + OnceLane<SubmitQuery>
        + Lane<PollOperation>
        + Lane<IngestPage>
        + Lane<DedupeResult>
        + Lane<EnrichCompany>
        + Lane<DraftLetter>
        + Lane<RouteLetter>
        + OnceLane<SendLetter>
        + Admit<LeadRow>
        + Admit<ImportedCompany>
        + Admit<Signal>
        + Cursors
        + RowOutcomes
        + Searches
        + SearchQueue
        + SearchLedger
        + Replays
        + SitePages
        + SiteHosts
        + Reviews
        + Twins
        + Suppressions
        + Mailboxes
        + Journal
        + Reports
        + Exports
        + Lives
        + Agenda
        + Shift
{
}
