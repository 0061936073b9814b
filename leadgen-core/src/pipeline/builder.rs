//! Puts a pipeline together and names every missing or contradictory part at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::name::DomainName;
use crate::domain::policy::Policy;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Pipeline;
use crate::pipeline::desk::Desk;
use crate::pipeline::inlet::Inlet;
use crate::pipeline::policy::Correspondence;
use crate::pipeline::tally::Watch;
use crate::ports::clock::Clock;
use crate::ports::contacts::ContactExtractor;
use crate::ports::drafter::Drafter;
use crate::ports::entropy::Entropy;
use crate::ports::inbox::Inbox;
use crate::ports::leads::LeadSource;
use crate::ports::router::Router;
use crate::ports::search::SearchProvider;
use crate::ports::store::Store;
use crate::ports::transport::MailTransport;
use crate::ports::verifier::Verifier;
use crate::rules::planning;

/// The parts a pipeline is made of. A port left out switches its stages off.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) leads: Vec<Inlet>,
    pub(crate) search: Option<Arc<dyn SearchProvider>>,
    pub(crate) contacts: Option<Arc<dyn ContactExtractor>>,
    pub(crate) verifier: Option<Arc<dyn Verifier>>,
    pub(crate) drafter: Option<Arc<dyn Drafter>>,
    pub(crate) router: Option<Arc<dyn Router>>,
    pub(crate) transports: BTreeMap<String, Arc<dyn MailTransport>>,
    pub(crate) inboxes: Vec<Arc<dyn Inbox>>,
    pub(crate) planning: planning::Settings,
    pub(crate) excluded_domains: Vec<DomainName>,
}

/// Collects the parts.
#[derive(Debug, Default)]
pub struct PipelineBuilder {
    parts: Parts,
    store: Option<Arc<dyn Store>>,
    clock: Option<Arc<dyn Clock>>,
    entropy: Option<Arc<dyn Entropy>>,
    policy: Policy,
    correspondence: Option<Correspondence>,
    batch: Option<String>,
    owner: Option<String>,
    width: Option<usize>,
    visits: Option<usize>,
    shutdown: CancellationToken,
    cut: CancellationToken,
    watch: Watch,
    doubled: Vec<String>,
}

impl PipelineBuilder {
    /// Where everything is kept. Needed.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// The source of now; the system's clock if left out.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The source of chance; the system's if left out.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// A list of niches under a name that its cursor is kept by.
    #[must_use]
    pub fn leads(self, name: impl Into<String>, source: Arc<dyn LeadSource>) -> Self {
        self.leads_every(name, source, Duration::ZERO)
    }

    /// The same, looked at no more often than once in an interval.
    #[must_use]
    pub fn leads_every(mut self, name: impl Into<String>, source: Arc<dyn LeadSource>, interval: Duration) -> Self {
        self.parts.leads.push(Inlet::new(name, source, interval));
        self
    }

    /// The search engine.
    #[must_use]
    pub fn search(mut self, search: impl SearchProvider) -> Self {
        self.parts.search = Some(Arc::new(search));
        self
    }

    /// Finds contacts.
    #[must_use]
    pub fn contacts(mut self, contacts: impl ContactExtractor) -> Self {
        self.parts.contacts = Some(Arc::new(contacts));
        self
    }

    /// Finds out whether addresses take mail; left out, they stay unknown.
    #[must_use]
    pub fn verifier(mut self, verifier: impl Verifier) -> Self {
        self.parts.verifier = Some(Arc::new(verifier));
        self
    }

    /// Writes letters.
    #[must_use]
    pub fn drafter(mut self, drafter: Arc<dyn Drafter>) -> Self {
        self.parts.drafter = Some(drafter);
        self
    }

    /// Knows where recipients' mail lives.
    #[must_use]
    pub fn router(mut self, router: impl Router) -> Self {
        self.parts.router = Some(Arc::new(router));
        self
    }

    /// One more sending mailbox.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn MailTransport>) -> Self {
        let name = transport.mailbox().name.clone();
        if self.parts.transports.insert(name.clone(), transport).is_some() {
            self.doubled.push(name);
        }
        self
    }

    /// One more inbox.
    #[must_use]
    pub fn inbox(mut self, inbox: Arc<dyn Inbox>) -> Self {
        self.parts.inboxes.push(inbox);
        self
    }

    /// The limits.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What every letter carries. Needed for drafting, routing and sending.
    #[must_use]
    pub fn correspondence(mut self, correspondence: Correspondence) -> Self {
        self.correspondence = Some(correspondence);
        self
    }

    /// What is added to every niche.
    #[must_use]
    pub fn planning(mut self, planning: planning::Settings) -> Self {
        self.parts.planning = planning;
        self
    }

    /// Domains dropped from results besides the built-in list.
    #[must_use]
    pub fn excluded_domains(mut self, domains: Vec<DomainName>) -> Self {
        self.parts.excluded_domains = domains;
        self
    }

    /// Only this batch.
    #[must_use]
    pub fn batch(mut self, batch: Option<String>) -> Self {
        self.batch = batch;
        self
    }

    /// The name kept with leases; the process id if left out.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Items of a stage worked on side by side; 8 if left out.
    #[must_use]
    pub fn width(mut self, width: usize) -> Self {
        self.width = Some(width);
        self
    }

    /// How many companies are visited side by side; 64 if nothing is said. Who fetches bounds what is asked at once.
    #[must_use]
    pub fn visits(mut self, visits: usize) -> Self {
        self.visits = Some(visits);
        self
    }

    /// Cancelling it ends every loop after the work in hand.
    #[must_use]
    pub fn shutdown(mut self, shutdown: CancellationToken) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Cancelling it ends the work in hand too, unless it is past the mark: the items go back untouched.
    #[must_use]
    pub fn cut(mut self, cut: CancellationToken) -> Self {
        self.cut = cut;
        self
    }

    /// Told of every item that leaves the desk.
    #[must_use]
    pub fn watch(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// The pipeline, or everything that speaks against it.
    pub fn build(self) -> Result<Pipeline> {
        let mut problems: Vec<String> = self.doubled.iter().map(|name| format!("two transports are named {name}")).collect();
        if self.store.is_none() {
            problems.push("there is no store".into());
        }
        if self.correspondence.is_none() && (!self.parts.transports.is_empty() || self.parts.drafter.is_some()) {
            problems.push("letters need a correspondence: who writes, under what right, and the way out".into());
        }
        // What has no transport sends nothing, whatever the policy says: a worker for searches alone is no mistake.
        let sends = self.policy.send.enabled && !self.parts.transports.is_empty();
        if sends
            && let Some(correspondence) = &self.correspondence
            && let Err(error) = correspondence.ready_to_send(!self.parts.inboxes.is_empty())
        {
            problems.push(error.to_string());
        }
        for mailbox in &self.policy.send.mailboxes {
            if sends && !self.parts.transports.contains_key(&mailbox.name) {
                problems.push(format!("the policy names the mailbox {}, which has no transport", mailbox.name));
            }
        }
        let Some(store) = self.store.filter(|_| problems.is_empty()) else {
            return Err(Error::new(ErrorKind::Config, "build the pipeline").code("pipeline_incomplete").detail(problems.join("; ")));
        };
        let desk = Desk {
            owner: self.owner.unwrap_or_else(|| format!("pid-{}", std::process::id())),
            clock: self.clock.unwrap_or_else(|| Arc::new(crate::ports::clock::SystemClock)),
            entropy: self.entropy.unwrap_or_else(|| Arc::new(crate::ports::entropy::SystemEntropy)),
            policy: Arc::new(self.policy),
            batch: self.batch,
            width: self.width.unwrap_or(8),
            shutdown: self.shutdown,
            cut: self.cut,
            watch: self.watch,
        };
        Ok(Pipeline {
            parts: self.parts,
            store,
            correspondence: self.correspondence.map(Arc::new),
            desk,
            visits: self.visits.unwrap_or(64),
            only: Vec::new(),
            begun: tokio::sync::OnceCell::new(),
        })
    }
}
