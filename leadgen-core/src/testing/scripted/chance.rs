//! Chance that repeats itself.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ports::entropy::Entropy;

/// The same bytes for the same seed, in the same order. Not fit for secrets.
///
/// ```
/// use leadgen_core::ports::entropy::number;
/// use leadgen_core::testing::scripted::SeededEntropy;
///
/// let (one, other) = (SeededEntropy::new(7), SeededEntropy::new(7));
/// assert_eq!(number(&one), number(&other));
/// assert_ne!(number(&one), number(&one));
/// ```
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

/// The odd number closest to 2⁶⁴ divided by the golden ratio: the step of SplitMix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl SeededEntropy {
    /// Chance that follows from a seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.next().to_le_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }
}
