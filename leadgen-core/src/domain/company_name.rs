//! The normal form of a company's name: what is compared when two spellings may be one firm (DEDUP-1, DEDUP-2).

use std::fmt;

use crate::domain::name::is_zero_width;
use crate::error::{Error, ErrorKind, Result};

/// Characters of a name that are kept and compared: the longest registered names are shorter.
const LONGEST: usize = 300;

const FORMS: [&str; 36] = [
    "ооо",
    "оао",
    "зао",
    "пао",
    "нао",
    "ао",
    "ип",
    "нко",
    "ано",
    "тоо",
    "одо",
    "чп",
    "фгуп",
    "муп",
    "гуп",
    "ltd",
    "limited",
    "llc",
    "llp",
    "lp",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "gmbh",
    "mbh",
    "ag",
    "kg",
    "ug",
    "plc",
    "sa",
    "sas",
    "sarl",
    "srl",
    "spa",
];
const MORE_FORMS: [&str; 5] = ["bv", "nv", "oy", "ab", "as"];
const FORM_PHRASES: [&str; 10] = [
    "общество с ограниченной ответственностью",
    "публичное акционерное общество",
    "непубличное акционерное общество",
    "открытое акционерное общество",
    "закрытое акционерное общество",
    "акционерное общество",
    "индивидуальный предприниматель",
    "автономная некоммерческая организация",
    "некоммерческая организация",
    "limited liability company",
];
const GENERIC: [&str; 11] =
    ["гк", "тд", "компания", "фирма", "организация", "предприятие", "холдинг", "корпорация", "company", "group", "holding"];
const GENERIC_PHRASES: [&str; 3] = ["группа компаний", "торговый дом", "официальный сайт"];

/// A company's name: as it was seen, and the normal form it is compared by, which can't get out of step.
///
/// ```
/// use leadgen_core::domain::company_name::CompanyName;
///
/// let name = CompanyName::parse(" ООО «Дента-Люкс» ").unwrap();
/// assert_eq!((name.as_str(), name.normal(), name.legal_form()), ("ООО «Дента-Люкс»", "дента люкс", Some("ооо")));
/// assert!(CompanyName::parse("«—»").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyName {
    shown: String,
    normal: NormalName,
}

impl CompanyName {
    /// Reads a name as people write it, up to 300 characters of it; control characters are blanks. Refuses text without a letter
    /// or digit.
    pub fn parse(text: &str) -> Result<Self> {
        let shown = shown(text);
        let normal = normalize(&shown);
        if normal.text.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, format!("read the company name {shown:?}")).code("bad_company_name"));
        }
        Ok(Self { shown, normal })
    }

    /// As it was seen.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The normal form: lower case, no legal form, words separated by one blank. Never empty.
    pub fn normal(&self) -> &str {
        &self.normal.text
    }

    /// The legal form it carries.
    pub fn legal_form(&self) -> Option<&str> {
        self.normal.legal_form.as_deref()
    }
}

impl fmt::Display for CompanyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What is shown and kept of a text.
fn shown(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name: String = visible.trim().chars().take(LONGEST).collect();
    name.trim_end().to_owned()
}

/// A name in its normal form, with the legal form that was taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalName {
    /// Lower case, no legal form, words separated by one blank. Empty only if the name has no letter or digit.
    pub text: String,
    /// The first legal form taken off.
    pub legal_form: Option<String>,
}

/// Reads a name as people write it.
///
/// ```
/// use leadgen_core::domain::company_name::normalize;
///
/// let name = normalize("О.О.О. «Ромашка+»");
/// assert_eq!((name.text.as_str(), name.legal_form.as_deref()), ("ромашка", Some("ооо")));
/// ```
pub fn normalize(name: &str) -> NormalName {
    let visible: String = name.chars().filter(|c| !is_zero_width(*c)).collect();
    let lower: String = visible
        .to_lowercase()
        .chars()
        .map(|c| if c == 'ё' { 'е' } else { c })
        .filter(|c| !matches!(c, '\'' | '’' | 'ʼ' | '`' | '´'))
        .collect();
    let spaced: String = join_initials(&lower).chars().map(|c| if is_letter_or_digit(c) { c } else { ' ' }).collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut legal_form = None;
    let stripped = strip(&words, true, &mut legal_form);
    let kept = match stripped.is_empty() {
        false => stripped,
        true => match strip(&words, false, &mut legal_form) {
            forms_only if forms_only.is_empty() => words,
            forms_only => forms_only,
        },
    };
    NormalName { text: kept.join(" "), legal_form }
}

/// Letters of Russian names are told without a look into the tables for all scripts.
fn is_letter_or_digit(c: char) -> bool {
    matches!(c, 'а'..='я' | 'А'..='Я') || c.is_alphanumeric()
}

/// The short word for a legal form as a name carries it: «общество с ограниченной ответственностью» is `ооо`.
pub fn short_form(form: &str) -> &str {
    match form {
        "общество с ограниченной ответственностью" | "ltd" | "limited" | "llc" | "limited liability company" => {
            "ооо"
        }
        "публичное акционерное общество" => "пао",
        "непубличное акционерное общество" => "нао",
        "открытое акционерное общество" => "оао",
        "закрытое акционерное общество" => "зао",
        "акционерное общество" => "ао",
        "индивидуальный предприниматель" => "ип",
        "автономная некоммерческая организация" => "ано",
        "некоммерческая организация" => "нко",
        other => other,
    }
}

fn strip<'a>(words: &[&'a str], generic_too: bool, legal_form: &mut Option<String>) -> Vec<&'a str> {
    let mut words = words.to_vec();
    loop {
        let Some((front, count, is_form)) = droppable(&words, generic_too) else { return words };
        let dropped: Vec<&str> = if front { words.drain(..count).collect() } else { words.drain(words.len() - count..).collect() };
        if is_form && legal_form.is_none() {
            *legal_form = Some(dropped.join(" "));
        }
    }
}

/// Which end can lose how many words, and whether they are a legal form.
fn droppable(words: &[&str], generic_too: bool) -> Option<(bool, usize, bool)> {
    for front in [true, false] {
        let phrases = FORM_PHRASES.iter().map(|p| (*p, true)).chain(GENERIC_PHRASES.iter().filter(|_| generic_too).map(|p| (*p, false)));
        for (phrase, is_form) in phrases {
            if let Some(count) = phrase_at_end(words, phrase, front) {
                return Some((front, count, is_form));
            }
        }
        let word = if front { words.first() } else { words.last() }?;
        if FORMS.contains(word) || MORE_FORMS.contains(word) {
            return Some((front, 1, true));
        }
        if generic_too && GENERIC.contains(word) {
            return Some((front, 1, false));
        }
    }
    None
}

/// How many words a phrase takes, if the words begin (or end) with it.
fn phrase_at_end(words: &[&str], phrase: &str, front: bool) -> Option<usize> {
    let mut count = 0;
    let mut fits = |part: &str| {
        let at = if front { Some(count) } else { words.len().checked_sub(count + 1) };
        count += 1;
        at.and_then(|at| words.get(at)).is_some_and(|word| *word == part)
    };
    let all = if front { phrase.split(' ').all(&mut fits) } else { phrase.split(' ').rev().all(&mut fits) };
    all.then_some(count)
}

/// «О.О.О.» → «ооо»: a chain of single letters joined by dots (a blank after a dot allowed) that touches no other letter.
fn join_initials(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let starts_alone = at == 0 || !is_letter_or_digit(chars[at - 1]);
        if starts_alone && let Some((letters, end)) = initials(&chars, at) {
            out.extend(letters);
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

fn initials(chars: &[char], start: usize) -> Option<(Vec<char>, usize)> {
    let letter = |at: usize| chars.get(at).copied().filter(|c| c.is_alphabetic());
    let alone = |at: usize| chars.get(at + 1).is_none_or(|c| !is_letter_or_digit(*c));
    let mut letters = vec![letter(start).filter(|_| alone(start))?];
    let mut at = start + 1;
    while chars.get(at) == Some(&'.') {
        let next = if chars.get(at + 1) == Some(&' ') { at + 2 } else { at + 1 };
        match letter(next).filter(|_| alone(next)) {
            Some(c) => {
                letters.push(c);
                at = next + 1;
            }
            None => {
                at += 1;
                break;
            }
        }
    }
    (letters.len() >= 2).then_some((letters, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn names_have_the_golden_normal_form() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../../golden/company_name.json")).expect("a list of cases");
        assert!(!cases.is_empty());
        for case in cases {
            assert_eq!(Value::from(normalize(case["input"].as_str().unwrap_or("")).text), case["expected"], "{}", case["name"]);
        }
    }

    #[test]
    fn a_name_has_an_end_and_nothing_that_can_not_be_shown() {
        let name = CompanyName::parse(&format!("ООО\0«Ромашка»\n{}", "х".repeat(5000))).expect("a name");
        assert_eq!((name.as_str().chars().count(), name.legal_form()), (LONGEST, Some("ооо")));
        assert!(name.as_str().starts_with("ООО «Ромашка» ххх") && !name.as_str().contains(char::is_control));
        assert!(name.normal().chars().count() < LONGEST);
        assert!(CompanyName::parse(&format!("{}а", "—".repeat(LONGEST))).is_err(), "what is cut off is no name");
    }

    proptest! {
        #[test]
        fn what_is_read_as_a_name_prints_back_the_same(text in "\\PC{0,40}") {
            if let Ok(name) = CompanyName::parse(&text) {
                prop_assert_eq!(CompanyName::parse(name.as_str()).ok(), Some(name));
            }
        }
    }
}
