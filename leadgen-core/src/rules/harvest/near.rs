//! Looking for a byte that is mostly near: the quotation mark behind a value, the sign that begins the next tag.

use memchr::memchr;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
/// Bytes looked at before the search for far ones is set up.
const NEAR: usize = 16;

/// Where a byte stands first. The same as `memchr`, which costs more than the way to a near byte.
#[inline]
pub(super) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < NEAR {
        let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
            return bytes[at..].iter().position(|found| *found == byte).map(|found| at + found);
        };
        let differ = u64::from_le_bytes(*eight) ^ (ONES * u64::from(byte));
        // The lowest byte without a difference, and maybe higher ones that are none, have their high bit set.
        let equal = differ.wrapping_sub(ONES) & !differ & HIGH;
        if equal != 0 {
            return Some(at + equal.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr(byte, &bytes[at..]).map(|found| at + found)
}

/// A value without white space around it. Most have none, and begin and end with a plain sign.
#[inline]
pub(super) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [only] if only.is_ascii_graphic() => text,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_byte_is_found_where_it_stands_first(bytes in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'!'), Just(b'#'), Just(0), Just(0x80), Just(0xA2), any::<u8>()], 0..60), byte in prop_oneof![Just(b'"'), Just(0x80), Just(0), any::<u8>()]) {
            prop_assert_eq!(find(byte, &bytes), bytes.iter().position(|found| *found == byte));
        }

        #[test]
        fn what_is_trimmed_is_what_trim_trims(text in "[ \t\u{A0}\u{3000}абx\"]{0,8}") {
            prop_assert_eq!(trim(&text), text.trim());
        }
    }
}
