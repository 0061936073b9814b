//! How fast letters may follow one another.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// The span in which letters of a mailbox are counted.
pub const COUNTED: Duration = Duration::from_hours(24);

/// Shown as the end of a mailbox's pause that only a person ends: the last second of the year 9999.
pub const UNTIL_RESUMED: Timestamp = Timestamp::from_millis(253_402_300_799_000);

/// A pause drawn evenly, in whole seconds, both ends included.
///
/// ```
/// use std::time::Duration;
/// use leadgen_core::rules::pacing::delay;
///
/// let range = (Duration::from_secs(240), Duration::from_secs(720));
/// assert!((range.0..=range.1).contains(&delay(range, u64::MAX)));
/// ```
pub fn delay(range: (Duration, Duration), random: u64) -> Duration {
    let (least, most) = (range.0.as_secs(), range.1.as_secs().max(range.0.as_secs()));
    Duration::from_secs(least + random % (most - least + 1))
}

/// Why a mailbox may not send just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// So many letters were marked in the last 24 hours as the cap allows.
    CapReached,
    /// The last letter left too short a while ago.
    TooClose,
}

impl NotYet {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::CapReached => "cap_reached",
            Self::TooClose => "too_close",
        }
    }
}

/// Whether a mailbox may send one more. A clock that was set back never makes the pause shorter.
pub fn may_send(marked_24h: u32, cap: u32, last_mark: Option<Timestamp>, least_gap: Duration, now: Timestamp) -> Result<(), NotYet> {
    if marked_24h >= cap {
        return Err(NotYet::CapReached);
    }
    match last_mark {
        Some(last) if now < last + least_gap => Err(NotYet::TooClose),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_never_shortens_the_pause() {
        let last = Timestamp::from_millis(1_000_000);
        let earlier = Timestamp::from_millis(400_000);
        assert_eq!(may_send(0, 5, Some(last), Duration::from_secs(60), earlier), Err(NotYet::TooClose));
    }

    #[test]
    fn the_cap_counts_before_the_pause() {
        assert_eq!(may_send(5, 5, None, Duration::ZERO, Timestamp::default()), Err(NotYet::CapReached));
        assert_eq!(may_send(4, 5, None, Duration::ZERO, Timestamp::default()), Ok(()));
    }
}
