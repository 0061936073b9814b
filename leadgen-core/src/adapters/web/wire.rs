//! One request to one checked address, and the bounds of what may come back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::domain::name::DomainName;
use crate::domain::page::Validators;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::fetch::Page;

use super::body::{Body, ENCODINGS};

/// Time to connect, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// Time to the first byte of an answer.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// The longest silence inside an answer.
const IDLE: Duration = Duration::from_secs(5);
/// After this time an answer must have come at the least rate.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes a second that a living server sends.
const LEAST_RATE: u64 = 1024;
/// The longest `ETag` that is sent back.
const LONGEST_VALIDATOR: usize = 256;
/// The longest pause a host may ask for by `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_hours(7 * 24);

/// A client that knows one host at one address. It keeps one connection for the next page.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    client: Client,
    address: SocketAddr,
    whole: Duration,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) page: Page,
    /// Where a redirect leads.
    pub(super) location: Option<String>,
    /// The pause the host asks for.
    pub(super) retry_after: Option<Pause>,
    /// The host asks to keep nothing of this page.
    pub(super) noindex: bool,
}

/// How long a host wants to be left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// So long.
    For(Duration),
    /// Until an instant.
    Until(Timestamp),
}

impl Pause {
    /// Seconds, or a date as servers write it.
    fn parse(value: &str) -> Option<Self> {
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Self::For(Duration::from_secs(seconds)));
        }
        let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
        Some(Self::Until(Timestamp::from_millis(date.timestamp_millis())))
    }

    /// How long from now, within bounds.
    pub(super) fn from(self, now: Timestamp) -> Duration {
        let asked = match self {
            Self::For(asked) => asked,
            Self::Until(at) => at.since(now),
        };
        asked.clamp(Duration::from_secs(1), LONGEST_PAUSE)
    }
}

impl Wire {
    pub(super) fn new(tls: &Arc<ClientConfig>, agent: &str, host: &DomainName, address: SocketAddr, whole: Duration) -> Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(tls))
            .redirect(Policy::none())
            .no_proxy()
            .no_gzip()
            .referer(false)
            .connect_timeout(CONNECT.min(whole))
            .timeout(whole)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(20))
            .resolve(host.as_str(), address)
            .user_agent(agent)
            .build()
            .map_err(|e| Error::new(ErrorKind::Config, "set a client for a site up").because(e))?;
        Ok(Self { client, address, whole })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// One request; with `known` only for what changed since.
    pub(super) async fn get(&self, url: &Url, known: Option<&Validators>) -> Result<Answer> {
        let lost = |code: &'static str| Error::new(ErrorKind::Unavailable, format!("fetch {url}")).code(code);
        // The pinned pair may have another port than the address says; the Host header stays the site's own.
        let mut wire = url.clone();
        let _ = wire.set_port(Some(self.address.port()));
        let mut request = self
            .client
            .get(wire)
            .header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1")
            .header("accept-language", "ru,en")
            .header("accept-encoding", ENCODINGS)
            .header("host", url.host_str().unwrap_or(""));
        if let Some(etag) = known.and_then(|known| known.etag.as_deref()) {
            request = request.header("if-none-match", etag);
        }
        if let Some(date) = known.and_then(|known| known.last_modified.as_deref()) {
            request = request.header("if-modified-since", date);
        }
        let began = Instant::now();
        let answer = match timeout(FIRST_BYTE.min(self.whole), request.send()).await {
            Err(_) => return Err(lost("first_byte_timeout")),
            Ok(Err(e)) if e.is_connect() => return Err(lost("unreachable").because(e)),
            Ok(Err(e)) if e.is_timeout() => return Err(lost("timeout").because(e)),
            Ok(Err(e)) => return Err(lost("broken_answer").because(e)),
            Ok(Ok(answer)) => answer,
        };
        // A client that looked the name up once more would end elsewhere.
        if answer.remote_addr().is_some_and(|peer| peer != self.address) {
            return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("target_refused").detail("another peer"));
        }
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let tag = header("x-robots-tag").unwrap_or_default().to_ascii_lowercase();
        let mut result = Answer {
            page: Page {
                url: url.clone(),
                status: answer.status().as_u16(),
                content_type: header("content-type"),
                body: Vec::new(),
                truncated: false,
                validators: Validators {
                    etag: header("etag").filter(|value| is_short(value)),
                    last_modified: header("last-modified").filter(|value| is_short(value)),
                },
                spent: Duration::ZERO,
            },
            location: header("location"),
            retry_after: header("retry-after").and_then(|value| Pause::parse(value.trim())),
            noindex: tag.contains("noindex") || tag.contains("none"),
        };
        if result.page.content_type.as_deref().is_none_or(is_text)
            && let Some(body) = Body::packed(header("content-encoding").as_deref())
        {
            read(answer, body, &mut result.page).await.map_err(|error| lost("broken_answer").because(error))?;
        }
        result.page.spent = began.elapsed();
        Ok(result)
    }
}

/// Reads what comes, up to the bounds; what was read before a bound is used.
async fn read(answer: Response, mut body: Body, page: &mut Page) -> std::result::Result<(), reqwest::Error> {
    let began = Instant::now();
    let mut stream = answer.bytes_stream();
    page.truncated = loop {
        let chunk = match timeout(IDLE, stream.next()).await {
            Ok(None) => break false,
            Ok(Some(Ok(chunk))) => chunk,
            // Something came before the server fell silent or broke off: it is read.
            Err(_) => break true,
            Ok(Some(Err(_))) if body.taken() > 0 => break true,
            Ok(Some(Err(error))) => return Err(error),
        };
        let goes_on = body.take(&chunk);
        let spent = began.elapsed();
        let too_slow = spent > GRACE && (body.taken() as u64) < spent.as_secs() * LEAST_RATE;
        if !goes_on || too_slow {
            break true;
        }
    };
    page.body = body.into_bytes();
    Ok(())
}

/// A header that is worth keeping.
fn is_short(value: &str) -> bool {
    value.len() <= LONGEST_VALIDATOR
}

fn is_text(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("text/")
        || kind.contains("html")
        || kind.contains("xml")
        || kind.contains("json")
        // What a page that is rendered asks for.
        || kind.contains("javascript")
        || kind.contains("gzip")
        || kind.contains("vcard")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_by_a_date() {
        let now = Timestamp::parse("2026-01-16T09:00:00Z").unwrap();
        let asked = |value: &str| Pause::parse(value).map(|pause| pause.from(now));
        assert_eq!(asked("120"), Some(Duration::from_mins(2)));
        assert_eq!(asked("Fri, 16 Jan 2026 09:30:00 GMT"), Some(Duration::from_mins(30)));
        assert_eq!(
            asked("Fri, 16 Jan 2015 09:30:00 GMT"),
            Some(Duration::from_secs(1)),
            "an instant that is over asks for hardly anything"
        );
        assert_eq!(asked("99999999999"), Some(LONGEST_PAUSE));
        assert_eq!(asked("soon"), None);
    }
}
