//! SearXNG: a metasearch engine anyone can run, over its documented JSON API (`/search?format=json`). Answers at once and
//! costs nothing; the instance must allow the format `json`.

use async_trait::async_trait;
use serde::Deserialize;
use url::Url;

use crate::adapters::kit::http::{Answer, Http, Lost};
use crate::domain::query::SearchQuery;
use crate::domain::serp::{Hit, RawPage, Submission};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::search::SearchProvider;

/// The largest answer.
const LARGEST: usize = 8 * 1024 * 1024;

/// Which instance, and how it is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base address of the instance.
    pub base_url: String,
    /// Language of results: `ru`, `ru-RU`, `all`.
    pub language: String,
    /// Engines to ask, separated by commas; empty: the instance's own choice.
    pub engines: String,
    /// 0 none, 1 moderate, 2 strict.
    pub safe_search: u8,
}

/// A SearXNG instance.
#[derive(Debug)]
pub struct SearxSearch {
    http: Http,
    settings: Settings,
    url: Url,
}

impl SearxSearch {
    /// Checks the address; asks nothing yet.
    pub fn new(settings: Settings, http: Http) -> Result<Self> {
        Ok(Self { url: http.url(&settings.base_url, "search")?, http, settings })
    }

    fn address(&self, query: &SearchQuery) -> Url {
        let mut url = self.url.clone();
        let page = (query.page + 1).to_string();
        let safe_search = self.settings.safe_search.to_string();
        url.query_pairs_mut()
            .append_pair("q", &plain(&query.text))
            .append_pair("format", "json")
            .append_pair("language", &self.settings.language)
            .append_pair("pageno", &page)
            .append_pair("safesearch", &safe_search);
        if !self.settings.engines.is_empty() {
            url.query_pairs_mut().append_pair("engines", &self.settings.engines);
        }
        url
    }
}

/// `lang:` is an operator of another engine; excluded sites are understood by most.
fn plain(text: &str) -> String {
    text.split(' ').filter(|word| !word.starts_with("lang:")).collect::<Vec<_>>().join(" ")
}

#[derive(Deserialize)]
struct Page {
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    url: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    content: Option<String>,
}

#[async_trait]
impl SearchProvider for SearxSearch {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        let request = self.http.get(self.address(query)).header("accept", "application/json");
        // Asking costs nothing, so a lost answer is no doubt: it is asked again.
        let answer = self.http.send(request, LARGEST).await.map_err(|(_, error): (Lost, Error)| error)?;
        match answer.status {
            200 if serde_json::from_slice::<Page>(&answer.body).is_ok() => Ok(Submission::Ready(RawPage { bytes: answer.body })),
            200 => Err(Error::new(ErrorKind::Config, "ask SearXNG")
                .code("searxng_no_json")
                .detail("the answer is no JSON: add json to search.formats in the instance's settings.yml")),
            _ => Err(refused(&answer)),
        }
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        read_page(&page.bytes)
    }
}

fn refused(answer: &Answer) -> Error {
    let (kind, code) = match answer.status {
        // A limiter in front of an instance says 429; an instance without JSON says 403.
        429 => (ErrorKind::Limited, "quota_exceeded"),
        401 => (ErrorKind::Unauthorized, "auth_failed"),
        403 => (ErrorKind::Config, "searxng_no_json"),
        408 | 500.. => (ErrorKind::Unavailable, "provider_error"),
        _ => (ErrorKind::Rejected, "request_refused"),
    };
    Error::new(kind, "ask SearXNG").code(code).retry_after(answer.retry_after).detail(answer.message())
}

/// The results of a stored answer.
pub fn read_page(bytes: &[u8]) -> Result<Vec<Hit>> {
    let page: Page = serde_json::from_slice(bytes).map_err(|e| {
        Error::new(ErrorKind::Malformed, "read a page of SearXNG").code("serp_malformed").detail(format!("line {}", e.line()))
    })?;
    let hits = page.results.into_iter().enumerate().map(|(index, found)| Hit {
        position: index as u32 + 1,
        url: found.url,
        title: found.title.unwrap_or_default(),
        snippet: found.content.unwrap_or_default(),
        language: None,
    });
    Ok(hits.collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::error::Verdict;

    /// As an instance answers, shortened.
    const SAMPLE: &str = r#"{"query": "окна Казань", "number_of_results": 0, "results": [
        {"url": "https://okna-kazan.ru/", "title": "Окна в Казани", "content": "Пластиковые окна", "engine": "duckduckgo",
         "parsed_url": ["https", "okna-kazan.ru", "/", "", "", ""], "engines": ["duckduckgo"], "positions": [1], "score": 1.0, "category": "general"},
        {"url": "https://example.org/", "title": null, "content": null}],
        "answers": [], "corrections": [], "infoboxes": [], "suggestions": [], "unresponsive_engines": []}"#;

    #[test]
    fn each_refusal_has_its_code_and_its_verdict() {
        for (status, code, verdict) in [
            (401, "auth_failed", Verdict::Pause),
            (403, "searxng_no_json", Verdict::Pause),
            (404, "request_refused", Verdict::Reject),
            (408, "provider_error", Verdict::Retry { after: None }),
            (429, "quota_exceeded", Verdict::Retry { after: None }),
            (502, "provider_error", Verdict::Retry { after: None }),
        ] {
            let error = refused(&Answer { status, retry_after: None, body: vec![] });
            assert_eq!((error.machine_code(), error.verdict()), (code, verdict), "{status}");
        }
    }

    #[test]
    fn an_answer_is_read_and_whatever_is_none_is_malformed() {
        let hits = read_page(SAMPLE.as_bytes()).unwrap();
        assert_eq!((hits.len(), hits[0].url.as_str(), hits[0].snippet.as_str()), (2, "https://okna-kazan.ru/", "Пластиковые окна"));
        assert_eq!(read_page(br#"{"results": []}"#).unwrap(), vec![]);
        for bad in ["", "<html>", "[]", r#"{"results": 5}"#] {
            assert_eq!(read_page(bad.as_bytes()).unwrap_err().machine_code(), "serp_malformed", "{bad}");
        }
    }

    #[test]
    fn operators_of_another_engine_are_left_out() {
        assert_eq!(plain("lang:ru окна Казань -site:avito.ru"), "окна Казань -site:avito.ru");
    }
}
