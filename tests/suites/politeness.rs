//! A host is asked in its turn, in one line, and no sooner than it said: whichever redirect, scheme or process asks.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leadgen_core::adapters::kit::tls;
use leadgen_core::adapters::web::{HttpFetcher, Settings, WebsiteExtractor};
use leadgen_core::domain::mx::MailHosts;
use leadgen_core::domain::name::DomainName;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::{Error, ErrorKind, Result, Verdict};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::ports::dns::{DnsLookup, Resolvers};
use leadgen_core::ports::fetch::{Fetcher, Page};
use leadgen_core::rules::target::Reach;
use leadgen_core::testing::builders::a_company;
use leadgen_core::testing::memory::MemoryStore;
use leadgen_core::testing::scripted::ScriptedDns;
use url::Url;

use leadgen_tests::street::{Reply, Street};

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const HOUR: Duration = Duration::from_hours(1);

/// A street, and a book of its hosts that outlives fetchers as a database outlives processes.
struct Scene {
    clock: Arc<HandClock>,
    street: Street,
    book: Arc<MemoryStore>,
    dns: Arc<dyn DnsLookup>,
    ports: Vec<u16>,
}

impl Scene {
    async fn of(answers: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let clock = Arc::new(HandClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let street = Street::open(clock.clone(), answers).await.unwrap();
        let hosts = ["one.ru", "www.one.ru", "shop.one.ru", "two.ru"];
        let dns = hosts.iter().fold(ScriptedDns::new(), |dns, host| dns.address_of(host, [LOOPBACK]));
        Self { book: Arc::new(MemoryStore::with_lease_clock(clock.clone())), clock, street, dns: Arc::new(dns), ports: vec![80] }
    }

    /// What a new process has: nothing but the book.
    fn process(&self) -> HttpFetcher {
        let settings = Settings {
            timeout: Duration::from_secs(2),
            contact: "https://example.org/bot".into(),
            reach: Reach { loopback: self.ports.iter().map(|port| (*port, self.street.address)).collect(), ..Reach::default() },
            ..Settings::default()
        };
        let fetcher = HttpFetcher::new(settings, tls::client_config(None).unwrap(), self.dns.clone(), self.clock.clone());
        fetcher.with_kept_hosts(self.book.clone())
    }

    fn asked(&self) -> Vec<String> {
        self.street.seen().into_iter().map(|seen| format!("{}{}", seen.host, seen.path)).collect()
    }

    fn pass(&self, time: Duration) {
        self.clock.move_to(self.clock.now() + time);
    }
}

fn at(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn page_or_none(path: &str) -> Reply {
    if path == "/robots.txt" { Reply::missing() } else { Reply::html("<p>info@one.ru") }
}

/// The code of a refusal, and the pause it asks for.
fn pause(error: &Error) -> (String, Option<Duration>) {
    let Verdict::Retry { after } = error.verdict() else { panic!("no retry: {error}") };
    (error.machine_code().to_owned(), after)
}

// crawling: one connection a host, its pause, whoever leads there
#[tokio::test]
async fn a_robots_txt_that_leads_to_another_host_is_asked_for_in_the_turn_of_that_host() {
    let scene = Scene::of(|host, path| match (host, path) {
        ("one.ru", "/robots.txt") => Reply::moved("http://two.ru/robots.txt"),
        ("two.ru", "/robots.txt") => Reply::text("User-agent: *\nDisallow: /closed\n"),
        _ => Reply::html("ok"),
    })
    .await;
    let fetcher = scene.process();
    fetcher.fetch(&at("http://two.ru/")).await.unwrap();
    fetcher.fetch(&at("http://one.ru/")).await.unwrap();
    assert_eq!(
        fetcher.fetch(&at("http://one.ru/closed")).await.unwrap_err().machine_code(),
        "robots_disallowed",
        "the rules hold for one.ru"
    );
    fetcher.fetch(&at("http://two.ru/more")).await.unwrap();

    let seen = scene.street.seen();
    let two: Vec<Timestamp> = seen.iter().filter(|seen| seen.host == "two.ru").map(|seen| seen.at).collect();
    assert_eq!(two.len(), 4, "{seen:?}");
    assert!(two.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_secs(2)), "{two:?}");
    assert_eq!(scene.street.most_connections(), 1);
}

#[tokio::test]
async fn two_hosts_whose_robots_txt_lead_to_each_other_do_not_wait_for_each_other() {
    let scene = Scene::of(|host, path| match (host, path) {
        ("one.ru", "/robots.txt") => Reply::moved("http://two.ru/robots.txt"),
        ("two.ru", "/robots.txt") => Reply::moved("http://one.ru/robots.txt"),
        _ => Reply::html("ok"),
    })
    .await;
    let fetcher = scene.process();
    let (one, two) = (at("http://one.ru/"), at("http://two.ru/"));
    let both = async { tokio::join!(fetcher.fetch(&one), fetcher.fetch(&two)) };
    let (one, two) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    assert_eq!((one.unwrap().status, two.unwrap().status), (200, 200), "too many redirects allow everything");
    assert_eq!(scene.street.most_connections(), 1);
}

#[tokio::test]
async fn hosts_of_one_registered_name_are_asked_a_second_apart() {
    let scene = Scene::of(|_, path| page_or_none(path)).await;
    let fetcher = scene.process();
    for host in ["one.ru", "www.one.ru", "shop.one.ru"] {
        fetcher.fetch(&at(&format!("http://{host}/"))).await.unwrap();
    }
    let seen = scene.street.seen();
    assert!(seen.windows(2).all(|pair| pair[1].at.since(pair[0].at) >= Duration::from_secs(1)), "{seen:?}");
}

#[tokio::test]
async fn http_and_https_of_a_host_share_its_pace_and_its_rest() {
    let mut scene =
        Scene::of(|_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::Page(429, Vec::new(), Vec::new()) }).await;
    scene.ports = vec![80, 443];
    let fetcher = scene.process();
    assert_eq!(fetcher.fetch(&at("http://one.ru/")).await.unwrap_err().machine_code(), "site_limits");
    let began = scene.clock.now();
    let other = fetcher.fetch(&at("https://one.ru/")).await.unwrap_err();
    assert_eq!(other.machine_code(), "host_at_rest");
    assert_eq!(scene.clock.now(), began, "and not asked over TLS either");
}

// crawling: Retry-After and back-off
#[tokio::test]
async fn a_pause_that_a_host_asked_for_holds_for_the_next_process_and_is_what_the_lane_waits() {
    let scene = Scene::of(|_, path| match path {
        "/robots.txt" => Reply::missing(),
        _ => Reply::Page(503, vec![("retry-after", "3600".into())], Vec::new()),
    })
    .await;
    let company = a_company().named("Один").at("one.ru").build();
    let visit = async || WebsiteExtractor::new(scene.process(), 12).extract(&company).await.unwrap_err();
    assert_eq!(pause(&visit().await), ("site_limits".into(), Some(HOUR)));
    let asked = scene.asked();
    scene.pass(HOUR / 2);
    assert_eq!(pause(&visit().await), ("host_at_rest".into(), Some(HOUR / 2)));
    assert_eq!(scene.asked(), asked, "not asked at all");
    scene.pass(HOUR / 2);
    assert_eq!(pause(&visit().await).0, "site_limits", "after the hour it is asked");
}

#[tokio::test]
async fn every_process_counts_on_where_the_one_before_stopped_until_a_host_is_given_up_for_a_week() {
    let scene = Scene::of(|_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::Page(429, Vec::new(), Vec::new()) }).await;
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let (code, after) = pause(&scene.process().fetch(&at("http://one.ru/")).await.unwrap_err());
        assert_eq!(code, "site_limits");
        pauses.push(after.unwrap().as_secs() / 60);
        scene.pass(after.unwrap());
    }
    assert_eq!(pauses, [1, 5, 30, 7 * 24 * 60]);
}

#[tokio::test]
async fn a_page_in_the_middle_that_asks_for_a_pause_ends_the_visit_only_if_no_address_was_seen() {
    let scene = Scene::of(|host, path| match (host, path) {
        (_, "/robots.txt") => Reply::missing(),
        ("one.ru", "/") => Reply::html("<a href='/kontakty'>Контакты</a>"),
        ("two.ru", "/") => Reply::html("<a href='/kontakty'>Контакты</a><p>info@two.ru"),
        _ => Reply::Page(429, vec![("retry-after", "600".into())], Vec::new()),
    })
    .await;
    let extractor = WebsiteExtractor::new(scene.process(), 12);
    let silent = extractor.extract(&a_company().named("Один").at("one.ru").build()).await.unwrap_err();
    assert_eq!(pause(&silent), ("site_limits".into(), Some(Duration::from_mins(10))));
    let found = extractor.extract(&a_company().named("Два").at("two.ru").build()).await.unwrap();
    assert_eq!(found.contacts[0].value, "info@two.ru");
}

#[tokio::test]
async fn processes_that_follow_each_other_keep_one_pace_towards_a_host() {
    let scene =
        Scene::of(|_, path| if path == "/robots.txt" { Reply::text("User-agent: *\nCrawl-delay: 5\n") } else { Reply::html("ok") }).await;
    // Each of them is new, as after a crash.
    for page in 0..3 {
        scene.process().fetch(&at(&format!("http://one.ru/{page}"))).await.unwrap();
    }
    let seen = scene.street.seen();
    assert_eq!(seen.len(), 4, "{seen:?}");
    let pauses: Vec<u64> = seen.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_secs()).collect();
    assert!(pauses[0] >= 2 && pauses[1..].iter().all(|pause| *pause >= 5), "{pauses:?}");
}

// crawling 2.1: same registrable domain
#[tokio::test]
async fn processes_that_ask_two_hosts_of_one_name_are_a_second_apart() {
    let scene = Scene::of(|_, path| page_or_none(path)).await;
    let (one, other) = (scene.process(), scene.process());
    one.fetch(&at("http://www.one.ru/")).await.unwrap();
    other.fetch(&at("http://shop.one.ru/")).await.unwrap();
    one.fetch(&at("http://one.ru/")).await.unwrap();

    let asked: Vec<Timestamp> = scene.street.seen().iter().map(|seen| seen.at).collect();
    assert_eq!(asked.len(), 6);
    assert!(asked.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_secs(1)), "{asked:?}");
}

#[tokio::test]
async fn whoever_died_with_a_turn_in_hand_holds_a_host_up_for_half_a_minute_only() {
    let scene = Scene::of(|_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::Silence }).await;
    let dying = scene.process();
    let url = at("http://one.ru/");
    assert!(tokio::time::timeout(Duration::from_millis(300), dying.fetch(&url)).await.is_err(), "cut off in the middle");
    let began = scene.clock.now();
    let next = scene.process();
    let _ = tokio::time::timeout(Duration::from_millis(300), next.fetch(&url)).await;
    let waited = scene.street.seen().last().unwrap().at.since(began).as_secs();
    assert!((10..=40).contains(&waited), "{waited} s");
}

// crawling 3.2: nobody's own site is there
#[tokio::test]
async fn a_site_that_leads_to_a_social_network_has_no_site_of_its_own_and_the_network_is_not_asked() {
    let scene = Scene::of(|_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::moved("http://vk.com/firma") }).await;
    let found = WebsiteExtractor::new(scene.process(), 12).extract(&a_company().named("Один").at("one.ru").build()).await.unwrap();
    assert_eq!(found.reason.as_deref(), Some("no_own_site"));
    assert!(scene.asked().iter().all(|asked| asked.starts_with("one.ru")), "{:?}", scene.asked());
}

#[tokio::test]
async fn an_answer_with_an_endless_head_is_refused() {
    let scene = Scene::of(|_, path| match path {
        "/robots.txt" => Reply::missing(),
        "/large" => Reply::Page(200, vec![("x-a", "a".repeat(70_000))], b"ok".to_vec()),
        "/endless" => Reply::Page(200, vec![("x-a", "a".repeat(3_000_000))], b"ok".to_vec()),
        "/lines" => Reply::Page(200, vec![("x-a", "a".to_owned()); 101], b"ok".to_vec()),
        _ => Reply::Page(200, vec![("x-a", "a".repeat(60_000))], b"ok".to_vec()),
    })
    .await;
    let fetcher = scene.process();
    assert_eq!(fetcher.fetch(&at("http://one.ru/large")).await.unwrap_err().machine_code(), "head_too_large");
    for path in ["endless", "lines"] {
        // It is given up while it comes.
        assert_eq!(fetcher.fetch(&at(&format!("http://one.ru/{path}"))).await.unwrap_err().machine_code(), "broken_answer", "{path}");
    }
    assert_eq!(fetcher.fetch(&at("http://one.ru/")).await.unwrap().status, 200);
}

// crawling: robots.txt is believed for a day
#[tokio::test]
async fn a_robots_txt_is_read_once_a_day_whatever_process_asks() {
    let rules = b"User-agent: *\nDisallow: /x\xff\n";
    let answers = |path: &str| if path == "/robots.txt" { Reply::Page(200, Vec::new(), rules.to_vec()) } else { Reply::html("ok") };
    let scene = Scene::of(move |_, path| answers(path)).await;
    for hours in [0, 23] {
        scene.pass(HOUR * hours);
        scene.process().fetch(&at("http://one.ru/")).await.unwrap();
        assert_eq!(scene.process().fetch(&at("http://one.ru/x%FF")).await.unwrap_err().machine_code(), "robots_disallowed");
    }
    let reads = || scene.asked().iter().filter(|asked| asked.ends_with("/robots.txt")).count();
    assert_eq!(reads(), 1);
    scene.pass(HOUR);
    scene.process().fetch(&at("http://one.ru/")).await.unwrap();
    assert_eq!(reads(), 2);
}

#[tokio::test]
async fn a_host_whose_robots_txt_fails_is_closed_each_time_longer_and_after_a_month_as_good_as_open() {
    let scene = Scene::of(|_, path| if path == "/robots.txt" { Reply::Page(500, Vec::new(), Vec::new()) } else { Reply::html("ok") }).await;
    let began = scene.clock.now();
    let mut pauses = Vec::new();
    let page = loop {
        match scene.process().fetch(&at("http://one.ru/")).await {
            Ok(page) => break page,
            Err(error) => {
                let (code, after) = pause(&error);
                assert_eq!(code, "robots_unreachable");
                let before = scene.asked();
                assert_eq!(pause(&scene.process().fetch(&at("http://one.ru/other")).await.unwrap_err()).0, "robots_unreachable");
                assert_eq!(scene.asked(), before, "closed means not asked");
                pauses.push(after.unwrap().as_secs() / 60);
                scene.pass(after.unwrap());
            }
        }
    };
    assert_eq!(page.status, 200);
    assert_eq!(pauses[..5], [1, 5, 30, 360, 360]);
    let days = scene.clock.now().since(began).as_secs() / 86_400;
    assert!((30..=31).contains(&days), "{days} days");
}

#[tokio::test]
async fn a_copy_of_robots_txt_is_believed_while_the_server_fails() {
    let broken = Arc::new(AtomicUsize::new(0));
    let state = Arc::clone(&broken);
    let scene = Scene::of(move |_, path| match path {
        "/robots.txt" if state.load(Ordering::SeqCst) > 0 => Reply::Page(502, Vec::new(), Vec::new()),
        "/robots.txt" => Reply::text("User-agent: *\nDisallow: /closed\n"),
        _ => Reply::html("ok"),
    })
    .await;
    scene.process().fetch(&at("http://one.ru/")).await.unwrap();
    broken.store(1, Ordering::SeqCst);
    scene.pass(HOUR * 25);
    let later = scene.process();
    assert_eq!(later.fetch(&at("http://one.ru/")).await.unwrap().status, 200);
    assert_eq!(later.fetch(&at("http://one.ru/closed")).await.unwrap_err().machine_code(), "robots_disallowed");
}

// crawling: of a robots.txt that did not come whole nothing is concluded, of one that did come everything
#[tokio::test]
async fn a_robots_txt_is_read_whatever_type_it_says_it_is_and_a_part_of_one_closes_the_host() {
    const RULES: &str = "User-agent: *\nDisallow: /closed\n";
    let with = |name: &'static str, value: &str| Reply::Page(200, vec![(name, value.to_owned())], RULES.as_bytes().to_vec());
    for (kind, read) in [
        (with("content-type", "application/octet-stream"), "robots_disallowed"),
        (with("content-type", "image/png"), "robots_disallowed"),
        (with("content-encoding", "br"), "robots_unreachable"),
        (with("content-encoding", "gzip"), "robots_unreachable"),
        (Reply::Stalls, "timeout"),
        (Reply::Cut(RULES.into()), "robots_unreachable"),
    ] {
        let reply = kind.clone();
        let scene = Scene::of(move |_, path| if path == "/robots.txt" { reply.clone() } else { Reply::html("ok") }).await;
        let error = scene.process().fetch(&at("http://one.ru/closed")).await.unwrap_err();
        assert_eq!(error.machine_code(), read, "{kind:?}");
        assert!(!scene.asked().contains(&"one.ru/closed".to_owned()), "{kind:?}");
    }
}

#[tokio::test]
async fn a_page_of_which_nothing_came_is_no_empty_page() {
    let scene = Scene::of(|_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::Stalls }).await;
    let error = WebsiteExtractor::new(scene.process(), 12).extract(&a_company().named("Один").at("one.ru").build()).await.unwrap_err();
    assert_eq!(error.machine_code(), "timeout");
    assert!(matches!(error.verdict(), Verdict::Retry { .. }));
}

#[tokio::test]
async fn a_host_that_asks_for_a_very_long_pause_gives_a_few_pages_a_day() {
    let scene =
        Scene::of(|_, path| if path == "/robots.txt" { Reply::text("User-agent: *\nCrawl-delay: 600\n") } else { Reply::html("ok") }).await;
    let fetcher = scene.process();
    for _ in 0..2 {
        let mut codes = Vec::new();
        for page in 0..5 {
            let got = fetcher.fetch(&at(&format!("http://one.ru/{page}"))).await;
            codes.push(got.map_or_else(|error| error.machine_code().to_owned(), |page| page.status.to_string()));
        }
        assert_eq!(codes.iter().filter(|code| *code == "200").count(), 3, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| *code == "crawl_delay_too_long").count(), 2, "{codes:?}");
        scene.pass(HOUR * 24);
    }
    let pages: Vec<Timestamp> = scene.street.seen().iter().filter(|seen| seen.path != "/robots.txt").map(|seen| seen.at).collect();
    assert!(pages.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_secs(60)), "{pages:?}");
}

#[tokio::test]
async fn a_site_that_refuses_its_home_page_is_tried_again_as_late_as_the_back_off_says() {
    let scene = Scene::of(|_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::Page(403, Vec::new(), Vec::new()) }).await;
    let error = WebsiteExtractor::new(scene.process(), 12).extract(&a_company().named("Один").at("one.ru").build()).await.unwrap_err();
    assert_eq!(pause(&error), ("refused_by_site".into(), Some(Duration::from_mins(1))));
}

#[tokio::test]
async fn a_page_that_wants_a_person_is_a_refusal() {
    for sign in [
        "<script>window._cf_chl_opt={}</script>",
        "<title>DDOS-GUARD</title>",
        "<a href=/showcaptcha?x>",
        "<title>Just a moment...</title>",
    ] {
        let scene = Scene::of(move |_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::html(sign) }).await;
        assert_eq!(scene.process().fetch(&at("http://one.ru/")).await.unwrap_err().machine_code(), "refused_by_site", "{sign}");
    }
}

// crawling 3.2: with and without www. is one site
#[tokio::test]
async fn a_site_that_lives_at_www_only_is_found_there() {
    for (bare, pages) in [(Vec::new(), "the bare name has no address"), (vec![LOOPBACK], "the bare name has no page")] {
        let mut scene = Scene::of(|host, path| match (host, path) {
            (_, "/robots.txt") | ("one.ru", _) => Reply::missing(),
            _ => Reply::html("<p>info@one.ru"),
        })
        .await;
        let dns = ScriptedDns::new().address_of("www.one.ru", [LOOPBACK]);
        scene.dns = Arc::new(if bare.is_empty() { dns } else { dns.address_of("one.ru", bare) });
        let found = WebsiteExtractor::new(scene.process(), 12).extract(&a_company().named("Один").at("one.ru").build()).await.unwrap();
        assert_eq!(found.contacts.first().map(|contact| contact.value.as_str()), Some("info@one.ru"), "{pages}");
    }
}

#[tokio::test]
async fn a_name_with_a_dot_behind_it_is_the_same_host_and_goes_where_that_one_was_checked() {
    let scene = Scene::of(|host, path| match path {
        "/robots.txt" => Reply::missing(),
        "/away" => Reply::moved("http://two.ru./there"),
        _ => Reply::html(format!("this is {host}")),
    })
    .await;
    let fetcher = scene.process();
    // The machine's own resolver knows neither name: whoever asked it would get nothing.
    for (asked, host) in [("http://one.ru./", "one.ru"), ("http://one.ru/away", "two.ru")] {
        let page = fetcher.fetch(&at(asked)).await.unwrap();
        assert_eq!((page.status, String::from_utf8(page.body).unwrap()), (200, format!("this is {host}")));
        assert_eq!(page.url.host_str(), Some(host));
    }
}

/// A resolver that fails, and is counted.
#[derive(Debug, Default)]
struct Mute(AtomicUsize);

#[async_trait::async_trait]
impl DnsLookup for Mute {
    async fn mail_hosts(&self, _: &DomainName, _: Resolvers) -> MailHosts {
        MailHosts::Timeout
    }

    async fn addresses(&self, host: &DomainName) -> Result<Vec<IpAddr>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(Error::new(ErrorKind::Unavailable, format!("find the address of {host}")).code("dns_failed"))
    }
}

// crawling: what fails is not asked again for six hours
#[tokio::test]
async fn a_name_that_can_not_be_resolved_is_left_alone_for_six_hours() {
    let mut scene = Scene::of(|_, path| page_or_none(path)).await;
    let mute = Arc::new(Mute::default());
    scene.dns = mute.clone();
    let company = a_company().named("Один").at("one.ru").build();
    for passed in [0, 5] {
        scene.pass(HOUR * passed);
        let error = WebsiteExtractor::new(scene.process(), 12).extract(&company).await.unwrap_err();
        assert_eq!(pause(&error), ("dns_failed".into(), Some(HOUR * (6 - passed))));
    }
    assert_eq!(mute.0.load(Ordering::SeqCst), 1, "neither http nor the next process asks again");
    scene.pass(HOUR);
    assert!(scene.process().fetch(&at("https://one.ru/")).await.is_err());
    assert_eq!(mute.0.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_port_that_takes_no_connection_is_left_alone_for_six_hours_and_http_is_tried_instead() {
    let scene = Scene::of(|_, path| page_or_none(path)).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let process = || {
        let settings = Settings {
            contact: "https://example.org/bot".into(),
            reach: Reach { loopback: vec![(443, closed), (80, scene.street.address)], ..Reach::default() },
            ..Settings::default()
        };
        let fetcher = HttpFetcher::new(settings, tls::client_config(None).unwrap(), scene.dns.clone(), scene.clock.clone());
        fetcher.with_kept_hosts(scene.book.clone())
    };
    assert_eq!(pause(&process().fetch(&at("https://one.ru/")).await.unwrap_err()), ("unreachable".into(), Some(HOUR * 6)));
    scene.pass(HOUR);
    assert_eq!(pause(&process().fetch(&at("https://one.ru/")).await.unwrap_err()), ("unreachable".into(), Some(HOUR * 5)));
    let found = WebsiteExtractor::new(process(), 12).extract(&a_company().named("Один").at("one.ru").build()).await.unwrap();
    assert_eq!(found.contacts[0].value, "info@one.ru", "the site that speaks no TLS is read plainly");
}

/// Answers nothing, and writes down what it was asked for.
#[derive(Debug)]
struct Fails(&'static str, Arc<Mutex<Vec<String>>>);

#[async_trait::async_trait]
impl Fetcher for Fails {
    async fn fetch(&self, url: &Url) -> Result<Page> {
        self.1.lock().unwrap().push(url.to_string());
        Err(Error::new(ErrorKind::Unavailable, format!("fetch {url}")).code(self.0))
    }
}

#[tokio::test]
async fn plain_http_is_asked_only_where_nothing_speaks_tls() {
    for (code, asked) in [
        ("unreachable", vec!["https://one.ru/", "http://one.ru/", "https://www.one.ru/", "http://www.one.ru/"]),
        ("certificate_refused", vec!["https://one.ru/", "http://one.ru/"]),
        ("no_such_host", vec!["https://one.ru/", "https://www.one.ru/"]),
        ("dns_failed", vec!["https://one.ru/"]),
        ("robots_unreachable", vec!["https://one.ru/"]),
        ("first_byte_timeout", vec!["https://one.ru/"]),
        ("broken_answer", vec!["https://one.ru/"]),
    ] {
        let book = Arc::new(Mutex::default());
        let extractor = WebsiteExtractor::new(Fails(code, Arc::clone(&book)), 12);
        let error = extractor.extract(&a_company().named("Один").at("one.ru").build()).await.unwrap_err();
        assert_eq!(error.machine_code(), code);
        assert_eq!(*book.lock().unwrap(), asked, "{code}");
    }
}
