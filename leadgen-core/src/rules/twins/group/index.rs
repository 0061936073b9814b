//! Who is filed under which key, and who of those asking meets whom.

use std::ops::Range;

use super::sketch::Sketch;
use crate::rules::twins::blocks::{self, BLOCK};
use crate::rules::twins::decide::are_near;
use crate::rules::twins::profile::Profile;

/// A company under a key.
#[derive(Clone, Copy)]
struct Filed {
    key: u64,
    place: u32,
    letters: u64,
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
}

/// The keys of all companies, as one sorted list with the places where its parts begin.
pub(super) struct Index {
    filed: Vec<Filed>,
    sketches: Vec<Sketch>,
    parts: Vec<u32>,
    shift: u32,
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
            filed.extend(keys.iter().map(|key| Filed { key: key.cast_unsigned(), place: place as u32, letters }));
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
        Self { filed, sketches, parts, shift, full_blocks }
    }

    /// All that those asking meet before them, in their order, each once; returns how many were left out. Who asks for one
    /// key stands together here, so what is read of those filed under it is read once for all of them.
    pub(super) fn meet(&self, profiles: &[Profile], asking: Range<usize>, met: &mut Vec<Met>) -> u64 {
        let (mut left_out, asked) = (0, self.asked(profiles, asking));
        met.clear();
        for asked in &asked {
            let (filed, beyond) = self.before(asked.key, asked.place);
            left_out += beyond;
            if blocks::is_fact(asked.key.cast_signed()) {
                met.extend(filed.iter().map(|filed| Met::new(asked.place, filed.place, false)));
            } else if !filed.is_empty() {
                let near = filed.iter().filter(|filed| self.are_near(profiles, asked, filed));
                met.extend(near.map(|filed| Met::new(asked.place, filed.place, true)));
            }
        }
        met.sort_unstable();
        met.dedup_by_key(|met| (met.newcomer, met.other()));
        left_out
    }

    fn asked(&self, profiles: &[Profile], asking: Range<usize>) -> Vec<Filed> {
        let mut asked: Vec<Filed> = Vec::with_capacity(asking.len() * 32);
        let mut probes = Vec::new();
        for place in asking {
            blocks::probes_into(&profiles[place], &mut probes);
            let letters = profiles[place].letters();
            asked.extend(probes.iter().map(|key| Filed { key: key.cast_unsigned(), place: place as u32, letters }));
        }
        asked.sort_unstable_by_key(|asked| asked.key);
        asked
    }

    /// Whether two that met over pieces of their names only are worth a decision: what they have in common besides would
    /// have brought them together by itself. Cheap questions first: the letters, the look, the names themselves.
    fn are_near(&self, profiles: &[Profile], asked: &Filed, filed: &Filed) -> bool {
        let (newcomer, other) = (&self.sketches[asked.place as usize], &self.sketches[filed.place as usize]);
        (asked.letters ^ filed.letters).count_ones() <= newcomer.letters_that_may_differ()
            && newcomer.may_be(other)
            && are_near(&profiles[filed.place as usize], &profiles[asked.place as usize])
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
