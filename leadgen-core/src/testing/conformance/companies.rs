//! Companies: one company once, whoever finds it first; contacts with one primary address.

use std::time::Duration;

use crate::domain::company::NewCompany;
use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::flow::ResultState;
use crate::domain::id::Id;
use crate::domain::serp::{Reading, Sighting};
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::store::{Exports, Reports};
use crate::ports::work::{Claim, DedupeResult, DraftLetter, EnrichCompany, IngestPage, Work};
use crate::testing::builders::{a_company, a_refusal};

use super::seeds::{Seeded, firm, import, sighting, through};
use super::world::{LATER, World};
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    results_of_one_host_make_one_company,
    two_workers_never_make_one_company_twice,
    a_very_like_name_in_the_same_city_is_a_twin,
    a_like_name_elsewhere_is_another_company,
    a_result_of_an_imported_company_joins_it,
    the_best_address_becomes_the_primary_one,
    no_more_than_three_addresses_and_phones_are_kept,
    an_address_of_another_company_is_not_moved,
    a_company_with_a_phone_only_is_disqualified,
    a_site_without_contacts_is_visited_three_times_a_day_apart,
    a_site_that_will_never_help_is_not_visited_again,
    a_site_that_fails_three_times_is_given_up,
    a_refusal_that_comes_while_a_site_is_read_stays,
    a_company_without_a_site_is_not_visited,
    companies_are_exported_by_domain,
    a_company_is_found_by_id_domain_and_name,
    the_report_of_quality_counts_what_searches_brought_and_what_was_dropped,
];

pub(super) async fn seen(world: &World, word: &str, sightings: Vec<Sighting>) -> Result<Vec<Claim<DedupeResult>>> {
    read(world, word, sightings).await?;
    world.claim::<DedupeResult>().await
}

pub(super) async fn read(world: &World, word: &str, sightings: Vec<Sighting>) -> Result<()> {
    IngestPage::seed(world, word).await?;
    let claim = world.claim_one::<IngestPage>().await?;
    let documents = sightings.len() as u32;
    world.commit::<IngestPage>(&claim.ticket, Reading { sightings, documents, ..Reading::default() }).await.map(|_| ())
}

fn newborn(claim: &Claim<DedupeResult>) -> NewCompany {
    <DedupeResult as Seeded>::done(&claim.item)
}

pub(super) async fn commit_all(world: &World, claims: Vec<Claim<DedupeResult>>) -> Result<()> {
    let done = claims.iter().map(|claim| (claim.ticket.clone(), newborn(claim))).collect();
    let lost = crate::ports::store::Lane::<DedupeResult>::commit(world.store.as_ref(), &world.call(), done).await?;
    assert!(lost.is_empty(), "all leases hold");
    Ok(())
}

pub(super) async fn results(world: &World, state: ResultState) -> Result<u64> {
    let all = crate::ports::store::Reports::states(world.store.as_ref()).await?;
    Ok(all.iter().filter(|line| line.entity == "results" && line.state == state.as_str()).map(|line| line.count).sum())
}

pub(super) async fn companies(world: &World) -> Result<usize> {
    Ok(Exports::companies(world.store.as_ref(), None).await?.len())
}

async fn results_of_one_host_make_one_company(world: &World) -> Result<()> {
    let mut second = sighting("denta-lux.ru", "Дента Люкс", 2);
    second.url = "https://denta-lux.ru/uslugi".into();
    let mut third = sighting("spb.denta-lux.ru", "Дента Люкс Петербург", 3);
    third.registrable_domain = Some("denta-lux.ru".into());
    let claims = seen(world, "word", vec![third, second, sighting("denta-lux.ru", "Дента Люкс", 1)]).await?;

    commit_all(world, claims).await?;

    assert_eq!(companies(world).await?, 1);
    let counts = [ResultState::Unique, ResultState::DupHost, ResultState::DupFamily];
    for state in counts {
        assert_eq!(results(world, state).await?, 1, "one result is {state}");
    }
    let company = Exports::companies(world.store.as_ref(), None).await?.remove(0);
    assert_eq!(company.canonical_domain, "denta-lux.ru", "the best position gives the host");
    Ok(())
}

async fn two_workers_never_make_one_company_twice(world: &World) -> Result<()> {
    for word in ["word", "other"] {
        read(world, word, vec![sighting("one.ru", "Ромашка плюс", 1)]).await?;
    }
    let claims = world.claim_as::<DedupeResult>(&world.of_batch("word")).await?;
    let others = world.claim_as::<DedupeResult>(&world.of_batch("other")).await?;
    assert_eq!((claims.len(), others.len()), (1, 1));
    assert_eq!(newborn(&claims[0]), newborn(&others[0]), "both are to be born");

    commit_all(world, claims).await?;
    commit_all(world, others).await?;

    assert_eq!(companies(world).await?, 1, "twins are looked at once more inside the commit");
    assert_eq!(results(world, ResultState::DupHost).await?, 1);
    Ok(())
}

async fn a_very_like_name_in_the_same_city_is_a_twin(world: &World) -> Result<()> {
    let claims = seen(world, "word", vec![sighting("one.ru", "Ромашка плюс", 1), sighting("two.ru", "ООО «Ромашка Плюс»", 2)]).await?;

    commit_all(world, claims).await?;

    assert_eq!((companies(world).await?, results(world, ResultState::DupFuzzy).await?), (1, 1));
    Ok(())
}

async fn a_like_name_elsewhere_is_another_company(world: &World) -> Result<()> {
    import(world, &a_company().named("Ромашка плюс").at("one.ru").in_city("Уфа")).await?;
    let claims = seen(world, "word", vec![sighting("two.ru", "Ромашка плюс", 1)]).await?;

    commit_all(world, claims).await?;

    assert_eq!(companies(world).await?, 2);
    Ok(())
}

async fn a_result_of_an_imported_company_joins_it(world: &World) -> Result<()> {
    import(world, &a_company()).await?;
    let claims = seen(world, "word", vec![sighting("denta-lux.ru", "Совсем иначе", 1)]).await?;

    commit_all(world, claims).await?;

    assert_eq!((companies(world).await?, results(world, ResultState::DupHost).await?), (1, 1));
    Ok(())
}

fn found(contact_type: ContactType, value: &str, score: f64) -> FoundContact {
    FoundContact {
        contact_type,
        value: value.to_owned(),
        kind: "role".into(),
        origin: "mailto".into(),
        score,
        source_url: "https://one.ru/contacts".into(),
        snippet: "Пишите".into(),
        page_hash: String::new(),
        extension: None,
    }
}

pub(super) fn email(value: &str, score: f64) -> FoundContact {
    found(ContactType::Email, value, score)
}

async fn visit(world: &World, contacts: Vec<FoundContact>) -> Result<()> {
    let claim = world.claim_one::<EnrichCompany>().await?;
    world.commit::<EnrichCompany>(&claim.ticket, Findings { contacts, pages: 1, ..Findings::default() }).await.map(|_| ())
}

async fn the_best_address_becomes_the_primary_one(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;

    visit(world, vec![email("low@one.ru", 0.4), email("zzz@one.ru", 0.95), email("aaa@one.ru", 0.95)]).await?;

    let company = Exports::companies(world.store.as_ref(), None).await?.remove(0);
    assert_eq!(company.email, "zzz@one.ru", "the best score; of two equal ones that which was found first");
    assert_eq!((company.status.as_str(), company.email_source.as_str()), ("ready_to_contact", "https://one.ru/contacts"));
    Ok(())
}

async fn no_more_than_three_addresses_and_phones_are_kept(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let emails = (0..5).map(|n| email(&format!("e{n}@one.ru"), 0.9 - f64::from(n) / 10.0));
    let phones = (0..5).map(|n| found(ContactType::Phone, &format!("+7843200000{n}"), 0.9));

    visit(world, emails.chain(phones).collect()).await?;

    let company = Exports::companies(world.store.as_ref(), None).await?.remove(0);
    assert_eq!(company.emails, "e0@one.ru e1@one.ru e2@one.ru");
    assert_eq!(company.phones.split(' ').count(), 3);
    Ok(())
}

async fn an_address_of_another_company_is_not_moved(world: &World) -> Result<()> {
    import(world, &firm("one")).await?;
    through::<EnrichCompany>(world, "one").await?;
    world.pass_minutes(1);
    import(world, &a_company().at("two.ru").named("Вторая")).await?;

    visit(world, vec![email("info@one.ru", 1.0)]).await?;

    // Two that show one address may turn out to be one company; two companies never share it.
    let all = Exports::companies(world.store.as_ref(), None).await?;
    let holders: Vec<&str> =
        all.iter().filter(|line| line.emails.contains("info@one.ru")).map(|line| line.canonical_domain.as_str()).collect();
    assert_eq!(holders, ["one.ru"], "the first company keeps it");
    Ok(())
}

async fn a_company_with_a_phone_only_is_disqualified(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;

    visit(world, vec![found(ContactType::Phone, "+78432000001", 0.9)]).await?;

    let company = Exports::companies(world.store.as_ref(), None).await?.remove(0);
    assert_eq!((company.status.as_str(), company.status_reason.as_str()), ("disqualified", "phone_only"));
    Ok(())
}

async fn a_site_without_contacts_is_visited_three_times_a_day_apart(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    for _ in 0..3 {
        visit(world, vec![]).await?;
        world.pass(Duration::from_hours(23));
        assert!(world.claim::<EnrichCompany>().await?.is_empty(), "a day has not passed");
        world.pass(Duration::from_hours(1));
    }

    assert!(world.claim::<EnrichCompany>().await?.is_empty(), "three visits are all");
    Ok(())
}

async fn a_site_that_will_never_help_is_not_visited_again(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;

    world.release::<EnrichCompany>(&claim.ticket, Verdict::Reject, "blocked_by_robots", Duration::ZERO).await?;

    world.pass(Duration::from_hours(48));
    assert!(world.claim::<EnrichCompany>().await?.is_empty());
    let company = Exports::companies(world.store.as_ref(), None).await?.remove(0);
    assert_eq!((company.status.as_str(), company.status_reason.as_str()), ("disqualified", "blocked_by_robots"));
    Ok(())
}

async fn a_site_that_fails_three_times_is_given_up(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru")).await?;
    for tries in 0..EnrichCompany::TRIES {
        let claim = world.claim_one::<EnrichCompany>().await?;
        assert_eq!(claim.ticket.tries, tries, "the ticket tells the tries in vain");
        world.release::<EnrichCompany>(&claim.ticket, LATER, "unavailable", Duration::from_mins(1)).await?;
        world.pass_minutes(1);
    }

    let company = Exports::companies(world.store.as_ref(), None).await?.remove(0);
    assert_eq!((company.status.as_str(), company.status_reason.as_str()), ("disqualified", "enrichment_failed"));
    Ok(())
}

async fn a_refusal_that_comes_while_a_site_is_read_stays(world: &World) -> Result<()> {
    import(world, &firm("one")).await?;
    let claim = world.claim_one::<EnrichCompany>().await?;
    world.store.register(&a_refusal("info@one.ru", world.now()), "anna").await?;

    world.commit::<EnrichCompany>(&claim.ticket, Findings::default()).await?;

    assert_eq!(world.company_state().await?, "optout");
    assert!(world.claim::<DraftLetter>().await?.is_empty(), "no letter is written to it");
    Ok(())
}

async fn a_company_without_a_site_is_not_visited(world: &World) -> Result<()> {
    import(world, &a_company().at("").named("Только имя")).await?;

    assert!(world.claim::<EnrichCompany>().await?.is_empty());
    Ok(())
}

async fn companies_are_exported_by_domain(world: &World) -> Result<()> {
    for host in ["c-d.ru", "b.ru", "cb.ru", "a.ru"] {
        import(world, &a_company().at(host).named(host).of_batch(&host[..1])).await?;
    }

    let all = Exports::companies(world.store.as_ref(), None).await?;
    let of_batch = Exports::companies(world.store.as_ref(), Some("c")).await?;

    let hosts = |lines: &[crate::domain::report::CompanyLine]| lines.iter().map(|line| line.canonical_domain.clone()).collect::<Vec<_>>();
    assert_eq!(hosts(&all), ["a.ru", "b.ru", "c-d.ru", "cb.ru"]);
    assert_eq!(hosts(&of_batch), ["c-d.ru", "cb.ru"]);
    Ok(())
}

async fn a_company_is_found_by_id_domain_and_name(world: &World) -> Result<()> {
    let company = a_company();
    import(world, &company).await?;
    let id = company.newborn().id();

    for text in [id.to_string().as_str(), "https://www.denta-lux.ru/uslugi", "ООО «Дента Люкс»"] {
        let known = world.store.find_company(text).await?;
        assert_eq!(known.map(|known| known.id), Some(id), "by {text}");
    }
    assert_eq!(world.store.find_company("nobody.ru").await?, None);
    let (first, last) =
        Id::beginning(&id.to_string()[..8]).ok_or_else(|| Error::new(ErrorKind::Malformed, "read the beginning of an id"))?;
    let found = world.store.companies_between(first, last).await?;
    assert_eq!(found.iter().map(|known| known.id).collect::<Vec<_>>(), [id], "by the beginning of its id");
    import(world, &a_company().named("Белый клык").at("belyi-klyk.ru")).await?;
    let (first, last) = (Id::from_uuid(uuid::Uuid::nil()), Id::from_uuid(uuid::Uuid::max()));
    assert_eq!(world.store.companies_between(first, last).await?.len(), 2, "more than one begins so");
    Ok(())
}

async fn the_report_of_quality_counts_what_searches_brought_and_what_was_dropped(world: &World) -> Result<()> {
    for (word, hosts) in [("word", vec!["one.ru", "two.ru"]), ("other", vec!["one.ru"])] {
        IngestPage::seed(world, word).await?;
        let claim = world.claim_one::<IngestPage>().await?;
        let sightings = hosts.iter().zip(1..).map(|(host, position)| sighting(host, &format!("Фирма {host}"), position)).collect();
        let excluded_by = [("aggregator".to_owned(), 3), ("social".to_owned(), 1)].into();
        let reading = Reading { sightings, documents: 9, excluded: 4, excluded_by, invalid: 2, repeated: 1, next_page: None };
        world.commit::<IngestPage>(&claim.ticket, reading).await?;
        let claims = world.claim::<DedupeResult>().await?;
        commit_all(world, claims).await?;
    }

    let all = Reports::quality(world.store.as_ref(), None).await?;
    assert_eq!((all.documents, all.inserted, all.excluded, all.invalid, all.repeated), (18, 3, 8, 4, 2));
    assert_eq!(all.excluded_by, [("aggregator".to_owned(), 6), ("social".to_owned(), 2)].into());
    assert_eq!(all.results_by, [("dup_host".to_owned(), 1), ("unique".to_owned(), 2)].into());
    assert_eq!((all.companies, all.companies_per_query, all.contact_yield), (2, 1.0, 0.0));
    let one = Reports::quality(world.store.as_ref(), Some("other")).await?;
    assert_eq!((one.documents, one.inserted, one.excluded_by["aggregator"], one.companies), (9, 1, 3, 0));

    let hits: Vec<(String, u64)> =
        Reports::top_domains(world.store.as_ref(), 10).await?.into_iter().map(|line| (line.domain, line.hits)).collect();
    assert_eq!(hits, [("one.ru".to_owned(), 2), ("two.ru".to_owned(), 1)]);
    assert_eq!(Reports::top_domains(world.store.as_ref(), 1).await?.len(), 1);
    Ok(())
}
