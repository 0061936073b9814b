//! ИНН, ОГРН, КПП with their check digits, and the name a firm gives itself.

use std::sync::LazyLock;

use regex::Regex;

use super::html::Page;
use super::structured::Structured;

/// A kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requisite {
    /// Taxpayer number: 10 digits of a firm, 12 of a person.
    Inn,
    /// State register number: 13 digits of a firm, 15 of a sole trader.
    Ogrn,
    /// Reason code of registration: no check digit.
    Kpp,
}

#[derive(Default)]
pub(super) struct Numbers {
    pub(super) inn: Option<String>,
    pub(super) ogrn: Option<String>,
    pub(super) kpp: Option<String>,
}

static LABELLED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(ИНН|ОГРНИП|ОГРН|КПП)(?:\s*/\s*КПП)?[\s:№.\-–—]*([0-9][0-9\s]{7,20}[0-9])"));
static FIRM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?:^|[^\p{L}])((?:ООО|ОАО|ЗАО|ПАО|АО)\s*[«"“„][^»"”\n]{2,60}[»"”]+|ИП\s+[А-ЯЁ][а-яё]+\s+[А-ЯЁ]\.?\s?[А-ЯЁ]?[а-яё.]*)"#)
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|e| panic!("a pattern of our own is wrong: {e}"))
}

/// Whether a number has the right length and check digits.
///
/// ```
/// use leadgen_core::rules::harvest::{Requisite, requisite_is_valid};
///
/// assert!(requisite_is_valid(Requisite::Inn, "7707083893"));
/// assert!(!requisite_is_valid(Requisite::Inn, "7707083894"));
/// assert!(requisite_is_valid(Requisite::Ogrn, "1027700132195"));
/// ```
pub fn is_valid(kind: Requisite, value: &str) -> bool {
    let digits: Vec<u64> = value.bytes().filter(u8::is_ascii_digit).map(|b| u64::from(b - b'0')).collect();
    if digits.iter().all(|digit| *digit == 0) {
        return false;
    }
    let weighed = |weights: &[u64]| digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u64>() % 11 % 10;
    match kind {
        Requisite::Kpp => {
            let bytes = value.as_bytes();
            let fits = |(at, b): (usize, &u8)| b.is_ascii_digit() || (matches!(at, 4 | 5) && b.is_ascii_uppercase());
            bytes.len() == 9 && bytes.iter().enumerate().all(fits)
        }
        _ if digits.len() != value.len() => false,
        Requisite::Inn => match digits.len() {
            10 => weighed(&[2, 4, 10, 3, 5, 9, 4, 6, 8]) == digits[9],
            12 => weighed(&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == digits[10] && weighed(&[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) == digits[11],
            _ => false,
        },
        Requisite::Ogrn => {
            let rest = |divisor: u64| digits[..digits.len() - 1].iter().fold(0, |rest, digit| (rest * 10 + digit) % divisor) % 10;
            match digits.len() {
                13 => matches!(digits[0], 1 | 5) && rest(11) == digits[12],
                15 => digits[0] == 3 && rest(13) == digits[14],
                _ => false,
            }
        }
    }
}

pub(super) fn find(text: &str) -> Numbers {
    let mut numbers = Numbers::default();
    for found in LABELLED.captures_iter(text).take(200) {
        let label = found[1].to_uppercase();
        let digits: String = found[2].chars().filter(char::is_ascii_digit).collect();
        // A label may be followed by two numbers without a sign between them: the right length is cut from the front.
        let fits = |kind: Requisite, lengths: &[usize]| {
            lengths.iter().filter_map(|length| digits.get(..*length)).find(|number| is_valid(kind, number)).map(str::to_owned)
        };
        match label.as_str() {
            "ИНН" => numbers.inn = numbers.inn.take().or_else(|| fits(Requisite::Inn, &[digits.len(), 12, 10])),
            "КПП" => numbers.kpp = numbers.kpp.take().or_else(|| fits(Requisite::Kpp, &[9])),
            _ => numbers.ogrn = numbers.ogrn.take().or_else(|| fits(Requisite::Ogrn, &[digits.len(), 15, 13])),
        }
    }
    numbers
}

/// The firm's name with a weight: a legal form on the page, structured data, the site's name, the title.
pub(super) fn firm_name(page: &Page, structured: &Structured) -> Option<(u8, String)> {
    let tidy = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(found) = FIRM.captures(&page.text) {
        return Some((4, tidy(&found[1])));
    }
    if let Some(name) = structured.name.as_deref().filter(|name| !name.is_empty()) {
        return Some((3, tidy(name)));
    }
    if let Some(name) = page.site_name.as_deref().filter(|name| !name.trim().is_empty()) {
        return Some((2, tidy(name)));
    }
    let title = page
        .title
        .split(['|', '—', '–', '•', '»', ':'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .min_by_key(|part| part.chars().count())?;
    Some((1, tidy(title)))
}
