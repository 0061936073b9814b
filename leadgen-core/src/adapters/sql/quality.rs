//! What the searches brought.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::Value;

use crate::domain::contact::ContactType;
use crate::domain::flow::CompanyState;
use crate::domain::name::DomainName;
use crate::domain::report::{ContactReport, DomainHits, Quality, Reach};
use crate::error::Result;
use crate::rules::mailhosts::is_free_mail;
use crate::rules::normalize;

use super::connection::{SqlStore, query, query_one};
use super::row::{at, count, get};

/// Operations read at once.
const READ: i64 = 5000;

impl SqlStore {
    pub(super) async fn quality_of(&self, batch: Option<&str>) -> Result<Quality> {
        let mut quality = Quality::default();
        self.read_operations(batch, &mut quality).await?;
        let of_batch = "o.query_id = q.id AND (CAST($1 AS text) IS NULL OR q.batch_tag = $1)";
        let sql = format!(
            "SELECT r.dedup_status AS word, count(*) AS n FROM serp_results r, serp_operations o, serp_queries q
             WHERE r.operation_id = o.id AND {of_batch} GROUP BY r.dedup_status"
        );
        for row in query(&self.db, &sql, only(batch)).await? {
            quality.results_by.insert(get(&row, "word")?, count(&row, "n")?);
        }
        let companies = "FROM companies c WHERE c.status <> 'duplicate' AND (CAST($1 AS text) IS NULL OR c.batch_tag = $1)";
        quality.companies = self.number(&format!("SELECT count(*) AS n {companies}"), batch).await?;
        let merged =
            "SELECT count(*) AS n FROM companies c WHERE c.status = 'duplicate' AND (CAST($1 AS text) IS NULL OR c.batch_tag = $1)";
        quality.duplicates = self.number(merged, batch).await?;
        let reached = format!("SELECT count(*) AS n {companies} AND EXISTS (SELECT 1 FROM contacts k WHERE k.company_id = c.id)");
        let reached = self.number(&reached, batch).await?;
        let sql =
            "SELECT count(*) AS n FROM serp_queries q WHERE q.status = 'completed' AND (CAST($1 AS text) IS NULL OR q.batch_tag = $1)";
        let queries = self.number(sql, batch).await?;
        quality.companies_per_query = share(quality.companies, queries);
        quality.contact_yield = share(reached, quality.companies);
        quality.repeated_domains = self.repeated_domains(batch).await?;
        let pairs = query_one(&self.db, "SELECT count(*) AS n FROM company_pairs WHERE status IN ('pending', 'linked')", vec![]).await?;
        quality.open_pairs = pairs.map(|row| count(&row, "n")).transpose()?.unwrap_or(0);
        Ok(quality)
    }

    /// What reading each page came to stands with its operation.
    async fn read_operations(&self, batch: Option<&str>, quality: &mut Quality) -> Result<()> {
        let mut after = uuid::Uuid::nil();
        loop {
            let sql = "SELECT o.id, o.metadata FROM serp_operations o JOIN serp_queries q ON q.id = o.query_id
                WHERE o.id > $2 AND o.ingested_at IS NOT NULL AND (CAST($1 AS text) IS NULL OR q.batch_tag = $1) ORDER BY o.id LIMIT $3";
            let values = vec![batch.map(str::to_owned).into(), after.into(), READ.into()];
            let rows = query(&self.db, sql, values).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = get(last, "id")?;
            for row in &rows {
                let read: serde_json::Value = serde_json::from_str(&get::<String>(row, "metadata")?).unwrap_or_default();
                let number = |key: &str| read[key].as_u64().unwrap_or(0);
                quality.documents += number("documents");
                quality.inserted += number("inserted");
                quality.invalid += number("invalid");
                quality.repeated += number("repeated");
                quality.excluded += number("excluded");
                for (kind, count) in read["excluded_by"].as_object().into_iter().flatten() {
                    *quality.excluded_by.entry(kind.clone()).or_default() += count.as_u64().unwrap_or(0);
                }
            }
        }
    }

    /// The share of firms' own mail domains at which more than one company has an address.
    async fn repeated_domains(&self, batch: Option<&str>) -> Result<f64> {
        let sql = "SELECT k.company_id, k.value FROM contacts k JOIN companies c ON c.id = k.company_id
            WHERE k.contact_type = 'email' AND c.status <> 'duplicate' AND (CAST($1 AS text) IS NULL OR c.batch_tag = $1)";
        let mut owners: BTreeMap<String, BTreeSet<uuid::Uuid>> = BTreeMap::new();
        for row in query(&self.db, sql, only(batch)).await? {
            let value: String = get(&row, "value")?;
            let host = value.rsplit('@').next().and_then(|host| DomainName::parse(host).ok());
            if let Some(family) = host.and_then(|host| normalize::registrable(&host)).filter(|family| !is_free_mail(family.as_str())) {
                owners.entry(family.to_string()).or_default().insert(get(&row, "company_id")?);
            }
        }
        let repeated = owners.values().filter(|owners| owners.len() > 1).count();
        Ok(share(repeated as u64, owners.len() as u64))
    }

    /// Who can be reached, and how.
    pub(super) async fn contact_report(&self, batch: Option<&str>) -> Result<ContactReport> {
        let of = "c.status <> 'duplicate' AND (CAST($1 AS text) IS NULL OR c.batch_tag = $1)";
        let has =
            |what: &str| format!("CASE WHEN EXISTS (SELECT 1 FROM contacts k WHERE k.company_id = c.id AND {what}) THEN 1 ELSE 0 END");
        let sql = format!(
            "SELECT c.status, COALESCE(c.status_reason, '') AS reason, {} AS email, {} AS chosen, {} AS phone FROM companies c WHERE {of}",
            has("k.contact_type = 'email'"),
            has("k.contact_type = 'email' AND k.is_primary"),
            has("k.contact_type = 'phone'"),
        );
        let mut report = ContactReport::default();
        for row in query(&self.db, &sql, only(batch)).await? {
            let is = |column: &str| -> Result<bool> { Ok(get::<i32>(&row, column)? > 0) };
            let is_new = get::<String>(&row, "status")? == CompanyState::New.as_str();
            let reach = Reach { email: is("email")?, primary: is("chosen")?, phone: is("phone")?, is_new };
            report.count(reach, &get::<String>(&row, "reason")?);
        }
        let sql = format!(
            "SELECT k.contact_type, k.origin, k.kind, k.verification, k.verification_reason, count(*) AS n
            FROM contacts k JOIN companies c ON c.id = k.company_id WHERE {of} GROUP BY 1, 2, 3, 4, 5"
        );
        for row in query(&self.db, &sql, only(batch)).await? {
            let text = |column: &str| get::<String>(&row, column);
            let kind = ContactType::parse(&text("contact_type")?)?;
            let known = format!("{}: {}", text("verification")?, text("verification_reason")?);
            report.count_contacts(kind, &text("origin")?, &text("kind")?, &known, count(&row, "n")?);
        }
        Ok(report)
    }

    async fn number(&self, sql: &str, batch: Option<&str>) -> Result<u64> {
        Ok(query_one(&self.db, sql, only(batch)).await?.map(|row| count(&row, "n")).transpose()?.unwrap_or(0))
    }

    pub(super) async fn top_hits(&self, limit: u64) -> Result<Vec<DomainHits>> {
        let sql = "SELECT * FROM top_domains LIMIT $1";
        let rows = query(&self.db, sql, vec![(limit as i64).into()]).await?;
        let line = |row| {
            Ok(DomainHits {
                domain: get(row, "canonical_domain")?,
                hits: count(row, "serp_hits")?,
                first_seen_at: at(row, "first_seen_at")?.to_string(),
                last_seen_at: at(row, "last_seen_at")?.to_string(),
            })
        };
        rows.iter().map(line).collect()
    }
}

fn only(batch: Option<&str>) -> Vec<Value> {
    vec![batch.map(str::to_owned).into()]
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
