//! One row that can't be read does not stop its lane: it is given up with its reason, and the others go on.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use leadgen_core::domain::lead::LeadRow;
use leadgen_core::domain::policy::Policy;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::Until;
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
