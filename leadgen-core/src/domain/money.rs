//! Money of searches: millionths of the currency unit, so that a thousandth of a price stays exact.

use std::fmt;
use std::ops::{Add, Mul};

use crate::error::{Error, ErrorKind, Result};

/// An amount in millionths of the price table's currency (roubles, unless the settings say otherwise).
///
/// ```
/// use leadgen_core::domain::money::Money;
///
/// let price = Money::parse("25.41").unwrap().thousandth();
/// assert_eq!(price.to_string(), "0.02541");
/// assert_eq!((price * 1000).to_string(), "25.41");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

const UNIT: i64 = 1_000_000;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From millionths.
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// In millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Reads `488`, `25.41` or `25,41`: not negative, at most six digits after the point.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Config, format!("read the amount {text:?}")).code("bad_amount");
        let text = text.trim().replace(',', ".");
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 12 || part.len() > 6 || !digits(whole) || !digits(part) {
            return Err(bad());
        }
        let whole: i64 = whole.parse().map_err(|_| bad())?;
        let part: i64 = format!("{part:0<6}").parse().map_err(|_| bad())?;
        Ok(Self(whole * UNIT + part))
    }

    /// A thousandth: prices are given for a thousand requests.
    #[must_use]
    pub const fn thousandth(self) -> Self {
        Self(self.0 / 1000)
    }

    /// Rounded to hundredths, for people.
    pub fn rounded(self) -> String {
        let hundredths = (self.0 + UNIT / 200).div_euclid(UNIT / 100);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<u64> for Money {
    type Output = Self;
    fn mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(i64::try_from(times).unwrap_or(i64::MAX)))
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / UNIT, (self.0 % UNIT).abs());
        let text = format!("{whole}.{part:06}");
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl serde::Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / UNIT as f64)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "-1", "1.2345678", "1e3", ".5", "1.2.3", "руб"] {
            assert_eq!(Money::parse(text).unwrap_err().machine_code(), "bad_amount", "{text}");
        }
        assert_eq!(Money::parse("30,5").unwrap().thousandth().millionths(), 30_500);
        assert_eq!(Money::from_millionths(1_005_000).rounded(), "1.01");
    }
}
