//! Whether anybody may be filed under a key, told without looking there: most keys that are asked for are nobody's.

/// Bits for each key that is filed: of keys that are nobody's, about one in so many is looked up in vain.
const BITS_A_KEY: usize = 16;

/// One bit for each key that is filed, at a place that its high bits tell; several may share one.
pub(super) struct Rumour {
    bits: Vec<u64>,
    shift: u32,
}

impl Rumour {
    pub(super) fn of(count: usize, keys: impl Iterator<Item = u64>) -> Self {
        let size = (count * BITS_A_KEY).next_power_of_two().max(64);
        let mut rumour = Self { bits: vec![0; size / 64], shift: 64 - size.ilog2() };
        for key in keys {
            let (word, bit) = rumour.place(key);
            rumour.bits[word] |= bit;
        }
        rumour
    }

    /// Never wrong if it says no.
    pub(super) fn may_hold(&self, key: u64) -> bool {
        let (word, bit) = self.place(key);
        self.bits[word] & bit != 0
    }

    fn place(&self, key: u64) -> (usize, u64) {
        let place = key >> self.shift;
        ((place >> 6) as usize, 1 << (place & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_that_is_filed_is_denied_and_few_others_are_told() {
        let keys = || (0..10_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let rumour = Rumour::of(10_000, keys());
        assert!(keys().all(|key| rumour.may_hold(key)));
        let told = (1..10_000_u64).filter(|n| rumour.may_hold((n << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15))).count();
        assert!(told < 1_500, "{told}");
        assert!(!Rumour::of(0, std::iter::empty()).may_hold(7));
    }
}
