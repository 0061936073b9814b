//! A search provider of your own: one `impl`, and the pipeline takes it from there.
//!
//! ```text
//! cargo run -p leadgen-examples --example custom_search
//! ```

use async_trait::async_trait;
use leadgen_core::domain::query::SearchQuery;
use leadgen_core::domain::serp::{Hit, RawPage, Submission};
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::ports::search::SearchProvider;

mod rehearse;

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
    rehearse::search(Directory("стоматология\thttps://denta-lux.ru/\tДента Люкс\nокна\thttps://okna.ru/\tОкна")).await
}
