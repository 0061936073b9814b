//! Titles that are nobody's name: «Главная», «Стоматология в Казани - цены». Made of words that any page bears, of what was
//! asked for and of the place, they prove nothing.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::fold;

/// The words, one a line.
const PAGE_WORDS: &str = include_str!("../../../data/page_words.txt");

/// The folded words of a text.
pub(super) fn folded(text: &str) -> impl Iterator<Item = Vec<u8>> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| {
        let mut folded = Vec::with_capacity(word.len());
        fold::word(&word.to_lowercase().replace('ё', "е"), &mut folded);
        folded
    })
}

/// Whether any page may bear a word, folded.
pub(super) fn is_of_pages(word: &[u8]) -> bool {
    static FOLDED: OnceLock<HashSet<Vec<u8>>> = OnceLock::new();
    let words = FOLDED.get_or_init(|| PAGE_WORDS.lines().filter(|line| !line.starts_with('#')).flat_map(folded).collect());
    words.contains(word) || is_year(word)
}

fn is_year(word: &[u8]) -> bool {
    word.len() == 4 && (word.starts_with(b"19") || word.starts_with(b"20")) && word.iter().all(u8::is_ascii_digit)
}

/// Whether two words are forms of one: «стоматологическая» and «стоматология», «окна» and «окно». «Мебельград» is no form of
/// «мебель»: what stands behind the stem must be an ending.
pub(super) fn is_form_of(word: &[u8], other: &[u8]) -> bool {
    let (begin, short, long) = lengths(word, other);
    match short {
        0..=2 => word == other,
        3..=5 => begin >= 2 && begin + 1 >= short && long <= short + 2,
        _ => begin >= 5 && begin + 3 >= short && is_ending(&word[begin..]) && is_ending(&other[begin..]),
    }
}

/// What makes an adjective of a noun, and its endings and those of nouns in the plural.
const SUFFIXES: [&str; 10] = ["", "н", "ов", "ев", "ск", "еск", "ическ", "ческ", "анск", "ионн"];
const ENDINGS: [&str; 16] = ["ый", "ий", "ой", "ая", "яя", "ое", "ее", "ые", "ие", "ого", "его", "ому", "ую", "ых", "ами", "ями"];

fn is_ending(tail: &[u8]) -> bool {
    static FOLDED: OnceLock<HashSet<Vec<u8>>> = OnceLock::new();
    let endings = FOLDED.get_or_init(|| {
        SUFFIXES
            .iter()
            .flat_map(|suffix| ENDINGS.iter().flat_map(move |end| folded(&format!("{suffix}{end}")).collect::<Vec<_>>()))
            .collect()
    });
    tail.len() <= 2 || endings.contains(tail)
}

/// Whether a word is that of a place: «Казани» and «казанская» of «казань».
pub(super) fn is_form_of_place(word: &[u8], place: &[u8]) -> bool {
    let (begin, short, _) = lengths(word, place);
    is_form_of(word, place) || (begin >= 4 && begin + 2 >= short)
}

fn lengths(a: &[u8], b: &[u8]) -> (usize, usize, usize) {
    let begin = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    (begin, a.len().min(b.len()), a.len().max(b.len()))
}

#[cfg(test)]
mod tests {
    use crate::rules::twins::profile::Profile;

    #[test]
    fn a_title_of_what_was_asked_for_is_no_name() {
        for (title, niche) in [
            ("Главная", "стоматология"),
            ("Стоматология в Казани", "стоматология"),
            ("Стоматологическая клиника в Казани - цены 2026", "Стоматология"),
            ("Stomatologiya Kazan", "стоматология"),
            ("Ремонт окон недорого", "ремонт окон"),
            ("Казанский центр мебели", "мебель"),
            ("Python Machine Learning", "python machine learning"),
        ] {
            assert!(Profile::new(title, "Казань").sought(niche).is_nameless(), "{title}");
        }
        for (title, niche) in [
            ("Дента Люкс", "стоматология"),
            ("Стоматология «Улыбка» в Казани", "стоматология"),
            ("Окна Бавогу", "окна"),
            ("Дентал", "дентист"),
            ("Мебельград", "мебель"),
            ("Стоматология в Самаре", "стоматология"),
        ] {
            assert!(!Profile::new(title, "Казань").sought(niche).is_nameless(), "{title}");
        }
        assert!(!Profile::new("Стоматология в Казани", "").is_nameless(), "nobody asked for it");
    }
}
