//! Moves that must never be, and words.

use super::*;

/// Every pair not listed is refused with `illegal_transition` and names both ends.
#[test]
fn a_sent_letter_never_moves_again() {
    use MessageEvent as E;
    let events =
        [E::Approve, E::Queue, E::Unroute, E::Mark, E::Accept, E::PutBack, E::Fail, E::Hold, E::Doubt, E::Suppress, E::Cancel, E::Expire];
    for event in events {
        let refused = MessageState::Sent.after(event).expect_err("a sent letter stays sent");
        assert_eq!(refused.machine_code(), "illegal_transition");
    }
}

#[test]
fn a_letter_in_doubt_is_never_sent_again_by_itself() {
    for event in [MessageEvent::Mark, MessageEvent::PutBack, MessageEvent::Queue, MessageEvent::Approve] {
        assert!(MessageState::InDoubt.after(event).is_err(), "{event:?}");
    }
}

#[test]
fn an_opt_out_is_final() {
    for event in [CompanyEvent::ContactsFound, CompanyEvent::Contact, CompanyEvent::Reply, CompanyEvent::Merge, CompanyEvent::Disqualify] {
        assert!(CompanyState::OptOut.after(event).is_err(), "{event:?}");
    }
}

#[test]
fn whoever_is_parted_stands_where_it_stood_and_nobody_else_is_moved_by_it() {
    let part = |state: CompanyState, was| state.after(CompanyEvent::Part(was)).ok();
    assert_eq!(part(CompanyState::Duplicate, CompanyState::ReadyToContact), Some(CompanyState::ReadyToContact));
    assert_eq!(part(CompanyState::Duplicate, CompanyState::Contacted), None, "no such company was ever merged");
    assert_eq!(part(CompanyState::Contacted, CompanyState::New), None);
}

#[test]
fn words_are_read_back_as_written() {
    for state in MessageState::ALL {
        assert_eq!(MessageState::parse(state.as_str()).ok(), Some(*state));
    }
    assert!(MessageState::parse("skipped").is_err());
}
