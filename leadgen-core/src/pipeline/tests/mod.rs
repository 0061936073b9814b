//! The pipeline as a whole, over the store in memory, scripted ports and a clock moved by hand.

mod day;
mod desk;
mod leases;
mod letters;
mod visits;

use std::sync::Arc;

use crate::domain::flow::MessageState;
use crate::domain::message::Message;
use crate::domain::policy::Policy;
use crate::domain::time::{Timestamp, Zone};
use crate::pipeline::policy::Correspondence;
use crate::pipeline::{Pipeline, Until};
use crate::ports::store::{Admit, Reviews};
use crate::testing::HandClock;
use crate::testing::builders::{ACompany, a_sender, an_open_policy, at};
use crate::testing::memory::MemoryStore;
use crate::testing::scripted::{FixedRouter, Outbox, ScriptedContacts, ScriptedDrafter, ScriptedInbox, SeededEntropy};

/// A Tuesday morning.
const MORNING: &str = "2026-01-13T09:00:00Z";

fn correspondence(review_required: bool) -> Correspondence {
    Correspondence {
        sender: a_sender(),
        review_required,
        legal_basis: "consent, recorded".into(),
        unsubscribe_url: None,
        unsubscribe_mailto: None,
        token_keys: vec![],
        zone: Zone::UTC,
    }
}

/// The mail half of a pipeline: own companies come in, letters go out without a person in between.
struct Office {
    clock: Arc<HandClock>,
    store: Arc<MemoryStore>,
    inbox: ScriptedInbox,
    policy: Policy,
    pipeline: Pipeline,
}

impl Office {
    /// An office that is open at any hour.
    fn of<const N: usize>(outboxes: [&Outbox; N]) -> Self {
        Self::with(outboxes, |_| {})
    }

    fn with<const N: usize>(outboxes: [&Outbox; N], limits: impl FnOnce(&mut Policy)) -> Self {
        use crate::ports::transport::MailTransport;
        let clock = Arc::new(HandClock::at(at(MORNING)));
        let store = Arc::new(MemoryStore::with_lease_clock(clock.clone()));
        let mailboxes: Vec<_> = outboxes.iter().map(|outbox| outbox.mailbox().clone()).collect();
        let names: Vec<&str> = mailboxes.iter().map(|mailbox| mailbox.name.as_str()).collect();
        let mut policy = an_open_policy(mailboxes.clone());
        limits(&mut policy);
        let inbox = ScriptedInbox::of(names[0]);
        let mut builder = Pipeline::builder()
            .store(store.clone())
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(1)))
            .contacts(ScriptedContacts::of([]))
            .drafter(Arc::new(ScriptedDrafter::new()))
            .router(FixedRouter::to(names))
            .inbox(Arc::new(inbox.clone()))
            .policy(policy.clone())
            .correspondence(correspondence(false));
        for outbox in outboxes {
            builder = builder.transport(Arc::new(Outbox::clone(outbox)));
        }
        let pipeline = builder.build().expect("all parts are here");
        Self { clock, store, inbox, policy, pipeline }
    }

    async fn import(&self, companies: &[ACompany]) {
        let items: Vec<_> = companies.iter().map(ACompany::imported).collect();
        self.store.admit("test", &items, None, self.pipeline.now()).await.expect("companies are let in");
    }

    async fn drain(&self) {
        self.pipeline.drain(Until::Idle).await.expect("the pipeline drains");
    }

    async fn drain_until(&self, end: Timestamp) {
        self.pipeline.drain(Until::Instant(end)).await.expect("the pipeline drains");
        self.clock.move_to(end);
        self.drain().await;
    }

    async fn messages(&self) -> Vec<Message> {
        self.store.messages(None, 1000).await.expect("messages are listed")
    }

    /// The one letter there is.
    async fn letter(&self) -> Message {
        let mut all = self.messages().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    async fn states(&self) -> Vec<MessageState> {
        self.messages().await.iter().map(|message| message.state).collect()
    }
}
