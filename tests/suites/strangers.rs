//! Readers of what strangers send, fed with damaged input: they end, in time, within bounds. A second each by default;
//! `LEADGEN_FUZZ_SECONDS` makes it longer. Seeded: a failure names the round that brings it back.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use leadgen_core::rules::harvest::{self, Site};
use leadgen_core::rules::robots::Robots;
use leadgen_core::rules::{normalize, sitemap};
use url::Url;

/// Pieces that mean something to one of the readers.
const PIECES: [&[u8]; 44] = [
    b"<a href='mailto:",
    b"<script>",
    b"</script>",
    b"<style>.x{unicode-bidi:bidi-override;direction:rtl}</style>",
    b"<div hidden>",
    b"<template>",
    b"<!--",
    b"-->",
    b"info@firma.ru",
    b"(at)",
    b"[dot]",
    "(собака)".as_bytes(),
    "ИНН 7707083893".as_bytes(),
    "+7 (495) ".as_bytes(),
    b"123-45-67",
    b"&#64;",
    b"&#x40",
    b"&amp;&lt;",
    b"%40",
    b"\\u0040",
    b"String.fromCharCode(97,64,",
    b"['a','b'].join('@')",
    b"'+'",
    b".split('').reverse().join('')",
    b"<script type=application/ld+json>{\"@type\":\"Organization\",\"email\":",
    b"data-cfemail='5a203b31'",
    b"<meta charset=",
    b"windows-1251",
    b"utf-16",
    b"<title>",
    "© ООО «".as_bytes(),
    "»".as_bytes(),
    b"<table><tr><td>",
    b"itemprop=telephone content='",
    b"User-agent: *\n",
    b"Disallow: /*",
    b"$\n",
    b"Crawl-delay: 1e9\r",
    b"Sitemap: ",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"<urlset><loc>",
    b"</loc>",
    b"<![CDATA[",
];

/// xorshift: the same seed, the same inputs.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

fn damaged(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(12) {
        let at = chance.below(input.len() + 1);
        match chance.below(7) {
            0 if !input.is_empty() => {
                let at = chance.below(input.len());
                input[at] = chance.next() as u8;
            }
            1 => input.truncate(at),
            2 => {
                let piece = PIECES[chance.below(PIECES.len())].repeat(1 + chance.below(4));
                input.splice(at..at, piece);
            }
            3 => {
                let piece = PIECES[chance.below(PIECES.len())].repeat(1 + chance.below(300));
                input.splice(at..at, piece);
            }
            4 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len() + 1);
                input.splice(at..at, other[from..].iter().copied());
            }
            5 => {
                let end = (at + chance.below(40)).min(input.len());
                input.drain(at..end);
            }
            _ => {
                let end = (at + chance.below(60)).min(input.len());
                let again = input[at..end].repeat(1 + chance.below(50));
                input.splice(at..at, again);
            }
        }
        input.truncate(60_000);
    }
    input
}

#[expect(clippy::disallowed_methods, reason = "how long to go on is asked outside")]
fn seconds() -> f64 {
    std::env::var("LEADGEN_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0)
}

/// Feeds a reader until the time is over; no input may take long.
fn feed(what: &str, seeds: &[&[u8]], read: impl Fn(&[u8])) {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.to_vec()).collect();
    let limit = Duration::from_secs_f64(seconds());
    let (began, mut rounds, mut slowest) = (Instant::now(), 0_u64, Duration::ZERO);
    while began.elapsed() < limit {
        let mut chance = Chance(0x9E37_79B9_7F4A_7C15 ^ (rounds + 1).wrapping_mul(0xBF58_476D_1CE4_E5B9));
        let input = damaged(&seeds, &mut chance);
        let started = Instant::now();
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read(&input)));
        slowest = slowest.max(started.elapsed());
        assert!(
            ended.is_ok(),
            "{what}: round {rounds} panicked on {}",
            input.escape_ascii().to_string().chars().take(2000).collect::<String>()
        );
        assert!(started.elapsed() < Duration::from_secs(10), "{what}: round {rounds} took {:?}", started.elapsed());
        rounds += 1;
    }
    println!("{what}: {rounds} rounds in {:.0} s, the slowest {slowest:.1?}", began.elapsed().as_secs_f64());
}

const PAGE: &str = "<!DOCTYPE html><html><head><title>Контакты — ООО «Ромашка»</title><meta charset=utf-8><script type='application/ld+json'>
{\"@graph\":[{\"@type\":\"Organization\",\"legalName\":\"ООО «Ромашка»\",\"email\":\"mailto:info@romashka.ru\",\"taxID\":\"5902007772\",\"contactPoint\":[{\"telephone\":\"+7-342-555-05-50\"}]}]}
</script></head><body><header><a href='/kontakty'>Контакты</a></header><p itemscope itemtype='https://schema.org/Store'><b itemprop=name>Ромашка</b> <i itemprop=email>zakaz@romashka.ru</i></p>
<p>Почта: <b>info</b>@romashka.ru, opt [собака] romashka [точка] ru, тел. 8 (342) 555-05-50 доб. 12, факс (342) 555-05-51</p><a href='tel:+73425550550'>позвонить</a>
<a href='/cdn-cgi/l/email-protection#1f706f6b5f657e69707b3273766d76747e326c66716b77316d6a'>x</a><table><tr><td>ИНН/КПП</td><td>6671003459 / 667101001</td></tr></table>
<script>var u='info';var d='romashka.ru';document.write('<a href=\"mailto:'+u+'@'+d+'\">');</script><span style='display:none'>trap@romashka.ru</span>
<footer>© 2020 ООО «Ромашка». Разработка сайта: <a href='https://studio.ru'>Studio</a> hi@studio.ru</footer></body></html>";

#[test]
fn any_page_is_read() {
    let url = Url::parse("https://romashka.ru/kontakty").unwrap();
    let sites = [Site::default(), Site { domain: normalize::domain_of("romashka.ru"), country: Some("US".into()) }];
    let english: &[u8] =
        b"<p>Call (505) 326-1111 or 1-800-949-3720, Copyright (c) 2014 Woods Insurance Inc. All rights reserved. sales at woods dot com";
    feed("pages", &[PAGE.as_bytes(), english, b"", b"<"], |input| {
        for site in &sites {
            let page = harvest::page(&url, input, None, site);
            let found = harvest::merge(&[page.clone(), page], site);
            assert!(found.contacts.iter().all(|contact| contact.snippet.chars().count() <= 200 && (0.0..=1.0).contains(&contact.score)));
        }
    });
}

#[test]
fn any_charset_is_read() {
    let cases: [&[u8]; 5] = [
        PAGE.as_bytes(),
        b"<meta charset=windows-1251>\xCA\xEE\xED\xF2\xE0\xEA\xF2\xFB",
        b"\xFF\xFE<\0p\0>\0",
        b"<?xml version='1.0' encoding='koi8-r'?>\xEB\xCF\xCE\xD4\xC1\xCB\xD4\xD9",
        b"<meta http-equiv=content-type content='text/html; charset=x-cp1251'>",
    ];
    let headers = [None, Some("text/html; charset=windows-1251"), Some("charset"), Some("text/html;charset=\"utf-8\"")];
    feed("charsets", &cases, |input| {
        for header in headers {
            // Three bytes of text for one of input is the most that any charset needs.
            assert!(harvest::decode(input, header).len() <= 3 * input.len() + 3);
        }
    });
}

#[test]
fn any_robots_txt_is_read() {
    let files: [&[u8]; 3] = [
        b"User-agent: *\nDisallow: /private\nAllow: /private/open$\nCrawl-delay: 2\nSitemap: https://x.ru/s.xml\n",
        b"\xEF\xBB\xBFuser-agent: leadgen\rdisallow: /*?sort=*&x=$\r\n# end",
        b"Disallow: /%D0%BA%zz\nUser-agent: a\nUser-agent: b\nAllow:",
    ];
    feed("robots.txt", &files, |input| {
        let robots = Robots::parse(input);
        for path in ["/", "/private/open", "/a?sort=1&x=", "/%D0%BA", &"/a".repeat(1000)] {
            robots.permission("leadgen", path);
        }
        assert!(robots.permission("leadgen", "/robots.txt").allowed);
        assert!(robots.crawl_delay("leadgen").is_none_or(|delay| delay <= Duration::from_hours(24)));
    });
}

#[test]
fn any_sitemap_is_read() {
    let files: [&[u8]; 3] = [
        b"<?xml version='1.0'?><urlset><url><loc>https://x.ru/kontakty?a=1&amp;b=2</loc></url></urlset>",
        b"<sitemapindex><sitemap><loc><![CDATA[https://x.ru/a.xml]]></loc></sitemap></sitemapindex>",
        b"https://x.ru/a\nhttps://x.ru/b",
    ];
    feed("sitemaps", &files, |input| {
        let map = sitemap::read(input);
        assert!(map.urls.len() <= 5000 && map.urls.iter().all(|url| url.starts_with("http") && url.len() <= 2048));
    });
}

/// Megabytes of one thing, and how long they may take: as a crawl's own build, or as a developer's.
const LARGE: (usize, f64) = if cfg!(debug_assertions) { (1_000_000, 10.0) } else { (10_000_000, 1.0) };

/// The processor's time of this thread: a busy machine makes nothing look slow.
fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

#[test]
fn megabytes_of_one_thing_take_their_time_and_no_more() {
    let pieces = [
        "<div>",
        "<div a=\"",
        "<p itemprop=email>",
        "<!--",
        "<script><!--",
        "<script>'a'+",
        "<style>bidi-override{",
        "</",
        "&amp;",
        "&#64;",
        "@",
        "a@a.",
        "info@firma.ru ",
        "1",
        "1 ",
        "33-91-80, ",
        "8 (495) 204-51-38, ",
        "ИНН ",
        "ООО «",
        "© ООО «Рога» ",
        "сайт создан ",
        "Foo Inc ",
        " at ",
        "info(at)a(dot)",
        "<a href='mailto:a@b.ru'>",
        "<script type=application/ld+json>[[[",
        "я",
        "\n",
        "f i r m a. ",
    ];
    let around = [("", ""), ("<script>var a='@';", "</script>"), ("<title>", "</title>"), ("<p>info@firma.ru тел. (495) 204-51-38 ", "")];
    let url = Url::parse("https://firma.ru/").unwrap();
    let site = Site { domain: normalize::domain_of("firma.ru"), country: None };
    let (size, limit) = LARGE;
    let mut slowest = (0.0, String::new());
    for piece in pieces {
        for (before, after) in around {
            let page = format!("{before}{}{after}", piece.repeat(size / piece.len()));
            let begun = processor_seconds();
            let found = harvest::merge(&[harvest::page(&url, page.as_bytes(), None, &site)], &site);
            let took = processor_seconds().zip(begun).map_or(0.0, |(now, begun)| now - begun);
            assert!(took < limit, "{size} bytes of {piece:?} after {before:?} took {took:.2} s");
            assert!(found.contacts.len() <= 1000, "{piece:?} gave {} contacts", found.contacts.len());
            if took > slowest.0 {
                slowest = (took, format!("{piece:?} after {before:?}"));
            }
        }
    }
    println!("{} pages of {size} bytes, the slowest {:.2} s of processor: {}", pieces.len() * around.len(), slowest.0, slowest.1);
}

#[test]
fn a_page_takes_a_bounded_multiple_of_its_size() {
    let url = Url::parse("https://firma.ru/").unwrap();
    for piece in ["<div>", "<a href=x>y</a>", "info@firma.ru ", "<i data-mail=x>", "8 (495) 204-51-38, ", "<script>'a'</script>"] {
        let page = piece.repeat(4_000_000 / piece.len());
        let read = harvest::page(&url, page.as_bytes(), None, &Site::default()).page;
        let links: usize = read.links.iter().map(|link| link.href.len()).sum();
        let kept = read.text.len() + read.hidden.len() + links + read.scripts.iter().map(String::len).sum::<usize>();
        assert!(kept <= 2 * page.len() && read.links.len() <= 5000 && read.attributes.len() <= 2100, "{piece}: {kept} bytes kept");
    }
}

#[test]
fn a_hidden_link_with_an_endless_text_gives_a_short_snippet() {
    let page = format!("<div hidden><a href='tel:+73422550550'>{}</a></div>", "слово ".repeat(10_000));
    let url = Url::parse("https://firma.ru/").unwrap();

    let found = harvest::page(&url, page.as_bytes(), None, &Site::default());

    assert!(!found.contacts.is_empty());
    assert!(found.contacts.iter().all(|seen| seen.contact.snippet.chars().count() <= 200 && seen.raw.chars().count() <= 200));
}
