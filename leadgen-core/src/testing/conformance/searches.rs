//! The lanes of searches: paid once, nothing lost, nothing asked twice by itself.

use std::time::Duration;

use crate::domain::flow::QueryState;
use crate::domain::serp::{Progress, RawPage, Reading, Submission};
use crate::error::{ErrorKind, Result, Verdict};
use crate::ports::work::{DedupeResult, IngestPage, PollOperation, SubmitQuery, Work};
use crate::testing::builders::a_row;

use super::seeds::{Seeded, admit, query_now, sighting, through};
use super::world::{LATER, World, refused};
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    nothing_is_submitted_outside_the_night,
    a_night_that_ends_before_the_mark_keeps_the_query_waiting,
    a_query_is_not_submitted_before_its_slot,
    a_search_without_an_end_is_shown_and_asked_once_more_on_a_later_night,
    a_search_in_doubt_for_the_second_time_is_given_up,
    a_mark_after_the_lease_is_refused,
    a_search_still_asked_is_not_in_doubt_while_its_lease_is_renewed,
    a_definite_later_asks_again,
    a_definite_no_gives_the_query_up,
    a_lost_answer_is_shown_as_unknown,
    an_operation_is_polled_no_sooner_than_the_interval,
    an_operation_still_running_is_polled_ever_more_rarely,
    an_operation_past_its_retention_is_expired_and_its_query_asked_again,
    a_failed_operation_puts_its_query_on_the_next_night,
    a_query_that_fails_too_often_is_given_up,
    a_page_is_kept_byte_for_byte,
    a_quick_answer_needs_no_poll,
    quick_answers_of_one_claim_are_all_kept,
    a_document_seen_twice_on_a_page_is_one_result,
    a_page_that_cannot_be_read_fails_its_operation,
    a_full_page_asks_for_the_next_one,
];

async fn nothing_is_submitted_outside_the_night(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let by_day = world.call_with(|policy| policy.search.enforce_night = true);

    assert!(world.claim_as::<SubmitQuery>(&by_day).await?.is_empty(), "it is noon");
    world.move_to("2026-01-13T20:00:00Z");
    let at_night = world.call_with(|policy| policy.search.enforce_night = true);

    assert_eq!(world.claim_as::<SubmitQuery>(&at_night).await?.len(), 1, "the window is open");
    Ok(())
}

async fn a_night_that_ends_before_the_mark_keeps_the_query_waiting(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    world.move_to("2026-01-14T05:59:59Z");
    let at_night = world.call_with(|policy| policy.search.enforce_night = true);
    let claim = world.claim_as::<SubmitQuery>(&at_night).await?.remove(0);
    world.pass_minutes(1);

    let by_day = world.call_with(|policy| policy.search.enforce_night = true);
    let outcome = crate::ports::store::OnceLane::<SubmitQuery>::mark(world.store.as_ref(), &by_day, &claim.ticket).await;

    refused(outcome, ErrorKind::Conflict, "night_window_closed", "a mark by day");
    assert_eq!(world.queries(QueryState::Pending).await?, 1, "it waits for another night");
    Ok(())
}

async fn a_query_is_not_submitted_before_its_slot(world: &World) -> Result<()> {
    let mut query = query_now(world, "word");
    query.scheduled_for = world.now() + Duration::from_mins(30);
    world.store.enqueue(std::slice::from_ref(&query)).await?;

    assert!(world.claim::<SubmitQuery>().await?.is_empty(), "its slot has not come");
    assert_eq!(world.store.next_due(world.now()).await?, Some(query.scheduled_for));
    world.pass_minutes(30);

    assert_eq!(world.claim_one::<SubmitQuery>().await?.item.id, query.id);
    Ok(())
}

/// Marks the query that is due and forgets it, as a process does that dies.
async fn die_after_the_mark(world: &World) -> Result<()> {
    let claim = world.claim_one::<SubmitQuery>().await?;
    world.mark::<SubmitQuery>(&claim.ticket).await?;
    world.pass(SubmitQuery::LEASE + Duration::from_secs(1));
    Ok(())
}

async fn a_search_without_an_end_is_shown_and_asked_once_more_on_a_later_night(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    die_after_the_mark(world).await?;

    assert!(world.claim::<SubmitQuery>().await?.is_empty(), "it was asked again in the same breath");

    assert_eq!(world.store.funnel(None).await?.submit_unknown, 1, "the doubt is shown");
    assert_eq!(world.queries(QueryState::Pending).await?, 1);
    world.pass(Duration::from_hours(36));
    let again = world.claim_one::<SubmitQuery>().await?;
    assert_eq!(again.item.retry_count, 1, "the try counts");
    Ok(())
}

async fn a_search_in_doubt_for_the_second_time_is_given_up(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    die_after_the_mark(world).await?;
    assert!(world.claim::<SubmitQuery>().await?.is_empty());
    world.pass(Duration::from_hours(36));
    die_after_the_mark(world).await?;

    assert!(world.claim::<SubmitQuery>().await?.is_empty());
    world.pass(Duration::from_hours(72));

    assert!(world.claim::<SubmitQuery>().await?.is_empty(), "a search in doubt is asked once more, and then no more");
    assert_eq!(world.queries(QueryState::Failed).await?, 1);
    Ok(())
}

async fn a_mark_after_the_lease_is_refused(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let claim = world.claim_one::<SubmitQuery>().await?;

    world.pass(SubmitQuery::LEASE + Duration::from_secs(1));

    refused(world.mark::<SubmitQuery>(&claim.ticket).await, ErrorKind::Conflict, "lease_lost", "a mark under a lease that is over");
    assert_eq!(world.queries(QueryState::Pending).await?, 1);
    Ok(())
}

async fn a_search_still_asked_is_not_in_doubt_while_its_lease_is_renewed(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let claim = world.claim_one::<SubmitQuery>().await?;
    world.mark::<SubmitQuery>(&claim.ticket).await?;
    for _ in 0..3 {
        world.pass(SubmitQuery::LEASE.saturating_sub(Duration::from_secs(1)));
        world.renew::<SubmitQuery>(&claim.ticket).await?;
        assert!(world.claim::<SubmitQuery>().await?.is_empty());
    }
    assert_eq!((world.store.funnel(None).await?.submit_unknown, world.queries(QueryState::InProgress).await?), (0, 1));

    world.pass(SubmitQuery::LEASE + Duration::from_secs(1));
    world.claim::<SubmitQuery>().await?;

    refused(world.renew::<SubmitQuery>(&claim.ticket).await, ErrorKind::Conflict, "lease_lost", "it stands in doubt");
    assert_eq!(world.store.funnel(None).await?.submit_unknown, 1);
    Ok(())
}

async fn a_definite_later_asks_again(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let claim = world.claim_one::<SubmitQuery>().await?;
    world.mark::<SubmitQuery>(&claim.ticket).await?;

    world.release::<SubmitQuery>(&claim.ticket, LATER, "unavailable", Duration::from_mins(5)).await?;

    assert_eq!(world.store.funnel(None).await?.submit_unknown, 0, "a refused connection is no doubt");
    assert!(world.claim::<SubmitQuery>().await?.is_empty(), "not before its time");
    world.pass_minutes(5);
    assert_eq!(world.claim::<SubmitQuery>().await?.len(), 1);
    Ok(())
}

async fn a_definite_no_gives_the_query_up(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let claim = world.claim_one::<SubmitQuery>().await?;
    world.mark::<SubmitQuery>(&claim.ticket).await?;

    world.release::<SubmitQuery>(&claim.ticket, Verdict::Reject, "bad_request", Duration::ZERO).await?;

    assert_eq!(world.queries(QueryState::Failed).await?, 1);
    Ok(())
}

async fn a_lost_answer_is_shown_as_unknown(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let claim = world.claim_one::<SubmitQuery>().await?;
    world.mark::<SubmitQuery>(&claim.ticket).await?;

    world.release::<SubmitQuery>(&claim.ticket, Verdict::InDoubt, "submit_unknown", Duration::ZERO).await?;

    assert_eq!(world.store.funnel(None).await?.submit_unknown, 1);
    assert_eq!(world.queries(QueryState::Pending).await?, 1, "it waits for a later night");
    Ok(())
}

async fn an_operation_is_polled_no_sooner_than_the_interval(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    through::<SubmitQuery>(world, "word").await?;

    assert!(world.claim::<PollOperation>().await?.is_empty(), "it was only just handed over");
    assert_eq!(world.store.next_due(world.now()).await?, Some(world.now() + world.policy.search.poll_interval));
    world.pass(world.policy.search.poll_interval);

    assert_eq!(world.claim_one::<PollOperation>().await?.item.handle, "op-word");
    Ok(())
}

async fn an_operation_still_running_is_polled_ever_more_rarely(world: &World) -> Result<()> {
    PollOperation::seed(world, "word").await?;
    let mut last = Duration::ZERO;
    for _ in 0..3 {
        let claim = world.claim_one::<PollOperation>().await?;
        world.commit::<PollOperation>(&claim.ticket, Progress::Running).await?;
        let due = world.store.next_due(world.now()).await?.expect("it is polled again");
        let pause = due.since(world.now());
        assert!(pause > last, "the pause grows: {pause:?} after {last:?}");
        last = pause;
        world.pass(pause);
    }
    Ok(())
}

async fn an_operation_past_its_retention_is_expired_and_its_query_asked_again(world: &World) -> Result<()> {
    PollOperation::seed(world, "word").await?;
    world.pass(world.policy.search.retention);

    assert!(world.claim::<PollOperation>().await?.is_empty(), "nothing is there to be collected");

    let states = world.store.states().await?;
    let expired = states.iter().find(|line| line.entity == "operations").expect("there is an operation");
    assert_eq!((expired.state.as_str(), expired.reason.as_str()), ("expired", "operation_expired"));
    assert_eq!(world.queries(QueryState::Pending).await?, 1);
    Ok(())
}

async fn a_failed_operation_puts_its_query_on_the_next_night(world: &World) -> Result<()> {
    PollOperation::seed(world, "word").await?;
    world.move_to("2026-01-13T21:00:00Z");
    let claim = world.claim_one::<PollOperation>().await?;
    let call = world.call_with(|policy| policy.search.enforce_night = true);
    let fault = crate::ports::work::Fault {
        verdict: Verdict::Reject,
        code: "operation_failed".into(),
        text: "operation_failed: they said so".into(),
        retry_at: world.now(),
        evidence: None,
    };

    crate::ports::store::Lane::<PollOperation>::release(world.store.as_ref(), &call, &claim.ticket, &fault).await?;

    let slots = world.store.waiting(None).await?;
    assert_eq!(slots, [crate::testing::builders::at("2026-01-14T20:00:00Z")], "the first slot of the next night");
    Ok(())
}

async fn a_query_that_fails_too_often_is_given_up(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    for round in 1..=world.policy.search.max_retries {
        let claim = world.claim_one::<SubmitQuery>().await?;
        world.mark::<SubmitQuery>(&claim.ticket).await?;
        world.commit::<SubmitQuery>(&claim.ticket, Submission::Deferred(format!("op-{round}"))).await?;
        world.pass(world.policy.search.poll_interval);
        let claim = world.claim_one::<PollOperation>().await?;
        world.release::<PollOperation>(&claim.ticket, Verdict::Reject, "operation_failed", Duration::ZERO).await?;
        world.pass(Duration::from_hours(1));
    }

    assert!(world.claim::<SubmitQuery>().await?.is_empty());
    assert_eq!(world.queries(QueryState::Failed).await?, 1);
    Ok(())
}

async fn a_page_is_kept_byte_for_byte(world: &World) -> Result<()> {
    PollOperation::seed(world, "word").await?;
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let claim = world.claim_one::<PollOperation>().await?;
    world.commit::<PollOperation>(&claim.ticket, Progress::Done(RawPage { bytes: bytes.clone() })).await?;

    let kept = world.claim_one::<IngestPage>().await?;

    assert!(kept.item.page.bytes == bytes, "the page came back changed");
    assert_eq!((kept.item.query.text.as_str(), kept.item.operation.handle.as_str()), ("word", "op-word"));
    Ok(())
}

async fn a_quick_answer_needs_no_poll(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "word").await?;
    let claim = world.claim_one::<SubmitQuery>().await?;
    world.mark::<SubmitQuery>(&claim.ticket).await?;
    world.commit::<SubmitQuery>(&claim.ticket, Submission::Ready(RawPage { bytes: b"page".to_vec() })).await?;

    assert!(world.claim::<PollOperation>().await?.is_empty());
    assert_eq!(world.claim_one::<IngestPage>().await?.item.page.bytes, b"page");
    Ok(())
}

async fn quick_answers_of_one_claim_are_all_kept(world: &World) -> Result<()> {
    for word in ["one", "two"] {
        SubmitQuery::seed(world, word).await?;
    }
    for claim in world.claim::<SubmitQuery>().await? {
        world.mark::<SubmitQuery>(&claim.ticket).await?;
        let page = RawPage { bytes: claim.item.text.clone().into_bytes() };
        world.commit::<SubmitQuery>(&claim.ticket, Submission::Ready(page)).await?;
    }

    let pages = world.claim::<IngestPage>().await?;

    assert_eq!(pages.len(), 2, "a paid page was lost");
    assert!(pages.iter().all(|page| page.item.page.bytes == page.item.query.text.as_bytes()), "each query has its own page");
    Ok(())
}

async fn a_document_seen_twice_on_a_page_is_one_result(world: &World) -> Result<()> {
    IngestPage::seed(world, "word").await?;
    let claim = world.claim_one::<IngestPage>().await?;
    let sightings = vec![sighting("one.ru", "Первая", 1), sighting("two.ru", "Вторая", 2), sighting("one.ru", "Первая", 3)];

    world.commit::<IngestPage>(&claim.ticket, Reading { sightings, documents: 3, ..Reading::default() }).await?;

    assert_eq!(world.store.funnel(None).await?.results, 2);
    assert_eq!(world.claim::<DedupeResult>().await?.len(), 2);
    assert_eq!(world.queries(QueryState::Completed).await?, 1, "the query is answered together with its results");
    Ok(())
}

async fn a_page_that_cannot_be_read_fails_its_operation(world: &World) -> Result<()> {
    IngestPage::seed(world, "word").await?;
    let claim = world.claim_one::<IngestPage>().await?;

    world.release::<IngestPage>(&claim.ticket, Verdict::Reject, "serp_malformed", Duration::ZERO).await?;

    assert!(world.claim::<IngestPage>().await?.is_empty(), "it is not read again");
    assert_eq!(world.store.funnel(None).await?.results, 0);
    assert_eq!(world.queries(QueryState::Pending).await?, 1, "the query is asked again");
    Ok(())
}

async fn a_full_page_asks_for_the_next_one(world: &World) -> Result<()> {
    admit(world, &a_row("unused", "Казань")).await?;
    IngestPage::seed(world, "word").await?;
    let claim = world.claim_one::<IngestPage>().await?;
    let reading =
        Reading { sightings: vec![sighting("one.ru", "Первая", 1)], documents: 1, next_page: Some(1), ..Reading::default() };

    world.commit::<IngestPage>(&claim.ticket, reading).await?;

    let next = world.claim_one::<SubmitQuery>().await?;
    assert_eq!(next.item.page, 1, "the second page of the same query");
    Ok(())
}
