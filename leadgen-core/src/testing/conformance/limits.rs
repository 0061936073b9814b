//! What searches may cost and how fast they may be asked, for all workers together.

use std::time::Duration;

use crate::domain::money::Money;
use crate::domain::policy::Quota;
use crate::domain::query::SearchMode;
use crate::error::{ErrorKind, Result, Verdict};
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{Call, SubmitQuery};

use super::seeds::Seeded;
use super::world::{LATER, World, refused};
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_search_is_charged_by_its_mark,
    a_search_they_did_not_take_costs_nothing,
    a_search_in_doubt_stays_charged_and_says_so,
    no_more_is_asked_in_a_second_than_the_quota_allows,
    a_quota_reached_before_the_mark_refuses_it,
    nothing_is_submitted_above_the_budget,
    refused_credentials_hold_up_all_searches_for_a_while,
];

async fn mark_one(world: &World, word: &str) -> Result<crate::ports::work::Ticket> {
    SubmitQuery::seed(world, word).await?;
    let claim = world.claim_as::<SubmitQuery>(&world.of_batch(word)).await?.remove(0);
    world.mark::<SubmitQuery>(&claim.ticket).await?;
    Ok(claim.ticket)
}

async fn spent(world: &World) -> Result<Money> {
    world.store.spent(world.now() - Duration::from_hours(1), world.now() + Duration::from_hours(1)).await
}

async fn a_search_is_charged_by_its_mark(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let claim = world.claim_one::<SubmitQuery>().await?;
    assert_eq!(spent(world).await?, Money::ZERO, "a claim costs nothing");

    world.mark::<SubmitQuery>(&claim.ticket).await?;

    assert_eq!(spent(world).await?, world.policy.search.prices.deferred_day, "a search by day, not yet in the cheap hours");
    let lines = world.store.costs().await?;
    let line = lines.iter().find(|line| line.batch == "word").expect("the batch has a line");
    assert_eq!((line.queries, line.day, line.night, line.unknown), (1, 1, 0, 0));
    Ok(())
}

async fn a_search_they_did_not_take_costs_nothing(world: &World) -> Result<()> {
    let ticket = mark_one(world, "word").await?;

    world.release::<SubmitQuery>(&ticket, LATER, "unavailable", Duration::from_mins(1)).await?;

    assert_eq!(spent(world).await?, Money::ZERO);
    Ok(())
}

async fn a_search_in_doubt_stays_charged_and_says_so(world: &World) -> Result<()> {
    let ticket = mark_one(world, "word").await?;

    world.release::<SubmitQuery>(&ticket, Verdict::InDoubt, "submit_unknown", Duration::ZERO).await?;

    assert_eq!(spent(world).await?, world.policy.search.prices.deferred_day);
    assert_eq!(world.store.costs().await?.iter().map(|line| line.unknown).sum::<u64>(), 1);
    Ok(())
}

fn slow(world: &World) -> Call {
    world.call_with(|policy| policy.search.submit_quota = Quota { per_second: 2, per_minute: 2, per_hour: 100 })
}

async fn mark_slowly(world: &World) -> Result<bool> {
    let Some(claim) = Lane::<SubmitQuery>::claim(world.store.as_ref(), &Call { max: 1, ..slow(world) }).await?.pop() else {
        return Ok(false);
    };
    OnceLane::<SubmitQuery>::mark(world.store.as_ref(), &slow(world), &claim.ticket).await?;
    Ok(true)
}

async fn no_more_is_asked_in_a_second_than_the_quota_allows(world: &World) -> Result<()> {
    for word in ["one", "two", "three"] {
        SubmitQuery::seed(world, word).await?;
    }

    assert!(mark_slowly(world).await? && mark_slowly(world).await?, "two are allowed");
    assert!(!mark_slowly(world).await?, "a third in the same minute");

    let again = world.store.next_due(world.now()).await?.expect("the agenda tells when to look again");
    world.pass(again.since(world.now()));
    assert!(again.since(world.now()) <= Duration::from_mins(2), "and that is soon");
    world.pass_minutes(2);
    assert!(mark_slowly(world).await?, "the third, a minute later");
    Ok(())
}

async fn a_quota_reached_before_the_mark_refuses_it(world: &World) -> Result<()> {
    for word in ["one", "two", "three"] {
        SubmitQuery::seed(world, word).await?;
    }
    let claims = world.claim_as::<SubmitQuery>(&slow(world)).await?;
    assert_eq!(claims.len(), 3, "a claim uses no quota");
    for claim in &claims[..2] {
        OnceLane::<SubmitQuery>::mark(world.store.as_ref(), &slow(world), &claim.ticket).await?;
    }

    let third = OnceLane::<SubmitQuery>::mark(world.store.as_ref(), &slow(world), &claims[2].ticket).await;

    refused(third, ErrorKind::Conflict, "quota", "a mark beyond the quota");
    assert_eq!(spent(world).await?, world.policy.search.prices.deferred_day * 2);
    Ok(())
}

async fn nothing_is_submitted_above_the_budget(world: &World) -> Result<()> {
    let price = world.policy.search.prices.sync_day;
    let call = |world: &World| {
        world.call_with(|policy| {
            policy.search.mode = SearchMode::Synchronous;
            policy.search.budget = Some(price);
        })
    };
    for word in ["one", "two"] {
        SubmitQuery::seed(world, word).await?;
    }
    let claims = world.claim_as::<SubmitQuery>(&call(world)).await?;
    OnceLane::<SubmitQuery>::mark(world.store.as_ref(), &call(world), &claims[0].ticket).await?;

    let second = OnceLane::<SubmitQuery>::mark(world.store.as_ref(), &call(world), &claims[1].ticket).await;

    refused(second, ErrorKind::Conflict, "budget_reached", "a mark above the budget");
    assert!(world.claim_as::<SubmitQuery>(&call(world)).await?.is_empty(), "nothing is claimed above the budget");
    assert_eq!(spent(world).await?, price);
    Ok(())
}

async fn refused_credentials_hold_up_all_searches_for_a_while(world: &World) -> Result<()> {
    let ticket = mark_one(world, "one").await?;
    SubmitQuery::seed(world, "two").await?;

    world.release::<SubmitQuery>(&ticket, Verdict::Pause, "auth_failed", Duration::from_mins(10)).await?;

    assert!(world.claim::<SubmitQuery>().await?.is_empty(), "the other query would meet the same");
    let holds = world.store.holds(world.now()).await?;
    assert_eq!(holds.iter().map(|hold| (hold.kind.as_str(), hold.reason.as_str())).collect::<Vec<_>>(), [("submit", "auth_failed")]);
    world.pass_minutes(11);
    assert_eq!(world.claim::<SubmitQuery>().await?.len(), 2, "both go on, the first as it was");
    Ok(())
}
