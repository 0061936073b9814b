//! Values with good defaults, so that a test says only what it is about.
//!
//! ```
//! use leadgen_core::testing::builders::a_company;
//!
//! let company = a_company().named("Улыбка").in_city("Казань").build();
//! assert_eq!(company.name, "Улыбка");
//! ```
//!
//! They take text as people write it and panic, naming the text, if it can't be read: in a test that is what one wants.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::company::{Company, NewCompany};
use crate::domain::flow::{CompanyState, QueryState};
use crate::domain::id::Id;
use crate::domain::lead::LeadRow;
use crate::domain::letter::SenderProfile;
use crate::domain::mail::{FrozenMail, Mailbox};
use crate::domain::mx::MxClass;
use crate::domain::name::{DomainName, EmailAddress, Phone};
use crate::domain::policy::{Policy, SearchPolicy, SendPolicy};
use crate::domain::query::SearchQuery;
use crate::domain::suppression::{Suppression, SuppressionScope, SuppressionSource};
use crate::domain::time::{LocalWindow, Timestamp, Zone};
use crate::error::Result;
use crate::ports::store::ImportedCompany;
use crate::ports::work::Call;
use crate::rules::{planning, twins};

/// An instant, `2026-01-13T09:00:00Z`.
pub fn at(text: &str) -> Timestamp {
    read(text, Timestamp::parse)
}

/// An address.
pub fn address(text: &str) -> EmailAddress {
    read(text, EmailAddress::parse)
}

/// A host.
pub fn host(text: &str) -> DomainName {
    read(text, DomainName::parse)
}

fn read<T>(text: &str, parse: impl Fn(&str) -> Result<T>) -> T {
    parse(text).unwrap_or_else(|error| panic!("a test's text is wrong: {error}"))
}

/// A row of the sheet, of the batch `default`.
pub fn a_row(niche: &str, city: &str) -> LeadRow {
    LeadRow { origin: "test:1".into(), niche: niche.into(), city: city.into(), country: "Россия".into(), batch_tag: String::new() }
}

/// A query that is due at an instant, for all of Russia.
pub fn a_query(text: &str, due: Timestamp) -> SearchQuery {
    SearchQuery {
        id: SearchQuery::id_of(text, 225),
        niche_id: None,
        text: text.to_owned(),
        hash: planning::query_hash(text, 225),
        region: 225,
        trigger: None,
        niche: text.to_owned(),
        city: "Казань".into(),
        batch_tag: "default".into(),
        state: QueryState::Pending,
        scheduled_for: due,
        retry_count: 0,
        page: 0,
    }
}

/// A company: «Дента Люкс» at `denta-lux.ru` in Kazan, unless you say otherwise.
pub fn a_company() -> ACompany {
    ACompany {
        name: "Дента Люкс".into(),
        host: "denta-lux.ru".into(),
        city: "Казань".into(),
        batch_tag: "default".into(),
        email: None,
        phone: None,
        seen: Timestamp::default(),
    }
}

/// A company in the making.
#[derive(Clone, Debug)]
pub struct ACompany {
    name: String,
    host: String,
    city: String,
    batch_tag: String,
    email: Option<String>,
    phone: Option<String>,
    seen: Timestamp,
}

impl ACompany {
    /// Its name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The host of its site; empty for a company known by name only.
    #[must_use]
    pub fn at(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Its city.
    #[must_use]
    pub fn in_city(mut self, city: &str) -> Self {
        city.clone_into(&mut self.city);
        self
    }

    /// Its batch.
    #[must_use]
    pub fn of_batch(mut self, batch_tag: &str) -> Self {
        batch_tag.clone_into(&mut self.batch_tag);
        self
    }

    /// An address that is known already.
    #[must_use]
    pub fn with_email(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    /// A phone that is known already, in E.164.
    #[must_use]
    pub fn with_phone(mut self, phone: &str) -> Self {
        self.phone = Some(phone.to_owned());
        self
    }

    /// When it was first seen.
    #[must_use]
    pub fn seen_at(mut self, at: Timestamp) -> Self {
        self.seen = at;
        self
    }

    /// Its birth certificate.
    pub fn newborn(&self) -> NewCompany {
        let told = [self.city.as_str(), self.phone.as_deref().unwrap_or(""), self.email.as_deref().unwrap_or("")];
        twins::newborn_listed(&self.name, &self.host, &told).unwrap_or_else(|| panic!("a test's company has neither name nor host"))
    }

    /// As a line of an own list, for `Admit<ImportedCompany>`.
    pub fn imported(&self) -> ImportedCompany {
        ImportedCompany {
            newborn: self.newborn(),
            industry: "стоматология".into(),
            region: self.city.clone(),
            batch_tag: self.batch_tag.clone(),
            email: self.email.as_deref().map(address),
            phone: self.phone.as_deref().map(|phone| read(phone, Phone::parse)),
            inn: None,
            ogrn: None,
            origin: "test:1".into(),
        }
    }

    /// As a store gives it, just found.
    pub fn build(&self) -> Company {
        let newborn = self.newborn();
        Company {
            id: newborn.id(),
            name: newborn.name.to_string(),
            canonical_domain: newborn.canonical_domain,
            registrable_domain: newborn.registrable_domain,
            website_url: newborn.website_url,
            moved_to: None,
            industry: "стоматология".into(),
            region: self.city.clone(),
            batch_tag: self.batch_tag.clone(),
            state: CompanyState::New,
            state_reason: None,
            dedupe_hash: newborn.dedupe_hash,
            last_snippet: String::new(),
            first_seen_at: self.seen,
        }
    }
}

/// A mailbox of that name at `studio.example`, 100 letters a day.
pub fn a_mailbox(name: &str) -> Mailbox {
    Mailbox {
        name: name.to_owned(), from: address(&format!("{name}@studio.example")), from_name: "Анна Ковалёва".into(), daily_cap: 100
    }
}

/// A letter to an address, frozen for a mailbox.
pub fn a_letter(to: &str, mailbox: &Mailbox) -> FrozenMail {
    let message = Id::of(&["letter", to]);
    FrozenMail {
        message,
        mailbox: mailbox.name.clone(),
        from: mailbox.from.clone(),
        to: address(to),
        message_id: format!("{message}@studio.example"),
        bytes: format!("To: {to}\r\nSubject: hello\r\n\r\nhello\r\n").into_bytes(),
        class: MxClass::Other,
        records: vec!["mx.example.net".into()],
        fallback: false,
    }
}

/// Who writes.
pub fn a_sender() -> SenderProfile {
    SenderProfile {
        person: "Анна Ковалёва".into(),
        firm: "Студия «Пример»".into(),
        offer: "Делаем сайты.".into(),
        benefit: "Заявки не теряются.".into(),
    }
}

/// A refusal of an address, a person's wish.
pub fn a_refusal(email: &str, when: Timestamp) -> Suppression {
    Suppression {
        scope: SuppressionScope::Email,
        value: address(email).as_str().to_owned(),
        source: SuppressionSource::Operator,
        reason: "asked by phone".into(),
        registered_at: when,
    }
}

/// Limits that hold nothing up: searches at any hour, letters at any time of any day, a minute apart.
pub fn an_open_policy(mailboxes: impl IntoIterator<Item = Mailbox>) -> Policy {
    let time = |hour, minute, second| chrono::NaiveTime::from_hms_opt(hour, minute, second).unwrap_or_default();
    let window = LocalWindow { start: time(0, 0, 0), end: time(23, 59, 59), weekdays: (1..=7).collect(), zone: Zone::UTC };
    let minute = Duration::from_mins(1);
    let send = SendPolicy { enabled: true, window, delay: (minute, minute), mailboxes: mailboxes.into_iter().collect(), max_attempts: 6 };
    let search = SearchPolicy { enforce_night: false, spacing: Duration::from_secs(1), ..SearchPolicy::default() };
    Policy { search, send, ..Policy::default() }
}

/// A call of a lane at an instant, for as many items as there are.
pub fn a_call(now: Timestamp, policy: &Policy) -> Call {
    Call { owner: "test".into(), now, max: 1000, random: 0, batch: None, policy: Arc::new(policy.clone()) }
}
