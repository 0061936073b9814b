//! A crawl of the town's sites by the real extractor and fetcher, judged by what the town itself wrote down.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use leadgen_core::adapters::dns::Resolver;
use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::adapters::web::{HttpFetcher, Settings, WebsiteExtractor};
use leadgen_core::ports::clock::Clock;
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::rules::target::Reach;
use leadgen_core::testing::builders::a_company;
use leadgen_sandbox::{Plan, Town, Visit};
use tokio::task::JoinSet;

/// The least pause between two requests to a host.
const PACE: u64 = 2;
/// Pages read of each site.
pub const PAGES: usize = 5;
/// Companies visited side by side.
const AT_ONCE: usize = 200;

/// A town with that many sites of its own; `host(7, "a")` asks for a pause by its robots.txt.
pub async fn town(dir: &Path, sites: usize) -> Result<Town> {
    let folder = dir.join("sites");
    for number in 0..sites {
        grow(&folder, &host("a", number), Some(delay(number)))?;
        grow(&folder, &host("b", number), None)?;
    }
    let plan = Plan { sites: Some(folder), rows: Vec::new(), ..Plan::new(dir.join("town")) };
    Town::open(plan).await.context("open the town")
}

/// The host of a site.
pub fn host(kind: &str, number: usize) -> String {
    format!("{kind}{number:05}.ru")
}

/// The pause a site asks for, in seconds.
fn delay(number: usize) -> u64 {
    [0, 1, 3, 5][number % 4]
}

/// A site of six pages and a place that is not for us.
fn grow(folder: &Path, host: &str, delay: Option<u64>) -> Result<()> {
    let site = folder.join(host);
    std::fs::create_dir_all(&site)?;
    let delay = delay.map(|seconds| format!("Crawl-delay: {seconds}\n")).unwrap_or_default();
    std::fs::write(site.join("robots.txt"), format!("User-agent: leadgen\n{delay}Disallow: /private\nDisallow: /*?sort=\n"))?;
    let links = "<a href='/private/kontakty'>Контакты отдела</a><a href='/kontakty?sort=1'>Контакты по порядку</a><a href='/kontakty'>Контакты</a>\
        <a href='/o-kompanii'>О компании</a><a href='/rekvizity'>Реквизиты</a><a href='/komanda'>Команда</a><a href='/dostavka'>Доставка</a>";
    let text = "<p>Работаем каждый день, принимаем заявки по телефону и через форму на сайте.</p>".repeat(40);
    for name in ["index", "kontakty", "o-kompanii", "rekvizity", "komanda", "dostavka", "private__kontakty"] {
        let page = format!(
            "<!DOCTYPE html><html lang='ru'><head><meta charset='utf-8'><title>{name} {host}</title></head><body><nav>{links}</nav>{text}</body></html>"
        );
        std::fs::write(site.join(format!("{name}.html")), page)?;
    }
    Ok(())
}

/// The loopback address of the town's sites.
pub fn address(town: &Town) -> Result<SocketAddr> {
    let pair = town.env().iter().find(|(name, _)| name == "LEADGEN_WEB_LOOPBACK").context("the town has sites")?;
    Ok(pair.1.trim_start_matches("80=").parse()?)
}

fn resolvers(town: &Town) -> Result<Vec<SocketAddr>> {
    let servers = town.env().iter().find(|(name, _)| name == "ROUTING_DNS_RESOLVERS").context("the town has a name server")?;
    Ok(vec![servers.1.parse()?])
}

/// Visits sites of one kind as companies of a pipeline are visited; how long it took.
pub async fn crawl(town: &Town, kind: &str, sites: usize, pace: Duration, clock: Arc<dyn Clock>) -> Result<Duration> {
    let settings = Settings {
        timeout: Duration::from_secs(20),
        max_redirects: 5,
        contact: "https://example.org/bot".into(),
        pace,
        in_flight: 64,
        reach: Reach { loopback: vec![(80, address(town)?)], offline: true, ..Reach::default() },
    };
    let dns = Resolver::new(&resolvers(town)?, Duration::from_secs(2), true)?;
    let fetcher = HttpFetcher::new(settings, client_config(None)?, Arc::new(dns), clock);
    let extractor = Arc::new(WebsiteExtractor::new(fetcher, PAGES));
    let began = Instant::now();
    let mut visits = JoinSet::new();
    for number in 0..sites {
        if visits.len() >= AT_ONCE {
            joined(visits.join_next().await)?;
        }
        let extractor = Arc::clone(&extractor);
        let company = a_company().named(&format!("Фирма {number}")).at(&host(kind, number)).build();
        visits.spawn(async move { extractor.extract(&company).await.map(|findings| findings.pages) });
    }
    while let Some(visit) = visits.join_next().await {
        joined(Some(visit))?;
    }
    Ok(began.elapsed())
}

type Visited = std::result::Result<leadgen_core::error::Result<u32>, tokio::task::JoinError>;

fn joined(visit: Option<Visited>) -> Result<()> {
    let pages = visit.context("a visit is under way")???;
    ensure!(pages as usize == PAGES, "{pages} pages were read, not {PAGES}");
    Ok(())
}

/// What the town saw of a crawl.
#[derive(Debug)]
pub struct Witness {
    /// Requests.
    pub requests: usize,
    /// Hosts.
    pub hosts: usize,
    /// The closest two requests of a host, by the pause it was due.
    pub closest: BTreeMap<u64, Duration>,
    /// The most connections any host saw, one after the other or not.
    pub connections: usize,
}

/// Reads the town's book: every host asked for robots.txt first and for five pages, none too soon, none that is forbidden,
/// all over one connection. `speed` are the crawler's seconds in one of the town's.
pub fn judge(visits: &[Visit], kind: &str, speed: f64) -> Result<Witness> {
    let mut hosts: BTreeMap<&str, Vec<&Visit>> = BTreeMap::new();
    for visit in visits.iter().filter(|visit| visit.host.starts_with(kind)) {
        hosts.entry(&visit.host).or_default().push(visit);
    }
    let mut witness = Witness { requests: 0, hosts: hosts.len(), closest: BTreeMap::new(), connections: 0 };
    for (host, seen) in &mut hosts {
        seen.sort_by_key(|visit| visit.at);
        witness.requests += seen.len();
        let number: usize = host[1..host.len() - 3].parse()?;
        let due = delay(number).max(PACE);
        ensure!(seen[0].path == "/robots.txt", "{host} was asked for {} first", seen[0].path);
        ensure!(seen.len() == PAGES + 1, "{host} was asked {} times", seen.len());
        let ways: BTreeSet<u16> = seen.iter().map(|visit| visit.peer).collect();
        witness.connections = witness.connections.max(ways.len());
        for visit in seen.iter() {
            ensure!(!visit.path.starts_with("/private") && !visit.path.contains("sort="), "{host}{} is forbidden", visit.path);
            ensure!(visit.user_agent.starts_with("leadgen/") && visit.user_agent.contains("example.org/bot"), "{}", visit.user_agent);
        }
        for pair in seen.windows(2) {
            // The town notes whole milliseconds.
            let pause = Duration::from_millis((pair[1].at - pair[0].at).unsigned_abs() + 1).mul_f64(speed);
            ensure!(pause >= Duration::from_secs(due), "{host}: {} came {pause:?} after {}, not {due} s", pair[1].path, pair[0].path);
            witness.closest.entry(due).and_modify(|known| *known = (*known).min(pause)).or_insert(pause);
        }
    }
    Ok(witness)
}
