//! Rows of a sheet become queries, and the sheet is told; nothing else in it is touched.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use leadgen_core::domain::lead::RowStatus;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::HandClock;
use leadgen_core::ports::leads::LeadSource;
use leadgen_sandbox::{Action, Fault, Plan, Town};
use leadgen_tests::search_bench::{look, sheet, store};

const NOON: &str = "2026-01-15T12:00:00Z";
/// Columns in an order of someone's own, one of them none of ours.
const HEADER: &str = " Niche |note|CITY|status|country|generated_count|db_inserted_count|db_duplicate_count|db_first_scheduled_for|db_last_scheduled_for|batch_tag|last_error";

fn cells(rows: &[&str]) -> Vec<Vec<String>> {
    std::iter::once(HEADER).chain(rows.iter().copied()).map(|row| row.split('|').map(str::to_owned).collect()).collect()
}

struct Desk {
    town: Town,
    pipeline: Pipeline,
    clock: Arc<HandClock>,
    url: String,
    _dir: tempfile::TempDir,
}

async fn desk(rows: &[&str], batch_tag: Option<&str>) -> Desk {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan::new(dir.path().join("town"))).await.unwrap();
    let rows = cells(rows);
    town.edit_sheet(|sheet| *sheet = rows);
    let clock = Arc::new(HandClock::at(Timestamp::parse(NOON).unwrap()));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    let source = Arc::new(sheet(&town, clock.clone(), batch_tag).unwrap());
    let builder = Pipeline::builder().store(store).clock(clock.clone()).leads_every("sheet", source, Duration::from_hours(1));
    let pipeline = builder.owner("bench").build().unwrap().only(&["intake", "plan"]).unwrap();
    Desk { town, pipeline, clock, url, _dir: dir }
}

impl Desk {
    async fn sync(&self) {
        use leadgen_core::ports::clock::Clock;
        self.pipeline.drain(Until::Instant(self.clock.now() + Duration::from_secs(15))).await.unwrap();
    }

    fn row(&self, at: usize) -> String {
        self.town.sheet()[at].join("|")
    }

    async fn count(&self, table: &str) -> String {
        look(&self.url, &format!("SELECT CAST(count(*) AS text) AS n FROM {table}")).await.unwrap()[0][0].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_in_ragged_and_go_back_with_their_outcomes() {
    let desk = desk(
        &[
            "стоматология|мой комментарий|Казань", // ragged: nothing behind the city
            "",                                    // blank
            "окна|=1+1|Уфа|EXPORTED|||||||",       // done already
            "|без ниши|Самара||Россия",            // no niche
            "  окна   ПВХ |x|Нигдеград|new|||||||june",
            "двери|y|||||||||", // no place
        ],
        None,
    )
    .await;
    let before = desk.town.sheet();

    desk.sync().await;

    assert_eq!(desk.row(1), "стоматология|мой комментарий|Казань|EXPORTED||6|6|0|2026-01-15T20:00:00Z|2026-01-15T20:03:45Z||");
    assert_eq!(desk.row(2), before[2].join("|"), "a blank row is left alone");
    assert_eq!(desk.row(3), before[3].join("|"), "a finished row is left alone");
    assert!(desk.row(4).starts_with("|без ниши|Самара|FAILED|Россия|0|0|0||||niche_required: "), "{}", desk.row(4));
    assert!(
        desk.row(5)
            .starts_with("  окна   ПВХ |x|Нигдеград|EXPORTED||6|6|0|2026-01-15T20:04:30Z|2026-01-15T20:08:15Z|june|region_defaulted"),
        "{}",
        desk.row(5)
    );
    assert!(desk.row(6).contains("|EXPORTED|") && desk.row(6).ends_with("no place is given, all of Russia is searched"), "{}", desk.row(6));
    assert_eq!(desk.town.sheet_writes(), 1, "all outcomes go in one batch");
    assert_eq!((desk.count("serp_queries").await.as_str(), desk.count("search_batch_logs").await.as_str()), ("18", "4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sync_changes_nothing_and_new_runs_a_row_again_without_new_queries() {
    let desk = desk(&["стоматология||Казань"], None).await;
    desk.sync().await;
    let first = desk.town.sheet();
    let later = Timestamp::parse("2026-01-15T14:00:00Z").unwrap();
    desk.clock.move_to(later);

    desk.sync().await;
    assert_eq!(desk.town.sheet(), first);
    assert_eq!(desk.town.sheet_writes(), 1);

    desk.town.edit_sheet(|sheet| sheet[1][3] = "NEW".into());
    desk.clock.move_to(later + Duration::from_hours(2));
    desk.sync().await;
    assert_eq!(
        desk.row(1),
        "стоматология||Казань|EXPORTED||6|0|6|2026-01-15T20:00:00Z|2026-01-15T20:03:45Z||",
        "the same dates, nothing inserted"
    );
    assert_eq!(desk.count("serp_queries").await, "6");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_moved_meanwhile_are_found_again_and_one_that_is_gone_is_left_out() {
    let desk = desk(&["окна||Уфа", "двери||Уфа", "полы||Уфа"], None).await;
    desk.pipeline.tick("intake").await.unwrap();
    desk.pipeline.tick("plan").await.unwrap();
    // A person sorts the sheet, inserts a row above and deletes another one.
    let moved = cells(&["потолки||Уфа|ждёт", "полы|мой|Уфа", "окна||Уфа"]);
    desk.town.edit_sheet(|sheet| *sheet = moved);

    desk.pipeline.tick("intake").await.unwrap();

    assert_eq!(desk.row(1), "потолки||Уфа|ждёт");
    assert!(desk.row(2).starts_with("полы|мой|Уфа|EXPORTED||6|6|0|2026-01-15T20:09:00Z|"), "{}", desk.row(2));
    assert!(desk.row(3).starts_with("окна||Уфа|EXPORTED||6|6|0|2026-01-15T20:00:00Z|"), "{}", desk.row(3));
    assert_eq!(desk.town.sheet().len(), 4, "no row is written back to where a gone one stood");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_columns_are_named_before_anything_is_written_anywhere() {
    let desk = desk(&["окна||Уфа"], None).await;
    desk.town.edit_sheet(|sheet| {
        sheet[0][3] = "state".into();
        sheet[0][11] = "error".into();
    });
    let before = desk.town.sheet();

    let error = desk.pipeline.tick("intake").await.unwrap_err();

    assert_eq!(error.machine_code(), "sheet_columns_missing");
    assert!(error.to_string().contains("status, last_error"), "{error}");
    assert_eq!((desk.town.sheet(), desk.count("niches").await), (before, "0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_that_limits_us_is_told_a_little_later() {
    let desk = desk(&["окна||Уфа"], None).await;
    let limit =
        |times| Fault { server: "sheets".into(), matches: "batchUpdate".into(), at: String::new(), times, action: Action::Status(429) };
    desk.town.faults().add(limit(3));

    desk.sync().await;

    assert!(desk.row(1).contains("|EXPORTED|"), "{}", desk.row(1));
    assert_eq!(desk.pipeline.untold().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_that_limits_us_for_ever_is_healed_by_the_next_sync() {
    let desk = desk(&["окна||Уфа"], None).await;
    let all =
        |times| Fault { server: "sheets".into(), matches: "batchUpdate".into(), at: String::new(), times, action: Action::Status(429) };
    desk.town.faults().add(all(u32::MAX));
    desk.sync().await;
    assert_eq!((desk.row(1).as_str(), desk.pipeline.untold().await), ("окна||Уфа", 1));
    desk.town.faults().clear();

    // The process ends here; another one begins.
    let Desk { town, pipeline, clock, url, _dir } = desk;
    drop(pipeline);
    let again = Arc::new(sheet(&town, clock.clone(), None).unwrap());
    let store = store(&url, clock.clone()).await.unwrap();
    let pipeline =
        Pipeline::builder().store(store).clock(clock.clone()).leads("sheet", again).build().unwrap().only(&["intake", "plan"]).unwrap();
    pipeline.drain(Until::Idle).await.unwrap();

    assert_eq!(town.sheet()[1].join("|"), "окна||Уфа|EXPORTED||6|0|6|2026-01-15T20:00:00Z|2026-01-15T20:03:45Z||");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_tag_takes_only_its_rows() {
    let desk = desk(&["окна||Уфа||||||||june", "двери||Уфа||||||||July", "полы||Уфа"], Some(" june ")).await;

    desk.sync().await;

    assert!(desk.row(1).contains("|EXPORTED|"));
    assert_eq!((desk.row(2).as_str(), desk.row(3).as_str()), ("двери||Уфа||||||||July", "полы||Уфа"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_that_answers_with_something_else_is_told_by_name_and_read_the_next_time() {
    let desk = desk(&["окна||Уфа"], None).await;
    desk.town.faults().add(Fault {
        server: "sheets".into(),
        matches: "A:ZZ".into(),
        at: String::new(),
        times: u32::MAX,
        action: Action::Babble,
    });

    let error = desk.pipeline.tick("intake").await.unwrap_err();

    assert_eq!(error.machine_code(), "sheet_unreadable");
    assert_eq!(desk.count("niches").await, "0");
    desk.town.faults().clear();
    desk.sync().await;
    assert!(desk.row(1).contains("|EXPORTED|"), "{}", desk.row(1));
}

/// Lines of a log, kept for a test.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_outcome_of_a_row_that_is_gone_is_logged_and_written_nowhere() {
    let desk = desk(&["окна||Уфа"], None).await;
    let source = sheet(&desk.town, desk.clock.clone(), None).unwrap();
    let row = source.pull(None).await.unwrap().items.remove(0);
    let other = cells(&["двери||Уфа"]);
    desk.town.edit_sheet(|sheet| *sheet = other.clone());
    let log = Log::default();
    let writer = log.clone();
    let _listening = tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(move || writer.clone()).finish());

    source.acknowledge(&[RowStatus::waiting(&row, "later")]).await.unwrap();

    assert_eq!(desk.town.sheet(), other);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("sheet_row_moved") && log.contains(&row.origin), "{log}");
}
