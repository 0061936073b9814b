//! What strangers write comes into every store, or is counted: nothing of it holds others up.

use std::sync::Arc;

use leadgen_core::actions::import;
use leadgen_core::domain::lead::CompanyRow;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::store::{Store, Twins};
use leadgen_core::testing::builders::{a_query, an_open_policy, at};
use leadgen_core::testing::scripted::{ScriptedSearch, results};
use leadgen_tests::databases;
use leadgen_tests::firms::Dice;
use leadgen_tests::search_bench;

/// Letters that no index can make shorter.
fn noise(length: usize) -> String {
    let mut dice = Dice::new(20_260_115);
    (0..length).map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[dice.below(36)])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_with_odd_bytes_or_without_end_hold_nobody_up() {
    for place in databases::each().await {
        let clock = Arc::new(HandClock::at(at("2025-03-03T12:00:00Z")));
        let store: Arc<dyn Store> = search_bench::store(&place.url, clock.clone()).await.expect("a store");
        store.enqueue(&[a_query("окна", clock.now())]).await.expect("a query");
        let (long, title) = (format!("https://long.ru/{}", noise(8000)), format!("Фирма {}", noise(8000)));
        let hits = [
            (long.as_str(), "Адрес без конца"),
            ("https://nul.ru/", "На\0чало\u{7}"),
            ("https://title.ru/", title.as_str()),
            ("https://plain.ru/", "Дента Люкс"),
        ];
        let builder = Pipeline::builder().store(store.clone()).clock(clock.clone()).search(ScriptedSearch::answers([results(hits)]));
        let pipeline = builder.policy(an_open_policy([])).build().expect("a pipeline");
        let pipeline = pipeline.only(&["submit", "poll", "ingest", "dedupe"]).expect("its stages");

        pipeline.drain(Until::Idle).await.expect("done");

        let quality = store.quality(None).await.expect("figures");
        assert_eq!((quality.documents, quality.inserted, quality.invalid), (4, 3, 1), "{}", place.name);
        let lines = store.companies(None).await.expect("companies");
        let hosts: Vec<&str> = lines.iter().map(|line| line.canonical_domain.as_str()).collect();
        assert_eq!(hosts, ["nul.ru", "plain.ru", "title.ru"], "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_odd_bytes_comes_in_and_is_looked_at_once_more() {
    let row = |at: usize, name: &str, domain: &str, city: &str| CompanyRow {
        origin: format!("list\0.csv:{at}"),
        name: name.into(),
        domain: domain.into(),
        email: String::new(),
        phone: String::new(),
        city: city.into(),
        niche: "ок\0на".into(),
        batch_tag: "b\u{0}1".into(),
        ..CompanyRow::default()
    };
    let rows = [
        row(1, "Ро\0машка", "one.ru", "Каз\0ань"),
        row(2, &noise(9000), "", &noise(9000)),
        row(3, &format!("ООО «{}»", noise(9000)), "", "Уфа"),
        row(4, "Дента Люкс", "four.ru", "Казань"),
    ];
    for place in databases::each().await {
        let clock = Arc::new(HandClock::at(at("2025-03-03T12:00:00Z")));
        let store: Arc<dyn Store> = search_bench::store(&place.url, clock.clone()).await.expect("a store");

        let first = import::companies(store.as_ref(), &rows, &[], clock.now()).await.expect("a list");
        let again = import::companies(store.as_ref(), &rows, &[], clock.now()).await.expect("the list again");

        assert_eq!((first.new, first.known, &first.refused[..]), (4, 0, &[][..]), "{}", place.name);
        assert_eq!((again.new, again.known), (0, 4), "{}: {again:?}", place.name);
        let looked_at = Twins::regroup(store.as_ref(), clock.now()).await.expect("looked at");
        assert_eq!((looked_at.primaries, looked_at.updated), (4, 0), "{}: keys are made again of what is stored", place.name);
    }
}
