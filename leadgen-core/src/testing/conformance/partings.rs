//! Parting: whatever is taken back, in whatever order, comes home, and what else holds stays one.

use crate::domain::id::Id;
use crate::domain::report::CompanyLine;
use crate::domain::twins::{PairEvent, PairState, TwinPair};
use crate::error::Result;
use crate::ports::store::Exports;
use crate::testing::builders::{ACompany, a_company};

use super::twins::{ALL, come_in, hosts, pairs, say};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    nested_merges_are_taken_back_the_first_one_first,
    nested_merges_are_taken_back_the_last_one_first,
    whoever_only_the_parted_one_tied_goes_with_it,
    two_that_a_third_holds_together_are_parted_by_a_word_too,
    pairs_are_found_by_where_their_ids_stand,
];

fn firm(word: &str, name: &str, phone: u8) -> ACompany {
    let phone = format!("+7495204513{phone}");
    a_company().at(&format!("{word}.ru")).named(name).with_email(&format!("info@{word}.ru")).with_phone(&phone)
}

/// Three whose names are not akin, the oldest first: the first and the last have one phone, the last two another.
async fn a_chain(world: &World) -> Result<[TwinPair; 2]> {
    let (one, two, three) = (firm("p", "Ромашка", 1), firm("q", "Электрощит", 1), firm("r", "Бавогустрой", 2));
    come_in(world, &[one, two, three, firm("q", "Электрощит", 2)]).await?;
    Ok([pair(world, "p.ru", "q.ru").await?, pair(world, "q.ru", "r.ru").await?])
}

async fn pair(world: &World, one: &str, other: &str) -> Result<TwinPair> {
    let all = pairs(world, &ALL).await?;
    let is_asked = |pair: &&TwinPair| {
        let domains = [pair.first.domain.as_str(), pair.second.domain.as_str()];
        domains.contains(&one) && domains.contains(&other)
    };
    Ok(all.iter().find(is_asked).unwrap_or_else(|| panic!("no pair of {one} and {other}: {all:?}")).clone())
}

async fn lines(world: &World) -> Result<Vec<CompanyLine>> {
    Exports::companies(world.store.as_ref(), None).await
}

async fn emails(world: &World) -> Result<Vec<String>> {
    Ok(lines(world).await?.into_iter().map(|line| line.emails).collect())
}

/// The last becomes the middle one's, then the middle one the first's.
async fn nested(world: &World) -> Result<([TwinPair; 2], Vec<CompanyLine>)> {
    let chain = a_chain(world).await?;
    let alone = lines(world).await?;
    say(world, &chain[1], PairEvent::Confirm).await?;
    say(world, &chain[0], PairEvent::Confirm).await?;
    assert_eq!(emails(world).await?, ["info@p.ru info@q.ru info@r.ru"], "three are one, with all they have");
    Ok((chain, alone))
}

async fn nested_merges_are_taken_back_the_first_one_first(world: &World) -> Result<()> {
    let (chain, alone) = nested(world).await?;

    say(world, &chain[1], PairEvent::Undo).await?;
    assert_eq!(hosts(world).await?, ["p.ru", "r.ru"]);
    assert_eq!(emails(world).await?, ["info@p.ru info@q.ru", "info@r.ru"], "the last one takes along what is its own");
    say(world, &chain[0], PairEvent::Undo).await?;

    assert_eq!(lines(world).await?, alone, "everything is where it was");
    Ok(())
}

async fn nested_merges_are_taken_back_the_last_one_first(world: &World) -> Result<()> {
    let (chain, alone) = nested(world).await?;

    say(world, &chain[0], PairEvent::Undo).await?;
    assert_eq!(hosts(world).await?, ["p.ru", "q.ru"]);
    assert_eq!(emails(world).await?, ["info@p.ru", "info@q.ru info@r.ru"], "the last one stays with the middle one");
    say(world, &chain[1], PairEvent::Undo).await?;

    assert_eq!(lines(world).await?, alone, "everything is where it was");
    Ok(())
}

async fn whoever_only_the_parted_one_tied_goes_with_it(world: &World) -> Result<()> {
    // The youngest is the bridge: it joins the oldest, and brings the middle one.
    come_in(world, &[firm("a", "Ромашка", 1), firm("b", "Электрощит", 2), firm("c", "Бавогустрой", 1), firm("c", "Бавогустрой", 2)])
        .await?;
    let (first, second) = (pair(world, "a.ru", "c.ru").await?, pair(world, "b.ru", "c.ru").await?);
    say(world, &first, PairEvent::Confirm).await?;
    say(world, &second, PairEvent::Confirm).await?;
    assert_eq!(hosts(world).await?, ["a.ru"]);

    say(world, &first, PairEvent::Undo).await?;

    assert_eq!(hosts(world).await?, ["a.ru", "b.ru"]);
    assert_eq!(emails(world).await?, ["info@a.ru", "info@b.ru info@c.ru"], "the two that a person said are one are one");
    assert_eq!(pair(world, "b.ru", "c.ru").await?.state, PairState::Confirmed);
    Ok(())
}

async fn two_that_a_third_holds_together_are_parted_by_a_word_too(world: &World) -> Result<()> {
    let chain = a_chain(world).await?;
    come_in(world, &[firm("p", "Ромашка", 3), firm("r", "Бавогустрой", 3)]).await?;
    let ends = pair(world, "p.ru", "r.ru").await?;
    for pair in &chain {
        say(world, pair, PairEvent::Confirm).await?;
    }
    assert_eq!(hosts(world).await?, ["p.ru"]);

    assert_eq!(say(world, &ends, PairEvent::Reject).await?, PairState::Rejected);

    let left = emails(world).await?;
    assert_eq!(left.len(), 2, "two are left: {left:?}");
    assert!(!left.iter().any(|emails| emails.contains("info@p.ru") && emails.contains("info@r.ru")), "{left:?}");
    let waiting = pairs(world, &[PairState::Pending]).await?;
    assert_eq!(waiting.len(), 1, "the tie that can't hold any more waits for a person: {waiting:?}");
    let again = world.store.regroup(world.now()).await?;
    assert_eq!((again.duplicates_marked, again.primaries), (0, 2), "nor does it come back by itself");
    Ok(())
}

async fn pairs_are_found_by_where_their_ids_stand(world: &World) -> Result<()> {
    let chain = a_chain(world).await?;
    come_in(world, &[firm("s", "Семёрка", 3), firm("t", "Вектор", 3)]).await?;
    let known = pairs(world, &ALL).await?;
    let mut ids: Vec<_> = known.iter().map(|pair| pair.id).collect();
    ids.sort_unstable();
    let between = async |first, last| world.store.pairs_between(first, last).await;

    for pair in &known {
        assert_eq!(between(pair.id, pair.id).await?, std::slice::from_ref(pair), "the one that is named");
    }
    let found: Vec<_> = between(ids[0], ids[ids.len() - 1]).await?.iter().map(|pair| pair.id).collect();
    assert_eq!((known.len(), found), (3, ids[..2].to_vec()), "of many two tell that it is not one");
    assert_eq!(between(Id::of(&["nobody's"]), Id::of(&["nobody's"])).await?, []);
    assert!(known.contains(&chain[0]) && known.contains(&chain[1]));
    Ok(())
}
