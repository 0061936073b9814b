//! A search provider of your own: one `impl`, and the pipeline takes it from there.
//!
//! ```text
//! cargo run -p leadgen-examples --example custom_search
//! ```

use std::sync::Arc;

use async_trait::async_trait;
use leadgen_core::actions::search_now;
use leadgen_core::domain::policy::Policy;
use leadgen_core::domain::query::SearchQuery;
use leadgen_core::domain::serp::{Hit, RawPage, Submission};
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::search::SearchProvider;
use leadgen_core::ports::store::Exports;
use leadgen_core::rules::planning;
use leadgen_core::testing::memory::MemoryStore;

/// A directory kept in a text: `niche<TAB>url<TAB>title`, a company a line.
#[derive(Debug)]
struct Directory(&'static str);

#[async_trait]
impl SearchProvider for Directory {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        let found = self.0.lines().filter_map(|line| line.strip_prefix(query.niche.as_str())?.strip_prefix('\t'));
        Ok(Submission::Ready(RawPage { bytes: found.collect::<Vec<_>>().join("\n").into_bytes() }))
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        let malformed = || Error::new(ErrorKind::Malformed, "read a directory page");
        let text = std::str::from_utf8(&page.bytes).map_err(|e| malformed().because(e))?;
        let hit = |line: &str| line.split_once('\t').map(|(url, title)| Hit::new(url, title)).ok_or_else(malformed);
        text.lines().map(hit).collect()
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = Arc::new(MemoryStore::new());
    let directory = Directory("стоматология\thttps://denta-lux.ru/\tДента Люкс\nокна\thttps://okna.ru/\tОкна");
    let mut policy = Policy::default();
    policy.search.enforce_night = false;
    let pipeline = Pipeline::builder().store(store.clone()).search(directory).policy(policy).build()?;
    search_now::enqueue(store.as_ref(), "стоматология", "Казань", "example", &planning::Settings::default(), pipeline.now()).await?;
    pipeline.drain(Until::Idle).await?;
    for company in store.companies(None).await? {
        println!("{}  {}  {}", company.name, company.website_url, company.status);
    }
    Ok(())
}
