//! Who is filed under which key, and who of those asking meets whom.

use std::ops::Range;

use crate::rules::twins::blocks::{self, BLOCK};
use crate::rules::twins::profile::Profile;

/// A company under a key.
#[derive(Clone, Copy)]
struct Filed {
    key: u64,
    place: u32,
    letters: u32,
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
    pub(super) fn other(self) -> u32 {
        (self.other >> 1) as u32
    }

    pub(super) fn by_name(self) -> bool {
        self.other & 1 == 1
    }
}

/// The keys of all companies, as one sorted list with the places where its parts begin.
pub(super) struct Index {
    filed: Vec<Filed>,
    parts: Vec<u32>,
    shift: u32,
    /// Keys under which more companies stand than are compared.
    pub(super) full_blocks: u64,
}

impl Index {
    pub(super) fn new(profiles: &[Profile]) -> Self {
        let mut filed: Vec<Filed> = Vec::with_capacity(profiles.len() * 8);
        for (place, profile) in profiles.iter().enumerate() {
            let letters = profile.letters();
            filed.extend(blocks::keys(profile).into_iter().map(|key| Filed { key: key.cast_unsigned(), place: place as u32, letters }));
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
        Self { filed, parts, shift, full_blocks }
    }

    /// All that those asking meet before them, in their order, each once.
    pub(super) fn met(&self, profiles: &[Profile], asking: Range<usize>, left_out: &mut u64) -> Vec<Met> {
        let mut asked: Vec<Filed> = Vec::with_capacity(asking.len() * 32);
        for place in asking {
            let (letters, probes) = (profiles[place].letters(), blocks::probes(&profiles[place]));
            asked.extend(probes.into_iter().map(|key| Filed { key: key.cast_unsigned(), place: place as u32, letters }));
        }
        asked.sort_unstable_by_key(|asked| asked.key);
        let mut met = Vec::new();
        for asked in &asked {
            let (filed, beyond) = self.before(asked.key, asked.place);
            *left_out += beyond;
            let by_name = !blocks::is_fact(asked.key.cast_signed());
            let differ = 2 * blocks::errors(profiles[asked.place as usize].joined().len()) as u32;
            // Names with other letters can't be within the allowed errors.
            let near = filed.iter().filter(|filed| !by_name || (filed.letters ^ asked.letters).count_ones() <= differ);
            met.extend(near.map(|filed| Met { newcomer: asked.place, other: u64::from(filed.place) << 1 | u64::from(by_name) }));
        }
        met.sort_unstable();
        met.dedup_by_key(|met| (met.newcomer, met.other()));
        met
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
