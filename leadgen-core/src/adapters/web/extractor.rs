//! Visits a company's site: the home page, then the pages most likely to show contacts, until enough is known.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use super::maps;
use super::shelf::{self, Shelf};
use super::supplies::{Left, Supplies};
use crate::domain::company::Company;
use crate::domain::contact::Findings;
use crate::domain::id::Id;
use crate::domain::page::{SitePage, Validators};
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::clock::Clock;
use crate::ports::contacts::ContactExtractor;
use crate::ports::fetch::{Fetcher, Page};
use crate::ports::render::PageRenderer;
use crate::ports::store::SitePages;
use crate::rules::harvest::{self, PageFindings, Site};
use crate::rules::{normalize, pages, rendering, site};

/// Bytes read of one company's site.
const MOST_BYTES: usize = 5 * 1024 * 1024;
/// Time that transfers from one company's site may take.
const MOST_TIME: Duration = Duration::from_mins(1);
/// What a page that never came counts for.
pub(super) const IN_VAIN: Duration = Duration::from_secs(10);
/// The score of a link that surely leads to contacts.
const LIKELY: u32 = 6;
/// Links from the home page to the last page that is read.
const DEEPEST: u32 = 2;
/// Links that wait for a visit.
pub(super) const MOST_QUEUED: usize = 40;
/// What a page is refused as whose header asks that nothing of it is kept.
const NOINDEX: &str = "noindex";
/// Pages read after the home page at least before the visit ends early: numbers and names stand elsewhere than addresses.
const ENOUGH: usize = 3;

/// What says that no connection could be made, or none may be: another port may do.
const NO_TLS: [&str; 3] = ["unreachable", "certificate_refused", "target_refused"];
/// What says that there is no site under a name.
const ABSENT: [&str; 3] = ["no_such_host", "unreachable", "target_refused"];

/// Finds contacts on company sites through any fetcher.
#[derive(Debug)]
pub struct WebsiteExtractor<F> {
    fetcher: F,
    max_pages: usize,
    shelf: Option<Shelf>,
    renderer: Option<Arc<dyn PageRenderer>>,
}

/// A link that waits for a visit.
struct Step {
    score: u32,
    url: Url,
    /// Links from the home page to here.
    depth: u32,
}

/// A visit under way.
struct Visit<'a> {
    company: &'a Company,
    site: Site,
    findings: Vec<PageFindings>,
    kept: Vec<SitePage>,
    /// Addresses of pages that are not to be kept.
    withdrawn: Vec<String>,
    seen: Vec<Url>,
    /// Pages asked for.
    tried: usize,
    /// Links worth following, best first.
    queue: Vec<Step>,
    /// Links that say nothing of contacts: followed only while there is nothing else.
    rest: Vec<Url>,
    /// Bytes that came, those of maps too.
    bytes: usize,
    /// Time that transfers took.
    spent: Duration,
    /// Pages that were rendered.
    rendered: usize,
}

impl<F: Fetcher> WebsiteExtractor<F> {
    /// An extractor that reads at most `max_pages` pages of a company.
    pub fn new(fetcher: F, max_pages: usize) -> Self {
        Self { fetcher, max_pages: max_pages.max(1), shelf: None, renderer: None }
    }

    /// Pages of earlier visits are used: a day old as they are, older ones if the site says that they did not change.
    #[must_use]
    pub fn with_kept_pages(mut self, pages: Arc<dyn SitePages>, clock: Arc<dyn Clock>) -> Self {
        self.shelf = Some(Shelf { pages, clock });
        self
    }

    /// Pages that show nothing until their scripts have run are rendered: at most a few of a company, out of the same budget.
    #[must_use]
    pub fn with_renderer(mut self, renderer: Arc<dyn PageRenderer>) -> Self {
        self.renderer = Some(renderer);
        self
    }

    /// The home page of a site, which is one with and without `www.`: whichever of the two has a page.
    async fn home(&self, visit: &mut Visit<'_>, host: &str) -> Result<Page> {
        let bare = self.front(visit, host).await;
        let is_there = match &bare {
            Ok(page) => !matches!(page.status, 404 | 410),
            Err(error) => !ABSENT.contains(&error.machine_code()),
        };
        let name = visit.company.home().and_then(normalize::registrable);
        let is_whole_name = name.is_some_and(|name| name.as_str() == host);
        if is_there || !is_whole_name {
            return bare;
        }
        match self.front(visit, &format!("www.{host}")).await {
            Err(error) if ABSENT.contains(&error.machine_code()) => bare,
            Ok(page) if !(200..=299).contains(&page.status) => bare,
            www => www,
        }
    }

    /// https first, and http where nothing speaks TLS as it should. A certificate is never waived.
    async fn front(&self, visit: &mut Visit<'_>, host: &str) -> Result<Page> {
        let address = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/")).map_err(|e| Error::new(ErrorKind::Rejected, "read a site's address").because(e))
        };
        match self.get(visit, &address("https")?).await {
            Err(error) if NO_TLS.contains(&error.machine_code()) => self.get(visit, &address("http")?).await,
            got => got,
        }
    }

    async fn get(&self, visit: &mut Visit<'_>, url: &Url) -> Result<Page> {
        let got = match shelf::get(&self.fetcher, self.shelf.as_ref(), visit.company.id, url).await {
            Ok(got) => got,
            Err(error) => {
                if error.kind() == ErrorKind::Unavailable {
                    visit.spent += IN_VAIN;
                }
                return Err(error);
            }
        };
        visit.spent += got.page.spent;
        if got.asked {
            visit.bytes += got.page.body.len();
        }
        visit.kept.extend(got.kept);
        Ok(got.page)
    }

    async fn visit(&self, company: &Company, host: &str) -> Result<Findings> {
        let mut visit = Visit::of(company);
        let home = self.home(&mut visit, host).await?;
        let nothing = |reason: &str| Findings { reason: Some(reason.to_owned()), pages: 1, ..Findings::default() };
        match home.status {
            200..=299 => {}
            500.. => return Err(Error::new(ErrorKind::Unavailable, format!("visit {host}")).code("site_broken")),
            _ => return Ok(nothing("no_page")),
        }
        let led = site::is_away_from_birthplace(company, &home.url).then(|| home.url.to_string());
        if !site::is_elsewhere(company, &home.url) {
            return Ok(Findings { redirected_to: led, ..self.look_around(visit, home).await? });
        }
        let Some((moved, home)) = moved(company, home).await else {
            return Ok(Findings { redirected_to: led, ..nothing("redirected_elsewhere") });
        };
        let visit = Visit { company: &moved, site: site::of(&moved), ..visit };
        let found = self.look_around(visit, home).await?;
        Ok(Findings { redirected_to: led, moved_to: moved.moved_to, ..found })
    }

    /// Reads the home page, and the pages it leads to.
    async fn look_around(&self, mut visit: Visit<'_>, home: Page) -> Result<Findings> {
        let base = home.url.clone();
        visit.seen.push(base.clone());
        let links = self.read(&mut visit, home).await;
        visit.enqueue(links, 1);
        if visit.queue.iter().all(|step| step.score < LIKELY) {
            let named = self.map(&mut visit, &base).await;
            visit.enqueue(named, 1);
        }
        if visit.queue.iter().all(|step| step.score < LIKELY) {
            visit.enqueue(pages::GUESSES.iter().filter_map(|path| base.join(path).ok()).map(|url| (pages::GUESSED, url)).collect(), 1);
        }
        let cut_short = self.walk(&mut visit).await;
        // Whoever asked for a pause before an address was seen is visited again when it is over.
        if let Some(error) = cut_short.filter(|_| !site::has_address(&visit.findings)) {
            return Err(error);
        }
        Ok(Findings { visited: visit.kept, withdrawn: visit.withdrawn, ..site::findings(&visit.findings, &visit.site) })
    }

    /// What the site's maps name. They are no pages, but their bytes and their time are the site's.
    async fn map(&self, visit: &mut Visit<'_>, base: &Url) -> Vec<(u32, Url)> {
        let mut map = maps::Search::of(&self.fetcher, base).await;
        while !visit.is_spent()
            && let Some((bytes, spent)) = map.read_next().await
        {
            visit.bytes += bytes;
            visit.spent += spent;
        }
        map.found()
    }

    /// Follows what is worth it, until enough is known or the budget is spent, or the site wants to be left alone: then that.
    async fn walk(&self, visit: &mut Visit<'_>) -> Option<Error> {
        while let Some(Step { url, depth, .. }) = visit.next() {
            if visit.tried >= self.max_pages || visit.is_spent() {
                break;
            }
            if visit.seen.contains(&url) {
                continue;
            }
            visit.seen.push(url.clone());
            visit.tried += 1;
            // A page that can't be had is left out; the others go on.
            let page = match self.get(visit, &url).await {
                Ok(page) => page,
                Err(error) if error.kind() == ErrorKind::Limited => return Some(error),
                Err(error) => {
                    if error.machine_code() == NOINDEX {
                        visit.withdrawn.push(url.to_string());
                    }
                    // What may not be asked for costs nothing.
                    visit.tried -= usize::from(error.machine_code() == "robots_disallowed");
                    continue;
                }
            };
            if site::is_elsewhere(visit.company, &page.url) {
                // Somebody else's page: neither read nor kept.
                visit.kept.pop_if(|kept| kept.asked == url.as_str());
            } else if (200..=299).contains(&page.status) {
                let more = self.read(visit, page).await;
                visit.enqueue(more.into_iter().filter(|(score, _)| *score >= 9).collect(), depth + 1);
            }
        }
        None
    }

    /// Reads a page; the links worth following.
    async fn read(&self, visit: &mut Visit<'_>, page: Page) -> Vec<(u32, Url)> {
        let base = page.url.clone();
        let is_rendered = visit.kept.last().is_some_and(|kept| kept.rendered && kept.url == base.as_str());
        let Some((page, mut found)) = harvested(page, visit.company.id, &visit.site).await else { return Vec::new() };
        if is_rendered {
            found.page.settle();
        } else if found.page.needs_browser()
            && !found.page.noindex
            && let Some(shown) = self.rendered(visit, page).await
        {
            found = shown;
        }
        let mut next = if found.page.nofollow { Vec::new() } else { pages::next(&found.page, &base, &visit.seen) };
        if let Some(target) = found.page.refresh.as_deref().and_then(|target| pages::target(&base, target)) {
            next.insert(0, (9, target));
        }
        if visit.rest.is_empty() && !found.page.nofollow {
            visit.rest = pages::rest(&found.page, &base, MOST_QUEUED);
        }
        if found.page.noindex {
            // The site asks that nothing of this page is kept.
            visit.withdrawn.push(base.to_string());
            visit.withdrawn.extend(visit.kept.pop().map(|kept| kept.asked));
        } else {
            visit.findings.push(found);
        }
        next.truncate(MOST_QUEUED);
        next
    }

    /// What a page shows once its scripts have run; none where nobody renders pages, or this one can't be rendered.
    async fn rendered(&self, visit: &mut Visit<'_>, page: Page) -> Option<PageFindings> {
        let renderer = self.renderer.as_ref().filter(|_| visit.rendered < rendering::MOST_PAGES)?;
        visit.rendered += 1;
        let left = Left {
            pages: self.max_pages.saturating_sub(visit.tried),
            bytes: MOST_BYTES.saturating_sub(visit.bytes),
            time: MOST_TIME.saturating_sub(visit.spent),
        };
        let supplies = Supplies::of(&self.fetcher, &page.url, left);
        let ended = renderer.render(&page, &supplies).await;
        let spent = supplies.spent().await;
        visit.tried += spent.pages;
        visit.bytes += spent.bytes;
        visit.spent += spent.time;
        let shown = match ended {
            Ok(shown) => shown,
            Err(error) => {
                tracing::warn!(company.id = %visit.company.id, page = %page.url, error = %error.for_row(), "a page could not be rendered");
                return None;
            }
        };
        tracing::debug!(company.id = %visit.company.id, page = %page.url, asks = spent.asks, bytes = shown.body.len(), "a page was rendered");
        if let Some(kept) = visit.kept.last_mut().filter(|kept| kept.url == page.url.as_str()) {
            // Whether the site's page changed says nothing of what its scripts show: it is asked for anew next time.
            *kept = SitePage {
                url: shown.url.as_str().to_owned(),
                content_type: shown.content_type.clone(),
                body: shown.body.as_slice().into(),
                truncated: shown.truncated,
                validators: Validators::default(),
                rendered: true,
                ..kept.clone()
            };
        }
        let (_, mut found) = harvested(shown, visit.company.id, &visit.site).await?;
        found.page.settle();
        Some(found)
    }
}

/// The company at the site its own leads to, with the page there, if that site is its own as well.
async fn moved(company: &Company, home: Page) -> Option<(Company, Page)> {
    let to = home.url.host_str().and_then(normalize::domain_of)?;
    let moved = Company { moved_to: Some(to.clone()), ..company.clone() };
    let site = site::of(&moved);
    let (home, found) = harvested(home, company.id, &site).await?;
    site::has_moved(company, &to, &site::findings(&[found], &site)).then_some((moved, home))
}

/// Reads a page. A large one takes long enough to hold others up: it is read aside.
async fn harvested(page: Page, company: Id<Company>, site: &Site) -> Option<(Page, PageFindings)> {
    let (site, url) = (site.clone(), page.url.clone());
    let read = tokio::task::spawn_blocking(move || {
        let found = harvest::page(&page.url, &page.body, page.content_type.as_deref(), &site);
        (page, found)
    });
    read.await.inspect_err(|error| tracing::error!(company.id = %company, page = %url, error = %error, "a page could not be read")).ok()
}

impl<'a> Visit<'a> {
    fn of(company: &'a Company) -> Self {
        Self {
            company,
            site: site::of(company),
            findings: Vec::new(),
            kept: Vec::new(),
            withdrawn: Vec::new(),
            seen: Vec::new(),
            tried: 1,
            queue: Vec::new(),
            rest: Vec::new(),
            bytes: 0,
            spent: Duration::ZERO,
            rendered: 0,
        }
    }

    /// The next page to look at: the best of those worth it; where they gave no address, one of the rest.
    fn next(&mut self) -> Option<Step> {
        if self.findings.len() > ENOUGH && site::is_enough(&self.findings) {
            return None;
        }
        if !self.queue.is_empty() {
            return Some(self.queue.remove(0));
        }
        let waits = !self.rest.is_empty() && !site::has_address(&self.findings);
        waits.then(|| Step { score: 0, url: self.rest.remove(0), depth: 1 })
    }

    /// Links of a page wait for their turn, if they are not too far from the home page: the best, and no more than are held.
    fn enqueue(&mut self, links: Vec<(u32, Url)>, depth: u32) {
        if depth > DEEPEST {
            return;
        }
        self.queue.extend(links.into_iter().map(|(score, url)| Step { score, url, depth }));
        self.queue.sort_by_key(|step| std::cmp::Reverse(step.score));
        self.queue.truncate(MOST_QUEUED);
    }

    /// Whether nothing more of the site may come.
    fn is_spent(&self) -> bool {
        self.bytes >= MOST_BYTES || self.spent >= MOST_TIME
    }
}

#[async_trait]
impl<F: Fetcher> ContactExtractor for WebsiteExtractor<F> {
    async fn extract(&self, company: &Company) -> Result<Findings> {
        let host = company
            .home()
            .map(ToString::to_string)
            .ok_or_else(|| Error::new(ErrorKind::Rejected, format!("visit {}", company.name)).code("no_own_site"))?;
        match self.visit(company, &host).await {
            Err(error) if error.verdict() == Verdict::Reject => {
                let reason = match error.machine_code() {
                    "robots_disallowed" => "blocked_by_robots",
                    other => other,
                };
                // A header said so of the home page: what an earlier visit kept of it goes.
                let fronts = || ["https://", "http://", "https://www.", "http://www."].map(|front| format!("{front}{host}/")).to_vec();
                let withdrawn = if reason == NOINDEX { fronts() } else { Vec::new() };
                Ok(Findings { reason: Some(reason.to_owned()), withdrawn, ..Findings::default() })
            }
            ended => ended,
        }
    }
}
