//! Addresses that take no mail, and who can be reached.

use std::time::Duration;

use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::verification::{Deliverability, Verification};
use crate::error::{Result, Verdict};
use crate::ports::store::Exports;
use crate::ports::work::{DraftLetter, EnrichCompany};
use crate::testing::builders::a_company;

use super::seeds::{drafted, firm, import};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    an_address_that_takes_no_mail_is_never_the_primary_one,
    an_address_for_staff_or_newspapers_is_never_the_primary_one,
    of_two_addresses_with_one_score_the_better_reader_is_primary,
    a_company_whose_only_address_takes_no_mail_says_so,
    a_primary_address_that_stopped_taking_mail_gives_its_place_up,
    an_address_found_dead_before_the_draft_is_passed_over,
    a_second_reading_that_leaves_no_address_leaves_nobody_ready,
    what_a_draft_found_out_stands_with_the_contact,
    the_report_counts_who_can_be_reached_and_why_others_can_not,
];

fn known(world: &World, state: Deliverability, reason: &str) -> Verification {
    Verification { state, reason: reason.into(), checked_at: Some(world.now()) }
}

fn dead(world: &World) -> Verification {
    known(world, Deliverability::Invalid, "null_mx")
}

fn found(contact_type: ContactType, value: &str, score: f64) -> FoundContact {
    FoundContact {
        contact_type,
        value: value.to_owned(),
        kind: if contact_type == ContactType::Email { "role".into() } else { String::new() },
        origin: if contact_type == ContactType::Email { "mailto".into() } else { "tel".into() },
        score,
        source_url: "https://one.ru/".into(),
        snippet: "Пишите".into(),
        page_hash: String::new(),
        extension: None,
    }
}

async fn visit(world: &World, contacts: Vec<FoundContact>, checks: Vec<(String, Verification)>) -> Result<()> {
    let claim = world.claim_one::<EnrichCompany>().await?;
    let findings = Findings { contacts, checks, pages: 1, ..Findings::default() };
    world.commit::<EnrichCompany>(&claim.ticket, findings).await.map(|_| ())
}

async fn company(world: &World) -> Result<crate::domain::report::CompanyLine> {
    Ok(Exports::companies(world.store.as_ref(), None).await?.remove(0))
}

async fn an_address_that_takes_no_mail_is_never_the_primary_one(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let emails = vec![found(ContactType::Email, "best@one.ru", 0.95), found(ContactType::Email, "next@gmail.com", 0.70)];
    let checks = vec![("best@one.ru".to_owned(), dead(world)), ("next@gmail.com".to_owned(), known(world, Deliverability::Valid, "mx"))];

    visit(world, emails, checks).await?;

    let line = company(world).await?;
    assert_eq!((line.email.as_str(), line.email_verification.as_str()), ("next@gmail.com", "valid: mx"));
    assert_eq!(line.emails, "best@one.ru next@gmail.com", "it is kept, with its cause");
    let life = world.store.life(crate::domain::id::Id::parse(&line.id)?).await?;
    assert!(life.iter().any(|line| line.what.contains("best@one.ru") && line.what.contains("invalid: null_mx")), "{life:?}");
    Ok(())
}

async fn an_address_for_staff_or_newspapers_is_never_the_primary_one(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let emails = vec![found(ContactType::Email, "hr@one.ru", 0.95), found(ContactType::Email, "press-2@one.ru", 0.90)];
    visit(world, emails, vec![]).await?;

    let line = company(world).await?;
    assert_eq!((line.email.as_str(), line.emails.as_str()), ("", "hr@one.ru press-2@one.ru"), "they are kept, and no letter goes there");
    assert!(world.claim::<DraftLetter>().await?.is_empty());
    let id = crate::domain::id::Id::parse(&line.id)?;
    let emails = vec![found(ContactType::Email, "hr@one.ru", 0.95), found(ContactType::Email, "zakaz@one.ru", 0.60)];
    world.store.refind(id, &Findings { contacts: emails, ..Findings::default() }, false, world.now()).await?;
    assert_eq!(company(world).await?.email, "zakaz@one.ru");
    Ok(())
}

async fn of_two_addresses_with_one_score_the_better_reader_is_primary(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let emails = ["support@one.ru", "info@one.ru", "sales@one.ru"].map(|value| found(ContactType::Email, value, 0.90));

    visit(world, emails.into(), vec![]).await?;

    assert_eq!(company(world).await?.email, "sales@one.ru");
    Ok(())
}

async fn a_company_whose_only_address_takes_no_mail_says_so(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let contacts = vec![found(ContactType::Email, "info@one.ru", 0.95), found(ContactType::Phone, "+78432000001", 0.9)];

    visit(world, contacts, vec![("info@one.ru".to_owned(), dead(world))]).await?;

    let line = company(world).await?;
    assert_eq!((line.status.as_str(), line.status_reason.as_str(), line.email.as_str()), ("disqualified", "null_mx", ""));
    assert!(world.claim::<DraftLetter>().await?.is_empty(), "no letter is written");
    world.pass(Duration::from_hours(48));
    assert!(world.claim::<EnrichCompany>().await?.is_empty(), "another visit would not help");
    Ok(())
}

async fn a_primary_address_that_stopped_taking_mail_gives_its_place_up(world: &World) -> Result<()> {
    import(world, &firm("one")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    let contacts = vec![found(ContactType::Email, "info@one.ru", 0.95), found(ContactType::Email, "zakaz@one.ru", 0.60)];
    let checks = vec![("info@one.ru".to_owned(), dead(world))];

    world.commit::<EnrichCompany>(&claim.ticket, Findings { contacts, checks, pages: 1, ..Findings::default() }).await?;

    assert_eq!(company(world).await?.email, "zakaz@one.ru");
    Ok(())
}

async fn an_address_found_dead_before_the_draft_is_passed_over(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    visit(world, vec![found(ContactType::Email, "a@one.ru", 0.95), found(ContactType::Email, "b@one.ru", 0.90)], vec![]).await?;
    let claim = world.claim_one::<DraftLetter>().await?;
    assert_eq!((claim.item.to.as_str(), claim.item.verification.reason.as_str()), ("a@one.ru", "not_checked"));

    world.release::<DraftLetter>(&claim.ticket, Verdict::Reject, "null_mx", Duration::ZERO).await?;

    let claim = world.claim_one::<DraftLetter>().await?;
    assert_eq!(claim.item.to.as_str(), "b@one.ru", "the next one, at once");
    world.release::<DraftLetter>(&claim.ticket, Verdict::Reject, "no_such_domain", Duration::ZERO).await?;
    assert!(world.claim::<DraftLetter>().await?.is_empty());
    let line = company(world).await?;
    assert_eq!((line.email.as_str(), line.status_reason.as_str()), ("", "no_such_domain"), "none is left, and the company says why");
    assert_eq!(line.status, "disqualified", "who can't be written to is not ready for it");
    world.pass(Duration::from_hours(48));
    assert!(world.claim::<EnrichCompany>().await?.is_empty(), "another visit would not help");
    Ok(())
}

async fn a_second_reading_that_leaves_no_address_leaves_nobody_ready(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    visit(world, vec![found(ContactType::Email, "a@one.ru", 0.95)], vec![]).await?;
    let line = company(world).await?;
    assert_eq!(line.status, "ready_to_contact");

    let nothing = Findings { reason: Some("contacts_not_found".into()), ..Findings::default() };
    let id = crate::domain::id::Id::parse(&line.id)?;
    world.store.refind(id, &nothing, false, world.now()).await?;

    let line = company(world).await?;
    let ready = line.status == "ready_to_contact";
    assert_eq!(ready, !line.email.is_empty(), "ready with an address, and only then: {} {}", line.status, line.status_reason);
    Ok(())
}

async fn what_a_draft_found_out_stands_with_the_contact(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    visit(world, vec![found(ContactType::Email, "a@one.ru", 0.95)], vec![]).await?;
    let claim = world.claim_one::<DraftLetter>().await?;
    let mut letter = drafted(&claim.item, false);
    letter.verification = Some(known(world, Deliverability::Valid, "mx"));

    world.commit::<DraftLetter>(&claim.ticket, letter).await?;

    assert_eq!(company(world).await?.email_verification, "valid: mx");
    Ok(())
}

async fn the_report_counts_who_can_be_reached_and_why_others_can_not(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru").named("Один")).await?;
    let contacts = vec![found(ContactType::Email, "info@one.ru", 0.95), found(ContactType::Phone, "+78432000001", 0.9)];
    visit(world, contacts, vec![("info@one.ru".to_owned(), known(world, Deliverability::Valid, "mx"))]).await?;
    import(world, &a_company().at("two.ru").named("Другая")).await?;
    visit(world, vec![found(ContactType::Phone, "+78432000002", 0.9)], vec![]).await?;
    import(world, &a_company().at("three.ru").named("Третье дело")).await?;
    visit(world, vec![], vec![]).await?;
    import(world, &a_company().at("four.ru").named("Четвёртая").of_batch("later")).await?;

    let report = world.store.contacts(None).await?;

    assert_eq!((report.companies, report.with_contact, report.with_primary, report.phone_only), (4, 2, 1, 1));
    assert_eq!((report.without, report.waiting), (2, 1));
    let told = |counts: &std::collections::BTreeMap<String, u64>| counts.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>();
    assert_eq!(told(&report.by_type), ["email 1", "phone 2"]);
    assert_eq!(told(&report.by_method), ["email mailto 1", "phone tel 2"]);
    assert_eq!((told(&report.by_kind), told(&report.by_verification)), (vec!["role 1".to_owned()], vec!["valid: mx 1".to_owned()]));
    assert_eq!(told(&report.by_reason), ["contacts_not_found 1", "phone_only 1"]);
    assert_eq!(world.store.contacts(Some("later")).await?.companies, 1);
    Ok(())
}
