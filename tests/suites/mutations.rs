//! Texts nobody would write, thousands of them: readers and normal forms neither panic nor forget what they promise.
//!
//! Seeds are mutated by a fixed chain of chance; a second by default, longer with `LEADGEN_FUZZ_SECONDS`.

use std::time::{Duration, Instant};

use leadgen_core::domain::company_name;
use leadgen_core::domain::name::DomainName;
use leadgen_core::rules::twins::blocks;
use leadgen_core::rules::twins::decide::{decide, link};
use leadgen_core::rules::twins::profile::Profile;
use leadgen_core::rules::{normalize, sieve};
use leadgen_core::setup::wiring::read_serp;
use leadgen_tests::firms::Dice;

const PAGES: [&str; 6] = [
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><yandexsearch version=\"1.0\"><response date=\"20260115T210509\"><found priority=\"all\">7</found><results><grouping><group><doc id=\"1\"><url>https://a.ru/?a=1&amp;b=2</url><title><hlword>python</hlword><hlword>3</hlword> &#39;x&#x27;</title><headline>h</headline><passages><passage>Первый <hlword>раз</hlword></passage></passages><properties><lang>ru</lang></properties></doc></group></grouping></results></response></yandexsearch>",
    "<yandexsearch><response><error code=\"15\">Искомая комбинация слов нигде не встречается</error></response></yandexsearch>",
    "<?xml version=\"1.0\" encoding=\"windows-1251\"?><yandexsearch><doc/></yandexsearch>",
    "<!DOCTYPE yandexsearch [<!ENTITY a \"&a;&a;\">]><yandexsearch>&a;</yandexsearch>",
    "<yandexsearch><![CDATA[<doc>]]><!-- c --><?pi x?><doc><title>a<b>c</b>d</title></doc></yandexsearch>",
    "<html><body>502 Bad Gateway</body></html>",
];
const PIECES: [&str; 22] = [
    "<",
    ">",
    "&",
    ";",
    "</",
    "/>",
    "<doc>",
    "</doc>",
    "<title>",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "&#0;",
    "&#xD800;",
    "&#1114112;",
    "\u{0}",
    "\u{FEFF}",
    "<!DOCTYPE",
    "encoding=\"utf-16\"",
    "\"",
    "<hlword>",
];
const ADDRESSES: [&str; 17] = [
    "http://www.www.denta-lux.ru/",
    "HTTPS://WWW.Denta-Lux.ru:443//uslugi/index.php?utm_source=x#map",
    "https://пример.рф/о нас/../",
    "//a.ru",
    "a@b.ru",
    "mailto:a@b.ru",
    "http://user:pw@host.ru:65536/",
    "http://[::1]/",
    "http://127.1/",
    "xn--",
    "xn--80ak6aa92e.com",
    "a.ru.",
    "www.ru",
    "http://a%2eru/%ff%00",
    "ｅｘａｍｐｌｅ。ru",
    "http://a..b.ru",
    "https://spb.one.tilda.ws/?a=1&yclid=2&b=%20",
];
const NAMES: [&str; 10] = [
    "ООО «Ромашка»",
    "О.О.О. Ромашка-2",
    "Общество с ограниченной ответственностью \"Дента Люкс\"",
    "ЗАО",
    "группа компаний",
    "ГК ООО ТД",
    "Denta-Lux LLC",
    "İstanbul GmbH",
    "ß ﬁ Ǆ ё",
    "«»",
];

fn seconds() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
    let asked = std::env::var("LEADGEN_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(asked.unwrap_or(1))
}

/// Seeds and what became of them, over and over, until the time is up; how many.
fn mutations(seeds: &[&str], pieces: &[&str], mut check: impl FnMut(&[u8])) -> u64 {
    let mut dice = Dice::new(20_260_115);
    let mut known: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let until = Instant::now() + seconds();
    let mut count = 0;
    while Instant::now() < until {
        let mut text = known[dice.below(known.len())].clone();
        for _ in 0..=dice.below(6) {
            mutate(&mut text, &mut dice, &known, pieces);
        }
        text.truncate(4096);
        check(&text);
        count += 1;
        // Some of the mutants are bred further, so that changes add up.
        if dice.in_1000(20) && known.len() < 2000 {
            known.push(text);
        }
    }
    count
}

fn mutate(text: &mut Vec<u8>, dice: &mut Dice, known: &[Vec<u8>], pieces: &[&str]) {
    let at = dice.below(text.len() + 1);
    match dice.below(7) {
        0 => drop(text.splice(at..at, pieces[dice.below(pieces.len())].bytes())),
        1 => drop(text.drain(at..(at + dice.below(9)).min(text.len()))),
        2 => text.insert(at, dice.below(256) as u8),
        3 => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        4 => {
            let other = &known[dice.below(known.len())];
            let cut = dice.below(other.len() + 1);
            text.truncate(at);
            text.extend_from_slice(&other[cut..]);
        }
        5 => {
            let piece = text[at..(at + dice.below(40)).min(text.len())].repeat(1 + dice.below(4));
            drop(text.splice(at..at, piece));
        }
        _ => text.truncate(at),
    }
}

#[test]
fn a_result_page_of_any_bytes_is_read_or_refused() {
    let count = mutations(&PAGES, &PIECES, |bytes| match read_serp(bytes) {
        Ok(answer) => {
            for hit in &answer.hits {
                assert!(!hit.title.chars().any(char::is_control) && hit.title.trim() == hit.title, "{:?}", hit.title);
                assert!(!hit.snippet.contains("  "), "{:?}", hit.snippet);
            }
            assert_eq!(read_serp(bytes).map(|again| again == answer).ok(), Some(true));
        }
        Err(error) => assert!(error.machine_code().starts_with("serp_"), "{error}"),
    });
    println!("{count} pages");
}

#[test]
fn normal_forms_of_any_text_are_normal_already() {
    let seeds: Vec<&str> = ADDRESSES.iter().chain(&NAMES).copied().collect();
    let pieces =
        ["%", ":", "/", "..", "@", "xn--", "。", "-", ".", "\u{200B}", "\u{AD}", "ﬀ", "ё", "ООО", "http://", "?utm_x=1&", "#", "\\"];
    let mut last = Profile::new("Дента Люкс", "Казань");
    let count = mutations(&seeds, &pieces, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        addresses(&text);
        let name = company_name::normalize(&text).text;
        let profile = Profile::new(&text, "Казань");
        assert_eq!(blocks::keys(&profile), blocks::keys(&profile));
        assert!(blocks::probes(&profile).len() < 2000, "{text:?}");
        assert_eq!(decide(&profile, &last), decide(&last, &profile), "{text:?} {:?}", last.name);
        assert_eq!(link(&profile, &last).verdict, link(&last, &profile).verdict);
        assert!(!name.starts_with(' ') && !name.contains("  "), "{name:?}");
        last = profile;
    });
    println!("{count} texts");
}

fn addresses(text: &str) {
    let Some(address) = normalize::address(text) else { return };
    let again = normalize::address(&address.url).unwrap_or_else(|| panic!("{text:?} → {} → none", address.url));
    assert_eq!(again, address, "{text:?}");
    assert_eq!(DomainName::parse(address.host.as_str()).ok().as_ref(), Some(&address.host));
    if let Some(family) = normalize::registrable(&address.host) {
        assert!(address.host.is_within(family.as_str()), "{} {family}", address.host);
        assert_eq!(normalize::registrable(family.host()).as_ref(), Some(&family), "{family}");
    }
    let _ = sieve::drop_reason(&address.host, &[]);
    let _ = (normalize::email(text), normalize::phone(text, None));
}
