//! One request to one checked address, and the bounds of what may come back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::domain::page::Validators;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::fetch::Page;

use super::body::{Body, ENCODINGS};
use super::fetcher::AGENT;

/// Time to connect, TLS included: less than to the first byte, so that it is told which of them failed.
const CONNECT: Duration = Duration::from_secs(8);
/// Time to the first byte of an answer, a connection that is made for it included.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// The longest silence inside an answer.
const IDLE: Duration = Duration::from_secs(5);
/// After this time an answer must have come at the least rate.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes a second that a living server sends.
const LEAST_RATE: u64 = 1024;
/// Bytes of all headers of an answer. Over HTTP/1 some more are held while they come (hyper: 100 lines, 408 KiB).
const LARGEST_HEAD: u32 = 64 * 1024;
/// Headers of an answer.
const MOST_HEADERS: usize = 100;
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
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::For(value.parse().map_or(LONGEST_PAUSE, Duration::from_secs)));
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

/// Whatever name is looked up has the one address that was checked: nobody asks the system.
struct Pinned(SocketAddr);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let address = self.0;
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

impl Wire {
    pub(super) fn new(tls: &Arc<ClientConfig>, agent: &str, address: SocketAddr, whole: Duration) -> Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(tls))
            .redirect(Policy::none())
            .no_proxy()
            .no_gzip()
            .referer(false)
            .connect_timeout(CONNECT.min(whole))
            .timeout(whole)
            .http1_max_headers(MOST_HEADERS)
            .http2_max_header_list_size(LARGEST_HEAD)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(20))
            .dns_resolver(Arc::new(Pinned(address)))
            .user_agent(agent)
            .build()
            .map_err(|e| Error::new(ErrorKind::Config, "set a client for a site up").because(e))?;
        Ok(Self { client, address, whole })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// One request; with `known` only for what changed since. A body that is no text is left where it is, unless `whatever` it
    /// is is wanted.
    pub(super) async fn get(&self, url: &Url, known: Option<&Validators>, whatever: bool) -> Result<Answer> {
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
            Ok(Err(e)) if e.is_connect() && is_certificate(&e) => return Err(lost("certificate_refused").because(e)),
            Ok(Err(e)) if e.is_connect() => return Err(lost("unreachable").because(e)),
            Ok(Err(e)) if e.is_timeout() => return Err(lost("timeout").because(e)),
            Ok(Err(e)) => return Err(lost("broken_answer").because(e)),
            Ok(Ok(answer)) => answer,
        };
        // A client that looked the name up once more would end elsewhere.
        if answer.remote_addr().is_some_and(|peer| peer != self.address) {
            return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("target_refused").detail("another peer"));
        }
        let size: usize = answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if size > LARGEST_HEAD as usize {
            return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("head_too_large").detail(format!("{size} bytes")));
        }
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let noindex = answer.headers().get_all("x-robots-tag").iter().any(|value| value.to_str().is_ok_and(forbids_index));
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
            noindex,
        };
        if whatever || result.page.content_type.as_deref().is_none_or(is_text) {
            match Body::packed(header("content-encoding").as_deref()) {
                Some(body) => read(answer, body, &mut result.page).await.map_err(lost)?,
                // Packed in a way that was not asked for: nothing of it can be read.
                None => result.page.truncated = true,
            }
        }
        if !whatever && result.page.content_type.is_none() && !looks_like_text(&result.page.body) {
            result.page.body.clear();
        }
        result.page.spent = began.elapsed();
        Ok(result)
    }
}

/// Reads what comes, up to the bounds; what was read before a bound is used. The code of what went wrong if nothing came.
async fn read(answer: Response, mut body: Body, page: &mut Page) -> std::result::Result<(), &'static str> {
    let began = Instant::now();
    let mut stream = answer.bytes_stream();
    page.truncated = loop {
        let chunk = match timeout(IDLE, stream.next()).await {
            Ok(None) => break false,
            Ok(Some(Ok(chunk))) => chunk,
            // Something came before the server fell silent or broke off: it is read.
            Err(_) | Ok(Some(Err(_))) if body.taken() > 0 => break true,
            Err(_) => return Err("idle_timeout"),
            Ok(Some(Err(e))) => return Err(if e.is_timeout() { "timeout" } else { "broken_answer" }),
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

/// Whether a connection failed because its certificate proves nothing.
fn is_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<rustls::Error>().is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    false
}

/// Whether an `X-Robots-Tag` asks us, or everybody, to keep nothing.
fn forbids_index(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let (agent, rules) = value.split_once(':').map_or(("", value.as_str()), |(agent, rules)| (agent.trim(), rules));
    // A colon follows the name of a crawler, or one of the rules that take a value.
    let is_for_us = agent.is_empty() || agent == AGENT || agent.contains(',') || agent.starts_with("max-") || agent == "unavailable_after";
    let rules = if agent.is_empty() || agent == AGENT { rules } else { value.as_str() };
    is_for_us && rules.split(',').any(|rule| matches!(rule.trim(), "noindex" | "none"))
}

/// A header that is worth keeping.
fn is_short(value: &str) -> bool {
    value.len() <= LONGEST_VALIDATOR
}

/// Types that are read: pages, and what maps and rendered pages need. Pictures and office files are XML inside, too.
fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind.is_empty()
        || kind.starts_with("text/")
        || kind.ends_with("/json")
        || kind.ends_with("+json")
        || kind.ends_with("/xml")
        || kind.ends_with("javascript")
        || matches!(kind.as_str(), "application/xhtml+xml" | "application/gzip" | "application/x-gzip")
}

/// What nobody gave a type may be a page, a map, packed or not, or data.
fn looks_like_text(body: &[u8]) -> bool {
    let head = &body[..body.len().min(1024)];
    head.starts_with(&[0x1f, 0x8b]) || head.iter().any(|byte| matches!(byte, b'<' | b'{' | b'['))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_tag_that_forbids_keeping_counts_if_it_speaks_to_us_or_to_everybody() {
        for (value, forbids) in [
            ("noindex", true),
            ("NOINDEX, nofollow", true),
            ("nofollow, none", true),
            ("leadgen: noindex", true),
            ("max-snippet:-1, noindex", true),
            ("unavailable_after: 25 Jun 2030 15:00:00 PST", false),
            ("googlebot: noindex", false),
            ("googlebot: noindex, nofollow", false),
            ("noindexed", false),
            ("all", false),
        ] {
            assert_eq!(forbids_index(value), forbids, "{value}");
        }
    }

    #[test]
    fn pages_maps_and_data_are_read_and_pictures_and_office_files_are_not() {
        for kind in
            ["text/html; charset=utf-8", "Application/XHTML+XML", "text/vcard", "application/ld+json", "text/xml", "application/gzip"]
        {
            assert!(is_text(kind), "{kind}");
        }
        for kind in [
            "image/svg+xml",
            "image/png",
            "application/pdf",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/octet-stream",
        ] {
            assert!(!is_text(kind), "{kind}");
        }
        assert!(
            looks_like_text(b"  <!doctype html>")
                && looks_like_text(&[0x1f, 0x8b, 8])
                && !looks_like_text(&[0x89, b'P', b'N', b'G', 13, 10])
        );
    }

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
        assert_eq!((asked("99999999999"), asked("99999999999999999999999")), (Some(LONGEST_PAUSE), Some(LONGEST_PAUSE)));
        assert_eq!(asked("soon"), None);
    }
}
