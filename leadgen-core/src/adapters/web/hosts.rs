//! What is remembered of hosts: for the length of this process, and of earlier ones where there is a book of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::warn;
use url::Url;

use crate::domain::host::{HostNotes, KeptRobots, Loss, Place, Rest, Scheme};
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::clock::Clock;
use crate::ports::hosts::SiteHosts;
use crate::rules::robots::Robots;

use super::aside::aside;
use super::fetcher::{AGENT, refused};
use super::wire::Wire;

/// How long notes are believed before they are read again: another process may have been told something meanwhile.
const NOTES_KEPT: Duration = Duration::from_mins(1);
/// Above so many hosts those that were not asked for a while are forgotten.
const MOST_HOSTS: usize = 1_000;
/// A host that was asked within this time may be asked again any moment: it is remembered. Longer than any pause we keep.
const RECENT: Duration = Duration::from_mins(5);

/// A host, by whatever scheme it is spoken to.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: DomainName,
    /// When the notes of other processes were read.
    opened: Mutex<Option<Timestamp>>,
    /// Held while robots.txt is read: one reader at a time. May wait for a line, never the other way round.
    pub(super) gate: Mutex<Gate>,
    /// Held for the length of a request: one at a time.
    pub(super) line: Mutex<Line>,
}

/// What may be fetched of a host.
#[derive(Debug, Default)]
pub(super) struct Gate {
    pub(super) schemes: BTreeMap<Scheme, Known>,
    /// Pages still allowed where the host asks for a very long pause, and since when they are counted.
    pub(super) few: Option<(u32, Timestamp)>,
}

/// What is known of one way to speak to a host.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) robots: Option<KnownRobots>,
    pub(super) loss: Option<Loss>,
}

/// A robots.txt that was read.
#[derive(Debug)]
pub(super) struct KnownRobots {
    pub(super) rules: Robots,
    /// It is believed until then.
    pub(super) until: Timestamp,
    /// How long it was believed when it was read.
    pub(super) read_until: Timestamp,
}

/// Of a file only what speaks to us is remembered.
pub(super) fn robots_of(kept: &KeptRobots) -> KnownRobots {
    KnownRobots { rules: Robots::parse(&kept.body).of(AGENT), until: kept.until, read_until: kept.until }
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
        let name = DomainName::parse(url.host_str().unwrap_or("")).map_err(|e| refused(url, "host").because(e))?;
        let host = {
            let mut open = self.open.lock().await;
            if open.len() >= MOST_HOSTS {
                let now = self.clock.now();
                open.retain(|_, host| Arc::strong_count(host) > 1 || self.is_needed(host, now));
            }
            Arc::clone(open.entry(name.clone()).or_insert_with(|| Arc::new(Host::named(name))))
        };
        self.open(&host).await?;
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

    /// Reads what other processes noted: before the first request, and now and then.
    async fn open(&self, host: &Host) -> Result<()> {
        let Some(book) = self.book.clone() else { return Ok(()) };
        let mut opened = host.opened.lock().await;
        let now = self.clock.now();
        if opened.is_some_and(|at| now < at + NOTES_KEPT) {
            return Ok(());
        }
        // Who asks the host just now reads nothing old, and must not be waited for: it may wait for us.
        let (Ok(mut gate), Ok(mut line)) = (host.gate.try_lock(), host.line.try_lock()) else { return Ok(()) };
        let name = host.name.clone();
        let HostNotes { rest, schemes } = aside(async move { book.notes(&name).await }).await?;
        *opened = Some(now);
        let later = |rest: &Rest| line.rest.as_ref().is_none_or(|known| known.until < rest.until);
        if let Some(rest) = rest.filter(later) {
            line.rest = Some(rest);
        }
        for notes in schemes {
            let known = gate.schemes.entry(notes.scheme).or_default();
            let newer = |kept: &KeptRobots| known.robots.as_ref().is_none_or(|known| known.read_until < kept.until);
            if let Some(kept) = notes.robots.filter(newer) {
                known.robots = Some(robots_of(&kept));
                known.loss = None;
            }
            if notes.loss.as_ref().is_some_and(|loss| known.loss.as_ref().is_none_or(|known| known.until < loss.until)) {
                known.loss = notes.loss;
            }
        }
        Ok(())
    }

    /// Waits until no process asks a host, and takes its turn up to `until`. Without a book this process is the only one.
    pub(super) async fn take_turn(&self, host: &Host, delay: Duration, longest: Duration) -> Result<()> {
        let Some(book) = &self.book else { return Ok(()) };
        loop {
            let (book, name, now) = (Arc::clone(book), host.name.clone(), self.clock.now());
            match aside(async move { book.take_turn(&Place::Host(name), delay, now + longest, now).await }).await? {
                None => return Ok(()),
                Some(turn) => self.clock.sleep_until(turn).await,
            }
        }
    }

    /// Takes the turns of what a host shares with others, unless another process has one of them: then tells when it is free.
    pub(super) async fn take_shared(&self, places: Vec<Place>, apart: Duration) -> Result<Option<Timestamp>> {
        let (Some(book), now) = (&self.book, self.clock.now()) else { return Ok(None) };
        for place in places {
            let book = Arc::clone(book);
            if let Some(turn) = aside(async move { book.take_turn(&place, apart, now, now).await }).await? {
                return Ok(Some(turn));
            }
        }
        Ok(None)
    }

    pub(super) async fn end_turn(&self, host: &Host) {
        let (name, now) = (host.name.clone(), self.clock.now());
        self.note(host, |book| async move { book.end_turn(&Place::Host(name), now).await }).await;
    }

    pub(super) async fn note_rest(&self, host: &Host, rest: Option<Rest>) {
        let (name, now) = (host.name.clone(), self.clock.now());
        self.note(host, |book| async move { book.note_rest(&name, rest.as_ref(), now).await }).await;
    }

    pub(super) async fn note_robots(&self, host: &Host, scheme: Scheme, robots: KeptRobots) {
        let (name, now) = (host.name.clone(), self.clock.now());
        self.note(host, |book| async move { book.note_robots(&name, scheme, &robots, now).await }).await;
    }

    pub(super) async fn note_loss(&self, host: &Host, scheme: Scheme, loss: Loss) {
        let (name, now) = (host.name.clone(), self.clock.now());
        self.note(host, |book| async move { book.note_loss(&name, scheme, &loss, now).await }).await;
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
        Self { name, opened: Mutex::default(), gate: Mutex::default(), line: Mutex::default() }
    }

    /// An address at this host, spelled as the host was checked: a name that ends with a dot is the same one to us and to
    /// whoever connects.
    pub(super) fn address(&self, url: &Url) -> Result<Url> {
        let mut address = url.clone();
        address.set_host(Some(self.name.as_str())).map_err(|e| refused(url, "host").because(e))?;
        Ok(address)
    }
}
