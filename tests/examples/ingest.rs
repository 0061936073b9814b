//! How fast documents become committed rows: `ingest DATABASE_URL FOLDER`, or `ingest postgres FOLDER` on a PostgreSQL server
//! that is made for it and goes with it (its fsync is on). The folder holds saved result pages; the database
//! must be empty. Ingest alone, then dedupe, through the pipeline's own stages.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use leadgen_core::adapters::sql::{Settings, SqlStore};
use leadgen_core::domain::query::SearchQuery;
use leadgen_core::domain::serp::{Hit, RawPage, Submission};
use leadgen_core::error::Result;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::search::SearchProvider;
use leadgen_core::ports::store::{Reports, SearchQueue, Searches};
use leadgen_core::setup::wiring::read_serp;
use leadgen_core::testing::builders::{a_query, an_open_policy, at};
use leadgen_tests::postgres;

/// Saved pages: the query's text is the file's name.
#[derive(Debug)]
struct Saved;

#[async_trait::async_trait]
impl SearchProvider for Saved {
    async fn submit(&self, query: &SearchQuery) -> Result<Submission> {
        let bytes = std::fs::read(&query.text)
            .map_err(|e| leadgen_core::error::Error::new(leadgen_core::error::ErrorKind::Rejected, "read a page").because(e))?;
        Ok(Submission::Ready(RawPage { bytes }))
    }

    fn read(&self, page: &RawPage) -> Result<Vec<Hit>> {
        Ok(read_serp(&page.bytes)?.hits)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (url, folder) = (args.next().context("a database")?, args.next().context("a folder")?);
    let url = if url == "postgres" { postgres::empty().await.context("no PostgreSQL on this machine")? } else { url };
    let db = SqlStore::open(&Settings::new(&url)).await?;
    leadgen_migrations::up(&db).await?;
    db.close().await?;
    let store = Arc::new(SqlStore::connect(Settings::new(&url)).await?);
    let clock = Arc::new(HandClock::at(at("2026-01-01T00:00:00Z")));
    let mut files: Vec<_> = std::fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "xml"));
    files.sort();
    let queries: Vec<SearchQuery> = files.iter().map(|file| a_query(&file.display().to_string(), clock.now())).collect();
    store.enqueue(&queries).await?;
    for stage in ["submit", "ingest", "dedupe"] {
        let builder = Pipeline::builder().store(store.clone()).clock(clock.clone()).search(Saved);
        let pipeline = builder.policy(an_open_policy([])).build()?.only(&[stage])?;
        let begun = Instant::now();
        pipeline.drain(Until::Idle).await?;
        // The provider's quota holds submissions up: time passes until all pages are there.
        while stage == "submit" && !store.waiting(None).await?.is_empty() {
            clock.move_to(clock.now() + std::time::Duration::from_secs(1));
            pipeline.drain(Until::Idle).await?;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let quality = store.quality(None).await?;
        let count = if stage == "submit" { files.len() as u64 } else { quality.documents };
        println!("{stage}: {count} in {seconds:.2} s, {:.0} a second", count as f64 / seconds);
    }
    let quality = store.quality(None).await?;
    println!("{} documents, {} results, {} companies", quality.documents, quality.inserted, quality.companies);
    Ok(())
}
