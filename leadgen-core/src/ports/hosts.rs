//! Remembers hosts of the web across processes: who asked for a pause is not asked by the next process either, and of two that run
//! at once only one asks a host at a time.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::host::{HostNotes, KeptRobots, Loss, Place, Rest, Scheme};
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::Port;

/// Notes on hosts, shared by all processes that visit sites.
///
/// **Promises.** A robots.txt or a failure that was noted last is what is read; of pauses the one that ends last, and a note
/// that a host is at rest no more takes away only what is over. Notes stay at least as long as pages of sites do, and longer than any
/// pause they speak of. They hold nothing of persons.
///
/// **Expects.** Hosts in canonical form, and instants of one clock.
///
/// **Errors.** `Unavailable` if the store can't be reached.
///
/// **Example.**
/// ```
/// use std::time::Duration;
/// use leadgen_core::domain::host::Rest;
/// use leadgen_core::domain::name::DomainName;
/// use leadgen_core::domain::time::Timestamp;
/// use leadgen_core::ports::hosts::SiteHosts;
/// use leadgen_core::testing::memory::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> leadgen_core::error::Result<()> {
/// let (book, host) = (MemoryStore::new(), DomainName::parse("denta-lux.ru")?);
/// let now = Timestamp::parse("2026-01-12T09:00:00Z")?;
/// let rest = Rest { until: now + Duration::from_secs(3600), refusals: 1 };
/// book.note_rest(&host, Some(&rest), now).await?;
/// assert_eq!(book.notes(&host).await?.rest, Some(rest));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait SiteHosts: Port {
    /// What is known of a host.
    async fn notes(&self, host: &DomainName) -> Result<HostNotes>;
    /// Takes a place's turn for one request, if it was free for as long as `delay`; else tells when it may be. A turn ends with
    /// [`end_turn`](Self::end_turn), or at `until` if whoever took it is gone. Of all that ask at once one gets it.
    async fn take_turn(&self, place: &Place, delay: Duration, until: Timestamp, now: Timestamp) -> Result<Option<Timestamp>>;
    /// The request is over: the place is free from now on.
    async fn end_turn(&self, place: &Place, now: Timestamp) -> Result<()>;
    /// A host wants to be left alone, or no more.
    async fn note_rest(&self, host: &DomainName, rest: Option<&Rest>, now: Timestamp) -> Result<()>;
    /// A robots.txt was read: the host is there.
    async fn note_robots(&self, host: &DomainName, scheme: Scheme, robots: &KeptRobots, now: Timestamp) -> Result<()>;
    /// A host could not be had. Its robots.txt stays.
    async fn note_loss(&self, host: &DomainName, scheme: Scheme, loss: &Loss, now: Timestamp) -> Result<()>;
}
