//! The dedupe lane: a result becomes a company, or a twin of one.

use async_trait::async_trait;

use crate::domain::company::{Company, NewCompany, Suspect};
use crate::domain::contact::FoundContact;
use crate::domain::flow::{CompanyState, ResultEvent, ResultState};
use crate::domain::id::Id;
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, DedupeResult, Fault, Ticket, Work};
use crate::rules::setback::{Setback, setback};
use crate::rules::twins::profile::{Known, Profile};

use super::MemoryStore;
use super::leases::{Lease, first_due, lease_lost};
use super::tables::{CompanyRow, ResultRow, Tables};

/// A result that can't be judged is not looked at for a year; its reason stands beside it.
const PUT_ASIDE: std::time::Duration = std::time::Duration::from_hours(24 * 365);

#[async_trait]
impl Lane<DedupeResult> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<DedupeResult>>> {
        self.write(|tables, lease_now| {
            let is_asked =
                |row: &ResultRow| tables.operations.get(&row.operation).is_some_and(|of| tables.is_asked_for(call, &of.operation));
            let due = tables
                .results
                .iter()
                .filter(|(_, row)| row.state == ResultState::New && row.lease.is_free(call, lease_now) && is_asked(row));
            let due = due.map(|(id, row)| ((row.created_at, row.operation, row.sighting.position, *id), *id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                let token = tables.new_token();
                let Some(row) = tables.results.get_mut(&id) else { continue };
                let ticket = row.lease.take::<DedupeResult>(id.uuid(), token, call, lease_now);
                let row = row.clone();
                claims.push(Claim::new(ticket, tables.suspect(id, &row)?));
            }
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, NewCompany)>) -> Result<Vec<Ticket>> {
        self.write(|tables, _| {
            let mut lost = Vec::new();
            let mut rows = Vec::new();
            for (ticket, newborn) in done {
                match tables.leased_result(&ticket) {
                    Some(row) => rows.push((row.sighting.position, ticket, newborn)),
                    None => lost.push(ticket),
                }
            }
            // The better position is the first of its company, whatever order the work ended in.
            rows.sort_by_key(|(position, ticket, _)| (*position, ticket.row));
            for (_, ticket, newborn) in rows {
                tables.judge(call, &ticket, &newborn)?;
            }
            Ok(lost)
        })
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            let row = tables.leased_result(ticket).ok_or_else(|| lease_lost(ticket))?;
            row.last_error = Some(fault.text.clone());
            match setback(fault.verdict, ticket.tries, DedupeResult::TRIES) {
                Setback::GiveUp => row.lease.put_off(&Fault { retry_at: call.now + PUT_ASIDE, ..fault.clone() }, true),
                Setback::Again { counted } => row.lease.put_off(fault, counted),
            }
            Ok(())
        })
    }
}

/// A company about to be inserted, with where it was seen.
pub(super) struct Born<'a> {
    pub(super) newborn: &'a NewCompany,
    pub(super) industry: &'a str,
    pub(super) region: &'a str,
    pub(super) batch_tag: &'a str,
    pub(super) snippet: &'a str,
    pub(super) result: Option<Id<Suspect>>,
    pub(super) inn: Option<&'a str>,
    pub(super) ogrn: Option<&'a str>,
}

impl Born<'_> {
    /// What only one firm has, of all it came with.
    pub(super) fn facts(&self, contacts: &[FoundContact]) -> Profile {
        let numbered = Profile::default().with(Known::Inn, self.inn.unwrap_or("")).with(Known::Ogrn, self.ogrn.unwrap_or(""));
        contacts.iter().fold(numbered, Profile::showing)
    }
}

/// Whether a known company has the id, the key or the host of one about to be born.
fn keeps_from_birth(row: &CompanyRow, newborn: &NewCompany) -> bool {
    let known = &row.company;
    let same_host = newborn.canonical_domain.is_some() && known.canonical_domain == newborn.canonical_domain;
    known.id == newborn.id() || (known.state != CompanyState::Duplicate && (known.dedupe_hash == newborn.dedupe_hash || same_host))
}

impl Tables {
    fn leased_result(&mut self, ticket: &Ticket) -> Option<&mut ResultRow> {
        self.results.get_mut(&Id::from_uuid(ticket.row)).filter(|row| row.lease.is_of(ticket))
    }

    fn suspect(&self, result_id: Id<Suspect>, row: &ResultRow) -> Result<Suspect> {
        let asked = self.operations.get(&row.operation).and_then(|of| self.queries.get(&of.operation.query_id)).map(|row| &row.query);
        let domain = DomainName::parse(&row.sighting.domain)?;
        Ok(Suspect {
            result_id,
            url: row.sighting.url.clone(),
            snippet: row.sighting.snippet.clone(),
            industry: asked.map(|query| query.niche.clone()).unwrap_or_default(),
            region: asked.map(|query| query.city.clone()).unwrap_or_default(),
            batch_tag: asked.map(|query| query.batch_tag.clone()).unwrap_or_default(),
            title: row.sighting.title.clone(),
            domain,
        })
    }

    /// Looks for twins, now that nobody else can be born meanwhile, and writes what a result is.
    fn judge(&mut self, call: &Call, ticket: &Ticket, newborn: &NewCompany) -> Result<()> {
        let id = Id::from_uuid(ticket.row);
        let Some(row) = self.results.get(&id).cloned() else { return Ok(()) };
        let suspect = self.suspect(id, &row)?;
        let born = Born {
            newborn,
            industry: &suspect.industry,
            region: &suspect.region,
            batch_tag: &suspect.batch_tag,
            snippet: &suspect.snippet,
            result: Some(suspect.result_id),
            inn: None,
            ogrn: None,
        };
        let (company, verdict, score) = self.settle(call.now, &born, &[])?;
        if let Some(row) = self.leased_result(ticket) {
            // A birth wrote its result already; what it was before says what it may become.
            row.state = ResultState::New.after(ResultEvent::Judge(verdict))?;
            row.company = Some(company);
            row.score = Some(score);
            row.last_error = None;
            row.updated_at = call.now;
            row.lease.settle();
        }
        if verdict != ResultState::Unique
            && let Some(row) = self.companies.get_mut(&company)
        {
            row.last_seen_at = call.now;
        }
        self.hosts.entry(suspect.domain.as_str().to_owned()).or_insert(company);
        Ok(())
    }

    /// Inserts a company unless it is known by its id, its key or its host; whether it was new.
    pub(super) fn insert_company(&mut self, now: Timestamp, born: &Born<'_>) -> bool {
        let newborn = born.newborn;
        if self.companies.values().any(|row| keeps_from_birth(row, newborn)) {
            return false;
        }
        let company = Company {
            id: newborn.id(),
            name: newborn.name.to_string(),
            canonical_domain: newborn.canonical_domain.clone(),
            registrable_domain: newborn.registrable_domain.clone(),
            website_url: newborn.website_url.clone(),
            moved_to: None,
            industry: born.industry.to_owned(),
            region: born.region.to_owned(),
            batch_tag: born.batch_tag.to_owned(),
            state: CompanyState::New,
            state_reason: None,
            dedupe_hash: newborn.dedupe_hash.clone(),
            last_snippet: born.snippet.to_owned(),
            first_seen_at: now,
        };
        let row = CompanyRow {
            normalized_name: newborn.name.normal().to_owned(),
            birthplace: born.result,
            duplicate_of: None,
            facts: String::new(),
            opt_out: false,
            last_error: None,
            excerpt: String::new(),
            site_name: None,
            legal_name: None,
            address: None,
            inn: born.inn.map(str::to_owned),
            ogrn: born.ogrn.map(str::to_owned),
            kpp: None,
            redirected_to: None,
            visits: 0,
            last_visit_at: None,
            last_seen_at: now,
            updated_at: now,
            lease: Lease::default(),
            company,
        };
        self.companies.insert(newborn.id(), row);
        true
    }
}
