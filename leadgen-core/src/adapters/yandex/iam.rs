//! Tokens: an authorized key is signed into an assertion and exchanged for an IAM token. One exchange at a time.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::adapters::kit::http::{Http, Lost};
use crate::adapters::kit::jwt;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};

/// A token is renewed this long before its end.
const AHEAD_MS: i64 = 3_600_000;
/// The longest life of an assertion, in seconds.
const ASSERTION_SECONDS: i64 = 3600;
/// The assertion begins a little in the past, for clocks that run ahead.
const SKEW_SECONDS: i64 = 20;
/// The audience the token service knows itself by.
const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

/// The part of a key file that is needed. Never printed.
#[derive(Clone, Deserialize)]
pub(super) struct Key {
    id: String,
    service_account_id: String,
    private_key: String,
}

/// How requests are signed.
#[derive(Clone)]
pub enum Credentials {
    /// An API key of a service account.
    ApiKey(String),
    /// A token made by hand.
    Token(String),
    /// An authorized key as JSON text.
    Key(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(***)")
    }
}

impl Credentials {
    /// Reads a key file. Codes: `key_file_missing`, `key_file_is_directory`.
    pub fn key_file(path: &Path) -> Result<Self> {
        let bad = |code: &'static str| Error::new(ErrorKind::Config, format!("read the key file {}", path.display())).code(code);
        if path.is_dir() {
            return Err(bad("key_file_is_directory").detail("a folder stands in its place (an empty mount?)"));
        }
        std::fs::read_to_string(path).map(Self::Key).map_err(|e| bad("key_file_missing").because(e))
    }
}

pub(super) fn parse_key(text: &str) -> Result<Key> {
    let bad = || Error::new(ErrorKind::Config, "read the service-account key").code("key_unusable");
    let mut key: Key = serde_json::from_str(text).map_err(|e| bad().detail(format!("field missing or of the wrong kind near line {}", e.line())))?;
    if !key.private_key.contains('\n') {
        key.private_key = key.private_key.replace("\\n", "\n");
    }
    let start = key.private_key.find("-----BEGIN").ok_or_else(|| bad().detail("private_key holds no PEM block"))?;
    key.private_key = key.private_key[start..].replace('\r', "");
    Ok(key)
}

/// Gives `Authorization` values and renews what they are made of.
#[derive(Debug)]
pub(super) struct Iam {
    http: Http,
    url: Url,
    credentials: Credentials,
    current: Mutex<Option<(String, Timestamp)>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    iam_token: String,
    expires_at: String,
}

impl Iam {
    pub(super) fn new(http: Http, base: &str, credentials: Credentials) -> Result<Self> {
        if let Credentials::Key(text) = &credentials {
            parse_key(text)?;
        }
        Ok(Self { url: http.url(base, "iam/v1/tokens")?, http, credentials, current: Mutex::new(None) })
    }

    /// The header's value. `refused` is the value that was just not accepted: it is renewed, once for all who ask.
    pub(super) async fn authorization(&self, now: Timestamp, refused: Option<&str>) -> Result<String> {
        let key = match &self.credentials {
            Credentials::ApiKey(secret) => return Ok(format!("Api-Key {secret}")),
            Credentials::Token(token) => return Ok(format!("Bearer {token}")),
            Credentials::Key(text) => parse_key(text)?,
        };
        let mut current = self.current.lock().await;
        if let Some((value, end)) = current.as_ref()
            && Some(value.as_str()) != refused
            && now.millis() + AHEAD_MS < end.millis()
        {
            return Ok(value.clone());
        }
        let token = self.exchange(&key, now).await?;
        let end = Timestamp::parse(&token.expires_at).unwrap_or(now);
        let value = format!("Bearer {}", token.iam_token);
        *current = Some((value.clone(), end));
        Ok(value)
    }

    async fn exchange(&self, key: &Key, now: Timestamp) -> Result<Token> {
        let iat = now.seconds() - SKEW_SECONDS;
        let claims = Claims { iss: &key.service_account_id, aud: AUDIENCE, iat, exp: iat + ASSERTION_SECONDS };
        let assertion = jwt::sign(jsonwebtoken::Algorithm::PS256, &key.id, &key.private_key, &claims)?;
        let request = self.http.post(self.url.clone()).json(&serde_json::json!({"jwt": assertion}));
        let answer = self.http.send(request, 64 * 1024).await.map_err(|(_, e): (Lost, Error)| e)?;
        let doing = "exchange the key for a token";
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
    fn a_key_is_read_with_its_warning_line_and_with_escaped_breaks() {
        for private in ["PLEASE DO NOT REMOVE THIS LINE!\n-----BEGIN PRIVATE KEY-----\nx", "-----BEGIN PRIVATE KEY-----\\nx"] {
            let text = serde_json::json!({"id": "k", "service_account_id": "a", "private_key": private}).to_string();
            assert_eq!(parse_key(&text).unwrap_or_else(|e| panic!("{e}")).private_key, "-----BEGIN PRIVATE KEY-----\nx");
        }
    }

    #[test]
    fn a_missing_key_file_and_a_folder_in_its_place_are_told_apart() {
        assert_eq!(Credentials::key_file(Path::new("/no/such/file")).unwrap_err().machine_code(), "key_file_missing");
        assert_eq!(Credentials::key_file(&std::env::temp_dir()).unwrap_err().machine_code(), "key_file_is_directory");
    }
}
