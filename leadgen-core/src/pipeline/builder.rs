//! Puts a pipeline together and names every missing or contradictory part at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::domain::policy::Policy;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Pipeline;
use crate::pipeline::desk::Desk;
use crate::pipeline::policy::Correspondence;
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
use crate::rules::planning::Request;

/// The parts a pipeline is made of. A port left out switches its stages off.
#[derive(Debug, Default)]
pub struct Parts {
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) entropy: Option<Arc<dyn Entropy>>,
    pub(crate) leads: Vec<(String, Arc<dyn LeadSource>)>,
    pub(crate) search: Option<Arc<dyn SearchProvider>>,
    pub(crate) contacts: Option<Arc<dyn ContactExtractor>>,
    pub(crate) drafter: Option<Arc<dyn Drafter>>,
    pub(crate) router: Option<Arc<dyn Router>>,
    pub(crate) transports: BTreeMap<String, Arc<dyn MailTransport>>,
    pub(crate) inboxes: Vec<Arc<dyn Inbox>>,
    pub(crate) policy: Policy,
    pub(crate) correspondence: Option<Correspondence>,
    pub(crate) planning: crate::rules::planning::Settings,
    pub(crate) excluded_domains: Vec<crate::domain::name::DomainName>,
    pub(crate) batch: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) width: Option<usize>,
    pub(crate) shutdown: CancellationToken,
}
