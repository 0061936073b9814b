//! The router by mail hosts: looks up, lets the rule decide, remembers for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::mail::Route;
use crate::domain::mx::{MailHosts, MxClass};
use crate::domain::name::EmailAddress;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::dns::{DnsLookup, Resolvers};
use crate::ports::router::Router;
use crate::rules::mailmap::{self, Decision, Settings};

/// How long a found class is remembered.
const KNOWN: Duration = Duration::from_hours(168);
/// How long a failed look-up is: else one outage would misroute for a week.
const UNKNOWN: Duration = Duration::from_mins(15);
/// A name that is not there is asked for again after this; only then is it given up.
const ABSENT: Duration = Duration::from_hours(1);
/// Domains remembered.
const MOST: usize = 1024;

/// Routes by the recipient's mail hosts.
#[derive(Debug)]
pub struct MxRouter {
    dns: Arc<dyn DnsLookup>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    known: Mutex<HashMap<String, (Decision, Timestamp)>>,
    /// Names that were not there, and since when we know.
    absent: Mutex<HashMap<String, Timestamp>>,
}

impl MxRouter {
    /// A router over a resolver.
    pub fn new(dns: Arc<dyn DnsLookup>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self { dns, clock, settings, known: Mutex::default(), absent: Mutex::default() }
    }

    fn remembered(&self, domain: &str) -> Option<Decision> {
        let known = self.known.lock().ok()?;
        known.get(domain).filter(|(_, until)| self.clock.now() < *until).map(|(decision, _)| decision.clone())
    }

    fn remember(&self, domain: &str, decision: &Decision) {
        let Ok(mut known) = self.known.lock() else { return };
        let now = self.clock.now();
        if known.len() >= MOST {
            known.retain(|_, (_, until)| now < *until);
            if known.len() >= MOST {
                known.clear();
            }
        }
        let keep = if decision.class == MxClass::Unknown { UNKNOWN } else { KNOWN };
        known.insert(domain.to_owned(), (decision.clone(), now + keep));
    }

    /// Whether a name was not there an hour ago or longer, and still is not.
    fn is_gone(&self, domain: &str) -> bool {
        let Ok(mut absent) = self.absent.lock() else { return false };
        let now = self.clock.now();
        if absent.len() >= MOST && !absent.contains_key(domain) {
            absent.clear();
        }
        let since = *absent.entry(domain.to_owned()).or_insert(now);
        now >= since + ABSENT
    }

    fn is_there(&self, domain: &str) {
        if let Ok(mut absent) = self.absent.lock() {
            absent.remove(domain);
        }
    }

    async fn decide(&self, to: &EmailAddress) -> Decision {
        let domain = to.domain().as_str();
        if let Some(decision) = mailmap::without_lookup(&self.settings, domain) {
            return decision;
        }
        if let Some(decision) = self.remembered(domain) {
            return decision;
        }
        let first = self.dns.mail_hosts(to.domain(), Resolvers::Configured).await;
        let answer: MailHosts =
            if mailmap::wants_second_opinion(&first) { self.dns.mail_hosts(to.domain(), Resolvers::Alternative).await } else { first };
        let decision = mailmap::from_answer(&self.settings, &answer);
        self.remember(domain, &decision);
        decision
    }
}

#[async_trait]
impl Router for MxRouter {
    async fn route(&self, to: &EmailAddress) -> Result<Route> {
        let decision = self.decide(to).await;
        if decision.reason != "nxdomain" {
            self.is_there(to.domain().as_str());
        } else if !self.is_gone(to.domain().as_str()) {
            return Err(Error::new(ErrorKind::Unavailable, format!("route a letter to {}", to.masked()))
                .code("nxdomain")
                .retry_after(Some(ABSENT))
                .detail(format!("there is no domain {}; asked again in an hour", to.domain())));
        }
        if decision.null_mx || decision.reason == "no_records" || decision.reason == "nxdomain" {
            return Err(Error::new(ErrorKind::Rejected, format!("route a letter to {}", to.masked())).code("bad_domain").detail(format!(
                "the domain {} takes no mail: {}",
                to.domain(),
                decision.reason
            )));
        }
        let mailboxes = mailmap::mailboxes(decision.class);
        tracing::info!(domain = %to.domain(), class = %decision.class, reason = decision.reason, provider = mailboxes[0], "routed");
        Ok(Route { class: decision.class, records: decision.records, mailboxes, reason: decision.reason.to_owned() })
    }
}
