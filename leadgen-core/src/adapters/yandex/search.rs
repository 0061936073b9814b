//! The search provider over the REST calls.

use std::sync::Arc;
use std::time::Duration;

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
use super::{wire, xml};

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
    pub fn new(settings: Settings, http: Http, clock: Arc<dyn Clock>) -> Result<Self> {
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

    /// One call; a refused token is renewed once and the call repeated (a 401 was surely not taken).
    async fn call(&self, url: &Url, body: Option<&Value>) -> std::result::Result<Answer, (Lost, Error)> {
        let mut refused: Option<String> = None;
        loop {
            let value = self.iam.authorization(self.clock.now(), refused.as_deref()).await.map_err(|e| (Lost::NotSent, e))?;
            let request = match body {
                Some(body) => self.http.post(url.clone()).json(body),
                None => self.http.get(url.clone()),
            };
            let answer = self.http.send(request.header("authorization", &value), LARGEST).await?;
            if answer.status != 401 || refused.is_some() {
                return Ok(answer);
            }
            refused = Some(value);
        }
    }
}

#[async_trait]
impl SearchProvider for YandexSearch {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        let body = wire::request(query, &self.settings.folder_id);
        let unknown = |e: Error| Error::new(ErrorKind::InDoubt, "submit a search").code("submit_unknown").detail("it may have been taken and paid").because(e);
        let answer = match self.call(&self.submit_url, Some(&body)).await {
            Ok(answer) => answer,
            Err((Lost::NotSent, error)) => return Err(error),
            Err((Lost::Unknown, error)) => return Err(unknown(error)),
        };
        match answer.status {
            200 => {}
            408 | 504 => return Err(unknown(Error::new(ErrorKind::Unavailable, "get an answer").detail(answer.message()))),
            _ => return Err(refused("submit a search", &answer)),
        }
        match self.settings.mode {
            SearchMode::Deferred => match serde_json::from_slice::<wire::Operation>(&answer.body) {
                Ok(operation) if !operation.id.is_empty() => Ok(Submission::Deferred(operation.id)),
                // A yes without a name: it was taken and can't be collected.
                _ => Err(unknown(Error::new(ErrorKind::Malformed, "read the operation").detail(answer.message()))),
            },
            SearchMode::Synchronous => {
                let data: wire::RawData = serde_json::from_slice(&answer.body)
                    .map_err(|e| Error::new(ErrorKind::Rejected, "read a search's answer").code("invalid_payload").because(e))?;
                Ok(Submission::Ready(page(data.raw_data.as_deref())?))
            }
        }
    }

    async fn poll(&self, operation: &Operation) -> Result<Progress> {
        let mut url = self.http.url(&self.settings.operation_url, "operations")?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&operation.handle);
        }
        let answer = self.call(&url, None).await.map_err(|(_, error)| error)?;
        match answer.status {
            200 => {}
            404 => {
                return Err(Error::new(ErrorKind::Rejected, format!("collect the operation {}", operation.handle))
                    .code("operation_expired")
                    .detail(answer.message()));
            }
            400..=499 if !matches!(answer.status, 401 | 403 | 408 | 429) => {
                return Err(Error::new(ErrorKind::Rejected, "poll an operation").code("operation_failed").detail(answer.message()));
            }
            _ => return Err(refused("poll an operation", &answer)),
        }
        let state: wire::Operation = serde_json::from_slice(&answer.body)
            .map_err(|e| Error::new(ErrorKind::Unavailable, "read an operation").code("poll_unreadable").because(e))?;
        if let Some(error) = state.error {
            let kind = format!("code {}: {}", error.code, error.message);
            return Err(Error::new(ErrorKind::Rejected, format!("finish the operation {}", operation.handle)).code("operation_failed").detail(kind));
        }
        if !state.done {
            return Ok(Progress::Running);
        }
        page(state.response.and_then(|response| response.raw_data).as_deref()).map(Progress::Done)
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        xml::read_page(&page.bytes)
    }
}

fn page(raw_data: Option<&str>) -> Result<RawPage> {
    let bad = |why: &str| Error::new(ErrorKind::Rejected, "decode a result page").code("invalid_payload").detail(why.to_owned());
    let text = raw_data.ok_or_else(|| bad("rawData is missing"))?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).map_err(|e| bad("it is no base64").because(e))?;
    Ok(RawPage { bytes })
}

/// A definite answer that is no yes.
fn refused(doing: &'static str, answer: &Answer) -> Error {
    let (kind, code) = match answer.status {
        401 | 403 => (ErrorKind::Unauthorized, "auth_failed"),
        429 => (ErrorKind::Limited, "quota_exceeded"),
        408 | 500.. => (ErrorKind::Unavailable, "provider_error"),
        _ => (ErrorKind::Rejected, "request_refused"),
    };
    Error::new(kind, doing).code(code).retry_after(answer.retry_after.map(|after| after.min(Duration::from_hours(6)))).detail(answer.message())
}
