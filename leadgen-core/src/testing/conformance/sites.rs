//! Pages of sites: kept with their visit, used by the next one, read again, gone in time.

use std::time::Duration;

use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::page::{SitePage, Validators};
use crate::error::Result;
use crate::ports::store::Exports;
use crate::ports::work::{DraftLetter, EnrichCompany};
use crate::testing::builders::a_company;

use super::seeds::{drafted, firm, import};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    the_pages_of_a_visit_are_kept_with_its_findings,
    a_visit_takes_the_place_of_the_one_before,
    a_visit_that_read_nothing_leaves_the_pages,
    a_page_that_its_site_withdraws_is_gone,
    pages_go_when_their_time_is_over,
    a_policy_that_keeps_nothing_writes_no_page,
    a_second_reading_changes_contacts_and_a_dry_one_does_not,
    a_contact_that_a_letter_was_written_to_is_not_taken_away,
    a_contact_from_elsewhere_is_left_alone,
    companies_that_refuse_or_are_merged_are_not_read_again,
];

fn page(world: &World, path: &str, text: &str) -> SitePage {
    SitePage {
        asked: format!("https://one.ru{path}"),
        url: format!("https://one.ru{path}"),
        status: 200,
        content_type: Some("text/html; charset=utf-8".into()),
        body: text.as_bytes().into(),
        truncated: false,
        validators: Validators { etag: Some("\"1\"".into()), last_modified: None },
        rendered: false,
        fetched_at: world.now(),
    }
}

fn email(value: &str) -> FoundContact {
    FoundContact {
        contact_type: ContactType::Email,
        value: value.to_owned(),
        kind: "role".into(),
        origin: "mailto".into(),
        score: 0.95,
        source_url: "https://one.ru/".into(),
        snippet: "Пишите".into(),
        page_hash: String::new(),
        extension: None,
    }
}

fn showing(contacts: Vec<FoundContact>, visited: Vec<SitePage>) -> Findings {
    Findings { contacts, visited, pages: 1, ..Findings::default() }
}

async fn visited(world: &World, findings: Findings) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    world.commit::<EnrichCompany>(&claim.ticket, findings).await.map(|_| ())
}

async fn emails(world: &World) -> Result<String> {
    Ok(Exports::companies(world.store.as_ref(), None).await?.remove(0).emails)
}

async fn the_pages_of_a_visit_are_kept_with_its_findings(world: &World) -> Result<()> {
    let shown = SitePage { rendered: true, ..page(world, "/shown", "<p>by script") };
    let pages = vec![page(world, "/", "<p>Главная"), page(world, "/contacts", "<p>info@one.ru"), page(world, "/copy", "<p>Главная"), shown];

    visited(world, showing(vec![email("info@one.ru")], pages.clone())).await?;

    let kept = world.store.kept_visits(None, 10).await?;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].pages, pages, "every page as it came, in the order of the visit");
    let id = kept[0].company.id;
    assert_eq!(world.store.page(id, "https://one.ru/contacts").await?.as_ref(), Some(&pages[1]));
    assert_eq!(world.store.page(id, "https://one.ru/nowhere").await?, None);
    assert!(world.store.kept_visits(Some(id), 10).await?.is_empty(), "nothing comes after the last one");
    Ok(())
}

async fn a_visit_takes_the_place_of_the_one_before(world: &World) -> Result<()> {
    visited(world, showing(vec![], vec![page(world, "/", "<p>old"), page(world, "/gone", "<p>gone")])).await?;
    world.pass(Duration::from_hours(24));
    let claim = world.claim_one::<EnrichCompany>().await?;
    let fresh = vec![page(world, "/", "<p>new")];

    world.commit::<EnrichCompany>(&claim.ticket, showing(vec![], fresh.clone())).await?;

    assert_eq!(world.store.kept_visits(None, 10).await?[0].pages, fresh);
    Ok(())
}

async fn a_visit_that_read_nothing_leaves_the_pages(world: &World) -> Result<()> {
    visited(world, showing(vec![], vec![page(world, "/", "<p>old")])).await?;
    world.pass(Duration::from_hours(24));
    let claim = world.claim_one::<EnrichCompany>().await?;

    world.commit::<EnrichCompany>(&claim.ticket, Findings { reason: Some("unreachable".into()), ..Findings::default() }).await?;

    assert_eq!(world.store.kept_visits(None, 10).await?.len(), 1);
    Ok(())
}

async fn a_page_that_its_site_withdraws_is_gone(world: &World) -> Result<()> {
    let moved = SitePage { url: "https://one.ru/ru/team".into(), ..page(world, "/team", "<p>team") };
    let home = page(world, "/", "<p>home");
    visited(world, showing(vec![], vec![home.clone(), page(world, "/old", "<p>old"), moved])).await?;
    world.pass(Duration::from_hours(24));
    let claim = world.claim_one::<EnrichCompany>().await?;
    let id = claim.item.id;
    let withdrawn = vec!["https://one.ru/old".to_owned(), "https://one.ru/ru/team".to_owned()];

    world.commit::<EnrichCompany>(&claim.ticket, Findings { withdrawn, ..showing(vec![], vec![]) }).await?;

    assert_eq!(world.store.kept_visits(None, 10).await?[0].pages, [home], "by the address asked for, and by where it was found");
    assert_eq!(world.store.page(id, "https://one.ru/team").await?, None);
    Ok(())
}

async fn pages_go_when_their_time_is_over(world: &World) -> Result<()> {
    visited(world, showing(vec![email("info@one.ru")], vec![page(world, "/", "<p>Главная")])).await?;
    world.pass(world.policy.sites.keep_pages);
    world.claim::<EnrichCompany>().await?;
    assert_eq!(world.store.kept_visits(None, 10).await?.len(), 1, "its time is not over yet");
    world.pass_minutes(1);

    world.claim::<EnrichCompany>().await?;

    assert!(world.store.kept_visits(None, 10).await?.is_empty());
    assert_eq!(emails(world).await?, "info@one.ru", "what was found on it stays");
    Ok(())
}

async fn a_policy_that_keeps_nothing_writes_no_page(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    let call = world.call_with(|policy| policy.sites.keep_pages = Duration::ZERO);
    let findings = showing(vec![email("info@one.ru")], vec![page(world, "/", "<p>Главная")]);

    crate::ports::store::Lane::<EnrichCompany>::commit(world.store.as_ref(), &call, vec![(claim.ticket, findings)]).await?;

    assert!(world.store.kept_visits(None, 10).await?.is_empty());
    assert_eq!(emails(world).await?, "info@one.ru");
    Ok(())
}

async fn a_second_reading_changes_contacts_and_a_dry_one_does_not(world: &World) -> Result<()> {
    visited(world, showing(vec![email("old@one.ru"), email("same@one.ru"), email("better@one.ru")], vec![page(world, "/", "<p>x")]))
        .await?;
    let id = world.store.kept_visits(None, 1).await?[0].company.id;
    let better = FoundContact { score: 0.60, ..email("better@one.ru") };
    let reading = Findings { inn: Some("7707083893".into()), ..showing(vec![email("same@one.ru"), better, email("new@one.ru")], vec![]) };

    let told = world.store.refind(id, &reading, true, world.now()).await?;
    assert_eq!(emails(world).await?, "better@one.ru old@one.ru same@one.ru", "a dry one writes nothing");
    let done = world.store.refind(id, &reading, false, world.now()).await?;

    assert_eq!(told, done, "what is told is what is done");
    assert_eq!(
        (done.same, done.added, done.changed, done.removed),
        (1, vec!["new@one.ru".into()], vec!["better@one.ru".into()], vec!["old@one.ru".into()])
    );
    assert_eq!(done.numbers, ["inn none → 7707083893"]);
    let company = Exports::companies(world.store.as_ref(), None).await?.remove(0);
    assert_eq!((company.emails.as_str(), company.inn.as_str()), ("new@one.ru same@one.ru better@one.ru", "7707083893"));
    assert_eq!(
        (company.email.as_str(), company.status.as_str()),
        ("same@one.ru", "ready_to_contact"),
        "the primary one was taken away: the next is chosen"
    );
    assert!(world.store.refind(id, &reading, false, world.now()).await?.is_empty(), "twice is once");
    Ok(())
}

async fn a_contact_that_a_letter_was_written_to_is_not_taken_away(world: &World) -> Result<()> {
    visited(world, showing(vec![email("info@one.ru")], vec![page(world, "/", "<p>x")])).await?;
    let claim = world.claim_one::<DraftLetter>().await?;
    world.commit::<DraftLetter>(&claim.ticket, drafted(&claim.item, false)).await?;
    let id = world.store.kept_visits(None, 1).await?[0].company.id;

    let diff = world.store.refind(id, &Findings::default(), false, world.now()).await?;

    assert_eq!((diff.kept, diff.removed), (vec!["info@one.ru".to_owned()], vec![]));
    assert_eq!(emails(world).await?, "info@one.ru");
    Ok(())
}

async fn a_contact_from_elsewhere_is_left_alone(world: &World) -> Result<()> {
    import(world, &firm("one")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    world.commit::<EnrichCompany>(&claim.ticket, showing(vec![email("seen@one.ru")], vec![page(world, "/", "<p>x")])).await?;
    let id = claim.item.id;

    let diff = world.store.refind(id, &Findings::default(), false, world.now()).await?;

    assert_eq!(diff.removed, ["seen@one.ru"]);
    assert_eq!(emails(world).await?, "info@one.ru", "the own list named it, no page did");
    Ok(())
}

async fn companies_that_refuse_or_are_merged_are_not_read_again(world: &World) -> Result<()> {
    visited(world, showing(vec![email("info@one.ru")], vec![page(world, "/", "<p>x")])).await?;

    world.store.register(&crate::testing::builders::a_refusal("info@one.ru", world.now()), "anna").await?;

    assert!(world.store.kept_visits(None, 10).await?.is_empty());
    Ok(())
}
