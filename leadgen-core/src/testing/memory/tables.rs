//! The tables: plain maps by id, and the few questions that more than one lane asks them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::company::{Company, Suspect};
use crate::domain::contact::{Contact, ContactType};
use crate::domain::event::Event;
use crate::domain::flow::{CompanyEvent, CompanyState, MessageEvent, NicheState, ResultState};
use crate::domain::host::Place;
use crate::domain::id::Id;
use crate::domain::lead::{LeadRow, Niche, RowFate};
use crate::domain::mail::FrozenMail;
use crate::domain::message::Message;
use crate::domain::money::Money;
use crate::domain::mx::MxClass;
use crate::domain::name::DomainName;
use crate::domain::page::SitePage;
use crate::domain::query::SearchQuery;
use crate::domain::serp::{Operation, Reading, Sighting};
use crate::domain::signal::Signal;
use crate::domain::suppression::{Suppression, SuppressionScope};
use crate::domain::time::Timestamp;
use crate::domain::twins::TwinPair;
use crate::error::Result;
use crate::ports::work::{Call, Ticket};
use crate::rules::twins::{Rank, rank};

use super::leases::{Lease, of_batch};
use super::ledger::{Hold, Side};
use super::site_hosts::HostRow;
use super::twins::PairRow;

#[derive(Clone, Debug)]
pub(super) struct NicheRow {
    pub(super) niche: Niche,
    /// Its place in the batch it came with.
    pub(super) seq: usize,
    pub(super) last_error: Option<String>,
    pub(super) lease: Lease,
}

/// What planning made of a niche, once.
#[derive(Clone, Debug)]
pub(super) struct BatchLog {
    pub(super) niche: Id<Niche>,
    pub(super) fate: RowFate,
    pub(super) generated: usize,
    pub(super) inserted: usize,
    pub(super) first_slot: Option<Timestamp>,
    pub(super) last_slot: Option<Timestamp>,
    pub(super) error: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct QueryRow {
    pub(super) query: SearchQuery,
    /// What it was to cost in its first slot.
    pub(super) forecast: Money,
    pub(super) submit_unknown: bool,
    pub(super) last_error: Option<String>,
    /// The tag of the search by hand that has it.
    pub(super) by_hand: Option<String>,
    pub(super) updated_at: Timestamp,
    pub(super) lease: Lease,
}

impl QueryRow {
    /// Whether it is of the batch that is asked for, or of the search by hand of that name.
    pub(super) fn is_asked_for(&self, call: &Call) -> bool {
        of_batch(call, &self.query.batch_tag) || self.by_hand.as_deref().is_some_and(|tag| of_batch(call, tag))
    }
}

#[derive(Clone, Debug)]
pub(super) struct OperationRow {
    pub(super) operation: Operation,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) next_poll_at: Option<Timestamp>,
    /// The hash of its page.
    pub(super) page: Option<String>,
    /// Which page of its query it brought, known once it is read.
    pub(super) page_number: u32,
    pub(super) ingested_at: Option<Timestamp>,
    /// What reading its page came to; the results themselves are rows of their own.
    pub(super) reading: Reading,
    pub(super) error: Option<String>,
    pub(super) lease: Lease,
}

/// A submission that was paid, or may have been.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    pub(super) query: Id<SearchQuery>,
    pub(super) batch_tag: String,
    pub(super) at: Timestamp,
    pub(super) is_cheap: bool,
    pub(super) cost: Money,
    pub(super) is_unknown: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ResultRow {
    pub(super) operation: Id<Operation>,
    pub(super) sighting: Sighting,
    pub(super) state: ResultState,
    pub(super) score: Option<f64>,
    pub(super) company: Option<Id<Company>>,
    pub(super) last_error: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) lease: Lease,
}

#[derive(Clone, Debug)]
pub(super) struct CompanyRow {
    pub(super) company: Company,
    pub(super) normalized_name: String,
    /// The result it was born of.
    pub(super) birthplace: Option<Id<Suspect>>,
    /// The company it was found to be, if it was merged.
    pub(super) duplicate_of: Option<Id<Company>>,
    /// What only one firm has, as a profile keeps it.
    pub(super) facts: String,
    pub(super) opt_out: bool,
    pub(super) last_error: Option<String>,
    pub(super) excerpt: String,
    pub(super) site_name: Option<String>,
    pub(super) legal_name: Option<String>,
    pub(super) address: Option<String>,
    pub(super) redirected_to: Option<String>,
    pub(super) inn: Option<String>,
    pub(super) ogrn: Option<String>,
    pub(super) kpp: Option<String>,
    pub(super) visits: u32,
    pub(super) last_visit_at: Option<Timestamp>,
    pub(super) last_seen_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) lease: Lease,
}

#[derive(Clone, Debug)]
pub(super) struct MessageRow {
    pub(super) message: Message,
    pub(super) drafter: String,
    pub(super) approved_at: Option<Timestamp>,
    pub(super) approved_by: Option<String>,
    /// Its bytes, while it has a mailbox.
    pub(super) frozen: Option<Arc<FrozenMail>>,
    /// Where its recipient's mail lives, as found when it was routed last.
    pub(super) way: Option<Way>,
    /// Mailboxes its rule names.
    pub(super) alternatives: Vec<String>,
    pub(super) receipt: Option<String>,
    pub(super) marked_at: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) lease: Lease,
}

#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) class: MxClass,
    pub(super) records: Vec<String>,
    pub(super) fallback: bool,
}

/// A mailbox that is paused.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    /// `None`: until a person resumes it.
    pub(super) until: Option<Timestamp>,
    pub(super) reason: String,
}

/// A letter that passed the point of no return.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) mailbox: String,
    pub(super) at: Timestamp,
}

#[derive(Clone, Debug)]
pub(super) struct SignalRow {
    pub(super) signal: Signal,
    pub(super) message: Option<Id<Message>>,
    pub(super) read_at: Timestamp,
}

/// All there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) niches: BTreeMap<Id<Niche>, NicheRow>,
    pub(super) batch_logs: Vec<BatchLog>,
    pub(super) queries: BTreeMap<Id<SearchQuery>, QueryRow>,
    pub(super) operations: BTreeMap<Id<Operation>, OperationRow>,
    /// Pages by their hash, with the instant they came.
    pub(super) pages: BTreeMap<String, (Timestamp, Arc<[u8]>)>,
    /// Pages of sites, in the order of the visit.
    pub(super) site_pages: BTreeMap<Id<Company>, Vec<SitePage>>,
    pub(super) turns: HashMap<Place, Option<Timestamp>>,
    pub(super) site_hosts: BTreeMap<DomainName, HostRow>,
    /// What was charged, by the lease that asked.
    pub(super) charges: BTreeMap<Uuid, Charge>,
    /// Calls counted in the tenths of the quotas' spans.
    pub(super) quota: BTreeMap<(Side, i64, i64), u64>,
    pub(super) holds: BTreeMap<Side, Hold>,
    pub(super) results: BTreeMap<Id<Suspect>, ResultRow>,
    pub(super) companies: BTreeMap<Id<Company>, CompanyRow>,
    /// Every host known for a company.
    pub(super) hosts: BTreeMap<String, Id<Company>>,
    pub(super) pairs: BTreeMap<Id<TwinPair>, PairRow>,
    pub(super) contacts: BTreeMap<Id<Contact>, Contact>,
    /// Companies whose sites show an address that another one has.
    pub(super) shared_contacts: BTreeMap<Id<Contact>, BTreeSet<Id<Company>>>,
    pub(super) messages: BTreeMap<Id<Message>, MessageRow>,
    pub(super) pauses: BTreeMap<String, Pause>,
    pub(super) marks: Vec<Mark>,
    pub(super) registry: BTreeMap<(SuppressionScope, String), Suppression>,
    pub(super) signals: BTreeMap<(String, String), SignalRow>,
    pub(super) cursors: BTreeMap<String, String>,
    pub(super) journal: Vec<Event>,
    takings: u128,
}

impl Tables {
    /// A token no taking had before.
    pub(super) fn new_token(&mut self) -> Uuid {
        self.takings += 1;
        Uuid::from_u128(self.takings)
    }

    /// Whether an operation answers a query of the batch that is asked for.
    pub(super) fn is_asked_for(&self, call: &Call, operation: &Operation) -> bool {
        self.queries.get(&operation.query_id).map_or_else(|| of_batch(call, ""), |row| row.is_asked_for(call))
    }

    /// The batch of the query that an operation answers.
    pub(super) fn batch_of(&self, operation: &Operation) -> &str {
        self.queries.get(&operation.query_id).map_or("", |row| row.query.batch_tag.as_str())
    }

    /// The primary address of a company.
    pub(super) fn primary(&self, company: Id<Company>) -> Option<&Contact> {
        self.contacts_of(company, ContactType::Email).find(|contact| contact.is_primary)
    }

    /// The contacts of a company of one kind.
    pub(super) fn contacts_of(&self, company: Id<Company>, kind: ContactType) -> impl Iterator<Item = &Contact> {
        self.contacts.values().filter(move |contact| contact.company_id == company && contact.found.contact_type == kind)
    }

    /// A company under a ticket that still holds it.
    pub(super) fn leased_company(&mut self, ticket: &Ticket) -> Option<&mut CompanyRow> {
        self.companies.get_mut(&Id::from_uuid(ticket.row)).filter(|row| row.lease.is_of(ticket))
    }

    /// A message under a ticket that still holds it.
    pub(super) fn leased_message(&mut self, ticket: &Ticket) -> Option<&mut MessageRow> {
        self.messages.get_mut(&Id::from_uuid(ticket.row)).filter(|row| row.lease.is_of(ticket))
    }

    /// Moves a message, ends its lease, and says so in the journal.
    pub(super) fn move_message(&mut self, now: Timestamp, id: Id<Message>, event: MessageEvent, text: &str) -> Result<()> {
        let Some(row) = self.messages.get_mut(&id) else { return Ok(()) };
        let next = row.message.state.after(event)?;
        row.message.state = next;
        row.message.last_error = Some(text.to_owned());
        row.updated_at = now;
        row.lease.end();
        self.note(now, "pipeline", next.as_str(), ("message", &id.to_string()), text);
        Ok(())
    }

    /// The letters to a company that stands for a group, and to all that are found to be the same one.
    pub(super) fn letters_of_group(&self, root: Id<Company>) -> impl Iterator<Item = &Message> {
        self.messages.values().map(|row| &row.message).filter(move |message| self.root(message.company_id) == root)
    }

    /// Whether a company is another, or was found to be it.
    pub(super) fn is_of_group(&self, company: Id<Company>, of: Id<Company>) -> bool {
        company == of || self.root(company) == of
    }

    /// Moves the company that stands for the group of one: a letter to any of them, or a word of any, is the group's.
    pub(super) fn move_group(&mut self, now: Timestamp, id: Id<Company>, event: CompanyEvent) {
        self.move_company(now, self.root(id), event);
    }

    /// Moves a company if the move is legal from where it stands; otherwise leaves it.
    pub(super) fn move_company(&mut self, now: Timestamp, id: Id<Company>, event: CompanyEvent) {
        let Some(row) = self.companies.get_mut(&id) else { return };
        let before = row.company.state;
        let Ok(next) = before.after(event) else { return };
        row.company.state = next;
        row.opt_out |= event == CompanyEvent::OptOut;
        row.updated_at = now;
        if next != before {
            self.note(now, "pipeline", next.as_str(), ("company", &id.to_string()), "");
        }
    }

    /// Adds a row to the journal.
    pub(super) fn note(&mut self, at: Timestamp, actor: &str, action: &str, subject: (&str, &str), detail: &str) {
        self.journal.push(Event {
            at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.0.to_owned(),
            subject_id: subject.1.to_owned(),
            detail: detail.to_owned(),
        });
    }
}

impl CompanyRow {
    /// Where it stands among those of its group; `has_letter_out`: whether one of its letters may have arrived.
    pub(super) fn rank(&self, has_letter_out: bool) -> Rank {
        let (company, has_site) = (&self.company, self.company.canonical_domain.is_some());
        rank(company.state.was_written_to() || has_letter_out, has_site, company.first_seen_at, company.id)
    }

    /// Whether it refused letters, or whoever it was found to be did.
    pub(super) fn refuses(&self) -> bool {
        self.opt_out || self.company.state == CompanyState::OptOut
    }

    /// The company that stands for it: itself, unless it was merged.
    pub(super) fn stands_for(&self) -> Id<Company> {
        self.duplicate_of.unwrap_or(self.company.id)
    }
}

impl NicheRow {
    /// A row as it was admitted.
    pub(super) fn admitted(row: &LeadRow, seq: usize, now: Timestamp) -> Self {
        let niche = Niche {
            id: row.niche_id(),
            niche: row.niche.clone(),
            city: row.city.clone(),
            country: row.country.clone(),
            batch_tag: row.batch().to_owned(),
            state: NicheState::Admitted,
            admitted_at: now,
        };
        Self { niche, seq, last_error: None, lease: Lease::default() }
    }
}
