//! Works that must not be done twice: prepared, marked, finished.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::LATER;
use super::basket::{Basket, Knit, Knitter, a_desk, knit};
use crate::error::{Result, Verdict};
use crate::pipeline::desk::{OnceWorker, Ready};

struct Needles(&'static str);

#[async_trait]
impl OnceWorker<Knit> for Knitter {
    async fn prepare(&self, item: &&'static str) -> Result<Box<dyn Ready<Knit>>> {
        match item.strip_prefix("then ") {
            Some(later) => Ok(Box::new(Needles(later))),
            None => knit(item).map(|_| Box::new(Needles(item)) as Box<dyn Ready<Knit>>),
        }
    }
}

#[async_trait]
impl Ready<Knit> for Needles {
    async fn finish(self: Box<Self>) -> Result<String> {
        knit(self.0)
    }
}

/// Is told to stop at once, either while it prepares or past the mark.
#[derive(Clone)]
struct CutOff {
    past_the_mark: bool,
    cut: CancellationToken,
}

#[async_trait]
impl OnceWorker<Knit> for CutOff {
    async fn prepare(&self, _item: &&'static str) -> Result<Box<dyn Ready<Knit>>> {
        if !self.past_the_mark {
            self.cut.cancel();
            tokio::task::yield_now().await;
        }
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Ready<Knit> for CutOff {
    async fn finish(self: Box<Self>) -> Result<String> {
        self.cut.cancel();
        tokio::task::yield_now().await;
        Ok("finished".into())
    }
}

#[tokio::test]
async fn what_was_prepared_when_a_stop_came_is_not_marked_any_more() {
    let (basket, desk) = (Basket::of(&["one"]), a_desk());

    desk.tick_once::<Knit>(&basket, &CutOff { past_the_mark: false, cut: desk.cut.clone() }).await.unwrap();

    assert_eq!(basket.verdicts(), [Verdict::Drop]);
    assert!(basket.marked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_past_its_mark_is_finished_whatever_stops() {
    let (basket, desk) = (Basket::of(&["one"]), a_desk());

    desk.tick_once::<Knit>(&basket, &CutOff { past_the_mark: true, cut: desk.cut.clone() }).await.unwrap();

    assert_eq!(basket.committed(), ["finished"]);
    assert!(basket.verdicts().is_empty());
}

/// Takes as long past its mark as three renewals of its lease: longer than the lease.
struct Slow(Arc<tokio::sync::Notify>);

#[async_trait]
impl OnceWorker<Knit> for Slow {
    async fn prepare(&self, _item: &&'static str) -> Result<Box<dyn Ready<Knit>>> {
        Ok(Box::new(Self(self.0.clone())))
    }
}

#[async_trait]
impl Ready<Knit> for Slow {
    async fn finish(self: Box<Self>) -> Result<String> {
        for _ in 0..3 {
            self.0.notified().await;
        }
        Ok("finished".into())
    }
}

#[tokio::test]
async fn what_is_past_its_mark_keeps_its_lease_however_long_it_takes() {
    let (basket, desk) = (Basket::of(&["one"]), a_desk());

    desk.tick_once::<Knit>(&basket, &Slow(basket.renewed.clone())).await.unwrap();

    assert_eq!(basket.committed(), ["finished"]);
}

#[tokio::test]
async fn a_once_work_is_marked_between_preparing_and_finishing() {
    let basket = Basket::of(&["sock"]);

    let tally = a_desk().tick_once::<Knit>(&basket, &Knitter).await.unwrap();

    assert_eq!((tally.done, basket.committed()), (1, vec!["knitted sock".to_owned()]));
    assert_eq!(basket.marked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_fails_while_it_is_prepared_is_never_marked() {
    let basket = Basket::of(&["unavailable"]);

    let tally = a_desk().tick_once::<Knit>(&basket, &Knitter).await.unwrap();

    assert_eq!((tally.retried, basket.verdicts(), basket.marked.lock().unwrap().len()), (1, vec![LATER], 0));
}

#[tokio::test]
async fn a_refused_mark_ends_the_item_before_anything_is_given() {
    let basket = Basket { refuses_marks: true, ..Basket::of(&["sock"]) };

    let tally = a_desk().tick_once::<Knit>(&basket, &Knitter).await.unwrap();

    assert_eq!((tally.lost, basket.committed().len(), basket.verdicts().len()), (1, 0, 0), "the store has moved the row already");
}

#[tokio::test]
async fn a_doubt_past_the_mark_goes_back_as_a_doubt() {
    let basket = Basket::of(&["then in_doubt"]);

    let tally = a_desk().tick_once::<Knit>(&basket, &Knitter).await.unwrap();

    assert_eq!((tally.in_doubt, basket.verdicts(), basket.marked.lock().unwrap().len()), (1, vec![Verdict::InDoubt], 1));
}
