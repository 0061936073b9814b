//! The search provider over the REST calls.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use serde_json::Value;
use url::Url;

use crate::adapters::kit::http::{Answer, Http, Lost};
use crate::domain::query::{SearchMode, SearchQuery};
use crate::domain::serp::{Hit, Operation, Progress, RawPage, Submission};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::search::SearchProvider;

use super::iam::{Credentials, Iam};
use super::{refusals, wire, xml};

/// The largest answer that is read: a page of 20 MiB in base64, with its envelope.
const LARGEST: usize = 28 * 1024 * 1024;

/// Where and as whom to search.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder that pays.
    pub folder_id: String,
    /// How requests are signed.
    pub credentials: Credentials,
    /// Base address of searches.
    pub search_url: String,
    /// Base address of operations.
    pub operation_url: String,
    /// Base address of tokens.
    pub iam_url: String,
    /// Deferred by night, or at once.
    pub mode: SearchMode,
    /// How searches are asked.
    pub request: wire::Request,
}

/// Yandex Search API v2.
#[derive(Debug)]
pub struct YandexSearch {
    http: Http,
    iam: Iam,
    settings: Settings,
    submit_url: Url,
    clock: Arc<dyn Clock>,
}

impl YandexSearch {
    /// Checks addresses and key; asks nothing yet.
    pub fn new(mut settings: Settings, http: Http, clock: Arc<dyn Clock>) -> Result<Self> {
        settings.request = settings.request.checked()?;
        let path = match settings.mode {
            SearchMode::Deferred => "v2/web/searchAsync",
            SearchMode::Synchronous => "v2/web/search",
        };
        Ok(Self {
            iam: Iam::new(http.clone(), &settings.iam_url, settings.credentials.clone())?,
            submit_url: http.url(&settings.search_url, path)?,
            http,
            settings,
            clock,
        })
    }

    /// Asks for a token, which proves that the key is known.
    pub async fn check_token(&self) -> Result<()> {
        self.iam.authorization(self.clock.now(), None).await.map(|_| ())
    }

    /// Asks for the tree of regions, which is free: whoever may not use the folder is refused.
    pub async fn check_access(&self) -> Result<()> {
        let url = self.http.url(&self.settings.search_url, "v2/wordstat/getRegionsTree")?;
        let body = serde_json::json!({"folderId": self.settings.folder_id});
        let answer = self.call(&url, Some(&body)).await.map_err(|(_, error)| error)?;
        if (200..300).contains(&answer.status) { Ok(()) } else { Err(refusals::submission(&answer)) }
    }

    fn operation_url(&self, handle: &str) -> Result<Url> {
        let mut url = self.http.url(&self.settings.operation_url, "operations")?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(handle);
        }
        Ok(url)
    }

    /// One call; a refused token is renewed once and the call repeated (what was refused was surely not taken).
    async fn call(&self, url: &Url, body: Option<&Value>) -> std::result::Result<Answer, (Lost, Error)> {
        let mut refused: Option<String> = None;
        loop {
            let value = self.iam.authorization(self.clock.now(), refused.as_deref()).await.map_err(|e| (Lost::NotSent, e))?;
            let request = match body {
                Some(body) => self.http.post(url.clone()).json(body),
                None => self.http.get(url.clone()),
            };
            let answer = self.http.send(request.header("authorization", &value), LARGEST).await?;
            if !matches!(answer.status, 401 | 403) || refused.is_some() || !self.iam.is_renewable() {
                return Ok(answer);
            }
            refused = Some(value);
        }
    }
}

#[async_trait]
impl SearchProvider for YandexSearch {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        let body = self.settings.request.body(query, &self.settings.folder_id);
        let answer = match self.call(&self.submit_url, Some(&body)).await {
            Ok(answer) => answer,
            Err((Lost::NotSent, error)) => return Err(error),
            Err((Lost::Unknown, error)) => return Err(refusals::unknown(error)),
        };
        if !(200..300).contains(&answer.status) {
            return Err(refusals::submission(&answer));
        }
        match self.settings.mode {
            SearchMode::Deferred => accepted(&answer.body).map(Submission::Deferred),
            SearchMode::Synchronous => Ok(Submission::Ready(at_once(&answer.body))),
        }
    }

    async fn poll(&self, operation: &Operation) -> Result<Progress> {
        let url = self.operation_url(&operation.handle)?;
        let answer = self.call(&url, None).await.map_err(|(_, error)| error)?;
        if !(200..300).contains(&answer.status) {
            return Err(refusals::poll(&answer, &operation.handle));
        }
        // A proxy in front may answer 200 with anything: that says nothing about the operation.
        let state: wire::Operation = serde_json::from_slice(&answer.body)
            .map_err(|e| Error::new(ErrorKind::Unavailable, "read an operation").code("poll_unreadable").because(e))?;
        if let Some(error) = state.error {
            return Err(refusals::operation(&error, &operation.handle, &answer.body));
        }
        if !state.done {
            return Ok(Progress::Running);
        }
        page(state.response.and_then(|response| response.raw_data).as_deref(), &answer.body).map(Progress::Done)
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        xml::read_page(&page.bytes)
    }
}

/// Reads stored pages and asks nothing.
#[derive(Clone, Copy, Debug)]
pub struct PageReader;

#[async_trait]
impl SearchProvider for PageReader {
    async fn submit(&self, _query: &SearchQuery) -> Result<Submission> {
        Err(Error::new(ErrorKind::Config, "submit a search").detail("this reads stored pages only"))
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        xml::read_page(&page.bytes)
    }
}

/// The operation's name. An answer 200 without one may have been a yes.
fn accepted(body: &[u8]) -> Result<String> {
    let unreadable =
        |why: &'static str| refusals::unknown(Error::new(ErrorKind::Unavailable, "read the answer").detail(why).with_evidence(body));
    let operation: wire::Operation = serde_json::from_slice(body).map_err(|_| unreadable("it is no operation"))?;
    match operation.error {
        _ if !operation.id.is_empty() => Ok(operation.id),
        Some(error) => Err(refusals::operation(&error, "without a name", body)),
        None => Err(unreadable("the operation has no id")),
    }
}

/// The page of a synchronous search. It is paid by now: an answer that can't be decoded is kept as it came, and reading it
/// tells what it is.
fn at_once(body: &[u8]) -> RawPage {
    let decoded = serde_json::from_slice::<wire::RawData>(body).map_err(|_| refusals::payload("the answer is no JSON", body));
    let page = decoded.and_then(|data| page(data.raw_data.as_deref(), body));
    page.unwrap_or_else(|_| RawPage { bytes: body.to_vec() })
}

fn page(raw_data: Option<&str>, body: &[u8]) -> Result<RawPage> {
    let text = raw_data.ok_or_else(|| refusals::payload("rawData is missing", body))?;
    let text: String = text.split_ascii_whitespace().collect();
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(text).map_err(|e| refusals::payload("it is no base64", body).because(e))?;
    Ok(RawPage { bytes })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::error::Verdict;

    #[test]
    fn an_answer_that_may_have_been_a_yes_is_in_doubt() {
        for body in ["<html>502</html>", "{}", "{\"done\": false}"] {
            assert_eq!(accepted(body.as_bytes()).unwrap_err().machine_code(), "submit_unknown", "{body}");
        }
        assert_eq!(accepted(br#"{"id": "spr1", "error": {"code": 13}}"#).unwrap(), "spr1");
        assert_eq!(accepted(br#"{"error": {"code": 13, "message": "no"}}"#).unwrap_err().verdict(), Verdict::Reject);
    }

    #[test]
    fn a_paid_page_that_can_not_be_decoded_is_kept_as_it_came() {
        for body in [br#"{"rawData": "%%%"}"#.as_slice(), b"<html>502</html>", b"{}"] {
            let page = at_once(body);
            assert_eq!(page.bytes, body);
            assert_eq!(xml::read_page(&page.bytes).unwrap_err().machine_code(), "serp_malformed");
        }
        assert_eq!(at_once(b"{\"rawData\": \"PGE+\\nPC9hPg==\"}").bytes, b"<a></a>");
    }
}
