//! A real Chromium on pages that show nothing without their scripts, and on pages that try to misuse it. Without a Chromium
//! on the machine these tests say that they are skipped.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use leadgen_core::adapters::kit::tls;
use leadgen_core::adapters::web::{self, BrowserSettings, Chromium, HttpFetcher, Sandbox, WebsiteExtractor};
use leadgen_core::domain::contact::Findings;
use leadgen_core::ports::clock::SystemClock;
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::ports::render::PageRenderer;
use leadgen_core::rules::target::Reach;
use leadgen_core::testing::builders::a_company;
use leadgen_core::testing::conformance;
use leadgen_core::testing::scripted::{ScriptedDns, ScriptedRenderer};
use tempfile::TempDir;
use tokio::net::UdpSocket;

use leadgen_tests::street::{Reply, Sentinel, Street};

/// Time a page has in these tests.
const DEADLINE: Duration = Duration::from_secs(20);

/// A browser whose profiles lie in a folder of the test's own, so that its processes are known by it.
struct Scene {
    folder: TempDir,
    browser: Arc<Chromium>,
}

impl Scene {
    fn new(deadline: Duration) -> Option<Self> {
        let Some(program) = web::installed() else {
            println!("skipped: no Chromium on this machine");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // Chromium keeps no sandbox for root.
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let settings = BrowserSettings {
            program,
            sandbox: if is_root { Sandbox::Off } else { Sandbox::On },
            deadline,
            contact: "https://example.org/bot".into(),
            folder: Some(folder.path().to_owned()),
        };
        Some(Self { folder, browser: Arc::new(Chromium::new(settings)) })
    }

    async fn visit(&self, street: &Street) -> Findings {
        let settings = web::Settings {
            timeout: Duration::from_secs(5),
            max_redirects: 5,
            contact: "https://example.org/bot".into(),
            pace: Duration::from_millis(10),
            in_flight: 64,
            reach: Reach { loopback: vec![(80, street.address)], offline: true, ..Reach::default() },
        };
        let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let dns = ScriptedDns::new().address_of("spa.ru", [home]).address_of("other.ru", [home]).address_of("api.spa.ru", [home]);
        let fetcher = HttpFetcher::new(settings, tls::client_config(None).unwrap(), Arc::new(dns), Arc::new(SystemClock));
        let renderer: Arc<dyn PageRenderer> = self.browser.clone();
        let extractor = WebsiteExtractor::new(fetcher, 12).with_renderer(renderer);
        extractor.extract(&a_company().named("Ромашка").at("spa.ru").build()).await.unwrap()
    }

    /// Every process of the browser and every file of its profile is gone, soon.
    async fn is_left_empty(&self) -> bool {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..100 {
            ticks.tick().await;
            if processes(self.folder.path()).is_empty() && std::fs::read_dir(self.folder.path()).unwrap().next().is_none() {
                return true;
            }
        }
        println!("left: {:?}", processes(self.folder.path()));
        false
    }

    /// Waits until the browser runs.
    async fn is_running(&self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        while processes(self.folder.path()).len() < 4 {
            ticks.tick().await;
        }
    }
}

/// The processes that have to do with a folder, by what they were started with.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_string_lossy().into_owned();
    let told =
        |path: std::path::PathBuf| std::fs::read(path).map(|text| String::from_utf8_lossy(&text).replace('\0', " ")).unwrap_or_default();
    let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let all = all.filter(|path| path.join("cmdline").exists()).map(|path| (told(path.join("cmdline")), told(path.join("environ"))));
    all.filter(|(line, home)| line.contains(&folder) || home.contains(&folder)).map(|(line, _)| line.chars().take(120).collect()).collect()
}

const SHELL: &str =
    "<!doctype html><html><head><title>Ромашка</title></head><body><div id=root></div><script src=/app.js></script></body></html>";

fn script(text: &str) -> Reply {
    Reply::Page(200, vec![("content-type", "application/javascript".into())], text.as_bytes().to_vec())
}

fn json(text: &str) -> Reply {
    Reply::Page(200, vec![("content-type", "application/json".into())], text.as_bytes().to_vec())
}

/// Shows the contacts, then tries every door. `{t}` is a port where nobody may knock, `{u}` one for datagrams.
const APP: &str = r#"
fetch('/api/contacts').then(a => a.json()).then(c => {
  document.getElementById('root').innerHTML = '<p>Почта: ' + c.mail + ', тел. ' + c.phone + '</p>';
});
fetch('http://api.spa.ru/firm').then(a => a.json()).then(c => {
  document.body.insertAdjacentHTML('beforeend', '<p>ООО «Ромашка», ИНН ' + c.inn + '</p>');
});
const quiet = f => { try { const p = f(); if (p && p.catch) p.catch(() => 0); } catch (e) {} };
const inner = ['http://127.0.0.1:{t}/', 'http://localhost:{t}/', 'http://[::1]:{t}/', 'http://2130706433:{t}/', 'http://0.0.0.0:{t}/',
  'http://127.1:{t}/', 'https://127.0.0.1:{t}/'];
const outer = ['http://other.ru/x', 'https://other.ru/x', 'http://169.254.169.254/latest/meta-data/', 'http://metadata.google.internal/',
  'http://10.0.0.7/', 'http://spa.ru.other.ru/', '/secret/data', '/secret/app.js'];
for (const url of inner.concat(outer)) {
  quiet(() => fetch(url));
  quiet(() => fetch(url, { method: 'POST', body: 'x', mode: 'no-cors' }));
  quiet(() => { const x = new XMLHttpRequest(); x.open('PUT', url); x.send('x'); });
  quiet(() => navigator.sendBeacon(url, 'x'));
  quiet(() => { new Image().src = url; });
  quiet(() => new EventSource(url));
  quiet(() => new WebSocket(url.replace('http', 'ws')));
  quiet(() => new WebTransport(url.replace('http:', 'https:')));
  quiet(() => { const s = document.createElement('script'); s.src = url; document.body.append(s); });
  quiet(() => { const s = document.createElement('iframe'); s.src = url; document.body.append(s); });
  quiet(() => { const s = document.createElement('object'); s.data = url; document.body.append(s); });
  for (const rel of ['stylesheet', 'preload', 'prefetch', 'preconnect', 'dns-prefetch', 'prerender', 'manifest', 'icon', 'modulepreload'])
    quiet(() => { const s = document.createElement('link'); s.rel = rel; s.href = url; s.as = 'fetch'; document.head.append(s); });
  quiet(() => { const s = document.createElement('video'); s.src = url; document.body.append(s); });
  quiet(() => window.open(url));
  quiet(() => { const a = document.createElement('a'); a.href = url; a.download = 'x'; document.body.append(a); a.click(); });
  quiet(() => { const a = document.createElement('a'); a.href = url; a.ping = url; a.target = '_blank'; document.body.append(a); a.click(); });
  quiet(() => new Worker(URL.createObjectURL(new Blob(["fetch('" + url + "').catch(() => 0); new WebSocket('" + url.replace('http', 'ws') + "')"]))));
  quiet(() => new SharedWorker(URL.createObjectURL(new Blob(["fetch('" + url + "').catch(() => 0)"]))));
  quiet(() => { const f = document.createElement('form'); f.method = 'post'; f.action = url; f.target = 'away' + Math.random(); document.body.append(f); f.submit(); });
}
quiet(() => navigator.serviceWorker.register('/sw.js'));
quiet(() => { const pc = new RTCPeerConnection({ iceServers: [{ urls: ['stun:127.0.0.1:{u}', 'stun:localhost:{u}'] },
    { urls: 'turn:127.0.0.1:{t}?transport=tcp', username: 'x', credential: 'x' }] });
  pc.createDataChannel('x'); pc.createOffer().then(o => pc.setLocalDescription(o)); });
quiet(() => { const s = document.createElement('script'); s.type = 'speculationrules';
  s.textContent = JSON.stringify({ prefetch: [{ urls: inner.concat(outer), eagerness: 'immediate' }] }); document.head.append(s); });
setTimeout(() => { const f = document.createElement('form'); f.method = 'post'; f.action = '/form'; document.body.append(f); f.submit(); }, 50);
setTimeout(() => { location = 'http://127.0.0.1:{t}/'; }, 150);
setTimeout(() => { location = 'http://other.ru/'; }, 250);
setTimeout(() => { location = 'file:///etc/passwd'; }, 300);
alert(navigator.userAgent); confirm('?'); print();
window.onbeforeunload = () => 'stay';
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_that_only_a_script_shows_are_found_and_no_door_is_tried() {
    let Some(scene) = Scene::new(DEADLINE) else { return };
    let sentinel = Sentinel::post().await.unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let app = APP.replace("{t}", &sentinel.port.to_string()).replace("{u}", &datagrams.local_addr().unwrap().port().to_string());
    let street = Street::open(Arc::new(SystemClock), move |host, path| match (host, path) {
        (_, "/robots.txt") => Reply::text("User-agent: *\nDisallow: /secret\n"),
        ("spa.ru", "/") => Reply::html(SHELL),
        ("spa.ru", "/app.js") => script(&app),
        ("spa.ru", "/api/contacts") => json(r#"{"mail":"info@spa.ru","phone":"+7 495 204-51-38"}"#),
        ("api.spa.ru", "/firm") => json(r#"{"inn":"7707083893"}"#),
        _ => Reply::missing(),
    })
    .await
    .unwrap();

    let findings = scene.visit(&street).await;

    let found: Vec<&str> = findings.contacts.iter().map(|contact| contact.value.as_str()).collect();
    assert_eq!(found, ["info@spa.ru", "+74952045138"]);
    assert_eq!(findings.inn.as_deref(), Some("7707083893"), "a host of the same site is asked too");
    let asked: BTreeSet<String> = street.seen().iter().map(|seen| format!("{}{}", seen.host, seen.path)).collect();
    let guesses =
        |path: &String| !path.starts_with("spa.ru/") || path.contains("secret") || path.contains("form") || path.contains("sw.js");
    let foreign: Vec<&String> = asked.iter().filter(|path| guesses(path) && !path.starts_with("api.spa.ru/")).collect();
    assert_eq!(foreign, Vec::<&String>::new(), "only the site itself is asked, and not where it forbids");
    assert_eq!(street.seen().iter().filter(|seen| seen.host == "spa.ru" && seen.path == "/").count(), 1, "the page is asked for once");
    assert_eq!(street.most_connections(), 1, "one connection to a host");
    assert_eq!(sentinel.knocks(), 0, "the sentinel was reached");
    assert!(datagrams.try_recv(&mut [0; 64]).is_err(), "a datagram came");
    assert!(scene.is_left_empty().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_without_end_ends_by_the_deadline_and_the_site_keeps_its_reason() {
    let Some(scene) = Scene::new(Duration::from_secs(3)) else { return };
    let street = Street::open(Arc::new(SystemClock), |_, path| match path {
        "/robots.txt" => Reply::missing(),
        "/" => Reply::html(SHELL),
        "/app.js" => script("for (;;) {}"),
        _ => Reply::missing(),
    })
    .await
    .unwrap();
    let began = Instant::now();

    let findings = scene.visit(&street).await;

    assert_eq!(findings.reason.as_deref(), Some("needs_browser"));
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(scene.is_left_empty().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_never_rests_is_taken_as_it_stands_and_asks_for_no_more_than_others() {
    let Some(scene) = Scene::new(Duration::from_secs(4)) else { return };
    let street = Street::open(Arc::new(SystemClock), |_, path| match path {
        "/robots.txt" => Reply::missing(),
        "/" => Reply::html(SHELL),
        "/app.js" => script(
            "document.getElementById('root').textContent = 'Почта: info@spa.ru, тел. +7 495 204-51-38';
             setInterval(() => { fetch('/api/' + Math.random()); document.body.append('x'.repeat(100000)); }, 5);",
        ),
        _ => json("{}"),
    })
    .await
    .unwrap();

    let findings = scene.visit(&street).await;

    assert_eq!(findings.contacts.first().map(|contact| contact.value.as_str()), Some("info@spa.ru"));
    let asked = street.seen().iter().filter(|seen| seen.path.starts_with("/api/")).count();
    assert!((1..=30).contains(&asked), "{asked} requests");
    assert!(scene.is_left_empty().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_waiting_leaves_no_browser_behind() {
    let Some(scene) = Scene::new(DEADLINE) else { return };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let street = Street::open(Arc::new(SystemClock), move |_, path| match path {
        "/robots.txt" => Reply::missing(),
        "/" => Reply::html(SHELL),
        _ => {
            count.fetch_add(1, Ordering::SeqCst);
            script("setInterval(() => 0, 1); for (;;) {}")
        }
    })
    .await
    .unwrap();

    tokio::select! {
        _ = scene.visit(&street) => panic!("the page has no end"),
        () = scene.is_running() => {}
    }

    assert!(scene.is_left_empty().await);
    assert!(asked.load(Ordering::SeqCst) <= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renderers_keep_their_promises() {
    conformance::renderer(&ScriptedRenderer::new().page(
        "https://site.ru/",
        ["https://site.ru/refused", "https://site.ru/api"],
        "<p>{}</p>",
    ))
    .await;
    let Some(scene) = Scene::new(DEADLINE) else { return };
    conformance::renderer(scene.browser.as_ref()).await;
    println!("rendered by {}", scene.browser.version().await.unwrap());
    assert!(scene.is_left_empty().await);
}

#[tokio::test]
async fn a_program_that_is_no_browser_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (program, code) in [("/nowhere/chromium", "browser_missing"), ("/bin/true", "browser_ended"), ("/bin/echo", "browser_ended")] {
        let settings = BrowserSettings {
            program: program.into(),
            sandbox: Sandbox::On,
            deadline: DEADLINE,
            contact: String::new(),
            folder: Some(folder.path().to_owned()),
        };
        assert_eq!(Chromium::new(settings).version().await.unwrap_err().machine_code(), code, "{program}");
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "no profile is left");
}
