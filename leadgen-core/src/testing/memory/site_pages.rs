//! Pages of sites: kept with the visit that read them, given to the next one, read again.

use std::collections::HashSet;
use std::ops::Bound;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::{Contact, ContactType, Findings};
use crate::domain::flow::CompanyState;
use crate::domain::id::Id;
use crate::domain::page::{FindingsDiff, KeptVisit, SitePage};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::SitePages;
use crate::ports::work::Call;
use crate::rules::{refound, visit};

use super::MemoryStore;
use super::tables::Tables;

#[async_trait]
impl SitePages for MemoryStore {
    async fn page(&self, company: Id<Company>, asked: &str) -> Result<Option<SitePage>> {
        Ok(self.read(|tables| tables.site_pages.get(&company)?.iter().find(|page| page.asked == asked).cloned()))
    }

    async fn kept_visits(&self, after: Option<Id<Company>>, limit: u64) -> Result<Vec<KeptVisit>> {
        Ok(self.read(|tables| {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let kept = tables.site_pages.range((start, Bound::Unbounded)).filter_map(|(id, pages)| {
                let row = tables.companies.get(id)?;
                let is_read = row.company.state != CompanyState::Duplicate && !row.opt_out && !pages.is_empty();
                is_read.then(|| KeptVisit { company: row.company.clone(), pages: pages.clone() })
            });
            kept.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
        }))
    }

    async fn refind(&self, company: Id<Company>, findings: &Findings, dry: bool, now: Timestamp) -> Result<FindingsDiff> {
        self.write(|tables, _| {
            let diff = tables.findings_diff(company, findings);
            if !dry && !diff.is_empty() {
                tables.write_findings(company, findings, &diff, now);
            }
            Ok(diff)
        })
    }
}

impl Tables {
    /// The pages of a visit take the place of those of the visit before; what the site does not want kept goes.
    pub(super) fn keep_site_pages(&mut self, call: &Call, company: Id<Company>, findings: &Findings) {
        if let Some(pages) = self.site_pages.get_mut(&company) {
            pages.retain(|page| !findings.withdrawn.contains(&page.asked) && !findings.withdrawn.contains(&page.url));
        }
        if call.policy.sites.keep_pages.is_zero() || findings.visited.is_empty() {
            return;
        }
        let mut seen = HashSet::new();
        let pages = findings.visited.iter().filter(|page| seen.insert(page.asked.clone())).cloned().collect();
        self.site_pages.insert(company, pages);
    }

    /// Pages of sites past their retention go.
    pub(super) fn forget_old_sites(&mut self, call: &Call) {
        let oldest = call.now - call.policy.sites.keep_pages;
        for pages in self.site_pages.values_mut() {
            pages.retain(|page| page.fetched_at >= oldest);
        }
    }

    fn findings_diff(&self, company: Id<Company>, findings: &Findings) -> FindingsDiff {
        let Some(row) = self.companies.get(&company) else { return FindingsDiff::default() };
        let stored: Vec<refound::Stored> = self
            .contacts
            .values()
            .filter(|contact| contact.company_id == company)
            .map(|contact| refound::Stored {
                is_used: self.messages.values().any(|row| row.message.contact_id == contact.id),
                found: contact.found.clone(),
            })
            .collect();
        let held = |kind: ContactType, value: &str| {
            self.contacts.get(&Contact::id_of(kind, value)).is_some_and(|contact| contact.company_id != company)
        };
        let elsewhere = findings.contacts.iter().filter(|found| held(found.contact_type, &found.value)).map(|found| found.value.clone());
        let places = self.site_pages.get(&company).into_iter().flatten().map(|page| page.url.clone());
        let numbers = refound::Numbers { inn: row.inn.clone(), ogrn: row.ogrn.clone(), kpp: row.kpp.clone() };
        refound::difference(&stored, &numbers, &elsewhere.collect(), &places.collect(), findings)
    }

    fn write_findings(&mut self, company: Id<Company>, findings: &Findings, diff: &FindingsDiff, now: Timestamp) {
        self.contacts.retain(|_, contact| contact.company_id != company || !diff.removed.contains(&contact.found.value));
        for found in &findings.contacts {
            if diff.added.contains(&found.value) {
                self.keep_contact(now, company, found);
            } else if diff.changed.contains(&found.value)
                && let Some(contact) = self.contacts.get_mut(&Contact::id_of(found.contact_type, &found.value))
            {
                contact.found = found.clone();
            }
        }
        let primary = self.choose_primary(company, &findings.contacts);
        let phone = self.contacts_of(company, ContactType::Phone).next().is_some();
        let dead = self.dead_address(company);
        let (event, reason) = visit::after_visit(primary, phone, dead.as_deref(), findings.reason.as_deref());
        let Some(row) = self.companies.get_mut(&company) else { return };
        row.company.state = visit::state_after(row.company.state, event);
        row.company.state_reason = reason;
        row.inn = findings.inn.clone().or(row.inn.take());
        row.ogrn = findings.ogrn.clone().or(row.ogrn.take());
        row.kpp = findings.kpp.clone().or(row.kpp.take());
        row.updated_at = now;
    }
}
