//! The whole life of one lead.

use std::cmp::Reverse;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::company_name;
use crate::domain::flow::{CompanyState, MessageState};
use crate::domain::id::Id;
use crate::domain::page::SitePage;
use crate::domain::report::LifeLine;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::Lives;
use crate::rules::normalize;
use crate::rules::visit_log::{self, ReadPage, VisitFacts};

use super::MemoryStore;
use super::tables::{MessageRow, ResultRow, Tables};

#[async_trait]
impl Lives for MemoryStore {
    async fn find_company(&self, text: &str) -> Result<Option<Company>> {
        Ok(self.read(|tables| tables.find_company(text).cloned()))
    }

    async fn companies_between(&self, first: Id<Company>, last: Id<Company>) -> Result<Vec<Company>> {
        Ok(self.read(|tables| tables.companies.range(first..=last).take(2).map(|(_, row)| row.company.clone()).collect()))
    }

    async fn life(&self, company: Id<Company>) -> Result<Vec<LifeLine>> {
        Ok(self.read(|tables| tables.life(company)))
    }
}

/// A line with its place: instants first, then the order of the stages.
type Line = (Timestamp, u8, &'static str, String);

fn in_brackets(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

impl Tables {
    fn find_company(&self, text: &str) -> Option<&Company> {
        let all = || self.companies.values().map(|row| &row.company);
        if let Some(row) = Id::<Company>::parse(text).ok().and_then(|id| self.companies.get(&id)) {
            return Some(&row.company);
        }
        if let Some(host) = normalize::domain_of(text) {
            let is_canonical = |company: &Company| company.canonical_domain.as_ref() == Some(&host);
            let found = all()
                .filter(|company| is_canonical(company) || company.registrable_domain.as_ref().is_some_and(|family| family.host() == &host))
                .min_by_key(|company| (company.state == CompanyState::Duplicate, Reverse(is_canonical(company)), company.first_seen_at));
            if found.is_some() {
                return found;
            }
        }
        let name = company_name::normalize(text).text;
        let named = self.companies.values().filter(|row| row.normalized_name == name).map(|row| &row.company);
        named.min_by_key(|company| (company.state == CompanyState::Duplicate, company.first_seen_at))
    }

    fn life(&self, id: Id<Company>) -> Vec<LifeLine> {
        let mut lines: Vec<Line> = Vec::new();
        for row in self.results.values().filter(|row| row.company == Some(id)) {
            lines.extend(self.seen(row));
        }
        lines.extend(self.merges(id).into_iter().map(|(at, what)| (at, 2, "merge", what)));
        for contact in self.contacts.values().filter(|contact| contact.company_id == id) {
            let found = &contact.found;
            let primary = if contact.is_primary { ", primary" } else { "" };
            let snippet = if found.snippet.is_empty() { String::new() } else { format!(": {}", found.snippet) };
            let (kind, value, origin, score, page) = (found.contact_type, &found.value, &found.origin, found.score, &found.source_url);
            let known = &contact.verification;
            let known = if known.reason == "not_checked" { String::new() } else { format!(", {}", known.told()) };
            let extension = found.extension.as_ref().map(|extension| format!(" ext. {extension}")).unwrap_or_default();
            let what = format!("{kind} {value}{extension} ({origin}, score {score}{primary}{known}) on {page}{snippet}");
            lines.push((contact.first_seen_at, 3, "enrich", what));
        }
        if let Some(row) = self.companies.get(&id)
            && let Some(target) = &row.redirected_to
        {
            lines.push((row.last_visit_at.unwrap_or(row.updated_at), 3, "enrich", format!("its site leads to {target}")));
        }
        if let Some(row) = self.companies.get(&id)
            && let Some(what) = visit_log::firm(row.legal_name.as_deref(), row.address.as_deref())
        {
            lines.push((row.last_visit_at.unwrap_or(row.updated_at), 3, "enrich", what));
        }
        lines.extend(self.visits_told(id).into_iter().map(|(at, what)| (at, 3, "enrich", what)));
        for row in self.messages.values().filter(|row| self.is_of_group(row.message.company_id, id)) {
            lines.extend(written(row));
        }
        for row in self.signals.values() {
            if row.message.and_then(|message| self.messages.get(&message)).is_some_and(|of| self.is_of_group(of.message.company_id, id)) {
                let signal = &row.signal;
                lines.push((row.read_at, 8, "inbox", format!("{}{}: {}", signal.kind, in_brackets(&signal.intent), signal.text)));
            }
        }
        if let Some(row) = self.companies.get(&id) {
            let reason = in_brackets(row.company.state_reason.as_deref().unwrap_or_default());
            lines.push((row.updated_at, 9, "state", format!("{}{reason}", row.company.state)));
        }
        lines.sort_by_key(|line| (line.0, line.1));
        lines.into_iter().map(|(at, _, stage, what)| LifeLine { at: at.to_string(), stage: stage.to_owned(), what }).collect()
    }

    /// How the visits to a company's site went.
    fn visits_told(&self, id: Id<Company>) -> Vec<visit_log::Line> {
        let Some(row) = self.companies.get(&id) else { return Vec::new() };
        let facts = VisitFacts {
            visits: row.visits,
            last_visit_at: row.last_visit_at,
            last_error: row.last_error.clone(),
            failed_tries: row.lease.tries,
            next_try_at: row.lease.next_try_at,
            updated_at: row.updated_at,
        };
        let pages: Vec<ReadPage> = self.site_pages.get(&id).into_iter().flatten().map(read_page).collect();
        let mut lines: Vec<visit_log::Line> = pages.iter().map(visit_log::page).collect();
        lines.extend(visit_log::visits(&row.company, &facts));
        for host in visit_log::hosts(&row.company, &pages) {
            lines.extend(visit_log::host(&host, &self.host_notes(&host)));
        }
        lines
    }

    /// How a result was found and judged.
    fn seen(&self, row: &ResultRow) -> Vec<Line> {
        let mut lines = Vec::new();
        let sighting = &row.sighting;
        if let Some(operation) = self.operations.get(&row.operation)
            && let Some(asked) = self.queries.get(&operation.operation.query_id)
        {
            let (text, region) = (&asked.query.text, asked.query.region);
            let page = operation.page.as_deref().unwrap_or_default();
            let what = format!("query «{text}», region {region}: position {}, {}, page {page}", sighting.position, sighting.url);
            lines.push((row.created_at, 1, "search", what));
        }
        let score = row.score.map(|score| score.to_string()).unwrap_or_default();
        lines.push((row.updated_at, 2, "dedupe", format!("{} ({score}): {}, {}", row.state, sighting.title, sighting.domain)));
        lines
    }
}

fn read_page(page: &SitePage) -> ReadPage {
    ReadPage {
        asked: page.asked.clone(),
        url: page.url.clone(),
        status: page.status,
        truncated: page.truncated,
        rendered: page.rendered,
        fetched_at: page.fetched_at,
    }
}

/// How a letter went its way.
fn written(row: &MessageRow) -> Vec<Line> {
    let message = &row.message;
    let mailbox = message.mailbox.as_deref().unwrap_or_default();
    let draft = format!("by {} for {}: «{}», approval {}", row.drafter, message.to, message.letter.subject, message.approval_hash);
    let mut lines: Vec<Line> = vec![(row.created_at, 4, "draft", draft)];
    if let Some(at) = row.approved_at {
        lines.push((at, 5, "review", format!("approved by {}", row.approved_by.as_deref().unwrap_or_default())));
    }
    if let Some(way) = &row.way {
        let why = message.route_error.as_deref().unwrap_or("the preferred mailbox is not configured");
        let fallback = if way.fallback { format!(" (fallback: {why})") } else { String::new() };
        let what = format!("class {}, mail hosts {} → {mailbox}{fallback}", way.class, way.records.join(" "));
        lines.push((row.updated_at, 6, "route", what));
    }
    if !matches!(message.state, MessageState::Draft | MessageState::Approved) {
        let mut what = message.state.to_string();
        for (before, part, after) in
            [(", Message-ID <", &message.message_id, ">"), (", reply «", &row.receipt, "»"), (", ", &message.last_error, "")]
        {
            what.extend(part.iter().map(|part| format!("{before}{part}{after}")));
        }
        lines.push((message.sent_at.unwrap_or(row.updated_at), 7, "send", what));
    }
    lines
}
