//! Tokens: a service-account key is signed into an assertion (RS256) and exchanged for an access token.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::adapters::kit::http::Http;
use crate::adapters::kit::jwt;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};

const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets";
/// A token is renewed this long before its end.
const AHEAD: Duration = Duration::from_mins(5);
/// The assertion begins a little in the past, for clocks that run ahead.
const SKEW_SECONDS: i64 = 20;
const ASSERTION_SECONDS: i64 = 3600;

/// The part of a key file that is needed. Never printed.
#[derive(Clone, Deserialize)]
pub struct ServiceKey {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    #[serde(default = "usual_token_uri")]
    token_uri: String,
}

fn usual_token_uri() -> String {
    "https://oauth2.googleapis.com/token".into()
}

impl std::fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServiceKey({})", self.client_email)
    }
}

impl ServiceKey {
    /// Reads the JSON of a key. Code: `key_unusable`, naming what is missing and never what is there.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |why: String| Error::new(ErrorKind::Config, "read the Google service-account key").code("key_unusable").detail(why);
        let mut key: Self = serde_json::from_str(text).map_err(|e| {
            let why = e.to_string();
            bad(if why.contains("missing field") { why } else { format!("it is no key file, line {}", e.line()) })
        })?;
        if !key.private_key.contains('\n') {
            key.private_key = key.private_key.replace("\\n", "\n");
        }
        if !key.private_key.contains("-----BEGIN") {
            return Err(bad("field private_key: it holds no PEM block".into()));
        }
        Ok(key)
    }

    /// Reads a key file. Codes: `key_file_missing`, `key_file_unreadable`, `key_file_is_directory`.
    pub fn open(path: &Path) -> Result<Self> {
        let bad = |code: &'static str| Error::new(ErrorKind::Config, format!("read the key file {}", path.display())).code(code);
        if path.is_dir() {
            return Err(bad("key_file_is_directory").detail("a folder stands in its place (an empty mount?)"));
        }
        let text = std::fs::read_to_string(path).map_err(|e| {
            let code = if e.kind() == std::io::ErrorKind::NotFound { "key_file_missing" } else { "key_file_unreadable" };
            bad(code).because(e)
        })?;
        Self::parse(&text)
    }

    /// The address the sheet must be shared with.
    pub fn email(&self) -> &str {
        &self.client_email
    }
}

/// Gives access tokens and renews them, one exchange at a time.
#[derive(Debug)]
pub(super) struct Tokens {
    http: Http,
    key: ServiceKey,
    url: Url,
    current: Mutex<Option<(String, Timestamp)>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

impl Tokens {
    pub(super) fn new(http: Http, key: ServiceKey) -> Result<Self> {
        Ok(Self { url: http.url(&key.token_uri, "")?, http, key, current: Mutex::new(None) })
    }

    /// A token; `refused` is one that was just not accepted.
    pub(super) async fn token(&self, now: Timestamp, refused: Option<&str>) -> Result<String> {
        let mut current = self.current.lock().await;
        if let Some((token, end)) = current.as_ref()
            && Some(token.as_str()) != refused
            && now + AHEAD < *end
        {
            return Ok(token.clone());
        }
        let fresh = self.exchange(now).await?;
        let end = now + Duration::from_secs(fresh.expires_in);
        *current = Some((fresh.access_token.clone(), end));
        Ok(fresh.access_token)
    }

    async fn exchange(&self, now: Timestamp) -> Result<Token> {
        let iat = now.seconds() - SKEW_SECONDS;
        let claims = Claims { iss: &self.key.client_email, scope: SCOPE, aud: &self.key.token_uri, iat, exp: iat + ASSERTION_SECONDS };
        let assertion = jwt::sign(jsonwebtoken::Algorithm::RS256, &self.key.private_key_id, &self.key.private_key, &claims)?;
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.as_str())];
        let request = self.http.post(self.url.clone()).form(&form);
        let answer = self.http.send(request, 64 * 1024).await.map_err(|(_, error)| error)?;
        let doing = "exchange the Google key for a token";
        match answer.status {
            200 => serde_json::from_slice(&answer.body).map_err(|e| Error::new(ErrorKind::Unavailable, doing).because(e)),
            429 => Err(Error::new(ErrorKind::Limited, doing).retry_after(answer.retry_after).detail(answer.message())),
            500.. => Err(Error::new(ErrorKind::Unavailable, doing).detail(answer.message())),
            _ => Err(Error::new(ErrorKind::Unauthorized, doing).code("auth_failed").detail(answer.message())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_key_that_can_not_be_used_names_the_field_and_shows_no_secret() {
        for (text, named) in [
            (r#"{"private_key": "-----BEGIN s3cr3t"}"#, "client_email"),
            (r#"{"client_email": "a@b", "private_key": "s3cr3t"}"#, "private_key"),
            ("s3cr3t", "key file"),
        ] {
            let error = ServiceKey::parse(text).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.starts_with("key_unusable") && text.contains(named) && !text.contains("s3cr3t"), "{text}");
        }
        let good = r#"{"client_email": "robot@x", "private_key": "-----BEGIN PRIVATE KEY-----\\nx"}"#;
        assert_eq!(ServiceKey::parse(good).unwrap().private_key, "-----BEGIN PRIVATE KEY-----\nx");
        assert_eq!(ServiceKey::open(&std::env::temp_dir()).unwrap_err().machine_code(), "key_file_is_directory");
    }
}
