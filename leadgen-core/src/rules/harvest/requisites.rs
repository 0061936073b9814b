//! ИНН, ОГРН, КПП with their check digits.

use std::sync::LazyLock;

use regex::Regex;

use super::marks::{Marks, Topic, stretches};
use super::text::{before, has_any};

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

/// A number found, and whether the words before it speak of a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) kind: Requisite,
    pub(super) value: String,
    pub(super) of_bank: bool,
}

/// Numbers taken of one page.
const MOST: usize = 100;

/// A label, whose it is, what it is written with, and digits in groups. Two labels may share their numbers.
static LABELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (ИНН|инн|Инн|INN|ОГРНИП|огрнип|ОГРН|огрн|Огрн|OGRNIP|OGRN|КПП|кпп|KPP|[Оо]сновной\s+государственный\s+регистрационный\s+номер|[Ии]дентификационный\s+номер\s+налогоплательщика)
        (?:\s*[/\\,и]\s*(?:КПП|кпп|KPP|ОГРНИП|ОГРН))?
        ([^0-9\n]{0,40}\n?[^0-9\n]{0,12})
        ([0-9][0-9\x20\t\-]{7,22}[0-9])
        (?:\s*[/\\,;]?\s*(?:КПП|кпп)?[\s:№]*([0-9]{4}[0-9A-Z]{2}[0-9]{3})(?:[^0-9]|$))?",
    )
    .ok()
});

/// What every label holds.
pub(super) const LABELS: [&str; 13] =
    ["ИНН", "инн", "Инн", "INN", "ОГРН", "огрн", "Огрн", "OGRN", "КПП", "кпп", "KPP", "регистрационный номер", "номер налогоплательщика"];

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

/// The number a cell of a table holds, its digits only; none if it is none. Tables take a leading zero for nothing: with it back
/// the check digits must be right.
pub fn in_cell(kind: Requisite, cell: &str) -> Option<String> {
    let digits: String = cell.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '"')).collect();
    // A spreadsheet takes it for an amount.
    let digits = digits.strip_suffix(".0").unwrap_or(&digits).to_owned();
    let zero_is_lost = kind == Requisite::Inn && matches!(digits.len(), 9 | 11);
    let whole = if zero_is_lost { format!("0{digits}") } else { digits };
    is_valid(kind, &whole).then_some(whole)
}

/// The labelled numbers of a text.
pub(super) fn find(text: &str, marks: &Marks) -> Vec<Number> {
    let Some(labelled) = LABELLED.as_ref() else { return Vec::new() };
    let mut numbers = Vec::new();
    // Without a digit nearby there is nothing to read.
    let near_digits = |(from, to): &(usize, usize)| text.as_bytes()[*from..(*to + 200).min(text.len())].iter().any(u8::is_ascii_digit);
    for (from, to) in stretches(text, marks.about(Topic::Requisite).iter().copied().filter(near_digits), |_| (80, 200)) {
        in_stretch(labelled, &text[..to], from, &mut numbers);
    }
    numbers
}

fn in_stretch(labelled: &Regex, text: &str, mut from: usize, numbers: &mut Vec<Number>) {
    while let Some(found) = labelled.captures_at(text, from)
        && numbers.len() < MOST
    {
        let (Some(whole), Some(label), Some(between), Some(digits)) = (found.get(0), found.get(1), found.get(2), found.get(3)) else {
            break;
        };
        // "длинный" is no label.
        if text[..label.start()].ends_with(char::is_alphabetic) {
            from = label.end();
            continue;
        }
        let kind = kind_of(label.as_str());
        let of_bank = speaks_of_bank(between.as_str()) || after_bank(before(text, label.start(), 160));
        // Words between that are a label of their own belong to another number.
        let is_own = !has_any(&between.as_str().to_lowercase(), &["инн", "огрн", "кпп", "тел", "бик", "р/с", "ваш"]);
        let compact: String = digits.as_str().chars().filter(char::is_ascii_digit).collect();
        let value = if is_own { cut(kind, digits.as_str(), &compact) } else { None };
        from = if value.is_some() { digits.end() } else { label.end() };
        if let Some(value) = value {
            numbers.push(Number { kind, value, of_bank });
            if let Some(second) = found.get(4) {
                numbers.push(Number { kind: Requisite::Kpp, value: second.as_str().to_owned(), of_bank });
            }
        }
        if from <= whole.start() {
            break;
        }
    }
}

/// The central bank gives licences; it keeps nobody's account.
fn speaks_of_bank(words: &str) -> bool {
    let lower = words.to_lowercase().replace("банком россии", "").replace("банка россии", "");
    lower.contains("банк") || lower.contains("bank")
}

/// Whether the words before a label are about a bank: on its own line, or as the heading of the line before.
fn after_bank(lead: &str) -> bool {
    let (above, line) = lead.rsplit_once('\n').unwrap_or(("", lead));
    let line = &line[line.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1)..];
    let above = above.trim().to_lowercase();
    speaks_of_bank(line) || above.starts_with("банк") || above.starts_with("наименование банка")
}

fn kind_of(label: &str) -> Requisite {
    match label.to_lowercase().as_str() {
        "кпп" | "kpp" => Requisite::Kpp,
        "инн" | "inn" => Requisite::Inn,
        label if label.starts_with("идент") => Requisite::Inn,
        _ => Requisite::Ogrn,
    }
}

/// A label may be followed by two numbers without a sign between them: the right length is cut from the front.
fn cut(kind: Requisite, written: &str, compact: &str) -> Option<String> {
    let first = written.split([' ', '\t', '-']).next().unwrap_or("");
    let lengths: &[usize] = match kind {
        Requisite::Inn => &[10, 12],
        Requisite::Ogrn => &[13, 15],
        Requisite::Kpp => &[9],
    };
    let whole = std::iter::once(first).chain(lengths.iter().filter_map(|length| compact.get(..*length)));
    whole.into_iter().find(|number| lengths.contains(&number.len()) && is_valid(kind, number)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Requisite, String, bool)> {
        find(text, &Marks::of(text)).into_iter().map(|number| (number.kind, number.value, number.of_bank)).collect()
    }

    #[test]
    fn labelled_numbers_are_read_in_every_layout() {
        let inn = (Requisite::Inn, "7707083893".to_owned(), false);
        for text in [
            "ИНН 7707083893",
            "ИНН: 7707 083 893",
            "ИНН/КПП\t7707083893 / 773601001",
            "ИНН\n7707083893",
            "инн № 7707083893,",
            "ИНН ООО «Ромашка» 7707083893",
            "ИНН организации: 7707083893",
            "Идентификационный номер налогоплательщика (ИНН) 7707083893",
            "ИНН 7707083893 КПП 773601001",
        ] {
            assert_eq!(found(text).first(), Some(&inn), "{text}");
        }
        assert_eq!(found("ИНН/КПП\t7707083893 / 773601001")[1].0, Requisite::Kpp);
        assert_eq!(found("ОГРН: 1 02 77 00 132195")[0].1, "1027700132195");
        assert_eq!(found("ИНН 165501234514, ОГРНИП 316169000123451").len(), 2);
    }

    #[test]
    fn a_bank_is_told_apart_and_samples_are_refused() {
        assert!(found("Банк: ПАО Сбербанк, ИНН 7707083893")[0].2);
        assert!(found("ИНН банка 7707083893")[0].2);
        assert!(found("Банк получателя\tПАО Сбербанк\nИНН\t7707083893")[0].2);
        assert!(!found("Лицензия выдана Банком России\nИНН\n7707083893")[0].2);
        assert!(found("Пример: ИНН 1234567890, ОГРН 1234567890123").is_empty());
    }
}
