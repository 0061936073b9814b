//! Figures about the pipeline, and the life of one lead.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::contact::ContactType;
use crate::domain::money::Money;
use crate::domain::query::SearchQuery;
use crate::domain::time::Timestamp;

/// The funnel: how many got how far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Funnel {
    /// Rows taken in.
    pub niches: u64,
    /// Queries planned.
    pub queries: u64,
    /// Queries with an answer.
    pub pages: u64,
    /// Results kept.
    pub results: u64,
    /// Companies, duplicates not counted.
    pub companies: u64,
    /// Contacts.
    pub contacts: u64,
    /// Messages drafted.
    pub drafted: u64,
    /// Messages that were approved at some time.
    pub approved: u64,
    /// Messages a server accepted.
    pub sent: u64,
    /// Sent messages that came back.
    pub bounced: u64,
    /// Sent messages that were answered.
    pub replied: u64,
    /// Sent messages whose recipient refused more.
    pub opted_out: u64,
    /// Entries of the opt-out registry.
    pub suppressed: u64,
    /// Messages nobody knows the end of.
    pub in_doubt: u64,
    /// Searches nobody knows the end of.
    pub submit_unknown: u64,
}

/// What searches brought (REP-2).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Quality {
    /// Documents read.
    pub documents: u64,
    /// Results kept, new ones.
    pub inserted: u64,
    /// Documents without a usable address.
    pub invalid: u64,
    /// Documents that stood at a better place of their page already.
    pub repeated: u64,
    /// Documents dropped by the sieve.
    pub excluded: u64,
    /// The drops by their kind.
    pub excluded_by: BTreeMap<String, u64>,
    /// Results by what deduplication said of them.
    pub results_by: BTreeMap<String, u64>,
    /// Companies, duplicates not counted.
    pub companies: u64,
    /// Companies that turned out to be one with another, of results and of own lists.
    pub duplicates: u64,
    /// Companies for each completed query.
    pub companies_per_query: f64,
    /// The share of companies with a contact.
    pub contact_yield: f64,
    /// The share of registrable domains that more than one company has contacts at, own domains only.
    pub repeated_domains: f64,
    /// Pairs that a person should look at.
    pub open_pairs: u64,
}

/// A domain and how often it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DomainHits {
    /// The host.
    pub domain: String,
    /// Results that belong to its company.
    pub hits: u64,
    /// First seen, RFC 3339.
    pub first_seen_at: String,
    /// Last seen, RFC 3339.
    pub last_seen_at: String,
}

/// How many rows of a lane or table stand in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateCount {
    /// `queries`, `operations`, `results`, `companies`, `messages` …
    pub entity: String,
    /// The state word.
    pub state: String,
    /// The reason code, or empty.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// What waits in the lane of one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LaneLoad {
    /// The stage.
    pub stage: String,
    /// Rows that are not done, due or not.
    pub waiting: u64,
    /// Rows that are due and that nobody works on. A closed night or day window does not count here.
    pub due: u64,
    /// Rows under a lease.
    pub held: u64,
    /// Since when the oldest of the due rows is due.
    pub oldest_due: Option<Timestamp>,
}

/// What the searches of a batch were to cost and did cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CostLine {
    /// The batch.
    pub batch: String,
    /// Its queries.
    pub queries: u64,
    /// What they were to cost by their first slots, one page each.
    pub forecast: Money,
    /// Requests charged in the dear hours.
    pub day: u64,
    /// Requests charged in the cheap hours.
    pub night: u64,
    /// What they cost.
    pub cost: Money,
    /// Of these requests, those nobody knows the end of.
    pub unknown: u64,
}

/// Something that keeps searches or polls waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// `submit` or `poll`.
    pub kind: String,
    /// Until then.
    pub until: Timestamp,
    /// Why: `night_window_closed`, `quota`, `quota_exceeded`, `budget_reached`, `auth_failed`.
    pub reason: String,
}

/// What the queries of a niche brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NicheYield {
    /// The niche.
    pub niche: String,
    /// The city, or empty.
    pub city: String,
    /// Queries answered.
    pub answered: u64,
    /// Results of the last answered queries, at most three of them.
    pub last_results: u64,
    /// Companies first found by these.
    pub last_new: u64,
    /// So few that asking further variants is hardly worth its price.
    pub exhausted: bool,
}

/// One line of a lead's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LifeLine {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The stage: `search`, `dedupe`, `enrich`, `draft` …
    pub stage: String,
    /// What happened, in words.
    pub what: String,
}

/// What became of one query.
#[derive(Clone, Debug)]
pub struct SearchOutcome {
    /// Where it stands.
    pub query: SearchQuery,
    /// Why it was not answered the last time: `code: sentence`.
    pub last_error: Option<String>,
    /// Whether it was, or may have been, paid without an answer that could be read.
    pub paid_in_vain: bool,
    /// When it was handed over last, and the provider's name for it.
    pub asked: Option<(Timestamp, String)>,
    /// Results of the operations looked at.
    pub results: u64,
    /// Companies first seen by these, by domain.
    pub companies: Vec<CompanyLine>,
}

/// A company as it is exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompanyLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its host.
    pub canonical_domain: String,
    /// Its home page.
    pub website_url: String,
    /// The niche.
    pub industry: String,
    /// The city.
    pub region: String,
    /// Where it stands.
    pub status: String,
    /// Why.
    pub status_reason: String,
    /// Where its site leads, if it leads to somebody else's; else empty.
    pub redirected_to: String,
    /// The name its own site gives, or empty.
    pub site_name: String,
    /// The primary e-mail, or empty.
    pub email: String,
    /// All e-mails, best first, joined by a space.
    pub emails: String,
    /// The page the e-mail was found on.
    pub email_source: String,
    /// Whether the primary e-mail takes mail, and why: `valid: mx`; empty without one.
    pub email_verification: String,
    /// Phones, joined by a space.
    pub phones: String,
    /// ИНН, or empty.
    pub inn: String,
    /// ОГРН, or empty.
    pub ogrn: String,
    /// First seen, RFC 3339.
    pub first_seen_at: String,
    /// Last seen, RFC 3339.
    pub last_seen_at: String,
    /// The batch.
    pub batch_tag: String,
}

/// How many companies can be reached, and why others can't.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ContactReport {
    /// Companies that are not merged into another.
    pub companies: u64,
    /// Of these, with an e-mail or a phone.
    pub with_contact: u64,
    /// With an e-mail that letters go to.
    pub with_primary: u64,
    /// With a phone and no e-mail.
    pub phone_only: u64,
    /// Without any contact.
    pub without: u64,
    /// Not visited yet.
    pub waiting: u64,
    /// Contacts by type.
    pub by_type: BTreeMap<String, u64>,
    /// Contacts by the way they were found: `email mailto`, `phone tel` …
    pub by_method: BTreeMap<String, u64>,
    /// E-mails by kind: role, personal, unknown.
    pub by_kind: BTreeMap<String, u64>,
    /// E-mails by what is known of them: `valid: mx` …
    pub by_verification: BTreeMap<String, u64>,
    /// Companies that can't be written to by reason.
    pub by_reason: BTreeMap<String, u64>,
}

/// A company as this report counts it.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// It has an e-mail.
    pub email: bool,
    /// It has an e-mail that letters go to.
    pub primary: bool,
    /// It has a phone.
    pub phone: bool,
    /// It was not visited yet.
    pub is_new: bool,
}

impl ContactReport {
    /// Counts contacts of a sort.
    pub fn count_contacts(&mut self, contact_type: ContactType, origin: &str, kind: &str, verification: &str, count: u64) {
        let add = |counts: &mut BTreeMap<String, u64>, name: String| *counts.entry(name).or_default() += count;
        add(&mut self.by_type, contact_type.as_str().to_owned());
        add(&mut self.by_method, format!("{contact_type} {origin}"));
        if contact_type == ContactType::Email {
            add(&mut self.by_kind, kind.to_owned());
            add(&mut self.by_verification, verification.to_owned());
        }
    }

    /// Counts a company; `reason` is the code beside its state.
    pub fn count(&mut self, reach: Reach, reason: &str) {
        self.companies += 1;
        self.with_contact += u64::from(reach.email || reach.phone);
        self.with_primary += u64::from(reach.primary);
        self.phone_only += u64::from(reach.phone && !reach.email);
        self.without += u64::from(!reach.email && !reach.phone);
        self.waiting += u64::from(reach.is_new);
        if !reach.primary && !reason.is_empty() {
            *self.by_reason.entry(reason.to_owned()).or_default() += 1;
        }
    }
}
