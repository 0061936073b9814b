//! Who is filed under which key, and who of those asking meets whom.

use std::ops::Range;

use super::rumour::Rumour;
use crate::rules::twins::blocks::{self, BLOCK};
use crate::rules::twins::profile::Profile;
use crate::rules::twins::sketch::Sketch;

/// Meetings that are kept before those of the same two are made one.
const MOST_TWICE: usize = 4_000_000;

/// A company under a key.
#[derive(Clone, Copy)]
struct Filed {
    key: u64,
    place: u32,
    letters: u64,
}

/// A key that a company asks for. What most pairs are told apart by stands here, so that nothing else is read for them.
#[derive(Clone, Copy)]
struct Asked {
    key: u64,
    letters: u64,
    place: u32,
    letters_may_differ: u32,
}

/// Two that met: the newcomer and one that stands before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Met {
    pub(super) newcomer: u32,
    /// The other's place, and in the lowest bit whether only a piece of a name brought them together. So of two ways in
    /// which one was met, the one by a fact stands first.
    other: u64,
}

impl Met {
    fn new(newcomer: u32, other: u32, by_name: bool) -> Self {
        Self { newcomer, other: u64::from(other) << 1 | u64::from(by_name) }
    }

    pub(super) fn other(self) -> u32 {
        (self.other >> 1) as u32
    }

    /// Whether nothing but a piece of a name brought them together.
    pub(super) fn is_by_name(self) -> bool {
        self.other & 1 == 1
    }
}

/// The keys of all companies, as one sorted list with the places where its parts begin.
pub(super) struct Index {
    filed: Vec<Filed>,
    sketches: Vec<Sketch>,
    parts: Vec<u32>,
    shift: u32,
    rumour: Rumour,
    /// Keys under which more companies stand than are compared.
    pub(super) full_blocks: u64,
}

impl Index {
    pub(super) fn new(profiles: &[Profile]) -> Self {
        let mut filed: Vec<Filed> = Vec::with_capacity(profiles.len() * 8);
        let mut keys = Vec::new();
        for (place, profile) in profiles.iter().enumerate() {
            let letters = profile.letters();
            blocks::keys_into(profile, &mut keys);
            filed.extend(keys.iter().map(|key| Filed { key: mixed(*key), place: place as u32, letters }));
        }
        filed.sort_unstable_by_key(|filed| (filed.key, filed.place));
        let bits = (filed.len().max(2) as u64).ilog2().min(24);
        let shift = 64 - bits;
        let mut parts = vec![0_u32; (1 << bits) + 1];
        for filed in &filed {
            parts[(filed.key >> shift) as usize + 1] += 1;
        }
        for part in 1..parts.len() {
            parts[part] += parts[part - 1];
        }
        let full_blocks = filed.chunk_by(|a, b| a.key == b.key).filter(|block| block.len() > BLOCK).count() as u64;
        let sketches = profiles.iter().map(Sketch::of).collect();
        let rumour = Rumour::of(filed.len(), filed.iter().map(|filed| filed.key));
        Self { filed, sketches, parts, shift, rumour, full_blocks }
    }

    /// All that those asking meet before them, in their order, each once; returns how many were left out. Who asks for one
    /// key stands together here, so what is read of those filed under it is read once for all of them.
    pub(super) fn meet(&self, profiles: &[Profile], asking: Range<usize>, met: &mut Vec<Met>) -> u64 {
        let (mut left_out, mut room) = (0, MOST_TWICE);
        met.clear();
        for asked in self.asked(profiles, asking) {
            let (filed, beyond) = self.before(asked.key, asked.place);
            left_out += beyond;
            if blocks::is_fact(asked.key.cast_signed()) {
                met.extend(filed.iter().map(|filed| Met::new(asked.place, filed.place, false)));
            } else {
                let alike = filed.iter().filter(|filed| self.may_be_near(&asked, filed));
                met.extend(alike.map(|filed| Met::new(asked.place, filed.place, true)));
            }
            // Those with a whole name in common meet under each of its pieces.
            if met.len() > room {
                tidy(met);
                room = MOST_TWICE.max(2 * met.len());
            }
        }
        tidy(met);
        left_out
    }

    fn asked(&self, profiles: &[Profile], asking: Range<usize>) -> Vec<Asked> {
        let mut asked: Vec<Asked> = Vec::with_capacity(asking.len() * 16);
        let mut probes = Vec::new();
        for at in asking {
            blocks::probes_into(&profiles[at], &mut probes);
            let (place, letters) = (at as u32, profiles[at].letters());
            let letters_may_differ = self.sketches[at].letters_that_may_differ();
            let told = probes.iter().map(|key| mixed(*key)).filter(|key| self.rumour.may_hold(*key));
            asked.extend(told.map(|key| Asked { key, letters, place, letters_may_differ }));
        }
        asked.sort_unstable_by_key(|asked| asked.key);
        asked
    }

    /// Whether two that met over a piece of their names may be alike, as far as letters and looks tell.
    fn may_be_near(&self, asked: &Asked, filed: &Filed) -> bool {
        (asked.letters ^ filed.letters).count_ones() <= asked.letters_may_differ
            && self.sketches[asked.place as usize].may_be(&self.sketches[filed.place as usize])
    }

    /// The first of those under a key that stand before a place, and how many more there are.
    fn before(&self, key: u64, place: u32) -> (&[Filed], u64) {
        let part = (key >> self.shift) as usize;
        let filed = &self.filed[self.parts[part] as usize..self.parts[part + 1] as usize];
        let block = &filed[filed.partition_point(|filed| filed.key < key)..];
        let end = block.partition_point(|filed| filed.key == key && filed.place < place);
        (&block[..end.min(BLOCK)], end.saturating_sub(BLOCK) as u64)
    }
}

/// A key whose high bits tell as much as its low ones, so that each part holds about as many: those of a hash as it is kept
/// depend little on the last letters. What is odd, a fact, stays odd.
fn mixed(key: i64) -> u64 {
    key.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Each pair once, those of one newcomer together.
fn tidy(met: &mut Vec<Met>) {
    met.sort_unstable();
    met.dedup_by_key(|met| (met.newcomer, met.other()));
}
