//! What people are owed and shown: the registry, the journal, figures, the life of a lead.

use std::time::Duration;

use crate::domain::event::Event;
use crate::domain::flow::MessageState;
use crate::domain::suppression::{Suppression, SuppressionScope, SuppressionSource};
use crate::error::Result;
use crate::ports::store::Exports;
use crate::ports::work::{DedupeResult, PlanNiche, RouteLetter, SendLetter, SubmitQuery};
use crate::testing::builders::{a_company, a_refusal, a_row, address};

use super::seeds::{Seeded, admit, firm, import, through};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_refusal_registered_twice_is_one_entry_with_the_first_reason,
    the_address_itself_is_looked_at_before_its_domain,
    a_domain_covers_what_is_below_it,
    a_refusal_covers_the_company_and_all_its_letters,
    a_refusal_by_phone_covers_the_company,
    a_dead_address_is_no_refusal_of_its_company,
    a_refusal_after_the_mark_changes_no_letter,
    a_one_click_refusal_stands_beside_the_letters_sent,
    entries_are_listed_newest_first,
    the_journal_keeps_what_is_recorded_newest_first,
    what_a_person_does_is_in_the_journal,
    the_funnel_counts_each_step_of_a_batch,
    states_add_up_to_the_rows,
    the_agenda_is_empty_when_nothing_waits,
    loads_tell_what_waits_in_each_lane,
    a_life_tells_every_stage,
    a_store_that_is_well_says_so,
];

fn entry(world: &World, scope: SuppressionScope, value: &str, source: SuppressionSource) -> Suppression {
    Suppression { scope, value: value.to_owned(), source, ..a_refusal("x@one.ru", world.now()) }
}

async fn a_refusal_registered_twice_is_one_entry_with_the_first_reason(world: &World) -> Result<()> {
    let first = a_refusal("info@one.ru", world.now());
    let second = Suppression { reason: "once more".into(), ..first.clone() };

    assert!(world.store.register(&first, "anna").await?, "it is new");
    world.pass_minutes(1);
    assert!(!world.store.register(&second, "boris").await?, "it is known");

    assert_eq!(world.store.suppressions(10).await?, [first], "the first reason stays");
    Ok(())
}

async fn the_address_itself_is_looked_at_before_its_domain(world: &World) -> Result<()> {
    world.store.register(&entry(world, SuppressionScope::Domain, "one.ru", SuppressionSource::Import), "anna").await?;
    world.store.register(&a_refusal("info@one.ru", world.now()), "anna").await?;

    let covers =
        async |to: &str| -> Result<Option<SuppressionScope>> { Ok(world.store.covers(&address(to)).await?.map(|entry| entry.scope)) };

    assert_eq!(covers("info@one.ru").await?, Some(SuppressionScope::Email));
    assert_eq!(covers("other@one.ru").await?, Some(SuppressionScope::Domain));
    assert_eq!(covers("info@two.ru").await?, None);
    Ok(())
}

async fn a_domain_covers_what_is_below_it(world: &World) -> Result<()> {
    world.store.register(&entry(world, SuppressionScope::Domain, "one.ru", SuppressionSource::Import), "anna").await?;
    world.store.register(&entry(world, SuppressionScope::Domain, "mail.two.ru", SuppressionSource::Import), "anna").await?;

    for (to, covered) in
        [("a@one.ru", true), ("a@deep.mail.one.ru", true), ("a@stone.ru", false), ("a@mail.two.ru", true), ("a@two.ru", false)]
    {
        assert_eq!(world.store.covers(&address(to)).await?.is_some(), covered, "{to}");
    }
    Ok(())
}

async fn a_refusal_covers_the_company_and_all_its_letters(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;

    world.store.register(&entry(world, SuppressionScope::Domain, "one.ru", SuppressionSource::Operator), "anna").await?;

    assert_eq!(world.company_state().await?, "optout");
    world.expect_message(MessageState::Suppressed, "what has not passed the mark goes aside").await?;
    let suppressed = world.store.events(50).await?.iter().filter(|event| event.action == "suppressed").count();
    assert_eq!(suppressed, 1, "the journal names the letter once");
    Ok(())
}

async fn a_refusal_by_phone_covers_the_company(world: &World) -> Result<()> {
    import(world, &a_company().with_phone("+78432000001")).await?;

    world.store.register(&entry(world, SuppressionScope::Phone, "+78432000001", SuppressionSource::Operator), "anna").await?;

    assert_eq!(world.company_state().await?, "optout");
    Ok(())
}

async fn a_dead_address_is_no_refusal_of_its_company(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;

    world.store.register(&entry(world, SuppressionScope::Email, "info@one.ru", SuppressionSource::Bounce), "inbox").await?;

    assert_eq!(world.company_state().await?, "ready_to_contact");
    world.expect_message(MessageState::Suppressed, "a dead address gets no letter").await
}

async fn a_refusal_after_the_mark_changes_no_letter(world: &World) -> Result<()> {
    SendLetter::seed(world, "one").await?;
    let claim = world.claim_one::<SendLetter>().await?;
    world.mark::<SendLetter>(&claim.ticket).await?;

    world.store.register(&a_refusal("info@one.ru", world.now()), "anna").await?;

    world.expect_message(MessageState::Sending, "the server may have it already").await?;
    assert!(world.commit::<SendLetter>(&claim.ticket, SendLetter::done(&claim.item)).await?.is_empty());
    assert_eq!(world.company_state().await?, "optout", "and the refusal stays");
    Ok(())
}

async fn a_one_click_refusal_stands_beside_the_letters_sent(world: &World) -> Result<()> {
    SendLetter::seed(world, "one").await?;
    through::<SendLetter>(world, "one").await?;

    world.store.register(&entry(world, SuppressionScope::Email, "info@one.ru", SuppressionSource::OneClick), "one_click").await?;

    let message = world.message().await?;
    assert_eq!((message.state, message.delivery), (MessageState::Sent, Some(crate::domain::flow::Delivery::Unsubscribed)));
    assert_eq!(world.store.funnel(None).await?.opted_out, 1);
    Ok(())
}

async fn entries_are_listed_newest_first(world: &World) -> Result<()> {
    for n in 0..4 {
        world.store.register(&a_refusal(&format!("a{n}@one.ru"), world.now()), "anna").await?;
        world.pass_minutes(1);
    }

    let listed: Vec<String> = world.store.suppressions(3).await?.into_iter().map(|entry| entry.value).collect();

    assert_eq!(listed, ["a3@one.ru", "a2@one.ru", "a1@one.ru"]);
    Ok(())
}

async fn the_journal_keeps_what_is_recorded_newest_first(world: &World) -> Result<()> {
    let event = |n: u32| Event {
        at: world.now() + Duration::from_secs(u64::from(n)),
        actor: "anna".into(),
        action: format!("did {n}"),
        subject: "company".into(),
        subject_id: "x".into(),
        detail: "тест".into(),
    };
    for n in [1, 3, 2] {
        world.store.record(&event(n)).await?;
    }

    assert_eq!(world.store.events(2).await?, [event(3), event(2)]);
    Ok(())
}

async fn what_a_person_does_is_in_the_journal(world: &World) -> Result<()> {
    RouteLetter::seed(world, "one").await?;
    let message = world.message().await?;
    world.store.cancel(message.id, "not this one", "anna", world.now()).await?;
    crate::ports::store::Mailboxes::pause(world.store.as_ref(), "gmail", None, "resting", "boris", world.now()).await?;
    world.store.register(&a_refusal("info@two.ru", world.now()), "clara").await?;

    let events = world.store.events(50).await?;

    for (actor, subject) in [("anna", "message"), ("boris", "mailbox"), ("clara", "email")] {
        assert!(events.iter().any(|event| event.actor == actor && event.subject == subject), "what {actor} did to a {subject}");
    }
    Ok(())
}

async fn the_funnel_counts_each_step_of_a_batch(world: &World) -> Result<()> {
    DedupeResult::seed(world, "one").await?;
    through::<DedupeResult>(world, "one").await?;
    admit(world, &crate::domain::lead::LeadRow { batch_tag: "one".into(), ..a_row("фитнес", "Казань") }).await?;
    SendLetter::seed(world, "two").await?;
    through::<SendLetter>(world, "two").await?;

    let (one, two, all) = (world.store.funnel(Some("one")).await?, world.store.funnel(Some("two")).await?, world.store.funnel(None).await?);

    assert_eq!((one.niches, one.queries, one.pages, one.results, one.companies, one.sent), (1, 1, 1, 1, 1, 0));
    assert_eq!((two.queries, two.companies, two.contacts, two.drafted, two.approved, two.sent), (0, 1, 1, 1, 1, 1));
    assert_eq!((all.companies, all.queries, all.sent), (2, 1, 1));
    Ok(())
}

async fn states_add_up_to_the_rows(world: &World) -> Result<()> {
    SendLetter::seed(world, "one").await?;
    import(world, &firm("two")).await?;
    PlanNiche::seed(world, "three").await?;

    let states = world.store.states().await?;

    let of = |entity: &str, state: &str| -> u64 {
        states.iter().filter(|line| line.entity == entity && line.state == state).map(|line| line.count).sum()
    };
    assert_eq!(
        (of("niches", "admitted"), of("companies", "new"), of("companies", "ready_to_contact"), of("messages", "queued")),
        (1, 1, 1, 1)
    );
    Ok(())
}

async fn the_agenda_is_empty_when_nothing_waits(world: &World) -> Result<()> {
    assert_eq!(world.store.next_due(world.now()).await?, None);
    SubmitQuery::seed(world, "word").await?;
    assert_eq!(world.store.next_due(world.now()).await?, None, "what is due already is not counted");
    Ok(())
}

async fn loads_tell_what_waits_in_each_lane(world: &World) -> Result<()> {
    SubmitQuery::seed(world, "one").await?;
    SubmitQuery::seed(world, "two").await?;
    let due_since = world.now();
    world.claim_as::<SubmitQuery>(&world.of_batch("one")).await?;
    world.pass_minutes(1);

    let loads = world.store.loads(world.now()).await?;

    let submit = loads.iter().find(|load| load.stage == "submit").expect("the lane has waiting rows");
    assert_eq!((submit.waiting, submit.due, submit.held, submit.oldest_due), (2, 1, 1, Some(due_since)));
    Ok(())
}

async fn a_life_tells_every_stage(world: &World) -> Result<()> {
    SendLetter::seed(world, "one").await?;
    through::<SendLetter>(world, "one").await?;
    let id = firm("one").newborn().id();

    let life = world.store.life(id).await?;

    for stage in ["enrich", "draft", "review", "route", "send", "state"] {
        assert!(life.iter().any(|line| line.stage == stage), "the life has a line for {stage}: {life:?}");
    }
    assert!(life.windows(2).all(|pair| pair[0].at <= pair[1].at), "in the order it happened");
    assert!(Exports::companies(world.store.as_ref(), Some("one")).await?.iter().any(|line| line.id == id.to_string()));
    Ok(())
}

async fn a_store_that_is_well_says_so(world: &World) -> Result<()> {
    world.store.begin().await?;
    world.store.begin().await?;
    world.store.check().await
}
