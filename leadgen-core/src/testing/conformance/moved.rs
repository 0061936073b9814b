//! Sites that moved to another registrable domain: the company is the same, wherever it is met.

use crate::domain::contact::Findings;
use crate::domain::flow::ResultState;
use crate::domain::name::DomainName;
use crate::domain::twins::PairState;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::Exports;
use crate::ports::work::EnrichCompany;
use crate::testing::builders::a_company;

use super::companies::{commit_all, companies, results, seen};
use super::seeds::{import, sighting};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] =
    checks![a_result_where_a_site_moved_to_is_of_its_company, a_site_that_moved_to_a_known_one_is_of_that_company,];

/// The site of the company first seen is found to live elsewhere, with nothing on it yet: it is visited again a day later.
async fn moves(world: &World, to: &str) -> Result<()> {
    let claim = world.claim::<EnrichCompany>().await?.remove(0);
    let findings = Findings {
        moved_to: Some(DomainName::parse(to)?),
        redirected_to: Some(format!("https://{to}/")),
        reason: Some("contacts_not_found".into()),
        ..Findings::default()
    };
    world.commit::<EnrichCompany>(&claim.ticket, findings).await.map(|_| ())
}

async fn a_result_where_a_site_moved_to_is_of_its_company(world: &World) -> Result<()> {
    import(world, &a_company().named("Ромашка").at("one.ru")).await?;
    moves(world, "one-clinic.com").await?;
    let mut shop = sighting("shop.one-clinic.com", "Магазин", 2);
    shop.registrable_domain = Some("one-clinic.com".into());

    let claims = seen(world, "word", vec![sighting("one-clinic.com", "Клиника номер один", 1), shop]).await?;
    commit_all(world, claims).await?;

    assert_eq!(companies(world).await?, 1);
    assert_eq!(results(world, ResultState::DupCanonical).await?, 1, "the host itself");
    world.pass(world.policy.enrich_tries.apart);
    let again = world.claim_one::<EnrichCompany>().await?;
    assert_eq!(again.item.home().map(ToString::to_string).as_deref(), Some("one-clinic.com"), "it is visited where it lives");
    assert_eq!(again.item.canonical_domain.map(|host| host.to_string()).as_deref(), Some("one.ru"), "it is known by where it was found");
    world.commit::<EnrichCompany>(&again.ticket, Findings { pages: 1, ..Findings::default() }).await?;
    let known = world.store.find_company("one.ru").await?.ok_or_else(|| Error::new(ErrorKind::Rejected, "find one.ru"))?;
    assert!(known.moved_to.is_some(), "a visit that was led nowhere changes nothing of it");
    Ok(())
}

async fn a_site_that_moved_to_a_known_one_is_of_that_company(world: &World) -> Result<()> {
    import(world, &a_company().named("Ромашка").at("one.ru").in_city("Уфа")).await?;
    world.pass(world.policy.enrich_tries.apart);
    import(world, &a_company().named("Клиника номер один").at("one-clinic.com").in_city("Казань")).await?;

    moves(world, "one-clinic.com").await?;

    let left = Exports::companies(world.store.as_ref(), None).await?;
    assert_eq!(left.iter().map(|line| line.canonical_domain.as_str()).collect::<Vec<_>>(), ["one.ru"]);
    let pairs = world.store.pairs(&[PairState::Merged, PairState::Linked], 10).await?;
    assert_eq!(pairs.iter().map(|pair| pair.rule.as_str()).collect::<Vec<_>>(), ["host"], "a person can part them again");
    Ok(())
}
