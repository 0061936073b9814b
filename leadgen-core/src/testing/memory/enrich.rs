//! The enrich lane: contacts are stored, a primary one is chosen.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::{Contact, ContactType, Findings, FoundContact};
use crate::domain::flow::{CompanyEvent, CompanyState};
use crate::domain::id::Id;
use crate::domain::policy::EnrichTries;
use crate::domain::time::Timestamp;
use crate::domain::verification::Verification;
use crate::error::Result;
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, EnrichCompany, Fault, Ticket, Work};
use crate::rules::rank::{self, Candidate};
use crate::rules::setback::{Setback, setback};
use crate::rules::twins::profile::Profile;
use crate::rules::visit::{KEPT, PRIMARY_FROM, after_visit, most_tries, reason_given_up, state_after};

use super::MemoryStore;
use super::leases::{first_due, lease_lost, of_batch};
use super::tables::{CompanyRow, Tables};

#[async_trait]
impl Lane<EnrichCompany> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<EnrichCompany>>> {
        self.write(|tables, lease_now| {
            tables.forget_old_sites(call);
            tables.forget_old_hosts(call);
            let waits = |row: &&CompanyRow| {
                let company = &row.company;
                company.canonical_domain.is_some()
                    && !row.opt_out
                    && of_batch(call, &company.batch_tag)
                    && (company.state == CompanyState::New || is_worth_another_visit(row, call.policy.enrich_tries, call.now))
            };
            let due = tables.companies.values().filter(waits).filter(|row| row.lease.is_free(call, lease_now));
            let due = due.map(|row| ((row.company.first_seen_at, row.company.id), row.company.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                let token = tables.new_token();
                let Some(row) = tables.companies.get_mut(&id) else { continue };
                claims.push(Claim::new(row.lease.take::<EnrichCompany>(id.uuid(), token, call, lease_now), row.company.clone()));
            }
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Findings)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, findings) in done {
            let kept = self.write(|tables, _| tables.keep_findings(call, &ticket, &findings))?;
            if !kept {
                lost.push(ticket);
            }
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            let row = tables.leased_company(ticket).ok_or_else(|| lease_lost(ticket))?;
            row.last_error = Some(fault.text.clone());
            match setback(fault.verdict, ticket.tries, most_tries(&fault.code, EnrichCompany::TRIES)) {
                Setback::Again { counted } => row.lease.put_off(fault, counted),
                Setback::GiveUp => {
                    // A refusal or a merge that came while the site was read stays.
                    row.company.state = row.company.state.after(CompanyEvent::Disqualify).unwrap_or(row.company.state);
                    row.company.state_reason = Some(reason_given_up(&fault.code).to_owned());
                    row.updated_at = call.now;
                    row.lease.settle();
                }
            }
            Ok(())
        })
    }
}

/// A site that showed no address may show one later.
fn is_worth_another_visit(row: &CompanyRow, tries: EnrichTries, now: Timestamp) -> bool {
    row.company.state == CompanyState::Disqualified
        && matches!(row.company.state_reason.as_deref(), Some("contacts_not_found" | "phone_only"))
        && row.visits < tries.max
        && row.last_visit_at.is_some_and(|at| at <= now - tries.apart)
}

impl Tables {
    /// Whether the lease still held.
    fn keep_findings(&mut self, call: &Call, ticket: &Ticket, findings: &Findings) -> Result<bool> {
        let Some(row) = self.leased_company(ticket) else { return Ok(false) };
        let id = row.company.id;
        for kind in [ContactType::Email, ContactType::Phone] {
            for found in findings.contacts.iter().filter(|found| found.contact_type == kind).take(KEPT) {
                self.keep_contact(call.now, id, found);
                if kind == ContactType::Email {
                    self.note_shared(call.now, id, &found.value);
                }
                if let Some(check) = findings.check_of(&found.value) {
                    self.keep_verification(id, &found.value, check);
                }
            }
        }
        let primary = self.choose_primary(id, &findings.contacts);
        let phone = self.contacts_of(id, ContactType::Phone).next().is_some();
        let dead = self.dead_address(id);
        let (event, reason) = after_visit(primary, phone, dead.as_deref(), findings.reason.as_deref());
        let Some(row) = self.leased_company(ticket) else { return Ok(false) };
        row.company.state = state_after(row.company.state, event);
        row.company.state_reason = reason;
        // A visit that found less does not take away what an earlier one found.
        if !findings.excerpt.is_empty() {
            row.excerpt.clone_from(&findings.excerpt);
        }
        row.inn = findings.inn.clone().or(row.inn.take());
        row.ogrn = findings.ogrn.clone().or(row.ogrn.take());
        row.kpp = findings.kpp.clone().or(row.kpp.take());
        row.redirected_to.clone_from(&findings.redirected_to);
        row.company.moved_to = findings.moved_to.clone().or(row.company.moved_to.take());
        row.site_name.clone_from(&findings.company_name);
        row.legal_name.clone_from(&findings.legal_name);
        row.address.clone_from(&findings.address);
        row.last_error = None;
        row.visits += 1;
        row.last_visit_at = Some(call.now);
        row.updated_at = call.now;
        row.lease.settle();
        self.keep_site_pages(call, id, findings);
        // A phone, an address, a number or another host may show that it is a company known already.
        let facts = Profile::found_by(findings);
        if let Some(host) = &findings.moved_to {
            self.hosts.entry(host.to_string()).or_insert(id);
        }
        self.learn(call.now, id, &facts)?;
        if findings.inn.is_some() || findings.ogrn.is_some() {
            self.meet(call.now, id)?;
        }
        Ok(true)
    }

    /// Notes that a company's site shows an address that another company has. Once too many do, whoever has it is written to at
    /// another address, or not at all.
    fn note_shared(&mut self, now: Timestamp, company: Id<Company>, value: &str) {
        let id = Contact::id_of(ContactType::Email, value);
        let Some(owner) = self.contacts.get(&id).map(|contact| contact.company_id).filter(|owner| *owner != company) else { return };
        if !self.shared_contacts.entry(id).or_default().insert(company) {
            return;
        }
        let is_lost = self.contacts.get(&id).is_some_and(|contact| contact.is_primary && self.is_anybodys(contact));
        if !is_lost || self.choose_primary(owner, &[]) {
            return;
        }
        if let Some(row) = self.companies.get_mut(&owner)
            && let Ok(next) = row.company.state.after(CompanyEvent::AddressLost)
        {
            (row.company.state, row.company.state_reason, row.updated_at) = (next, Some(rank::SHARED.to_owned()), now);
        }
    }

    /// Whether so many other firms show an address that it is none's of them. What the operator's own list names is the firm's,
    /// whoever shows it.
    fn is_anybodys(&self, contact: &Contact) -> bool {
        let owner = self.root(contact.company_id);
        let roots: BTreeSet<Id<Company>> = self.shared_contacts.get(&contact.id).into_iter().flatten().map(|id| self.root(*id)).collect();
        contact.found.origin != "import" && rank::is_shared(roots.into_iter().filter(|root| *root != owner).count())
    }

    /// What was found out of an address, beside it.
    pub(super) fn keep_verification(&mut self, company: Id<Company>, value: &str, check: &Verification) {
        let id = Contact::id_of(ContactType::Email, value);
        if let Some(contact) = self.contacts.get_mut(&id).filter(|contact| contact.company_id == company) {
            contact.verification = check.clone();
        }
    }

    /// Why the best address of a company takes no mail, if there is one that takes none.
    pub(super) fn dead_address(&self, company: Id<Company>) -> Option<String> {
        let dead = self.contacts_of(company, ContactType::Email).filter(|contact| contact.verification.is_bad());
        let best = dead.min_by(|a, b| {
            let best_score = b.found.score.total_cmp(&a.found.score);
            best_score.then_with(|| (a.first_seen_at, a.id).cmp(&(b.first_seen_at, b.id)))
        });
        if let Some(dead) = best {
            return Some(dead.verification.reason.clone());
        }
        self.contacts_of(company, ContactType::Email).any(|contact| self.is_anybodys(contact)).then(|| rank::SHARED.to_owned())
    }

    /// Stores a contact for a company; one that belongs to another company stays with that one.
    pub(super) fn keep_contact(&mut self, now: Timestamp, company_id: Id<Company>, found: &FoundContact) {
        let id = Contact::id_of(found.contact_type, &found.value);
        match self.contacts.get_mut(&id) {
            None => {
                let verification = Verification::not_checked();
                let contact = Contact { id, company_id, found: found.clone(), is_primary: false, verification, first_seen_at: now };
                self.contacts.insert(id, contact);
            }
            Some(known) if known.company_id == company_id && found.score > known.found.score => {
                known.found = FoundContact { kind: known.found.kind.clone(), ..found.clone() };
            }
            Some(_) => {}
        }
    }

    /// Nothing is written to an address that takes no mail, or that is anybody's.
    fn may_be_primary(&self, contact: &Contact) -> bool {
        !contact.verification.is_bad() && rank::may_be_primary(&contact.found.value, &contact.found.origin) && !self.is_anybodys(contact)
    }

    /// The best address becomes primary unless there is one already; whether the company has one now. Of two with one score
    /// the better reader of an offer is taken, then the older one, then the one that stands first in `found`.
    pub(super) fn choose_primary(&mut self, company: Id<Company>, found: &[FoundContact]) -> bool {
        match self.primary(company).map(|contact| (contact.id, self.may_be_primary(contact))) {
            Some((_, true)) => return true,
            Some((id, false)) => {
                self.contacts.entry(id).and_modify(|contact| contact.is_primary = false);
            }
            None => {}
        }
        let candidate = |contact: &Contact| Candidate {
            key: contact.id,
            value: contact.found.value.clone(),
            kind: contact.found.kind.clone(),
            score: contact.found.score,
            since: contact.first_seen_at.millis(),
            place: found.iter().position(|found| found.value == contact.found.value).unwrap_or(usize::MAX),
        };
        let good = self
            .contacts_of(company, ContactType::Email)
            .filter(|contact| contact.found.score >= PRIMARY_FROM && self.may_be_primary(contact));
        let best = good.map(candidate).min_by(Candidate::order).map(|best| best.key);
        match best.and_then(|id| self.contacts.get_mut(&id)) {
            Some(contact) => contact.is_primary = true,
            None => return false,
        }
        true
    }
}
