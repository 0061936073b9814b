//! Names and pages, known by heart.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::domain::mx::MailHosts;
use crate::domain::name::{DomainName, EmailAddress};
use crate::domain::page::Validators;
use crate::domain::time::Timestamp;
use crate::domain::verification::{Deliverability, Verification};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::dns::{DnsLookup, Resolvers};
use crate::ports::fetch::{Fetcher, Page};
use crate::ports::verifier::Verifier;

use super::{Faults, Shared};

/// Knows the mail hosts and addresses of some names; any other name does not exist.
#[derive(Clone, Debug)]
pub struct ScriptedDns(Shared<Names>);

#[derive(Debug, Default)]
struct Names {
    mail_hosts: BTreeMap<String, MailHosts>,
    second_opinions: BTreeMap<String, MailHosts>,
    addresses: BTreeMap<String, Vec<IpAddr>>,
    asked: Vec<(DomainName, Resolvers)>,
}

impl ScriptedDns {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self(Shared::new(Names::default()))
    }

    /// What all resolvers say of a domain's mail.
    #[must_use]
    pub fn mail_of(self, domain: &str, hosts: MailHosts) -> Self {
        self.0.lock().mail_hosts.insert(domain.to_owned(), hosts);
        self
    }

    /// What the other resolvers say of a domain's mail.
    #[must_use]
    pub fn second_opinion(self, domain: &str, hosts: MailHosts) -> Self {
        self.0.lock().second_opinions.insert(domain.to_owned(), hosts);
        self
    }

    /// The addresses of a host.
    #[must_use]
    pub fn address_of(self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.0.lock().addresses.insert(host.to_owned(), addresses.into_iter().collect());
        self
    }

    /// Every look-up of mail hosts, in order.
    pub fn asked(&self) -> Vec<(DomainName, Resolvers)> {
        self.0.lock().asked.clone()
    }
}

impl Default for ScriptedDns {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl DnsLookup for ScriptedDns {
    async fn mail_hosts(&self, domain: &DomainName, ask: Resolvers) -> MailHosts {
        let mut names = self.0.lock();
        names.asked.push((domain.clone(), ask));
        let second = names.second_opinions.get(domain.as_str()).filter(|_| ask == Resolvers::Alternative);
        second.or_else(|| names.mail_hosts.get(domain.as_str())).cloned().unwrap_or(MailHosts::NxDomain)
    }

    async fn addresses(&self, host: &DomainName) -> Result<Vec<IpAddr>> {
        let missing = || Error::new(ErrorKind::Rejected, format!("find the host {host}")).code("no_such_host");
        self.0.lock().addresses.get(host.as_str()).cloned().ok_or_else(missing)
    }
}

/// Knows some pages; any other page is 404.
///
/// ```
/// use leadgen_core::testing::scripted::ScriptedFetcher;
///
/// let web = ScriptedFetcher::pages([("https://denta-lux.ru/", "<p>info@denta-lux.ru</p>")]);
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedFetcher(Shared<Web>);

#[derive(Debug, Default)]
struct Web {
    pages: BTreeMap<String, Page>,
    faults: Faults,
    fetched: Vec<Url>,
}

impl ScriptedFetcher {
    /// Pages of HTML by their addresses, written as a browser shows them.
    pub fn pages<'a>(pages: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let page = |(url, html): (&str, &str)| {
            let url = Url::parse(url).ok()?;
            let content_type = Some("text/html; charset=utf-8".to_owned());
            Some((
                url.to_string(),
                Page {
                    url,
                    status: 200,
                    content_type,
                    body: html.as_bytes().to_vec(),
                    truncated: false,
                    validators: Validators::default(),
                    spent: Duration::ZERO,
                },
            ))
        };
        Self(Shared::new(Web { pages: pages.into_iter().filter_map(page).collect(), ..Web::default() }))
    }

    /// One more page, as it comes.
    #[must_use]
    pub fn page(self, page: Page) -> Self {
        self.0.lock().pages.insert(page.url.to_string(), page);
        self
    }

    /// The next fetch fails, whatever the address.
    #[must_use]
    pub fn fails(self, error: Error) -> Self {
        self.0.lock().faults.add(error);
        self
    }

    /// Every address that was asked for, in order.
    pub fn fetched(&self) -> Vec<Url> {
        self.0.lock().fetched.clone()
    }
}

#[async_trait]
impl Fetcher for ScriptedFetcher {
    async fn fetch(&self, url: &Url) -> Result<Page> {
        let mut web = self.0.lock();
        web.fetched.push(url.clone());
        web.faults.next()?;
        let missing = || Page {
            url: url.clone(),
            status: 404,
            content_type: None,
            body: Vec::new(),
            truncated: false,
            validators: Validators::default(),
            spent: Duration::ZERO,
        };
        Ok(web.pages.get(url.as_str()).cloned().unwrap_or_else(missing))
    }
}

/// Knows some domains that take no mail, by the code of the cause; any other address is in order.
///
/// ```
/// use leadgen_core::testing::scripted::ScriptedVerifier;
///
/// let verifier = ScriptedVerifier::refusing([("dead.ru", "null_mx")]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScriptedVerifier(BTreeMap<String, String>);

impl ScriptedVerifier {
    /// Domains with the cause why no mail arrives there.
    pub fn refusing<'a>(domains: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(domains.into_iter().map(|(domain, cause)| (domain.to_owned(), cause.to_owned())).collect())
    }
}

#[async_trait]
impl Verifier for ScriptedVerifier {
    async fn verify(&self, address: &EmailAddress, _before: &Verification) -> Verification {
        let (state, reason) = match self.0.get(address.domain().as_str()) {
            Some(cause) => (Deliverability::Invalid, cause.as_str()),
            None => (Deliverability::Valid, "mx"),
        };
        Verification { state, reason: reason.to_owned(), checked_at: Some(Timestamp::default()) }
    }
}
