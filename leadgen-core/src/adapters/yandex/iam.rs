//! Tokens: an authorized key is signed into an assertion and exchanged for an IAM token. One exchange at a time.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::warn;
use url::Url;

use crate::adapters::kit::http::{Http, Lost};
use crate::adapters::kit::jwt;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};

/// A token is renewed this long before its end, or when a tenth of its life is left, whichever is later.
const AHEAD_MS: i64 = 3_600_000;
/// The longest life of an assertion, in seconds.
const ASSERTION_SECONDS: i64 = 3600;
/// The assertion begins a little in the past, for clocks that run ahead.
const SKEW_SECONDS: i64 = 20;
/// The audience the token service knows itself by.
const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

/// The part of a key file that is needed. Never printed.
#[derive(Clone)]
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
    /// Reads a key file. Codes: `key_file_missing`, `key_file_unreadable`, `key_file_is_directory`.
    pub fn key_file(path: &Path) -> Result<Self> {
        let bad = |code: &'static str| Error::new(ErrorKind::Config, format!("read the key file {}", path.display())).code(code);
        if path.is_dir() {
            return Err(bad("key_file_is_directory").detail("a folder stands in its place (an empty mount?)"));
        }
        std::fs::read_to_string(path).map(Self::Key).map_err(|e| {
            let code = if e.kind() == std::io::ErrorKind::NotFound { "key_file_missing" } else { "key_file_unreadable" };
            bad(code).because(e)
        })
    }
}

/// Reads the key as the console writes it, or as the service answers when it makes one.
pub(super) fn parse_key(text: &str) -> Result<Key> {
    let bad = |why: String| Error::new(ErrorKind::Config, "read the service-account key").code("key_unusable").detail(why);
    let value: Value = serde_json::from_str(text).map_err(|e| bad(format!("it is no JSON, line {} column {}", e.line(), e.column())))?;
    let inner = if value["key"].is_object() { &value["key"] } else { &value };
    let field = |names: [&str; 2]| -> Option<String> {
        let found = names.iter().find_map(|name| inner[*name].as_str().or_else(|| value[*name].as_str()));
        found.map(str::to_owned).filter(|text| !text.is_empty())
    };
    if inner["user_account_id"].is_string() || inner["userAccountId"].is_string() {
        return Err(bad("it is the key of a user; make one for a service account".into()));
    }
    if field(["key_algorithm", "keyAlgorithm"]).is_some_and(|algorithm| !algorithm.starts_with("RSA_")) {
        return Err(bad("field key_algorithm: only RSA keys can be used".into()));
    }
    let needed = |names: [&str; 2]| field(names).ok_or_else(|| bad(format!("field {} is missing", names[0])));
    let mut private_key = needed(["private_key", "privateKey"])?;
    // Files that went through an environment variable hold a backslash and an n where a line ends.
    if !private_key.contains('\n') {
        private_key = private_key.replace("\\n", "\n");
    }
    let start = private_key.find("-----BEGIN").ok_or_else(|| bad("field private_key: it holds no PEM block".into()))?;
    Ok(Key {
        id: needed(["id", "id"])?,
        service_account_id: needed(["service_account_id", "serviceAccountId"])?,
        private_key: private_key[start..].replace('\r', ""),
    })
}

/// A token, when it is renewed, and when it ends.
#[derive(Debug)]
struct Current {
    value: String,
    renew_at: Timestamp,
    end: Timestamp,
}

/// Gives `Authorization` values and renews what they are made of.
#[derive(Debug)]
pub(super) struct Iam {
    http: Http,
    url: Url,
    credentials: Credentials,
    /// Held while a token is fetched: whoever comes meanwhile waits for the same one.
    current: Mutex<Option<Current>>,
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
        let usable = current.as_ref().filter(|token| Some(token.value.as_str()) != refused && now < token.end);
        if let Some(token) = usable.filter(|token| now < token.renew_at) {
            return Ok(token.value.clone());
        }
        let still_good = usable.map(|token| token.value.clone());
        match (self.fresh(&key, now).await, still_good) {
            (Ok(token), _) => {
                let end = Timestamp::parse(&token.expires_at).unwrap_or(now);
                let ahead = AHEAD_MS.min((end.millis() - now.millis()).max(0) / 10);
                let value = format!("Bearer {}", token.iam_token);
                *current = Some(Current { value: value.clone(), renew_at: Timestamp::from_millis(end.millis() - ahead), end });
                Ok(value)
            }
            (Err(error), Some(old)) => {
                warn!(%error, "the token could not be renewed; the old one is good still");
                Ok(old)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Whether a refused value can be replaced by a fresh one.
    pub(super) fn is_renewable(&self) -> bool {
        matches!(self.credentials, Credentials::Key(_))
    }

    /// A key that is refused is offered once more under a fresh signature: the clock may have moved meanwhile.
    async fn fresh(&self, key: &Key, now: Timestamp) -> Result<Token> {
        match self.exchange(key, now).await {
            Err(error) if error.kind() == ErrorKind::Unauthorized => self.exchange(key, now).await,
            answered => answered,
        }
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
            429 => {
                Err(Error::new(ErrorKind::Limited, doing).code("token_limited").retry_after(answer.retry_after).detail(answer.message()))
            }
            500.. => Err(Error::new(ErrorKind::Unavailable, doing).code("token_unavailable").detail(answer.message())),
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
    fn the_answer_that_made_the_key_is_read_as_well() {
        let text =
            r#"{"key": {"id": "k", "serviceAccountId": "a", "keyAlgorithm": "RSA_4096"}, "privateKey": "-----BEGIN PRIVATE KEY-----\nx"}"#;
        let key = parse_key(text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((key.id.as_str(), key.service_account_id.as_str()), ("k", "a"));
    }

    #[test]
    fn a_key_that_can_not_be_used_names_the_field_and_shows_no_secret() {
        let secret = "-----BEGIN PRIVATE KEY-----s3cr3t";
        for (text, named) in [
            (format!(r#"{{"id": "k", "private_key": "{secret}"}}"#), "service_account_id"),
            (format!(r#"{{"id": "k", "user_account_id": "u", "private_key": "{secret}"}}"#), "user"),
            (format!(r#"{{"id": "k", "service_account_id": "a", "key_algorithm": "EC_256", "private_key": "{secret}"}}"#), "key_algorithm"),
            (r#"{"id": "k", "service_account_id": "a", "private_key": "s3cr3t"}"#.to_owned(), "private_key"),
            ("s3cr3t".to_owned(), "JSON"),
        ] {
            let error = parse_key(&text).err().map(|e| format!("{e} {e:?}")).unwrap_or_default();
            assert!(error.starts_with("key_unusable") && error.contains(named) && !error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn a_missing_key_file_and_a_folder_in_its_place_are_told_apart() {
        assert_eq!(Credentials::key_file(Path::new("/no/such/file")).unwrap_err().machine_code(), "key_file_missing");
        assert_eq!(Credentials::key_file(&std::env::temp_dir()).unwrap_err().machine_code(), "key_file_is_directory");
    }
}
