//! What is remembered of hosts: for the length of this process, and of earlier ones where there is a book of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell};
use tracing::warn;
use url::Url;

use crate::domain::host::{HostNotes, KeptRobots, Loss, Rest, Scheme};
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::hosts::SiteHosts;
use crate::rules::robots::Robots;

use super::aside::aside;
use super::wire::Wire;

/// Above so many hosts those that were not asked for a while are forgotten.
const MOST_HOSTS: usize = 1_000;
/// A host that was asked within this time may be asked again any moment: it is remembered. Longer than any pause we keep.
const RECENT: Duration = Duration::from_mins(5);

/// A host, by whatever scheme it is spoken to.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: DomainName,
    /// Whether notes of earlier processes are read.
    opened: OnceCell<()>,
    /// Held while robots.txt is read: one reader at a time. May wait for a line, never the other way round.
    pub(super) gate: Mutex<Gate>,
    /// Held for the length of a request: one at a time.
    pub(super) line: Mutex<Line>,
}

/// What may be fetched of a host.
#[derive(Debug, Default)]
pub(super) struct Gate {
    pub(super) schemes: BTreeMap<Scheme, Known>,
    /// Pages still allowed where the host asks for a very long pause.
    pub(super) few: Option<u32>,
}

/// What is known of one way to speak to a host.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) robots: Option<(Robots, Timestamp)>,
    pub(super) loss: Option<Loss>,
}

/// The one connection to a host and its pace.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// When the last answer ended.
    pub(super) last: Option<Timestamp>,
    /// One connection, for the address it was made to.
    pub(super) wire: Option<Wire>,
    pub(super) rest: Option<Rest>,
}

/// All hosts.
#[derive(Debug)]
pub(super) struct Hosts {
    clock: Arc<dyn Clock>,
    pub(super) book: Option<Arc<dyn SiteHosts>>,
    open: Mutex<HashMap<DomainName, Arc<Host>>>,
}

impl Hosts {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, book: None, open: Mutex::default() }
    }

    /// The host of an address, with all that is known of it.
    pub(super) async fn at(&self, url: &Url) -> Result<Arc<Host>> {
        let refused = |e: Error| Error::new(ErrorKind::Rejected, format!("fetch {url}")).code("target_refused").detail("host").because(e);
        let name = DomainName::parse(url.host_str().unwrap_or("")).map_err(refused)?;
        let host = {
            let mut open = self.open.lock().await;
            if open.len() >= MOST_HOSTS {
                let now = self.clock.now();
                open.retain(|_, host| Arc::strong_count(host) > 1 || self.is_needed(host, now));
            }
            Arc::clone(open.entry(name.clone()).or_insert_with(|| Arc::new(Host::named(name))))
        };
        host.opened.get_or_try_init(|| self.open(&host)).await?;
        Ok(host)
    }

    /// Whether forgetting a host could be asking it too soon.
    fn is_needed(&self, host: &Host, now: Timestamp) -> bool {
        host.line.try_lock().map_or(true, |line| {
            let is_recent = line.last.is_some_and(|last| now < last + RECENT);
            let is_at_rest = line.rest.as_ref().is_some_and(|rest| now < rest.until);
            is_recent || (is_at_rest && self.book.is_none())
        })
    }

    async fn open(&self, host: &Host) -> Result<()> {
        let Some(book) = self.book.clone() else { return Ok(()) };
        let name = host.name.clone();
        let HostNotes { rest, schemes } = aside(async move { book.notes(&name).await }).await?;
        host.line.lock().await.rest = rest;
        let known = schemes.into_iter().map(|notes| {
            let robots = notes.robots.map(|kept| (Robots::parse(&kept.body), kept.until));
            (notes.scheme, Known { robots, loss: notes.loss })
        });
        host.gate.lock().await.schemes = known.collect();
        Ok(())
    }

    pub(super) async fn note_rest(&self, host: &Host, rest: Option<Rest>) {
        let (name, now) = (host.name.clone(), self.clock.now());
        self.note(host, |book| async move { book.note_rest(&name, rest.as_ref(), now).await }).await;
    }

    pub(super) async fn note_robots(&self, host: &Host, scheme: Scheme, robots: KeptRobots) {
        let (name, now) = (host.name.clone(), self.clock.now());
        self.note(host, |book| async move { book.note_robots(&name, scheme, &robots, now).await }).await;
    }

    pub(super) async fn note_loss(&self, host: &Host, scheme: Scheme, loss: Option<Loss>) {
        let (name, now) = (host.name.clone(), self.clock.now());
        self.note(host, |book| async move { book.note_loss(&name, scheme, loss.as_ref(), now).await }).await;
    }

    /// What can't be noted holds for this process all the same.
    async fn note<F: Future<Output = Result<()>> + Send + 'static>(&self, host: &Host, write: impl FnOnce(Arc<dyn SiteHosts>) -> F) {
        if let Some(book) = &self.book
            && let Err(error) = aside(write(Arc::clone(book))).await
        {
            warn!(host = %host.name, error = %error.for_row(), "could not note what a host asked for");
        }
    }
}

impl Host {
    fn named(name: DomainName) -> Self {
        Self { name, opened: OnceCell::new(), gate: Mutex::default(), line: Mutex::default() }
    }
}
