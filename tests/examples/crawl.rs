//! A crawl of the town by the real rules of pace, on a clock that runs faster, and one without any pace beside `wrk` on
//! the same server: `crawl [SITES] [SPEED]`. Five pages of each site, 2,000 sites by default.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::clock::{Clock, RehearsalClock, SystemClock};
use leadgen_tests::town_crawl::{PAGES, address, crawl, host, judge, town};

/// Seconds that `wrk` asks.
const ASKED: u32 = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let sites: usize = args.next().map_or(Ok(2000), |text| text.parse())?;
    let speed: f64 = args.next().map_or(Ok(60.0), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let town = town(dir.path(), sites).await?;

    let start = Timestamp::parse("2026-01-13T09:00:00Z")?;
    let clock = Arc::new(RehearsalClock { start, anchor: SystemClock.now(), speed });
    let began = clock.now();
    let spent = crawl(&town, "a", sites, Duration::from_secs(2), clock.clone()).await?;
    let witness = judge(&town.visits(), "a", speed)?;
    println!(
        "paced: {} hosts × {PAGES} pages and robots.txt, {} requests in {:.1} s, which are {:.0} minutes of the crawler's clock",
        witness.hosts,
        witness.requests,
        spent.as_secs_f64(),
        clock.now().since(began).as_secs_f64() / 60.0
    );
    println!("the town's book: no forbidden path; {} connection to each host; closest two requests of a host:", witness.connections);
    for (due, closest) in &witness.closest {
        println!("  {due} s due: {:.2} s", closest.as_secs_f64());
    }

    let spent = crawl(&town, "b", sites, Duration::ZERO, Arc::new(SystemClock)).await?.as_secs_f64();
    let (pages, requests) = (sites * PAGES, sites * (PAGES + 1));
    let rate = requests as f64 / spent;
    println!(
        "without a pace: {requests} requests in {spent:.1} s, {rate:.0} a second; {:.0} pages a second, read for contacts",
        pages as f64 / spent
    );
    match wrk(&format!("http://{}/kontakty", address(&town)?), &host("b", 0)) {
        Some(most) => println!("wrk on the same server: {most:.0} requests a second; the crawl reaches {:.0} % of it", 100.0 * rate / most),
        None => println!("wrk is not on this machine: no comparison"),
    }
    Ok(())
}

/// Requests a second that `wrk` gets answered.
fn wrk(url: &str, host: &str) -> Option<f64> {
    let seconds = format!("-d{ASKED}s");
    let output = Command::new("wrk").args(["-t1", "-c64", &seconds, "-H", &format!("Host: {host}"), url]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:")?.trim().parse().ok())
}
