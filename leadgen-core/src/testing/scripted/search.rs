//! A search engine that answers by a script.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;

use crate::domain::query::SearchQuery;
use crate::domain::serp::{Hit, Operation, Progress, RawPage, Submission};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::search::SearchProvider;

use super::Shared;

/// A result page in the wire format of [`ScriptedSearch`]: one `address<TAB>title` per line.
pub fn results<'a>(hits: impl IntoIterator<Item = (&'a str, &'a str)>) -> RawPage {
    let lines: Vec<String> = hits.into_iter().map(|(url, title)| format!("{url}\t{title}")).collect();
    RawPage { bytes: lines.join("\n").into_bytes() }
}

/// What one query is answered.
#[derive(Debug)]
pub enum Answer {
    /// The page, at once.
    Ready(RawPage),
    /// The page, after so many polls in vain.
    Deferred {
        /// The page in the end.
        page: RawPage,
        /// Polls that find nothing yet.
        polls_in_vain: u32,
    },
    /// No page.
    Fails(Error),
}

impl Answer {
    /// A page that the first poll brings.
    pub fn deferred(page: RawPage) -> Self {
        Self::Deferred { page, polls_in_vain: 0 }
    }
}

impl From<RawPage> for Answer {
    fn from(page: RawPage) -> Self {
        Self::Ready(page)
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        Self::Fails(error)
    }
}

/// Answers queries in the order of a script; after its end nothing is found any more.
///
/// ```
/// use leadgen_core::testing::scripted::{Answer, ScriptedSearch, results};
///
/// let page = || results([("https://denta-lux.ru/", "Дента Люкс")]);
/// let at_once = ScriptedSearch::answers([page()]);
/// let overnight = ScriptedSearch::answers([Answer::deferred(page())]);
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedSearch(Shared<Memory>);

#[derive(Debug)]
struct Memory {
    script: VecDeque<Answer>,
    asked: Vec<SearchQuery>,
    /// Open operations: polls in vain left, and the page.
    operations: BTreeMap<String, (u32, RawPage)>,
}

impl ScriptedSearch {
    /// Answers in this order.
    pub fn answers(script: impl IntoIterator<Item = impl Into<Answer>>) -> Self {
        let script = script.into_iter().map(Into::into).collect();
        Self(Shared::new(Memory { script, asked: Vec::new(), operations: BTreeMap::new() }))
    }

    /// One more answer.
    pub fn then(&self, answer: impl Into<Answer>) {
        self.0.lock().script.push_back(answer.into());
    }

    /// Every query that was asked, in order: each of them was paid.
    pub fn asked(&self) -> Vec<SearchQuery> {
        self.0.lock().asked.clone()
    }
}

#[async_trait]
impl SearchProvider for ScriptedSearch {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        let mut memory = self.0.lock();
        memory.asked.push(query.clone());
        match memory.script.pop_front() {
            None => Ok(Submission::Ready(results([]))),
            Some(Answer::Ready(page)) => Ok(Submission::Ready(page)),
            Some(Answer::Fails(error)) => Err(error),
            Some(Answer::Deferred { page, polls_in_vain }) => {
                let handle = format!("operation-{}", memory.asked.len());
                memory.operations.insert(handle.clone(), (polls_in_vain, page));
                Ok(Submission::Deferred(handle))
            }
        }
    }

    async fn poll(&self, operation: &Operation) -> Result<Progress> {
        let mut memory = self.0.lock();
        let Some((polls_in_vain, page)) = memory.operations.get_mut(&operation.handle) else {
            return Err(Error::new(ErrorKind::Rejected, format!("poll {}", operation.handle)).code("operation_expired"));
        };
        if *polls_in_vain > 0 {
            *polls_in_vain -= 1;
            return Ok(Progress::Running);
        }
        Ok(Progress::Done(page.clone()))
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        let malformed = || Error::new(ErrorKind::Malformed, "read a scripted page").code("serp_malformed");
        let text = std::str::from_utf8(&page.bytes).map_err(|e| malformed().because(e))?;
        let hit = |line: &str| line.split_once('\t').map(|(url, title)| Hit::new(url, title)).ok_or_else(malformed);
        text.lines().map(hit).collect()
    }
}
