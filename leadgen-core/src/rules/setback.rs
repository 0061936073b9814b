//! An item came back unfinished: is it given up, or does it come again, and does the try count?

use crate::error::Verdict;
use crate::rules::visit;

/// What becomes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setback {
    /// It is given up; the reason stays with it.
    GiveUp,
    /// It comes again at the fault's `retry_at`.
    Again {
        /// Whether this was one of its tries.
        counted: bool,
    },
}

/// Decides by verdict and by the tries in vain so far. Tries that run out are a rejection; a pause costs none.
pub fn setback(verdict: Verdict, tries: u32, most_tries: u32) -> Setback {
    match verdict {
        Verdict::Retry { .. } if tries + 1 >= most_tries => Setback::GiveUp,
        Verdict::Retry { .. } => Setback::Again { counted: true },
        Verdict::Reject | Verdict::Hold | Verdict::InDoubt => Setback::GiveUp,
        Verdict::Pause | Verdict::Drop => Setback::Again { counted: false },
    }
}

/// Whether a stage gives an item up with this try. False where a later day brings it back, or where more than tries decides.
pub fn is_the_last(stage: &str, code: &str, verdict: Verdict, tries: u32, usual: u32) -> bool {
    let most = match stage {
        "enrich" => visit::most_tries(code, usual),
        "plan" | "dedupe" => usual,
        _ => return false,
    };
    setback(verdict, tries, most) == Setback::GiveUp
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Verdict = Verdict::Retry { after: None };

    #[test]
    fn the_last_try_is_given_up() {
        assert_eq!(setback(LATER, 0, 3), Setback::Again { counted: true });
        assert_eq!(setback(LATER, 1, 3), Setback::Again { counted: true });
        assert_eq!(setback(LATER, 2, 3), Setback::GiveUp);
    }

    #[test]
    fn a_site_that_asks_for_pauses_has_its_last_try_later() {
        let is_last = |stage: &str, code: &str, tries| is_the_last(stage, code, LATER, tries, 3);
        assert_eq!([1, 2].map(|tries| is_last("enrich", "deadline", tries)), [false, true]);
        assert_eq!([2, 5].map(|tries| is_last("enrich", "site_limits", tries)), [false, true]);
        assert!(!is_last("draft", "deadline", 2), "tomorrow it is written again");
        assert!(!is_the_last("enrich", "web_contact_missing", Verdict::Pause, 99, 3));
    }

    #[test]
    fn a_pause_costs_no_try_however_often() {
        assert_eq!(setback(Verdict::Pause, 99, 3), Setback::Again { counted: false });
        assert_eq!(setback(Verdict::Drop, 99, 3), Setback::Again { counted: false });
    }

    #[test]
    fn a_definite_no_is_the_end_at_once() {
        for verdict in [Verdict::Reject, Verdict::Hold, Verdict::InDoubt] {
            assert_eq!(setback(verdict, 0, 3), Setback::GiveUp, "{verdict:?}");
        }
    }
}
