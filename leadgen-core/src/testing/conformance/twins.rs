//! Pairs: why two became one, what people say to it, and everything back where it was.

use std::time::Duration;

use futures::future::try_join_all;

use crate::domain::contact::Findings;
use crate::domain::flow::ResultState;
use crate::domain::id::Id;
use crate::domain::report::CompanyLine;
use crate::domain::twins::{PairEvent, PairState, TwinPair};
use crate::error::{ErrorKind, Result, Verdict};
use crate::ports::store::{Exports, Lane, Settlement};
use crate::ports::work::{Claim, DedupeResult, DraftLetter, EnrichCompany, SendLetter};
use crate::testing::builders::{ACompany, a_company, a_refusal};

use super::companies::{commit_all, companies, email, read, results, seen};
use super::seeds::{Seeded, firm, import, sighting, through};
use super::world::{World, refused};
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_pair_tells_who_and_by_which_rule_and_what_was_compared,
    pairs_are_given_by_state_the_surest_first_and_no_more_than_asked,
    a_merge_is_taken_back_with_all_that_it_moved,
    a_result_of_a_merged_company_is_unique_again_once_they_are_parted,
    a_result_of_a_company_that_becomes_one_in_the_same_moment_goes_with_it,
    a_pair_that_a_person_parted_never_becomes_one_by_itself,
    nor_do_the_groups_of_its_two_through_a_third,
    two_of_which_a_word_was_taken_back_are_one_again_only_by_a_word,
    a_pair_nobody_decided_becomes_one_when_a_person_says_so_and_two_again,
    whoever_was_written_to_stands_for_its_group,
    two_that_were_written_to_are_never_made_one,
    a_person_is_told_why_one_that_refused_stays_apart_from_one_that_was_written_to,
    whose_letter_is_past_the_mark_stands_for_its_group_which_gets_no_other,
    two_whose_letters_are_past_the_mark_are_never_made_one,
    a_refusal_of_a_member_covers_the_group_and_is_not_lifted_by_parting,
    who_has_a_site_stands_for_a_name_without_one,
    a_company_without_an_address_is_ready_by_those_of_its_twin,
    what_is_learnt_later_of_two_companies_makes_them_one,
    looking_at_all_companies_twice_changes_nothing_the_second_time,
    an_unknown_pair_and_an_illegal_word_are_refused,
    workers_that_commit_at_the_same_moment_make_one_company_once,
];

pub(super) const ALL: [PairState; 5] =
    [PairState::Pending, PairState::Linked, PairState::Merged, PairState::Confirmed, PairState::Rejected];
const PHONE: &str = "+74952045138";

pub(super) async fn pairs(world: &World, states: &[PairState]) -> Result<Vec<TwinPair>> {
    world.store.pairs(states, 1000).await
}

async fn the_pair(world: &World) -> Result<TwinPair> {
    let mut all = pairs(world, &ALL).await?;
    assert_eq!(all.len(), 1, "there is one pair: {all:?}");
    Ok(all.remove(0))
}

pub(super) async fn say(world: &World, pair: &TwinPair, event: PairEvent) -> Result<PairState> {
    world.store.decide_pair(pair.id, event, "anna", world.now()).await
}

async fn lines(world: &World) -> Result<Vec<CompanyLine>> {
    Exports::companies(world.store.as_ref(), None).await
}

pub(super) async fn hosts(world: &World) -> Result<Vec<String>> {
    Ok(lines(world).await?.into_iter().map(|line| line.canonical_domain).collect())
}

/// Brings companies in, a minute apart: the first is the oldest.
pub(super) async fn come_in(world: &World, all: &[ACompany]) -> Result<()> {
    for company in all {
        import(world, company).await?;
        world.pass_minutes(1);
    }
    Ok(())
}

/// Two of one city whose names agree and whose domains don't.
fn like_ones() -> [ACompany; 2] {
    [a_company(), a_company().named("ООО «Дента-Люкс»").at("dlx-kazan.ru").with_email("info@dlx-kazan.ru")]
}

/// Two of one phone whose names are not akin.
fn neighbours() -> [ACompany; 2] {
    [a_company().at("one.ru").named("Ромашка").with_phone(PHONE), a_company().at("two.ru").named("Электрощит").with_phone(PHONE)]
}

async fn a_pair_tells_who_and_by_which_rule_and_what_was_compared(world: &World) -> Result<()> {
    come_in(world, &like_ones()).await?;

    let pair = the_pair(world).await?;
    assert_eq!(
        (pair.state, pair.rule.as_str(), pair.decided_by.as_str()),
        (PairState::Linked, "name", "pipeline"),
        "names agree, domains don't"
    );
    assert!(pair.score > 0.9 && pair.score <= 1.0, "{}", pair.score);
    let mut domains = [pair.first.domain.as_str(), pair.second.domain.as_str()];
    domains.sort_unstable();
    assert_eq!(domains, ["denta-lux.ru", "dlx-kazan.ru"]);
    for feature in ["jaro_winkler", "levenshtein", "\"name\"", "region", "domain", "phone", "form", "requisites"] {
        assert!(pair.features.contains(feature), "{feature} is kept: {}", pair.features);
    }
    assert_eq!(pair.id, TwinPair::id_of(pair.second.id, pair.first.id), "the id is made of the two, in any order");
    Ok(())
}

async fn pairs_are_given_by_state_the_surest_first_and_no_more_than_asked(world: &World) -> Result<()> {
    come_in(world, &like_ones()).await?;
    come_in(world, &neighbours()).await?;

    let all = pairs(world, &ALL).await?;
    assert_eq!(all.iter().map(|pair| pair.state).collect::<Vec<_>>(), [PairState::Linked, PairState::Pending]);
    assert!(all[0].score > all[1].score);
    assert_eq!(world.store.pairs(&ALL, 1).await?, all[..1], "no more than asked");
    assert_eq!(pairs(world, &[PairState::Pending]).await?, all[1..], "by state");
    assert_eq!(pairs(world, &[PairState::Merged, PairState::Rejected]).await?, []);
    Ok(())
}

async fn a_merge_is_taken_back_with_all_that_it_moved(world: &World) -> Result<()> {
    let (one, two) = (a_company().at("one.ru").named("Бавогустрой"), a_company().at("two.ru").named("Бавогустрой групп").in_city("Уфа"));
    come_in(world, &[one.clone(), two.clone().of_batch("two")]).await?;
    let claim = world.claim_as::<EnrichCompany>(&world.of_batch("two")).await?.remove(0);
    world
        .commit::<EnrichCompany>(&claim.ticket, Findings { contacts: vec![email("info@two.ru", 0.9)], pages: 1, ..Findings::default() })
        .await?;
    come_in(world, &[two.with_phone(PHONE)]).await?;
    let alone = lines(world).await?;
    come_in(world, &[one.with_phone(PHONE)]).await?;
    let merged = lines(world).await?;
    assert_eq!(merged.len(), 1, "one phone, akin names");
    assert_eq!((merged[0].canonical_domain.as_str(), merged[0].email.as_str()), ("one.ru", "info@two.ru"), "contacts go along and lead");
    for host in ["one.ru", "two.ru"] {
        assert!(world.store.find_company(host).await?.is_some(), "{host} is found after the merge");
    }

    assert_eq!(say(world, &the_pair(world).await?, PairEvent::Undo).await?, PairState::Rejected);

    let parted = lines(world).await?;
    assert_eq!(parted[0], alone[0], "the primary one is what it was");
    assert_eq!(parted[1], alone[1], "and so is the other: its state, its addresses and the one that leads");
    import(world, &a_company().named("Страница").at("two.ru").with_phone("+78432045139")).await?;
    assert!(lines(world).await?[1].phones.contains("+78432045139"), "its host is its own again");
    Ok(())
}

async fn a_result_of_a_merged_company_is_unique_again_once_they_are_parted(world: &World) -> Result<()> {
    for (word, host, title) in [("word", "denta-lux.ru", "Дента Люкс"), ("other", "dlx-kazan.ru", "ООО «Дента-Люкс»")]
    {
        let claims = seen(world, word, vec![sighting(host, title, 1)]).await?;
        commit_all(world, claims).await?;
    }
    assert_eq!((results(world, ResultState::Unique).await?, results(world, ResultState::DupFuzzy).await?), (1, 1));

    say(world, &the_pair(world).await?, PairEvent::Undo).await?;

    assert_eq!((results(world, ResultState::Unique).await?, results(world, ResultState::DupFuzzy).await?), (2, 0));
    assert_eq!(companies(world).await?, 2);
    Ok(())
}

async fn a_result_of_a_company_that_becomes_one_in_the_same_moment_goes_with_it(world: &World) -> Result<()> {
    // Two forms, so two firms; a name without a form is like both, and one answer brings it with a page of the younger one.
    let both =
        [("ООО «Дента Люкс»", "denta-lux.ru"), ("ИП Дента Люкс", "dlx-kazan.ru")].map(|(name, host)| a_company().named(name).at(host));
    come_in(world, &both).await?;
    assert_eq!(hosts(world).await?, ["denta-lux.ru", "dlx-kazan.ru"]);

    let claims = seen(world, "word", vec![sighting("dlx-kazan.ru", "Контакты", 1), sighting("third.ru", "Дента Люкс", 2)]).await?;
    commit_all(world, claims).await?;

    assert_eq!(hosts(world).await?, ["denta-lux.ru"]);
    let known_host = async |company: &ACompany| -> Result<usize> {
        let life = world.store.life(company.newborn().id()).await?;
        Ok(life.iter().filter(|line| line.stage == "dedupe" && line.what.starts_with("dup_host")).count())
    };
    assert_eq!((known_host(&both[0]).await?, known_host(&both[1]).await?), (1, 0), "it hangs on who stands for the group");
    for pair in pairs(world, &[PairState::Linked, PairState::Merged]).await? {
        say(world, &pair, PairEvent::Undo).await?;
    }
    assert_eq!((known_host(&both[0]).await?, known_host(&both[1]).await?), (0, 1), "and goes back with its own");
    Ok(())
}

async fn a_pair_that_a_person_parted_never_becomes_one_by_itself(world: &World) -> Result<()> {
    come_in(world, &like_ones()).await?;
    say(world, &the_pair(world).await?, PairEvent::Reject).await?;

    let again = world.store.regroup(world.now()).await?;
    come_in(world, &like_ones().map(|company| company.with_phone(PHONE))).await?;

    assert_eq!((again.duplicates_marked, again.pairs, again.primaries), (0, 0, 2), "not when all are looked at");
    assert_eq!(hosts(world).await?.len(), 2, "nor when both turn out to have one phone");
    assert_eq!(the_pair(world).await?.state, PairState::Rejected);
    Ok(())
}

async fn nor_do_the_groups_of_its_two_through_a_third(world: &World) -> Result<()> {
    come_in(world, &like_ones()).await?;
    say(world, &the_pair(world).await?, PairEvent::Reject).await?;

    come_in(world, &[a_company().named("Дента Люкс").at("")]).await?;
    world.store.regroup(world.now()).await?;

    assert_eq!(hosts(world).await?, ["denta-lux.ru", "dlx-kazan.ru"], "the third joins one of them");
    Ok(())
}

async fn two_of_which_a_word_was_taken_back_are_one_again_only_by_a_word(world: &World) -> Result<()> {
    come_in(world, &like_ones()).await?;
    let pair = the_pair(world).await?;
    for said in [PairEvent::Confirm, PairEvent::Reject] {
        say(world, &pair, said).await?;
        assert_eq!(say(world, &pair, PairEvent::Undo).await?, PairState::Pending);

        let again = world.store.regroup(world.now()).await?;
        come_in(world, &like_ones().map(|company| company.with_phone(PHONE))).await?;

        assert_eq!((again.duplicates_marked, again.primaries), (0, 2), "not when all are looked at, after {said:?}");
        assert_eq!(hosts(world).await?.len(), 2, "nor when both turn out to have one phone");
        assert_eq!(the_pair(world).await?.state, PairState::Pending);
    }
    come_in(world, &[a_company().named("Дента Люкс").at("")]).await?;
    assert_eq!(hosts(world).await?.len(), 2, "nor by a third that is like both");

    say(world, &pair, PairEvent::Confirm).await?;
    assert_eq!(hosts(world).await?, ["denta-lux.ru"]);
    Ok(())
}

async fn a_pair_nobody_decided_becomes_one_when_a_person_says_so_and_two_again(world: &World) -> Result<()> {
    come_in(world, &neighbours()).await?;
    let pair = the_pair(world).await?;
    assert_eq!((pair.state, companies(world).await?), (PairState::Pending, 2));

    assert_eq!(say(world, &pair, PairEvent::Confirm).await?, PairState::Confirmed);
    assert_eq!(hosts(world).await?, ["one.ru"], "the older one stands for both");
    assert_eq!(say(world, &pair, PairEvent::Undo).await?, PairState::Pending, "as if nobody had said anything");
    assert_eq!(hosts(world).await?, ["one.ru", "two.ru"]);
    assert_eq!(the_pair(world).await?.decided_by, "anna");
    Ok(())
}

async fn write_to(world: &World, word: &str) -> Result<()> {
    SendLetter::seed(world, word).await?;
    through::<SendLetter>(world, word).await
}

async fn whoever_was_written_to_stands_for_its_group(world: &World) -> Result<()> {
    import(world, &a_company().at("older.ru").named("Ромашка").with_phone(PHONE)).await?;
    world.pass_minutes(1);
    write_to(world, "two").await?;
    import(world, &firm("two").with_phone(PHONE)).await?;

    say(world, &the_pair(world).await?, PairEvent::Confirm).await?;

    let all = lines(world).await?;
    assert_eq!(
        all.iter().map(|line| (line.canonical_domain.as_str(), line.status.as_str())).collect::<Vec<_>>(),
        [("two.ru", "contacted")]
    );
    Ok(())
}

async fn two_that_were_written_to_are_never_made_one(world: &World) -> Result<()> {
    for word in ["one", "two"] {
        write_to(world, word).await?;
        import(world, &firm(word).with_phone(PHONE)).await?;
        world.pass(Duration::from_mins(5));
    }

    let pair = the_pair(world).await?;
    refused(say(world, &pair, PairEvent::Confirm).await, ErrorKind::Conflict, "not_one", "both were written to");
    assert_eq!((the_pair(world).await?.state, companies(world).await?), (PairState::Pending, 2), "a refused word changes nothing");
    Ok(())
}

async fn a_person_is_told_why_one_that_refused_stays_apart_from_one_that_was_written_to(world: &World) -> Result<()> {
    for word in ["one", "two"] {
        write_to(world, word).await?;
        import(world, &firm(word).with_phone(PHONE)).await?;
        world.pass(Duration::from_mins(5));
    }
    world.store.register(&a_refusal("info@one.ru", world.now()), "petr").await?;

    let told = say(world, &the_pair(world).await?, PairEvent::Confirm).await.map_err(|error| error.for_row());

    assert!(told.as_ref().is_err_and(|told| told.contains("wants no letters") && told.contains("opt-outs")), "{told:?}");
    Ok(())
}

/// A firm with a letter past the mark, of which nobody knows yet how it ended.
async fn offer_to(world: &World, word: &str) -> Result<Claim<SendLetter>> {
    SendLetter::seed(world, word).await?;
    let claim = world.claim_as::<SendLetter>(&world.of_batch(word)).await?.remove(0);
    SendLetter::before(world, &claim.ticket).await?;
    import(world, &firm(word).with_phone(PHONE)).await?;
    Ok(claim)
}

async fn whose_letter_is_past_the_mark_stands_for_its_group_which_gets_no_other(world: &World) -> Result<()> {
    import(world, &firm("older").named("Ромашка").with_phone(PHONE)).await?;
    through::<EnrichCompany>(world, "older").await?;
    world.pass_minutes(1);
    let offered = offer_to(world, "two").await?;
    assert_eq!(hosts(world).await?, ["older.ru", "two.ru"]);

    say(world, &the_pair(world).await?, PairEvent::Confirm).await?;

    assert_eq!(hosts(world).await?, ["two.ru"], "whose letter may have arrived stands for both");
    world.release::<SendLetter>(&offered.ticket, Verdict::InDoubt, "delivery_unknown", Duration::ZERO).await?;
    world.pass(Duration::from_hours(48));
    assert!(world.claim::<DraftLetter>().await?.is_empty(), "a group with a letter in doubt gets no other");
    let in_doubt = world.message().await?;
    world.store.settle(in_doubt.id, Settlement::Sent, "anna", world.now()).await?;
    assert_eq!(world.company_state().await?, "contacted");
    assert!(world.claim::<DraftLetter>().await?.is_empty());
    Ok(())
}

async fn two_whose_letters_are_past_the_mark_are_never_made_one(world: &World) -> Result<()> {
    for word in ["one", "two"] {
        offer_to(world, word).await?;
        world.pass(Duration::from_mins(5));
    }

    let pair = the_pair(world).await?;
    refused(say(world, &pair, PairEvent::Confirm).await, ErrorKind::Conflict, "not_one", "both may have been written to");
    assert_eq!(companies(world).await?, 2);
    Ok(())
}

async fn a_refusal_of_a_member_covers_the_group_and_is_not_lifted_by_parting(world: &World) -> Result<()> {
    come_in(world, &like_ones()).await?;
    world.store.register(&a_refusal("info@dlx-kazan.ru", world.now()), "petr").await?;
    let status = |all: Vec<CompanyLine>| all.into_iter().map(|line| line.status).collect::<Vec<_>>();
    assert_eq!(status(lines(world).await?), ["optout"], "the refusal of one is that of the group, which stays one");

    say(world, &the_pair(world).await?, PairEvent::Undo).await?;
    world.store.regroup(world.now()).await?;

    assert_eq!(status(lines(world).await?), ["optout", "optout"], "and stays with both");
    Ok(())
}

async fn who_has_a_site_stands_for_a_name_without_one(world: &World) -> Result<()> {
    let name_only = a_company().at("").named("Бавогустрой").with_phone(PHONE);
    come_in(world, &[name_only, a_company().at("two.ru").named("Бавогустрой групп").with_phone(PHONE)]).await?;

    assert_eq!(hosts(world).await?, ["two.ru"], "the older one has no site to visit");
    assert_eq!(world.claim::<EnrichCompany>().await?.len(), 1, "the group is visited");
    Ok(())
}

async fn a_company_without_an_address_is_ready_by_those_of_its_twin(world: &World) -> Result<()> {
    import(world, &a_company().at("one.ru").named("Ромашка").of_batch("one").with_phone(PHONE)).await?;
    through::<EnrichCompany>(world, "one").await?;
    world.pass_minutes(1);
    DraftLetter::seed(world, "two").await?;
    import(world, &firm("two").with_phone(PHONE)).await?;
    let alone = lines(world).await?;
    let stand = |all: &[CompanyLine]| all.iter().map(|line| (line.status.clone(), line.email.clone())).collect::<Vec<_>>();
    assert_eq!(stand(&alone), [("disqualified".into(), String::new()), ("ready_to_contact".into(), "info@two.ru".into())]);

    say(world, &the_pair(world).await?, PairEvent::Confirm).await?;
    assert_eq!(stand(&lines(world).await?), [("ready_to_contact".to_owned(), "info@two.ru".to_owned())], "no lead is lost");

    say(world, &the_pair(world).await?, PairEvent::Undo).await?;
    assert_eq!(lines(world).await?, alone, "both stand where they stood");
    Ok(())
}

async fn what_is_learnt_later_of_two_companies_makes_them_one(world: &World) -> Result<()> {
    let both = [a_company().at("one.ru").named("Бавогустрой"), a_company().at("two.ru").named("Бавогустрой групп").in_city("Уфа")];
    come_in(world, &both).await?;
    assert_eq!((companies(world).await?, pairs(world, &ALL).await?.len()), (2, 0), "two cities, two companies");

    come_in(world, &both.map(|company| company.with_phone(PHONE))).await?;

    assert_eq!(hosts(world).await?, ["one.ru"]);
    assert_eq!((the_pair(world).await?.rule.as_str(), the_pair(world).await?.state), ("phone", PairState::Merged));
    Ok(())
}

async fn looking_at_all_companies_twice_changes_nothing_the_second_time(world: &World) -> Result<()> {
    come_in(world, &like_ones()).await?;
    come_in(world, &neighbours()).await?;

    let first = world.store.regroup(world.now()).await?;
    let before = (lines(world).await?, pairs(world, &ALL).await?);
    world.pass_minutes(1);
    let second = world.store.regroup(world.now()).await?;

    assert_eq!((first.companies, first.primaries), (4, 3));
    assert_eq!((second.duplicates_marked, second.pairs, second.hash_updates, second.updated), (0, 0, 0, 0));
    assert_eq!((lines(world).await?, pairs(world, &ALL).await?), before, "nothing is touched");
    Ok(())
}

async fn an_unknown_pair_and_an_illegal_word_are_refused(world: &World) -> Result<()> {
    let unknown = world.store.decide_pair(Id::of(&["nobody"]), PairEvent::Confirm, "anna", world.now()).await;
    refused(unknown, ErrorKind::Rejected, "no_such_pair", "nobody knows the pair");

    come_in(world, &neighbours()).await?;
    let undo = say(world, &the_pair(world).await?, PairEvent::Undo).await;
    refused(undo, ErrorKind::Conflict, "illegal_transition", "there is nothing to undo");
    Ok(())
}

async fn workers_that_commit_at_the_same_moment_make_one_company_once(world: &World) -> Result<()> {
    let words = ["a", "b", "c", "d", "e", "f"];
    let mut batches = Vec::new();
    for word in words {
        let own = format!("{word}-own.ru");
        read(world, word, vec![sighting("one.ru", "Ромашка плюс", 1), sighting(&own, "ООО «Бавогустрой»", 2)]).await?;
        let claims = world.claim_as::<DedupeResult>(&world.of_batch(word)).await?;
        batches.push(claims.iter().map(|claim| (claim.ticket.clone(), <DedupeResult as Seeded>::done(&claim.item))).collect::<Vec<_>>());
    }

    let call = world.call();
    let lost = try_join_all(batches.into_iter().map(|done| Lane::<DedupeResult>::commit(world.store.as_ref(), &call, done))).await?;

    assert!(lost.iter().all(Vec::is_empty), "all leases hold");
    assert_eq!(companies(world).await?, 2, "one by its host, one by its name");
    assert_eq!(results(world, ResultState::DupHost).await?, words.len() as u64 - 1);
    assert_eq!(results(world, ResultState::DupFuzzy).await?, words.len() as u64 - 1);
    assert_eq!(results(world, ResultState::Unique).await?, 2);
    Ok(())
}
