//! Letters before they leave: one to a company, read by a person, routed with their bytes and their turn.

use std::time::Duration;

use crate::domain::flow::MessageState;
use crate::domain::message::Message;
use crate::domain::suppression::{Suppression, SuppressionScope};
use crate::error::{ErrorKind, Result, Verdict};
use crate::ports::work::{DraftLetter, EnrichCompany, RouteLetter, SendLetter, Work};
use crate::testing::builders::{a_company, a_refusal};

use super::seeds::{Seeded, drafted, frozen, import, through};
use super::world::{LATER, World, refused};
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_company_gets_one_first_letter,
    a_draft_waits_for_a_person,
    a_letter_that_needs_no_review_is_approved_by_policy,
    a_prospect_brings_what_its_letter_needs,
    an_address_that_refused_gets_no_draft,
    a_domain_that_refused_gets_no_draft,
    a_refusal_of_anything_a_firm_answers_to_holds_before_it_is_known,
    a_refusal_that_comes_while_a_letter_is_written_leaves_none,
    a_letter_that_cannot_be_written_waits_a_day,
    an_approval_of_another_text_is_stale,
    an_approval_is_given_once,
    a_message_nobody_knows_is_said_so,
    an_approval_after_a_refusal_is_refused,
    a_cancelled_letter_never_leaves,
    messages_are_listed_by_state_oldest_first,
    turns_of_a_mailbox_keep_their_distance,
    frozen_bytes_come_back_as_they_were,
    a_letter_nobody_takes_fails_with_its_reason,
    a_letter_held_is_for_a_person,
    a_refusal_between_approval_and_route_suppresses,
];

async fn draft(world: &World, word: &str) -> Result<Message> {
    DraftLetter::seed(world, word).await?;
    let claim = world.claim_as::<DraftLetter>(&world.of_batch(word)).await?.remove(0);
    world.commit::<DraftLetter>(&claim.ticket, drafted(&claim.item, true)).await?;
    let all = world.store.messages(Some(MessageState::Draft), 10).await?;
    Ok(all.into_iter().find(|message| message.campaign == word).expect("a draft appears"))
}

async fn approve(world: &World, message: &Message) -> Result<()> {
    world.store.approve(message.id, &message.approval_hash, "anna", world.now()).await
}

async fn a_company_gets_one_first_letter(world: &World) -> Result<()> {
    let message = draft(world, "one").await?;

    assert_eq!((message.step, message.to.as_str(), message.campaign.as_str()), (1, "info@one.ru", "one"));
    assert_eq!(message.id, Message::id_of(message.contact_id, "one", 1), "its id comes from contact, campaign and step");
    world.pass(Duration::from_hours(48));
    assert!(world.claim::<DraftLetter>().await?.is_empty(), "a second first letter was asked for");
    Ok(())
}

async fn a_draft_waits_for_a_person(world: &World) -> Result<()> {
    let message = draft(world, "one").await?;
    assert!(world.claim::<RouteLetter>().await?.is_empty(), "nobody has read it");

    approve(world, &message).await?;

    assert_eq!(world.claim_one::<RouteLetter>().await?.item.id, message.id);
    assert_eq!(world.store.funnel(None).await?.approved, 1);
    Ok(())
}

async fn a_letter_that_needs_no_review_is_approved_by_policy(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;

    world.expect_message(MessageState::Approved, "no person is needed").await?;
    let events = world.store.events(10).await?;
    assert!(events.iter().any(|event| event.action == "approve" && event.actor == "policy"), "the journal says who approved");
    Ok(())
}

async fn a_prospect_brings_what_its_letter_needs(world: &World) -> Result<()> {
    DraftLetter::seed(world, "one").await?;

    let prospect = world.claim_one::<DraftLetter>().await?.item;

    assert_eq!((prospect.to.as_str(), prospect.campaign.as_str()), ("info@one.ru", "one"));
    assert_eq!((prospect.source_url.as_str(), prospect.excerpt.as_str()), ("test:1", "Лечим зубы"));
    Ok(())
}

async fn an_address_that_refused_gets_no_draft(world: &World) -> Result<()> {
    DraftLetter::seed(world, "one").await?;
    world.store.register(&a_refusal("info@one.ru", world.now()), "anna").await?;

    assert!(world.claim::<DraftLetter>().await?.is_empty());
    Ok(())
}

fn a_refusing_domain(world: &World, domain: &str) -> Suppression {
    Suppression { scope: SuppressionScope::Domain, value: domain.to_owned(), ..a_refusal("x@one.ru", world.now()) }
}

async fn a_domain_that_refused_gets_no_draft(world: &World) -> Result<()> {
    world.store.register(&a_refusing_domain(world, "one.ru"), "anna").await?;
    DraftLetter::seed(world, "one").await?;

    assert!(world.claim::<DraftLetter>().await?.is_empty());
    Ok(())
}

async fn a_refusal_of_anything_a_firm_answers_to_holds_before_it_is_known(world: &World) -> Result<()> {
    let phone = |value: &str| Suppression { scope: SuppressionScope::Phone, value: value.into(), ..a_refusing_domain(world, "") };
    for entry in [phone("+78432000001"), a_refusing_domain(world, "two.ru")] {
        world.store.register(&entry, "anna").await?;
    }
    let firms = [("one", "one.ru", "+78432000001"), ("two", "shop.two.ru", "+78432000002"), ("three", "three.ru", "+78432000001")];
    for (word, host, phone) in firms {
        import(world, &a_company().named(&format!("Фирма {word}")).at(host).with_phone(phone).with_email(&format!("{word}@gmail.com")))
            .await?;
    }
    through::<EnrichCompany>(world, "default").await?;

    assert!(world.claim::<DraftLetter>().await?.is_empty(), "by its phone, by its domain, and by a phone that another has as well");
    Ok(())
}

async fn a_refusal_that_comes_while_a_letter_is_written_leaves_none(world: &World) -> Result<()> {
    DraftLetter::seed(world, "one").await?;
    let claim = world.claim_one::<DraftLetter>().await?;
    world.store.register(&a_refusal("info@one.ru", world.now()), "anna").await?;

    world.commit::<DraftLetter>(&claim.ticket, drafted(&claim.item, false)).await?;

    assert!(world.store.messages(None, 10).await?.is_empty(), "a letter to somebody who refused was kept");
    Ok(())
}

async fn a_letter_that_cannot_be_written_waits_a_day(world: &World) -> Result<()> {
    DraftLetter::seed(world, "one").await?;
    for _ in 0..DraftLetter::TRIES {
        let claim = world.claim_one::<DraftLetter>().await?;
        world.release::<DraftLetter>(&claim.ticket, Verdict::Reject, "draft_refused", Duration::ZERO).await?;
        assert!(world.claim::<DraftLetter>().await?.is_empty(), "it is asked again at once");
        world.pass(Duration::from_hours(24));
    }

    assert!(world.claim::<DraftLetter>().await?.is_empty(), "three days are all");
    Ok(())
}

async fn an_approval_of_another_text_is_stale(world: &World) -> Result<()> {
    let message = draft(world, "one").await?;

    let outcome = world.store.approve(message.id, "another hash", "anna", world.now()).await;

    refused(outcome, ErrorKind::Conflict, "approval_stale", "an approval of what was not shown");
    world.expect_message(MessageState::Draft, "it waits for a person still").await
}

async fn an_approval_is_given_once(world: &World) -> Result<()> {
    let message = draft(world, "one").await?;
    approve(world, &message).await?;

    refused(approve(world, &message).await, ErrorKind::Conflict, "illegal_transition", "a second approval");
    Ok(())
}

async fn a_message_nobody_knows_is_said_so(world: &World) -> Result<()> {
    let nobody = crate::domain::id::Id::of(&["nobody"]);

    refused(world.store.approve(nobody, "", "anna", world.now()).await, ErrorKind::Rejected, "no_such_message", "an approval of nothing");
    assert_eq!(world.store.message(nobody).await?, None);
    assert_eq!(world.store.contact_address(nobody).await?, None);
    Ok(())
}

async fn an_approval_after_a_refusal_is_refused(world: &World) -> Result<()> {
    let message = draft(world, "one").await?;
    world.store.register(&a_refusal("info@one.ru", world.now()), "anna").await?;

    assert_eq!(approve(world, &message).await.map_err(|error| error.kind()), Err(ErrorKind::Conflict));
    world.expect_message(MessageState::Suppressed, "a refusal is at once").await
}

async fn a_cancelled_letter_never_leaves(world: &World) -> Result<()> {
    let message = draft(world, "one").await?;
    approve(world, &message).await?;

    world.store.cancel(message.id, "not this one", "anna", world.now()).await?;

    world.expect_message(MessageState::Cancelled, "a person dropped it").await?;
    assert!(world.claim::<RouteLetter>().await?.is_empty());
    assert!(world.claim::<DraftLetter>().await?.is_empty(), "one letter to an address, ever");
    Ok(())
}

async fn messages_are_listed_by_state_oldest_first(world: &World) -> Result<()> {
    for word in ["one", "two", "three"] {
        draft(world, word).await?;
        world.pass_minutes(1);
    }
    let two = world.store.messages(None, 10).await?[1].clone();
    approve(world, &two).await?;

    let waiting = world.store.messages(Some(MessageState::Draft), 10).await?;
    let words: Vec<&str> = waiting.iter().map(|message| message.campaign.as_str()).collect();

    assert_eq!(words, ["one", "three"]);
    assert_eq!(world.store.messages(None, 2).await?.len(), 2, "no more than asked for");
    assert_eq!(world.store.message(two.id).await?.map(|message| message.state), Some(MessageState::Approved));
    assert_eq!(world.store.contact_address(two.id).await?.map(|to| to.to_string()), Some(two.to.to_string()));
    Ok(())
}

async fn turns_of_a_mailbox_keep_their_distance(world: &World) -> Result<()> {
    for word in ["one", "two", "three"] {
        RouteLetter::seed(world, word).await?;
    }
    let routed: Vec<_> = world.claim::<RouteLetter>().await?;
    let done = routed.iter().map(|claim| (claim.ticket.clone(), RouteLetter::done(&claim.item))).collect();
    crate::ports::store::Lane::<RouteLetter>::commit(world.store.as_ref(), &world.call(), done).await?;

    let mut turns: Vec<_> = world.store.messages(Some(MessageState::Queued), 10).await?.iter().filter_map(|m| m.scheduled_for).collect();
    turns.sort_unstable();

    let least = world.policy.send.delay.0;
    assert_eq!(turns.len(), 3, "each has its turn");
    assert!(turns[0].since(world.now()) >= least, "the first turn is a delay away");
    for pair in turns.windows(2) {
        assert!(pair[1].since(pair[0]) >= least, "two turns are too close");
    }
    Ok(())
}

async fn frozen_bytes_come_back_as_they_were(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;
    let claim = world.claim_one::<RouteLetter>().await?;
    let mail = frozen(&claim.item, "yandex");
    world.commit::<RouteLetter>(&claim.ticket, (mail.clone(), vec!["yandex".into(), "gmail".into()])).await?;
    world.pass_minutes(2);

    assert_eq!(world.claim_one::<SendLetter>().await?.item, mail);
    Ok(())
}

async fn a_letter_nobody_takes_fails_with_its_reason(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;
    let claim = world.claim_one::<RouteLetter>().await?;

    world.release::<RouteLetter>(&claim.ticket, Verdict::Reject, "bad_domain", Duration::ZERO).await?;

    world.expect_message(MessageState::Failed, "its domain takes no mail").await?;
    assert!(world.message().await?.last_error.is_some_and(|why| why.starts_with("bad_domain: ")));
    Ok(())
}

async fn a_letter_held_is_for_a_person(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;
    let claim = world.claim_one::<RouteLetter>().await?;
    world.release::<RouteLetter>(&claim.ticket, LATER, "unavailable", Duration::from_mins(1)).await?;
    world.pass_minutes(1);
    let claim = world.claim_one::<RouteLetter>().await?;
    assert_eq!(claim.ticket.tries, 1, "a try in vain is counted");

    world.release::<RouteLetter>(&claim.ticket, Verdict::Hold, "gate_closed", Duration::ZERO).await?;

    world.expect_message(MessageState::Held, "a person decides").await?;
    assert!(world.claim::<RouteLetter>().await?.is_empty());
    approve(world, &world.message().await?).await?;
    assert_eq!(world.claim::<RouteLetter>().await?.len(), 1, "approved anew, it goes on");
    Ok(())
}

async fn a_refusal_between_approval_and_route_suppresses(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;
    world.store.register(&a_refusing_domain(world, "one.ru"), "anna").await?;

    assert!(world.claim::<RouteLetter>().await?.is_empty());
    world.expect_message(MessageState::Suppressed, "a domain covers its addresses").await
}
