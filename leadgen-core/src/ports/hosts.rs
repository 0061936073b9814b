//! Remembers hosts of the web across processes: who asked for a pause is not asked by the next process either.

use async_trait::async_trait;

use crate::domain::host::{HostNotes, KeptRobots, Loss, Rest, Scheme};
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::Port;

/// Notes on hosts.
///
/// **Promises.** What was noted last is what is read. Notes stay at least as long as pages of sites do, and longer than any
/// pause they speak of. They hold nothing of persons.
#[async_trait]
pub trait SiteHosts: Port {
    /// What is known of a host.
    async fn notes(&self, host: &DomainName) -> Result<HostNotes>;
    /// A host wants to be left alone, or no more.
    async fn note_rest(&self, host: &DomainName, rest: Option<&Rest>, now: Timestamp) -> Result<()>;
    /// A robots.txt was read: the host is there.
    async fn note_robots(&self, host: &DomainName, scheme: Scheme, robots: &KeptRobots, now: Timestamp) -> Result<()>;
    /// A host could not be had, or is there again. Its robots.txt stays.
    async fn note_loss(&self, host: &DomainName, scheme: Scheme, loss: Option<&Loss>, now: Timestamp) -> Result<()>;
}
