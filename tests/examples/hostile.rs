//! What bad sites cost: each is visited in a process of its own, which tells its time and how far its memory grew at most.
//! Then all of them at once among 200 good ones. `hostile`; Linux.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::adapters::web::{HttpFetcher, Settings, WebsiteExtractor};
use leadgen_core::ports::clock::SystemClock;
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::rules::target::Reach;
use leadgen_core::testing::builders::a_company;
use leadgen_core::testing::scripted::ScriptedDns;
use leadgen_tests::street::{Reply, Street};
use tokio::task::JoinSet;

/// The sites that mean no good.
const BAD: [(&str, &str); 9] = [
    ("drip.ru", "a byte five times a second, for ever"),
    ("silent.ru", "never answers"),
    ("endless.ru", "a page without end"),
    ("bomb.ru", "100 MiB of blanks in 100 KiB of gzip"),
    ("loop.ru", "redirects in a circle"),
    ("links.ru", "100,000 links"),
    ("charset.ru", "windows-1251 that says utf-8"),
    ("divs.ru", "10 MB of <div>"),
    ("script.ru", "4 MB of one script without an end"),
];
/// Sites that mean no harm, visited at the same time.
const GOOD: usize = 200;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [hosts, address] => visit_all(hosts, address.parse()?).await,
        _ => open().await,
    }
}

/// The street, and a process for each visit.
async fn open() -> Result<()> {
    let street = street().await?;
    println!("{:12} {:42} {:>8} {:>12}  ended", "site", "what it does", "time", "memory");
    for (host, what) in BAD {
        println!("{host:12} {what:42} {}", child(host, street.address).await?);
    }
    let good = (0..GOOD).map(|number| format!("good{number}.ru"));
    println!("good0.ru     a site like others{:25}{}", "", child("good0.ru", street.address).await?);
    let all: Vec<String> = BAD.iter().map(|(host, _)| (*host).to_owned()).chain(good).collect();
    println!("all of them at once, {GOOD} good ones among them: {}", child(&all.join(","), street.address).await?);
    Ok(())
}

async fn child(hosts: &str, address: SocketAddr) -> Result<String> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    let output = command.args([hosts, &address.to_string()]).stderr(Stdio::inherit()).output().await?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

async fn street() -> Result<Street> {
    let bomb = {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let blanks = vec![b' '; 1024 * 1024];
        for _ in 0..100 {
            packed.write_all(&blanks)?;
        }
        packed.finish()?
    };
    let links: String = (0..100_000).map(|number| format!("<a href='/kontakty/{number}'>Контакты {number}</a>")).collect();
    let cp1251 = b"<meta charset=utf-8><p>\xCF\xEE\xF7\xF2\xE0 info@charset.ru \xCF\xE8\xF8\xE8\xF2\xE5</p>".to_vec();
    let divs = "<div>".repeat(2_000_000);
    let script = format!("<p>info@script.ru</p><script>var a = '{}", "x+'\\u0040'+".repeat(400_000));
    let html = || ("content-type", "text/html".to_owned());
    let answers = move |host: &str, path: &str| match (host, path) {
        ("silent.ru", _) => Reply::Silence,
        (_, "/robots.txt") => Reply::missing(),
        ("drip.ru", _) => Reply::Drip,
        ("endless.ru", _) => Reply::Endless,
        ("bomb.ru", _) => Reply::Page(200, vec![html(), ("content-encoding", "gzip".into())], bomb.clone()),
        ("loop.ru", path) => Reply::moved(&format!("http://loop.ru/x{path}")),
        ("links.ru", "/") => Reply::html(links.clone()),
        ("charset.ru", _) => Reply::Page(200, vec![("content-type", "text/html; charset=utf-8".into())], cp1251.clone()),
        ("divs.ru", _) => Reply::html(divs.clone()),
        ("script.ru", _) => Reply::html(script.clone()),
        (host, "/") => Reply::html(format!("<title>Фирма</title><p>Пишите: info@{host}, (495) 204-51-38</p>")),
        _ => Reply::missing(),
    };
    Ok(Street::open(Arc::new(SystemClock), answers).await?)
}

/// Visits sites side by side and prints what it came to.
async fn visit_all(hosts: &str, street: SocketAddr) -> Result<()> {
    let hosts: Vec<&str> = hosts.split(',').collect();
    let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let dns = hosts.iter().fold(ScriptedDns::new(), |dns, host| dns.address_of(host, [home]));
    let settings = Settings {
        timeout: Duration::from_secs(20),
        max_redirects: 5,
        contact: "https://example.org/bot".into(),
        pace: Duration::from_millis(1),
        in_flight: 64,
        reach: Reach { loopback: vec![(80, street)], offline: true, ..Reach::default() },
    };
    let fetcher = HttpFetcher::new(settings, client_config(None)?, Arc::new(dns), Arc::new(SystemClock));
    let extractor = Arc::new(WebsiteExtractor::new(fetcher, 12));
    let before = peak()?;
    let began = Instant::now();
    let mut visits = JoinSet::new();
    for host in &hosts {
        let (extractor, host) = (Arc::clone(&extractor), (*host).to_owned());
        visits.spawn(async move {
            let ended = extractor.extract(&a_company().named(&host).at(&host).build()).await;
            let told = match ended {
                Ok(findings) if findings.contacts.is_empty() => findings.reason.unwrap_or_default(),
                Ok(findings) => format!("{} contacts", findings.contacts.len()),
                Err(error) => error.machine_code().to_owned(),
            };
            (host, told, began.elapsed())
        });
    }
    let (mut good, mut slowest, mut last) = (0, Duration::ZERO, String::new());
    while let Some(visit) = visits.join_next().await {
        let (host, told, spent) = visit?;
        if host.starts_with("good") {
            good += usize::from(told == "2 contacts");
            slowest = slowest.max(spent);
        }
        last = told;
    }
    let grown = (peak()?.saturating_sub(before)) as f64 / 1024.0;
    let spent = began.elapsed().as_secs_f64();
    match hosts.len() {
        1 => println!("{spent:7.1} s {grown:8.1} MiB  {last}"),
        _ => println!(
            "{good} of {GOOD} good ones gave their contacts, the last after {:.1} s; the whole took {spent:.1} s and {grown:.1} MiB",
            slowest.as_secs_f64()
        ),
    }
    Ok(())
}

/// The most memory this process ever had, in KiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this runs on Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells the peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
