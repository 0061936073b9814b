//! One row that can't be read does not stop its lane: it is given up with its reason, and the others go on.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use leadgen_core::domain::lead::LeadRow;
use leadgen_core::domain::policy::Policy;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::HandClock;
use leadgen_core::ports::store::{Admit, Searches};
use leadgen_sandbox::{Plan, Town};
use leadgen_tests::search_bench::{client, look, look_in, pipeline, query, store};
use sea_orm::ConnectionTrait;

const NIGHT: &str = "2026-01-15T20:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_can_not_be_read_is_given_up_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan::new(dir.path().join("town"))).await.unwrap();
    let night = Timestamp::parse(NIGHT).unwrap();
    let clock = Arc::new(HandClock::at(night));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    let queries: Vec<_> = (0..4).map(|n| query("стоматология", &format!("Казань {n}"), "bench", night).unwrap()).collect();
    store.enqueue(&queries).await.unwrap();
    let row = |niche: &str| LeadRow {
        origin: "x".into(),
        niche: niche.into(),
        city: "Уфа".into(),
        country: String::new(),
        batch_tag: String::new(),
    };
    store.admit("list", &[row("окна"), row("двери")], None, night).await.unwrap();
    let db = sea_orm::Database::connect(&url).await.unwrap();
    // SQLite takes any value in any column: another program, or the disk, may have written it.
    let spoil = async |sql: &str| db.execute_unprepared(sql).await.unwrap();
    spoil(&format!("UPDATE serp_queries SET region_code = 'Казань' WHERE query_hash = '{}'", queries[0].hash)).await;
    spoil("UPDATE niches SET status = status, seq = 0, city = x'ff' WHERE niche = 'окна'").await;
    let pipeline =
        pipeline(store, client(&town, clock.clone(), Duration::from_secs(5)).unwrap(), clock.clone(), Policy::default()).unwrap();

    for stage in ["plan", "submit"] {
        pipeline.tick(stage).await.unwrap();
        pipeline.tick(stage).await.unwrap();
    }
    let second = &queries[1].hash;
    spoil(&format!(
        "UPDATE serp_operations SET polls = 'many' WHERE query_id = (SELECT id FROM serp_queries WHERE query_hash = '{second}')"
    ))
    .await;
    spoil("UPDATE serp_operations SET metadata = '{no json' WHERE polls = 0").await;
    pipeline.drain(Until::Instant(night + Duration::from_hours(1))).await.unwrap();

    let ended =
        look_in(&db, "SELECT status, COALESCE(last_error, '') FROM serp_queries WHERE batch_tag = 'bench' ORDER BY city").await.unwrap();
    let states: Vec<&str> = ended.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(states, ["failed", "failed", "completed", "completed"], "{ended:?}");
    assert!(ended[..2].iter().all(|row| row[1].starts_with("row_unreadable: ")), "{ended:?}");
    let operations = look_in(&db, "SELECT status, CAST(count(*) AS text) FROM serp_operations GROUP BY 1 ORDER BY 1").await.unwrap();
    assert_eq!(operations, [["done", "8"], ["failed", "1"]], "two of these, and the six of the other niche");
    let niches = look(&url, "SELECT niche, status, COALESCE(last_error, '') FROM niches ORDER BY niche").await.unwrap();
    assert_eq!((niches[0][1].as_str(), niches[1][1].as_str()), ("planned", "failed"), "{niches:?}");
    assert!(niches[1][2].starts_with("row_unreadable: "), "{niches:?}");
    let checked = look(&url, "SELECT metadata FROM serp_operations WHERE status = 'done'").await.unwrap();
    assert!(checked.iter().all(|row| row[0].contains("\"last_checked\":\"2026-01-15T20:0")), "{checked:?}");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_page_that_the_disk_spoiled_costs_its_search_only() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan::new(dir.path().join("town"))).await.unwrap();
    let night = Timestamp::parse(NIGHT).unwrap();
    let clock = Arc::new(HandClock::at(night));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    let queries: Vec<_> = (0..2).map(|n| query("стоматология", &format!("Казань {n}"), "bench", night).unwrap()).collect();
    store.enqueue(&queries).await.unwrap();
    let stages = |names: &[&str]| {
        let search = client(&town, clock.clone(), Duration::from_secs(5)).unwrap();
        let builder = Pipeline::builder().store(store.clone()).clock(clock.clone()).search(search).owner("bench");
        builder.build().unwrap().only(names).unwrap()
    };
    stages(&["submit", "poll"]).drain(Until::Instant(night + Duration::from_mins(30))).await.unwrap();
    let db = sea_orm::Database::connect(&url).await.unwrap();
    let first = &queries[0].hash;
    let spoilt = db
        .execute_unprepared(&format!(
            "UPDATE raw_pages SET bytes = x'00ff' WHERE hash = (SELECT o.page_hash FROM serp_operations o
                JOIN serp_queries q ON q.id = o.query_id WHERE q.query_hash = '{first}' AND o.ingested_at IS NULL)"
        ))
        .await
        .unwrap();
    assert_eq!(spoilt.rows_affected(), 1);

    stages(&["ingest"]).tick("ingest").await.unwrap();

    let ended = look_in(
        &db,
        "SELECT o.status AS operation, COALESCE(o.error_payload, '') AS why, q.status AS query, COALESCE(q.last_error, '') AS error FROM serp_operations o
            JOIN serp_queries q ON q.id = o.query_id ORDER BY q.city",
    )
    .await
    .unwrap();
    assert_eq!((ended[0][0].as_str(), ended[0][2].as_str()), ("failed", "pending"), "asked again another night: {ended:?}");
    assert!(ended[0][1].starts_with("page_lost: ") && ended[0][3].starts_with("page_lost: "), "{ended:?}");
    assert_eq!((ended[1][0].as_str(), ended[1][2].as_str()), ("done", "completed"), "{ended:?}");
    town.close().await;
}
