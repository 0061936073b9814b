//! Searches by hand: what was planned, answered or is in doubt is met as such, and every charge is told.

use std::time::Duration;

use crate::domain::flow::QueryState;
use crate::domain::money::Money;
use crate::domain::query::{Asking, ByHand, SearchQuery};
use crate::domain::time::Timestamp;
use crate::error::{Result, Verdict};
use crate::ports::work::{DedupeResult, IngestPage, SubmitQuery, Work};

use super::seeds::{Seeded, query_now, through};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_query_by_hand_waits_once,
    a_query_asked_by_hand_keeps_its_batch,
    a_query_that_is_due_already_is_asked_by_hand,
    an_answered_query_is_asked_anew_only_if_the_person_says_so,
    a_query_in_doubt_is_asked_anew_only_if_the_person_says_so,
    a_query_paid_in_vain_is_asked_anew_only_if_the_person_says_so,
    a_query_nobody_asked_is_withdrawn_and_no_other,
    the_outcome_tells_what_a_query_brought,
    every_charge_is_told_in_a_line_of_costs,
];

const ONCE: Asking = Asking { again: false, forecast: Money::ZERO };
const AGAIN: Asking = Asking { again: true, forecast: Money::ZERO };

/// The same query as a search by hand of another tag asks for it, now.
fn by_hand(world: &World, query: &SearchQuery) -> SearchQuery {
    SearchQuery { batch_tag: "by-hand".into(), scheduled_for: world.now(), ..query.clone() }
}

async fn a_query_by_hand_waits_once(world: &World) -> Result<()> {
    let query = query_now(world, "word");

    assert_eq!(world.store.enqueue(std::slice::from_ref(&query)).await?, 1);
    assert_eq!(world.store.enqueue(std::slice::from_ref(&query)).await?, 0, "it waits already");
    through::<SubmitQuery>(world, "word").await?;
    assert_eq!(world.store.enqueue(std::slice::from_ref(&query)).await?, 0, "it is being asked");
    assert_eq!(world.store.ask(&query, AGAIN).await?, ByHand::BeingAsked);

    assert_eq!(world.store.slots_of(&[query.id]).await?, [Some(query.scheduled_for)]);
    Ok(())
}

async fn a_query_asked_by_hand_keeps_its_batch(world: &World) -> Result<()> {
    let planned = SearchQuery { scheduled_for: world.now() + Duration::from_hours(9), ..query_now(world, "word") };
    world.store.enqueue(std::slice::from_ref(&planned)).await?;
    assert!(world.claim::<SubmitQuery>().await?.is_empty(), "its night has not come");

    assert_eq!(world.store.ask(&by_hand(world, &planned), ONCE).await?, ByHand::MovedUp);

    assert!(world.claim_as::<SubmitQuery>(&world.of_batch("other")).await?.is_empty());
    let claim = world.claim_as::<SubmitQuery>(&world.of_batch("by-hand")).await?.remove(0);
    assert_eq!((claim.item.id, claim.item.batch_tag.as_str()), (planned.id, "word"), "it is found by its new tag, and is of its old batch");
    Ok(())
}

async fn a_query_that_is_due_already_is_asked_by_hand(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let known = query_now(world, "word");
    world.pass_minutes(5);

    assert_eq!(world.store.ask(&by_hand(world, &known), ONCE).await?, ByHand::Due);

    assert_eq!(world.claim_as::<SubmitQuery>(&world.of_batch("by-hand")).await?.len(), 1, "whoever asks by hand finds it");
    Ok(())
}

async fn an_answered_query_is_asked_anew_only_if_the_person_says_so(world: &World) -> Result<()> {
    IngestPage::seed(world, "word").await?;
    through::<IngestPage>(world, "word").await?;
    let known = query_now(world, "word");

    assert_eq!(world.store.ask(&by_hand(world, &known), ONCE).await?, ByHand::Answered);
    assert_eq!(world.queries(QueryState::Completed).await?, 1, "nothing moved");
    assert_eq!(world.store.ask(&by_hand(world, &known), AGAIN).await?, ByHand::Reopened);

    assert_eq!(world.claim_as::<SubmitQuery>(&world.of_batch("by-hand")).await?.len(), 1);
    Ok(())
}

async fn a_query_in_doubt_is_asked_anew_only_if_the_person_says_so(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let known = query_now(world, "word");
    let claim = world.claim_one::<SubmitQuery>().await?;
    world.mark::<SubmitQuery>(&claim.ticket).await?;
    world.pass(SubmitQuery::LEASE + Duration::from_secs(1));
    assert!(world.claim::<SubmitQuery>().await?.is_empty(), "whoever had it is gone");

    assert_eq!(world.store.ask(&by_hand(world, &known), ONCE).await?, ByHand::PaidInVain);
    assert!(world.claim::<SubmitQuery>().await?.is_empty(), "it waits for a later night");
    let outcome = world.store.outcome(known.id, Timestamp::from_millis(0)).await?.expect("it is known");
    assert!(outcome.paid_in_vain && outcome.query.state == QueryState::Pending);
    assert_eq!(world.store.ask(&by_hand(world, &known), AGAIN).await?, ByHand::MovedUp);

    assert_eq!(world.claim_as::<SubmitQuery>(&world.of_batch("by-hand")).await?.len(), 1);
    Ok(())
}

async fn a_query_paid_in_vain_is_asked_anew_only_if_the_person_says_so(world: &World) -> Result<()> {
    IngestPage::seed(world, "word").await?;
    let page = world.claim_one::<IngestPage>().await?;
    world.release::<IngestPage>(&page.ticket, Verdict::Reject, "serp_malformed", Duration::ZERO).await?;
    let known = query_now(world, "word");

    assert_eq!(world.store.ask(&by_hand(world, &known), ONCE).await?, ByHand::PaidInVain, "its page was paid and could not be read");
    assert_ne!(world.store.ask(&by_hand(world, &known), AGAIN).await?, ByHand::PaidInVain);

    assert_eq!(world.claim_as::<SubmitQuery>(&world.of_batch("by-hand")).await?.len(), 1);
    Ok(())
}

async fn a_query_nobody_asked_is_withdrawn_and_no_other(world: &World) -> Result<()> {
    let query = query_now(world, "word");
    world.store.ask(&query, ONCE).await?;
    assert!(world.store.unask(query.id).await?);
    assert!(world.store.outcome(query.id, world.now()).await?.is_none(), "it is gone");
    assert!(!world.store.unask(query.id).await?);

    world.store.ask(&query, ONCE).await?;
    let claim = world.claim_one::<SubmitQuery>().await?;
    assert!(!world.store.unask(query.id).await?, "somebody is about to ask it");
    world.mark::<SubmitQuery>(&claim.ticket).await?;
    world.release::<SubmitQuery>(&claim.ticket, Verdict::InDoubt, "lost", Duration::ZERO).await?;
    assert!(!world.store.unask(query.id).await?, "it may have been paid");
    Ok(())
}

async fn the_outcome_tells_what_a_query_brought(world: &World) -> Result<()> {
    DedupeResult::seed(world, "word").await?;
    through::<DedupeResult>(world, "word").await?;
    let query = query_now(world, "word");

    let all = world.store.outcome(query.id, Timestamp::from_millis(0)).await?.expect("it is known");
    assert_eq!((all.query.state, all.results, all.companies.len()), (QueryState::Completed, 1, 1));
    assert_eq!(all.companies[0].canonical_domain, "word.ru");
    assert!(all.asked.is_some() && all.last_error.is_none() && !all.paid_in_vain);

    let later = world.store.outcome(query.id, world.now() + Duration::from_hours(1)).await?.expect("it is known");
    assert_eq!((later.results, later.companies.len()), (0, 0), "what it brought before does not count");
    Ok(())
}

async fn every_charge_is_told_in_a_line_of_costs(world: &World) -> Result<()> {
    for word in ["one", "two"] {
        SubmitQuery::seed(world, word).await?;
        through::<SubmitQuery>(world, word).await?;
    }
    let price = Asking { forecast: Money::from_millionths(480_000), ..ONCE };
    let moved = SearchQuery { scheduled_for: world.now() + Duration::from_hours(9), ..query_now(world, "three") };
    world.store.ask(&moved, price).await?;
    world.store.ask(&by_hand(world, &moved), price).await?;
    through::<SubmitQuery>(world, "by-hand").await?;

    let lines = world.store.costs().await?;
    let told = lines.iter().fold(Money::ZERO, |sum, line| sum + line.cost);
    assert_eq!(told, world.store.spent(Timestamp::from_millis(0), world.now() + Duration::from_hours(1)).await?, "{lines:?}");
    let line = lines.iter().find(|line| line.batch == "three").expect("a line of its batch");
    assert_eq!((line.queries, line.night + line.day, line.forecast), (1, 1, price.forecast), "plan and charge meet in one line");
    Ok(())
}
