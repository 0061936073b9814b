//! Figures, lists to take away, and when there will be something to do.

use async_trait::async_trait;
use sea_orm::Value;

use crate::domain::report::{CompanyLine, ContactReport, DomainHits, Funnel, LaneLoad, Quality, StateCount};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{Agenda, Exports, Reports};

use super::connection::{SqlStore, query, query_one};
use super::letters::DRAFT_LANE;
use super::row::{at, count, get, maybe_at};

#[async_trait]
impl Reports for SqlStore {
    async fn funnel(&self, batch: Option<&str>) -> Result<Funnel> {
        let of_batch = "(CAST($1 AS text) IS NULL OR batch_tag = $1)";
        let of_campaign = "(CAST($1 AS text) IS NULL OR campaign = $1)";
        let queries = format!("FROM serp_queries WHERE {of_batch}");
        let messages = format!("FROM outreach_messages WHERE {of_campaign}");
        let companies = format!("FROM companies WHERE {of_batch} AND status <> 'duplicate'");
        let number = async |sql: String| -> Result<u64> {
            let values: Vec<Value> = if sql.contains("$1") { vec![batch.map(str::to_owned).into()] } else { vec![] };
            Ok(query_one(&self.db, &sql, values).await?.map(|row| count(&row, "n")).transpose()?.unwrap_or(0))
        };
        Ok(Funnel {
            niches: number(format!("SELECT count(*) AS n FROM niches WHERE {of_batch}")).await?,
            queries: number(format!("SELECT count(*) AS n {queries}")).await?,
            pages: number(format!(
                "SELECT count(*) AS n FROM serp_operations WHERE status = 'done' AND query_id IN (SELECT id {queries})"
            ))
            .await?,
            results: number(format!(
                "SELECT count(*) AS n FROM serp_results WHERE operation_id IN (SELECT id FROM serp_operations WHERE query_id IN (SELECT id {queries}))"
            ))
            .await?,
            companies: number(format!("SELECT count(*) AS n {companies}")).await?,
            contacts: number(format!("SELECT count(*) AS n FROM contacts WHERE company_id IN (SELECT id {companies})")).await?,
            drafted: number(format!("SELECT count(*) AS n {messages}")).await?,
            approved: number(format!("SELECT count(*) AS n {messages} AND approved_at IS NOT NULL")).await?,
            sent: number(format!("SELECT count(*) AS n {messages} AND status = 'sent'")).await?,
            bounced: number(format!("SELECT count(*) AS n {messages} AND delivery_status = 'bounced'")).await?,
            replied: number(format!("SELECT count(*) AS n {messages} AND delivery_status = 'replied'")).await?,
            opted_out: number(format!("SELECT count(*) AS n {messages} AND delivery_status IN ('unsubscribed', 'complained')")).await?,
            suppressed: number("SELECT count(*) AS n FROM opt_out_registry".into()).await?,
            in_doubt: number(format!("SELECT count(*) AS n {messages} AND status = 'in_doubt'")).await?,
            submit_unknown: number(format!("SELECT count(*) AS n {queries} AND submit_unknown")).await?,
        })
    }

    async fn quality(&self, batch: Option<&str>) -> Result<Quality> {
        self.quality_of(batch).await
    }

    async fn top_domains(&self, limit: u64) -> Result<Vec<DomainHits>> {
        self.top_hits(limit).await
    }

    async fn contacts(&self, batch: Option<&str>) -> Result<ContactReport> {
        self.contact_report(batch).await
    }

    async fn states(&self) -> Result<Vec<StateCount>> {
        let code =
            "CASE WHEN position(':' IN last_error) > 0 THEN substr(last_error, 1, position(':' IN last_error) - 1) ELSE last_error END";
        let code = if self.is_postgres() { code.to_owned() } else { code.replace("position(':' IN last_error)", "instr(last_error, ':')") };
        let parts = [
            ("niches", "niches", "status", code.clone()),
            ("queries", "serp_queries", "status", code.clone()),
            ("operations", "serp_operations", "status", code.replace("last_error", "error_payload")),
            ("results", "serp_results", "dedup_status", code.clone()),
            ("companies", "companies", "status", "status_reason".into()),
            ("messages", "outreach_messages", "status", code),
        ];
        let mut all = Vec::new();
        for (entity, table, state, reason) in parts {
            let first = all.len();
            let sql = format!("SELECT {state} AS state, COALESCE({reason}, '') AS reason, count(*) AS n FROM {table} GROUP BY 1, 2");
            for row in query(&self.db, &sql, vec![]).await? {
                all.push(StateCount {
                    entity: entity.to_owned(),
                    state: get(&row, "state")?,
                    reason: get(&row, "reason")?,
                    count: count(&row, "n")?,
                });
            }
            // Sorted here: databases order text by their own locale.
            all[first..].sort_by(|a: &StateCount, b| (&a.state, &a.reason).cmp(&(&b.state, &b.reason)));
        }
        Ok(all)
    }
}

#[async_trait]
impl Exports for SqlStore {
    async fn companies(&self, batch: Option<&str>) -> Result<Vec<CompanyLine>> {
        self.company_lines("CAST($1 AS text) IS NULL OR c.batch_tag = $1", vec![batch.map(str::to_owned).into()]).await
    }
}

impl SqlStore {
    /// Companies that are not duplicates and of which a condition holds, by domain, then name.
    pub(super) async fn company_lines(&self, condition: &str, values: Vec<Value>) -> Result<Vec<CompanyLine>> {
        let sql = format!(
            "SELECT c.*, k.value AS email, k.source_url AS email_source, k.verification || ': ' || k.verification_reason AS email_verification
            FROM companies c LEFT JOIN contacts k ON k.company_id = c.id AND k.is_primary AND k.contact_type = 'email'
            WHERE c.status <> 'duplicate' AND ({condition})"
        );
        let mut lines = Vec::new();
        for row in query(&self.db, &sql, values).await? {
            let text = |column: &str| -> Result<String> { Ok(get::<Option<String>>(&row, column)?.unwrap_or_default()) };
            let company: uuid::Uuid = get(&row, "id")?;
            let attributes: serde_json::Value = serde_json::from_str(&text("attributes")?).unwrap_or_default();
            let phones = self.values(company, "phone").await?;
            lines.push(CompanyLine {
                id: company.to_string(),
                name: text("name")?,
                canonical_domain: text("canonical_domain")?,
                website_url: text("website_url")?,
                industry: text("industry")?,
                region: text("region")?,
                status: text("status")?,
                status_reason: text("status_reason")?,
                redirected_to: text("redirected_to")?,
                site_name: attributes["site_name"].as_str().unwrap_or("").to_owned(),
                email: text("email")?,
                emails: self.values(company, "email").await?.join(" "),
                email_source: text("email_source")?,
                email_verification: text("email_verification")?,
                phones: phones.join(" "),
                inn: text("inn")?,
                ogrn: text("ogrn")?,
                first_seen_at: at(&row, "first_seen_at")?.to_string(),
                last_seen_at: at(&row, "last_seen_at")?.to_string(),
                batch_tag: text("batch_tag")?,
            });
        }
        // Sorted here: databases order text by their own locale.
        lines.sort_by(|a: &CompanyLine, b| (&a.canonical_domain, &a.name, &a.id).cmp(&(&b.canonical_domain, &b.name, &b.id)));
        Ok(lines)
    }
}

#[async_trait]
impl Agenda for SqlStore {
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let lanes = [
            ("serp_queries", "status = 'pending'", "scheduled_for"),
            ("serp_operations", "status IN ('created', 'running')", "next_poll_at"),
            ("outreach_messages", "status = 'queued'", "scheduled_for"),
            ("niches", "status = 'admitted'", "next_try_at"),
            ("serp_queries", "status = 'pending'", "next_try_at"),
            ("serp_operations", "status IN ('created', 'running')", "next_try_at"),
            ("serp_operations", "status = 'done' AND ingested_at IS NULL", "next_try_at"),
            ("serp_results", "dedup_status = 'new'", "next_try_at"),
            ("companies", "status IN ('new', 'ready_to_contact')", "next_try_at"),
            ("outreach_messages", "status IN ('approved', 'queued')", "next_try_at"),
        ];
        let mut parts: Vec<String> = lanes
            .iter()
            .map(|(table, filter, column)| format!("SELECT min({column}) AS due FROM {table} WHERE {filter} AND {column} > $1"))
            .collect();
        // Due already, but held up by the night, a quota or the budget: when that ends is when to look again.
        parts.push(
            "SELECT min(until) AS due FROM search_holds WHERE until > $1 AND (
            (kind = 'submit' AND EXISTS (SELECT 1 FROM serp_queries WHERE status = 'pending' AND scheduled_for <= $1))
            OR (kind = 'poll' AND EXISTS (SELECT 1 FROM serp_operations WHERE status IN ('created', 'running') AND next_poll_at <= $1)))"
                .to_owned(),
        );
        let sql = format!("SELECT min(due) AS due FROM ({}) lanes", parts.join(" UNION ALL "));
        Ok(query_one(&self.db, &sql, vec![now.millis().into()]).await?.map(|row| maybe_at(&row, "due")).transpose()?.flatten())
    }

    async fn loads(&self, now: Timestamp) -> Result<Vec<LaneLoad>> {
        let free = format!("claimed_until <= {}", self.lease_now());
        let sql = format!(
            "SELECT stage, count(*) AS waiting, sum(CASE WHEN due_at <= $1 AND {free} THEN 1 ELSE 0 END) AS due,
                sum(CASE WHEN {free} THEN 0 ELSE 1 END) AS held, min(CASE WHEN due_at <= $1 AND {free} THEN due_at END) AS oldest
            FROM (SELECT stage, claimed_until, CASE WHEN next_try_at > COALESCE(due_at, 0) THEN next_try_at ELSE COALESCE(due_at, $1) END AS due_at
                FROM processing_jobs WHERE stage <> 'draft'
                UNION ALL SELECT 'draft', claimed_until, CASE WHEN next_try_at > contacts_last_attempt_at THEN next_try_at
                    ELSE COALESCE(contacts_last_attempt_at, first_seen_at) END FROM companies WHERE {DRAFT_LANE}) jobs
            GROUP BY stage ORDER BY stage"
        );
        let rows = query(&self.db, &sql, vec![now.millis().into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(LaneLoad {
                    stage: get(row, "stage")?,
                    waiting: count(row, "waiting")?,
                    due: count(row, "due")?,
                    held: count(row, "held")?,
                    oldest_due: maybe_at(row, "oldest")?,
                })
            })
            .collect()
    }
}

impl SqlStore {
    /// The contacts of a company of one kind, best first.
    async fn values(&self, company: uuid::Uuid, contact_type: &str) -> Result<Vec<String>> {
        let sql = "SELECT value, quality_score FROM contacts WHERE company_id = $1 AND contact_type = $2 ";
        let rows = query(&self.db, sql, vec![company.into(), contact_type.into()]).await?;
        let mut values =
            rows.iter().map(|row| Ok((get::<f64>(row, "quality_score")?, get(row, "value")?))).collect::<Result<Vec<(f64, String)>>>()?;
        values.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        Ok(values.into_iter().map(|(_, value)| value).collect())
    }
}
