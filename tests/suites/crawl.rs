//! The crawler against a street that is watched: where it never goes, how it keeps its pace, what bad sites can do to it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use leadgen_core::adapters::kit::tls;
use leadgen_core::adapters::web::{HttpFetcher, Settings, WebsiteExtractor};
use leadgen_core::domain::name::DomainName;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::clock::{Clock, HandClock, SystemClock};
use leadgen_core::ports::dns::DnsLookup;
use leadgen_core::ports::fetch::Fetcher;
use leadgen_core::rules::harvest::{self, Site};
use leadgen_core::rules::target::Reach;
use leadgen_core::testing::scripted::ScriptedDns;
use tokio::task::JoinSet;
use url::Url;

use leadgen_tests::street::{Reply, Sentinel, Street};

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn settings(street: SocketAddr) -> Settings {
    Settings {
        timeout: Duration::from_secs(2),
        max_redirects: 5,
        contact: "https://example.org/bot".into(),
        pace: Duration::from_secs(2),
        in_flight: 64,
        reach: Reach { loopback: vec![(80, street)], offline: false, ..Reach::default() },
    }
}

fn fetcher(street: &Street, dns: ScriptedDns, clock: Arc<dyn Clock>) -> HttpFetcher {
    HttpFetcher::new(settings(street.address), tls::client_config(None).unwrap(), Arc::new(dns) as Arc<dyn DnsLookup>, clock)
}

fn hand() -> Arc<HandClock> {
    Arc::new(HandClock::at(Timestamp::from_millis(1_700_000_000_000)))
}

/// Ways to spell a door on loopback; `{p}` is its port.
const DOORS: [&str; 62] = [
    "http://127.0.0.1:{p}/",
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://0177.0.0.01:{p}/",
    "http://0x7f.0.0.1:{p}/",
    "http://0x7f.1:{p}/",
    "http://0x7f000001:{p}/",
    "http://2130706433:{p}/",
    "http://017700000001:{p}/",
    "http://127.0.0.1.:{p}/",
    "http://127.000.000.001:{p}/",
    "http://0:{p}/",
    "http://0.0.0.0:{p}/",
    "http://127.255.255.254:{p}/",
    "http://１２７.０.０.１:{p}/",
    "http://①②⑦.0.0.1:{p}/",
    "http://127。0。0。1:{p}/",
    "http://127．0．0．1:{p}/",
    "http://%31%32%37.0.0.1:{p}/",
    "http://127%2e0%2e0%2e1:{p}/",
    "http://[::1]:{p}/",
    "http://[::]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::ffff:7f00:1]:{p}/",
    "http://[::127.0.0.1]:{p}/",
    "http://[64:ff9b::7f00:1]:{p}/",
    "http://[64:ff9b:1::7f00:1]:{p}/",
    "http://[2002:7f00:1::]:{p}/",
    "http://[2001::1]:{p}/",
    "http://[fe80::1]:{p}/",
    "http://[fc00::1]:{p}/",
    "http://[ff02::1]:{p}/",
    "http://localhost:{p}/",
    "http://LocalHost.:{p}/",
    "http://a.localhost:{p}/",
    "http://localhost.localdomain:{p}/",
    "http://ip6.localhost:{p}/",
    "http://user@127.0.0.1:{p}/",
    "http://user:pass@127.0.0.1:{p}/",
    "http://street.ru@127.0.0.1:{p}/",
    "http://street.ru:80@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}@street.ru:{p}/",
    "http://street.ru:{p}/",
    "http://door.ru:{p}/",
    "https://door.ru:{p}/",
    "http://door.ru./",
    "https://door.ru/",
    "https://street.ru/",
    "http://both.ru/",
    "http://both.ru:{p}/",
    "http://inside.ru/",
    "http://mapped.ru/",
    "http://metadata.ru/",
    "http://six.ru/",
    "http://nothing.ru/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/",
    "http://router.lan:{p}/",
    "ftp://127.0.0.1:{p}/",
    "http:\\\\127.0.0.1:{p}\\",
];

/// Names of strangers: at home, inside, half inside.
fn strangers() -> ScriptedDns {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    ScriptedDns::new()
        .address_of("street.ru", [LOOPBACK])
        .address_of("robots.ru", [LOOPBACK])
        .address_of("both.ru", [ip("93.184.216.34"), LOOPBACK])
        .address_of("inside.ru", [ip("10.0.0.7")])
        .address_of("mapped.ru", [ip("::ffff:127.0.0.1")])
        .address_of("metadata.ru", [ip("169.254.169.254")])
        .address_of("six.ru", [ip("::1"), ip("fe80::1")])
        .address_of("nothing.ru", [])
}

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_ever_connected_to() {
    let sentinel = Sentinel::post().await.unwrap();
    let port = sentinel.port;
    let clock = hand();
    let street = Street::open(clock.clone(), move |host, path| match (host, path) {
        ("robots.ru", "/robots.txt") => Reply::moved(&format!("http://127.0.0.1:{port}/robots.txt")),
        (_, "/robots.txt") => Reply::missing(),
        (_, path) => match path.strip_prefix("/to/").and_then(|number| DOORS.get(number.parse::<usize>().ok()?)) {
            Some(door) => Reply::moved(&door.replace("{p}", &port.to_string())),
            None => Reply::html("<p>info@street.ru"),
        },
    })
    .await
    .unwrap();
    let fetcher = fetcher(&street, strangers(), clock);
    let mut reached = Vec::new();
    for (number, door) in DOORS.iter().enumerate() {
        let straight = Url::parse(&door.replace("{p}", &port.to_string())).ok();
        let around = Url::parse(&format!("http://street.ru/to/{number}")).ok();
        for url in straight.into_iter().chain(around) {
            if fetcher.fetch(&url).await.is_ok_and(|page| page.status == 200) {
                reached.push(url.to_string());
            }
        }
    }
    assert_eq!(reached, Vec::<String>::new());
    // A robots.txt that leads inside leads nowhere: rules that can't be had close the site for now (RFC 9309, 2.3.1.4).
    let closed = fetcher.fetch(&Url::parse("http://robots.ru/").unwrap()).await.unwrap_err();
    assert_eq!(closed.machine_code(), "robots_unreachable");
    assert_eq!(sentinel.knocks(), 0, "the sentinel was reached");
}

/// The first answer is at home, the second elsewhere.
#[derive(Debug, Default)]
struct Rebinding(std::sync::atomic::AtomicUsize);

#[async_trait::async_trait]
impl DnsLookup for Rebinding {
    async fn mail_hosts(&self, _: &DomainName, _: leadgen_core::ports::dns::Resolvers) -> leadgen_core::domain::mx::MailHosts {
        leadgen_core::domain::mx::MailHosts::NoRecords
    }

    async fn addresses(&self, _: &DomainName) -> leadgen_core::error::Result<Vec<IpAddr>> {
        let asked = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(vec![if asked < 2 { LOOPBACK } else { "10.0.0.7".parse().unwrap() }])
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_checked_each_time() {
    let clock = hand();
    let street =
        Street::open(clock.clone(), |_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::html("ok") }).await.unwrap();
    let fetcher = HttpFetcher::new(settings(street.address), tls::client_config(None).unwrap(), Arc::new(Rebinding::default()), clock);
    let url = Url::parse("http://rebinding.ru/").unwrap();
    assert!(fetcher.fetch(&url).await.is_ok());
    assert_eq!(fetcher.fetch(&url).await.unwrap_err().machine_code(), "target_refused");
}

/// A site with robots.txt of its own: a pause, and a place that is not for us.
fn polite_site(host: &str, path: &str) -> Reply {
    let delay = host.len() % 4;
    match path {
        "/robots.txt" => Reply::text(&format!(
            "User-agent: leadgen\nSitemap: http://{host}/s.xml\nCrawl-delay: {delay}\nDisallow: /private\nDisallow: /*?sort=\n"
        )),
        "/" => Reply::html(
            "<a href='/contacts'>Контакты</a><a href='/about'>О нас</a><a href='/rekvizity'>Реквизиты</a><a href='/team'>Команда</a><a href='/private/contacts'>Контакты</a><a href='/contacts?sort=1'>Контакты</a>",
        ),
        _ => Reply::html("<p>Страница без адресов"),
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a street is walked is asked outside")]
fn hosts_on_the_street() -> usize {
    std::env::var("LEADGEN_STREET_HOSTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200)
}

#[tokio::test]
async fn no_host_is_asked_too_soon_nor_twice_at_once_nor_where_it_forbids() {
    let count = hosts_on_the_street();
    let clock = hand();
    let street = Street::open(clock.clone(), polite_site).await.unwrap();
    let hosts: Vec<String> = (0..count).map(|number| format!("firma{}{number}.ru", "x".repeat(number % 4))).collect();
    let dns = hosts.iter().fold(ScriptedDns::new(), |dns, host| dns.address_of(host, [LOOPBACK]));
    let fetcher = Arc::new(fetcher(&street, dns, clock));
    let began = Instant::now();
    let mut visits = JoinSet::new();
    for host in hosts.clone() {
        let fetcher = Arc::clone(&fetcher);
        visits.spawn(async move {
            let mut fetched = 0;
            for path in ["/", "/contacts", "/about", "/rekvizity", "/team", "/private/contacts", "/contacts?sort=1"] {
                fetched += usize::from(fetcher.fetch(&Url::parse(&format!("http://{host}{path}")).unwrap()).await.is_ok());
            }
            fetched
        });
        // Some hundreds are under way at once.
        if visits.len() >= 300 {
            assert_eq!(visits.join_next().await.unwrap().unwrap(), 5);
        }
    }
    while let Some(fetched) = visits.join_next().await {
        assert_eq!(fetched.unwrap(), 5);
    }
    let spent = began.elapsed().as_secs_f64();
    let seen = street.seen();
    assert_eq!(seen.len(), count * 6, "robots.txt once, five pages");
    let mut last: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut closest = BTreeMap::<u64, Duration>::new();
    for visit in &seen {
        assert!(!visit.path.starts_with("/private") && !visit.path.contains("sort"), "{visit:?}");
        let wanted = (visit.host.len() as u64 % 4).max(2);
        if let Some(before) = last.insert(&visit.host, visit.at) {
            let pause = visit.at.since(before);
            assert!(pause >= Duration::from_secs(wanted), "{visit:?} {pause:?}, not {wanted} s");
            closest.entry(wanted).and_modify(|known| *known = (*known).min(pause)).or_insert(pause);
        }
    }
    assert!(street.most_connections() <= 1, "{} connections to one host", street.most_connections());
    println!(
        "street: {count} hosts, {} requests in {spent:.1} s ({:.0}/s); closest two requests of a host by its delay: {closest:?}",
        seen.len(),
        seen.len() as f64 / spent
    );
}

#[tokio::test]
async fn a_host_that_refuses_is_left_alone_each_time_longer() {
    let clock = hand();
    let street = Street::open(clock.clone(), |_, path| match path {
        "/robots.txt" => Reply::missing(),
        "/later" => Reply::Page(429, vec![("retry-after", "120".into())], Vec::new()),
        _ => Reply::Page(503, Vec::new(), Vec::new()),
    })
    .await
    .unwrap();
    let fetcher = fetcher(&street, ScriptedDns::new().address_of("busy.ru", [LOOPBACK]), clock.clone());
    let get = |path: &str| Url::parse(&format!("http://busy.ru{path}")).unwrap();
    assert_eq!(fetcher.fetch(&get("/later")).await.unwrap_err().machine_code(), "site_limits");
    let asked = street.seen().len();
    let error = fetcher.fetch(&get("/")).await.unwrap_err();
    assert_eq!((error.machine_code(), street.seen().len()), ("host_at_rest", asked), "not asked at all");
    for pause in [300, 1800] {
        clock.move_to(clock.now() + Duration::from_secs(if pause == 300 { 121 } else { 301 }));
        assert_eq!(fetcher.fetch(&get("/")).await.unwrap_err().machine_code(), "site_limits");
        clock.move_to(clock.now() + Duration::from_secs(pause - 10));
        assert_eq!(fetcher.fetch(&get("/")).await.unwrap_err().machine_code(), "host_at_rest", "{pause}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_sites_cost_bounded_time_and_the_others_nothing() {
    let bomb = {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let zeros = vec![b' '; 1024 * 1024];
        for _ in 0..100 {
            packed.write_all(&zeros).unwrap();
        }
        packed.finish().unwrap()
    };
    println!("the bomb: {} bytes packed, 100 MiB unpacked", bomb.len());
    let links: String = (0..100_000).map(|number| format!("<a href='/kontakty/{number}'>Контакты {number}</a>")).collect();
    let cp1251 = b"<meta charset=utf-8><p>\xCA\xEE\xED\xF2\xE0\xEA\xF2\xFB: \xEF\xEE\xF7\xF2\xE0 info@charset.ru \xCF\xE8\xF8\xE8\xF2\xE5 \xED\xE0\xEC</p>".to_vec();
    let street = Street::open(Arc::new(SystemClock), move |host, path| match (host, path) {
        (_, "/robots.txt") => Reply::missing(),
        ("drip.ru", _) => Reply::Drip,
        ("silent.ru", _) => Reply::Silence,
        ("endless.ru", _) => Reply::Endless,
        ("bomb.ru", _) => Reply::Page(200, vec![("content-type", "text/html".into()), ("content-encoding", "gzip".into())], bomb.clone()),
        ("loop.ru", path) => Reply::moved(&format!("http://loop.ru/x{path}")),
        ("links.ru", _) => Reply::html(links.clone()),
        ("charset.ru", _) => Reply::Page(200, vec![("content-type", "text/html; charset=utf-8".into())], cp1251.clone()),
        ("divs.ru", _) => Reply::html("<div>".repeat(2_000_000)),
        _ => Reply::html("<p>info@good.ru"),
    })
    .await
    .unwrap();
    let bad = ["drip.ru", "silent.ru", "endless.ru", "bomb.ru", "loop.ru", "links.ru", "charset.ru", "divs.ru"];
    let hosts: Vec<String> = bad.iter().map(|host| (*host).to_owned()).chain((0..20).map(|number| format!("good{number}.ru"))).collect();
    let dns = hosts.iter().fold(ScriptedDns::new(), |dns, host| dns.address_of(host, [LOOPBACK]));
    let mut settings = settings(street.address);
    settings.pace = Duration::from_millis(1);
    settings.timeout = Duration::from_secs(5);
    let fetcher = Arc::new(HttpFetcher::new(settings, tls::client_config(None).unwrap(), Arc::new(dns), Arc::new(SystemClock)));
    let mut visits = JoinSet::new();
    for host in hosts {
        let fetcher = Arc::clone(&fetcher);
        visits.spawn(async move {
            let began = Instant::now();
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            let page = fetcher.fetch(&url).await;
            let fetched = began.elapsed();
            let read = page.as_ref().ok().cloned().map(|page| {
                tokio::task::spawn_blocking(move || harvest::page(&url, &page.body, page.content_type.as_deref(), &Site::default()))
            });
            let found = match read {
                Some(read) => read.await.ok(),
                None => None,
            };
            let told = match &page {
                Ok(page) => format!("{} bytes{}", page.body.len(), if page.truncated { ", cut" } else { "" }),
                Err(error) => error.machine_code().to_owned(),
            };
            (
                host,
                told,
                fetched,
                began.elapsed(),
                found.map_or(0, |found| found.contacts.len()),
                page.ok().map_or(0, |page| page.body.len()),
            )
        });
    }
    let mut good = 0;
    while let Some(visit) = visits.join_next().await {
        let (host, told, fetched, whole, contacts, bytes) = visit.unwrap();
        if host.starts_with("good") {
            good += usize::from(contacts == 1);
            continue;
        }
        println!("{host}: {told}; fetched in {fetched:.1?}, read in {:.1?}", whole.saturating_sub(fetched));
        assert!(fetched < Duration::from_secs(20) && whole < Duration::from_secs(60), "{host} took {whole:?}");
        assert!(bytes <= 4 * 1024 * 1024, "{host}: {bytes}");
        match host.as_str() {
            "loop.ru" => assert_eq!(told, "too_many_redirects"),
            "charset.ru" | "drip.ru" => assert_eq!(contacts, 1, "{host}: {told}"),
            "silent.ru" => assert!(told.contains("time"), "{told}"),
            _ => {}
        }
    }
    assert_eq!(good, 20, "the rest of the crawl is unharmed");
}

#[tokio::test]
async fn a_site_is_visited_page_by_page_until_enough_is_known() {
    let clock = hand();
    let street = Street::open(clock.clone(), |_, path| match path {
        "/robots.txt" => Reply::text("User-agent: *\nDisallow: /secret\n"),
        "/" => Reply::html("<title>Ромашка</title><a href='/kontakty'>Контакты</a><a href='/secret/kontakty'>Контакты отдела</a>"),
        "/kontakty" => Reply::html("<p>Почта: info@romashka.ru, тел. (495) 204-51-38</p><p>© ООО «Ромашка»</p>"),
        _ => Reply::missing(),
    })
    .await
    .unwrap();
    let fetcher = fetcher(&street, ScriptedDns::new().address_of("romashka.ru", [LOOPBACK]), clock);
    let extractor = WebsiteExtractor::new(fetcher, 12);
    let company = leadgen_core::testing::builders::a_company().named("Ромашка").at("romashka.ru").build();
    let findings = leadgen_core::ports::contacts::ContactExtractor::extract(&extractor, &company).await.unwrap();
    assert_eq!(findings.contacts.iter().map(|contact| contact.value.as_str()).collect::<Vec<_>>(), ["info@romashka.ru", "+74952045138"]);
    assert_eq!(findings.company_name.as_deref(), Some("ООО «Ромашка»"));
    assert!(street.seen().iter().all(|visit| !visit.path.starts_with("/secret")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_town_s_own_book_shows_a_polite_crawl() {
    let (sites, speed) = (40, 20.0);
    let dir = tempfile::tempdir().unwrap();
    let town = leadgen_tests::town_crawl::town(dir.path(), sites).await.unwrap();
    let clock = leadgen_core::ports::clock::RehearsalClock {
        start: Timestamp::parse("2026-01-13T09:00:00Z").unwrap(),
        anchor: SystemClock.now(),
        speed,
    };
    leadgen_tests::town_crawl::crawl(&town, "a", sites, Duration::from_secs(2), Arc::new(clock)).await.unwrap();
    let witness = leadgen_tests::town_crawl::judge(&town.visits(), "a", speed).unwrap();
    assert_eq!((witness.hosts, witness.connections), (sites, 1));
}

#[tokio::test]
async fn whoever_does_not_say_where_they_are_reached_visits_nobody_outside() {
    let clock = hand();
    let street = Street::open(clock.clone(), |_, _| Reply::missing()).await.unwrap();
    let dns = ScriptedDns::new().address_of("outside.ru", ["93.184.216.34".parse().unwrap()]).address_of("home.ru", [LOOPBACK]);
    let nameless = Settings { contact: String::new(), ..settings(street.address) };
    let fetcher = HttpFetcher::new(nameless, tls::client_config(None).unwrap(), Arc::new(dns), clock);

    let refusal = fetcher.fetch(&Url::parse("http://outside.ru/").unwrap()).await.unwrap_err();

    assert_eq!(refusal.machine_code(), "web_contact_missing");
    assert_eq!(fetcher.fetch(&Url::parse("http://home.ru/").unwrap()).await.unwrap().status, 404, "a rehearsal needs no name");
}
