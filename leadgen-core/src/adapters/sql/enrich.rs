//! The enrich lane: contacts are stored, a primary one is chosen.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use crate::domain::company::Company;
use crate::domain::contact::{Contact, ContactType, Findings, FoundContact};
use crate::domain::flow::CompanyEvent;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::domain::verification::Verification;
use crate::error::Result;
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, EnrichCompany, Fault, Ticket, Work};
use crate::rules::rank::{self, Candidate};
use crate::rules::setback::{Setback, setback};
use crate::rules::twins::profile::Profile;
use crate::rules::visit;

use super::connection::{Serial, SqlStore, commit, millis, query, query_one, run};
use super::leases::{LaneTable, lease_lost};
use super::row::{company, get, id};
use super::site_pages::Packed;
use super::spoiled;

const COMPANIES: &str = "companies";
#[async_trait]
impl Lane<EnrichCompany> for SqlStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<EnrichCompany>>> {
        let tx = self.write(Serial::None).await?;
        self.forget_old_sites(&tx, call).await?;
        self.forget_old_hosts(&tx, call).await?;
        let tries = call.policy.enrich_tries;
        let lane = LaneTable {
            table: COMPANIES,
            filter: "canonical_domain IS NOT NULL AND NOT opt_out AND (CAST($6 AS text) IS NULL OR batch_tag = $6) AND (status = 'new'
                OR (status = 'disqualified' AND status_reason IN ('contacts_not_found', 'phone_only')
                    AND contacts_attempts < $7 AND contacts_last_attempt_at <= $8))",
            order: "first_seen_at, id",
        };
        let more = vec![call.batch.clone().into(), (tries.max as i32).into(), (call.now - tries.apart).millis().into()];
        let (mut claims, mut taken) = (Vec::new(), 1);
        while claims.is_empty() && taken > 0 {
            let (token, rows) = self.take::<EnrichCompany>(&tx, &lane, call, more.clone()).await?;
            taken = rows.len();
            claims = self.readable(&tx, token, &rows, spoiled::COMPANY, call.now.millis(), company).await?;
        }
        commit(tx).await?;
        Ok(claims)
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Findings)>) -> Result<Vec<Ticket>> {
        let mut lost = Vec::new();
        for (ticket, findings) in done {
            let pages = Packed::of(call, &findings)?;
            // A contact belongs to the company that was first to show it: two that show the same one take turns.
            let tx = self.write(Serial::Twins).await?;
            match self.leased_company(&tx, &ticket).await? {
                Some(company) => {
                    self.keep_findings(&tx, call, &company, &findings, &ticket).await?;
                    self.forget_withdrawn(&tx, company.id.uuid(), &findings.withdrawn).await?;
                    self.keep_site_pages(&tx, call.now, company.id.uuid(), &pages).await?;
                }
                None => lost.push(ticket),
            }
            commit(tx).await?;
        }
        Ok(lost)
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        let tx = self.write(Serial::None).await?;
        if let Setback::Again { counted } = setback(fault.verdict, ticket.tries, visit::most_tries(&fault.code, EnrichCompany::TRIES)) {
            self.put_off(&tx, COMPANIES, "last_error", ticket, fault, i32::from(counted)).await?;
            return commit(tx).await;
        }
        let company = self.leased_company(&tx, ticket).await?.ok_or_else(|| lease_lost(ticket))?;
        let sets = "status = $3, status_reason = $4, last_error = $5, tries = 0, next_try_at = NULL, updated_at = $6";
        // A refusal or a merge that came while the site was read stays.
        let next = company.state.after(CompanyEvent::Disqualify).unwrap_or(company.state);
        let reason = visit::reason_given_up(&fault.code);
        let values = vec![next.as_str().into(), reason.into(), fault.text.clone().into(), call.now.millis().into()];
        self.finish(&tx, COMPANIES, ticket, sets, values).await?;
        commit(tx).await
    }
}

/// What is kept beside a contact.
fn metadata(found: &FoundContact) -> serde_json::Value {
    let mut kept = serde_json::json!({"page_hash": found.page_hash});
    if let Some(extension) = &found.extension {
        kept["extension"] = extension.clone().into();
    }
    kept
}

impl SqlStore {
    pub(super) async fn leased_company(&self, tx: &DatabaseTransaction, ticket: &Ticket) -> Result<Option<Company>> {
        let sql = self.locked("SELECT * FROM companies WHERE id = $1 AND claim_token = $2");
        query_one(tx, &sql, vec![ticket.row.into(), ticket.token.into()]).await?.as_ref().map(company).transpose()
    }

    async fn keep_findings(
        &self,
        tx: &DatabaseTransaction,
        call: &Call,
        company: &Company,
        findings: &Findings,
        ticket: &Ticket,
    ) -> Result<()> {
        let mut shared = Vec::new();
        for kind in [ContactType::Email, ContactType::Phone] {
            for found in findings.contacts.iter().filter(|found| found.contact_type == kind).take(visit::KEPT) {
                if !self.keep_contact(tx, call.now, company.id, found).await? {
                    shared.push(found.value.clone());
                    if kind == ContactType::Email {
                        self.note_shared(tx, call.now, company.id, &found.value).await?;
                    }
                } else if let Some(check) = findings.check_of(&found.value) {
                    self.keep_verification(tx, company.id, &found.value, check).await?;
                }
            }
        }
        let found: Vec<&str> = findings.contacts.iter().map(|found| found.value.as_str()).collect();
        let primary = self.choose_primary(tx, company.id, &found).await?;
        let phone = self.has_phone(tx, company.id).await?;
        let dead = self.dead_address(tx, company.id).await?;
        let (event, reason) = visit::after_visit(primary, phone, dead.as_deref(), findings.reason.as_deref());
        let next = visit::state_after(company.state, event);
        let attributes = serde_json::json!({
            "messengers": findings.messengers, "site_name": findings.company_name, "legal_name": findings.legal_name,
            "address": findings.address, "pages": findings.pages, "shared_contact": shared,
        });
        let sets = "status = $3, status_reason = $4, homepage_excerpt = CASE WHEN $5 <> '' THEN $5 ELSE homepage_excerpt END,
            inn = COALESCE($6, inn), ogrn = COALESCE($7, ogrn), kpp = COALESCE($8, kpp), attributes = $9, redirected_to = $11, moved_to = COALESCE($12, moved_to), last_error = NULL,
            contacts_attempts = contacts_attempts + 1, contacts_last_attempt_at = $10, tries = 0, next_try_at = NULL, updated_at = $10";
        let values = vec![
            next.as_str().into(),
            reason.into(),
            findings.excerpt.clone().into(),
            findings.inn.clone().into(),
            findings.ogrn.clone().into(),
            findings.kpp.clone().into(),
            attributes.to_string().into(),
            call.now.millis().into(),
            findings.redirected_to.clone().into(),
            findings.moved_to.as_ref().map(ToString::to_string).into(),
        ];
        self.finish(tx, COMPANIES, ticket, sets, values).await?;
        // A phone, an address, a number or another host may show that it is a company known already.
        let facts = Profile::found_by(findings);
        if let Some(host) = &findings.moved_to {
            let sql =
                "INSERT INTO domains (host, company_id, is_canonical, created_at) VALUES ($1, $2, false, $3) ON CONFLICT (host) DO NOTHING";
            run(tx, sql, vec![host.to_string().into(), company.id.uuid().into(), call.now.millis().into()]).await?;
        }
        self.learn(tx, call.now, &[(company.id, facts)]).await?;
        if findings.inn.is_some() || findings.ogrn.is_some() {
            self.meet_all(tx, call.now, &[company.id.uuid()]).await?;
        }
        Ok(())
    }

    /// Stores a contact for a company; false if it belongs to another one, which keeps it.
    pub(super) async fn keep_contact(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        company: Id<Company>,
        found: &FoundContact,
    ) -> Result<bool> {
        let contact = Contact::id_of(found.contact_type, &found.value);
        if let Some(row) = query_one(tx, "SELECT company_id FROM contacts WHERE id = $1", vec![contact.uuid().into()]).await?
            && id::<Company>(&row, "company_id")? != company
        {
            return Ok(false);
        }
        run(
            tx,
            "INSERT INTO contacts (id, company_id, contact_type, value, kind, origin, source_url, snippet, quality_score,
                first_seen_at, last_seen_at, created_at, updated_at, metadata)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10, $10, $11)
             ON CONFLICT (contact_type, value) DO UPDATE SET last_seen_at = excluded.last_seen_at, updated_at = excluded.updated_at,
                origin = CASE WHEN excluded.quality_score > contacts.quality_score THEN excluded.origin ELSE contacts.origin END,
                source_url = CASE WHEN excluded.quality_score > contacts.quality_score THEN excluded.source_url ELSE contacts.source_url END,
                snippet = CASE WHEN excluded.quality_score > contacts.quality_score THEN excluded.snippet ELSE contacts.snippet END,
                metadata = CASE WHEN excluded.quality_score > contacts.quality_score THEN excluded.metadata ELSE contacts.metadata END,
                quality_score = CASE WHEN excluded.quality_score > contacts.quality_score THEN excluded.quality_score ELSE contacts.quality_score END",
            vec![
                contact.uuid().into(),
                company.uuid().into(),
                found.contact_type.as_str().into(),
                found.value.clone().into(),
                found.kind.clone().into(),
                found.origin.clone().into(),
                found.source_url.clone().into(),
                found.snippet.clone().into(),
                found.score.into(),
                now.millis().into(),
                metadata(found).to_string().into(),
            ],
        )
        .await?;
        Ok(true)
    }

    /// The best address becomes primary unless there is one already; whether the company has one now. Of two with one score
    /// the better reader of an offer is taken, then the older one, then the one that stands first in `found`.
    pub(super) async fn choose_primary(&self, tx: &DatabaseTransaction, company: Id<Company>, found: &[&str]) -> Result<bool> {
        let of = "company_id = $1 AND contact_type = 'email'";
        // Nothing is written to an address that takes no mail.
        let sql = format!("UPDATE contacts SET is_primary = false WHERE {of} AND is_primary AND verification = 'invalid'");
        run(tx, &sql, vec![company.uuid().into()]).await?;
        let sql = format!("SELECT id, value, origin FROM contacts WHERE {of} AND is_primary");
        if let Some(row) = query_one(tx, &sql, vec![company.uuid().into()]).await? {
            let own = rank::may_be_primary(&get::<String>(&row, "value")?, &get::<String>(&row, "origin")?);
            if own && !self.is_anybodys(tx, &row).await? {
                return Ok(true);
            }
            run(tx, "UPDATE contacts SET is_primary = false WHERE id = $1", vec![get::<uuid::Uuid>(&row, "id")?.into()]).await?;
        }
        let sql = format!(
            "SELECT id, value, kind, origin, quality_score, created_at FROM contacts
            WHERE {of} AND quality_score >= $2 AND verification <> 'invalid'"
        );
        let mut good: Vec<Candidate<uuid::Uuid>> = Vec::new();
        for row in query(tx, &sql, vec![company.uuid().into(), visit::PRIMARY_FROM.into()]).await? {
            let value: String = get(&row, "value")?;
            if rank::may_be_primary(&value, &get::<String>(&row, "origin")?) && !self.is_anybodys(tx, &row).await? {
                let place = found.iter().position(|found| *found == value).unwrap_or(usize::MAX);
                let (key, kind, score) = (get(&row, "id")?, get(&row, "kind")?, get(&row, "quality_score")?);
                good.push(Candidate { key, value, kind, score, since: get(&row, "created_at")?, place });
            }
        }
        let Some(best) = good.iter().min_by(|a, b| a.order(b)) else { return Ok(false) };
        run(tx, "UPDATE contacts SET is_primary = true WHERE id = $1", vec![best.key.into()]).await?;
        Ok(true)
    }

    /// What was found out of an address, beside it.
    pub(super) async fn keep_verification(
        &self,
        tx: &DatabaseTransaction,
        company: Id<Company>,
        value: &str,
        check: &Verification,
    ) -> Result<()> {
        let sql = "UPDATE contacts SET verification = $3, verification_reason = $4, verified_at = $5
            WHERE company_id = $1 AND value = $2 AND contact_type = 'email'";
        let values =
            vec![company.uuid().into(), value.into(), check.state.as_str().into(), check.reason.clone().into(), millis(check.checked_at)];
        run(tx, sql, values).await.map(|_| ())
    }

    /// Why the best address of a company takes no mail, or is not its own, if there is one of that kind.
    pub(super) async fn dead_address(&self, tx: &DatabaseTransaction, company: Id<Company>) -> Result<Option<String>> {
        let sql = "SELECT verification_reason FROM contacts WHERE company_id = $1 AND contact_type = 'email' AND verification = 'invalid'
            ORDER BY quality_score DESC, created_at, id LIMIT 1";
        if let Some(row) = query_one(tx, sql, vec![company.uuid().into()]).await? {
            return get(&row, "verification_reason").map(Some);
        }
        let sql = "SELECT id, origin FROM contacts WHERE company_id = $1 AND contact_type = 'email'";
        for row in query(tx, sql, vec![company.uuid().into()]).await? {
            if self.is_anybodys(tx, &row).await? {
                return Ok(Some(rank::SHARED.to_owned()));
            }
        }
        Ok(None)
    }

    pub(super) async fn has_phone(&self, tx: &DatabaseTransaction, company: Id<Company>) -> Result<bool> {
        let sql = "SELECT count(*) AS n FROM contacts WHERE company_id = $1 AND contact_type = 'phone'";
        Ok(query_one(tx, sql, vec![company.uuid().into()]).await?.map(|row| get::<i64>(&row, "n")).transpose()?.unwrap_or(0) > 0)
    }
}
