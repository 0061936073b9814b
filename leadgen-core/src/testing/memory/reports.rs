//! Figures, and lists to take away.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::ContactType;
use crate::domain::flow::{CompanyState, Delivery, MessageState, OperationState, QueryState};
use crate::domain::id::Id;
use crate::domain::name::DomainName;
use crate::domain::report::{CompanyLine, ContactReport, DomainHits, Funnel, Quality, Reach, StateCount};
use crate::error::Result;
use crate::ports::store::{Exports, Reports};
use crate::rules::mailhosts::is_free_mail;
use crate::rules::normalize;

use super::MemoryStore;
use super::tables::{CompanyRow, MessageRow, QueryRow, Tables};

#[async_trait]
impl Reports for MemoryStore {
    async fn funnel(&self, batch: Option<&str>) -> Result<Funnel> {
        Ok(self.read(|tables| tables.funnel(batch)))
    }

    async fn quality(&self, batch: Option<&str>) -> Result<Quality> {
        Ok(self.read(|tables| tables.quality(batch)))
    }

    async fn top_domains(&self, limit: u64) -> Result<Vec<DomainHits>> {
        Ok(self.read(|tables| tables.top_domains(limit)))
    }

    async fn contacts(&self, batch: Option<&str>) -> Result<ContactReport> {
        Ok(self.read(|tables| tables.contact_report(batch)))
    }

    async fn states(&self) -> Result<Vec<StateCount>> {
        Ok(self.read(Tables::states))
    }
}

#[async_trait]
impl Exports for MemoryStore {
    async fn companies(&self, batch: Option<&str>) -> Result<Vec<CompanyLine>> {
        Ok(self.read(|tables| tables.lines(|row| is_listed(row, batch))))
    }
}

fn is_listed(row: &CompanyRow, batch: Option<&str>) -> bool {
    row.company.state != CompanyState::Duplicate && batch.is_none_or(|batch| row.company.batch_tag == batch)
}

/// The code in front of a `code: sentence`.
fn code(error: Option<&str>) -> String {
    error.and_then(|text| text.split(':').next()).unwrap_or_default().to_owned()
}

impl Tables {
    fn contact_report(&self, batch: Option<&str>) -> ContactReport {
        let mut report = ContactReport::default();
        for row in self.companies.values().filter(|row| is_listed(row, batch)) {
            let company = &row.company;
            let has = |kind: ContactType| self.contacts_of(company.id, kind).next().is_some();
            let reach = Reach {
                email: has(ContactType::Email),
                primary: self.primary(company.id).is_some(),
                phone: has(ContactType::Phone),
                is_new: company.state == CompanyState::New,
            };
            report.count(reach, company.state_reason.as_deref().unwrap_or_default());
            for contact in self.contacts.values().filter(|contact| contact.company_id == company.id) {
                let found = &contact.found;
                report.count_contacts(found.contact_type, &found.origin, &found.kind, &contact.verification.told(), 1);
            }
        }
        report
    }

    fn quality(&self, batch: Option<&str>) -> Quality {
        let is_of = |tag: &str| batch.is_none_or(|batch| batch == tag);
        let mut quality = Quality::default();
        for row in self.operations.values().filter(|row| row.ingested_at.is_some() && is_of(self.batch_of(&row.operation))) {
            quality.documents += u64::from(row.reading.documents);
            quality.invalid += u64::from(row.reading.invalid);
            quality.repeated += u64::from(row.reading.repeated);
            quality.excluded += u64::from(row.reading.excluded);
            for (kind, count) in &row.reading.excluded_by {
                *quality.excluded_by.entry(kind.clone()).or_default() += u64::from(*count);
            }
        }
        for row in
            self.results.values().filter(|row| self.operations.get(&row.operation).is_some_and(|of| is_of(self.batch_of(&of.operation))))
        {
            quality.inserted += 1;
            *quality.results_by.entry(row.state.as_str().to_owned()).or_default() += 1;
        }
        let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let companies: Vec<&CompanyRow> = self.companies.values().filter(|row| is_listed(row, batch)).collect();
        let reached = companies.iter().filter(|row| self.contacts.values().any(|contact| contact.company_id == row.company.id)).count();
        let completed = |row: &&QueryRow| row.query.state == QueryState::Completed && is_of(&row.query.batch_tag);
        quality.companies = companies.len() as u64;
        let merged = |row: &&CompanyRow| row.company.state == CompanyState::Duplicate && is_of(&row.company.batch_tag);
        quality.duplicates = self.companies.values().filter(merged).count() as u64;
        quality.companies_per_query = share(companies.len(), self.queries.values().filter(completed).count());
        quality.contact_yield = share(reached, companies.len());
        let mut owners: BTreeMap<String, BTreeSet<Id<Company>>> = BTreeMap::new();
        for contact in self.contacts.values().filter(|contact| contact.found.contact_type == ContactType::Email) {
            let host = contact.found.value.rsplit('@').next().and_then(|host| DomainName::parse(host).ok());
            let family = host.and_then(|host| normalize::registrable(&host)).filter(|family| !is_free_mail(family.as_str()));
            if let Some(family) = family.filter(|_| companies.iter().any(|row| row.company.id == contact.company_id)) {
                owners.entry(family.to_string()).or_default().insert(contact.company_id);
            }
        }
        quality.repeated_domains = share(owners.values().filter(|owners| owners.len() > 1).count(), owners.len());
        quality.open_pairs = self.open_pairs();
        quality
    }

    fn top_domains(&self, limit: u64) -> Vec<DomainHits> {
        let hits = |id: Id<Company>| self.results.values().filter(|row| row.company == Some(id)).count() as u64;
        let listed = self.companies.values().filter(|row| is_listed(row, None));
        let mut lines: Vec<DomainHits> = listed
            .filter_map(|row| {
                Some(DomainHits {
                    domain: row.company.canonical_domain.as_ref()?.to_string(),
                    hits: hits(row.company.id),
                    first_seen_at: row.company.first_seen_at.to_string(),
                    last_seen_at: row.last_seen_at.to_string(),
                })
            })
            .collect();
        lines.sort_by(|a, b| b.hits.cmp(&a.hits).then_with(|| a.domain.cmp(&b.domain)));
        lines.truncate(limit as usize);
        lines
    }

    fn funnel(&self, batch: Option<&str>) -> Funnel {
        let is_of = |tag: &str| batch.is_none_or(|batch| batch == tag);
        let queries = || self.queries.values().filter(|row| is_of(&row.query.batch_tag));
        let operations = || self.operations.values().filter(|row| is_of(self.batch_of(&row.operation)));
        let results =
            self.results.values().filter(|row| self.operations.get(&row.operation).is_some_and(|of| is_of(self.batch_of(&of.operation))));
        let companies = || self.companies.values().filter(|row| is_listed(row, batch));
        let contacts =
            self.contacts.values().filter(|contact| self.companies.get(&contact.company_id).is_some_and(|row| is_listed(row, batch)));
        let messages = |fits: &dyn Fn(&MessageRow) -> bool| {
            self.messages.values().filter(|row| is_of(&row.message.campaign) && fits(row)).count() as u64
        };
        let delivered = |delivery: Delivery| messages(&|row| row.message.delivery == Some(delivery));
        Funnel {
            niches: self.niches.values().filter(|row| is_of(&row.niche.batch_tag)).count() as u64,
            queries: queries().count() as u64,
            pages: operations().filter(|row| row.operation.state == OperationState::Done).count() as u64,
            results: results.count() as u64,
            companies: companies().count() as u64,
            contacts: contacts.count() as u64,
            drafted: messages(&|_| true),
            approved: messages(&|row| row.approved_at.is_some()),
            sent: messages(&|row| row.message.state == MessageState::Sent),
            bounced: delivered(Delivery::Bounced),
            replied: delivered(Delivery::Replied),
            opted_out: delivered(Delivery::Unsubscribed) + delivered(Delivery::Complained),
            suppressed: self.registry.len() as u64,
            in_doubt: messages(&|row| row.message.state == MessageState::InDoubt),
            submit_unknown: queries().filter(|row| row.submit_unknown).count() as u64,
        }
    }

    fn states(&self) -> Vec<StateCount> {
        let niches = self.niches.values().map(|row| (row.niche.state.as_str(), code(row.last_error.as_deref())));
        let queries = self.queries.values().map(|row| (row.query.state.as_str(), code(row.last_error.as_deref())));
        let operations = self.operations.values().map(|row| (row.operation.state.as_str(), code(row.error.as_deref())));
        let results = self.results.values().map(|row| (row.state.as_str(), code(row.last_error.as_deref())));
        let companies =
            self.companies.values().map(|row| (row.company.state.as_str(), row.company.state_reason.clone().unwrap_or_default()));
        let messages = self.messages.values().map(|row| (row.message.state.as_str(), code(row.message.last_error.as_deref())));
        let mut all = counted("niches", niches);
        all.extend(counted("queries", queries));
        all.extend(counted("operations", operations));
        all.extend(counted("results", results));
        all.extend(counted("companies", companies));
        all.extend(counted("messages", messages));
        all
    }

    /// Companies that are not duplicates and of which a condition holds, by domain, then name.
    pub(super) fn lines(&self, holds: impl Fn(&CompanyRow) -> bool) -> Vec<CompanyLine> {
        let mut rows: Vec<&CompanyRow> = self.companies.values().filter(|row| is_listed(row, None) && holds(row)).collect();
        rows.sort_by_key(|row| (&row.company.canonical_domain, &row.company.name, row.company.id));
        rows.into_iter().map(|row| self.line(row)).collect()
    }

    fn line(&self, row: &CompanyRow) -> CompanyLine {
        let company = &row.company;
        let primary = self.primary(company.id);
        let values = |kind: ContactType| {
            let mut found: Vec<_> = self.contacts_of(company.id, kind).map(|contact| &contact.found).collect();
            found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.value.cmp(&b.value)));
            found.iter().map(|found| found.value.as_str()).collect::<Vec<_>>().join(" ")
        };
        CompanyLine {
            id: company.id.to_string(),
            name: company.name.clone(),
            canonical_domain: company.canonical_domain.as_ref().map(ToString::to_string).unwrap_or_default(),
            website_url: company.website_url.clone().unwrap_or_default(),
            industry: company.industry.clone(),
            region: company.region.clone(),
            status: company.state.as_str().to_owned(),
            status_reason: company.state_reason.clone().unwrap_or_default(),
            redirected_to: row.redirected_to.clone().unwrap_or_default(),
            site_name: row.site_name.clone().unwrap_or_default(),
            email: primary.map(|contact| contact.found.value.clone()).unwrap_or_default(),
            emails: values(ContactType::Email),
            email_source: primary.map(|contact| contact.found.source_url.clone()).unwrap_or_default(),
            email_verification: primary.map(|contact| contact.verification.told()).unwrap_or_default(),
            phones: values(ContactType::Phone),
            inn: row.inn.clone().unwrap_or_default(),
            ogrn: row.ogrn.clone().unwrap_or_default(),
            first_seen_at: company.first_seen_at.to_string(),
            last_seen_at: row.last_seen_at.to_string(),
            batch_tag: company.batch_tag.clone(),
        }
    }
}

fn counted(entity: &str, rows: impl Iterator<Item = (&'static str, String)>) -> Vec<StateCount> {
    let mut counts: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row).or_default() += 1;
    }
    let count =
        |((state, reason), count): ((&str, String), u64)| StateCount { entity: entity.to_owned(), state: state.to_owned(), reason, count };
    counts.into_iter().map(count).collect()
}
