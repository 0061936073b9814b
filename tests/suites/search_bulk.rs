//! Ten thousand niches: planned and stored, once.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Instant;

use leadgen_core::adapters::sql::{Settings, SqlStore};
use leadgen_core::domain::lead::LeadRow;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::store::{Admit, RowOutcomes};
use leadgen_tests::databases;
use leadgen_tests::search_bench::look;

const NICHES: usize = 10_000;

fn rows() -> Vec<LeadRow> {
    let row = |n: usize| LeadRow {
        origin: format!("niches.csv:{}", n + 2),
        niche: format!("ниша {}", n / 10),
        city: ["Казань", "Уфа", "Самара", "Пермь", "Омск", "Томск", "Тула", "Орёл", "Сочи", "Курск"][n % 10].into(),
        country: String::new(),
        batch_tag: "bulk".into(),
    };
    (0..NICHES).map(row).collect()
}

async fn plan(store: &Arc<SqlStore>, rows: &[LeadRow], clock: &Arc<HandClock>) -> (f64, f64, f64) {
    let began = Instant::now();
    store.admit("bulk", rows, None, clock.now()).await.unwrap();
    let admitted = began.elapsed().as_secs_f64();
    let pipeline = Pipeline::builder().store(store.clone()).clock(clock.clone()).build().unwrap().only(&["plan"]).unwrap();
    pipeline.drain(Until::Idle).await.unwrap();
    let planned = began.elapsed().as_secs_f64();
    let outcomes = store.outcomes(rows).await.unwrap();
    assert!(outcomes.iter().all(Option::is_some));
    (admitted, planned - admitted, began.elapsed().as_secs_f64() - planned)
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_niches_become_sixty_thousand_queries_and_a_second_run_inserts_none() {
    for database in databases::each().await {
        let db = database.open().await;
        leadgen_migrations::up(&db).await.unwrap();
        db.close().await.unwrap();
        let store = Arc::new(SqlStore::connect(Settings::new(&database.url)).await.unwrap());
        let clock = Arc::new(HandClock::at(Timestamp::parse("2026-01-15T12:00:00Z").unwrap()));
        let rows = rows();

        let (admit, first, told) = plan(&store, &rows, &clock).await;
        clock.move_to(Timestamp::parse("2026-01-15T13:00:00Z").unwrap());
        let (_, second, _) = plan(&store, &rows, &clock).await;

        let count = |sql: &'static str| look(&database.url, sql);
        let queries = count("SELECT CAST(count(*) AS text) AS n, CAST(count(DISTINCT scheduled_for) AS text) AS slots FROM serp_queries")
            .await
            .unwrap();
        let logs = "SELECT CAST(sum(inserted_queries) AS text) AS n, CAST(sum(duplicate_queries) AS text) AS d, CAST(count(*) AS text) AS logs FROM search_batch_logs";
        let logs = count(logs).await.unwrap();
        let rate = 60_000.0 / first;
        println!(
            "{}: {NICHES} niches admitted in {admit:.2} s; 60000 queries planned and stored in {first:.2} s = {rate:.0} rows/s; \
             outcomes of all rows in {told:.2} s; second run {second:.2} s, inserted 0",
            database.name
        );
        assert_eq!(queries[0], ["60000", "60000"], "one slot, one query");
        assert_eq!(logs[0], ["60000", "60000", "20000"], "the second run inserted nothing");
    }
}
