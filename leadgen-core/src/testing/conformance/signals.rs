//! What comes back: answers, bounces, refusals. Each counts once and only for a letter of ours.

use std::time::Duration;

use crate::domain::flow::{Delivery, MessageState};
use crate::domain::lead::Cursor;
use crate::domain::signal::{Signal, SignalKind};
use crate::error::{Result, Verdict};
use crate::ports::store::{Admit, Admitted};
use crate::ports::work::SendLetter;
use crate::testing::builders::address;

use super::seeds::{Seeded, through};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    an_answer_moves_the_company_and_stands_beside_the_letter,
    a_signal_admitted_twice_counts_once,
    a_signal_about_nothing_of_ours_changes_nothing,
    a_bounce_that_quotes_nothing_of_ours_is_not_believed,
    an_answer_that_quotes_nothing_is_matched_by_its_sender,
    an_old_letter_is_not_matched_by_its_sender,
    a_hard_bounce_suppresses_the_address,
    the_third_soft_bounce_is_a_hard_one,
    a_stop_covers_the_company,
    a_complaint_is_never_overwritten,
    a_machines_answer_changes_nothing,
    an_answer_that_quotes_a_letter_in_doubt_ends_the_doubt,
];

async fn sent(world: &World) -> Result<String> {
    SendLetter::seed(world, "one").await?;
    through::<SendLetter>(world, "one").await?;
    Ok(world.message().await?.message_id.expect("a sent letter has a Message-ID"))
}

fn signal(world: &World, kind: SignalKind, key: &str, quoted: &str) -> Signal {
    Signal {
        mailbox: "gmail".into(),
        key: key.to_owned(),
        kind,
        intent: String::new(),
        quoted_ids: vec!["stranger@example.org".into(), quoted.to_owned()],
        about: Some(address("info@one.ru")),
        text: "что они сказали".into(),
        at: world.now(),
    }
}

async fn arrives(world: &World, signal: &Signal) -> Result<Admitted> {
    Admit::<Signal>::admit(world.store.as_ref(), "inbox gmail", std::slice::from_ref(signal), None, world.now()).await
}

async fn delivery(world: &World) -> Result<Option<Delivery>> {
    Ok(world.message().await?.delivery)
}

async fn an_answer_moves_the_company_and_stands_beside_the_letter(world: &World) -> Result<()> {
    let id = sent(world).await?;

    let admitted = arrives(world, &signal(world, SignalKind::Reply, "1", &id)).await?;

    assert_eq!(admitted, Admitted { new: 1, known: 0, unmatched: 0 });
    assert_eq!((world.company_state().await?.as_str(), delivery(world).await?), ("replied", Some(Delivery::Replied)));
    world.expect_message(MessageState::Sent, "an answer is beside the state, never over it").await?;
    assert_eq!(world.store.funnel(None).await?.replied, 1);
    Ok(())
}

async fn a_signal_admitted_twice_counts_once(world: &World) -> Result<()> {
    let id = sent(world).await?;
    let door: &dyn Admit<Signal> = world.store.as_ref();
    let bounce = signal(world, SignalKind::SoftBounce, "7", &id);

    for round in 0..5 {
        let admitted = door.admit("inbox gmail", std::slice::from_ref(&bounce), Some(&Cursor("7".into())), world.now()).await?;
        assert_eq!((admitted.new, admitted.known), if round == 0 { (1, 0) } else { (0, 1) });
    }

    assert_eq!(delivery(world).await?, Some(Delivery::Accepted), "one soft bounce is one, however often it is read");
    assert_eq!(world.store.cursor("inbox gmail").await?, Some(Cursor("7".into())));
    Ok(())
}

async fn a_signal_about_nothing_of_ours_changes_nothing(world: &World) -> Result<()> {
    sent(world).await?;
    let stranger = Signal { about: Some(address("a@stranger.ru")), ..signal(world, SignalKind::Stop, "1", "other@example.org") };

    assert_eq!(arrives(world, &stranger).await?.unmatched, 1);

    assert_eq!((world.company_state().await?.as_str(), delivery(world).await?), ("contacted", Some(Delivery::Accepted)));
    Ok(())
}

async fn a_bounce_that_quotes_nothing_of_ours_is_not_believed(world: &World) -> Result<()> {
    sent(world).await?;

    assert_eq!(arrives(world, &signal(world, SignalKind::HardBounce, "1", "other@example.org")).await?.unmatched, 1);

    assert_eq!(delivery(world).await?, Some(Delivery::Accepted));
    assert_eq!(world.store.covers(&address("info@one.ru")).await?, None, "a forged bounce suppressed an address");
    Ok(())
}

async fn an_answer_that_quotes_nothing_is_matched_by_its_sender(world: &World) -> Result<()> {
    sent(world).await?;

    assert_eq!(arrives(world, &signal(world, SignalKind::Reply, "1", "other@example.org")).await?.new, 1);

    assert_eq!(delivery(world).await?, Some(Delivery::Replied));
    Ok(())
}

async fn an_old_letter_is_not_matched_by_its_sender(world: &World) -> Result<()> {
    sent(world).await?;
    world.pass(Duration::from_hours(24 * 15));

    assert_eq!(arrives(world, &signal(world, SignalKind::Reply, "1", "other@example.org")).await?.unmatched, 1);
    Ok(())
}

async fn a_hard_bounce_suppresses_the_address(world: &World) -> Result<()> {
    let id = sent(world).await?;

    arrives(world, &signal(world, SignalKind::HardBounce, "1", &id)).await?;

    assert_eq!(delivery(world).await?, Some(Delivery::Bounced));
    assert!(world.store.covers(&address("info@one.ru")).await?.is_some());
    assert_eq!(world.company_state().await?, "contacted", "a bounce is no refusal");
    Ok(())
}

async fn the_third_soft_bounce_is_a_hard_one(world: &World) -> Result<()> {
    let id = sent(world).await?;
    for (key, bounced) in [("1", false), ("2", false), ("3", true)] {
        arrives(world, &signal(world, SignalKind::SoftBounce, key, &id)).await?;
        assert_eq!(delivery(world).await? == Some(Delivery::Bounced), bounced, "after soft bounce {key}");
        world.pass(Duration::from_hours(24));
    }
    Ok(())
}

async fn a_stop_covers_the_company(world: &World) -> Result<()> {
    let id = sent(world).await?;

    arrives(world, &signal(world, SignalKind::Stop, "1", &id)).await?;

    assert_eq!((world.company_state().await?.as_str(), delivery(world).await?), ("optout", Some(Delivery::Unsubscribed)));
    assert!(world.store.covers(&address("info@one.ru")).await?.is_some());
    Ok(())
}

async fn a_complaint_is_never_overwritten(world: &World) -> Result<()> {
    let id = sent(world).await?;
    arrives(world, &signal(world, SignalKind::Complaint, "1", &id)).await?;

    arrives(world, &signal(world, SignalKind::Reply, "2", &id)).await?;

    assert_eq!((world.company_state().await?.as_str(), delivery(world).await?), ("optout", Some(Delivery::Complained)));
    Ok(())
}

async fn a_machines_answer_changes_nothing(world: &World) -> Result<()> {
    let id = sent(world).await?;

    assert_eq!(arrives(world, &signal(world, SignalKind::AutoReply, "1", &id)).await?.new, 1, "it is noted");

    assert_eq!((world.company_state().await?.as_str(), delivery(world).await?), ("contacted", Some(Delivery::Accepted)));
    Ok(())
}

async fn an_answer_that_quotes_a_letter_in_doubt_ends_the_doubt(world: &World) -> Result<()> {
    SendLetter::seed(world, "one").await?;
    let claim = world.claim_one::<SendLetter>().await?;
    world.mark::<SendLetter>(&claim.ticket).await?;
    world.release::<SendLetter>(&claim.ticket, Verdict::InDoubt, "in_doubt", Duration::ZERO).await?;

    arrives(world, &signal(world, SignalKind::Reply, "1", &claim.item.message_id)).await?;

    world.expect_message(MessageState::Sent, "whoever quotes a letter has it").await?;
    assert_eq!((world.company_state().await?.as_str(), delivery(world).await?), ("replied", Some(Delivery::Replied)));
    Ok(())
}
