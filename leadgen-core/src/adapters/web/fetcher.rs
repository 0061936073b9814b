//! Fetches pages: robots.txt first, one request at a time and a pause for every host, addresses checked and pinned,
//! redirects by our own loop, size and time bounded.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use url::Url;

use crate::domain::host::{Rest, Scheme};
use crate::domain::name::DomainName;
use crate::domain::page::Validators;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::dns::DnsLookup;
use crate::ports::fetch::{Fetcher, Page};
use crate::ports::hosts::SiteHosts;
use crate::rules::target::{Reach, refusal};
use crate::rules::{normalize, sieve};

use super::hosts::{Host, Hosts, Line};
use super::own::is_own;
use super::turns::Turns;
use super::wire::{Answer, Wire};

/// The product token we go by, in robots.txt and in the User-Agent.
pub(super) const AGENT: &str = "leadgen";
/// How much longer than a page may take a turn lasts if whoever took it is gone: looking the name up is part of it.
const TURN_MARGIN: Duration = Duration::from_secs(10);
/// How long a host that refuses is left alone: each time longer.
const PAUSES: [Duration; 4] = [Duration::from_mins(1), Duration::from_mins(5), Duration::from_mins(30), Duration::from_hours(7 * 24)];
/// Failures that last: no address, no connection, a certificate that proves nothing.
pub(super) const LASTING: [&str; 4] = ["dns_failed", "dns_timeout", "unreachable", "certificate_refused"];
/// Signs of a page that wants a person before it shows anything.
const CHALLENGES: [&[u8]; 4] = [b"_cf_chl_opt", b"<title>DDOS-GUARD", b"/showcaptcha?", b"<title>Just a moment...</title>"];
/// Such a page is short.
const CHALLENGE_SIZE: usize = 32 * 1024;

/// How to crawl.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Time for a whole page.
    pub timeout: Duration,
    /// Redirects followed.
    pub max_redirects: u32,
    /// Where a site's owner reaches us; without it nothing but loopback is visited.
    pub contact: String,
    /// Least pause between two requests to a host.
    pub pace: Duration,
    /// Requests under way at once, over all hosts.
    pub in_flight: usize,
    /// Where it may connect.
    pub reach: Reach,
}

impl Default for Settings {
    fn default() -> Self {
        let (timeout, pace) = (Duration::from_secs(20), Duration::from_secs(2));
        Self { timeout, max_redirects: 5, contact: String::new(), pace, in_flight: 8, reach: Reach::default() }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Page,
    Robots,
}

impl Purpose {
    /// Statuses by which a host says that it wants to be left alone. A robots.txt that is refused is as good as none.
    fn refusals(self) -> &'static [u16] {
        match self {
            Self::Page => &[403, 429, 503],
            Self::Robots => &[429, 503],
        }
    }
}

/// Fetches over HTTP.
#[derive(Debug)]
pub struct HttpFetcher {
    pub(super) settings: Settings,
    agent: String,
    tls: Arc<ClientConfig>,
    dns: Arc<dyn DnsLookup>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hosts: Hosts,
    turns: Turns,
    in_flight: Semaphore,
}

impl HttpFetcher {
    /// A fetcher over a resolver of ours.
    pub fn new(settings: Settings, tls: Arc<ClientConfig>, dns: Arc<dyn DnsLookup>, clock: Arc<dyn Clock>) -> Self {
        let agent = agent(&settings.contact);
        let in_flight = Semaphore::new(settings.in_flight.max(1));
        let (hosts, turns) = (Hosts::new(Arc::clone(&clock)), Turns::at(settings.pace, Arc::clone(&clock)));
        Self { settings, agent, tls, dns, clock, hosts, turns, in_flight }
    }

    /// What hosts ask for is kept, and what they asked of earlier processes holds.
    #[must_use]
    pub fn with_kept_hosts(mut self, book: Arc<dyn SiteHosts>) -> Self {
        self.hosts.book = Some(book);
        self
    }

    /// One hop: allowed, paced, fetched.
    async fn hop(&self, url: &Url, known: Option<&Validators>) -> Result<Answer> {
        if let Some(why) = refusal(url) {
            return Err(refused(url, why));
        }
        let host = self.hosts.at(url).await?;
        let url = &host.address(url)?;
        let delay = self.may_fetch(&host, url).await?;
        let (answer, rest) = match self.ask(&host, url, known, delay, Purpose::Page).await {
            Err(error) if LASTING.contains(&error.machine_code()) => {
                let mut gate = host.gate.lock().await;
                return Err(self.lose(&host, gate.schemes.entry(Scheme::of(url)).or_default(), url, error).await);
            }
            asked => asked?,
        };
        let Some(rest) = rest else { return Ok(answer) };
        let code = if answer.page.status == 403 { "refused_by_site" } else { "site_limits" };
        let error = Error::new(ErrorKind::Limited, format!("fetch {url}")).code(code);
        Err(error.detail(format!("HTTP {}", answer.page.status)).retry_after(Some(rest)))
    }

    /// Asks a host in its turn, unless it wants to be left alone. A refusal is noted; with it comes the pause it costs.
    pub(super) async fn ask(
        &self,
        host: &Host,
        url: &Url,
        known: Option<&Validators>,
        delay: Duration,
        purpose: Purpose,
    ) -> Result<(Answer, Option<Duration>)> {
        let mut line = host.line.lock().await;
        let now = self.clock.now();
        if let Some(rest) = line.rest.as_ref().filter(|rest| now < rest.until) {
            return Err(Error::new(ErrorKind::Limited, format!("fetch {url}"))
                .code("host_at_rest")
                .detail(format!("{} asked for a pause until {}", host.name, rest.until))
                .retry_after(Some(rest.until.since(now))));
        }
        if let Some(turn) = line.last.map(|last| last + delay).filter(|turn| now < *turn) {
            self.clock.sleep_until(turn).await;
        }
        self.hosts.take_turn(host, delay, self.settings.timeout + TURN_MARGIN).await?;
        // The pause counts from the end of the answer, after a failure as well, and also if nobody waits for the answer any more.
        line.last = Some(self.clock.now());
        let asked = self.request(&mut line, &host.name, url, known, purpose).await;
        let now = self.clock.now();
        line.last = Some(now);
        self.hosts.end_turn(host).await;
        let mut answer = asked?;
        if is_challenge(&answer.page) {
            answer.page.status = 403;
        }
        if !purpose.refusals().contains(&answer.page.status) {
            if purpose == Purpose::Page && line.rest.take().is_some() {
                self.hosts.note_rest(host, None).await;
            }
            return Ok((answer, None));
        }
        let refused = line.rest.as_ref().map_or(0, |rest| rest.refusals);
        let pause = PAUSES[(refused as usize).min(PAUSES.len() - 1)];
        // What it asks for holds; a pause of nothing is none.
        let pause = answer.retry_after.map_or(pause, |asked| asked.from(now).max(PAUSES[0]));
        line.rest = Some(Rest { until: now + pause, refusals: refused.saturating_add(1) });
        self.hosts.note_rest(host, line.rest.clone()).await;
        Ok((answer, Some(pause)))
    }

    /// One request to a checked and pinned address. The name is looked up anew each time.
    async fn request(&self, line: &mut Line, name: &DomainName, url: &Url, known: Option<&Validators>, purpose: Purpose) -> Result<Answer> {
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses = self.dns.addresses(name).await?;
        let address = self.settings.reach.pinned(&addresses, port).map_err(|why| refused(url, why))?;
        if self.settings.contact.is_empty() && !address.ip().is_loopback() {
            return Err(Error::new(ErrorKind::Config, format!("visit {name}"))
                .code("web_contact_missing")
                .detail("set LEADGEN_WEB_CONTACT to an address or a page where the owner of a site reaches you"));
        }
        let wire = match line.wire.take().filter(|wire| wire.address() == address) {
            Some(wire) => wire,
            None if !address.ip().is_loopback() && is_own(address.ip()) => return Err(refused(url, "own_address")),
            None => Wire::new(&self.tls, &self.agent, address, self.settings.timeout)?,
        };
        // A turn is for a request that leaves at once: who has to wait for it leaves the place to others.
        let _permit = loop {
            let permit = self.in_flight.acquire().await;
            let turn = match self.turns.take(name, address.ip()).await {
                Ok(places) => self.hosts.take_shared(places, self.turns.apart).await?,
                Err(turn) => Some(turn),
            };
            match turn {
                None => break permit,
                Some(turn) => {
                    drop(permit);
                    self.clock.sleep_until(turn).await;
                }
            }
        };
        let answer = wire.get(url, known, purpose == Purpose::Robots).await;
        line.wire = Some(wire);
        answer
    }
}

/// What kind of host a redirect leads to if no firm's own site is there: nobody needs to ask it.
fn no_own_site(from: &Url, to: &Url) -> Option<String> {
    let [from, to] = [from, to].map(|url| url.host_str().and_then(normalize::domain_of));
    let to = to?;
    let is_elsewhere = from.as_ref().and_then(normalize::registrable) != normalize::registrable(&to);
    is_elsewhere.then(|| sieve::drop_reason(&to, &[])).flatten().map(|dropped| dropped.kind.clone())
}

/// Whether this is a page that wants a person before it shows anything.
fn is_challenge(page: &Page) -> bool {
    page.status == 200 && page.body.len() < CHALLENGE_SIZE && CHALLENGES.iter().any(|sign| memchr::memmem::find(&page.body, sign).is_some())
}

/// How we name ourselves to sites.
pub(super) fn agent(contact: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    if contact.is_empty() { format!("{AGENT}/{version}") } else { format!("{AGENT}/{version} (+{contact})") }
}

pub(super) fn refused(url: &Url, why: &'static str) -> Error {
    Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("target_refused").detail(why)
}

impl HttpFetcher {
    /// Follows redirects by our own loop: each hop is checked like the first. `known` holds for the page at one address.
    async fn follow(&self, url: &Url, known: Option<(&Url, &Validators)>) -> Result<Page> {
        let mut target = url.clone();
        target.set_fragment(None);
        let mut seen: Vec<Url> = Vec::new();
        for _ in 0..=self.settings.max_redirects {
            let known = known.filter(|(at, _)| **at == target).map(|(_, known)| known);
            let answer = self.hop(&target, known).await?;
            match (answer.page.status, answer.location.and_then(|location| target.join(&location).ok())) {
                (300..=399, Some(mut next)) => {
                    next.set_fragment(None);
                    if let Some(kind) = no_own_site(url, &next) {
                        return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}"))
                            .code("no_own_site")
                            .detail(format!("it leads to {next}: {kind}")));
                    }
                    // Also a page that leads to itself: it wants a cookie, and gets none.
                    if next == target || seen.contains(&next) {
                        break;
                    }
                    seen.push(std::mem::replace(&mut target, next));
                }
                _ if answer.noindex && answer.page.status == 200 => {
                    return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("noindex"));
                }
                _ => return Ok(answer.page),
            }
        }
        Err(Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("too_many_redirects"))
    }
}

#[async_trait]
impl Fetcher for HttpFetcher {
    async fn fetch(&self, url: &Url) -> Result<Page> {
        self.follow(url, None).await
    }

    async fn refetch(&self, url: &Url, at: &Url, known: &Validators) -> Result<Page> {
        self.follow(url, Some((at, known))).await
    }

    async fn maps(&self, site: &Url) -> Vec<Url> {
        let Ok(host) = self.hosts.at(site).await else { return Vec::new() };
        let gate = host.gate.lock().await;
        match gate.schemes.get(&Scheme::of(site)).and_then(|known| known.robots.as_ref()) {
            Some(robots) => robots.rules.sitemaps.iter().filter_map(|map| site.join(map).ok()).collect(),
            None => Vec::new(),
        }
    }
}
