//! A Chromium of this machine, for pages that show nothing until their scripts have run.
//!
//! It never touches the network: every request it makes is held and answered by what [`Supply`] brings (robots.txt, pace,
//! checked addresses and budgets are the fetcher's, as for any page), or refused. Behind that stands a second wall: a proxy
//! and names that lead nowhere. It is started for one page with a profile of its own, speaks over a pair of pipes and not over
//! a port, and is killed with all that it started once the page stands, its time is over, or whoever waits for it goes away.

mod pipe;
mod process;
mod protocol;
mod tab;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};
use crate::ports::fetch::Page;
use crate::ports::render::{PageRenderer, Supply};

use process::Process;
use tab::Tab;

/// Browsers that run side by side.
const TURNS: usize = 2;
/// Time to start, and to say how a page stands once its own time is over.
const GRACE: Duration = Duration::from_secs(10);

/// Where a Chromium usually lies.
const USUAL: [&str; 8] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome-stable",
    "/usr/bin/google-chrome",
    "/usr/local/bin/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// The Chromium of this machine, if there is one in a usual place.
pub fn installed() -> Option<PathBuf> {
    USUAL.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// Whether Chromium keeps its pages in its own sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// As it should.
    On,
    /// Where it can't have one: run by root, or in a container that forbids it.
    Off,
}

/// How to render.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The browser.
    pub program: PathBuf,
    /// Its own sandbox.
    pub sandbox: Sandbox,
    /// Time a page has until it is taken as it stands.
    pub deadline: Duration,
    /// Where a site's owner reaches us: pages see the same User-Agent as their servers.
    pub contact: String,
    /// Where its passing profile lies; none: where the system keeps such files.
    pub folder: Option<PathBuf>,
}

/// Renders pages in a Chromium.
#[derive(Debug)]
pub struct Chromium {
    settings: Settings,
    turns: Semaphore,
}

impl Chromium {
    /// A renderer; nothing is started before there is a page.
    pub fn new(settings: Settings) -> Self {
        Self { settings, turns: Semaphore::new(TURNS) }
    }

    /// Starts it, asks what it is and ends it.
    pub async fn version(&self) -> Result<String> {
        let (process, pipe) = Process::start(&self.settings)?;
        let asked = timeout(GRACE, tab::version(pipe)).await;
        process.end(asked.unwrap_or_else(|_| Err(late("start a browser")))).await
    }
}

#[async_trait]
impl PageRenderer for Chromium {
    async fn render(&self, page: &Page, supply: &dyn Supply) -> Result<Page> {
        let _turn = self.turns.acquire().await;
        let (process, pipe) = Process::start(&self.settings)?;
        let rendering = async { Tab::open(pipe, page, supply).await?.render(self.settings.deadline).await };
        let ended = timeout(self.settings.deadline + GRACE, rendering).await;
        process.end(ended.unwrap_or_else(|_| Err(late("render a page")))).await
    }
}

fn late(doing: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, doing).code("browser_deadline").detail("it did not come to rest")
}
