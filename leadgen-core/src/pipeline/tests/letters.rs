//! Letters: refusals, limits, broken mailboxes, doubts.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use crate::domain::flow::{CompanyState, Delivery, MessageState};
use crate::error::{Error, ErrorKind};
use crate::ports::store::{Lane, Lives, Mailboxes, OnceLane, Suppressions};
use crate::ports::work::SendLetter;
use crate::rules::window;
use crate::testing::builders::{a_call, a_company, a_mailbox, a_refusal, address, at};
use crate::testing::scripted::{Outbox, a_bounce_of};

use super::Office;

const DAY: Duration = Duration::from_hours(24);

fn a_clinic() -> crate::testing::builders::ACompany {
    a_company().with_email("info@denta-lux.ru")
}

fn clinics(count: usize) -> Vec<crate::testing::builders::ACompany> {
    let clinic = |number: usize| a_company().named(&format!("Клиника номер {number}")).at(&format!("clinic{number}.ru"));
    (1..=count).map(|number| clinic(number).with_email(&format!("info@clinic{number}.ru"))).collect()
}

#[tokio::test]
async fn a_suppressed_address_is_never_claimed() {
    let outbox = Outbox::of(a_mailbox("gmail"));
    let office = Office::of([&outbox]);
    office.import(&[a_clinic()]).await;
    office.drain().await;
    assert_eq!(office.states().await, [MessageState::Queued]);

    office.store.register(&a_refusal("info@denta-lux.ru", office.pipeline.now()), "anna").await.unwrap();
    office.drain_until(office.pipeline.now() + DAY).await;

    assert_eq!((office.states().await, outbox.offered()), (vec![MessageState::Suppressed], 0));
    let company = office.store.find_company("denta-lux.ru").await.unwrap().unwrap();
    assert_eq!(company.state, CompanyState::OptOut);
}

#[tokio::test]
async fn nobody_writes_to_an_address_that_was_suppressed_before() {
    let office = Office::of([&Outbox::of(a_mailbox("gmail"))]);
    office.store.register(&a_refusal("info@denta-lux.ru", office.pipeline.now()), "anna").await.unwrap();

    office.import(&[a_clinic()]).await;
    office.drain_until(office.pipeline.now() + 3 * DAY).await;

    assert_eq!(office.messages().await, []);
}

#[tokio::test]
async fn a_mark_in_a_closed_window_gives_the_letter_back() {
    let office = Office::with([&Outbox::of(a_mailbox("gmail"))], |policy| policy.send.window.weekdays = vec![2, 3]);
    office.import(&[a_clinic()]).await;
    office.drain().await;
    let evening = a_call(at("2026-01-14T23:59:30Z"), &office.policy);
    let claim = Lane::<SendLetter>::claim(&*office.store, &evening).await.unwrap().remove(0);

    let past_midnight = a_call(at("2026-01-15T00:00:01Z"), &office.policy);
    let refused = OnceLane::<SendLetter>::mark(&*office.store, &past_midnight, &claim.ticket).await.unwrap_err();

    assert_eq!((refused.kind(), refused.machine_code()), (ErrorKind::Conflict, "window_closed"));
    assert_eq!((office.letter().await.state, office.letter().await.attempts), (MessageState::Queued, 0));
    let next_week = a_call(at("2026-01-20T09:00:00Z"), &office.policy);
    assert_eq!(Lane::<SendLetter>::claim(&*office.store, &next_week).await.unwrap().len(), 1, "it is free again");
}

#[tokio::test]
async fn a_letter_that_missed_its_window_leaves_when_the_next_one_opens() {
    let outbox = Outbox::of(a_mailbox("gmail"));
    let office = Office::with([&outbox], |policy| policy.send.window.weekdays = vec![2, 3]);
    office.import(&[a_clinic()]).await;
    office.drain().await;
    // Nobody ran on Wednesday; on Thursday the window is closed, and the letter's turn is over.
    office.clock.move_to(at("2026-01-15T09:00:00Z"));

    office.drain_until(at("2026-01-20T12:00:00Z")).await;

    assert_eq!((office.letter().await.state, outbox.letters().len()), (MessageState::Sent, 1));
    let sent_at = office.letter().await.sent_at.unwrap();
    assert!(sent_at >= at("2026-01-20T00:00:00Z"), "{sent_at}");
}

#[tokio::test]
async fn two_workers_together_keep_the_pause_of_one() {
    let office = Office::of([&Outbox::of(a_mailbox("gmail"))]);
    office.import(&clinics(2)).await;
    office.drain().await;
    let later = a_call(office.pipeline.now() + DAY, &office.policy);
    let first = Lane::<SendLetter>::claim(&*office.store, &later).await.unwrap().remove(0);
    let second = Lane::<SendLetter>::claim(&*office.store, &later).await.unwrap().remove(0);

    OnceLane::<SendLetter>::mark(&*office.store, &later, &first.ticket).await.unwrap();
    let refused = OnceLane::<SendLetter>::mark(&*office.store, &later, &second.ticket).await.unwrap_err();

    assert_eq!(refused.machine_code(), "too_close");
    let mut states = office.states().await;
    states.sort();
    assert_eq!(states, [MessageState::Queued, MessageState::Sending]);
}

#[tokio::test]
async fn a_mailbox_with_a_broken_login_falls_back_to_the_next() {
    let broken = Error::new(ErrorKind::Unauthorized, "log in").code("auth_broken");
    let yandex = Outbox::of(a_mailbox("yandex")).refuses_the_offer(broken);
    let gmail = Outbox::of(a_mailbox("gmail"));
    let office = Office::of([&yandex, &gmail]);
    office.import(&[a_clinic()]).await;

    office.drain_until(office.pipeline.now() + Duration::from_hours(1)).await;

    let letter = office.letter().await;
    assert_eq!((letter.state, letter.mailbox.as_deref()), (MessageState::Sent, Some("gmail")));
    assert!(letter.route_error.unwrap().starts_with("auth_broken"), "the first error is kept");
    assert_eq!((yandex.letters().len(), gmail.letters().len()), (0, 1));
    assert!(gmail.letters()[0].fallback);
    assert_eq!(gmail.letters()[0].from.as_str(), "gmail@studio.example", "frozen anew with that From");
    let health = office.store.health(&[a_mailbox("yandex")], office.pipeline.now()).await.unwrap();
    assert!(health[0].paused_until.is_some(), "a broken login pauses its mailbox");
}

#[tokio::test]
async fn a_policy_verdict_never_falls_back() {
    let distrusted = Error::new(ErrorKind::Refused, "hand the letter over").code("reputation");
    let yandex = Outbox::of(a_mailbox("yandex")).refuses_the_letter(distrusted);
    let gmail = Outbox::of(a_mailbox("gmail"));
    let office = Office::of([&yandex, &gmail]);
    office.import(&[a_clinic()]).await;

    office.drain_until(office.pipeline.now() + 3 * DAY).await;

    assert_eq!((office.states().await, gmail.offered()), (vec![MessageState::Held], 0));
}

#[tokio::test]
async fn a_letter_in_doubt_is_never_sent_again() {
    let outbox = Outbox::of(a_mailbox("gmail")).loses_an_answer();
    let office = Office::of([&outbox]);
    office.import(&[a_clinic()]).await;

    office.drain_until(office.pipeline.now() + 7 * DAY).await;

    assert_eq!(office.states().await, [MessageState::InDoubt]);
    assert_eq!((outbox.offered(), outbox.letters().len()), (1, 1));
}

#[tokio::test]
async fn a_dead_recipient_is_suppressed_and_the_mailbox_goes_on() {
    let dead = Error::new(ErrorKind::Rejected, "name the recipient").code("bad_mailbox");
    let outbox = Outbox::of(a_mailbox("gmail")).refuses_the_offer(dead);
    let office = Office::of([&outbox]);
    office.import(&clinics(2)).await;

    office.drain_until(office.pipeline.now() + DAY).await;

    let messages = office.messages().await;
    let failed = messages.iter().find(|message| message.state == MessageState::Failed).unwrap();
    assert!(office.store.covers(&failed.to).await.unwrap().is_some());
    assert_eq!(outbox.letters().len(), 1, "the other letter left");
}

#[tokio::test]
async fn a_busy_server_is_tried_again_until_the_letter_expires() {
    let busy = || Error::new(ErrorKind::Unavailable, "name the recipient").code("greylisted");
    let outbox = (0..9).fold(Outbox::of(a_mailbox("gmail")), |outbox, _| outbox.refuses_the_offer(busy()));
    let office = Office::of([&outbox]);
    office.import(&[a_clinic()]).await;

    office.drain_until(office.pipeline.now() + 30 * DAY).await;

    assert_eq!((office.states().await, outbox.offered()), (vec![MessageState::Expired], 6));
}

#[tokio::test]
async fn caps_pauses_and_the_window_hold() {
    let few = crate::domain::mail::Mailbox { daily_cap: 3, ..a_mailbox("gmail") };
    let outbox = Outbox::of(few);
    let office = Office::with([&outbox], |policy| {
        policy.send.window = crate::domain::policy::SendPolicy::default().window;
        policy.send.delay = (Duration::from_mins(4), Duration::from_mins(12));
    });
    office.import(&clinics(8)).await;

    for day in 1..=9 {
        office.drain_until(at(super::MORNING) + day * DAY).await;
    }

    let mut left: Vec<_> = office.messages().await.iter().filter_map(|message| message.sent_at).collect();
    left.sort();
    assert_eq!(left.len(), 8, "all leave in the end");
    for (index, at) in left.iter().enumerate() {
        assert!(window::is_open(&office.policy.send.window, *at), "{at}");
        let same_day = left.iter().filter(|other| *other <= at && at.since(**other) < DAY).count();
        assert!(same_day <= 3, "{same_day} letters within a day");
        assert!(index == 0 || at.since(left[index - 1]) >= Duration::from_mins(4), "{at}");
    }
}

#[tokio::test]
async fn a_letter_that_comes_back_suppresses_its_address() {
    let outbox = Outbox::of(a_mailbox("gmail"));
    let office = Office::of([&outbox]);
    office.import(&[a_clinic()]).await;
    office.drain_until(office.pipeline.now() + Duration::from_hours(1)).await;
    let sent = office.letter().await;

    office.inbox.receives(a_bounce_of(&sent.message_id.unwrap(), "info@denta-lux.ru"));
    office.drain().await;

    let letter = office.letter().await;
    assert_eq!((letter.state, letter.delivery), (MessageState::Sent, Some(Delivery::Bounced)), "beside the state, never over it");
    assert!(office.store.covers(&address("info@denta-lux.ru")).await.unwrap().is_some());
}
