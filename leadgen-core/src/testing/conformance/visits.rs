//! What a lead's life tells of the visits to its site: pages, failures, what hosts asked for, and the next try.

use std::time::Duration;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::host::{Loss, Rest, Scheme};
use crate::domain::id::Id;
use crate::domain::page::{SitePage, Validators};
use crate::domain::report::LifeLine;
use crate::error::{Result, Verdict};
use crate::ports::store::Exports;
use crate::ports::work::EnrichCompany;
use crate::testing::builders::{a_company, host};

use super::seeds::import;
use super::world::{LATER, World};
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_life_tells_what_failed_and_when_it_is_tried_again,
    a_life_tells_how_a_visit_ended_and_whether_there_is_another,
    a_life_tells_extensions_and_what_a_site_says_of_its_firm,
    a_life_tells_that_visits_were_given_up,
    a_life_tells_pages_and_which_a_browser_showed,
    a_life_tells_what_a_host_asked_for_and_how_it_could_not_be_had,
];

async fn life(world: &World) -> Result<Vec<LifeLine>> {
    let id: Id<Company> = Id::parse(&Exports::companies(world.store.as_ref(), None).await?.remove(0).id)?;
    world.store.life(id).await
}

/// The line with some words in it.
fn told<'a>(life: &'a [LifeLine], words: &str) -> &'a LifeLine {
    life.iter()
        .find(|line| line.stage == "enrich" && line.what.contains(words))
        .unwrap_or_else(|| panic!("nothing tells {words:?}: {life:?}"))
}

async fn a_life_tells_what_failed_and_when_it_is_tried_again(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    world.release::<EnrichCompany>(&claim.ticket, LATER, "site_broken", Duration::from_mins(5)).await?;

    let life = life(world).await?;

    let line = told(&life, "site_broken: it did not work");
    assert_eq!(line.at, (world.now() + Duration::from_mins(5)).to_string(), "it stands where the next try does");
    assert!(line.what.starts_with("next try of https://one.ru/; the one before failed (failures that count: 1)"), "{line:?}");
    assert!(life.windows(2).all(|pair| pair[0].at <= pair[1].at), "in the order it happened: {life:?}");
    Ok(())
}

async fn a_life_tells_how_a_visit_ended_and_whether_there_is_another(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    for (reason, next) in [("contacts_not_found", Some(Duration::from_hours(24))), ("blocked_by_robots", None)] {
        let claim = world.claim_one::<EnrichCompany>().await?;
        let findings = Findings { reason: Some(reason.into()), ..Findings::default() };
        world.commit::<EnrichCompany>(&claim.ticket, findings).await?;

        let life = life(world).await?;

        let line = told(&life, &format!("of https://one.ru/: {reason}"));
        assert_eq!(line.at, world.now().to_string());
        let expected = next.map(|pause| format!("next visit from {} on", world.now() + pause));
        assert_eq!(line.what.split_once("; ").map(|(_, next)| next.to_owned()), expected, "{line:?}");
        world.pass(Duration::from_hours(24));
    }
    Ok(())
}

async fn a_life_tells_extensions_and_what_a_site_says_of_its_firm(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    let phone = FoundContact {
        contact_type: ContactType::Phone,
        value: "+78432000001".into(),
        kind: String::new(),
        origin: "text".into(),
        score: 0.85,
        source_url: "https://one.ru/".into(),
        snippet: String::new(),
        page_hash: String::new(),
        extension: Some("12".into()),
    };
    let (legal_name, address) = (Some("ООО «Один»".into()), Some("Казань, ул. Баумана, 1".into()));
    let findings = Findings { contacts: vec![phone.clone()], legal_name, address, pages: 1, ..Findings::default() };
    let id = claim.item.id;
    world.commit::<EnrichCompany>(&claim.ticket, findings).await?;

    let life = life(world).await?;

    told(&life, "phone +78432000001 ext. 12 (text");
    told(&life, "its site speaks of ООО «Один», address Казань, ул. Баумана, 1");
    let same = world.store.refind(id, &Findings { contacts: vec![phone.clone()], ..Findings::default() }, true, world.now()).await?;
    assert_eq!(same.same, 1, "the extension is kept as it was");
    let other = FoundContact { extension: None, ..phone };
    let changed = world.store.refind(id, &Findings { contacts: vec![other], ..Findings::default() }, true, world.now()).await?;
    assert_eq!(changed.changed, ["+78432000001"]);
    Ok(())
}

async fn a_life_tells_that_visits_were_given_up(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    world.release::<EnrichCompany>(&claim.ticket, Verdict::Reject, "target_refused", Duration::ZERO).await?;

    let life = life(world).await?;

    let line = told(&life, "target_refused: it did not work");
    assert_eq!(
        (line.at.clone(), line.what.contains("given up as target_refused, no next try")),
        (world.now().to_string(), true),
        "{line:?}"
    );
    Ok(())
}

fn page(world: &World, path: &str, rendered: bool) -> SitePage {
    SitePage {
        asked: format!("https://one.ru{path}"),
        url: format!("https://www.one.ru{path}"),
        status: 200,
        content_type: None,
        body: path.as_bytes().into(),
        truncated: !rendered,
        validators: Validators::default(),
        rendered,
        fetched_at: world.now(),
    }
}

async fn a_life_tells_pages_and_which_a_browser_showed(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    let visited = vec![page(world, "/", true), page(world, "/contacts", false)];
    world.commit::<EnrichCompany>(&claim.ticket, Findings { visited, pages: 2, ..Findings::default() }).await?;

    let life = life(world).await?;

    let shown = told(&life, "page https://www.one.ru/: status 200, asked for as https://one.ru/, rendered by a browser");
    assert_eq!(shown.at, world.now().to_string());
    let plain = told(&life, "page https://www.one.ru/contacts: status 200");
    assert!(plain.what.ends_with(", cut at the size limit"), "{plain:?}");
    Ok(())
}

async fn a_life_tells_what_a_host_asked_for_and_how_it_could_not_be_had(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let (since, until) = (world.now(), world.now() + Duration::from_hours(6));
    world.store.note_rest(&host("one.ru"), Some(&Rest { until, refusals: 2 }), since).await?;
    let loss = Loss { code: "dns_failed".into(), since, until, tries: 3 };
    world.store.note_loss(&host("one.ru"), Scheme::Https, &loss, since).await?;
    world.store.note_rest(&host("two.ru"), Some(&Rest { until, refusals: 9 }), since).await?;

    let life = life(world).await?;

    let rest = told(&life, &format!("one.ru is left alone until {until}"));
    assert_eq!((rest.at.clone(), rest.what.contains("refusals in a row: 2")), (until.to_string(), true), "{rest:?}");
    let lost = told(&life, "robots.txt of https://one.ru can't be had: dns_failed (tries: 3)");
    assert_eq!((lost.at.clone(), lost.what.ends_with(&format!("next try from {until} on"))), (since.to_string(), true), "{lost:?}");
    assert!(!life.iter().any(|line| line.what.contains("two.ru")), "{life:?}");
    Ok(())
}
