//! What a check stands on: a fresh store, a clock moved by hand, limits that hold nothing up unless the check says so.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::flow::{MessageState, QueryState};
use crate::domain::message::Message;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::error::{ErrorKind, Result, Verdict};
use crate::ports::clock::{Clock, HandClock};
use crate::ports::store::{Lane, OnceLane, Store};
use crate::ports::work::{Call, Claim, Fault, Ticket, Work};
use crate::testing::builders::{a_call, a_mailbox, an_open_policy, at};

/// A verdict to try again at a time of ours.
pub(super) const LATER: Verdict = Verdict::Retry { after: None };

pub(super) struct World {
    pub(super) store: Arc<dyn Store>,
    clock: Arc<HandClock>,
    pub(super) policy: Policy,
}

impl World {
    pub(super) async fn new(make: &impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn Store>) -> Self {
        // A Tuesday, noon in Moscow: letters may leave, and it is not the night of searches.
        let clock = Arc::new(HandClock::at(at("2026-01-13T09:00:00Z")));
        let store = make(clock.clone()).await;
        Self { store, clock, policy: an_open_policy([a_mailbox("gmail"), a_mailbox("yandex")]) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.move_to(self.now() + time);
    }

    pub(super) fn pass_minutes(&self, minutes: u64) {
        self.pass(Duration::from_mins(minutes));
    }

    pub(super) fn move_to(&self, instant: &str) {
        self.clock.move_to(at(instant));
    }

    pub(super) fn call(&self) -> Call {
        a_call(self.now(), &self.policy)
    }

    pub(super) fn call_with(&self, change: impl FnOnce(&mut Policy)) -> Call {
        let mut policy = self.policy.clone();
        change(&mut policy);
        a_call(self.now(), &policy)
    }

    pub(super) fn of_batch(&self, batch: &str) -> Call {
        Call { batch: Some(batch.to_owned()), ..self.call() }
    }

    /// Everything that is due in a lane.
    pub(super) async fn claim<W: Work>(&self) -> Result<Vec<Claim<W>>>
    where
        dyn Store: Lane<W>,
    {
        self.claim_as(&self.call()).await
    }

    pub(super) async fn claim_as<W: Work>(&self, call: &Call) -> Result<Vec<Claim<W>>>
    where
        dyn Store: Lane<W>,
    {
        Lane::<W>::claim(self.store.as_ref(), call).await
    }

    /// The one item that is due.
    pub(super) async fn claim_one<W: Work>(&self) -> Result<Claim<W>>
    where
        dyn Store: Lane<W>,
    {
        let mut claims = self.claim::<W>().await?;
        assert_eq!(claims.len(), 1, "one item is due in the lane {}", W::NAME);
        Ok(claims.remove(0))
    }

    pub(super) async fn commit<W: Work>(&self, ticket: &Ticket, done: W::Done) -> Result<Vec<Ticket>>
    where
        dyn Store: Lane<W>,
    {
        Lane::<W>::commit(self.store.as_ref(), &self.call(), vec![(ticket.clone(), done)]).await
    }

    pub(super) async fn release<W: Work>(&self, ticket: &Ticket, verdict: Verdict, code: &str, pause: Duration) -> Result<()>
    where
        dyn Store: Lane<W>,
    {
        let fault = Fault {
            verdict,
            code: code.to_owned(),
            text: format!("{code}: it did not work"),
            retry_at: self.now() + pause,
            evidence: None,
        };
        Lane::<W>::release(self.store.as_ref(), &self.call(), ticket, &fault).await
    }

    pub(super) async fn mark<W: Work>(&self, ticket: &Ticket) -> Result<()>
    where
        dyn Store: OnceLane<W>,
    {
        OnceLane::<W>::mark(self.store.as_ref(), &self.call(), ticket).await
    }

    pub(super) async fn renew<W: Work>(&self, ticket: &Ticket) -> Result<()>
    where
        dyn Store: OnceLane<W>,
    {
        OnceLane::<W>::renew(self.store.as_ref(), &self.call(), ticket).await
    }

    /// The only message there is.
    pub(super) async fn message(&self) -> Result<Message> {
        let mut all = self.store.messages(None, 10).await?;
        assert_eq!(all.len(), 1, "there is one message");
        Ok(all.remove(0))
    }

    pub(super) async fn expect_message(&self, state: MessageState, why: &str) -> Result<()> {
        assert_eq!(self.message().await?.state, state, "{why}");
        Ok(())
    }

    /// How many queries stand in a state.
    pub(super) async fn queries(&self, state: QueryState) -> Result<u64> {
        let all = self.store.states().await?;
        Ok(all.iter().filter(|line| line.entity == "queries" && line.state == state.as_str()).map(|line| line.count).sum())
    }

    /// The state of the one company there is.
    pub(super) async fn company_state(&self) -> Result<String> {
        let all = crate::ports::store::Exports::companies(self.store.as_ref(), None).await?;
        assert_eq!(all.len(), 1, "there is one company");
        Ok(all[0].status.clone())
    }
}

/// Asserts a refusal in the words of the contract.
pub(super) fn refused<T: std::fmt::Debug>(outcome: Result<T>, kind: ErrorKind, code: &str, why: &str) {
    match outcome {
        Ok(value) => panic!("{why}: answered {value:?}"),
        Err(error) => assert_eq!((error.kind(), error.machine_code()), (kind, code), "{why}: {error}"),
    }
}
