//! What an arrival changes: the message it answers, the registry, the company.

use std::time::Duration;

use crate::domain::flow::{CompanyEvent, Delivery};
use crate::domain::signal::SignalKind;
use crate::domain::suppression::SuppressionSource;

/// How long after a letter an answer that quotes nothing may still be about it.
pub const WEAK_MATCH: Duration = Duration::from_hours(24 * 14);
/// The span in which soft bounces of an address add up.
pub const SOFT_SPAN: Duration = Duration::from_hours(24 * 30);
/// So many soft bounces make a hard one.
const SOFT_MOST: usize = 3;

/// Whether a signal that quotes no letter of ours may be matched by its address. A bounce that quotes nothing of ours
/// may be forged: only a person's own mail is.
pub fn may_match_by_address(kind: SignalKind) -> bool {
    !matches!(kind, SignalKind::HardBounce | SignalKind::SoftBounce | SignalKind::PolicyBounce | SignalKind::Delayed)
}

/// What a signal counts as once the soft bounces of its address within [`SOFT_SPAN`], itself included, are known.
pub fn hardened(kind: SignalKind, soft_bounces: usize) -> SignalKind {
    if kind == SignalKind::SoftBounce && soft_bounces >= SOFT_MOST { SignalKind::HardBounce } else { kind }
}

/// What follows from a signal about a message of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// What stands beside the message from now on.
    pub delivery: Option<Delivery>,
    /// The recipient goes to the registry.
    pub suppress: Option<SuppressionSource>,
    /// The company moves.
    pub company: Option<CompanyEvent>,
}

/// The effect of a signal. A soft or delayed bounce, a machine's answer and anything unrelated are noted only.
pub fn effect(kind: SignalKind) -> Effect {
    match kind {
        SignalKind::HardBounce => Effect { delivery: Some(Delivery::Bounced), suppress: Some(SuppressionSource::Bounce), company: None },
        SignalKind::PolicyBounce => Effect { delivery: Some(Delivery::Bounced), ..Effect::default() },
        SignalKind::Complaint => Effect {
            delivery: Some(Delivery::Complained),
            suppress: Some(SuppressionSource::Complaint),
            company: Some(CompanyEvent::OptOut),
        },
        SignalKind::Stop => {
            Effect { delivery: Some(Delivery::Unsubscribed), suppress: Some(SuppressionSource::Reply), company: Some(CompanyEvent::OptOut) }
        }
        SignalKind::Reply => Effect { delivery: Some(Delivery::Replied), suppress: None, company: Some(CompanyEvent::Reply) },
        SignalKind::SoftBounce | SignalKind::Delayed | SignalKind::AutoReply | SignalKind::Unrelated => Effect::default(),
    }
}

/// Whether a second signal may replace what stands beside a message: a refusal is never overwritten by less.
pub fn outranks(new: Delivery, old: Option<Delivery>) -> bool {
    let weight = |delivery: Delivery| match delivery {
        Delivery::Accepted => 0,
        Delivery::Replied => 1,
        Delivery::Bounced => 2,
        Delivery::Unsubscribed => 3,
        Delivery::Complained => 4,
    };
    old.is_none_or(|old| weight(new) > weight(old))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_answer_changes_nothing() {
        assert_eq!(effect(SignalKind::AutoReply), Effect::default());
    }

    #[test]
    fn the_third_soft_bounce_is_a_hard_one() {
        assert_eq!(hardened(SignalKind::SoftBounce, 2), SignalKind::SoftBounce);
        assert_eq!(hardened(SignalKind::SoftBounce, 3), SignalKind::HardBounce);
        assert_eq!(hardened(SignalKind::Reply, 3), SignalKind::Reply);
    }

    #[test]
    fn a_bounce_that_quotes_nothing_is_matched_to_nothing() {
        assert!(!may_match_by_address(SignalKind::HardBounce));
        assert!(may_match_by_address(SignalKind::Stop));
    }

    #[test]
    fn a_refusal_is_never_overwritten_by_a_later_answer() {
        assert!(!outranks(Delivery::Replied, Some(Delivery::Unsubscribed)));
        assert!(outranks(Delivery::Unsubscribed, Some(Delivery::Replied)));
    }
}
