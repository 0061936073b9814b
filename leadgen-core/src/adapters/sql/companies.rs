//! The dedupe lane: a result becomes a company, or a twin of one.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};

use crate::domain::company::{Company, LookAlike, NewCompany, Suspect, Twin};
use crate::domain::flow::{ResultEvent, ResultState};
use crate::domain::id::Id;
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, DedupeResult, Fault, Ticket, Work};
use crate::rules::setback::{Setback, setback};
use crate::rules::{company_name, normalize, twins};

use super::connection::{LaneTable, Serial, SqlStore, commit, query, query_one, run};
use super::row::{get, id, ticket};

const RESULTS: &str = "serp_results";
/// Companies of one name block that are compared.
const MOST_LOOK_ALIKES: i64 = 200;
/// A result that can't be judged is not looked at for a year; its reason stands beside it.
const PUT_ASIDE: std::time::Duration = std::time::Duration::from_hours(24 * 365);

#[async_trait]
impl Lane<DedupeResult> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<DedupeResult>>> {
        let tx = self.write(Serial::None).await?;
        let lane = LaneTable {
            table: RESULTS,
            filter: "dedup_status = 'new' AND (CAST($6 AS text) IS NULL OR EXISTS (SELECT 1 FROM serp_operations o JOIN serp_queries q ON q.id = o.query_id
                WHERE o.id = serp_results.operation_id AND q.batch_tag = $6))",
            order: "created_at, operation_id, position, id",
        };
        let (token, rows) = self.take::<DedupeResult>(&tx, &lane, call, vec![call.batch.clone().into()]).await?;
        let mut claims = Vec::new();
        for row in &rows {
            let suspect = self.suspect(&tx, row).await?;
            claims.push(Claim::new(ticket(row, token)?, suspect));
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Twin)>) -> Result<Vec<Ticket>> {
        let tx = self.write(Serial::Twins).await?;
        let mut lost = Vec::new();
        let mut rows = Vec::new();
        for (ticket, twin) in done {
            let sql = self.locked("SELECT * FROM serp_results WHERE id = $1 AND claim_token = $2");
            match query_one(&tx, &sql, vec![ticket.row.into(), ticket.token.into()]).await? {
                Some(row) => rows.push((get::<i32>(&row, "position")?, row, ticket, twin)),
                None => lost.push(ticket),
            }
        }
        // The better position is the first of its company, whatever order the work ended in.
        rows.sort_by_key(|(position, _, ticket, _)| (*position, ticket.row));
        let mut seen_again = std::collections::BTreeSet::new();
        for (_, row, ticket, twin) in rows {
            let suspect = self.suspect(&tx, &row).await?;
            let state = ResultState::parse(&get::<String>(&row, "dedup_status")?)?;
            let (company, verdict, score) = match twins::judge(&twin.newborn, &suspect.region, &suspect.look_alikes) {
                Some(judged) => (judged.company, judged.rule, judged.score),
                None => self.birth(&tx, call, &suspect, &twin.newborn, &ticket).await?,
            };
            let next = state.after(ResultEvent::Judge(verdict))?;
            let sets = "dedup_status = $3, company_id = $4, dedup_score = $5, is_processed = true, tries = 0, next_try_at = NULL, last_error = NULL, updated_at = $6";
            let values = vec![next.as_str().into(), company.uuid().into(), score.into(), call.now.millis().into()];
            self.finish(&tx, RESULTS, &ticket, sets, values).await?;
            if verdict != ResultState::Unique {
                seen_again.insert(company.uuid());
            }
            if verdict != ResultState::DupFuzzy {
                self.know_host(&tx, call.now, company, suspect.domain.as_str(), verdict == ResultState::Unique).await?;
            }
        }
        for company in seen_again {
            let values = vec![company.into(), call.now.millis().into()];
            run(&tx, "UPDATE companies SET last_seen_at = $2 WHERE id = $1", values).await?;
        }
        commit(tx).await?;
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        let (retry_at, counted) = match setback(fault.verdict, ticket.tries, DedupeResult::TRIES) {
            Setback::GiveUp => (call.now + PUT_ASIDE, true),
            Setback::Again { counted } => (fault.retry_at, counted),
        };
        let fault = Fault { retry_at, ..fault.clone() };
        self.put_off(&tx, RESULTS, "last_error", ticket, &fault, i32::from(counted)).await?;
        commit(tx).await
    }
}

impl SqlStore {
    async fn suspect(&self, tx: &DatabaseTransaction, row: &QueryResult) -> Result<Suspect> {
        let sql = "SELECT q.niche, q.city, q.batch_tag FROM serp_operations o JOIN serp_queries q ON q.id = o.query_id WHERE o.id = $1";
        let asked = query_one(tx, sql, vec![get::<uuid::Uuid>(row, "operation_id")?.into()]).await?;
        let cell = |column: &str| asked.as_ref().map_or(Ok(String::new()), |asked| get(asked, column));
        let domain = DomainName::parse(&get::<String>(row, "domain")?)?;
        let title: String = get(row, "title")?;
        Ok(Suspect {
            result_id: id(row, "id")?,
            url: get(row, "url")?,
            snippet: get(row, "snippet")?,
            industry: cell("niche")?,
            region: cell("city")?,
            batch_tag: cell("batch_tag")?,
            look_alikes: self.look_alikes(tx, &title, &domain).await?,
            domain,
            title,
        })
    }

    pub(super) async fn look_alikes(&self, tx: &DatabaseTransaction, title: &str, domain: &DomainName) -> Result<Vec<LookAlike>> {
        let block = twins::name_block(&company_name::normalize(title).text);
        let family = normalize::registrable(domain).map(|family| family.to_string());
        // A host known for a company counts as its own, also when another one is canonical.
        let sql = "SELECT c.*, d.host AS known_host FROM companies c LEFT JOIN domains d ON d.company_id = c.id AND d.host = $1
            WHERE c.status <> 'duplicate' AND (c.canonical_domain = $1 OR d.host = $1 OR c.registrable_domain = $2 OR c.name_block = $3)
            ORDER BY CASE WHEN c.canonical_domain = $1 THEN 0 WHEN d.host = $1 THEN 1 WHEN c.registrable_domain = $2 THEN 2 ELSE 3 END,
                c.created_at, c.id LIMIT $4";
        let values = vec![domain.as_str().into(), family.into(), block.into(), MOST_LOOK_ALIKES.into()];
        let rows = query(tx, sql, values).await?;
        rows.iter()
            .map(|row| {
                let name = |column: &str| -> Result<Option<DomainName>> {
                    get::<Option<String>>(row, column)?.map(|text| DomainName::parse(&text)).transpose()
                };
                Ok(LookAlike {
                    company: id(row, "id")?,
                    domain: name("known_host")?.or(name("canonical_domain")?),
                    registrable_domain: name("registrable_domain")?,
                    normalized_name: get(row, "normalized_name")?,
                    region: get(row, "region")?,
                })
            })
            .collect()
    }

    async fn birth(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        suspect: &Suspect,
        newborn: &NewCompany,
        ticket: &Ticket,
    ) -> Result<(Id<Company>, ResultState, f64)> {
        let born = Born {
            newborn,
            industry: &suspect.industry,
            region: &suspect.region,
            batch_tag: &suspect.batch_tag,
            snippet: &suspect.snippet,
            source: "yandex_search_api",
            result: Some(ticket.row),
        };
        if self.insert_company(tx, call.now, &born).await? {
            return Ok((newborn.id(), ResultState::Unique, 1.0));
        }
        Ok((self.namesake(tx, newborn).await?, ResultState::DupFamily, 1.0))
    }

    /// The company that keeps another from being born under its key: the primary one, if it was merged.
    pub(super) async fn namesake(&self, tx: &DatabaseTransaction, newborn: &NewCompany) -> Result<Id<Company>> {
        let sql = "SELECT COALESCE(duplicate_of, id) AS id FROM companies WHERE id = $1 OR (status <> 'duplicate' AND (dedupe_hash = $2 OR canonical_domain = $3))
            ORDER BY CASE WHEN status = 'duplicate' THEN 1 ELSE 0 END LIMIT 1";
        let host = newborn.canonical_domain.as_ref().map(ToString::to_string);
        let row = query_one(tx, sql, vec![newborn.id().uuid().into(), newborn.dedupe_hash.clone().into(), host.into()]).await?;
        row.map_or(Ok(newborn.id()), |row| id(&row, "id"))
    }

    /// Inserts a company unless its id is known; whether it was new.
    pub(super) async fn insert_company(&self, tx: &DatabaseTransaction, now: Timestamp, born: &Born<'_>) -> Result<bool> {
        let newborn = born.newborn;
        let touched = run(
            tx,
            "INSERT INTO companies (id, name, normalized_name, name_block, canonical_domain, registrable_domain, website_url, industry, region,
                batch_tag, status, dedupe_hash, source, source_result_id, last_snippet, first_seen_at, last_seen_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'new', $11, $12, $13, $14, $15, $15, $15, $15) ON CONFLICT DO NOTHING",
            vec![
                newborn.id().uuid().into(),
                newborn.name.clone().into(),
                newborn.normalized_name.clone().into(),
                twins::name_block(&newborn.normalized_name).into(),
                newborn.canonical_domain.as_ref().map(ToString::to_string).into(),
                newborn.registrable_domain.as_ref().map(ToString::to_string).into(),
                newborn.website_url.clone().into(),
                born.industry.into(),
                born.region.into(),
                born.batch_tag.into(),
                newborn.dedupe_hash.clone().into(),
                born.source.into(),
                born.result.into(),
                born.snippet.into(),
                now.millis().into(),
            ],
        )
        .await?;
        Ok(touched > 0)
    }

    pub(super) async fn know_host(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        company: Id<Company>,
        host: &str,
        canonical: bool,
    ) -> Result<()> {
        let values = vec![host.into(), company.uuid().into(), canonical.into(), now.millis().into()];
        run(
            tx,
            "INSERT INTO domains (host, company_id, is_canonical, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (host) DO NOTHING",
            values,
        )
        .await?;
        Ok(())
    }
}

/// A company about to be inserted, with where it was seen.
pub(super) struct Born<'a> {
    pub(super) newborn: &'a NewCompany,
    pub(super) industry: &'a str,
    pub(super) region: &'a str,
    pub(super) batch_tag: &'a str,
    pub(super) snippet: &'a str,
    pub(super) source: &'a str,
    pub(super) result: Option<uuid::Uuid>,
}
