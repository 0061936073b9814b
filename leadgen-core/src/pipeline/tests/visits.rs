//! Visits: what the table of a run says of sites that fail.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::pipeline::Pipeline;
use crate::ports::clock::Clock;
use crate::ports::store::Admit;
use crate::testing::HandClock;
use crate::testing::builders::{a_company, at};
use crate::testing::memory::MemoryStore;
use crate::testing::scripted::ScriptedContacts;

use super::MORNING;

#[tokio::test]
async fn a_site_that_fails_comes_later_until_its_last_try_and_is_then_given_up() {
    let clock = Arc::new(HandClock::at(at(MORNING)));
    let store = Arc::new(MemoryStore::with_lease_clock(clock.clone()));
    let broken = || Error::new(ErrorKind::Unavailable, "visit one.ru").code("site_broken");
    let contacts = (0..3).fold(ScriptedContacts::of([]), |contacts, _| contacts.fails(broken()));
    let builder = Pipeline::builder().store(store.clone()).clock(clock.clone()).contacts(contacts);
    let pipeline = builder.build().unwrap().only(&["enrich"]).unwrap();
    store.admit("test", &[a_company().at("one.ru").imported()], None, clock.now()).await.unwrap();

    let mut told = Vec::new();
    for _ in 0..3 {
        let tally = pipeline.tick("enrich").await.unwrap();
        told.push((tally.retried, tally.rejected));
        clock.move_to(clock.now() + Duration::from_hours(24));
    }

    assert_eq!(told, [(1, 0), (1, 0), (0, 1)]);
    assert!(pipeline.tick("enrich").await.unwrap().is_idle());
}
