//! How close two names are: by edits and by Jaro–Winkler, cheap questions first; and what makes close names two.

use super::blocks::MOST_ERRORS;
use super::{JARO_WINKLER, LEVENSHTEIN};

/// Errors that two names of these lengths may differ by.
pub(super) fn errors_between(a: usize, b: usize) -> usize {
    (((1.0 - LEVENSHTEIN) * a.max(b) as f64 + 1e-9) as usize).min(MOST_ERRORS)
}

/// Within the thresholds, cheap questions first.
pub(super) fn close(a: &[u8], b: &[u8]) -> bool {
    within_errors(a, b, errors_between(a.len(), b.len())) && jaro_winkler(a, b) >= JARO_WINKLER
}

pub(super) fn jaro_winkler(a: &[u8], b: &[u8]) -> f64 {
    let prefix = a.iter().zip(b).take(4).take_while(|(a, b)| a == b).count() as f64;
    let jaro = strsim::generic_jaro(&Bytes(a), &Bytes(b));
    jaro + 0.1 * prefix * (1.0 - jaro)
}

struct Bytes<'a>(&'a [u8]);
impl<'b> IntoIterator for &Bytes<'b> {
    type Item = u8;
    type IntoIter = std::iter::Copied<std::slice::Iter<'b, u8>>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

/// Whether two names differ by at most so many edits. What they begin and end with in common is not looked at.
fn within_errors(mut a: &[u8], mut b: &[u8], allowed: usize) -> bool {
    if a.len().abs_diff(b.len()) > allowed {
        return false;
    }
    let front = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    (a, b) = (&a[front..], &b[front..]);
    let back = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    (a, b) = (&a[..a.len() - back], &b[..b.len() - back]);
    if a.is_empty() || b.is_empty() {
        return a.len() + b.len() <= allowed;
    }
    allowed > 0 && strsim::generic_levenshtein(&Bytes(a), &Bytes(b)) <= allowed
}

/// «Школа 5» and «Школа 6» are two schools.
pub(super) fn differ_by_a_number(a: &str, b: &str) -> bool {
    let digits = |text: &str| -> Vec<char> { text.chars().filter(|c| c.is_numeric()).collect() };
    digits(a) != digits(b)
}

/// «Вектор Плюс» is not «Вектор»: a word more is a name, not a slip.
pub(super) fn differ_by_a_word(a: &str, b: &str) -> bool {
    let (mut a, mut b): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    if a.len() == b.len() {
        return false;
    }
    if a.len() > b.len() {
        std::mem::swap(&mut a, &mut b);
    }
    a.iter().all(|word| b.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn errors_are_counted_as_by_the_book(a in "[a-d]{0,12}", b in "[a-d]{0,12}", allowed in 0_usize..5) {
            prop_assert_eq!(within_errors(a.as_bytes(), b.as_bytes(), allowed), strsim::levenshtein(&a, &b) <= allowed);
        }
    }
}
