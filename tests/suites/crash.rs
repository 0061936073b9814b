//! A run is killed with SIGKILL at random moments and started again, until nothing is left to do. Then the town, which saw
//! every letter and every paid search, is asked: nothing twice, nothing lost, everything in a state that says why.
//!
//! `LEADGEN_CRASH_KILLS` sets how many kills a database gets, `LEADGEN_CRASH_SEED` where chance begins.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use leadgen_tests::books::{self, Books};
use leadgen_tests::postgres;
use leadgen_tests::rehearsal::Rehearsal;

/// What the servers of the town take for a search, a page, a letter's last dot.
const SLOW_MS: u64 = 30;
/// Part of the kills that hit a process while it starts.
const AT_START: u64 = 8;
/// Part of an uninterrupted run that the lives between the kills cover together; the rest is for the last life.
const COVERED: f64 = 0.85;

/// An uninterrupted run that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A small generator of numbers (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.next() as f64 / u64::MAX as f64)
    }
}

/// How long things take when nobody is killed.
struct Uninterrupted {
    start: Duration,
    work: Duration,
    books: Books,
}

fn setting(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a setting of the test run, not of the product")]
    let text = std::env::var(name).unwrap_or_default();
    text.parse().unwrap_or(default)
}

/// A rehearsal with its rows imported; with `postgres` in a new database there.
async fn opened(dir: &Path, on_postgres: bool, review: &str) -> Result<Option<Rehearsal>> {
    let url = match on_postgres {
        true => match postgres::empty().await {
            Some(url) => Some(url),
            None => return Ok(None),
        },
        false => None,
    };
    let rehearsal = Rehearsal::open(dir, url, &[("WORKER_LEASE_SECONDS", "2"), ("LEADGEN_REVIEW_REQUIRED", review)]).await?;
    rehearsal.slow_down(SLOW_MS);
    Ok(Some(rehearsal))
}

async fn uninterrupted(on_postgres: bool) -> Result<Option<Uninterrupted>> {
    let dir = tempfile::tempdir()?;
    let Some(mut rehearsal) = opened(dir.path(), on_postgres, "false").await? else { return Ok(None) };
    rehearsal.must(&["intake", "import", "niches.csv"]).await?;
    let began = Instant::now();
    let mut life = rehearsal.start(&["run"])?;
    life.running().await?;
    let start = began.elapsed();
    while !rehearsal.unfinished().await?.is_empty() && !rehearsal.is_dull().await? {
        let ended = life.until(Duration::from_millis(100)).await?;
        ensure!(ended.is_none(), "it ended: {}", life.said().await);
        ensure!(began.elapsed() < PATIENCE, "unfinished after {PATIENCE:?}: {}", rehearsal.what_waits().await?);
    }
    let work = began.elapsed().saturating_sub(start);
    life.kill().await?;
    rehearsal.finish().await?;
    let books = books::close(&rehearsal).await?;
    ensure!(books.in_doubt == 0 && books.submit_unknown == 0, "doubts without a kill: {books:?}");
    Ok(Some(Uninterrupted { start, work, books }))
}

/// Kills until the kills are used up or the work is; gives where they fell.
async fn kill_on(rehearsal: &mut Rehearsal, calm: &Uninterrupted, kills: u64, chance: &mut Chance) -> Result<Vec<String>> {
    let mut fell = Vec::new();
    while (fell.len() as u64) < kills.min(2) {
        if rehearsal.cut_short(&["intake", "import", "niches.csv"], chance.up_to(calm.start * 2)).await? {
            fell.push("intake import".to_owned());
        } else {
            break;
        }
    }
    rehearsal.must(&["intake", "import", "niches.csv"]).await?;
    let usual = calm.work.mul_f64(2.0 * COVERED / kills as f64);
    let mut life_most = usual;
    let mut before = rehearsal.unfinished().await?;
    while (fell.len() as u64) < kills && !before.is_empty() {
        rehearsal.approve_drafts().await?;
        rehearsal.skip_dullness().await?;
        if chance.next().is_multiple_of(AT_START) {
            if rehearsal.cut_short(&["run"], chance.up_to(calm.start)).await? {
                fell.push("start".to_owned());
            }
            continue;
        }
        let mut life = rehearsal.start(&["run"])?;
        life.running().await?;
        let ended = life.until(chance.up_to(life_most)).await?;
        ensure!(ended.is_none(), "it ended by itself: {ended:?}\n{}", life.said().await);
        life.kill().await?;
        let held = rehearsal.held(life.owner()).await?;
        let stages: Vec<&str> = held.iter().map(|(stage, _)| stage.as_str()).collect();
        fell.push(if stages.is_empty() { "between items".to_owned() } else { stages.join(" + ") });
        // A life too short to bring anything to its end is followed by longer ones, so that the kills reach all stages.
        let after = rehearsal.unfinished().await?;
        life_most = if after == before { life_most.mul_f64(1.5) } else { usual };
        before = after;
    }
    Ok(fell)
}

async fn crash(name: &str, on_postgres: bool, review: &str) -> Result<()> {
    let kills = setting("LEADGEN_CRASH_KILLS", 10);
    let seed = setting("LEADGEN_CRASH_SEED", 2026);
    let Some(calm) = uninterrupted(on_postgres).await? else { return Ok(()) };
    eprintln!(
        "{name}: uninterrupted {:.1} s after a start of {:.2} s: {:?}",
        calm.work.as_secs_f64(),
        calm.start.as_secs_f64(),
        Short(&calm.books)
    );
    let mut chance = Chance(seed);
    let mut fell: Vec<String> = Vec::new();
    let began = Instant::now();
    while (fell.len() as u64) < kills {
        let dir = tempfile::tempdir()?;
        let Some(mut rehearsal) = opened(dir.path(), on_postgres, review).await? else { return Ok(()) };
        let here = kill_on(&mut rehearsal, &calm, kills - fell.len() as u64, &mut chance).await?;
        let left = rehearsal.unfinished().await?;
        rehearsal.finish().await?;
        let books = books::close(&rehearsal).await?;
        eprintln!("{name}: {} kills, then left {left:?}, then {:?}", here.len(), Short(&books));
        if books.failed_queries == 0 {
            ensure!(books.companies == calm.books.companies, "other companies than without kills");
        } else {
            ensure!(books.companies.is_subset(&calm.books.companies), "companies that are not there without kills");
        }
        if !on_postgres {
            ensure!(rehearsal.ask("PRAGMA integrity_check").await? == [["ok"]], "the file is damaged");
        }
        fell.extend(here);
    }
    let mut where_to: BTreeMap<&str, usize> = BTreeMap::new();
    for stage in &fell {
        *where_to.entry(stage).or_default() += 1;
    }
    eprintln!("{name}: {} kills (seed {seed}) in {:.1} s fell into {where_to:?}", fell.len(), began.elapsed().as_secs_f64());
    Ok(())
}

/// The books without the names of the companies.
struct Short<'a>(&'a Books);

impl std::fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let b = self.0;
        write!(
            f,
            "{} companies, {} letters, {} searches ({} texts twice), {} submit_unknown, {} queries given up, {} letters in doubt ({} of them arrived)",
            b.companies.len(),
            b.letters,
            b.searches,
            b.paid_twice,
            b.submit_unknown,
            b.failed_queries,
            b.in_doubt,
            b.in_doubt_arrived
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_double_nothing_on_sqlite() -> Result<()> {
    crash("sqlite", false, "true").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_double_nothing_on_postgres() -> Result<()> {
    crash("postgres", true, "false").await
}
