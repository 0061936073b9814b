//! Memory, SQLite (a file, and in memory) and PostgreSQL keep the same promises.

use std::sync::Arc;
use std::time::Instant;

use leadgen_core::adapters::sql::{LeaseClock, Settings, SqlStore};
use leadgen_core::ports::clock::SystemClock;
use leadgen_core::ports::entropy::SystemEntropy;
use leadgen_core::testing::memory::MemoryStore;
use leadgen_core::testing::scripted::SeededEntropy;
use leadgen_core::testing::{HandClock, conformance};
use leadgen_tests::postgres;

fn report(store: &str, checks: usize, since: Instant) {
    println!("{store} keeps {checks} promises, tried in {:.1} s", since.elapsed().as_secs_f64());
}

async fn sqlite(url: String, lease_clock: LeaseClock) -> SqlStore {
    let settings = Settings { lease_clock, ..Settings::new(url) };
    let db = SqlStore::open(&settings).await.expect("open SQLite");
    leadgen_migrations::up(&db).await.expect("migrate SQLite");
    if settings.url.contains(":memory:") {
        // Another connection would see another memory.
        return SqlStore::over(db, settings).await.expect("a store over the open database");
    }
    db.close().await.expect("close SQLite");
    SqlStore::connect(settings).await.expect("connect to SQLite")
}

#[tokio::test]
async fn memory_keeps_the_promises_of_a_store() {
    let since = Instant::now();
    let checks = conformance::stores(async |clock| Arc::new(MemoryStore::with_lease_clock(clock)) as _).await;
    report("memory", checks, since);
}

#[tokio::test]
async fn sqlite_in_a_file_keeps_the_promises_of_a_store() {
    let since = Instant::now();
    let folder = tempfile::tempdir().expect("a folder");
    let next = std::sync::atomic::AtomicU32::new(0);
    let checks = conformance::stores(async |clock| {
        let file = folder.path().join(format!("{}.db", next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)));
        Arc::new(sqlite(format!("sqlite://{}?mode=rwc", file.display()), LeaseClock::Given(clock)).await) as _
    })
    .await;
    report("SQLite in a file", checks, since);
}

#[tokio::test]
async fn sqlite_in_memory_keeps_the_promises_of_a_store() {
    let since = Instant::now();
    let checks = conformance::stores(async |clock| Arc::new(sqlite("sqlite::memory:".into(), LeaseClock::Given(clock)).await) as _).await;
    report("SQLite in memory", checks, since);
}

#[tokio::test]
async fn postgresql_keeps_the_promises_of_a_store() {
    if postgres::empty().await.is_none() {
        return;
    }
    let since = Instant::now();
    let checks = conformance::stores(async |clock| {
        let url = postgres::migrated().await.expect("it was there a moment ago");
        Arc::new(postgres::store(&url, LeaseClock::Given(clock)).await.expect("connect to PostgreSQL")) as _
    })
    .await;
    report("PostgreSQL", checks, since);
}

#[tokio::test]
async fn clocks_and_chance_keep_their_promises() {
    conformance::clock(&SystemClock).await;
    conformance::clock(&HandClock::at(leadgen_core::testing::builders::at("2026-01-13T09:00:00Z"))).await;
    conformance::entropy(&SystemEntropy);
    conformance::entropy(&SeededEntropy::new(7));
}
