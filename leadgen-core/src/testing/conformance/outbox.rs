//! The send lane: every limit at the claim and again at the mark, and no letter twice.

use std::time::Duration;

use crate::domain::flow::MessageState;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::error::{ErrorKind, Result, Verdict};
use crate::ports::store::{Lane, OnceLane, Settlement};
use crate::ports::work::{Claim, RouteLetter, SendLetter, Work};
use crate::testing::builders::{a_mailbox, a_refusal, address};

use super::seeds::{Seeded, through};
use super::world::{LATER, World, refused};
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_letter_does_not_leave_before_its_turn,
    nothing_leaves_while_sending_is_off,
    nothing_leaves_outside_the_window,
    nothing_leaves_above_the_cap,
    a_cap_reached_before_the_mark_refuses_it,
    letters_of_a_mailbox_leave_one_delay_apart,
    a_window_that_closes_before_the_mark_refuses_it,
    a_suppressed_address_is_never_claimed,
    a_refusal_before_the_mark_stops_the_letter,
    a_paused_mailbox_sends_nothing_until_it_is_resumed,
    a_mark_after_the_lease_is_refused,
    a_sent_letter_moves_its_company,
    a_letter_still_offered_is_not_in_doubt_while_its_lease_is_renewed,
    a_letter_marked_and_forgotten_is_in_doubt_and_never_sent_again,
    a_doubt_counts_against_the_cap,
    a_person_ends_a_doubt,
    only_a_doubt_can_be_ended,
    a_definite_later_after_the_mark_sends_it_later,
    a_letter_tried_too_often_expires,
    a_lost_reply_is_a_doubt,
    a_broken_login_takes_the_next_mailbox_and_pauses_the_first,
    a_dead_address_is_suppressed,
    a_policy_verdict_holds_the_letter_and_pauses_the_mailbox,
    health_counts_what_was_marked,
];

async fn queued(world: &World) -> Result<()> {
    SendLetter::seed(world, "one").await
}

async fn marked(world: &World) -> Result<Claim<SendLetter>> {
    queued(world).await?;
    let claim = world.claim_one::<SendLetter>().await?;
    world.mark::<SendLetter>(&claim.ticket).await?;
    Ok(claim)
}

async fn claims_under(world: &World, change: impl FnOnce(&mut Policy)) -> Result<usize> {
    Ok(Lane::<SendLetter>::claim(world.store.as_ref(), &world.call_with(change)).await?.len())
}

async fn mark_under(world: &World, claim: &Claim<SendLetter>, change: impl FnOnce(&mut Policy)) -> Result<()> {
    OnceLane::<SendLetter>::mark(world.store.as_ref(), &world.call_with(change), &claim.ticket).await
}

fn no_window(policy: &mut Policy) {
    policy.send.window.weekdays = vec![7];
}

fn cap_of(cap: u32) -> impl FnOnce(&mut Policy) {
    move |policy| policy.send.mailboxes.iter_mut().for_each(|mailbox| mailbox.daily_cap = cap)
}

async fn a_letter_does_not_leave_before_its_turn(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;
    through::<RouteLetter>(world, "one").await?;
    let turn = world.message().await?.scheduled_for.expect("a routed letter has a turn");

    assert!(world.claim::<SendLetter>().await?.is_empty(), "its turn has not come");
    assert_eq!(world.store.next_due(world.now()).await?, Some(turn));
    world.pass(turn.since(world.now()));

    assert_eq!(world.claim::<SendLetter>().await?.len(), 1);
    Ok(())
}

async fn nothing_leaves_while_sending_is_off(world: &World) -> Result<()> {
    queued(world).await?;
    assert_eq!(claims_under(world, |policy| policy.send.enabled = false).await?, 0);
    Ok(())
}

async fn nothing_leaves_outside_the_window(world: &World) -> Result<()> {
    queued(world).await?;
    assert_eq!(claims_under(world, no_window).await?, 0);
    Ok(())
}

async fn nothing_leaves_above_the_cap(world: &World) -> Result<()> {
    for word in ["one", "two"] {
        SendLetter::seed(world, word).await?;
    }
    let claim = world.claim_as::<SendLetter>(&world.of_batch("one")).await?.remove(0);
    world.mark::<SendLetter>(&claim.ticket).await?;
    world.commit::<SendLetter>(&claim.ticket, SendLetter::done(&claim.item)).await?;
    world.pass_minutes(10);

    assert_eq!(claims_under(world, cap_of(1)).await?, 0, "one letter in any 24 hours");
    world.pass(Duration::from_hours(24));
    assert_eq!(claims_under(world, cap_of(1)).await?, 1, "a day later there is room");
    Ok(())
}

async fn two_claimed(world: &World) -> Result<[Claim<SendLetter>; 2]> {
    for word in ["one", "two"] {
        SendLetter::seed(world, word).await?;
    }
    let first = world.claim_as::<SendLetter>(&world.of_batch("one")).await?.remove(0);
    let second = world.claim_as::<SendLetter>(&world.of_batch("two")).await?.remove(0);
    Ok([first, second])
}

async fn a_cap_reached_before_the_mark_refuses_it(world: &World) -> Result<()> {
    let [first, second] = two_claimed(world).await?;
    mark_under(world, &first, cap_of(1)).await?;
    world.pass_minutes(5);

    refused(mark_under(world, &second, cap_of(1)).await, ErrorKind::Conflict, "cap_reached", "a mark above the cap");

    assert_eq!(world.store.messages(Some(MessageState::Queued), 10).await?.len(), 1, "it waits for another day");
    Ok(())
}

async fn letters_of_a_mailbox_leave_one_delay_apart(world: &World) -> Result<()> {
    let [first, second] = two_claimed(world).await?;
    world.mark::<SendLetter>(&first.ticket).await?;

    refused(world.mark::<SendLetter>(&second.ticket).await, ErrorKind::Conflict, "too_close", "two letters in one breath");

    assert!(world.claim::<SendLetter>().await?.is_empty(), "the claim keeps the distance too");
    world.pass(world.policy.send.delay.0);
    assert_eq!(world.claim::<SendLetter>().await?.len(), 1, "one delay later");
    Ok(())
}

async fn a_window_that_closes_before_the_mark_refuses_it(world: &World) -> Result<()> {
    queued(world).await?;
    let claim = world.claim_one::<SendLetter>().await?;

    refused(mark_under(world, &claim, no_window).await, ErrorKind::Conflict, "window_closed", "a mark outside the window");

    world.expect_message(MessageState::Queued, "it waits for the window").await?;
    assert_eq!(world.claim::<SendLetter>().await?.len(), 1, "its lease ended with the refusal");
    Ok(())
}

async fn a_suppressed_address_is_never_claimed(world: &World) -> Result<()> {
    queued(world).await?;
    world.store.register(&a_refusal("info@one.ru", world.now()), "anna").await?;

    assert!(world.claim::<SendLetter>().await?.is_empty());
    world.expect_message(MessageState::Suppressed, "a refusal is at once").await
}

async fn a_refusal_before_the_mark_stops_the_letter(world: &World) -> Result<()> {
    queued(world).await?;
    let claim = world.claim_one::<SendLetter>().await?;
    world.store.register(&a_refusal("info@one.ru", world.now()), "anna").await?;

    let outcome = world.mark::<SendLetter>(&claim.ticket).await;

    assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::Conflict), "a mark against a refusal");
    world.expect_message(MessageState::Suppressed, "it went aside").await
}

async fn a_paused_mailbox_sends_nothing_until_it_is_resumed(world: &World) -> Result<()> {
    queued(world).await?;
    let until = world.now() + Duration::from_hours(1);
    world.store.pause("gmail", Some(until), "they asked for it", "anna", world.now()).await?;
    assert!(world.claim::<SendLetter>().await?.is_empty(), "it is paused");
    let health = world.store.health(&[a_mailbox("gmail")], world.now()).await?;
    assert_eq!(health[0].paused_until, Some(until));
    assert!(health[0].pause_reason.as_ref().is_some_and(|why| why.contains("they asked for it")));

    world.pass(Duration::from_hours(1));
    assert_eq!(world.claim::<SendLetter>().await?.len(), 1, "the pause is over");
    world.pass(SendLetter::LEASE);
    world.store.pause("gmail", None, "for good", "anna", world.now()).await?;
    world.pass(Duration::from_hours(48));
    assert!(world.claim::<SendLetter>().await?.is_empty(), "until a person resumes it");
    world.store.resume("gmail", "anna", world.now()).await?;
    assert_eq!(world.claim::<SendLetter>().await?.len(), 1);
    Ok(())
}

async fn a_mark_after_the_lease_is_refused(world: &World) -> Result<()> {
    queued(world).await?;
    let claim = world.claim_one::<SendLetter>().await?;

    world.pass(SendLetter::LEASE + Duration::from_secs(1));

    refused(world.mark::<SendLetter>(&claim.ticket).await, ErrorKind::Conflict, "lease_lost", "a worker that slept through its lease");
    world.expect_message(MessageState::Queued, "nothing was given to the server").await
}

async fn a_sent_letter_moves_its_company(world: &World) -> Result<()> {
    let claim = marked(world).await?;
    world.expect_message(MessageState::Sending, "the mark is kept").await?;

    world.commit::<SendLetter>(&claim.ticket, SendLetter::done(&claim.item)).await?;

    let message = world.message().await?;
    assert_eq!((message.state, message.attempts, message.sent_at), (MessageState::Sent, 1, Some(world.now())));
    assert_eq!(message.delivery, Some(crate::domain::flow::Delivery::Accepted));
    assert_eq!(world.company_state().await?, "contacted");
    assert_eq!(world.store.funnel(None).await?.sent, 1);
    Ok(())
}

async fn a_letter_still_offered_is_not_in_doubt_while_its_lease_is_renewed(world: &World) -> Result<()> {
    let claim = marked(world).await?;
    for _ in 0..3 {
        world.pass(SendLetter::LEASE.saturating_sub(Duration::from_secs(1)));
        world.renew::<SendLetter>(&claim.ticket).await?;
        assert!(world.claim::<SendLetter>().await?.is_empty());
    }
    world.expect_message(MessageState::Sending, "a slow server still has it").await?;
    assert_eq!(world.commit::<SendLetter>(&claim.ticket, SendLetter::done(&claim.item)).await?, []);
    world.expect_message(MessageState::Sent, "its outcome counts").await?;
    refused(world.renew::<SendLetter>(&claim.ticket).await, ErrorKind::Conflict, "lease_lost", "what has come to its end is nobody's");
    Ok(())
}

async fn a_letter_marked_and_forgotten_is_in_doubt_and_never_sent_again(world: &World) -> Result<()> {
    let claim = marked(world).await?;
    world.pass(SendLetter::LEASE + Duration::from_secs(1));

    assert!(world.claim::<SendLetter>().await?.is_empty(), "a letter past the mark was given out again");

    world.expect_message(MessageState::InDoubt, "nobody knows").await?;
    assert_eq!(world.store.funnel(None).await?.in_doubt, 1);
    let late = world.commit::<SendLetter>(&claim.ticket, SendLetter::done(&claim.item)).await?;
    assert_eq!(late, [claim.ticket], "an outcome after that is handed back");
    world.pass(Duration::from_hours(200));
    assert!(world.claim::<SendLetter>().await?.is_empty());
    Ok(())
}

async fn a_doubt_counts_against_the_cap(world: &World) -> Result<()> {
    for word in ["one", "two"] {
        SendLetter::seed(world, word).await?;
    }
    let claim = world.claim_as::<SendLetter>(&world.of_batch("one")).await?.remove(0);
    world.mark::<SendLetter>(&claim.ticket).await?;
    world.release::<SendLetter>(&claim.ticket, Verdict::InDoubt, "in_doubt", Duration::ZERO).await?;
    world.pass_minutes(10);

    assert_eq!(claims_under(world, cap_of(1)).await?, 0);
    Ok(())
}

async fn in_doubt(world: &World) -> Result<()> {
    let claim = marked(world).await?;
    world.release::<SendLetter>(&claim.ticket, Verdict::InDoubt, "in_doubt", Duration::ZERO).await
}

async fn a_person_ends_a_doubt(world: &World) -> Result<()> {
    in_doubt(world).await?;
    let message = world.message().await?;

    world.store.settle(message.id, Settlement::Again, "anna", world.now()).await?;
    world.expect_message(MessageState::Queued, "it goes once more").await?;
    assert_eq!(world.message().await?.message_id, message.message_id, "under the same Message-ID");
    world.pass_minutes(5);
    let claim = world.claim_one::<SendLetter>().await?;
    world.mark::<SendLetter>(&claim.ticket).await?;
    world.release::<SendLetter>(&claim.ticket, Verdict::InDoubt, "in_doubt", Duration::ZERO).await?;

    world.store.settle(message.id, Settlement::Sent, "anna", world.now()).await?;
    world.expect_message(MessageState::Sent, "a person says it arrived").await?;
    assert_eq!(world.company_state().await?, "contacted");
    Ok(())
}

async fn only_a_doubt_can_be_ended(world: &World) -> Result<()> {
    queued(world).await?;
    let message = world.message().await?;

    for settlement in [Settlement::Sent, Settlement::Again, Settlement::Drop] {
        let outcome = world.store.settle(message.id, settlement, "anna", world.now()).await;
        refused(outcome, ErrorKind::Conflict, "illegal_transition", "there is no doubt to end");
    }
    world.expect_message(MessageState::Queued, "nothing changed").await
}

async fn a_definite_later_after_the_mark_sends_it_later(world: &World) -> Result<()> {
    let claim = marked(world).await?;

    world.release::<SendLetter>(&claim.ticket, LATER, "temp_failure", Duration::from_mins(15)).await?;

    world.expect_message(MessageState::Queued, "the server said: later").await?;
    world.pass_minutes(14);
    assert!(world.claim::<SendLetter>().await?.is_empty(), "before the time it was put off to");
    world.pass_minutes(1);
    let again = world.claim_one::<SendLetter>().await?;
    assert_eq!(again.item, claim.item, "the same bytes, however often they are offered");
    Ok(())
}

async fn a_letter_tried_too_often_expires(world: &World) -> Result<()> {
    queued(world).await?;
    for _ in 0..world.policy.send.max_attempts {
        let claim = world.claim_one::<SendLetter>().await?;
        world.mark::<SendLetter>(&claim.ticket).await?;
        world.release::<SendLetter>(&claim.ticket, LATER, "temp_failure", Duration::from_mins(15)).await?;
        world.pass_minutes(15);
    }

    world.expect_message(MessageState::Expired, "too many tries").await?;
    assert!(world.claim::<SendLetter>().await?.is_empty());
    Ok(())
}

async fn a_lost_reply_is_a_doubt(world: &World) -> Result<()> {
    in_doubt(world).await?;
    world.expect_message(MessageState::InDoubt, "the server may have it").await?;
    assert!(world.claim::<SendLetter>().await?.is_empty());
    Ok(())
}

async fn a_broken_login_takes_the_next_mailbox_and_pauses_the_first(world: &World) -> Result<()> {
    queued(world).await?;
    let claim = world.claim_one::<SendLetter>().await?;

    world.release::<SendLetter>(&claim.ticket, Verdict::Pause, "auth_broken", Duration::from_mins(15)).await?;

    world.expect_message(MessageState::Approved, "it is routed anew").await?;
    let again = world.claim_one::<RouteLetter>().await?;
    assert_eq!(again.item.tried_mailboxes, ["gmail"], "the mailbox that broke is named");
    assert!(again.item.route_error.is_some_and(|why| why.starts_with("auth_broken: ")), "the first error is kept");
    let health = world.store.health(&[a_mailbox("gmail")], world.now()).await?;
    assert!(health[0].paused_until.is_some(), "the mailbox is paused");
    Ok(())
}

async fn a_dead_address_is_suppressed(world: &World) -> Result<()> {
    let claim = marked(world).await?;

    world.release::<SendLetter>(&claim.ticket, Verdict::Reject, "bad_mailbox", Duration::ZERO).await?;

    world.expect_message(MessageState::Failed, "nobody lives there").await?;
    assert!(world.store.covers(&address("info@one.ru")).await?.is_some(), "the address goes to the registry");
    assert_eq!(world.company_state().await?, "ready_to_contact", "a dead address is no refusal of the company");
    Ok(())
}

async fn a_policy_verdict_holds_the_letter_and_pauses_the_mailbox(world: &World) -> Result<()> {
    let claim = marked(world).await?;

    world.release::<SendLetter>(&claim.ticket, Verdict::Hold, "content", Duration::ZERO).await?;

    world.expect_message(MessageState::Held, "a person decides").await?;
    let health = world.store.health(&[a_mailbox("gmail"), a_mailbox("yandex")], world.now()).await?;
    assert_eq!(
        health.iter().map(|mailbox| mailbox.paused_until.is_some()).collect::<Vec<_>>(),
        [true, false],
        "only the one they distrust"
    );
    Ok(())
}

async fn health_counts_what_was_marked(world: &World) -> Result<()> {
    let empty = world.store.health(&[a_mailbox("gmail")], world.now()).await?;
    assert_eq!((empty[0].sent_24h, empty[0].last_marked_at), (0, None));

    marked(world).await?;
    let at: Timestamp = world.now();

    let health = world.store.health(&[a_mailbox("yandex"), a_mailbox("gmail")], world.now()).await?;
    assert_eq!((health[0].name.as_str(), health[0].sent_24h), ("yandex", 0), "in the order asked");
    assert_eq!((health[1].sent_24h, health[1].last_marked_at), (1, Some(at)));
    Ok(())
}
