//! What a name looks like from afar: enough to tell most of those that can't be like it, without reading them.

use crate::domain::company_name;
use crate::rules::twins::blocks::errors;
use crate::rules::twins::closeness::errors_between;
use crate::rules::twins::profile::{Profile, letters, spelled};

/// What a name looks like, with its letters: for those who have nothing but the name of one they may have met.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    letters: u64,
    sketch: Sketch,
}

impl Look {
    /// What a company's name looks like.
    pub fn of(profile: &Profile) -> Self {
        Self { letters: profile.letters(), sketch: Sketch::of(profile) }
    }

    /// The same of a name, any spelling.
    pub fn of_name(name: &str) -> Self {
        let (joined, sorted) = spelled(&company_name::normalize(name).text);
        Self { letters: letters(&joined), sketch: Sketch::drawn(&joined, &sorted) }
    }

    /// Whether the name of one that was met over a piece of it may be within the errors allowed to a newcomer's.
    pub fn may_be(&self, other: &Self) -> bool {
        (self.letters ^ other.letters).count_ones() <= self.sketch.letters_that_may_differ() && self.sketch.may_be(&other.sketch)
    }
}

/// The pairs of neighbouring letters of a company's folded names, one bit for each (several may share one).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sketch {
    joined: u64,
    sorted: u64,
    length: u8,
}

/// An edit takes two pairs of letters away at most, and brings two others.
const BITS_AN_EDIT_CHANGES: u32 = 4;

impl Sketch {
    pub(super) fn of(profile: &Profile) -> Self {
        Self::drawn(profile.joined(), profile.sorted())
    }

    fn drawn(joined: &[u8], sorted: &[u8]) -> Self {
        Self { joined: pairs(joined), sorted: pairs(sorted), length: joined.len().min(usize::from(u8::MAX)) as u8 }
    }

    /// Letters that stand in one of two names only, of names within the errors this one may hold.
    pub(super) fn letters_that_may_differ(&self) -> u32 {
        2 * errors(self.length.into()) as u32
    }

    /// Whether two names may be within the allowed errors, as they stand or with their words sorted.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        let most = BITS_AN_EDIT_CHANGES * errors_between(self.length.into(), other.length.into()) as u32;
        let near = |a: u64, b: u64| (a ^ b).count_ones() <= most;
        // A name of one word has nothing to sort.
        near(self.joined, other.joined) || (self.sorted != 0 && other.sorted != 0 && near(self.sorted, other.sorted))
    }
}

fn pairs(name: &[u8]) -> u64 {
    name.windows(2).fold(0, |bits, pair| {
        let mixed = (u32::from(pair[0]) << 8 | u32::from(pair[1])).wrapping_mul(0x9e37_79b1);
        bits | 1 << (mixed >> 26)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_within_the_allowed_errors_always_look_alike(a in "[а-е]{5,30}", edits in prop::collection::vec((0..3_u8, any::<usize>(), "[а-е]"), 0..5)) {
            let mut letters: Vec<char> = a.chars().collect();
            for (kind, at, letter) in edits {
                let (at, letter) = (at % letters.len().max(1), letter.chars().next().unwrap_or('а'));
                match kind {
                    0 if letters.len() > 1 => { letters.remove(at); }
                    1 => letters.insert(at, letter),
                    _ => letters[at] = letter,
                }
            }
            let b: String = letters.into_iter().collect();
            let (a, b) = (Profile::new(&a, ""), Profile::new(&b, ""));
            let off = strsim::generic_levenshtein(&Joined(a.joined()), &Joined(b.joined()));
            prop_assume!(off <= errors_between(a.joined().len(), b.joined().len()));
            prop_assert!(Sketch::of(&a).may_be(&Sketch::of(&b)));
            prop_assert!(Look::of(&a).may_be(&Look::of_name(&b.name)));
        }
    }

    struct Joined<'a>(&'a [u8]);
    impl<'b> IntoIterator for &Joined<'b> {
        type Item = u8;
        type IntoIter = std::iter::Copied<std::slice::Iter<'b, u8>>;
        fn into_iter(self) -> Self::IntoIter {
            self.0.iter().copied()
        }
    }

    #[test]
    fn names_that_share_a_trade_only_look_different() {
        let sketch = |name: &str| Sketch::of(&Profile::new(name, "уфа"));
        for (a, b) in [("Бавогустрой", "Дарисострой"), ("Мебель Карина", "Мебель Тополь"), ("Электромонтаж", "Бавогумонтаж")]
        {
            assert!(!sketch(a).may_be(&sketch(b)), "{a} {b}");
        }
    }
}
