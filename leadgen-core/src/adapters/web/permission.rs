//! Whether a page may be fetched: robots.txt by RFC 9309, read once a day, and what holds while it can't be read.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::domain::host::{KeptRobots, Loss, Scheme};
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::rules::robots;
use crate::rules::target::refusal;

use super::fetcher::{AGENT, HttpFetcher, LASTING, Purpose};
use super::hosts::{Gate, Host, Known, KnownRobots, robots_of};

/// The longest pause a host gets. Of one that asks for more a few pages a day are taken.
const MOST_DELAY: Duration = Duration::from_mins(1);
/// These few.
const FEW: u32 = 3;
/// How long robots.txt is believed, and a few pages are a host's share.
const DAY: Duration = Duration::from_hours(24);
/// How long a copy is believed while the server fails.
const STALE: Duration = Duration::from_hours(1);
/// Redirects of robots.txt that are followed (RFC 9309, 2.3.1.2).
const MOST_REDIRECTS: u32 = 5;
/// A robots.txt that could not be had for so long is as good as none (RFC 9309, 2.3.1.4).
const GIVEN_UP: Duration = Duration::from_hours(30 * 24);
/// How long a host without a readable robots.txt stays closed: each time longer.
const CLOSED: [Duration; 4] = [Duration::from_mins(1), Duration::from_mins(5), Duration::from_mins(30), Duration::from_hours(6)];
/// How long a host is left alone after a failure that lasts.
const LOST: Duration = Duration::from_hours(6);

impl HttpFetcher {
    /// Reads robots.txt if it is not known, and answers with the pause it asks for.
    pub(super) async fn may_fetch(&self, host: &Host, url: &Url) -> Result<Duration> {
        let mut gate = host.gate.lock().await;
        let Gate { schemes, few } = &mut *gate;
        let known = schemes.entry(Scheme::of(url)).or_default();
        let now = self.clock.now();
        if let Some(loss) = known.loss.as_ref().filter(|loss| now < loss.until) {
            return Err(Error::new(ErrorKind::Unavailable, format!("fetch {url}"))
                .code(loss.code.clone())
                .detail(format!("tried before, and not again before {}", loss.until))
                .retry_after(Some(loss.until.since(now))));
        }
        if known.robots.as_ref().is_none_or(|robots| robots.until <= now) {
            self.learn_robots(host, known, url).await?;
        }
        let Some(KnownRobots { rules, .. }) = &known.robots else {
            return Err(Error::new(ErrorKind::Unavailable, format!("read robots.txt of {}", host.name)).code("robots_unreachable"));
        };
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let permission = rules.permission(AGENT, path);
        if !permission.allowed {
            return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}"))
                .code("robots_disallowed")
                .detail(permission.rule.unwrap_or_default()));
        }
        let delay = rules.crawl_delay(AGENT).unwrap_or_default();
        if delay > MOST_DELAY {
            // Such a pause would take hours: a few pages a day are all that is asked of the host.
            let now = self.clock.now();
            let (left, since) = few.filter(|(_, since)| now < *since + DAY).unwrap_or((FEW, now));
            if left == 0 {
                return Err(Error::new(ErrorKind::Rejected, format!("fetch {url}"))
                    .code("crawl_delay_too_long")
                    .detail(format!("{} s", delay.as_secs())));
            }
            *few = Some((left - 1, since));
        }
        Ok(delay.min(MOST_DELAY).max(self.settings.pace))
    }

    /// Reads robots.txt. Where that fails a copy is believed a while longer; without one the host is closed, each time longer.
    /// After a month it is as if there were none.
    async fn learn_robots(&self, host: &Host, known: &mut Known, url: &Url) -> Result<()> {
        let error = match self.read_robots(host, url).await {
            Ok(body) => {
                self.take_robots(host, known, url, body).await;
                return Ok(());
            }
            Err(error) => error,
        };
        let now = self.clock.now();
        if let (Some(copy), ErrorKind::Unavailable | ErrorKind::Limited) = (&mut known.robots, error.kind()) {
            if now < copy.read_until + GIVEN_UP {
                copy.until = now + STALE;
            } else {
                self.take_robots(host, known, url, Vec::new()).await;
            }
            return Ok(());
        }
        if error.kind() != ErrorKind::Unavailable {
            return Err(error);
        }
        let error = self.lose(host, known, url, error).await;
        if known.loss.as_ref().is_some_and(|loss| now.since(loss.since) >= GIVEN_UP) {
            self.take_robots(host, known, url, Vec::new()).await;
            return Ok(());
        }
        Err(error)
    }

    async fn take_robots(&self, host: &Host, known: &mut Known, url: &Url, body: Vec<u8>) {
        let kept = KeptRobots { body, until: self.clock.now() + DAY };
        *known = Known { robots: Some(robots_of(&kept)), loss: None };
        self.hosts.note_robots(host, Scheme::of(url), kept).await;
    }

    /// A host that can't be had is not asked again at once, whoever asks.
    pub(super) async fn lose(&self, host: &Host, known: &mut Known, url: &Url, error: Error) -> Error {
        let now = self.clock.now();
        let (since, tries) = known.loss.as_ref().map_or((now, 0), |loss| (loss.since, loss.tries));
        let asked = match error.verdict() {
            Verdict::Retry { after } => after,
            _ => None,
        };
        let pause = if LASTING.contains(&error.machine_code()) { LOST } else { CLOSED[(tries as usize).min(CLOSED.len() - 1)] };
        let pause = asked.unwrap_or(pause);
        let loss = Loss { code: error.machine_code().to_owned(), since, until: now + pause, tries: tries.saturating_add(1) };
        known.loss = Some(loss.clone());
        self.hosts.note_loss(host, Scheme::of(url), loss).await;
        error.retry_after(Some(pause))
    }

    /// 2xx is a file, of whatever type it says it is; other answers below 500 but 429 allow everything; the rest closes the host
    /// for now, and so does a file of which only a part came.
    async fn read_robots(&self, host: &Host, url: &Url) -> Result<Vec<u8>> {
        let unreadable = || Error::new(ErrorKind::Unavailable, format!("read robots.txt of {}", host.name)).code("robots_unreachable");
        let mut target = url.clone();
        target.set_path("/robots.txt");
        target.set_query(None);
        let mut elsewhere: Option<Arc<Host>> = None;
        for _ in 0..=MOST_REDIRECTS {
            // A redirect may lead to another host, which has a pace and a connection of its own.
            let at = elsewhere.as_deref().unwrap_or(host);
            let (answer, rest) = self.ask(at, &target, None, self.settings.pace, Purpose::Robots).await?;
            match (answer.page.status, answer.location) {
                (200..=299, _) => {
                    let mut body = answer.page.body;
                    if answer.page.truncated && body.len() < robots::LARGEST {
                        return Err(unreadable().detail("only a part of it came"));
                    }
                    body.truncate(robots::LARGEST + 1);
                    return Ok(body);
                }
                (300..=399, Some(location)) => match target.join(&location) {
                    // Rules that nobody may read are rules that can't be had.
                    Ok(next) if refusal(&next).is_some() => {
                        return Err(unreadable().detail(format!("it leads to {next}, which is not asked")));
                    }
                    Ok(next) => {
                        let there = self.hosts.at(&next).await?;
                        target = there.address(&next)?;
                        elsewhere = (there.name != host.name).then_some(there);
                    }
                    Err(_) => return Ok(Vec::new()),
                },
                (429 | 500.., _) => return Err(unreadable().detail(format!("HTTP {}", answer.page.status)).retry_after(rest)),
                _ => return Ok(Vec::new()),
            }
        }
        Ok(Vec::new())
    }
}
