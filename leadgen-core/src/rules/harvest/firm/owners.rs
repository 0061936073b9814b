//! Whoever claims the copyright.

use super::super::marks::{Marks, Topic};
use super::{Hints, Source};

/// What every claim of a copyright holds.
pub(in super::super) const OWNED: [&str; 5] = ["©", "(c)", "copyright", "авторские права", "Авторские права"];
/// Words between the sign and the owner.
const BEFORE: [&str; 12] = [
    "copyright",
    "c)",
    "авторские права",
    "гг.",
    "гг",
    "год",
    "г.",
    "by ",
    "all content",
    "all rights reserved",
    "все права защищены",
    "the ",
];
/// What ends an owner's name.
const AFTER: [&str; 19] = [
    ". ",
    " - ",
    " – ",
    " — ",
    " | ",
    "|",
    "•",
    "·",
    "\t",
    ",",
    " all rights",
    " все права",
    " powered",
    " website",
    " we ",
    " россия",
    "сайт ",
    " инн",
    " design",
];
/// Claims read of one page.
const MOST: usize = 60;
/// How far a claim reaches, in bytes.
const REACH: usize = 300;

pub(super) fn find(hints: &mut Hints, text: &str, marks: &Marks) {
    let mut last = 0;
    for (from, _) in marks.about(Topic::Owner).iter().copied().take(MOST) {
        if from < last {
            continue;
        }
        let end = memchr::memchr(b'\n', &text.as_bytes()[from..]).map_or(text.len(), |end| from + end);
        last = end.min(text.floor_char_boundary((from + REACH).min(text.len())));
        let owner = named(claimed(&text[from..last]));
        if owner.split_whitespace().count() <= 6 {
            hints.add(owner, Source::Owner);
        }
    }
}

/// A claim without the signs, years and words before its owner.
fn claimed(claim: &str) -> &str {
    let mut rest = claim;
    loop {
        let trimmed = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || "©-–—,.:;|/()".contains(c));
        let head = &trimmed[..trimmed.floor_char_boundary(trimmed.len().min(48))];
        let lower = head.to_lowercase();
        match BEFORE.iter().find(|word| lower.starts_with(**word)) {
            Some(word) => rest = &trimmed[trimmed.ceil_char_boundary(word.len().min(trimmed.len()))..],
            None => return trimmed,
        }
    }
}

/// The owner's name at the beginning of a text.
fn named(rest: &str) -> &str {
    let lower = rest.to_lowercase();
    let ends = AFTER.iter().filter_map(|end| memchr::memmem::find(lower.as_bytes(), end.as_bytes()));
    // Lower case may be longer or shorter in bytes; such signs don't stand in names.
    let owner = rest.get(..ends.min().unwrap_or(lower.len())).unwrap_or("");
    let owner = owner.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || ".,-–—".contains(c));
    match (owner.find('«'), owner.rfind('»')) {
        (Some(open), Some(close)) if open < close => &owner[..close + '»'.len_utf8()],
        _ => owner,
    }
}
