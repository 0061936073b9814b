//! Fetches pages: robots.txt first, one request at a time and a pause for every host, addresses checked and pinned,
//! redirects by our own loop, size and time bounded.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use crate::domain::name::DomainName;
use crate::domain::page::Validators;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::dns::DnsLookup;
use crate::ports::fetch::{Fetcher, Page};
use crate::rules::robots::Robots;
use crate::rules::target::{pinned, refusal};

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
/// Least pause between two requests to one address, whatever hosts live there.
const PER_ADDRESS: Duration = Duration::from_secs(1);
/// Requests in flight at once.
const IN_FLIGHT: usize = 64;
/// How long a host that refuses is left alone: each time longer.
const PAUSES: [Duration; 4] = [Duration::from_mins(1), Duration::from_mins(5), Duration::from_mins(30), Duration::from_hours(7 * 24)];
/// Signs of a page that wants a person before it shows anything.
const CHALLENGES: [&[u8]; 4] = [b"_cf_chl_opt", b"<title>DDOS-GUARD", b"/showcaptcha?", b"<title>Just a moment...</title>"];
/// Such a page is short.
const CHALLENGE_SIZE: usize = 32 * 1024;
/// Hosts and addresses remembered.
const MOST_HOSTS: usize = 10_000;

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
    /// Loopback pairs that may be visited: logical port, address.
    pub loopback: Vec<(u16, SocketAddr)>,
    /// Loopback only.
    pub offline: bool,
}

/// What is remembered of a host. Its lock is held for the length of a request: one at a time.
#[derive(Debug, Default)]
struct Host {
    robots: Option<(Rules, Timestamp)>,
    last: Option<Timestamp>,
    /// One connection, for the address it was made to.
    wire: Option<Wire>,
    /// The host is left alone until then, after so many refusals.
    rest: Option<Timestamp>,
    refusals: usize,
    /// Pages still allowed where the host asks for a very long pause.
    few: Option<u32>,
}

#[derive(Clone, Debug)]
enum Rules {
    File(Robots),
    /// The server failed: nothing may be fetched now.
    Closed,
}

/// Fetches over HTTP.
#[derive(Debug)]
pub struct HttpFetcher {
    settings: Settings,
    agent: String,
    tls: Arc<ClientConfig>,
    dns: Arc<dyn DnsLookup>,
    clock: Arc<dyn Clock>,
    hosts: Mutex<HashMap<String, Arc<Mutex<Host>>>>,
    /// When each address may be asked again.
    addresses: Mutex<HashMap<IpAddr, Timestamp>>,
    in_flight: Semaphore,
}

impl HttpFetcher {
    /// A fetcher over a resolver of ours.
    pub fn new(settings: Settings, tls: Arc<ClientConfig>, dns: Arc<dyn DnsLookup>, clock: Arc<dyn Clock>) -> Self {
        let agent = agent(&settings.contact);
        let in_flight = Semaphore::new(IN_FLIGHT);
        Self { settings, agent, tls, dns, clock, hosts: Mutex::default(), addresses: Mutex::default(), in_flight }
    }

    async fn host(&self, url: &Url) -> Arc<Mutex<Host>> {
        let key = url.origin().ascii_serialization();
        let mut hosts = self.hosts.lock().await;
        if hosts.len() >= MOST_HOSTS {
            // Those at rest are remembered: forgetting them would be asking again.
            let now = self.clock.now();
            hosts.retain(|_, host| {
                Arc::strong_count(host) > 1 || host.try_lock().is_ok_and(|host| host.rest.is_some_and(|rest| now < rest))
            });
        }
        Arc::clone(hosts.entry(key).or_default())
    }

    /// One hop: allowed, paced, fetched.
    async fn hop(&self, url: &Url, known: Option<&Validators>) -> Result<Answer> {
        if let Some(why) = refusal(url) {
            return Err(refused(url, why));
        }
        let host = self.host(url).await;
        let mut host = host.lock().await;
        self.is_awake(&host, url)?;
        let delay = self.may_fetch(&mut host, url).await?;
        self.wait(&mut host, delay).await;
        let mut answer = self.request(&mut host, url, known).await?;
        self.note(&mut host, &mut answer);
        Ok(answer)
    }

    /// A host that refused is not asked before its time.
    fn is_awake(&self, host: &Host, url: &Url) -> Result<()> {
        let now = self.clock.now();
        match host.rest.filter(|rest| now < *rest) {
            Some(rest) => {
                Err(Error::new(ErrorKind::Limited, format!("fetch {url}")).code("host_at_rest").retry_after(Some(rest.since(now))))
            }
            None => Ok(()),
        }
    }

    /// 403, 429, 503 and pages that want a person: the host is left alone, each time longer.
    fn note(&self, host: &mut Host, answer: &mut Answer) {
        let body = &answer.page.body;
        if answer.page.status == 200
            && body.len() < CHALLENGE_SIZE
            && CHALLENGES.iter().any(|sign| memchr::memmem::find(body, sign).is_some())
        {
            answer.page.status = 403;
        }
        if !matches!(answer.page.status, 403 | 429 | 503) {
            host.refusals = 0;
            return;
        }
        let pause = PAUSES[host.refusals.min(PAUSES.len() - 1)];
        host.refusals += 1;
        let now = self.clock.now();
        host.rest = Some(now + answer.retry_after.map_or(pause, |asked| asked.from(now)));
    }

    /// Reads robots.txt if it is not known, and answers with the pause it asks for.
    async fn may_fetch(&self, host: &mut Host, url: &Url) -> Result<Duration> {
        let now = self.clock.now();
        if host.robots.as_ref().is_none_or(|(_, until)| *until <= now) {
            let read = self.read_robots(host, url).await;
            let old = host.robots.take().map(|(rules, _)| rules).filter(|rules| matches!(rules, Rules::File(_)));
            let (rules, keep) = match (read, old) {
                (Ok((Rules::Closed, _)) | Err(_), Some(old)) => (old, ROBOTS_STALE),
                (read, _) => read?,
            };
            host.robots = Some((rules, self.clock.now() + keep));
        }
        let Some((Rules::File(robots), _)) = &host.robots else {
            return Err(Error::new(ErrorKind::Unavailable, format!("read robots.txt of {}", url.host_str().unwrap_or("")))
                .code("robots_unreachable"));
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
            let left = host.few.get_or_insert(FEW);
            if *left == 0 {
                return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}"))
                    .code("crawl_delay_too_long")
                    .detail(format!("{} s", delay.as_secs())));
            }
            *left -= 1;
        }
        Ok(delay.min(MOST_DELAY).max(self.settings.pace))
    }

    /// 2xx is parsed; other answers below 500 but 429 allow everything; the rest closes the host for now.
    async fn read_robots(&self, host: &mut Host, url: &Url) -> Result<(Rules, Duration)> {
        let mut target = url.clone();
        target.set_path("/robots.txt");
        target.set_query(None);
        for hop in 0..=5 {
            self.wait(host, self.settings.pace).await;
            // A redirect may lead to another host, which has a connection of its own.
            let mut other = Host::default();
            let answer = self.request(if hop == 0 { &mut *host } else { &mut other }, &target, None).await?;
            match (answer.page.status, answer.location) {
                (200..=299, _) => return Ok((Rules::File(Robots::parse(&answer.page.body)), ROBOTS_KEPT)),
                (300..=399, Some(location)) => match target.join(&location) {
                    Ok(next) if refusal(&next).is_none() => target = next,
                    _ => return Ok((Rules::File(Robots::default()), ROBOTS_KEPT)),
                },
                (429 | 500.., _) => return Ok((Rules::Closed, Duration::from_mins(5))),
                _ => return Ok((Rules::File(Robots::default()), ROBOTS_KEPT)),
            }
        }
        Ok((Rules::File(Robots::default()), ROBOTS_KEPT))
    }

    async fn wait(&self, host: &mut Host, delay: Duration) {
        if let Some(last) = host.last {
            let turn = last + delay;
            if self.clock.now() < turn {
                self.clock.sleep_until(turn).await;
            }
        }
        host.last = Some(self.clock.now());
    }

    /// Many hosts may live at one address: it is not asked more than once a second.
    async fn wait_for_address(&self, address: IpAddr) {
        if address.is_loopback() {
            return;
        }
        let turn = {
            let mut addresses = self.addresses.lock().await;
            let now = self.clock.now();
            if addresses.len() >= MOST_HOSTS {
                addresses.retain(|_, next| now < *next);
            }
            let next = addresses.entry(address).or_insert(now);
            let turn = (*next).max(now);
            *next = turn + PER_ADDRESS;
            turn
        };
        if self.clock.now() < turn {
            self.clock.sleep_until(turn).await;
        }
    }

    /// One request to a checked and pinned address. The name is looked up anew each time.
    async fn request(&self, host: &mut Host, url: &Url, known: Option<&Validators>) -> Result<Answer> {
        let name = DomainName::parse(url.host_str().unwrap_or("")).map_err(|e| refused(url, "host").because(e))?;
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses = self.dns.addresses(&name).await?;
        let address = pinned(&addresses, port, &self.settings.loopback, self.settings.offline).map_err(|why| refused(url, why))?;
        if self.settings.contact.is_empty() && !address.ip().is_loopback() {
            return Err(Error::new(ErrorKind::Config, format!("visit {name}"))
                .code("web_contact_missing")
                .detail("set LEADGEN_WEB_CONTACT to an address or a page where the owner of a site reaches you"));
        }
        self.wait_for_address(address.ip()).await;
        let wire = match host.wire.take().filter(|wire| wire.address() == address) {
            Some(wire) => wire,
            None => Wire::new(&self.tls, &self.agent, &name, address, self.settings.timeout)?,
        };
        let _permit = self.in_flight.acquire().await;
        let answer = wire.get(url, known).await;
        host.wire = Some(wire);
        // The pause counts from the end of the answer.
        host.last = Some(self.clock.now());
        answer
    }
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
        let host = self.host(site).await;
        let host = host.lock().await;
        match &host.robots {
            Some((Rules::File(robots), _)) => robots.sitemaps.iter().filter_map(|map| site.join(map).ok()).collect(),
            _ => Vec::new(),
        }
    }
}
