//! A search came back without an answer: is it asked again, when, and does the try count?

use crate::domain::flow::QueryEvent;
use crate::error::Verdict;

/// What becomes of a query whose asking, operation or page failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Asked again in this night, at the fault's `retry_at`; only the attempts of this night are counted.
    Soon,
    /// Back to the queue on the next night, order kept; the try counts.
    NextNight,
    /// Back to the queue on the next night, with all that is due behind it; the try does not count (a quota).
    NextNightUncounted,
    /// Back to the queue as it was, and nothing is asked before the fault's `retry_at` (they said when); not counted.
    WhenTheySaid,
    /// Back to the queue as it was; the try does not count.
    AsItWas,
    /// Given up.
    GiveUp,
}

impl Unanswered {
    /// The query's move.
    pub fn event(self) -> QueryEvent {
        match self {
            Self::Soon | Self::NextNight | Self::NextNightUncounted | Self::WhenTheySaid | Self::AsItWas => QueryEvent::PutBack,
            Self::GiveUp => QueryEvent::Fail,
        }
    }

    /// Whether it counts as put back, against the limit of a query's life.
    pub fn counts(self) -> bool {
        match self {
            Self::NextNight | Self::GiveUp => true,
            Self::Soon | Self::NextNightUncounted | Self::WhenTheySaid | Self::AsItWas => false,
        }
    }

    /// Whether it waits for the next night.
    pub fn waits_for_night(self) -> bool {
        matches!(self, Self::NextNight | Self::NextNightUncounted)
    }
}

/// What the store knows of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Attempts of this night so far, this one not counted.
    pub attempts: u32,
    /// Times it was put back so far, this one not counted.
    pub retries: u32,
    /// The limit.
    pub max_retries: u32,
    /// Whether an earlier asking of it is in doubt.
    pub was_unknown: bool,
}

/// Attempts of one night.
const ATTEMPTS: u32 = 3;

/// After the mark, `submit` gave no operation.
pub fn after_submit(verdict: Verdict, code: &str, tried: Tried) -> Unanswered {
    match verdict {
        Verdict::Retry { after: Some(_) } if is_quota(code) => Unanswered::WhenTheySaid,
        Verdict::Retry { .. } if is_quota(code) => Unanswered::NextNightUncounted,
        Verdict::Retry { .. } if tried.attempts + 1 < ATTEMPTS => Unanswered::Soon,
        Verdict::Retry { .. } => counted(tried),
        Verdict::Pause | Verdict::Drop => Unanswered::AsItWas,
        Verdict::Reject | Verdict::Hold => Unanswered::GiveUp,
        Verdict::InDoubt if tried.was_unknown => Unanswered::GiveUp,
        Verdict::InDoubt => counted(tried),
    }
}

/// The operation failed or expired, or its page can't be read.
pub fn after_operation(code: &str, tried: Tried) -> Unanswered {
    if is_quota(code) { Unanswered::NextNightUncounted } else { counted(tried) }
}

fn counted(tried: Tried) -> Unanswered {
    if tried.retries + 1 >= tried.max_retries { Unanswered::GiveUp } else { Unanswered::NextNight }
}

fn is_quota(code: &str) -> bool {
    matches!(code, "quota_exceeded" | "serp_error_32" | "serp_error_55")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const FRESH: Tried = Tried { attempts: 0, retries: 0, max_retries: 3, was_unknown: false };
    const LATER: Verdict = Verdict::Retry { after: None };

    #[test]
    fn a_quota_costs_no_try() {
        assert_eq!(after_submit(LATER, "quota_exceeded", Tried { retries: 2, ..FRESH }), Unanswered::NextNightUncounted);
        assert_eq!(after_operation("serp_error_32", Tried { retries: 2, ..FRESH }), Unanswered::NextNightUncounted);
    }

    #[test]
    fn a_quota_with_a_time_waits_until_then() {
        let told = Verdict::Retry { after: Some(Duration::from_secs(30)) };
        assert_eq!(after_submit(told, "quota_exceeded", FRESH), Unanswered::WhenTheySaid);
    }

    #[test]
    fn the_third_attempt_of_a_night_is_its_last_and_then_counts() {
        assert_eq!(after_submit(LATER, "provider_error", Tried { attempts: 1, ..FRESH }), Unanswered::Soon);
        assert_eq!(after_submit(LATER, "provider_error", Tried { attempts: 2, ..FRESH }), Unanswered::NextNight);
        assert_eq!(after_submit(LATER, "provider_error", Tried { attempts: 2, retries: 2, ..FRESH }), Unanswered::GiveUp);
    }

    #[test]
    fn a_lost_answer_is_asked_once_more_and_then_given_up() {
        assert_eq!(after_submit(Verdict::InDoubt, "submit_unknown", FRESH), Unanswered::NextNight);
        assert_eq!(after_submit(Verdict::InDoubt, "submit_unknown", Tried { was_unknown: true, ..FRESH }), Unanswered::GiveUp);
    }

    #[test]
    fn the_third_failure_is_the_last() {
        assert_eq!(after_operation("serp_malformed", FRESH), Unanswered::NextNight);
        assert_eq!(after_operation("serp_malformed", Tried { retries: 1, ..FRESH }), Unanswered::NextNight);
        assert_eq!(after_operation("serp_malformed", Tried { retries: 2, ..FRESH }), Unanswered::GiveUp);
    }
}
