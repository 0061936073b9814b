//! Refusals of companies that are one, or become one just then: no member of a group is written to after any of it refused.

use futures::future::try_join_all;

use crate::domain::twins::PairEvent;
use crate::error::Result;
use crate::ports::store::Exports;
use crate::ports::work::{DraftLetter, EnrichCompany, RouteLetter, SendLetter};
use crate::testing::builders::{ACompany, a_company, a_refusal};

use super::seeds::through;
use super::twins::{ALL, come_in, pairs, say};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_refusal_and_a_merge_at_the_same_moment_cover_the_group,
    a_refusal_reaches_a_twin_that_was_written_to_though_they_stay_two,
    who_joins_a_group_that_refused_has_refused_when_it_is_parted,
];

const PHONE: &str = "+74952045138";

/// Two that their phone will make one.
fn akin() -> [ACompany; 2] {
    let one = a_company().at("one.ru").named("Бавогустрой").of_batch("one").with_email("info@one.ru");
    [one, a_company().at("two.ru").named("Бавогустрой групп").in_city("Уфа").of_batch("two").with_email("info@two.ru")]
}

async fn write_to(world: &World, batch: &str) -> Result<()> {
    through::<EnrichCompany>(world, batch).await?;
    through::<DraftLetter>(world, batch).await?;
    through::<RouteLetter>(world, batch).await?;
    world.pass_minutes(2);
    through::<SendLetter>(world, batch).await
}

async fn statuses(world: &World) -> Result<Vec<String>> {
    Ok(Exports::companies(world.store.as_ref(), None).await?.into_iter().map(|line| line.status).collect())
}

async fn a_refusal_reaches_a_twin_that_was_written_to_though_they_stay_two(world: &World) -> Result<()> {
    come_in(world, &akin()).await?;
    write_to(world, "one").await?;
    world.store.register(&a_refusal("info@two.ru", world.now()), "petr").await?;
    assert_eq!(statuses(world).await?, ["contacted", "optout"]);

    come_in(world, &akin().map(|company| company.with_phone(PHONE))).await?;

    assert_eq!(statuses(world).await?, ["optout", "optout"]);
    Ok(())
}

async fn who_joins_a_group_that_refused_has_refused_when_it_is_parted(world: &World) -> Result<()> {
    let [one, two] = akin();
    let third = a_company().at("three.ru").named("Бавогустрой сервис").in_city("Пермь").with_phone(PHONE);
    come_in(world, &[one.with_phone(PHONE)]).await?;
    world.store.register(&a_refusal("info@one.ru", world.now()), "petr").await?;
    come_in(world, &[two.with_phone(PHONE), third]).await?;
    assert_eq!(statuses(world).await?, ["optout"]);

    for (left, pair) in pairs(world, &ALL).await?.iter().enumerate() {
        say(world, pair, PairEvent::Undo).await?;
        assert_eq!(statuses(world).await?, vec!["optout"; left + 2], "nobody comes out of it without the refusal");
    }
    Ok(())
}

async fn a_refusal_and_a_merge_at_the_same_moment_cover_the_group(world: &World) -> Result<()> {
    let names = ["Ромашка", "Электрощит", "Бавогустрой", "Гидромаш", "Кедровник", "Шпунтолёт", "Яхонтовый", "Опережение"];
    for (n, name) in names.iter().enumerate() {
        let phone = format!("+749520451{:02}", 30 + n / 2);
        come_in(world, &[a_company().named(name).at(&format!("f{n}.ru")).with_email(&format!("info@f{n}.ru")).with_phone(&phone)]).await?;
    }
    let all = pairs(world, &ALL).await?;
    assert_eq!(all.len(), names.len() / 2, "two and two have one phone: {all:?}");

    let merges = all.iter().map(|pair| async move { say(world, pair, PairEvent::Confirm).await.map(|_| ()) });
    // The younger ones refuse.
    let refusals = (1..names.len())
        .step_by(2)
        .map(|n| async move { world.store.register(&a_refusal(&format!("info@f{n}.ru"), world.now()), "petr").await.map(|_| ()) });
    let both: Vec<std::pin::Pin<Box<dyn Future<Output = Result<()>> + '_>>> =
        merges.map(|one| Box::pin(one) as _).zip(refusals.map(|one| Box::pin(one) as _)).flat_map(|(one, other)| [one, other]).collect();
    try_join_all(both).await?;

    assert_eq!(statuses(world).await?, ["optout"; 4], "whichever came first");
    Ok(())
}
