//! The whole life of one lead.

use async_trait::async_trait;
use sea_orm::QueryResult;

use crate::domain::company::Company;
use crate::domain::company_name;
use crate::domain::id::Id;
use crate::domain::report::LifeLine;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::hosts::SiteHosts;
use crate::ports::store::Lives;
use crate::rules::normalize;
use crate::rules::visit_log::{self, ReadPage, VisitFacts};

use super::connection::{SqlStore, query, query_one};
use super::row::{at, company, get, maybe_at};

#[async_trait]
impl Lives for SqlStore {
    async fn find_company(&self, text: &str) -> Result<Option<Company>> {
        if let Ok(id) = Id::<Company>::parse(text) {
            let row = query_one(&self.db, "SELECT * FROM companies WHERE id = $1", vec![id.uuid().into()]).await?;
            if let Some(row) = row {
                return company(&row).map(Some);
            }
        }
        if let Some(host) = normalize::domain_of(text) {
            let sql = "SELECT * FROM companies WHERE canonical_domain = $1 OR registrable_domain = $1
                ORDER BY (status = 'duplicate'), (canonical_domain = $1) DESC, created_at LIMIT 1";
            if let Some(row) = query_one(&self.db, sql, vec![host.as_str().into()]).await? {
                return company(&row).map(Some);
            }
        }
        let name = company_name::normalize(text).text;
        let sql = "SELECT * FROM companies WHERE normalized_name = $1 ORDER BY (status = 'duplicate'), created_at LIMIT 1";
        query_one(&self.db, sql, vec![name.into()]).await?.as_ref().map(company).transpose()
    }

    async fn companies_between(&self, first: Id<Company>, last: Id<Company>) -> Result<Vec<Company>> {
        let sql = "SELECT * FROM companies WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT 2";
        query(&self.db, sql, vec![first.uuid().into(), last.uuid().into()]).await?.iter().map(company).collect()
    }

    async fn life(&self, id: Id<Company>) -> Result<Vec<LifeLine>> {
        let sql = "SELECT 1 AS rank, r.created_at AS at, 'search' AS stage,
                'query «' || q.query_text || '», region ' || q.region_code || ': position ' || r.position || ', ' || r.url || ', page ' || COALESCE(o.page_hash, '') AS what
            FROM serp_results r JOIN serp_operations o ON o.id = r.operation_id JOIN serp_queries q ON q.id = o.query_id WHERE r.company_id = $1
            UNION ALL SELECT 2, r.updated_at, 'dedupe', r.dedup_status || ' (' || COALESCE(CAST(r.dedup_score AS text), '') || '): ' || r.title || ', ' || r.domain
            FROM serp_results r WHERE r.company_id = $1
            UNION ALL SELECT 2, p.decided_at, 'merge', p.status || ': «' || a.name || '» ' || COALESCE(a.canonical_domain, '') || ' and «' || b.name || '» '
                || COALESCE(b.canonical_domain, '') || ' by ' || p.rule || ' (' || CAST(p.score AS text) || '), decided by ' || p.decided_by || ': ' || p.features
            FROM company_pairs p JOIN companies a ON a.id = p.first_id JOIN companies b ON b.id = p.second_id
            WHERE $1 IN (a.id, b.id, a.duplicate_of, b.duplicate_of)
            UNION ALL SELECT 3, k.first_seen_at, 'enrich', k.contact_type || ' ' || k.value || ' (' || k.origin || ', score ' || CAST(k.quality_score AS text)
                || CASE WHEN k.is_primary THEN ', primary' ELSE '' END
                || CASE WHEN k.verification_reason <> 'not_checked' THEN ', ' || k.verification || ': ' || k.verification_reason ELSE '' END
                || ') on ' || k.source_url || CASE WHEN k.snippet <> '' THEN ': ' || k.snippet ELSE '' END
            FROM contacts k WHERE k.company_id = $1
            UNION ALL SELECT 3, COALESCE(c.contacts_last_attempt_at, c.updated_at), 'enrich', 'its site leads to ' || c.redirected_to
            FROM companies c WHERE c.id = $1 AND c.redirected_to IS NOT NULL
            UNION ALL SELECT 4, m.created_at, 'draft', 'by ' || m.drafter || ' for ' || m.to_email || ': «' || m.subject || '», approval ' || m.approval_hash
            FROM outreach_messages m WHERE m.company_id IN (SELECT g.id FROM companies g WHERE g.id = $1 OR g.duplicate_of = $1)
            UNION ALL SELECT 5, m.approved_at, 'review', 'approved by ' || COALESCE(m.approved_by, '') FROM outreach_messages m
            WHERE m.company_id IN (SELECT g.id FROM companies g WHERE g.id = $1 OR g.duplicate_of = $1) AND m.approved_at IS NOT NULL
            UNION ALL SELECT 6, m.updated_at, 'route', 'class ' || COALESCE(m.mx_class, '') || ', mail hosts ' || m.mx_records || ' → ' || COALESCE(m.mailbox, '')
                || CASE WHEN m.fallback THEN ' (fallback: ' || COALESCE(m.route_error, 'the preferred mailbox is not configured') || ')' ELSE '' END
            FROM outreach_messages m WHERE m.company_id IN (SELECT g.id FROM companies g WHERE g.id = $1 OR g.duplicate_of = $1) AND m.mx_class IS NOT NULL
            UNION ALL SELECT 7, COALESCE(m.sent_at, m.updated_at), 'send', m.status || COALESCE(', Message-ID <' || m.message_id || '>', '')
                || COALESCE(', reply «' || m.receipt || '»', '') || COALESCE(', ' || m.last_error, '')
            FROM outreach_messages m WHERE m.company_id IN (SELECT g.id FROM companies g WHERE g.id = $1 OR g.duplicate_of = $1) AND m.status NOT IN ('draft', 'approved')
            UNION ALL SELECT 8, s.read_at, 'inbox', s.kind || CASE WHEN s.intent <> '' THEN ' (' || s.intent || ')' ELSE '' END || ': ' || s.text
            FROM signals s JOIN outreach_messages m ON m.id = s.message_id WHERE m.company_id IN (SELECT g.id FROM companies g WHERE g.id = $1 OR g.duplicate_of = $1)
            UNION ALL SELECT 9, c.updated_at, 'state', c.status || COALESCE(' (' || c.status_reason || ')', '') FROM companies c WHERE c.id = $1";
        let mut lines: Vec<Line> = Vec::new();
        for row in query(&self.db, sql, vec![id.uuid().into()]).await? {
            lines.push((at(&row, "at")?, get(&row, "rank")?, get(&row, "stage")?, get(&row, "what")?));
        }
        self.add_extensions(id, &mut lines).await?;
        lines.extend(self.firm_told(id).await?.map(|(at, what)| (at, 3, "enrich".to_owned(), what)));
        lines.extend(self.visits_told(id).await?.into_iter().map(|(at, what)| (at, 3, "enrich".to_owned(), what)));
        lines.sort_by_key(|line| (line.0, line.1));
        Ok(lines.into_iter().map(|(at, _, stage, what)| LifeLine { at: at.to_string(), stage, what }).collect())
    }
}

/// A line with its place: instants first, then the order of the stages.
type Line = (Timestamp, i32, String, String);

impl SqlStore {
    /// How the visits to a company's site went.
    async fn visits_told(&self, id: Id<Company>) -> Result<Vec<visit_log::Line>> {
        let Some(row) = query_one(&self.db, "SELECT * FROM companies WHERE id = $1", vec![id.uuid().into()]).await? else {
            return Ok(Vec::new());
        };
        let company = company(&row)?;
        let sql = "SELECT asked, url, status, truncated, rendered, fetched_at FROM site_pages WHERE company_id = $1 ORDER BY place";
        let pages: Vec<ReadPage> = query(&self.db, sql, vec![id.uuid().into()]).await?.iter().map(read_page).collect::<Result<_>>()?;
        let mut lines: Vec<visit_log::Line> = pages.iter().map(visit_log::page).collect();
        lines.extend(visit_log::visits(&company, &visit_facts(&row)?));
        for host in visit_log::hosts(&company, &pages) {
            lines.extend(visit_log::host(&host, &self.notes(&host).await?));
        }
        Ok(lines)
    }
}

fn read_page(row: &QueryResult) -> Result<ReadPage> {
    Ok(ReadPage {
        asked: get(row, "asked")?,
        url: get(row, "url")?,
        status: u16::try_from(get::<i32>(row, "status")?).unwrap_or_default(),
        truncated: get(row, "truncated")?,
        rendered: get(row, "rendered")?,
        fetched_at: at(row, "fetched_at")?,
    })
}

fn visit_facts(row: &QueryResult) -> Result<VisitFacts> {
    let count = |column: &str| get::<i32>(row, column).map(|count| u32::try_from(count).unwrap_or_default());
    Ok(VisitFacts {
        visits: count("contacts_attempts")?,
        last_visit_at: maybe_at(row, "contacts_last_attempt_at")?,
        last_error: get(row, "last_error")?,
        failed_tries: count("tries")?,
        next_try_at: maybe_at(row, "next_try_at")?,
        updated_at: at(row, "updated_at")?,
    })
}

impl SqlStore {
    /// Phones are told with what is dialled after them.
    async fn add_extensions(&self, id: Id<Company>, lines: &mut [Line]) -> Result<()> {
        let sql = "SELECT value, metadata FROM contacts WHERE company_id = $1 AND contact_type = 'phone' AND metadata LIKE '%extension%'";
        for row in query(&self.db, sql, vec![id.uuid().into()]).await? {
            let metadata: serde_json::Value = serde_json::from_str(&get::<String>(&row, "metadata")?).unwrap_or_default();
            let begins = format!("phone {} (", get::<String>(&row, "value")?);
            if let (Some(extension), Some(line)) =
                (metadata["extension"].as_str(), lines.iter_mut().find(|line| line.3.starts_with(&begins)))
            {
                line.3.insert_str(begins.len() - 1, &format!("ext. {extension} "));
            }
        }
        Ok(())
    }

    /// The legal name and the address that a company's site gives.
    async fn firm_told(&self, id: Id<Company>) -> Result<Option<(Timestamp, String)>> {
        let sql = "SELECT attributes, COALESCE(contacts_last_attempt_at, updated_at) AS at FROM companies WHERE id = $1";
        let Some(row) = query_one(&self.db, sql, vec![id.uuid().into()]).await? else { return Ok(None) };
        let attributes: serde_json::Value = serde_json::from_str(&get::<String>(&row, "attributes")?).unwrap_or_default();
        let told = visit_log::firm(attributes["legal_name"].as_str(), attributes["address"].as_str());
        told.map(|what| Ok((at(&row, "at")?, what))).transpose()
    }
}
