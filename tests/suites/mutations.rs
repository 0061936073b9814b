//! Texts nobody would write, thousands of them: readers and normal forms neither panic nor forget what they promise.
//!
//! The seeds stand in `tests/corpus`: whatever broke a reader once is put there, one file a page, one line a text. They are tried as
//! they are, then mutated by a fixed chain of chance; a second by default, longer with `LEADGEN_FUZZ_SECONDS`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use leadgen_core::domain::company_name;
use leadgen_core::domain::name::DomainName;
use leadgen_core::rules::twins::blocks;
use leadgen_core::rules::twins::decide::{decide, link};
use leadgen_core::rules::twins::profile::Profile;
use leadgen_core::rules::{normalize, sieve};
use leadgen_core::setup::wiring::read_serp;
use leadgen_tests::firms::Dice;

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

fn seconds() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
    let asked = std::env::var("LEADGEN_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(asked.unwrap_or(1))
}

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

/// The files of a folder of the corpus.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(corpus(folder)).expect("the corpus").map(|entry| entry.expect("a file of it").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {folder}");
    paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect()
}

/// The lines of a file of the corpus.
fn lines(file: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(corpus(file)).expect("the corpus");
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}

/// Checks an input; one that fails is shown byte by byte, so that it can be put into the corpus.
fn tried(check: &mut impl FnMut(&[u8]), input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(input))) {
        let why = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        match why {
            Some(why) => panic!("{why}\nthe input: b\"{}\"", input.escape_ascii()),
            None => resume_unwind(panic),
        }
    }
}

/// Seeds and what became of them, over and over, until the time is up; how many.
fn mutations(seeds: Vec<Vec<u8>>, pieces: &[&str], mut check: impl FnMut(&[u8])) -> u64 {
    let mut dice = Dice::new(20_260_115);
    for seed in &seeds {
        tried(&mut check, seed);
    }
    let mut known = seeds;
    let until = Instant::now() + seconds();
    let mut count = 0;
    while Instant::now() < until {
        let mut text = known[dice.below(known.len())].clone();
        for _ in 0..=dice.below(6) {
            mutate(&mut text, &mut dice, &known, pieces);
        }
        text.truncate(4096);
        tried(&mut check, &text);
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
fn an_input_that_fails_is_shown_byte_by_byte() {
    let fails = || tried(&mut |bytes| assert!(bytes.is_ascii(), "no text"), b"<a>\xFF\n");

    let panic = catch_unwind(AssertUnwindSafe(fails)).expect_err("it fails");

    let told = panic.downcast_ref::<String>().expect("a text");
    assert_eq!(told, "no text\nthe input: b\"<a>\\xff\\n\"");
}

#[test]
fn a_result_page_of_any_bytes_is_read_or_refused() {
    let count = mutations(files("pages"), &PIECES, |bytes| match read_serp(bytes) {
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
    let seeds = [lines("addresses.txt"), lines("names.txt")].concat();
    let pieces =
        ["%", ":", "/", "..", "@", "xn--", "。", "-", ".", "\u{200B}", "\u{AD}", "ﬀ", "ё", "ООО", "http://", "?utm_x=1&", "#", "\\"];
    let mut last = Profile::new("Дента Люкс", "Казань");
    let count = mutations(seeds, &pieces, |bytes| {
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
