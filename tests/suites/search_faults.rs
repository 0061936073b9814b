//! Everything that can go wrong between a query and its results, against the town: each fault ends in its coded state,
//! nothing is lost, and nothing is paid twice unless it is shown. The test prints the table.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use leadgen_core::domain::policy::Policy;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::Until;
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::store::{SearchLedger, Searches};
use leadgen_sandbox::{Action, Fault, Plan, Town};
use leadgen_tests::search_bench::{client, look, pipeline, query, store};

/// The first night of the bench opens.
const NIGHT: &str = "2026-01-15T20:00:00Z";

/// What is expected of a query after the first night, and at the end.
struct Case {
    name: &'static str,
    server: &'static str,
    action: Action,
    times: u32,
    /// After the first night: the query's state, the code it shows, tries counted.
    first: (&'static str, &'static str, u32),
    /// The operation's state and code after the first night, if there is one.
    operation: (&'static str, &'static str),
    /// At the end: the query's state, searches the town took (paid), searches charged, of these in doubt.
    end: (&'static str, usize, u64, u64),
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    use Action::{BadBase64, Babble, Drop, DropAfterAccept, Flood, HtmlPage, OperationError, SerpError, Stall, Status, StatusAfter, Truncate};
    let case = |name, server, action, times, first, operation, end| Case { name, server, action, times, first, operation, end };
    let done = ("completed", "", 0);
    let good = ("done", "");
    vec![
        case("401 in the middle of a run", "search", Status(401), 1, done, good, ("completed", 1, 1, 0)),
        case("403 once", "search", Status(403), 1, done, good, ("completed", 1, 1, 0)),
        case("401 again and again", "search", Status(401), u32::MAX, ("pending", "auth_failed", 0), ("", ""), ("completed", 1, 1, 0)),
        case("400", "search", Status(400), 1, ("failed", "request_refused", 1), ("", ""), ("failed", 0, 0, 0)),
        case("429 storm", "search", Status(429), 1, ("pending", "quota_exceeded", 0), ("", ""), ("completed", 1, 1, 0)),
        case("429 with Retry-After", "search", StatusAfter(429, 90), 1, done, good, ("completed", 1, 1, 0)),
        case("503 once", "search", Status(503), 1, done, good, ("completed", 1, 1, 0)),
        case("503 all night", "search", Status(503), 3, ("pending", "provider_error", 1), ("", ""), ("completed", 1, 1, 0)),
        case("503 for ever", "search", Status(503), u32::MAX, ("pending", "provider_error", 1), ("", ""), ("failed", 0, 0, 0)),
        case("504, the answer is lost", "search", Status(504), 1, ("pending", "submit_unknown", 1), ("", ""), ("completed", 1, 2, 1)),
        case("taken, then the connection breaks", "search", DropAfterAccept, 1, ("pending", "submit_unknown", 1), ("", ""), ("completed", 2, 2, 1)),
        case("taken twice, both answers lost", "search", DropAfterAccept, 2, ("pending", "submit_unknown", 1), ("", ""), ("failed", 2, 2, 2)),
        case("HTML in place of an operation", "search", Babble, 1, ("pending", "submit_unknown", 1), ("", ""), ("completed", 1, 2, 1)),
        case("stalled socket at the search", "search", Stall, 1, ("pending", "submit_unknown", 1), ("", ""), ("completed", 1, 2, 1)),
        case("token server down", "iam", Status(503), 1, done, good, ("completed", 1, 1, 0)),
        case("operation error", "search", OperationError, 1, ("pending", "operation_failed", 1), ("failed", "operation_failed"), ("completed", 2, 2, 0)),
        case("<error code=15>", "search", SerpError(15), 1, done, good, ("completed", 1, 1, 0)),
        case("<error code=32>", "search", SerpError(32), 1, ("pending", "serp_error_32", 0), ("failed", "serp_error_32"), ("completed", 2, 2, 0)),
        case("<error code=20>", "search", SerpError(20), 1, ("pending", "serp_error_20", 1), ("failed", "serp_error_20"), ("completed", 2, 2, 0)),
        case("expired operation", "operation", Status(404), 1, ("pending", "operation_expired", 1), ("expired", "operation_expired"), ("completed", 2, 2, 0)),
        case("never done in 12 hours", "operation", Status(503), u32::MAX, ("pending", "operation_expired", 1), ("expired", "operation_expired"), ("completed", 2, 2, 0)),
        case("503 at three polls", "operation", Status(503), 3, done, good, ("completed", 1, 1, 0)),
        case("429 at a poll", "operation", StatusAfter(429, 20), 1, done, good, ("completed", 1, 1, 0)),
        case("401 at a poll", "operation", Status(401), 1, done, good, ("completed", 1, 1, 0)),
        case("stalled socket at a poll", "operation", Stall, 1, done, good, ("completed", 1, 1, 0)),
        case("broken connection at a poll", "operation", Drop, 1, done, good, ("completed", 1, 1, 0)),
        case("HTML in place of JSON at a poll", "operation", Babble, 2, done, good, ("completed", 1, 1, 0)),
        case("malformed base64", "operation", BadBase64, 1, ("pending", "invalid_payload", 1), ("failed", "invalid_payload"), ("completed", 2, 2, 0)),
        case("truncated base64", "operation", Truncate, 1, ("pending", "serp_malformed", 1), ("failed", "serp_malformed"), ("completed", 2, 2, 0)),
        case("HTML in place of XML", "operation", HtmlPage, 1, ("pending", "serp_malformed", 1), ("failed", "serp_malformed"), ("completed", 2, 2, 0)),
        case("30 MB answer", "operation", Flood(30 * 1024 * 1024), 1, ("pending", "answer_too_large", 1), ("failed", "answer_too_large"), ("completed", 2, 2, 0)),
    ]
}

/// What was seen of a case.
struct Seen {
    first: (String, String, String),
    operation: (String, String),
    end: (String, usize, u64, u64),
}

fn code(text: &str) -> String {
    text.split(':').next().unwrap_or_default().to_owned()
}

async fn run(town: &Town, dir: &std::path::Path, index: usize, case: &Case) -> anyhow::Result<Seen> {
    let night = Timestamp::parse(NIGHT)?;
    let clock = Arc::new(HandClock::at(night));
    let url = format!("sqlite://{}?mode=rwc", dir.join(format!("{index}.db")).display());
    let store = store(&url, clock.clone()).await?;
    let city = format!("Казань {index}");
    let asked = query("стоматология", &city, "bench", night)?;
    store.enqueue(std::slice::from_ref(&asked)).await?;
    town.faults().clear();
    // A storm that lasts for ever would strike the polls' server for other cases too: it is lifted after its nights.
    town.faults().add(Fault {
        server: case.server.into(),
        matches: String::new(),
        at: String::new(),
        times: case.times,
        action: case.action.clone(),
    });
    let pipeline = pipeline(store.clone(), client(town, clock.clone(), Duration::from_secs(1))?, clock.clone(), Policy::default())?;
    let stubborn = case.first.1 == "auth_failed";
    let pause = if stubborn { Duration::from_mins(3) } else { Duration::from_hours(14) };
    let first_end = night + pause;
    pipeline.drain(Until::Instant(first_end)).await?;
    clock.move_to(first_end);
    let states = look(&url, "SELECT status, COALESCE(last_error, '') AS why, CAST(retry_count AS text) AS tries FROM serp_queries").await?;
    let operations =
        look(&url, "SELECT status, COALESCE(error_payload, '') AS why FROM serp_operations ORDER BY requested_at LIMIT 1").await?;
    if stubborn || case.server == "operation" {
        town.faults().clear();
    }
    let last = clock.now() + Duration::from_hours(24 * 5);
    pipeline.drain(Until::Instant(last)).await?;
    town.faults().clear();
    let end = look(&url, "SELECT status FROM serp_queries").await?;
    let costs = store.costs().await?;
    let cell = |rows: &[Vec<String>], column: usize| rows.first().and_then(|row| row.get(column)).cloned().unwrap_or_default();
    // An operation that is well keeps the remark of a poll that failed on the way.
    let operation = (cell(&operations, 0), if cell(&operations, 0) == "done" { String::new() } else { code(&cell(&operations, 1)) });
    Ok(Seen {
        first: (cell(&states, 0), code(&cell(&states, 1)), cell(&states, 2)),
        operation,
        end: (
            cell(&end, 0),
            town.searches().iter().filter(|search| search.text == asked.text).count(),
            costs.iter().map(|line| line.day + line.night).sum(),
            costs.iter().map(|line| line.unknown).sum(),
        ),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_search_ends_in_its_coded_state_and_nothing_is_paid_twice_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan { polls_until_done: 1, ..Plan::new(dir.path().join("town")) }).await.unwrap();
    println!("| fault | after the first night | operation | in the end | paid | charged | in doubt |\n|---|---|---|---|---|---|---|");
    let mut wrong = Vec::new();
    for (index, case) in cases().iter().enumerate() {
        let seen = run(&town, dir.path(), index, case).await.unwrap_or_else(|e| panic!("{}: {e:?}", case.name));
        let (state, why, tries) = &seen.first;
        println!(
            "| {} | {state} {why} (tries {tries}) | {} {} | {} | {} | {} | {} |",
            case.name, seen.operation.0, seen.operation.1, seen.end.0, seen.end.1, seen.end.2, seen.end.3
        );
        let first = (state.as_str(), why.as_str(), tries.parse().unwrap_or(99)) == case.first;
        let operation = (seen.operation.0.as_str(), seen.operation.1.as_str()) == case.operation;
        let end = (seen.end.0.as_str(), seen.end.1, seen.end.2, seen.end.3) == case.end;
        if !(first && operation && end) {
            wrong.push(format!("{}: expected {:?} {:?} {:?}", case.name, case.first, case.operation, case.end));
        }
        assert!(seen.end.1 as u64 <= seen.end.2, "{}: the town took more searches than were charged", case.name);
    }
    assert!(wrong.is_empty(), "{} of the faults ended otherwise:\n{}", wrong.len(), wrong.join("\n"));
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_moves_all_that_is_due_to_the_next_night_in_its_old_order() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan { polls_until_done: 1, ..Plan::new(dir.path().join("town")) }).await.unwrap();
    let night = Timestamp::parse(NIGHT).unwrap();
    let clock = Arc::new(HandClock::at(night + Duration::from_mins(10)));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    let queries: Vec<_> =
        (0..5).map(|n| query("окна", &format!("Уфа {n}"), "bench", night + Duration::from_secs(60 * n)).unwrap()).collect();
    store.enqueue(&queries).await.unwrap();
    town.faults()
        .add(Fault { server: "search".into(), matches: "Уфа 1".into(), at: String::new(), times: 1, action: Action::Status(429) });
    let pipeline = pipeline(store, client(&town, clock.clone(), Duration::from_secs(5)).unwrap(), clock, Policy::default()).unwrap();

    pipeline.tick("submit").await.unwrap();

    let rows = look(&url, "SELECT status, city, CAST(scheduled_for AS text) AS slot, CAST(retry_count AS text) AS tries FROM serp_queries ORDER BY scheduled_for").await.unwrap();
    let next = Timestamp::parse("2026-01-16T20:00:00Z").unwrap();
    assert_eq!(rows[0][..2], ["in_progress", "Уфа 0"]);
    for (place, row) in rows[1..].iter().enumerate() {
        let slot = next + Duration::from_secs(45 * place as u64);
        assert_eq!(row[..], ["pending".to_owned(), format!("Уфа {}", place + 1), slot.millis().to_string(), "0".to_owned()]);
    }
    assert_eq!(town.searches().len(), 1, "nothing was asked behind the refusal");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_answer_is_kept_for_a_person_to_look_at() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan { polls_until_done: 1, ..Plan::new(dir.path().join("town")) }).await.unwrap();
    let night = Timestamp::parse(NIGHT).unwrap();
    let clock = Arc::new(HandClock::at(night));
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let store = store(&url, clock.clone()).await.unwrap();
    store.enqueue(&[query("окна", "Уфа", "bench", night).unwrap()]).await.unwrap();
    town.faults().add(Fault { server: "operation".into(), matches: String::new(), at: String::new(), times: 1, action: Action::BadBase64 });
    let pipeline = pipeline(store, client(&town, clock.clone(), Duration::from_secs(5)).unwrap(), clock, Policy::default()).unwrap();

    pipeline.drain(Until::Instant(night + Duration::from_hours(1))).await.unwrap();

    let rows = look(&url, "SELECT error_payload FROM serp_operations").await.unwrap();
    assert!(rows[0][0].starts_with("invalid_payload: ") && rows[0][0].contains("\"rawData\""), "{}", rows[0][0]);
    town.close().await;
}
