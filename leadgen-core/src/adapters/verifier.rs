//! The verifier over a resolver: looks a domain up once in a while, lets the rule decide.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::mx::MailHosts;
use crate::domain::name::{DomainName, EmailAddress};
use crate::domain::time::Timestamp;
use crate::domain::verification::Verification;
use crate::ports::clock::Clock;
use crate::ports::dns::{DnsLookup, Resolvers};
use crate::ports::verifier::Verifier;
use crate::rules::{mailmap, verify};

/// How long an answer is remembered.
const KNOWN: Duration = Duration::from_hours(1);
/// How long a failed look-up is.
const FAILED: Duration = Duration::from_mins(5);
/// Domains remembered.
const MOST: usize = 4096;

/// Verifies addresses by their domains' records. Many companies have their address at one of few providers: those are
/// looked up once.
#[derive(Debug)]
pub struct MxVerifier {
    dns: Arc<dyn DnsLookup>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<DomainName, (MailHosts, Timestamp)>>,
}

impl MxVerifier {
    /// A verifier over a resolver.
    pub fn new(dns: Arc<dyn DnsLookup>, clock: Arc<dyn Clock>) -> Self {
        Self { dns, clock, known: Mutex::default() }
    }

    async fn answer(&self, domain: &DomainName) -> MailHosts {
        let now = self.clock.now();
        if let Ok(known) = self.known.lock()
            && let Some((answer, _)) = known.get(domain).filter(|(_, until)| now < *until)
        {
            return answer.clone();
        }
        let mut answer = self.dns.mail_hosts(domain, Resolvers::Configured).await;
        if mailmap::wants_second_opinion(&answer) {
            answer = self.dns.mail_hosts(domain, Resolvers::Alternative).await;
        }
        if let Ok(mut known) = self.known.lock() {
            if known.len() >= MOST {
                known.clear();
            }
            let keep = if matches!(answer, MailHosts::Timeout | MailHosts::ServFail) { FAILED } else { KNOWN };
            known.insert(domain.clone(), (answer.clone(), now + keep));
        }
        answer
    }
}

#[async_trait]
impl Verifier for MxVerifier {
    async fn verify(&self, address: &EmailAddress, before: &Verification) -> Verification {
        match verify::without_lookup(address, self.clock.now()) {
            Some(judged) => judged,
            None => verify::from_answer(&self.answer(address.domain()).await, before, self.clock.now()),
        }
    }
}
