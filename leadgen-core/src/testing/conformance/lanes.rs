//! What every lane promises, tried on each of the nine.

use std::time::Duration;

use crate::error::{ErrorKind, Result};
use crate::ports::store::{Lane, Store};
use crate::ports::work::{
    Call, DedupeResult, DraftLetter, EnrichCompany, IngestPage, PlanNiche, PollOperation, RouteLetter, SendLetter, SubmitQuery,
};

use super::seeds::{Seeded, through};
use super::world::{LATER, World, refused};
use super::{Check, checks};

const SECOND: Duration = Duration::from_secs(1);

pub(super) const CHECKS: &[Check] = checks![
    a_claimed_row_is_given_to_nobody_else::<PlanNiche>,
    a_claimed_row_is_given_to_nobody_else::<SubmitQuery>,
    a_claimed_row_is_given_to_nobody_else::<PollOperation>,
    a_claimed_row_is_given_to_nobody_else::<IngestPage>,
    a_claimed_row_is_given_to_nobody_else::<DedupeResult>,
    a_claimed_row_is_given_to_nobody_else::<EnrichCompany>,
    a_claimed_row_is_given_to_nobody_else::<DraftLetter>,
    a_claimed_row_is_given_to_nobody_else::<RouteLetter>,
    a_claimed_row_is_given_to_nobody_else::<SendLetter>,
    a_lease_that_is_over_gives_the_row_to_another::<PlanNiche>,
    a_lease_that_is_over_gives_the_row_to_another::<SubmitQuery>,
    a_lease_that_is_over_gives_the_row_to_another::<PollOperation>,
    a_lease_that_is_over_gives_the_row_to_another::<IngestPage>,
    a_lease_that_is_over_gives_the_row_to_another::<DedupeResult>,
    a_lease_that_is_over_gives_the_row_to_another::<EnrichCompany>,
    a_lease_that_is_over_gives_the_row_to_another::<DraftLetter>,
    a_lease_that_is_over_gives_the_row_to_another::<RouteLetter>,
    a_lease_that_is_over_gives_the_row_to_another::<SendLetter>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<PlanNiche>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<SubmitQuery>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<PollOperation>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<IngestPage>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<DedupeResult>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<EnrichCompany>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<DraftLetter>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<RouteLetter>,
    a_ticket_that_was_lost_is_handed_back_and_writes_nothing::<SendLetter>,
    an_outcome_written_twice_is_written_once::<PlanNiche>,
    an_outcome_written_twice_is_written_once::<SubmitQuery>,
    an_outcome_written_twice_is_written_once::<PollOperation>,
    an_outcome_written_twice_is_written_once::<IngestPage>,
    an_outcome_written_twice_is_written_once::<DedupeResult>,
    an_outcome_written_twice_is_written_once::<EnrichCompany>,
    an_outcome_written_twice_is_written_once::<DraftLetter>,
    an_outcome_written_twice_is_written_once::<RouteLetter>,
    an_outcome_written_twice_is_written_once::<SendLetter>,
    a_row_given_back_for_later_waits_until_then::<PlanNiche>,
    a_row_given_back_for_later_waits_until_then::<SubmitQuery>,
    a_row_given_back_for_later_waits_until_then::<PollOperation>,
    a_row_given_back_for_later_waits_until_then::<IngestPage>,
    a_row_given_back_for_later_waits_until_then::<DedupeResult>,
    a_row_given_back_for_later_waits_until_then::<EnrichCompany>,
    a_row_given_back_for_later_waits_until_then::<DraftLetter>,
    a_row_given_back_for_later_waits_until_then::<RouteLetter>,
    a_row_given_back_for_later_waits_until_then::<SendLetter>,
    a_claim_keeps_to_its_batch_and_its_number::<PlanNiche>,
    a_claim_keeps_to_its_batch_and_its_number::<SubmitQuery>,
    a_claim_keeps_to_its_batch_and_its_number::<PollOperation>,
    a_claim_keeps_to_its_batch_and_its_number::<IngestPage>,
    a_claim_keeps_to_its_batch_and_its_number::<DedupeResult>,
    a_claim_keeps_to_its_batch_and_its_number::<EnrichCompany>,
    a_claim_keeps_to_its_batch_and_its_number::<DraftLetter>,
    a_claim_keeps_to_its_batch_and_its_number::<RouteLetter>,
    a_claim_keeps_to_its_batch_and_its_number::<SendLetter>,
];

async fn a_claimed_row_is_given_to_nobody_else<W: Seeded>(world: &World) -> Result<()>
where
    dyn Store: Lane<W>,
{
    W::seed(world, "one").await?;

    let first = world.claim::<W>().await?;

    assert_eq!(first.len(), 1, "a row that is due is given out");
    assert!(world.claim::<W>().await?.is_empty(), "a leased row was given out again");
    Ok(())
}

async fn a_lease_that_is_over_gives_the_row_to_another<W: Seeded>(world: &World) -> Result<()>
where
    dyn Store: Lane<W>,
{
    W::seed(world, "one").await?;
    let first = world.claim_one::<W>().await?;

    world.pass(W::LEASE.saturating_sub(SECOND));
    assert!(world.claim::<W>().await?.is_empty(), "the lease ended early");
    world.pass(SECOND * 2);
    let second = world.claim_one::<W>().await?;

    assert_eq!(first.ticket.row, second.ticket.row, "it is the same row");
    assert_ne!(first.ticket.token, second.ticket.token, "each taking has a token of its own");
    assert_eq!(second.ticket.tries, first.ticket.tries, "a worker that died is no try in vain");
    Ok(())
}

async fn a_ticket_that_was_lost_is_handed_back_and_writes_nothing<W: Seeded>(world: &World) -> Result<()>
where
    dyn Store: Lane<W>,
{
    W::seed(world, "one").await?;
    let dead = world.claim_one::<W>().await?;
    world.pass(W::LEASE + SECOND);
    let alive = world.claim_one::<W>().await?;
    let before = world.store.states().await?;

    let lost = world.commit::<W>(&dead.ticket, W::done(&dead.item)).await?;
    refused(
        world.release::<W>(&dead.ticket, LATER, "deadline", SECOND).await,
        ErrorKind::Conflict,
        "lease_lost",
        "a lost ticket is released",
    );

    assert_eq!(lost, [dead.ticket], "a lost ticket is handed back");
    assert_eq!(world.store.states().await?, before, "a lost ticket wrote something");
    W::before(world, &alive.ticket).await?;
    assert!(world.commit::<W>(&alive.ticket, W::done(&alive.item)).await?.is_empty(), "the ticket that holds the row was refused");
    Ok(())
}

async fn an_outcome_written_twice_is_written_once<W: Seeded>(world: &World) -> Result<()>
where
    dyn Store: Lane<W>,
{
    W::seed(world, "one").await?;
    let claim = world.claim_one::<W>().await?;
    W::before(world, &claim.ticket).await?;

    assert!(world.commit::<W>(&claim.ticket, W::done(&claim.item)).await?.is_empty(), "the outcome is kept");
    let (states, funnel) = (world.store.states().await?, world.store.funnel(None).await?);
    let lost = world.commit::<W>(&claim.ticket, W::done(&claim.item)).await?;

    assert_eq!(lost, [claim.ticket], "the lease ended with the first outcome");
    assert_eq!(world.store.states().await?, states, "the second time changed a state");
    assert_eq!(world.store.funnel(None).await?, funnel, "the second time changed a number");
    assert!(world.claim::<W>().await?.is_empty(), "a row that is done is given out again");
    Ok(())
}

async fn a_row_given_back_for_later_waits_until_then<W: Seeded>(world: &World) -> Result<()>
where
    dyn Store: Lane<W>,
{
    W::seed(world, "one").await?;
    let claim = world.claim_one::<W>().await?;
    let pause = Duration::from_mins(10);

    world.release::<W>(&claim.ticket, LATER, "deadline", pause).await?;

    assert!(world.claim::<W>().await?.is_empty(), "it is given out before its time");
    let due = world.store.next_due(world.now()).await?;
    assert_eq!(due, Some(world.now() + pause), "the agenda tells when to look again");
    world.pass(pause);
    let again = world.claim_one::<W>().await?;
    assert_eq!(again.ticket.row, claim.ticket.row);
    Ok(())
}

async fn a_claim_keeps_to_its_batch_and_its_number<W: Seeded>(world: &World) -> Result<()>
where
    dyn Store: Lane<W>,
{
    for word in ["alpha", "beta", "gamma"] {
        W::seed(world, word).await?;
        world.pass(SECOND);
    }

    let one = world.claim_as::<W>(&Call { max: 1, ..world.call() }).await?;
    assert_eq!(one.len(), 1, "no more than asked for");
    assert_eq!(world.claim_as::<W>(&world.of_batch("gamma")).await?.len(), 1, "only the batch asked for");
    assert!(world.claim_as::<W>(&world.of_batch("delta")).await?.is_empty(), "a batch nobody knows has nothing");
    through::<W>(world, "beta").await?;
    assert!(world.claim::<W>().await?.is_empty(), "all three are taken");
    Ok(())
}
