//! Fetches pages: robots.txt first, one request at a time and a pause for every host, addresses checked and pinned,
//! redirects by our own loop, size and time bounded.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use url::Url;

use crate::domain::host::{KeptRobots, Loss, Rest, Scheme};
use crate::domain::name::DomainName;
use crate::domain::page::Validators;
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::clock::Clock;
use crate::ports::dns::DnsLookup;
use crate::ports::fetch::{Fetcher, Page};
use crate::ports::hosts::SiteHosts;
use crate::rules::robots::{self, Robots};
use crate::rules::target::{Reach, refusal};

use super::hosts::{Gate, Host, Hosts, Known, Line};
use super::own::is_own;
use super::turns::Turns;
use super::wire::{Answer, Wire};

/// The product token we go by, in robots.txt and in the User-Agent.
pub(super) const AGENT: &str = "leadgen";
/// The longest pause a host may ask for; beyond it the host is left alone.
const MOST_DELAY: Duration = Duration::from_mins(1);
/// Pages taken of a host that asks for more.
const FEW: u32 = 3;
/// How long robots.txt is believed.
const ROBOTS_KEPT: Duration = Duration::from_hours(24);
/// How long a copy is believed while the server fails.
const ROBOTS_STALE: Duration = Duration::from_hours(1);
/// Redirects of robots.txt that are followed (RFC 9309, 2.3.1.2).
const ROBOTS_REDIRECTS: u32 = 5;
/// A robots.txt that could not be had for so long is as good as none (RFC 9309, 2.3.1.4).
const ROBOTS_GIVEN_UP: Duration = Duration::from_hours(30 * 24);
/// How long a host that refuses is left alone: each time longer.
const PAUSES: [Duration; 4] = [Duration::from_mins(1), Duration::from_mins(5), Duration::from_mins(30), Duration::from_hours(7 * 24)];
/// How long a host without a readable robots.txt stays closed: each time longer.
const CLOSED: [Duration; 4] = [Duration::from_mins(1), Duration::from_mins(5), Duration::from_mins(30), Duration::from_hours(6)];
/// Failures that last: no address, no connection.
const LASTING: [&str; 3] = ["dns_failed", "dns_timeout", "unreachable"];
/// How long a host is left alone after such a failure.
const LOST: Duration = Duration::from_hours(6);
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
enum Purpose {
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
    settings: Settings,
    agent: String,
    tls: Arc<ClientConfig>,
    dns: Arc<dyn DnsLookup>,
    clock: Arc<dyn Clock>,
    hosts: Hosts,
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
        let delay = self.may_fetch(&host, url).await?;
        let (answer, rest) = match self.ask(&host, url, known, delay, Purpose::Page).await {
            Err(error) if LASTING.contains(&error.machine_code()) => {
                let mut gate = host.gate.lock().await;
                return Err(self.lose(&host, gate.schemes.entry(Scheme::of(url)).or_default(), url, error).await);
            }
            asked => asked?,
        };
        match rest {
            // Whoever is over its limits gave no page; a refusal is one.
            Some(rest) if answer.page.status != 403 => Err(Error::new(ErrorKind::Limited, format!("fetch {url}"))
                .code("site_limits")
                .detail(format!("HTTP {}", answer.page.status))
                .retry_after(Some(rest))),
            _ => Ok(answer),
        }
    }

    /// Asks a host in its turn, unless it wants to be left alone. A refusal is noted; with it comes the pause it costs.
    async fn ask(
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
        let asked = self.request(&mut line, &host.name, url, known).await;
        // The pause counts from the end of the answer, and after a failure as well.
        let now = self.clock.now();
        line.last = Some(now);
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
        let pause = answer.retry_after.map_or(pause, |asked| asked.from(now));
        line.rest = Some(Rest { until: now + pause, refusals: refused.saturating_add(1) });
        self.hosts.note_rest(host, line.rest.clone()).await;
        Ok((answer, Some(pause)))
    }

    /// Reads robots.txt if it is not known, and answers with the pause it asks for.
    async fn may_fetch(&self, host: &Host, url: &Url) -> Result<Duration> {
        let mut gate = host.gate.lock().await;
        let Gate { schemes, few } = &mut *gate;
        let known = schemes.entry(Scheme::of(url)).or_default();
        let now = self.clock.now();
        if let Some(loss) = known.loss.as_ref().filter(|loss| now < loss.until) {
            return Err(Error::new(ErrorKind::Unavailable, format!("fetch {url}"))
                .code(loss.code.clone())
                .detail(format!("tried before, and not again before {}", loss.until))
                .retry_after(Some(loss.until.since(now))));
        }
        if known.robots.as_ref().is_none_or(|(_, until)| *until <= now) {
            self.learn_robots(host, known, url).await?;
        }
        let Some((robots, _)) = &known.robots else {
            return Err(Error::new(ErrorKind::Unavailable, format!("read robots.txt of {}", host.name)).code("robots_unreachable"));
        };
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let permission = robots.permission(AGENT, path);
        if !permission.allowed {
            return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}"))
                .code("robots_disallowed")
                .detail(permission.rule.unwrap_or_default()));
        }
        let delay = robots.crawl_delay(AGENT).unwrap_or_default();
        if delay > MOST_DELAY {
            // Such a pause would take days: three pages are all that is asked of the host.
            let left = few.get_or_insert(FEW);
            if *left == 0 {
                return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}"))
                    .code("crawl_delay_too_long")
                    .detail(format!("{} s", delay.as_secs())));
            }
            *left -= 1;
        }
        Ok(delay.min(MOST_DELAY).max(self.settings.pace))
    }

    /// Reads robots.txt. Where that fails a copy is believed a while longer; without one the host is closed, each time longer,
    /// and after a month it is as if there were none.
    async fn learn_robots(&self, host: &Host, known: &mut Known, url: &Url) -> Result<()> {
        let scheme = Scheme::of(url);
        let error = match self.read_robots(host, url).await {
            Ok(body) => {
                let until = self.clock.now() + ROBOTS_KEPT;
                (known.robots, known.loss) = (Some((Robots::parse(&body), until)), None);
                self.hosts.note_robots(host, scheme, KeptRobots { body, until }).await;
                return Ok(());
            }
            Err(error) => error,
        };
        if let (Some((_, until)), ErrorKind::Unavailable | ErrorKind::Limited) = (&mut known.robots, error.kind()) {
            *until = self.clock.now() + ROBOTS_STALE;
            return Ok(());
        }
        if error.kind() != ErrorKind::Unavailable {
            return Err(error);
        }
        let error = self.lose(host, known, url, error).await;
        let now = self.clock.now();
        if known.loss.as_ref().is_some_and(|loss| now.since(loss.since) >= ROBOTS_GIVEN_UP) {
            let until = now + ROBOTS_KEPT;
            (known.robots, known.loss) = (Some((Robots::default(), until)), None);
            self.hosts.note_robots(host, scheme, KeptRobots { body: Vec::new(), until }).await;
            return Ok(());
        }
        Err(error)
    }

    /// A host that can't be had is not asked again at once, whoever asks.
    async fn lose(&self, host: &Host, known: &mut Known, url: &Url, error: Error) -> Error {
        let now = self.clock.now();
        let (since, tries) = known.loss.as_ref().map_or((now, 0), |loss| (loss.since, loss.tries));
        let asked = match error.verdict() {
            Verdict::Retry { after } => after,
            _ => None,
        };
        let pause = if LASTING.contains(&error.machine_code()) { LOST } else { CLOSED[(tries as usize).min(CLOSED.len() - 1)] };
        let pause = asked.unwrap_or(pause);
        let loss = Loss { code: error.machine_code().to_owned(), since, until: now + pause, tries: tries.saturating_add(1) };
        known.loss = Some(loss.clone());
        self.hosts.note_loss(host, Scheme::of(url), Some(loss)).await;
        error.retry_after(Some(pause))
    }

    /// 2xx is a file; other answers below 500 but 429 allow everything; the rest closes the host for now.
    async fn read_robots(&self, host: &Host, url: &Url) -> Result<Vec<u8>> {
        let mut target = url.clone();
        target.set_path("/robots.txt");
        target.set_query(None);
        let mut elsewhere: Option<Arc<Host>> = None;
        for _ in 0..=ROBOTS_REDIRECTS {
            // A redirect may lead to another host, which has a pace and a connection of its own.
            let at = elsewhere.as_deref().unwrap_or(host);
            let (answer, rest) = self.ask(at, &target, None, self.settings.pace, Purpose::Robots).await?;
            match (answer.page.status, answer.location) {
                (200..=299, _) => {
                    let mut body = answer.page.body;
                    body.truncate(robots::LARGEST + 1);
                    return Ok(body);
                }
                (300..=399, Some(location)) => match target.join(&location) {
                    Ok(next) if refusal(&next).is_none() => {
                        let there = self.hosts.at(&next).await?;
                        elsewhere = (there.name != host.name).then_some(there);
                        target = next;
                    }
                    _ => return Ok(Vec::new()),
                },
                (429 | 500.., _) => {
                    return Err(Error::new(ErrorKind::Unavailable, format!("read robots.txt of {}", host.name))
                        .code("robots_unreachable")
                        .detail(format!("HTTP {}", answer.page.status))
                        .retry_after(rest));
                }
                _ => return Ok(Vec::new()),
            }
        }
        Ok(Vec::new())
    }

    /// One request to a checked and pinned address. The name is looked up anew each time.
    async fn request(&self, line: &mut Line, name: &DomainName, url: &Url, known: Option<&Validators>) -> Result<Answer> {
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses = self.dns.addresses(name).await?;
        let address = self.settings.reach.pinned(&addresses, port).map_err(|why| refused(url, why))?;
        if self.settings.contact.is_empty() && !address.ip().is_loopback() {
            return Err(Error::new(ErrorKind::Config, format!("visit {name}"))
                .code("web_contact_missing")
                .detail("set LEADGEN_WEB_CONTACT to an address or a page where the owner of a site reaches you"));
        }
        self.turns.wait(name, address.ip()).await;
        let wire = match line.wire.take().filter(|wire| wire.address() == address) {
            Some(wire) => wire,
            None if !address.ip().is_loopback() && is_own(address.ip()) => return Err(refused(url, "own_address")),
            None => Wire::new(&self.tls, &self.agent, name, address, self.settings.timeout)?,
        };
        let _permit = self.in_flight.acquire().await;
        let answer = wire.get(url, known).await;
        line.wire = Some(wire);
        answer
    }
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

fn refused(url: &Url, why: &'static str) -> Error {
    Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("target_refused").detail(why)
}

impl HttpFetcher {
    /// Follows redirects by our own loop: each hop is checked like the first. `known` holds for the page at one address.
    async fn follow(&self, url: &Url, known: Option<(&Url, &Validators)>) -> Result<Page> {
        let mut target = url.clone();
        target.set_fragment(None);
        for _ in 0..=self.settings.max_redirects {
            let known = known.filter(|(at, _)| **at == target).map(|(_, known)| known);
            let answer = self.hop(&target, known).await?;
            match (answer.page.status, answer.location.and_then(|location| target.join(&location).ok())) {
                (300..=399, Some(next)) if next != target => target = next,
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
            Some((robots, _)) => robots.sitemaps.iter().filter_map(|map| site.join(map).ok()).collect(),
            None => Vec::new(),
        }
    }
}
