//! Names with a legal form.

use std::sync::LazyLock;

use regex::Regex;

use super::super::marks::{Mark, Marks, Topic, stretches};
use super::super::text::has_any;
use super::{Hints, Source};

// A boundary of words in all scripts would be beyond the fast way of matching; the form itself is Latin.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?:^|[^\p{L}])
        (?:
          (?:ООО|ОАО|ЗАО|ПАО|НАО|АО|ТОО|ОДО|НКО|АНО|МУП|ГУП|ФГУП|ЧТУП|ЧУП|УП|ГБУ|ГБУЗ|ЧОУ|АНО\ ДПО|
             М[АБК]Д?ОУ|М[АБК]У|Ф?Г[АБК]Д?П?ОУ|ФГБОУ|ФГБУ|Ф[БК]У|ГАУЗ|ГАУ|СПК|КФХ|
             [Оо]бщество\s+с\s+ограниченной\s+ответственностью|(?:[Пп]убличное\s+|[Зз]акрытое\s+|[Оо]ткрытое\s+|[Нн]епубличное\s+)?[Аа]кционерное\s+общество)
          \s*(?:(?:[А-ЯЁ]{2,5}\s+)?[«"“„][^»"”\n\t]{2,70}[»"”]+|[А-ЯЁA-Z][\p{L}\d-]+(?:\ [А-ЯЁA-Z][\p{L}\d-]+){0,2})
          |(?:ИП|[Ии]ндивидуальный\s+предприниматель)\s+[А-ЯЁ][а-яё-]+\s+(?:[А-ЯЁ]\.\s?[А-ЯЁ]\.|[А-ЯЁ][а-яё]+(?:\s+[А-ЯЁ][а-яё]+)?)
          |(?:[A-Z][\w&'’-]*\ ){1,5}(?:Inc|LLC|L\.L\.C|Ltd|Limited|GmbH|B\.V|BV|PLC|Corp|Corporation|LLP)(?-u:\b)
        )"#,
    )
    .ok()
});

/// What every name with a legal form holds; Latin ones begin with a blank and stand at the end.
pub(in super::super) const FORMS: [&str; 58] = [
    "ООО",
    "ОАО",
    "ЗАО",
    "ПАО",
    "НАО",
    "АО ",
    "АО«",
    "АО\"",
    "АО“",
    "АО„",
    "ТОО",
    "ОДО",
    "НКО",
    "АНО",
    "МУП",
    "ГУП",
    "ФГУП",
    "ЧУП",
    "УП ",
    "УП«",
    "УП\"",
    "ГБУ",
    "ЧОУ",
    "ЧТУП",
    "МАОУ",
    "МБОУ",
    "МКОУ",
    "МАДОУ",
    "МБДОУ",
    "МАУ",
    "МБУ",
    "МКУ",
    "ФБУ",
    "ФКУ",
    "ФГБ",
    "ГБОУ",
    "ГБПОУ",
    "ГАУ",
    "СПК",
    "КФХ",
    "ИП ",
    "общество с",
    "Общество с",
    "акционерное",
    "Акционерное",
    "индивидуальный п",
    "Индивидуальный п",
    " Inc",
    " LLC",
    " L.L.C",
    " Ltd",
    " Limited",
    " GmbH",
    " B.V",
    " BV",
    " PLC",
    " Corp",
    " LLP",
];

/// Stretches of a text that are looked at.
const MOST: usize = 40;

pub(super) fn find(hints: &mut Hints, text: &str, marks: &Marks) {
    let Some(name) = NAME.as_ref() else { return };
    let marks = marks.about(Topic::Form).iter().copied().filter(|mark| may_be_form(text, *mark));
    // A Latin form stands behind its name, a Russian one before it.
    let around = |(from, _): Mark| if text.as_bytes()[from] == b' ' { (120, 16) } else { (60, 160) };
    let stretches = stretches(text, marks, around);
    let names = stretches.iter().take(MOST).flat_map(|(from, to)| {
        // A name begins with a letter; the sign before it is no part of it.
        let inside = move |found: regex::Match<'_>| {
            let before = found.as_str().chars().next().filter(|c| !c.is_alphabetic()).map_or(0, char::len_utf8);
            (from + found.start() + before, from + found.end())
        };
        name.find_iter(&text[*from..*to]).map(inside)
    });
    for (from, to) in names.take(MOST) {
        if let Some(source) = source_of(text, from, to) {
            hints.add(&text[from..to], source);
        }
    }
}

/// "Inc" at the beginning of a longer word is no form.
fn may_be_form(text: &str, (from, to): Mark) -> bool {
    let rest = &text[to..];
    !text[from..to].starts_with(' ') || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') || rest.starts_with("oration")
}

/// What the words around a name say of it; none: it is another firm's.
fn source_of(text: &str, from: usize, to: usize) -> Option<Source> {
    let lead = text[text.floor_char_boundary(from.saturating_sub(160))..from].to_lowercase();
    let tail = text[to..text.ceil_char_boundary((to + 160).min(text.len()))].to_lowercase();
    let close = &lead[lead.ceil_char_boundary(lead.len().saturating_sub(60))..];
    if has_any(close, &["банк", "bank", "разработ", "design by", "создан", "пример", "образец"])
        || text[from..to].to_lowercase().contains("банк")
    {
        return None;
    }
    // "ООО «Ромашка» (далее Продавец)": a party of the contract is the firm.
    let next = tail.trim_start_matches(|c: char| !c.is_alphanumeric());
    let is_party = ["далее", "именуем"].iter().any(|word| next.starts_with(word));
    let owns = is_party
        || has_any(close, &["©", "copyright", "(c)", "наименование", "реквизиты"])
        || has_any(&tail, &["все права", "all rights", "инн", "огрн"]);
    Some(if owns { Source::FormalOwner } else { Source::Formal })
}
