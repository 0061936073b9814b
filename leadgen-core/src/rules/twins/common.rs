//! Names that many firms bear. «Альфа-Строй» is made of words of which thousands of names are made: alone, it proves nothing.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::fold;

/// The words, one a line.
const WORDS: &str = include_str!("../../../data/common_words.txt");

/// Whether a folded name is made of common words only.
pub(super) fn is_common(name: &[u8]) -> bool {
    let words = words();
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for start in 0..name.len() {
        if !reached[start] {
            continue;
        }
        for end in start + 1..=name.len().min(start + words.longest) {
            if !reached[end] && words.folded.contains(&name[start..end]) {
                reached[end] = true;
            }
        }
    }
    !name.is_empty() && reached[name.len()]
}

struct Words {
    folded: HashSet<Vec<u8>>,
    longest: usize,
}

fn words() -> &'static Words {
    static FOLDED: OnceLock<Words> = OnceLock::new();
    FOLDED.get_or_init(|| {
        let lines = WORDS.lines().filter(|line| !line.starts_with('#'));
        let folded: HashSet<Vec<u8>> = lines
            .map(|line| {
                let mut folded = Vec::new();
                fold::word(line.trim(), &mut folded);
                folded
            })
            .filter(|folded| !folded.is_empty())
            .collect();
        Words { longest: folded.iter().map(Vec::len).max().unwrap_or(0), folded }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::twins::profile::Profile;

    #[test]
    fn a_name_is_common_if_all_its_words_are() {
        for common in
            ["Альфа-Строй", "АльфаСтрой", "Вектор", "Vektor Servis", "Урал Пром Сервис", "Шиномонтаж", "Натяжные потолки", "Доставка суши"]
        {
            assert!(super::is_common(Profile::new(common, "").joined()), "{common}");
        }
        for rare in ["Дента Люкс", "Ромашка", "Бавогустрой", "Альфа Хрямзик", "Салон красоты Шарм", "Стоматология Крамаренко", ""]
        {
            assert!(!super::is_common(Profile::new(rare, "").joined()), "{rare}");
        }
    }
}
