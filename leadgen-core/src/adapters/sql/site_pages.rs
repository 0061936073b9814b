//! Pages of sites: kept with the visit that read them, given to the next one, read again, and gone after their retention.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};
use uuid::Uuid;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::id::Id;
use crate::domain::page::{FindingsDiff, KeptVisit, SitePage, Validators};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::SitePages;
use crate::ports::work::Call;
use crate::rules::{refound, visit};

use super::connection::{Serial, SqlStore, commit, query, query_one, run};
use super::raw_pages::{pack, unpack};
use super::row::{at, company, get};

const PAGE: &str = "SELECT p.*, b.bytes FROM site_pages p JOIN site_bodies b ON b.hash = p.hash";

#[async_trait]
impl SitePages for SqlStore {
    async fn page(&self, company: Id<Company>, asked: &str) -> Result<Option<SitePage>> {
        let sql = format!("{PAGE} WHERE p.company_id = $1 AND p.asked = $2");
        query_one(&self.db, &sql, vec![company.uuid().into(), asked.into()]).await?.as_ref().map(site_page).transpose()
    }

    async fn kept_visits(&self, after: Option<Id<Company>>, limit: u64) -> Result<Vec<KeptVisit>> {
        let sql = "SELECT c.* FROM companies c WHERE c.status <> 'duplicate' AND NOT c.opt_out AND (CAST($1 AS uuid) IS NULL OR c.id > $1)
            AND EXISTS (SELECT 1 FROM site_pages p WHERE p.company_id = c.id) ORDER BY c.id LIMIT $2";
        let sql = if self.is_postgres() { sql.to_owned() } else { sql.replace("CAST($1 AS uuid)", "$1") };
        let mut visits = Vec::new();
        for row in query(&self.db, &sql, vec![after.map(Id::uuid).into(), (limit as i64).into()]).await? {
            let company = company(&row)?;
            let pages =
                query(&self.db, &format!("{PAGE} WHERE p.company_id = $1 ORDER BY p.place"), vec![company.id.uuid().into()]).await?;
            visits.push(KeptVisit { company, pages: pages.iter().map(site_page).collect::<Result<_>>()? });
        }
        Ok(visits)
    }

    async fn refind(&self, id: Id<Company>, findings: &Findings, dry: bool, now: Timestamp) -> Result<FindingsDiff> {
        let tx = self.write(Serial::Twins).await?;
        let row = query_one(&tx, &self.locked("SELECT * FROM companies WHERE id = $1"), vec![id.uuid().into()]).await?;
        let Some(row) = row else { return Ok(FindingsDiff::default()) };
        let stored = self.stored_contacts(&tx, id).await?;
        let elsewhere = self.held_elsewhere(&tx, id, &findings.contacts).await?;
        let numbers = refound::Numbers { inn: get(&row, "inn")?, ogrn: get(&row, "ogrn")?, kpp: get(&row, "kpp")? };
        let diff = refound::difference(&stored, &numbers, &elsewhere, &self.places(&tx, id).await?, findings);
        if !dry && !diff.is_empty() {
            self.write_findings(&tx, &company(&row)?, findings, &diff, now).await?;
        }
        commit(tx).await?;
        Ok(diff)
    }
}

fn site_page(row: &QueryResult) -> Result<SitePage> {
    Ok(SitePage {
        asked: get(row, "asked")?,
        url: get(row, "url")?,
        status: u16::try_from(get::<i32>(row, "status")?).unwrap_or_default(),
        content_type: get(row, "content_type")?,
        body: unpack(&get::<Vec<u8>>(row, "bytes")?)?.into(),
        truncated: get(row, "truncated")?,
        validators: Validators { etag: get(row, "etag")?, last_modified: get(row, "last_modified")? },
        rendered: get(row, "rendered")?,
        fetched_at: at(row, "fetched_at")?,
    })
}

/// Pages ready to be written: packed before a transaction begins, so that nobody waits for it.
pub(super) struct Packed<'a>(Vec<(&'a SitePage, String, Vec<u8>)>);

impl<'a> Packed<'a> {
    pub(super) fn of(call: &Call, findings: &'a Findings) -> Result<Self> {
        if call.policy.sites.keep_pages.is_zero() {
            return Ok(Self(Vec::new()));
        }
        let mut seen = HashSet::new();
        let pages = findings.visited.iter().filter(|page| seen.insert(page.asked.as_str()));
        pages.map(|page| Ok((page, page.hash(), pack(&page.body)?))).collect::<Result<_>>().map(Self)
    }
}

impl SqlStore {
    /// The pages of a visit take the place of those of the visit before.
    pub(super) async fn keep_site_pages(&self, tx: &DatabaseTransaction, now: Timestamp, company: Uuid, packed: &Packed<'_>) -> Result<()> {
        if packed.0.is_empty() {
            return Ok(());
        }
        run(tx, "DELETE FROM site_pages WHERE company_id = $1", vec![company.into()]).await?;
        for (place, (page, hash, bytes)) in packed.0.iter().enumerate() {
            let sql = "INSERT INTO site_bodies (hash, bytes, created_at) VALUES ($1, $2, $3)
                ON CONFLICT (hash) DO UPDATE SET created_at = excluded.created_at";
            run(tx, sql, vec![hash.clone().into(), bytes.clone().into(), now.millis().into()]).await?;
            let sql = "INSERT INTO site_pages (company_id, asked, place, url, status, content_type, truncated, hash, etag, last_modified, fetched_at,
                rendered) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
            let values = vec![
                company.into(),
                page.asked.clone().into(),
                i32::try_from(place).unwrap_or(i32::MAX).into(),
                page.url.clone().into(),
                i32::from(page.status).into(),
                page.content_type.clone().into(),
                page.truncated.into(),
                hash.clone().into(),
                page.validators.etag.clone().into(),
                page.validators.last_modified.clone().into(),
                page.fetched_at.millis().into(),
                page.rendered.into(),
            ];
            run(tx, sql, values).await?;
        }
        Ok(())
    }

    /// Pages of which their site asks that nothing is kept go, with their bodies.
    pub(super) async fn forget_withdrawn(&self, tx: &DatabaseTransaction, company: Uuid, withdrawn: &[String]) -> Result<()> {
        for address in withdrawn {
            let these = "company_id = $1 AND (asked = $2 OR url = $2)";
            let of = || vec![company.into(), address.clone().into()];
            let rows = query(tx, &format!("SELECT DISTINCT hash FROM site_pages WHERE {these}"), of()).await?;
            run(tx, &format!("DELETE FROM site_pages WHERE {these}"), of()).await?;
            for row in rows {
                let sql =
                    "DELETE FROM site_bodies WHERE hash = $1 AND NOT EXISTS (SELECT 1 FROM site_pages p WHERE p.hash = site_bodies.hash)";
                run(tx, sql, vec![get::<String>(&row, "hash")?.into()]).await?;
            }
        }
        Ok(())
    }

    /// Pages of sites past their retention go, and bodies that no page shows any more.
    pub(super) async fn forget_old_sites(&self, tx: &DatabaseTransaction, call: &Call) -> Result<()> {
        let oldest = (call.now - call.policy.sites.keep_pages).millis();
        let sql = "SELECT 1 AS old FROM site_pages WHERE fetched_at < $1 UNION ALL SELECT 1 FROM site_bodies WHERE created_at < $1 LIMIT 1";
        if query_one(tx, sql, vec![oldest.into()]).await?.is_none() {
            return Ok(());
        }
        run(tx, "DELETE FROM site_pages WHERE fetched_at < $1", vec![oldest.into()]).await?;
        let sql =
            "DELETE FROM site_bodies WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM site_pages p WHERE p.hash = site_bodies.hash)";
        run(tx, sql, vec![oldest.into()]).await?;
        Ok(())
    }

    async fn stored_contacts(&self, tx: &DatabaseTransaction, id: Id<Company>) -> Result<Vec<refound::Stored>> {
        let sql = "SELECT k.*, EXISTS (SELECT 1 FROM outreach_messages m WHERE m.contact_id = k.id) AS is_used FROM contacts k WHERE k.company_id = $1";
        let mut stored = Vec::new();
        for row in query(tx, sql, vec![id.uuid().into()]).await? {
            let metadata: serde_json::Value = serde_json::from_str(&get::<String>(&row, "metadata")?).unwrap_or_default();
            stored.push(refound::Stored {
                is_used: get(&row, "is_used")?,
                found: FoundContact {
                    contact_type: ContactType::parse(&get::<String>(&row, "contact_type")?)?,
                    value: get(&row, "value")?,
                    kind: get(&row, "kind")?,
                    origin: get(&row, "origin")?,
                    score: get(&row, "quality_score")?,
                    source_url: get(&row, "source_url")?,
                    snippet: get(&row, "snippet")?,
                    page_hash: metadata["page_hash"].as_str().unwrap_or_default().to_owned(),
                    extension: metadata["extension"].as_str().map(str::to_owned),
                },
            });
        }
        Ok(stored)
    }

    /// The addresses of a company's kept pages.
    async fn places(&self, tx: &DatabaseTransaction, id: Id<Company>) -> Result<BTreeSet<String>> {
        let rows = query(tx, "SELECT url FROM site_pages WHERE company_id = $1", vec![id.uuid().into()]).await?;
        rows.iter().map(|row| get(row, "url")).collect()
    }

    async fn held_elsewhere(&self, tx: &DatabaseTransaction, id: Id<Company>, found: &[FoundContact]) -> Result<BTreeSet<String>> {
        let mut held = BTreeSet::new();
        for contact in found {
            let sql = "SELECT 1 FROM contacts WHERE contact_type = $1 AND value = $2 AND company_id <> $3";
            let values = vec![contact.contact_type.as_str().into(), contact.value.clone().into(), id.uuid().into()];
            if query_one(tx, sql, values).await?.is_some() {
                held.insert(contact.value.clone());
            }
        }
        Ok(held)
    }

    async fn write_findings(
        &self,
        tx: &DatabaseTransaction,
        company: &Company,
        findings: &Findings,
        diff: &FindingsDiff,
        now: Timestamp,
    ) -> Result<()> {
        let of_company = |value: &str| vec![company.id.uuid().into(), value.into()];
        for value in &diff.removed {
            run(tx, "DELETE FROM contacts WHERE company_id = $1 AND value = $2", of_company(value)).await?;
        }
        // A lower score would not take the place of a higher one: the row is set back first.
        for value in &diff.changed {
            run(tx, "UPDATE contacts SET quality_score = -1 WHERE company_id = $1 AND value = $2", of_company(value)).await?;
        }
        let by_value: BTreeMap<&str, &FoundContact> = findings.contacts.iter().map(|found| (found.value.as_str(), found)).collect();
        for value in diff.added.iter().chain(&diff.changed) {
            if let Some(found) = by_value.get(value.as_str()) {
                self.keep_contact(tx, now, company.id, found).await?;
                run(tx, "UPDATE contacts SET kind = $3 WHERE company_id = $1 AND value = $2", {
                    let mut values: Vec<sea_orm::Value> = of_company(value);
                    values.push(found.kind.clone().into());
                    values
                })
                .await?;
            }
        }
        let order: Vec<&str> = findings.contacts.iter().map(|found| found.value.as_str()).collect();
        let primary = self.choose_primary(tx, company.id, &order).await?;
        let (phone, dead) = (self.has_phone(tx, company.id).await?, self.dead_address(tx, company.id).await?);
        let (event, reason) = visit::after_visit(primary, phone, dead.as_deref(), findings.reason.as_deref());
        let next = visit::state_after(company.state, event);
        let sql = "UPDATE companies SET status = $2, status_reason = $3, inn = COALESCE($4, inn), ogrn = COALESCE($5, ogrn),
            kpp = COALESCE($6, kpp), updated_at = $7 WHERE id = $1";
        let values = vec![
            company.id.uuid().into(),
            next.as_str().into(),
            reason.into(),
            findings.inn.clone().into(),
            findings.ogrn.clone().into(),
            findings.kpp.clone().into(),
            now.millis().into(),
        ];
        run(tx, sql, values).await.map(|_| ())
    }
}
