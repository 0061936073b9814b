//! What an arrival changes: the message it answers, the registry, the company.

use crate::domain::flow::{CompanyEvent, Delivery};
use crate::domain::signal::SignalKind;
use crate::domain::suppression::SuppressionSource;

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
    fn a_refusal_is_never_overwritten_by_a_later_answer() {
        assert!(!outranks(Delivery::Replied, Some(Delivery::Unsubscribed)));
        assert!(outranks(Delivery::Unsubscribed, Some(Delivery::Replied)));
    }
}
