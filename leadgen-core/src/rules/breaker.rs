//! When so many letters of a mailbox came back that it must rest until a person has looked.

/// The letters that are looked at: the last of a mailbox.
pub const LOOKED_AT: usize = 50;
/// Fewer letters say nothing.
const LEAST: usize = 20;
/// More returned letters in a hundred than this are too many.
const MOST_PERCENT: usize = 5;
/// Codes of letters that were refused because there is no such reader.
pub const REFUSED: [&str; 3] = ["bad_mailbox", "bad_domain", "mailbox_disabled"];

/// Why a mailbox must rest: `returned` of its last `letters` came back. `None` while that is no cause.
///
/// ```
/// use leadgen_core::rules::breaker::opens;
///
/// assert!(opens(19, 19).is_none());
/// assert!(opens(20, 1).is_none());
/// assert!(opens(20, 2).is_some());
/// ```
pub fn opens(letters: usize, returned: usize) -> Option<String> {
    let too_many = letters >= LEAST && returned * 100 > letters * MOST_PERCENT;
    too_many.then(|| format!("bounce_share: {returned} of the last {letters} letters came back; look at the list before it goes on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_a_hundred_are_borne_and_more_are_not() {
        assert_eq!(opens(50, 2), None);
        assert!(opens(50, 3).is_some_and(|why| why.starts_with("bounce_share: 3 of the last 50")));
        assert_eq!(opens(40, 2), None);
        assert!(opens(40, 3).is_some());
    }
}
