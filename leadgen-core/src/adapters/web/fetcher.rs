//! Fetches pages: robots.txt first, one request at a time and a pause for every host, addresses checked and pinned,
//! redirects by our own loop, size and time bounded.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use tokio::sync::Mutex;
use url::Url;

use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::dns::DnsLookup;
use crate::ports::fetch::{Fetcher, Page};
use crate::rules::robots::Robots;

use super::target::{pinned, refusal};

/// The product token we go by, in robots.txt and in the User-Agent.
pub(super) const AGENT: &str = "leadgen";
/// The longest pause a host may ask for; beyond it the host is left alone.
const MOST_DELAY: Duration = Duration::from_mins(1);
/// How long robots.txt is believed.
const ROBOTS_KEPT: Duration = Duration::from_hours(24);
/// Bytes of a page, unpacked.
const LARGEST: usize = 4 * 1024 * 1024;
/// Hosts remembered.
const MOST_HOSTS: usize = 10_000;

/// How to crawl.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Time for a whole page.
    pub timeout: Duration,
    /// Redirects followed.
    pub max_redirects: u32,
    /// Where a site's owner reaches us.
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
    tls: Arc<ClientConfig>,
    dns: Arc<dyn DnsLookup>,
    clock: Arc<dyn Clock>,
    hosts: Mutex<HashMap<String, Arc<Mutex<Host>>>>,
}

impl HttpFetcher {
    /// A fetcher over a resolver of ours.
    pub fn new(settings: Settings, tls: Arc<ClientConfig>, dns: Arc<dyn DnsLookup>, clock: Arc<dyn Clock>) -> Self {
        Self { settings, tls, dns, clock, hosts: Mutex::default() }
    }

    async fn host(&self, url: &Url) -> Arc<Mutex<Host>> {
        let key = url.origin().ascii_serialization();
        let mut hosts = self.hosts.lock().await;
        if hosts.len() >= MOST_HOSTS {
            hosts.retain(|_, host| Arc::strong_count(host) > 1);
        }
        Arc::clone(hosts.entry(key).or_default())
    }

    /// One hop: allowed, paced, fetched.
    async fn hop(&self, url: &Url) -> Result<(Page, Option<String>)> {
        if let Some(why) = refusal(url) {
            return Err(refused(url, why));
        }
        let host = self.host(url).await;
        let mut host = host.lock().await;
        let delay = self.may_fetch(&mut host, url).await?;
        self.wait(&mut host, delay).await;
        self.request(url).await
    }

    /// Reads robots.txt if it is not known, and answers with the pause it asks for.
    async fn may_fetch(&self, host: &mut Host, url: &Url) -> Result<Duration> {
        let now = self.clock.now();
        let known = host.robots.as_ref().filter(|(_, until)| now < *until).map(|(rules, _)| rules.clone());
        let rules = match known {
            Some(rules) => rules,
            None => {
                let (rules, keep) = self.read_robots(host, url).await?;
                host.robots = Some((rules.clone(), self.clock.now() + keep));
                rules
            }
        };
        let Rules::File(robots) = rules else {
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
            return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}"))
                .code("crawl_delay_too_long")
                .detail(format!("{} s", delay.as_secs())));
        }
        Ok(delay.max(self.settings.pace))
    }

    /// 2xx is parsed; other answers below 500 but 429 allow everything; the rest closes the host for now.
    async fn read_robots(&self, host: &mut Host, url: &Url) -> Result<(Rules, Duration)> {
        let mut target = url.clone();
        target.set_path("/robots.txt");
        target.set_query(None);
        for _ in 0..=5 {
            self.wait(host, self.settings.pace).await;
            let (page, location) = self.request(&target).await?;
            match (page.status, location) {
                (200..=299, _) => return Ok((Rules::File(Robots::parse(&page.body)), ROBOTS_KEPT)),
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

    /// One request to a checked and pinned address; where a redirect leads, if it is one.
    async fn request(&self, url: &Url) -> Result<(Page, Option<String>)> {
        let name = DomainName::parse(url.host_str().unwrap_or("")).map_err(|e| refused(url, "host").because(e))?;
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses = self.dns.addresses(&name).await?;
        let address = pinned(&addresses, port, &self.settings.loopback, self.settings.offline).map_err(|why| refused(url, why))?;
        let failed = |e: reqwest::Error| Error::new(ErrorKind::Unavailable, format!("fetch {url}")).code("unreachable").because(e);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(&self.tls))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(self.settings.timeout)
            .resolve(name.as_str(), address)
            .user_agent(format!("{AGENT}/{} (+{})", env!("CARGO_PKG_VERSION"), self.settings.contact))
            .build()
            .map_err(failed)?;
        // The pinned pair may have another port than the address says; the Host header stays the site's own.
        let mut wire = url.clone();
        let _ = wire.set_port(Some(address.port()));
        let accept = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1";
        let request =
            client.get(wire).header("accept", accept).header("accept-language", "ru,en").header("host", url.host_str().unwrap_or(""));
        let answer = request.send().await.map_err(failed)?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, content_type, location) = (answer.status().as_u16(), header("content-type"), header("location"));
        let mut page = Page { url: url.clone(), status, content_type, body: Vec::new(), truncated: false };
        if page.content_type.as_deref().is_some_and(|kind| !is_text(kind)) {
            return Ok((page, location));
        }
        let mut stream = answer.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(failed)?;
            let room = LARGEST - page.body.len();
            page.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                page.truncated = true;
                break;
            }
        }
        Ok((page, location))
    }
}

fn is_text(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("text/") || kind.contains("html") || kind.contains("xml") || kind.contains("json")
}

fn refused(url: &Url, why: &'static str) -> Error {
    Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("target_refused").detail(why)
}

#[async_trait]
impl Fetcher for HttpFetcher {
    async fn fetch(&self, url: &Url) -> Result<Page> {
        let mut target = url.clone();
        target.set_fragment(None);
        for _ in 0..=self.settings.max_redirects {
            let (page, location) = self.hop(&target).await?;
            match (page.status, location.and_then(|location| target.join(&location).ok())) {
                (300..=399, Some(next)) if next != target => target = next,
                _ => return Ok(page),
            }
        }
        Err(Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("too_many_redirects"))
    }
}
