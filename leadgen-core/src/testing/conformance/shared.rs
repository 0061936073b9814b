//! An address that the sites of many firms show is an agency's or a template's: no letter goes there in the name of one of them.

use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::error::Result;
use crate::ports::store::Exports;
use crate::ports::work::EnrichCompany;
use crate::testing::builders::a_company;

use super::seeds::import;
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] =
    checks![an_address_that_many_firms_show_is_none_of_theirs, an_address_of_the_own_list_is_the_firms_whoever_shows_it,];

const HOSTS: [&str; 6] = ["one.ru", "two.ru", "three.ru", "four.ru", "five.ru", "six.ru"];

fn email(value: &str, score: f64) -> FoundContact {
    FoundContact {
        contact_type: ContactType::Email,
        value: value.into(),
        kind: "role".into(),
        origin: "mailto".into(),
        score,
        source_url: "https://site/".into(),
        snippet: String::new(),
        page_hash: String::new(),
        extension: None,
    }
}

/// Each firm's site is visited in turn, and shows these addresses.
async fn visited(world: &World, shows: impl Fn(&str) -> Vec<FoundContact>) -> Result<()> {
    for claim in world.claim::<EnrichCompany>().await? {
        let host = claim.item.canonical_domain.as_ref().map(ToString::to_string).unwrap_or_default();
        let findings = Findings { contacts: shows(&host), pages: 1, ..Findings::default() };
        world.commit::<EnrichCompany>(&claim.ticket, findings).await?;
    }
    Ok(())
}

/// Of a firm: its state with the reason, and the address letters go to.
async fn stands(world: &World, host: &str) -> Result<(String, String, String)> {
    let lines = Exports::companies(world.store.as_ref(), None).await?;
    let line = lines.into_iter().find(|line| line.canonical_domain == host).unwrap_or_else(|| panic!("{host} is there"));
    Ok((line.status, line.status_reason, line.email))
}

async fn an_address_that_many_firms_show_is_none_of_theirs(world: &World) -> Result<()> {
    for (place, host) in HOSTS.iter().enumerate() {
        import(world, &a_company().named(&format!("Фирма номер {place}")).at(host).in_city(&format!("Город {place}"))).await?;
        world.pass(std::time::Duration::from_secs(1));
    }
    // The first that shows it has it.
    visited(world, |host| {
        let own = (host == "six.ru").then(|| email("info@six.ru", 0.9));
        let agency = email("hello@agency.ru", 0.7);
        own.into_iter().chain([agency]).collect()
    })
    .await?;

    assert_eq!(stands(world, "one.ru").await?, ("disqualified".into(), "shared_address".into(), String::new()), "it was ready before");
    assert_eq!(stands(world, "six.ru").await?.2, "info@six.ru");
    Ok(())
}

async fn an_address_of_the_own_list_is_the_firms_whoever_shows_it(world: &World) -> Result<()> {
    for (place, host) in HOSTS.iter().enumerate() {
        let firm = a_company().named(&format!("Фирма номер {place}")).at(host).in_city(&format!("Город {place}"));
        import(world, &if place == 0 { firm.with_email("hello@agency.ru") } else { firm }).await?;
        world.pass(std::time::Duration::from_secs(1));
    }
    visited(world, |_| vec![email("hello@agency.ru", 0.7)]).await?;

    assert_eq!(stands(world, "one.ru").await?, ("ready_to_contact".into(), String::new(), "hello@agency.ru".into()));
    Ok(())
}
