//! Leases: what dies in a worker's hands comes back, or is in doubt.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::domain::contact::Findings;
use crate::domain::flow::MessageState;
use crate::ports::store::{Lane, OnceLane};
use crate::ports::work::{EnrichCompany, SendLetter, Work};
use crate::testing::builders::{a_call, a_company, a_mailbox};
use crate::testing::scripted::Outbox;

use super::Office;

#[tokio::test]
async fn an_expired_lease_gives_the_company_to_the_next_worker() {
    let office = Office::of([&Outbox::of(a_mailbox("gmail"))]);
    office.import(&[a_company()]).await;
    let call = a_call(office.pipeline.now(), &office.policy);
    let first = Lane::<EnrichCompany>::claim(&*office.store, &call).await.unwrap().remove(0);
    assert!(Lane::<EnrichCompany>::claim(&*office.store, &call).await.unwrap().is_empty(), "it is in somebody's hands");

    office.clock.move_to(office.pipeline.now() + EnrichCompany::LEASE);
    let second = Lane::<EnrichCompany>::claim(&*office.store, &call).await.unwrap().remove(0);
    let lost = Lane::<EnrichCompany>::commit(&*office.store, &call, vec![(first.ticket.clone(), Findings::default())]).await.unwrap();

    assert_eq!(second.item.id, first.item.id);
    assert_eq!(lost, [first.ticket], "the late outcome is handed back and writes nothing");
    let kept = Lane::<EnrichCompany>::commit(&*office.store, &call, vec![(second.ticket, Findings::default())]).await.unwrap();
    assert!(kept.is_empty());
}

#[tokio::test]
async fn a_letter_whose_worker_died_before_the_mark_leaves_later() {
    let outbox = Outbox::of(a_mailbox("gmail"));
    let office = Office::of([&outbox]);
    office.import(&[a_company().with_email("info@denta-lux.ru")]).await;
    office.drain().await;
    let later = office.pipeline.now() + std::time::Duration::from_hours(1);
    office.clock.move_to(later);
    let claimed = Lane::<SendLetter>::claim(&*office.store, &a_call(later, &office.policy)).await.unwrap();
    assert_eq!(claimed.len(), 1);

    office.drain().await;
    assert_eq!(outbox.offered(), 0, "the dead worker's lease still holds it");
    office.clock.move_to(later + SendLetter::LEASE);
    office.drain().await;

    assert_eq!((office.letter().await.state, outbox.letters().len()), (MessageState::Sent, 1));
}

#[tokio::test]
async fn a_letter_whose_worker_died_after_the_mark_is_in_doubt() {
    let outbox = Outbox::of(a_mailbox("gmail"));
    let office = Office::of([&outbox]);
    office.import(&[a_company().with_email("info@denta-lux.ru")]).await;
    office.drain().await;
    let later = office.pipeline.now() + std::time::Duration::from_hours(1);
    office.clock.move_to(later);
    let call = a_call(later, &office.policy);
    let claim = Lane::<SendLetter>::claim(&*office.store, &call).await.unwrap().remove(0);
    OnceLane::<SendLetter>::mark(&*office.store, &call, &claim.ticket).await.unwrap();

    office.drain_until(later + std::time::Duration::from_hours(72)).await;

    assert_eq!((office.letter().await.state, outbox.offered()), (MessageState::InDoubt, 0));
}
