//! Which companies are compared at all. Each is filed under a few keys and asks for a few more: two that share one meet.
//!
//! For names the keys are pieces. A name is cut into one piece more than it may hold errors; if two names are alike
//! enough, at least one piece of one stands (nearly) at its place in the other. So nothing is missed, and only names with
//! a piece in common, in one place and of about one length, are compared. The choice of places is that of Pass-Join
//! (Li, Deng, Wang, Feng: a partition-based method for similarity joins, 2011).

use super::profile::{Known, Profile};

/// Companies under one key that are compared with a newcomer; those beyond are counted, not compared.
pub const BLOCK: usize = 200;
/// Errors a name may hold, of its length: with Levenshtein 0.85, 15 % of the longer name are 0.15/0.85 of the shorter.
const ERRORS: (usize, usize) = (15, 85);
/// Errors any name may hold. More of them in a long name are other words, not slips.
pub(super) const MOST_ERRORS: usize = 4;

/// Whether a key stands for a fact and not for a piece of a name.
pub(crate) fn is_fact(key: i64) -> bool {
    key & 1 == 1
}

/// The hash of a key, stable for good (FNV-1a, 64 bits): stores keep it. The lowest bit is left free: it is set for facts.
fn hash(parts: &[&[u8]]) -> i64 {
    Begun::with(parts).end(&[])
}

/// A hash of which the first parts are read.
#[derive(Clone, Copy)]
struct Begun(u64);

impl Begun {
    fn with(parts: &[&[u8]]) -> Self {
        Self(0xcbf2_9ce4_8422_2325).and(parts)
    }

    fn and(self, parts: &[&[u8]]) -> Self {
        let bytes = parts.iter().flat_map(|part| part.iter().chain(&[0xFF]));
        Self(bytes.fold(self.0, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    fn end(self, parts: &[&[u8]]) -> i64 {
        self.and(parts).0.cast_signed() & !1
    }
}

/// The keys a company is filed under.
pub fn keys(profile: &Profile) -> Vec<i64> {
    let mut keys = Vec::with_capacity(12);
    keys_into(profile, &mut keys);
    keys
}

/// The keys a newcomer asks for.
pub fn probes(profile: &Profile) -> Vec<i64> {
    let mut keys = Vec::with_capacity(40);
    probes_into(profile, &mut keys);
    keys
}

/// Puts [`keys`] in place of what is in a list, for many companies one after the other.
pub(super) fn keys_into(profile: &Profile, keys: &mut Vec<i64>) {
    exact(profile, keys);
    for (form, name) in profile.forms() {
        let count = errors(name.len()) + 1;
        let begun = Begun::with(&[form, profile.region.as_bytes(), &[name.len() as u8]]);
        for piece in 0..count {
            let (start, size) = place(name.len(), count, piece);
            keys.push(begun.end(&[&[piece as u8], &name[start..start + size]]));
        }
    }
    let kind = if profile.region.is_empty() { b"nowhere" } else { b"a place" };
    keys.extend(profile.forms().map(|(form, name)| hash(&[kind, form, name])));
    tidy(keys);
}

/// Puts [`probes`] in place of what is in a list.
pub(super) fn probes_into(profile: &Profile, keys: &mut Vec<i64>) {
    exact(profile, keys);
    for (form, name) in profile.forms() {
        name_probes(form, profile.region.as_bytes(), name, keys);
    }
    // A name without a place meets its equals anywhere, words in another order too, and is met by them.
    for (form, name) in profile.forms() {
        keys.push(hash(&[b"nowhere", form, name]));
        if profile.region.is_empty() {
            keys.push(hash(&[b"a place", form, name]));
        }
    }
    tidy(keys);
}

fn exact(profile: &Profile, keys: &mut Vec<i64>) {
    keys.clear();
    for (kind, known) in profile.evidence() {
        let kind: &[u8] = match kind {
            Known::Host => b"host",
            Known::Family => b"family",
            Known::Inn => b"inn",
            Known::Ogrn => b"ogrn",
            Known::Phone => b"phone",
            Known::Mailbox => b"mailbox",
            // A mail domain meets sites of that family too.
            Known::MailDomain => b"family",
        };
        keys.push(hash(&[kind, known.as_bytes()]) | 1);
    }
}

fn tidy(keys: &mut Vec<i64>) {
    keys.sort_unstable();
    keys.dedup();
}

pub(super) fn errors(length: usize) -> usize {
    (length * ERRORS.0 / ERRORS.1).min(MOST_ERRORS)
}

/// Where a piece begins and how long it is: the last pieces take what doesn't divide.
fn place(length: usize, count: usize, piece: usize) -> (usize, usize) {
    let (size, longer) = (length / count, length % count);
    let short = count - longer;
    if piece < short { (piece * size, size) } else { (short * size + (piece - short) * (size + 1), size + 1) }
}

/// For every length a like name may have: the pieces it would be filed under, at the places they may have moved to.
fn name_probes(form: &[u8], region: &[u8], name: &[u8], keys: &mut Vec<i64>) {
    let (own, begun) = (name.len(), Begun::with(&[form, region]));
    let shortest = (own * (ERRORS.1) / (ERRORS.0 + ERRORS.1)).max(1);
    for length in shortest..=own + errors(own) {
        let count = errors(length) + 1;
        let moved = own as isize - length as isize;
        if moved.unsigned_abs() >= count {
            continue;
        }
        let begun = begun.and(&[&[length as u8]]);
        for piece in 0..count {
            let (start, size) = place(length, count, piece);
            let (start, left, right) = (start as isize, piece as isize, (count - 1 - piece) as isize);
            let first = (start - left).max(start + moved - right).max(0);
            let last = (start + left).min(start + moved + right).min(own as isize - size as isize);
            for at in first..=last {
                let at = at as usize;
                keys.push(begun.end(&[&[piece as u8], &name[at..at + size]]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_cover_a_name_without_gap_or_overlap() {
        for length in 1..=60 {
            let count = errors(length) + 1;
            let mut next = 0;
            for piece in 0..count {
                let (start, size) = place(length, count, piece);
                assert_eq!(start, next, "{length}");
                next = start + size;
            }
            assert_eq!(next, length);
        }
    }

    /// Up to as many edits as the thresholds allow, anywhere.
    fn edited(name: &[u8], edits: &[(u8, u8, u8)]) -> Vec<u8> {
        let mut out = name.to_vec();
        for (kind, at, letter) in edits {
            let at = *at as usize % out.len().max(1);
            match kind % 3 {
                0 if out.len() > 1 => {
                    out.remove(at);
                }
                1 => out.insert(at, *letter),
                _ => {
                    if let Some(byte) = out.get_mut(at) {
                        *byte = *letter;
                    }
                }
            }
        }
        out
    }

    proptest! {
        #[test]
        fn names_alike_enough_always_meet_whoever_asks(
            name in prop::collection::vec(b'a'..=b'e', 5..40), edits in prop::collection::vec((0_u8..3, any::<u8>(), b'a'..=b'e'), 0..6)
        ) {
            let other = edited(&name, &edits);
            let (a, b) = (String::from_utf8_lossy(&name).into_owned(), String::from_utf8_lossy(&other).into_owned());
            prop_assume!(strsim::normalized_levenshtein(&a, &b) >= 0.85 && strsim::levenshtein(&a, &b) <= MOST_ERRORS);
            let filed = |name: &[u8]| {
                let count = errors(name.len()) + 1;
                (0..count).map(|piece| {
                    let (start, size) = place(name.len(), count, piece);
                    hash(&[b"n", b"", &[name.len() as u8], &[piece as u8], &name[start..start + size]])
                }).collect::<Vec<_>>()
            };
            let asked = |name: &[u8]| { let mut keys = Vec::new(); name_probes(b"n", b"", name, &mut keys); keys };
            prop_assert!(asked(&name).iter().any(|key| filed(&other).contains(key)), "{a} {b}");
            prop_assert!(asked(&other).iter().any(|key| filed(&name).contains(key)), "{b} {a}");
        }
    }
}
