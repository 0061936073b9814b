//! A finder of contacts that knows some hosts by heart.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::error::{Error, Result};
use crate::ports::contacts::ContactExtractor;

use super::{Faults, Shared};

/// Knows what the sites of some hosts show; any other site shows no contacts.
///
/// ```
/// use leadgen_core::testing::scripted::ScriptedContacts;
///
/// let contacts = ScriptedContacts::of([("denta-lux.ru", "info@denta-lux.ru")]);
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedContacts(Shared<Memory>);

#[derive(Debug, Default)]
struct Memory {
    sites: BTreeMap<String, Findings>,
    faults: Faults,
    visited: Vec<Company>,
}

impl ScriptedContacts {
    /// Hosts with the address that stands on their home page.
    pub fn of<'a>(sites: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let findings = |host: &str, address: &str| Findings { contacts: vec![an_address(host, address)], pages: 1, ..Findings::default() };
        let sites = sites.into_iter().map(|(host, address)| (host.to_owned(), findings(host, address))).collect();
        Self(Shared::new(Memory { sites, ..Memory::default() }))
    }

    /// A host with all that its site shows.
    #[must_use]
    pub fn shows(self, host: &str, findings: Findings) -> Self {
        self.0.lock().sites.insert(host.to_owned(), findings);
        self
    }

    /// The next visit fails, whatever the host.
    #[must_use]
    pub fn fails(self, error: Error) -> Self {
        self.0.lock().faults.add(error);
        self
    }

    /// Every company that was visited, in order.
    pub fn visited(&self) -> Vec<Company> {
        self.0.lock().visited.clone()
    }
}

fn an_address(host: &str, address: &str) -> FoundContact {
    FoundContact {
        contact_type: ContactType::Email,
        value: address.to_owned(),
        kind: "role".into(),
        origin: "mailto".into(),
        score: 0.95,
        source_url: format!("https://{host}/"),
        snippet: format!("Пишите: {address}"),
        page_hash: String::new(),
        extension: None,
    }
}

#[async_trait]
impl ContactExtractor for ScriptedContacts {
    async fn extract(&self, company: &Company) -> Result<Findings> {
        let mut memory = self.0.lock();
        memory.visited.push(company.clone());
        memory.faults.next()?;
        let host = company.canonical_domain.as_ref().map(ToString::to_string).unwrap_or_default();
        let nothing = || Findings { reason: Some("contacts_not_found".into()), ..Findings::default() };
        Ok(memory.sites.get(&host).cloned().unwrap_or_else(nothing))
    }
}
