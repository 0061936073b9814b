//! How the visits to a company's site went, told for people: each page, how the last visit ended, what stands in the way of
//! the next one. The instants of visits that were put off are not kept: such a line stands where the next try does.

use crate::domain::company::Company;
use crate::domain::flow::CompanyState;
use crate::domain::host::HostNotes;
use crate::domain::name::DomainName;
use crate::domain::policy::EnrichTries;
use crate::domain::time::Timestamp;

/// What is kept of the visits to a company's site, besides its pages.
#[derive(Clone, Debug, Default)]
pub struct VisitFacts {
    /// Visits that came to an end.
    pub visits: u32,
    /// When the last of them did.
    pub last_visit_at: Option<Timestamp>,
    /// What went wrong since.
    pub last_error: Option<String>,
    /// Tries that failed since.
    pub failed_tries: u32,
    /// Before it nobody asks again.
    pub next_try_at: Option<Timestamp>,
    /// When the company's row changed last.
    pub updated_at: Timestamp,
}

/// A page as it was read.
#[derive(Clone, Debug)]
pub struct ReadPage {
    /// The address that was asked for.
    pub asked: String,
    /// Where it was found.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// Whether it was cut at the size limit.
    pub truncated: bool,
    /// Whether a browser showed it.
    pub rendered: bool,
    /// When the site gave it.
    pub fetched_at: Timestamp,
}

/// A line and the instant it is of.
pub type Line = (Timestamp, String);

/// The address that visits of a company begin at, if it has a site.
fn home(company: &Company) -> Option<String> {
    company.canonical_domain.as_ref().map(|host| format!("https://{host}/"))
}

/// What a page was.
pub fn page(page: &ReadPage) -> Line {
    let mut what = format!("page {}: status {}", page.url, page.status);
    if page.asked != page.url {
        what.push_str(&format!(", asked for as {}", page.asked));
    }
    if page.truncated {
        what.push_str(", cut at the size limit");
    }
    if page.rendered {
        what.push_str(", rendered by a browser");
    }
    (page.fetched_at, what)
}

/// How the last visit ended, and when the next one is.
pub fn visits(company: &Company, facts: &VisitFacts) -> Vec<Line> {
    let Some(home) = home(company) else { return Vec::new() };
    let failure = facts.last_error.as_deref();
    let is_given_up = company.state == CompanyState::Disqualified && failure.is_some() && facts.next_try_at.is_none();
    let mut lines = Vec::new();
    if let Some(at) = facts.last_visit_at {
        let next = next_visit(company, facts).filter(|_| !is_given_up);
        let next = next.map(|next| format!("; next visit from {next} on")).unwrap_or_default();
        // Why later visits were given up says nothing of the last one that came to an end.
        let outcome = outcome(company).filter(|_| !is_given_up).map(|outcome| format!(": {outcome}")).unwrap_or_default();
        lines.push((at, format!("visit {} of {home}{outcome}{next}", facts.visits)));
    }
    let waits = matches!(company.state, CompanyState::New | CompanyState::Disqualified);
    if let Some((failure, next)) = failure.zip(facts.next_try_at).filter(|_| waits) {
        let tries = facts.failed_tries;
        lines.push((next, format!("next try of {home}; the one before failed (failures that count: {tries}): {failure}")));
    }
    if let Some(failure) = failure.filter(|_| is_given_up) {
        lines.push((facts.updated_at, format!("visits of {home} given up as {}, no next try: {failure}", reason(company))));
    }
    lines
}

/// How the last visit ended, as far as the state still says so.
fn outcome(company: &Company) -> Option<&str> {
    match company.state {
        CompanyState::Disqualified => Some(reason(company)),
        CompanyState::ReadyToContact | CompanyState::Contacted | CompanyState::Replied | CompanyState::Qualified => Some("contacts found"),
        CompanyState::New | CompanyState::Duplicate | CompanyState::OptOut => None,
    }
}

fn reason(company: &Company) -> &str {
    company.state_reason.as_deref().unwrap_or("no reason is kept")
}

/// A site that showed nothing may show something later. How often is no setting.
fn next_visit(company: &Company, facts: &VisitFacts) -> Option<Timestamp> {
    let again = EnrichTries::default();
    let is_open = matches!(company.state_reason.as_deref(), Some("contacts_not_found" | "phone_only"));
    let is_waiting = company.state == CompanyState::Disqualified && is_open && facts.visits < again.max;
    facts.last_visit_at.filter(|_| is_waiting).map(|at| at + again.apart)
}

/// What a host asked for, and how it could not be had.
pub fn host(host: &DomainName, notes: &HostNotes) -> Vec<Line> {
    let rest = notes.rest.iter().map(|rest| {
        let (until, refusals) = (rest.until, rest.refusals);
        (until, format!("{host} is left alone until {until}: it asked for a pause, or refused (refusals in a row: {refusals})"))
    });
    let losses = notes.schemes.iter().filter_map(|known| known.loss.as_ref().map(|loss| (known.scheme, loss)));
    let losses = losses.map(|(scheme, loss)| {
        let (code, tries, until) = (&loss.code, loss.tries, loss.until);
        (loss.since, format!("robots.txt of {}://{host} can't be had: {code} (tries: {tries}); next try from {until} on", scheme.as_str()))
    });
    rest.chain(losses).collect()
}

/// The hosts that the visits of a company spoke to.
pub fn hosts(company: &Company, pages: &[ReadPage]) -> Vec<DomainName> {
    let of_page = |page: &ReadPage| url::Url::parse(&page.url).ok().and_then(|url| DomainName::parse(url.host_str()?).ok());
    let mut hosts: Vec<DomainName> = company.canonical_domain.iter().cloned().chain(pages.iter().filter_map(of_page)).collect();
    let mut seen = std::collections::HashSet::new();
    hosts.retain(|host| seen.insert(host.clone()));
    hosts
}

/// How the firm behind a site calls itself and where it is, as its site says.
pub fn firm(legal_name: Option<&str>, address: Option<&str>) -> Option<String> {
    match (legal_name, address) {
        (None, None) => None,
        (Some(name), None) => Some(format!("its site speaks of {name}")),
        (None, Some(address)) => Some(format!("its site gives the address {address}")),
        (Some(name), Some(address)) => Some(format!("its site speaks of {name}, address {address}")),
    }
}
