//! A letter came back from its attempt unfinished: where does it go, and what else follows?

use std::time::Duration;

use crate::domain::flow::MessageEvent;
use crate::error::Verdict;

/// Whether the mark was made before the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked {
    /// Nothing was given to the server.
    No,
    /// The server may have seen the letter.
    Yes,
}

/// What a fault does to a letter and its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// The letter's move; `None` leaves it queued.
    pub event: Option<MessageEvent>,
    /// The mailbox pauses until a person resumes it.
    pub pause_for_good: bool,
    /// The mailbox pauses until the fault's `retry_at`.
    pub pause_for_a_while: bool,
    /// The address is dead: it goes to the registry.
    pub suppress: bool,
}

/// Codes of a fault that mean: another mailbox may try at once.
const FALLS_BACK: [&str; 2] = ["unreachable", "auth_broken"];
/// Codes that mean the address itself is dead.
const DEAD_ADDRESS: [&str; 3] = ["bad_mailbox", "bad_domain", "mailbox_disabled"];
/// The code that rests a mailbox, if the time is known; without one only the letter waits.
const RATE_LIMITED: &str = "rate_limited";
/// A full mailbox is tried a second time after this; the first time the fault itself says when.
const STILL_FULL: Duration = Duration::from_hours(72);
/// Codes with fewer tries than the policy gives, and how many.
const FEWER_TRIES: [(&str, u32); 2] = [("mailbox_full", 3), ("unknown", 2)];
/// Codes that are our own mistakes, whatever becomes of the letter.
const OUR_OWN: [&str; 3] = ["too_big", "unknown", "auth_failed"];

/// Decides by verdict and code, whether the mark was made, and whether its rule names another mailbox that has not
/// broken yet. A policy verdict never falls back.
pub fn decide(verdict: Verdict, code: &str, marked: Marked, has_alternative: bool) -> Undelivered {
    let stay = Undelivered { event: None, pause_for_good: false, pause_for_a_while: false, suppress: false };
    let back = match marked {
        Marked::Yes => Some(MessageEvent::PutBack),
        Marked::No => None,
    };
    let fall_back = marked == Marked::No && has_alternative && FALLS_BACK.contains(&code);
    match verdict {
        Verdict::InDoubt => Undelivered { event: Some(MessageEvent::Doubt), ..stay },
        Verdict::Hold => Undelivered { event: Some(MessageEvent::Hold), pause_for_good: true, ..stay },
        Verdict::Reject => Undelivered { event: Some(MessageEvent::Fail), suppress: DEAD_ADDRESS.contains(&code), ..stay },
        Verdict::Pause => Undelivered { event: if fall_back { Some(MessageEvent::Unroute) } else { back }, pause_for_good: true, ..stay },
        Verdict::Retry { .. } => Undelivered {
            event: if fall_back { Some(MessageEvent::Unroute) } else { back },
            pause_for_a_while: code == RATE_LIMITED && verdict != (Verdict::Retry { after: None }),
            ..stay
        },
        Verdict::Drop => stay,
    }
}

/// The end of a letter whose tries are used up; `None`: it may be tried again. `tries` were made before this one.
pub fn end_of_tries(code: &str, tries: u32, max_attempts: u32) -> Option<MessageEvent> {
    let fewer = FEWER_TRIES.iter().find(|(known, _)| *known == code).map(|(_, most)| *most);
    match fewer {
        Some(most) => (tries + 1 >= most.min(max_attempts)).then_some(MessageEvent::Fail),
        None => (tries + 1 >= max_attempts).then_some(MessageEvent::Expire),
    }
}

/// How much longer than asked a letter waits after its second try and later ones.
pub fn longer_wait(code: &str, tries: u32) -> Option<Duration> {
    (code == FEWER_TRIES[0].0 && tries > 0).then_some(STILL_FULL)
}

/// Whether a person should hear of it at once although the letter just goes its way.
pub fn is_our_mistake(code: &str) -> bool {
    OUR_OWN.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greylisting_server_does_not_rest_the_mailbox_and_a_daily_limit_does() {
        assert!(!decide(LATER, "rate_limited", Marked::No, true).pause_for_a_while);
        let day = Verdict::Retry { after: Some(Duration::from_hours(24)) };
        assert!(decide(day, "rate_limited", Marked::No, true).pause_for_a_while);
    }

    #[test]
    fn a_full_mailbox_is_tried_twice_more_and_an_odd_reply_once() {
        assert_eq!(end_of_tries("mailbox_full", 0, 6), None);
        assert_eq!(end_of_tries("mailbox_full", 1, 6), None);
        assert_eq!(end_of_tries("mailbox_full", 2, 6), Some(MessageEvent::Fail));
        assert_eq!((longer_wait("mailbox_full", 0), longer_wait("mailbox_full", 1)), (None, Some(STILL_FULL)));
        assert_eq!(end_of_tries("unknown", 0, 6), None);
        assert_eq!(end_of_tries("unknown", 1, 6), Some(MessageEvent::Fail));
        assert_eq!(end_of_tries("temp_failure", 4, 6), None);
        assert_eq!(end_of_tries("temp_failure", 5, 6), Some(MessageEvent::Expire));
    }

    const LATER: Verdict = Verdict::Retry { after: None };

    #[test]
    fn a_broken_login_pauses_the_mailbox_and_takes_the_next_one() {
        let moved = decide(Verdict::Pause, "auth_broken", Marked::No, true);
        assert_eq!(moved.event, Some(MessageEvent::Unroute));
        assert!(moved.pause_for_good);
        assert_eq!(decide(Verdict::Pause, "auth_broken", Marked::No, false).event, None, "the last mailbox keeps its letters queued");
    }

    #[test]
    fn an_unreachable_server_takes_the_next_mailbox_without_a_pause() {
        let moved = decide(LATER, "unreachable", Marked::No, true);
        assert_eq!((moved.event, moved.pause_for_good, moved.pause_for_a_while), (Some(MessageEvent::Unroute), false, false));
    }

    #[test]
    fn a_policy_verdict_never_falls_back() {
        for code in ["content", "reputation", "auth_broken", "unreachable"] {
            assert_eq!(decide(Verdict::Hold, code, Marked::Yes, true).event, Some(MessageEvent::Hold), "{code}");
        }
    }

    #[test]
    fn after_the_mark_nothing_falls_back() {
        assert_eq!(decide(LATER, "unreachable", Marked::Yes, true).event, Some(MessageEvent::PutBack));
        assert_eq!(decide(Verdict::InDoubt, "in_doubt", Marked::Yes, true).event, Some(MessageEvent::Doubt));
    }

    #[test]
    fn a_dead_address_is_suppressed_and_a_too_big_letter_is_not() {
        assert!(decide(Verdict::Reject, "bad_mailbox", Marked::No, true).suppress);
        assert!(!decide(Verdict::Reject, "too_big", Marked::Yes, true).suppress);
    }
}
