//! HTTP with bounds: a deadline, a size limit, statuses as errors. Redirects are never followed here.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use rustls::ClientConfig;
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// A client for services that the settings name.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    offline: bool,
}

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, if it was given: in seconds, or as a date beside the answer's own.
    pub retry_after: Option<Duration>,
    /// The body, up to the limit.
    pub body: Vec<u8>,
}

/// How a call failed before there was an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The connection was never made: the request was surely not taken.
    NotSent,
    /// The request may have been taken.
    Unknown,
}

impl Http {
    /// A client with a deadline for whole calls.
    pub fn new(tls: &Arc<ClientConfig>, timeout: Duration, offline: bool) -> Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(tls))
            .redirect(Policy::none())
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .timeout(timeout)
            .no_proxy()
            .user_agent(concat!("leadgen/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Error::new(ErrorKind::Config, "set an HTTP client up").because(e))?;
        Ok(Self { client, offline })
    }

    /// Joins a base address of the settings and a path. Plain http goes to loopback only, and offline nothing else does.
    pub fn url(&self, base: &str, path: &str) -> Result<Url> {
        let refuse = |code: &'static str, why: &str| {
            Err(Error::new(ErrorKind::Config, format!("use the address {base}")).code(code).detail(why.to_owned()))
        };
        let joined = match path.trim_start_matches('/') {
            "" => base.to_owned(),
            path => format!("{}/{path}", base.trim_end_matches('/')),
        };
        let Ok(url) = Url::parse(&joined) else {
            return refuse("bad_url", "it is no address");
        };
        let is_loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
            return refuse("insecure_url", "only https is allowed, and plain http to loopback");
        }
        if self.offline && !is_loopback {
            return refuse("offline", "offline mode allows loopback only");
        }
        Ok(url)
    }

    /// A GET.
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// A POST.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends a request and reads at most `limit` bytes of the answer.
    pub async fn send(&self, request: RequestBuilder, limit: usize) -> std::result::Result<Answer, (Lost, Error)> {
        let unavailable = |e: reqwest::Error| Error::new(ErrorKind::Unavailable, "get an answer").code("unreachable").because(e);
        let answer = request.send().await.map_err(|e| {
            let lost = if e.is_connect() || e.is_builder() { Lost::NotSent } else { Lost::Unknown };
            (lost, unavailable(e))
        })?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header("retry-after").and_then(|text| pause(text, header("date")));
        let mut body = Vec::new();
        let mut stream = answer.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|e| (Lost::Unknown, unavailable(e)))?;
            if body.len() + chunk.len() > limit {
                let error =
                    Error::new(ErrorKind::Malformed, "read an answer").code("answer_too_large").detail(format!("more than {limit} bytes"));
                return Err((Lost::Unknown, error));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after, body })
    }
}

/// The pause of a `Retry-After` (RFC 9110 10.2.3). A date is held against the answer's own date: whose clock is right does
/// not matter.
fn pause(text: &str, date: Option<&str>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = |text: &str| chrono::DateTime::parse_from_rfc2822(text.trim()).ok();
    Some((at(text)? - at(date?)?).to_std().unwrap_or_default())
}

impl Answer {
    /// What a service said in words: the message of a JSON error, or the beginning of whatever came.
    pub fn message(&self) -> String {
        let value: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let said = value["message"].as_str().or_else(|| value["error"]["message"].as_str()).or_else(|| value["error_description"].as_str());
        let text = said.map_or_else(|| String::from_utf8_lossy(&self.body).into_owned(), str::to_owned);
        let text: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
        format!("HTTP {}: {text}", self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_given_in_seconds_or_until_a_date() {
        let now = Some("Thu, 15 Jan 2026 21:00:00 GMT");
        assert_eq!(pause(" 120 ", None), Some(Duration::from_mins(2)));
        assert_eq!(pause("Thu, 15 Jan 2026 21:01:30 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(pause("Thu, 15 Jan 2026 20:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!((pause("Thu, 15 Jan 2026 21:01:30 GMT", None), pause("soon", now)), (None, None));
    }
}
