//! One lead's whole day.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use crate::domain::flow::{CompanyState, Delivery, MessageState};
use crate::domain::lead::RowFate;
use crate::domain::policy::{Policy, SendPolicy};
use crate::error::{Error, ErrorKind};
use crate::pipeline::{Pipeline, Until};
use crate::ports::store::{Lives, Reports, Reviews, SearchLedger};
use crate::rules::planning::night_open;
use crate::rules::window;
use crate::testing::HandClock;
use crate::testing::builders::{a_mailbox, a_row, at};
use crate::testing::memory::MemoryStore;
use crate::testing::scripted::{
    Answer, FixedRouter, Outbox, ScriptedContacts, ScriptedDrafter, ScriptedInbox, ScriptedLeads, ScriptedSearch, SeededEntropy,
    a_reply_to, results,
};

struct Day {
    store: Arc<MemoryStore>,
    sheet: ScriptedLeads,
    search: ScriptedSearch,
    outbox: Outbox,
    inbox: ScriptedInbox,
    policy: Policy,
    pipeline: Pipeline,
}

fn a_day(search: ScriptedSearch) -> Day {
    let clock = Arc::new(HandClock::at(at("2026-01-12T12:00:00Z")));
    let store = Arc::new(MemoryStore::with_lease_clock(clock.clone()));
    let sheet = ScriptedLeads::rows([a_row("стоматология", "Казань")]);
    let outbox = Outbox::of(a_mailbox("gmail")).by(clock.clone());
    let inbox = ScriptedInbox::of("gmail");
    let send = SendPolicy { enabled: true, mailboxes: vec![a_mailbox("gmail")], ..SendPolicy::default() };
    let policy = Policy { send, ..Policy::default() };
    let pipeline = Pipeline::builder()
        .store(store.clone())
        .clock(clock)
        .entropy(Arc::new(SeededEntropy::new(1)))
        .leads("sheet", Arc::new(sheet.clone()))
        .search(search.clone())
        .contacts(ScriptedContacts::of([("denta-lux.ru", "info@denta-lux.ru")]))
        .drafter(Arc::new(ScriptedDrafter::new()))
        .router(FixedRouter::to(["gmail"]))
        .transport(Arc::new(outbox.clone()))
        .inbox(Arc::new(inbox.clone()))
        .policy(policy.clone())
        .correspondence(super::correspondence(true))
        .build()
        .expect("all parts are here");
    Day { store, sheet, search, outbox, inbox, policy, pipeline }
}

fn a_page() -> Answer {
    let page = results([
        ("https://kazan.hh.ru/vacancies", "Вакансии"),
        ("https://www.denta-lux.ru/uslugi", "Дента Люкс"),
        ("https://denta-lux.ru/kontakty", "Контакты"),
    ]);
    Answer::Deferred { page, polls_in_vain: 1 }
}

#[tokio::test]
async fn a_row_goes_in_a_letter_comes_out_an_answer_closes_it() {
    let day = a_day(ScriptedSearch::answers([a_page()]));
    let (store, pipeline) = (&day.store, &day.pipeline);

    // Noon: the row becomes queries, each with its slot of the night, and the sheet hears of it.
    pipeline.drain(Until::Idle).await.unwrap();
    assert!(day.search.asked().is_empty(), "nothing is asked by day");
    let told = day.sheet.acknowledged().remove(0);
    assert_eq!((told.fate, told.inserted), (RowFate::Exported, 6));
    assert_eq!(told.first_slot, Some(at("2026-01-12T20:00:00Z")));

    // Night: queries are asked, the page is read, the company is found, and so is its address.
    pipeline.drain(Until::Instant(at("2026-01-13T05:59:00Z"))).await.unwrap();
    assert_eq!(day.search.asked().len(), 6);
    let funnel = store.funnel(None).await.unwrap();
    assert_eq!(
        (funnel.pages, funnel.results, funnel.companies, funnel.contacts),
        (6, 2, 1, 1),
        "the catalogue is sieved out, one company once"
    );

    // Morning: a person reads the draft and nods.
    let draft = store.messages(Some(MessageState::Draft), 10).await.unwrap().remove(0);
    assert!(draft.letter.body.contains("denta-lux.ru"), "the footer says where the address stands");
    store.approve(draft.id, &draft.approval_hash, "anna", pipeline.now()).await.unwrap();

    // Day: the letter waits for its turn within the window.
    pipeline.drain(Until::Instant(at("2026-01-13T15:00:00Z"))).await.unwrap();
    assert_eq!(day.outbox.letters().len(), 1);
    let sent = store.message(draft.id).await.unwrap().unwrap();
    let left_at = sent.sent_at.unwrap();
    assert!(window::is_open(&day.policy.send.window, left_at), "{left_at}");
    assert_eq!((sent.state, sent.delivery), (MessageState::Sent, Some(Delivery::Accepted)));

    // Evening: an answer quoting the letter closes it.
    day.inbox.receives(a_reply_to(&sent.message_id.unwrap(), "info@denta-lux.ru", "Добрый день! Интересно, расскажите подробнее."));
    pipeline.drain(Until::Idle).await.unwrap();
    let company = store.find_company("denta-lux.ru").await.unwrap().unwrap();
    assert_eq!(company.state, CompanyState::Replied);
    assert_eq!(store.message(draft.id).await.unwrap().unwrap().delivery, Some(Delivery::Replied));
    let stages: Vec<String> = store.life(company.id).await.unwrap().into_iter().map(|line| line.stage).collect();
    for stage in ["search", "dedupe", "enrich", "draft", "review", "route", "send", "inbox", "state"] {
        assert!(stages.iter().any(|known| known == stage), "{stage} is told: {stages:?}");
    }
}

/// ST-1, YDX-9: what may have been paid is asked once more, on another night, and never twice in one.
#[tokio::test]
async fn a_search_whose_answer_is_lost_is_asked_once_more_on_the_next_night() {
    let lost = || Error::new(ErrorKind::InDoubt, "hear the answer").code("submit_unknown");
    let day = a_day(ScriptedSearch::answers([lost(), lost()]));

    day.pipeline.drain(Until::Instant(at("2026-01-13T05:59:00Z"))).await.unwrap();
    let first_night = day.search.asked().len();
    day.pipeline.drain(Until::Instant(at("2026-01-14T05:59:00Z"))).await.unwrap();

    assert_eq!(first_night, 6);
    assert_eq!(day.search.asked().len(), 8, "the two that are in doubt are asked again, the others are not");
    assert_eq!(day.store.funnel(None).await.unwrap().submit_unknown, 2);
    assert_eq!(day.store.costs().await.unwrap()[0].unknown, 2, "both count as paid");
}

#[tokio::test]
async fn queries_are_asked_in_the_night_only_and_apart() {
    let day = a_day(ScriptedSearch::answers([a_page()]));

    day.pipeline.drain(Until::Instant(at("2026-01-13T12:00:00Z"))).await.unwrap();

    let mut slots: Vec<_> = day.search.asked().iter().map(|query| query.scheduled_for).collect();
    assert!(slots.iter().all(|slot| night_open(day.policy.search.night, *slot)), "{slots:?}");
    slots.dedup_by(|later, earlier| later.since(*earlier) < day.policy.search.spacing);
    assert_eq!(slots.len(), 6, "each has a slot of its own");
}
