//! Letters of companies that become one: the group is written to once, and each has its own back when it is parted.

use crate::domain::flow::{Delivery, MessageState};
use crate::domain::message::Message;
use crate::domain::signal::{Signal, SignalKind};
use crate::domain::twins::PairEvent;
use crate::error::Result;
use crate::ports::store::{Admit, Exports};
use crate::ports::work::{DraftLetter, EnrichCompany, RouteLetter, SendLetter};

use super::seeds::{Seeded, firm, import, through};
use super::twins::{ALL, pairs, say};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_letter_that_waits_is_the_groups_and_what_comes_of_it_too,
    of_two_letters_that_wait_one_goes_aside_and_is_back_when_they_are_parted,
];

const PHONE: &str = "+74952045138";

/// Of each company that stands for itself its host and where it stands.
async fn companies(world: &World) -> Result<Vec<(String, String)>> {
    let all = Exports::companies(world.store.as_ref(), None).await?;
    Ok(all.into_iter().map(|line| (line.canonical_domain, line.status)).collect())
}

fn stand<const N: usize>(all: [(&str, &str); N]) -> Vec<(String, String)> {
    all.into_iter().map(|(host, status)| (host.to_owned(), status.to_owned())).collect()
}

/// Two of one phone, the older one first, and the words that make them one.
async fn say_of_both(world: &World, event: PairEvent) -> Result<()> {
    let pair = pairs(world, &ALL).await?.remove(0);
    say(world, &pair, event).await.map(|_| ())
}

async fn letter_to(world: &World, address: &str) -> Result<Message> {
    let all = world.store.messages(None, 10).await?;
    Ok(all.iter().find(|letter| letter.to.as_str() == address).unwrap_or_else(|| panic!("no letter to {address}: {all:?}")).clone())
}

async fn a_letter_that_waits_is_the_groups_and_what_comes_of_it_too(world: &World) -> Result<()> {
    import(world, &firm("older").named("Ромашка").with_phone(PHONE)).await?;
    through::<EnrichCompany>(world, "older").await?;
    world.pass_minutes(1);
    SendLetter::seed(world, "two").await?;
    import(world, &firm("two").with_phone(PHONE)).await?;

    say_of_both(world, PairEvent::Confirm).await?;

    assert!(world.claim::<DraftLetter>().await?.is_empty(), "the group has a letter on its way");
    through::<SendLetter>(world, "two").await?;
    assert_eq!(companies(world).await?, stand([("older.ru", "contacted")]), "it was not refused, and it is the group's");
    let sent = world.message().await?;
    let answer = Signal {
        mailbox: "gmail".into(),
        key: "1".into(),
        kind: SignalKind::Reply,
        intent: String::new(),
        quoted_ids: vec![sent.message_id.clone().unwrap_or_default()],
        about: Some(sent.to.clone()),
        text: "Да".into(),
        at: world.now(),
    };
    Admit::<Signal>::admit(world.store.as_ref(), "inbox gmail", &[answer], None, world.now()).await?;
    assert_eq!(companies(world).await?, stand([("older.ru", "replied")]), "so is the answer");
    assert_eq!(world.message().await?.delivery, Some(Delivery::Replied));
    let of_older = world.store.life(firm("older").named("Ромашка").newborn().id()).await?;
    for stage in ["draft", "send", "inbox"] {
        assert!(of_older.iter().any(|line| line.stage == stage), "{stage} is told of the group: {of_older:?}");
    }

    say_of_both(world, PairEvent::Undo).await?;
    let two = companies(world).await?.remove(1);
    assert_eq!(two, ("two.ru".to_owned(), "replied".to_owned()), "the letter was its own: it is not written to again");
    Ok(())
}

async fn of_two_letters_that_wait_one_goes_aside_and_is_back_when_they_are_parted(world: &World) -> Result<()> {
    RouteLetter::seed(world, "older").await?;
    world.pass_minutes(1);
    SendLetter::seed(world, "two").await?;
    for word in ["older", "two"] {
        import(world, &firm(word).with_phone(PHONE)).await?;
    }

    say_of_both(world, PairEvent::Confirm).await?;

    let (kept, aside) = (letter_to(world, "info@older.ru").await?, letter_to(world, "info@two.ru").await?);
    assert_eq!((kept.state, aside.state), (MessageState::Approved, MessageState::Cancelled), "the group is written to once");
    assert!(aside.last_error.as_deref().is_some_and(|why| why.starts_with("merged: ")), "nobody refused: {:?}", aside.last_error);
    assert!(world.claim::<SendLetter>().await?.is_empty());

    say_of_both(world, PairEvent::Undo).await?;

    let back = letter_to(world, "info@two.ru").await?;
    assert_eq!((back.state, back.mailbox, back.last_error), (MessageState::Approved, None, None), "it gets a new turn");
    for word in ["older", "two"] {
        through::<RouteLetter>(world, word).await?;
        world.pass_minutes(5);
        through::<SendLetter>(world, word).await?;
    }
    assert_eq!(companies(world).await?, stand([("older.ru", "contacted"), ("two.ru", "contacted")]));
    Ok(())
}
