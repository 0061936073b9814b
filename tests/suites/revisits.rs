//! Sites that were visited before: what is asked again, what is not, and what a reading without any question finds.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use leadgen_core::actions::replay;
use leadgen_core::adapters::kit::tls;
use leadgen_core::adapters::web::{HttpFetcher, Settings, WebsiteExtractor};
use leadgen_core::domain::contact::Findings;
use leadgen_core::domain::policy::Policy;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::ports::store::{Admit, Exports, ImportedCompany, Lane};
use leadgen_core::ports::work::{EnrichCompany, Work};
use leadgen_core::rules::target::Reach;
use leadgen_core::testing::builders::{a_call, a_company};
use leadgen_core::testing::memory::MemoryStore;
use leadgen_core::testing::scripted::ScriptedDns;

use leadgen_tests::street::{Reply, Street};

/// A street, a store, and an extractor that remembers.
struct Scene {
    clock: Arc<HandClock>,
    street: Street,
    store: Arc<MemoryStore>,
    extractor: WebsiteExtractor<HttpFetcher>,
}

const HOST: &str = "romashka.ru";

impl Scene {
    async fn of(answers: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let clock = Arc::new(HandClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let street = Street::open(clock.clone(), answers).await.unwrap();
        let settings = Settings {
            timeout: Duration::from_secs(5),
            max_redirects: 5,
            contact: "https://example.org/bot".into(),
            pace: Duration::from_secs(2),
            in_flight: 64,
            reach: Reach { loopback: vec![(80, street.address)], offline: false, ..Reach::default() },
        };
        let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let dns = ScriptedDns::new().address_of(HOST, [home]).address_of("other.ru", [home]);
        let fetcher = HttpFetcher::new(settings, tls::client_config(None).unwrap(), Arc::new(dns), clock.clone());
        let store = Arc::new(MemoryStore::with_lease_clock(clock.clone()));
        let extractor = WebsiteExtractor::new(fetcher, 12).with_kept_pages(store.clone(), clock.clone());
        let scene = Self { clock, street, store, extractor };
        let company = a_company().named("Ромашка").at(HOST).imported();
        Admit::<ImportedCompany>::admit(scene.store.as_ref(), "list", &[company], None, scene.clock.now()).await.unwrap();
        scene
    }

    /// One visit through the lane, as the pipeline makes it.
    async fn visit(&self) -> Findings {
        let call = a_call(self.clock.now(), &Policy::default());
        let claim = Lane::<EnrichCompany>::claim(self.store.as_ref(), &call).await.unwrap().remove(0);
        let findings = self.extractor.extract(&claim.item).await.unwrap();
        let lost = Lane::<EnrichCompany>::commit(self.store.as_ref(), &call, vec![(claim.ticket, findings.clone())]).await.unwrap();
        assert!(lost.is_empty(), "{} is held long enough", EnrichCompany::NAME);
        findings
    }

    /// A visit whose pages are kept and whose contacts nobody had seen.
    async fn visit_without_contacts(&self) {
        let call = a_call(self.clock.now(), &Policy::default());
        let claim = Lane::<EnrichCompany>::claim(self.store.as_ref(), &call).await.unwrap().remove(0);
        let found = self.extractor.extract(&claim.item).await.unwrap();
        let findings = Findings { visited: found.visited, ..Findings::default() };
        Lane::<EnrichCompany>::commit(self.store.as_ref(), &call, vec![(claim.ticket, findings)]).await.unwrap();
    }

    /// The extractor alone, whatever state the company is in.
    async fn look(&self) -> Findings {
        self.extractor.extract(&a_company().named("Ромашка").at(HOST).build()).await.unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.street.seen().into_iter().map(|seen| if seen.unchanged { format!("{} 304", seen.path) } else { seen.path }).collect()
    }

    fn pass(&self, time: Duration) {
        self.clock.move_to(self.clock.now() + time);
    }
}

fn values(findings: &Findings) -> Vec<&str> {
    findings.contacts.iter().map(|contact| contact.value.as_str()).collect()
}

#[tokio::test]
async fn a_page_is_asked_for_once_a_day_and_then_only_if_it_changed() {
    let scene = Scene::of(|_, path| match path {
        "/" => Reply::tagged("<title>Ромашка</title><a href='/kontakty'>Контакты</a>", "etag", "\"v1\""),
        "/kontakty" => Reply::tagged("<p>info@romashka.ru", "last-modified", "Mon, 01 Jan 2024 10:00:00 GMT"),
        _ => Reply::missing(),
    })
    .await;
    let first = scene.visit().await;
    assert_eq!(values(&first), ["info@romashka.ru"]);
    let asked = scene.asked().len();

    scene.pass(Duration::from_hours(23));
    let again = scene.look().await;
    assert_eq!((values(&again), scene.asked().len()), (values(&first), asked), "within a day nothing is asked, not even robots.txt");

    scene.pass(Duration::from_hours(2));
    let later = scene.look().await;
    assert_eq!(values(&later), values(&first), "what is still the same is read from what was kept");
    let asked: Vec<String> = scene.asked().split_off(asked);
    assert!(asked.contains(&"/ 304".to_owned()) && asked.contains(&"/kontakty 304".to_owned()), "{asked:?}");
    assert!(!asked.contains(&"/about".to_owned()), "a page that was not there is not looked for again: {asked:?}");
}

#[tokio::test]
async fn a_page_that_changed_is_read_anew() {
    let version = Arc::new(AtomicUsize::new(1));
    let served = Arc::clone(&version);
    let scene = Scene::of(move |_, path| match path {
        "/" => {
            let version = served.load(Ordering::SeqCst);
            Reply::tagged(format!("<p>v{version}@romashka.ru"), "etag", &format!("\"{version}\""))
        }
        _ => Reply::missing(),
    })
    .await;
    assert_eq!(values(&scene.visit().await), ["v1@romashka.ru"]);

    version.store(2, Ordering::SeqCst);
    scene.pass(Duration::from_hours(25));

    assert_eq!(values(&scene.look().await), ["v2@romashka.ru"]);
}

#[tokio::test]
async fn a_page_that_asks_not_to_be_kept_is_not() {
    let scene = Scene::of(|_, path| match path {
        "/" => Reply::html("<meta name=robots content=noindex><p>info@romashka.ru"),
        _ => Reply::missing(),
    })
    .await;

    let findings = scene.visit().await;

    assert_eq!((values(&findings), findings.reason.as_deref()), (vec![], Some("noindex")));
    assert!(findings.visited.iter().all(|page| page.status == 404), "{:?}", findings.visited);
}

#[tokio::test]
async fn a_page_that_asks_so_later_loses_its_earlier_copies() {
    for by_header in [false, true] {
        let version = Arc::new(AtomicUsize::new(1));
        let served = Arc::clone(&version);
        let scene = Scene::of(move |_, path| match (path, served.load(Ordering::SeqCst), by_header) {
            ("/", 1, _) => Reply::html("<p>info@romashka.ru"),
            ("/", _, true) => Reply::tagged("<p>info@romashka.ru", "x-robots-tag", "noindex"),
            ("/", _, false) => Reply::html("<meta name=robots content=noindex><p>info@romashka.ru"),
            _ => Reply::missing(),
        })
        .await;
        scene.visit_without_contacts().await;
        assert_eq!(replay::from_enrich(scene.store.as_ref(), true, scene.clock.now()).await.unwrap().added, 1, "the copy shows it");

        version.store(2, Ordering::SeqCst);
        scene.pass(Duration::from_hours(25));
        let findings = scene.visit().await;

        assert_eq!(findings.reason.as_deref(), Some("noindex"));
        let replayed = replay::from_enrich(scene.store.as_ref(), false, scene.clock.now()).await.unwrap();
        assert_eq!(replayed.added, 0, "by a header: {by_header}");
    }
}

#[tokio::test]
async fn a_page_that_leads_to_somebody_else_is_neither_kept_nor_replayed() {
    let scene = Scene::of(|host, path| match (host, path) {
        (_, "/robots.txt") => Reply::missing(),
        (HOST, "/") => Reply::html("<title>Ромашка</title><a href='/kontakty'>Контакты</a>"),
        (HOST, "/kontakty") => Reply::moved("http://other.ru/kontakty"),
        ("other.ru", _) => Reply::html("<p>info@other.ru"),
        _ => Reply::missing(),
    })
    .await;

    let findings = scene.visit().await;
    let replayed = replay::from_enrich(scene.store.as_ref(), false, scene.clock.now()).await.unwrap();

    assert!(findings.visited.iter().all(|page| !page.url.contains("other.ru")), "{:?}", findings.visited);
    assert_eq!((findings.contacts.len(), replayed.added), (0, 0));
}

#[tokio::test]
async fn the_map_that_robots_txt_names_is_read_also_if_it_is_packed() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(b"<urlset><url><loc>http://romashka.ru/p/kontakty-17</loc></url></urlset>").unwrap();
    let packed = packer.finish().unwrap();
    let scene = Scene::of(move |_, path| match path {
        "/robots.txt" => Reply::text("Sitemap: http://romashka.ru/maps/pages.xml.gz\nUser-agent: *\nDisallow: /x\n"),
        "/maps/pages.xml.gz" => Reply::Page(200, vec![("content-type", "application/gzip".into())], packed.clone()),
        "/p/kontakty-17" => Reply::html("<p>info@romashka.ru"),
        "/" => Reply::html("<title>Ромашка</title>"),
        _ => Reply::missing(),
    })
    .await;

    assert_eq!(values(&scene.visit().await), ["info@romashka.ru"]);
    assert!(!scene.asked().contains(&"/sitemap.xml".to_owned()), "{:?}", scene.asked());
}

#[tokio::test]
async fn a_site_that_leads_to_somebody_else_says_where() {
    let scene = Scene::of(|host, path| match (host, path) {
        (_, "/robots.txt") => Reply::missing(),
        (HOST, "/") => Reply::moved("http://other.ru/shop?from=romashka"),
        _ => Reply::html("<p>info@other.ru"),
    })
    .await;

    let findings = scene.visit().await;

    assert_eq!(findings.reason.as_deref(), Some("redirected_elsewhere"));
    let line = Exports::companies(scene.store.as_ref(), None).await.unwrap().remove(0);
    assert_eq!((line.redirected_to.as_str(), line.emails.as_str()), ("http://other.ru/shop?from=romashka", ""));
}

#[tokio::test]
async fn a_site_that_moved_is_read_where_it_lives_and_asked_for_there_the_next_time() {
    let scene = Scene::of(|host, path| match (host, path) {
        (_, "/robots.txt") => Reply::missing(),
        (HOST, "/") => Reply::moved("http://other.ru/"),
        ("other.ru", "/") => {
            Reply::html("<title>Ромашка</title><meta property=og:site_name content=Ромашка><a href=/kontakty>Контакты</a>")
        }
        ("other.ru", "/kontakty") => Reply::html("<p>info@other.ru, +7 843 204-51-39"),
        _ => Reply::missing(),
    })
    .await;

    let findings = scene.visit().await;

    assert_eq!((values(&findings), findings.reason.as_deref()), (vec!["info@other.ru", "+78432045139"], None));
    let line = Exports::companies(scene.store.as_ref(), None).await.unwrap().remove(0);
    assert_eq!((line.canonical_domain.as_str(), line.redirected_to.as_str()), (HOST, "http://other.ru/"));
    let replayed = replay::from_enrich(scene.store.as_ref(), true, scene.clock.now()).await.unwrap();
    assert_eq!((replayed.added, replayed.same), (0, 2), "kept pages say the same: {replayed:?}");
}

#[tokio::test]
async fn a_page_that_only_asks_for_small_pictures_is_read_and_so_are_its_frames() {
    let scene = Scene::of(|_, path| match path {
        "/robots.txt" => Reply::missing(),
        "/" => Reply::html(
            "<meta name=robots content='index, follow, max-image-preview:none'><a href=/dostavka>Доставка</a><iframe src=/footer.htm>",
        ),
        "/footer.htm" => Reply::html("<p>info@romashka.ru"),
        "/kontakty" => Reply::html("<p>+7 843 204-51-39"),
        _ => Reply::html("<p>Привезём"),
    })
    .await;

    assert_eq!(values(&scene.visit().await), ["info@romashka.ru", "+78432045139"], "{:?}", scene.asked());
}

#[tokio::test]
async fn a_page_that_leads_to_itself_is_no_page_and_says_so() {
    let scene = Scene::of(|_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::moved("http://romashka.ru/#again") }).await;

    assert_eq!(scene.visit().await.reason.as_deref(), Some("too_many_redirects"));
    assert_eq!(scene.asked().iter().filter(|path| *path == "/").count(), 1, "{:?}", scene.asked());
}

#[tokio::test]
async fn pages_whose_names_say_nothing_are_read_while_nothing_was_found() {
    let scene = Scene::of(|_, path| match path {
        "/" => Reply::html(
            "<title>Ромашка</title><p><a href='/catalog/very/deep/thing'>Товар</a></p>
             <nav><a href='/387.html'>Раздел</a><a href='/page/12'>Ещё</a><a href='/price.pdf'>Цены</a><a href='/login'>Вход</a></nav>",
        ),
        "/387.html" => Reply::html("<p>Тут ничего"),
        "/page/12" => Reply::html("<p>Пишите: info@romashka.ru"),
        "/catalog/very/deep/thing" => Reply::html("<p>shop@romashka.ru"),
        _ => Reply::missing(),
    })
    .await;

    assert_eq!(values(&scene.visit().await), ["info@romashka.ru"]);
    let asked = scene.asked();
    assert!(asked.contains(&"/387.html".to_owned()), "those of the menu come first: {asked:?}");
    for never in ["/catalog/very/deep/thing", "/price.pdf", "/login"] {
        assert!(!asked.contains(&never.to_owned()), "an address was found: {asked:?}");
    }
}

#[tokio::test]
async fn a_replay_asks_nobody_and_mends_what_the_store_says() {
    let scene = Scene::of(|_, path| match path {
        "/" => Reply::html("<title>Ромашка</title><a href='/kontakty'>Контакты</a>"),
        "/kontakty" => Reply::html("<p>Почта info@romashka.ru, ИНН 7707083893</p>"),
        _ => Reply::missing(),
    })
    .await;
    let call = a_call(scene.clock.now(), &Policy::default());
    let claim = Lane::<EnrichCompany>::claim(scene.store.as_ref(), &call).await.unwrap().remove(0);
    let mut findings = scene.extractor.extract(&claim.item).await.unwrap();
    // As if the rules of then had read the page otherwise.
    findings.contacts[0].value = "nfo@romashka.ru".into();
    findings.inn = None;
    Lane::<EnrichCompany>::commit(scene.store.as_ref(), &call, vec![(claim.ticket, findings)]).await.unwrap();
    let asked = scene.asked().len();

    let dry = replay::from_enrich(scene.store.as_ref(), true, scene.clock.now()).await.unwrap();
    let done = replay::from_enrich(scene.store.as_ref(), false, scene.clock.now()).await.unwrap();
    let after = replay::from_enrich(scene.store.as_ref(), false, scene.clock.now()).await.unwrap();

    assert_eq!(dry, done);
    assert_eq!((done.companies, done.added, done.removed), (1, 1, 1));
    assert_eq!(done.differing[0].diff.numbers, ["inn none → 7707083893"]);
    assert!(after.differing.is_empty(), "{after:?}");
    assert_eq!(scene.asked().len(), asked, "no site was asked");
    let line = Exports::companies(scene.store.as_ref(), None).await.unwrap().remove(0);
    assert_eq!((line.email.as_str(), line.inn.as_str()), ("info@romashka.ru", "7707083893"));
}

#[tokio::test]
async fn a_site_without_contacts_says_what_it_has_instead() {
    let long = "Делаем окна и двери. ".repeat(30);
    for (home, reason) in [
        (Reply::html(format!("<p>{long}</p><form action=/send><input name=q></form>")), "only_forms"),
        (Reply::html("<title>Ромашка</title><img src=/phone.png>"), "only_images"),
        (Reply::html(format!("<p>{long}</p>")), "contacts_not_found"),
        (Reply::html("<div id=app></div><script src=/app.js></script>"), "needs_browser"),
        (Reply::missing(), "no_page"),
    ] {
        let scene = Scene::of(move |_, path| if path == "/" { home.clone() } else { Reply::missing() }).await;
        assert_eq!(scene.visit().await.reason.as_deref(), Some(reason));
    }
}

#[tokio::test]
async fn a_site_that_breaks_is_tried_again() {
    let scene = Scene::of(|_, path| if path == "/robots.txt" { Reply::missing() } else { Reply::Page(500, Vec::new(), Vec::new()) }).await;
    let error = scene.extractor.extract(&a_company().named("Ромашка").at(HOST).build()).await.unwrap_err();
    assert_eq!(error.machine_code(), "site_broken");
}

#[tokio::test]
async fn a_page_that_leads_on_and_frames_are_followed() {
    for home in [
        "<meta http-equiv=refresh content='0; url=/ru/'>",
        "<script>window.location.href = '/ru/';</script>",
        "<script>location.replace(\"/ru/\")</script>",
        "<frameset><frame src='/ru/'></frameset>",
    ] {
        let scene = Scene::of(move |_, path| match path {
            "/" => Reply::html(home),
            "/ru/" => Reply::html("<p>info@romashka.ru"),
            _ => Reply::missing(),
        })
        .await;
        assert_eq!(values(&scene.visit().await), ["info@romashka.ru"], "{home}");
    }
    let scene = Scene::of(|_, path| match path {
        "/" => Reply::html("<p>text</p><script>if (old) { location = '/ru/'; } function go() { location.href = '/ru/'; }</script>"),
        _ => Reply::missing(),
    })
    .await;
    scene.visit().await;
    assert!(!scene.asked().contains(&"/ru/".to_owned()), "what may never run leads nowhere");
}
