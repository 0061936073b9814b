//! A process is killed (SIGKILL) between every pair of steps of submit, poll and ingest, on the straight way and on the ways
//! where the provider refuses, falls silent or fails. Whoever comes after it finishes the work. The town, which writes down
//! every search it takes, is the witness: no operation is lost, and none is asked twice unless it is shown as `submit_unknown`.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use leadgen_core::adapters::sql::SqlStore;
use leadgen_core::domain::query::SearchQuery;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::clock::HandClock;
use leadgen_core::ports::store::Searches;
use leadgen_sandbox::{Action, Fault, Plan, Town};
use leadgen_tests::databases::{self, Empty};
use leadgen_tests::mortal::{Errand, LastWords};
use leadgen_tests::processes::Process;
use leadgen_tests::search_bench::{address, look_in, query, store};
use sea_orm::DatabaseConnection;

/// The first evening; every point has evenings of its own, so that none meets the quota of another.
const EVENING: &str = "2026-01-15T20:00:00Z";
const APART: Duration = Duration::from_hours(24 * 10);
/// A search that fails three nights in a row has come to its end by then.
const ENOUGH: Duration = Duration::from_hours(24 * 5);
/// Leases of a dead process end after two minutes where other processes may be at work.
const LEASES_END: Duration = Duration::from_mins(3);
/// A process that needs longer is stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// Lives of a query whose every worker dies.
const MOST_LIVES: usize = 60;

/// What happens on the way from a query to its results when nobody dies.
struct Story {
    name: &'static str,
    faults: &'static [(&'static str, Action)],
    pages: u32,
    per_page: u32,
    /// Searches the town takes, and operations that are kept of them.
    taken: usize,
    kept: usize,
    /// Points at which a process may die, at least.
    points: usize,
}

const STORIES: &[Story] = &[
    Story { name: "two pages", faults: &[], pages: 2, per_page: 5, taken: 2, kept: 2, points: 23 },
    Story {
        name: "busy, then busy again",
        faults: &[("search", Action::Status(503)), ("operation", Action::Status(503))],
        pages: 1,
        per_page: 100,
        taken: 1,
        kept: 1,
        points: 19,
    },
    Story { name: "answer lost", faults: &[("search", Action::DropAfterAccept)], pages: 1, per_page: 100, taken: 2, kept: 1, points: 16 },
    Story {
        name: "operation fails",
        faults: &[("search", Action::OperationError)],
        pages: 1,
        per_page: 100,
        taken: 2,
        kept: 2,
        points: 18,
    },
];

/// Where the processes die.
struct Ground<'a> {
    town: &'a Town,
    database: &'a Empty,
    store: Arc<SqlStore>,
    db: DatabaseConnection,
}

/// What the store and the town say of one query.
#[derive(Debug)]
struct Seen {
    state: String,
    error: String,
    is_shown: bool,
    unknown: usize,
    charged: usize,
    kept: usize,
    taken: usize,
    lost: usize,
    results: usize,
}

impl Ground<'_> {
    /// Starts a process and kills it where it stands still; what it said last.
    fn life(&self, story: &Story, now: i64, until: Timestamp, dies_after: usize) -> Result<LastWords> {
        // The town lives in this process: its servers must not wait with whoever waits here.
        tokio::task::block_in_place(|| self.one_life(story, now, until, dies_after))
    }

    fn one_life(&self, story: &Story, now: i64, until: Timestamp, dies_after: usize) -> Result<LastWords> {
        let errand = Errand {
            database: self.database.url.clone(),
            town: address(self.town),
            now,
            until: until.millis(),
            pages: story.pages,
            per_page: story.per_page,
            dies_after,
        };
        let binary = Path::new(env!("CARGO_BIN_EXE_mortal"));
        let process = Process::start(binary, &std::env::temp_dir(), &[&serde_json::to_string(&errand)?], &[])?;
        let words = process.wait_for(PATIENCE, |line| serde_json::from_str::<LastWords>(line).ok());
        let words = match words {
            Ok(words) => words,
            Err(why) => return Err(why.context(process.end(PATIENCE)?.2)),
        };
        if words.step.is_some() {
            process.signal("KILL")?;
        }
        let (status, _, stderr) = process.end(PATIENCE)?;
        match &words.step {
            Some(step) => ensure!(status.signal() == Some(9), "at {step:?} it was not killed but ended: {status}"),
            None => ensure!(status.success(), "{status}: {stderr}"),
        }
        Ok(words)
    }

    /// When the next process comes: at once where one process at a time works, else when the leases have ended.
    fn restart(&self, at: i64) -> i64 {
        if self.database.folder().is_some() { at } else { at + LEASES_END.as_millis() as i64 }
    }

    async fn enqueue(&self, name: &str, evening: Timestamp) -> Result<SearchQuery> {
        let asked = query("стоматология", &format!("Казань {name}"), "deaths", evening)?;
        self.store.enqueue(std::slice::from_ref(&asked)).await?;
        Ok(asked)
    }

    fn script(&self, story: &Story, asked: &SearchQuery) {
        self.town.faults().clear();
        for (server, action) in story.faults {
            // A body names the text, an operation only itself.
            let matches = if *server == "search" { asked.text.clone() } else { String::new() };
            self.town.faults().add(Fault { server: (*server).into(), matches, at: String::new(), times: 1, action: action.clone() });
        }
    }

    async fn seen(&self, asked: &SearchQuery) -> Result<Seen> {
        let mine = format!("(SELECT id FROM serp_queries WHERE query_hash = '{}')", asked.hash);
        let sql = format!(
            "SELECT status, COALESCE(last_error, '') AS error, CASE WHEN submit_unknown THEN 'yes' ELSE 'no' END AS shown,
                (SELECT CAST(count(*) AS text) FROM search_charges WHERE query_id = q.id AND is_unknown) AS unknown,
                (SELECT CAST(count(*) AS text) FROM search_charges WHERE query_id = q.id) AS charged,
                (SELECT CAST(count(*) AS text) FROM serp_results r JOIN serp_operations o ON o.id = r.operation_id WHERE o.query_id = q.id) AS results
             FROM serp_queries q WHERE id = {mine}"
        );
        let row = look_in(&self.db, &sql).await?.into_iter().next().context("the query is there")?;
        let kept = look_in(&self.db, &format!("SELECT operation_id FROM serp_operations WHERE query_id = {mine}")).await?;
        let taken: Vec<_> = self.town.searches().into_iter().filter(|search| search.text == asked.text).collect();
        let lost = taken.iter().filter(|search| !kept.iter().any(|row| row[0] == search.operation_id)).count();
        Ok(Seen {
            state: row[0].clone(),
            error: row[1].clone(),
            is_shown: row[2] == "yes",
            unknown: row[3].parse()?,
            charged: row[4].parse()?,
            kept: kept.len(),
            taken: taken.len(),
            lost,
            results: row[5].parse()?,
        })
    }
}

impl Seen {
    /// What holds whoever died where.
    fn check(&self) -> Result<()> {
        ensure!(self.lost <= self.unknown, "an operation the town gave is lost and not shown");
        ensure!(self.charged >= self.taken, "a search was paid for and not counted");
        ensure!(self.charged == self.kept + self.unknown, "what is counted as paid is neither kept nor in doubt");
        ensure!(self.is_shown == (self.unknown > 0), "a doubt is shown if there is one, and only then");
        Ok(())
    }

    /// How it may end: with results; or, in doubt for the second time, given up with that reason.
    fn check_end(&self) -> Result<()> {
        let answered = self.state == "completed" && self.results > 0;
        let given_up = self.state == "failed" && self.error.starts_with("submit_unknown") && self.unknown == 2;
        ensure!(answered || given_up, "a query has not come to its end");
        Ok(())
    }
}

/// One death at every point of a story, and a second process that finishes; how many points there were.
async fn tell(ground: &Ground<'_>, story: &Story, days: &mut u32) -> Result<usize> {
    for point in 0.. {
        let evening = Timestamp::parse(EVENING)? + APART * *days;
        *days += 1;
        let until = evening + ENOUGH;
        let asked = ground.enqueue(&format!("{} {point}", story.name), evening).await?;
        ground.script(story, &asked);
        let words = ground.life(story, evening.millis(), until, point)?;
        let died = words.step.clone();
        if died.is_some() {
            let after = ground.life(story, ground.restart(words.at), until, usize::MAX)?;
            ensure!(after.step.is_none(), "the second process does not end");
        }
        let seen = ground.seen(&asked).await?;
        let name = died.clone().unwrap_or_else(|| "nobody dies".into());
        println!(
            "| {} | {} | {name} | {} | {} | {} | {} |",
            ground.database.name, story.name, seen.state, seen.taken, seen.kept, seen.unknown
        );
        seen.check().with_context(|| format!("{}: {name}: {seen:?}", story.name))?;
        seen.check_end().with_context(|| format!("{}: {name}: {seen:?}", story.name))?;
        // A death costs at most one more search, and only where nobody can know whether the one before was taken.
        ensure!(seen.taken <= story.taken + 1, "{}: {name}: {seen:?}", story.name);
        if died.is_none() {
            ensure!((seen.taken, seen.kept) == (story.taken, story.kept), "{}: {seen:?}", story.name);
            return Ok(point);
        }
    }
    Ok(0)
}

/// Every process dies after so many steps, until there is nothing left to do.
async fn die_again_and_again(ground: &Ground<'_>, steps: usize, days: &mut u32) -> Result<usize> {
    let story = &STORIES[0];
    let evening = Timestamp::parse(EVENING)? + APART * *days;
    *days += 1;
    let asked = ground.enqueue(&format!("every {steps}"), evening).await?;
    ground.script(story, &asked);
    let mut now = evening.millis();
    for life in 1..=MOST_LIVES {
        let words = ground.life(story, now, evening + ENOUGH, steps)?;
        now = ground.restart(words.at);
        if words.step.is_none() {
            let seen = ground.seen(&asked).await?;
            println!(
                "| {} | every process dies after {steps} steps | {life} lives | {} | {} | {} | {} |",
                ground.database.name, seen.state, seen.taken, seen.kept, seen.unknown
            );
            seen.check().with_context(|| format!("{steps} steps: {seen:?}"))?;
            seen.check_end().with_context(|| format!("{steps} steps: {seen:?}"))?;
            return Ok(life - 1);
        }
    }
    anyhow::bail!("{steps} steps: not done after {MOST_LIVES} lives")
}

async fn all_deaths(database: &Empty) -> Result<usize> {
    let dir = tempfile::tempdir()?;
    let town = Town::open(Plan::new(dir.path().join("town"))).await?;
    let store = store(&database.url, HandClock::at(Timestamp::parse(EVENING)?).into()).await?;
    let ground = Ground { town: &town, database, store, db: database.open().await };
    let (mut days, mut deaths) = (0, 0);
    for story in STORIES {
        let points = tell(&ground, story, &mut days).await?;
        ensure!(points >= story.points, "{}: only {points} points", story.name);
        deaths += points;
    }
    for steps in 3..=5 {
        deaths += die_again_and_again(&ground, steps, &mut days).await?;
    }
    town.close().await;
    Ok(deaths)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_any_two_steps_loses_no_operation_and_pays_nothing_twice_unseen() {
    println!("| database | story | killed after | query | searches taken | operations kept | in doubt |\n|---|---|---|---|---|---|---|");
    let began = std::time::Instant::now();
    let mut at_work = tokio::task::JoinSet::new();
    for database in databases::each().await {
        at_work.spawn(async move {
            let deaths = all_deaths(&database).await;
            (database.name, deaths)
        });
    }
    while let Some(ended) = at_work.join_next().await {
        let (name, deaths) = ended.unwrap();
        let deaths = deaths.unwrap_or_else(|why| panic!("{name}: {why:?}"));
        println!("{name}: {deaths} kills, {:.1} s", began.elapsed().as_secs_f64());
    }
}
