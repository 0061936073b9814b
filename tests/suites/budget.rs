//! What a visit may cost a site, and ourselves: pages, bytes, time, links and depth, each counted to the last one.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leadgen_core::adapters::web::WebsiteExtractor;
use leadgen_core::domain::page::Validators;
use leadgen_core::error::Result;
use leadgen_core::ports::contacts::ContactExtractor;
use leadgen_core::ports::fetch::{Fetcher, Page};
use leadgen_core::testing::builders::a_company;
use url::Url;

const MIB: usize = 1024 * 1024;

/// A site that answers at once, and says how long it took.
struct Site<F> {
    page: F,
    spent: Duration,
    asked: Arc<Mutex<Vec<String>>>,
}

impl<F> std::fmt::Debug for Site<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Site")
    }
}

#[async_trait::async_trait]
impl<F: Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static> Fetcher for Site<F> {
    async fn fetch(&self, url: &Url) -> Result<Page> {
        self.asked.lock().unwrap().push(url.path().to_owned());
        let body = (self.page)(url.path());
        Ok(Page {
            url: url.clone(),
            status: if body.is_some() { 200 } else { 404 },
            content_type: Some("text/html".into()),
            body: body.unwrap_or_default(),
            truncated: false,
            validators: Validators::default(),
            spent: self.spent,
        })
    }
}

/// The paths that a visit asks for.
async fn asked(pages: usize, spent: Duration, page: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Vec<String> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let site = Site { page, spent, asked: Arc::clone(&asked) };
    let company = a_company().named("Один").at("one.ru").build();
    WebsiteExtractor::new(site, pages).extract(&company).await.unwrap();
    let asked = asked.lock().unwrap();
    asked.clone()
}

/// A page of links that all lead to contacts.
fn links(paths: impl IntoIterator<Item = String>) -> Vec<u8> {
    let mut page = String::from("<title>Один</title>");
    for path in paths {
        write!(page, "<footer><a href='{path}'>Контакты</a></footer>").unwrap();
    }
    page.into_bytes()
}

#[tokio::test]
async fn a_page_is_read_two_links_from_the_home_page_and_no_further() {
    let chain = |path: &str| match path {
        "/" => Some(links(["/kontakty/a/".to_owned()])),
        "/kontakty/a/" => Some(links(["/kontakty/a/b/".to_owned()])),
        "/kontakty/a/b/" => Some(links(["/kontakty/a/b/c/".to_owned()])),
        "/kontakty/a/b/c/" => Some(b"too far".to_vec()),
        _ => None,
    };
    assert_eq!(asked(12, Duration::ZERO, chain).await, ["/", "/kontakty/a/", "/kontakty/a/b/"]);
}

#[tokio::test]
async fn of_all_links_forty_wait_and_of_all_pages_twelve_are_read() {
    let many = |path: &str| Some(if path == "/" { links((0..200).map(|n| format!("/kontakty/{n}/"))) } else { b"nothing".to_vec() });
    assert_eq!(asked(1000, Duration::ZERO, many).await.len(), 41, "the home page, and those that waited");
    assert_eq!(asked(12, Duration::ZERO, many).await.len(), 12);
}

#[tokio::test]
async fn links_of_pages_and_of_maps_wait_in_one_line() {
    let map = |n: usize| format!("<url><loc>https://one.ru/kontakty/{n}/</loc></url>");
    let both = move |path: &str| match path {
        "/" => Some(
            (0..200)
                .fold("<title>Один</title>".to_owned(), |page, n| page + &format!("<p><a href='/dostavka/{n}/'>Доставка</a></p>"))
                .into_bytes(),
        ),
        "/sitemap.xml" => Some(format!("<urlset>{}</urlset>", (0..200).map(map).collect::<String>()).into_bytes()),
        _ => Some(b"nothing".to_vec()),
    };
    let asked = asked(1000, Duration::ZERO, both).await;
    assert_eq!(asked.iter().filter(|path| path.starts_with("/kontakty/")).count(), 40, "the better ones stay: {asked:?}");
    assert_eq!(asked.iter().filter(|path| path.starts_with("/dostavka/")).count() % 40, 0, "{asked:?}");
}

#[tokio::test]
async fn five_megabytes_of_a_site_are_enough() {
    let heavy = |path: &str| {
        let mut page = if path == "/" { links((0..20).map(|n| format!("/kontakty/{n}/"))) } else { b"<p>nothing".to_vec() };
        page.resize(MIB, b' ');
        Some(page)
    };
    assert_eq!(asked(12, Duration::ZERO, heavy).await.len(), 5);
}

#[tokio::test]
async fn a_minute_of_transfers_is_enough() {
    let slow = |path: &str| Some(if path == "/" { links((0..20).map(|n| format!("/kontakty/{n}/"))) } else { b"<p>nothing".to_vec() });
    assert_eq!(asked(12, Duration::from_secs(15), slow).await.len(), 4);
}

#[tokio::test]
async fn maps_are_paid_out_of_the_same_budget() {
    let heavy = |path: &str| match path {
        "/" => Some(b"<title>one</title><p>nothing".to_vec()),
        "/sitemap.xml" => {
            let mut map = b"<urlset><url><loc>https://one.ru/kontakty/</loc></url></urlset>".to_vec();
            map.resize(5 * MIB, b' ');
            Some(map)
        }
        _ => Some(b"<p>nothing".to_vec()),
    };
    assert_eq!(asked(12, Duration::ZERO, heavy).await, ["/", "/sitemap.xml"]);
    let slow = |path: &str| Some(if path == "/sitemap.xml" { Vec::new() } else { b"<p>nothing".to_vec() });
    assert_eq!(asked(12, Duration::from_secs(30), slow).await, ["/", "/sitemap.xml"]);
}
