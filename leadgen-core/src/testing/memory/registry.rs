//! The opt-out registry: who must not be written to, and what follows at once.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, FoundContact};
use crate::domain::flow::{CompanyEvent, CompanyState, Delivery, MessageEvent, MessageState};
use crate::domain::id::Id;
use crate::domain::message::Message;
use crate::domain::name::{DomainName, EmailAddress, RegistrableDomain, families};
use crate::domain::suppression::{Suppression, SuppressionScope, SuppressionSource};
use crate::domain::time::Timestamp;
use crate::domain::twins::MERGED;
use crate::error::Result;
use crate::ports::store::Suppressions;
use crate::rules::effects::outranks;

use super::MemoryStore;
use super::tables::{CompanyRow, MessageRow, Tables};

#[async_trait]
impl Suppressions for MemoryStore {
    async fn register(&self, entry: &Suppression, by: &str) -> Result<bool> {
        self.write(|tables, _| tables.register(entry, by))
    }

    async fn covers(&self, address: &EmailAddress) -> Result<Option<Suppression>> {
        Ok(self.read(|tables| tables.covered(address).cloned()))
    }

    async fn suppressions(&self, limit: u64) -> Result<Vec<Suppression>> {
        let mut all: Vec<Suppression> = self.read(|tables| tables.registry.values().cloned().collect());
        all.sort_by_key(|entry| (Reverse(entry.registered_at), entry_id(entry)));
        all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(all)
    }

    async fn contact_address(&self, message: Id<Message>) -> Result<Option<EmailAddress>> {
        Ok(self.read(|tables| tables.messages.get(&message).map(|row| row.message.to.clone())))
    }
}

fn entry_id(entry: &Suppression) -> Id<Suppression> {
    Id::of(&["suppression", entry.scope.as_str(), &entry.value])
}

/// Whether a letter can still be stopped.
pub(super) fn can_be_stopped(state: MessageState) -> bool {
    matches!(state, MessageState::Draft | MessageState::Approved | MessageState::Queued | MessageState::Held)
}

/// Whether an entry is about an address itself.
fn names(entry: &Suppression, to: &EmailAddress) -> bool {
    match entry.scope {
        SuppressionScope::Email => to.as_str() == entry.value,
        SuppressionScope::Domain => to.domain().is_within(&entry.value),
        SuppressionScope::Phone => false,
    }
}

impl Tables {
    /// The entry that covers an address: itself, its domain or a parent domain down to the registrable one.
    pub(super) fn covered(&self, address: &EmailAddress) -> Option<&Suppression> {
        let own = self.registry.get(&(SuppressionScope::Email, address.as_str().to_owned()));
        let family = || families(address.domain()).into_iter().find_map(|name| self.registry.get(&(SuppressionScope::Domain, name)));
        own.or_else(family)
    }

    /// Why a message must not go out: an entry, the refusal of its company or of any of its group, or another letter to its
    /// group, which is written to once.
    pub(super) fn suppressed(&self, id: Id<Message>) -> Option<String> {
        let item = &self.messages.get(&id)?.message;
        if let Some(entry) = self.covered(&item.to) {
            return Some(format!("opt_out: {}", entry.reason));
        }
        if self.group_of(item.company_id).iter().filter_map(|id| self.companies.get(id)).any(CompanyRow::refuses) {
            return Some("opt_out: the company refused".to_owned());
        }
        if let Some(entry) = self.refusal_of_group(item.company_id) {
            return Some(format!("opt_out: {} {}: {}", entry.scope, entry.value, entry.reason));
        }
        let mut others = self.letters_of_group(self.root(item.company_id)).filter(|other| other.company_id != item.company_id);
        others.any(|other| other.state.may_have_arrived()).then(|| MERGED.to_owned())
    }

    /// The refusal of anything that a company or any of its group answers to, also if it was registered before the company was
    /// known, and if another one shows the same phone.
    pub(super) fn refusal_of_group(&self, company: Id<Company>) -> Option<&Suppression> {
        let group = self.group_of(company);
        let named = group.iter().flat_map(|id| self.profile(*id).registered_as());
        let mut refusals = named.filter_map(|key| self.registry.get(&key)).filter(|entry| entry.source.is_refusal());
        refusals.next()
    }

    /// Registers an entry and carries it out: letters that have not passed the mark go aside, a refusal covers the company.
    pub(super) fn register(&mut self, entry: &Suppression, by: &str) -> Result<bool> {
        let now = entry.registered_at;
        let written_to = self.messages.values().find(|row| names(entry, &row.message.to)).map(|row| row.message.company_id);
        let owner = written_to.or_else(|| self.owner_of(entry)).filter(|_| entry.source.is_refusal());
        let group = owner.map(|owner| self.group_of(owner)).unwrap_or_default();
        let key = (entry.scope, entry.value.clone());
        let is_new = !self.registry.contains_key(&key);
        if is_new {
            self.registry.insert(key, entry.clone());
            let detail = format!("{}: {}", entry.source, entry.reason);
            self.note(now, by, "suppress", (entry.scope.as_str(), &entry_id(entry).to_string()), &detail);
        }
        if entry.source == SuppressionSource::OneClick {
            self.note_unsubscribed(entry);
        }
        self.refuse(now, &group, |row| names(entry, &row.message.to), by)?;
        Ok(is_new)
    }

    /// A refusal of a company covers all that were found to be the same one, and stops their letters.
    pub(super) fn refuse_group(&mut self, now: Timestamp, company: Id<Company>, by: &str) -> Result<()> {
        let group = self.group_of(company);
        self.refuse(now, &group, |_| false, by)
    }

    /// Companies are written to no more; their letters, and those that a refusal names, go aside.
    fn refuse(&mut self, now: Timestamp, group: &BTreeSet<Id<Company>>, names: impl Fn(&MessageRow) -> bool, by: &str) -> Result<()> {
        for company in group {
            self.move_company(now, *company, CompanyEvent::OptOut);
        }
        let concerned = self.messages.values().filter(|row| can_be_stopped(row.message.state));
        let concerned = concerned.filter(|row| names(row) || group.contains(&row.message.company_id));
        let waiting: Vec<Id<Message>> = concerned.map(|row| row.message.id).collect();
        for id in waiting {
            let Some(row) = self.messages.get_mut(&id) else { continue };
            row.message.state = row.message.state.after(MessageEvent::Suppress)?;
            row.message.last_error = Some("opt_out: the recipient refused".to_owned());
            row.updated_at = now;
            row.lease.end();
            let word = row.message.state.as_str();
            self.note(now, by, word, ("message", &id.to_string()), "opt_out");
        }
        Ok(())
    }

    /// The link was in a letter: the refusal stands beside it, unless it was called spam before.
    fn note_unsubscribed(&mut self, entry: &Suppression) {
        let sent =
            self.messages.values_mut().filter(|row| row.message.state == MessageState::Sent && row.message.to.as_str() == entry.value);
        for row in sent.filter(|row| outranks(Delivery::Unsubscribed, row.message.delivery)) {
            row.message.delivery = Some(Delivery::Unsubscribed);
            row.updated_at = entry.registered_at;
        }
    }

    /// A company with all that were found to be the same one: a refusal of any covers all.
    fn group_of(&self, company: Id<Company>) -> BTreeSet<Id<Company>> {
        let primary = self.companies.get(&company).map(CompanyRow::stands_for);
        self.companies.values().filter(|row| Some(row.stands_for()) == primary).map(|row| row.company.id).collect()
    }

    fn owner_of(&self, entry: &Suppression) -> Option<Id<Company>> {
        let kind = match entry.scope {
            SuppressionScope::Email => ContactType::Email,
            SuppressionScope::Phone => ContactType::Phone,
            SuppressionScope::Domain => {
                let is_of = |company: &Company| {
                    let host = company.canonical_domain.as_ref().map(DomainName::as_str);
                    let family = company.registrable_domain.as_ref().map(RegistrableDomain::as_str);
                    host == Some(&entry.value) || family == Some(&entry.value)
                };
                let owners = self.companies.values().map(|row| &row.company).filter(|company| is_of(company));
                let first = owners.min_by_key(|company| (company.state == CompanyState::Duplicate, company.first_seen_at, company.id));
                return first.map(|company| company.id);
            }
        };
        let is_named = |found: &FoundContact| found.contact_type == kind && found.value == entry.value;
        self.contacts.values().find(|contact| is_named(&contact.found)).map(|contact| contact.company_id)
    }
}
