//! The desk alone, over a lane made of a list.
#![expect(clippy::unwrap_used, reason = "tests")]

mod basket;
mod once;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::pipeline::desk::{Desk, Worker};
use crate::pipeline::tally::Tally;
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, Fault, Ticket, Work};
use basket::{Basket, Knit, Knitter, a_desk, knit};

const LATER: Verdict = Verdict::Retry { after: None };

#[tokio::test]
async fn each_verdict_leads_to_its_outcome() {
    let empty = || Tally::of("knit");
    let table = [
        ("sock", vec![], Tally { done: 1, ..empty() }),
        ("limited", vec![LATER], Tally { retried: 1, ..empty() }),
        ("unavailable", vec![LATER], Tally { retried: 1, ..empty() }),
        ("malformed", vec![Verdict::Reject], Tally { rejected: 1, ..empty() }),
        ("rejected", vec![Verdict::Reject], Tally { rejected: 1, ..empty() }),
        ("refused", vec![Verdict::Hold], Tally { held: 1, ..empty() }),
        ("in_doubt", vec![Verdict::InDoubt], Tally { in_doubt: 1, ..empty() }),
        ("conflict", vec![Verdict::Drop], Tally { lost: 1, ..empty() }),
    ];
    for (item, verdicts, expected) in table {
        let basket = Basket::of(&[item]);

        let tally = a_desk().tick::<Knit>(&basket, &Knitter).await.unwrap();

        assert_eq!((basket.verdicts(), tally), (verdicts, expected), "{item}");
    }
}

#[tokio::test]
async fn a_wrong_set_up_pauses_the_stage_before_its_lane_is_empty() {
    for item in ["config", "unauthorized"] {
        let basket = Basket::of(&[item, "sock"]);

        let tally = a_desk().tick::<Knit>(&basket, &Knitter).await.unwrap();

        assert_eq!((basket.verdicts(), tally.retried, tally.done), (vec![Verdict::Pause], 1, 0), "{item}");
        assert!(tally.paused.is_some() && tally.is_at_rest(), "{item}");
        assert_eq!(*basket.waiting.lock().unwrap(), ["sock"], "{item}: the next one is not even taken");
    }
}

#[tokio::test]
async fn a_retry_waits_as_long_as_they_said() {
    struct Told;
    #[async_trait]
    impl Worker<Knit> for Told {
        async fn work(&self, _item: &&'static str) -> Result<String> {
            Err(Error::new(ErrorKind::Limited, "knit").retry_after(Some(Duration::from_secs(77))))
        }
    }
    let (basket, desk) = (Basket::of(&["sock"]), a_desk());

    desk.tick::<Knit>(&basket, &Told).await.unwrap();

    assert_eq!(basket.released.lock().unwrap()[0].retry_at, desk.clock.now() + Duration::from_secs(77));
}

#[tokio::test]
async fn work_that_stalls_is_cut_off_before_its_lease_ends() {
    struct Stalled;
    #[async_trait]
    impl Worker<Knit> for Stalled {
        async fn work(&self, _item: &&'static str) -> Result<String> {
            std::future::pending().await
        }
    }
    let basket = Basket::of(&["sock"]);

    let tally = a_desk().tick::<Knit>(&basket, &Stalled).await.unwrap();

    assert_eq!((tally.retried, basket.verdicts()), (1, vec![LATER]));
    assert_eq!(basket.released.lock().unwrap()[0].code, "deadline");
}

/// A work whose items are committed together.
#[derive(Clone, Copy, Debug)]
struct Weave;

impl Work for Weave {
    const NAME: &'static str = "weave";
    const LEASE: Duration = Duration::from_secs(60);
    const CLAIM: usize = 20;
    const TOGETHER: bool = true;
    const TRIES: u32 = 3;
    type Item = &'static str;
    type Done = String;
}

/// A lane that can't keep everything: "knot" never, and nothing at all once the loom is broken.
#[derive(Debug)]
struct Loom {
    basket: Basket,
    is_broken: bool,
}

#[async_trait]
impl Lane<Weave> for Loom {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<Weave>>> {
        let claims = Lane::<Knit>::claim(&self.basket, call).await?;
        Ok(claims.into_iter().map(|claim| Claim::new(claim.ticket, claim.item)).collect())
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, String)>) -> Result<Vec<Ticket>> {
        if self.is_broken || done.iter().any(|(_, done)| done == "knot") {
            return Err(Error::new(ErrorKind::Unavailable, "keep it").code("database_unavailable"));
        }
        Lane::<Knit>::commit(&self.basket, call, done).await
    }

    async fn release(&self, call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        if self.is_broken {
            return Err(Error::new(ErrorKind::Unavailable, "note it").code("database_unavailable"));
        }
        Lane::<Knit>::release(&self.basket, call, ticket, fault).await
    }
}

struct Weaver;

#[async_trait]
impl Worker<Weave> for Weaver {
    async fn work(&self, item: &&'static str) -> Result<String> {
        Ok((*item).to_owned())
    }
}

#[tokio::test]
async fn one_item_that_can_not_be_kept_costs_itself_a_try_and_the_others_nothing() {
    let loom = Loom { basket: Basket::of(&["one", "knot", "two"]), is_broken: false };

    let tally = a_desk().tick::<Weave>(&loom, &Weaver).await.unwrap();

    assert_eq!((tally.done, tally.retried, loom.basket.committed()), (2, 1, vec!["one".to_owned(), "two".to_owned()]));
    assert_eq!(loom.basket.released.lock().unwrap()[0].code, "database_unavailable");
}

#[tokio::test]
async fn a_store_that_is_away_ends_the_stage() {
    let loom = Loom { basket: Basket::of(&["one", "two"]), is_broken: true };

    let error = a_desk().tick::<Weave>(&loom, &Weaver).await.unwrap_err();

    assert_eq!(error.machine_code(), "database_unavailable");
}

#[tokio::test]
async fn a_slow_item_holds_nobody_up_while_there_is_room() {
    /// The first item ends when the last one is done.
    struct Patient(Notify);
    #[async_trait]
    impl Worker<Knit> for Patient {
        async fn work(&self, item: &&'static str) -> Result<String> {
            match *item {
                "slow" => self.0.notified().await,
                "last" => self.0.notify_one(),
                _ => {}
            }
            knit(item)
        }
    }
    let basket = Basket::of(&["slow", "one", "two", "three", "last"]);

    let tally = Desk { width: 2, ..a_desk() }.tick::<Knit>(&basket, &Patient(Notify::new())).await.unwrap();

    assert_eq!(tally.done, 5, "{:?}", basket.verdicts());
    assert_eq!(basket.committed().last().map(String::as_str), Some("knitted slow"));
}

#[tokio::test]
async fn no_more_are_under_way_than_the_desk_is_wide() {
    #[derive(Default)]
    struct Counter(AtomicUsize, AtomicUsize);
    #[async_trait]
    impl Worker<Knit> for Counter {
        async fn work(&self, item: &&'static str) -> Result<String> {
            let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            self.1.fetch_max(now, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.0.fetch_sub(1, Ordering::SeqCst);
            knit(item)
        }
    }
    let (basket, counter) = (Basket::of(&["sock"; 40]), Counter::default());

    let tally = Desk { width: 7, ..a_desk() }.tick::<Knit>(&basket, &counter).await.unwrap();

    assert_eq!((tally.done, counter.1.load(Ordering::SeqCst)), (40, 7));
}

#[tokio::test]
async fn a_shutdown_stops_after_the_work_in_hand() {
    struct LastOne(CancellationToken);
    #[async_trait]
    impl Worker<Knit> for LastOne {
        async fn work(&self, item: &&'static str) -> Result<String> {
            self.0.cancel();
            knit(item)
        }
    }
    let (basket, desk) = (Basket::of(&["one", "two"]), a_desk());

    let tally = desk.tick::<Knit>(&basket, &LastOne(desk.shutdown.clone())).await.unwrap();

    assert_eq!((basket.committed(), tally.done), (vec!["knitted one".to_owned()], 1));
    assert_eq!(*basket.waiting.lock().unwrap(), ["two"]);
}

#[tokio::test]
async fn a_stop_that_cannot_wait_gives_the_work_in_hand_back_untouched() {
    struct Interrupted(CancellationToken);
    #[async_trait]
    impl Worker<Knit> for Interrupted {
        async fn work(&self, _item: &&'static str) -> Result<String> {
            self.0.cancel();
            std::future::pending().await
        }
    }
    let (basket, mut desk) = (Basket::of(&["one"]), a_desk());
    desk.shutdown = desk.cut.child_token();

    desk.tick::<Knit>(&basket, &Interrupted(desk.cut.clone())).await.unwrap();

    assert_eq!(basket.verdicts(), [Verdict::Drop]);
    assert_eq!(basket.released.lock().unwrap()[0].code, "stopped");
}
