//! Visits a company's site: the home page, then the pages most likely to show contacts, until enough is known.

use async_trait::async_trait;
use url::Url;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, Findings};
use crate::error::{Error, ErrorKind, Result, Verdict};
use crate::ports::contacts::ContactExtractor;
use crate::ports::fetch::{Fetcher, Page};
use crate::rules::harvest::{self, PageFindings, Site};
use crate::rules::{normalize, pages, rank, sitemap};

/// An address this sure ends the visit early.
const SURE: f64 = 0.95;
/// Bytes read of one company's site.
const MOST_BYTES: usize = 5 * 1024 * 1024;
/// Files of a site's map that are read.
const MOST_MAPS: usize = 2;
/// The score of a link that surely leads to contacts.
const LIKELY: u32 = 6;
/// Links that wait for a visit.
const MOST_QUEUED: usize = 40;
/// Pages visited after the home page at most before the visit ends early.
const ENOUGH: usize = 3;

/// Finds contacts on company sites through any fetcher.
#[derive(Debug)]
pub struct WebsiteExtractor<F> {
    fetcher: F,
    max_pages: usize,
}

impl<F: Fetcher> WebsiteExtractor<F> {
    /// An extractor that reads at most `max_pages` pages of a company.
    pub fn new(fetcher: F, max_pages: usize) -> Self {
        Self { fetcher, max_pages: max_pages.max(1) }
    }

    /// The home page: https first, then http. A certificate is never waived: a site that fails TLS may still answer plainly.
    async fn home(&self, host: &str) -> Result<Page> {
        let mut first_error: Option<Error> = None;
        for scheme in ["https", "http"] {
            let url = Url::parse(&format!("{scheme}://{host}/"))
                .map_err(|e| Error::new(ErrorKind::Rejected, "read a site's address").because(e))?;
            match self.fetcher.fetch(&url).await {
                Ok(page) => return Ok(page),
                Err(error) if error.machine_code() == "robots_disallowed" => return Err(error),
                Err(error) => first_error = Some(error),
            }
        }
        Err(first_error.unwrap_or_else(|| Error::new(ErrorKind::Unavailable, format!("visit {host}"))))
    }

    async fn visit(&self, company: &Company, host: &str) -> Result<Findings> {
        let home = self.home(host).await?;
        let site = Site { domain: company.canonical_domain.clone(), country: None };
        let nothing = |reason: &str| Ok(Findings { reason: Some(reason.to_owned()), pages: 1, ..Findings::default() });
        match home.status {
            200..=299 => {}
            429 | 503 => return Err(Error::new(ErrorKind::Limited, format!("visit {host}")).code("site_limits")),
            500.. => return Err(Error::new(ErrorKind::Unavailable, format!("visit {host}")).code("site_broken")),
            403 => return nothing("refused_by_site"),
            _ => return nothing("no_page"),
        }
        let elsewhere = home.url.host_str().and_then(normalize::domain_of).is_some_and(|found| {
            let own = company.canonical_domain.as_ref();
            own.is_some_and(|own| normalize::registrable(own) != normalize::registrable(&found))
        });
        if elsewhere {
            return nothing("redirected_elsewhere");
        }
        let mut findings: Vec<PageFindings> = Vec::new();
        let mut seen = vec![home.url.clone()];
        let (mut bytes, base) = (home.body.len(), home.url.clone());
        let mut queue = self.read(home, &site, &mut findings, &seen).await;
        if queue.iter().all(|(score, _)| *score < LIKELY) {
            queue.extend(self.mapped(&base).await);
        }
        if queue.iter().all(|(score, _)| *score < 3) {
            queue.extend(pages::GUESSES.iter().filter_map(|path| base.join(path).ok()).map(|url| (1, url)));
        }
        while let Some((_, url)) = (!queue.is_empty()).then(|| queue.remove(0)) {
            if seen.len() >= self.max_pages || bytes > MOST_BYTES || (findings.len() > ENOUGH && is_enough(&findings)) {
                break;
            }
            if seen.contains(&url) {
                continue;
            }
            seen.push(url.clone());
            // A page that can't be had is left out; the others go on.
            let Ok(page) = self.fetcher.fetch(&url).await else { continue };
            bytes += page.body.len();
            if (200..=299).contains(&page.status) {
                let more = self.read(page, &site, &mut findings, &seen).await;
                queue.extend(more.into_iter().filter(|(score, _)| *score >= 9));
                queue.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
                queue.truncate(MOST_QUEUED);
            }
        }
        let mut merged = harvest::merge(&findings, &site);
        merged.contacts = rank::kept(merged.contacts);
        if merged.contacts.is_empty() {
            merged.reason = Some(harvest::reason(&findings).to_owned());
        }
        Ok(merged)
    }

    /// Pages that the site's map names and whose path looks right.
    async fn mapped(&self, home: &Url) -> Vec<(u32, Url)> {
        let mut found = Vec::new();
        let mut files: Vec<Url> = home.join("/sitemap.xml").into_iter().collect();
        for _ in 0..MOST_MAPS {
            let Some(file) = (!files.is_empty()).then(|| files.remove(0)) else {
                break;
            };
            let Ok(page) = self.fetcher.fetch(&file).await else { break };
            if page.status != 200 {
                break;
            }
            let map = sitemap::read(&page.body);
            let urls = map.urls.iter().filter_map(|url| pages::target(home, url));
            if map.is_index {
                files.extend(urls.take(1));
            } else {
                found.extend(urls.map(|url| (pages::score("", false, &url), url)).filter(|(score, _)| *score >= 3));
            }
        }
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.truncate(MOST_QUEUED);
        found
    }

    /// Reads a page; the links worth following.
    async fn read(&self, page: Page, site: &Site, findings: &mut Vec<PageFindings>, seen: &[Url]) -> Vec<(u32, Url)> {
        let (base, site) = (page.url.clone(), site.clone());
        // A large page takes long enough to hold others up: it is read aside.
        let read = tokio::task::spawn_blocking(move || harvest::page(&page.url, &page.body, page.content_type.as_deref(), &site)).await;
        let Ok(found) = read else { return Vec::new() };
        let mut next = if found.page.nofollow { Vec::new() } else { pages::next(&found.page, &base, seen) };
        if let Some(target) = found.page.refresh.as_deref().and_then(|target| pages::target(&base, target)) {
            next.insert(0, (9, target));
        }
        if !found.page.noindex {
            findings.push(found);
        }
        next.truncate(MOST_QUEUED);
        next
    }
}

fn is_enough(findings: &[PageFindings]) -> bool {
    let contacts = || findings.iter().flat_map(|page| &page.contacts).filter(|seen| seen.doubt.is_none()).map(|seen| &seen.contact);
    contacts().any(|c| c.contact_type == ContactType::Email && c.score >= SURE) && contacts().any(|c| c.contact_type == ContactType::Phone)
}

#[async_trait]
impl<F: Fetcher> ContactExtractor for WebsiteExtractor<F> {
    async fn extract(&self, company: &Company) -> Result<Findings> {
        let host = company
            .canonical_domain
            .as_ref()
            .map(ToString::to_string)
            .ok_or_else(|| Error::new(ErrorKind::Rejected, format!("visit {}", company.name)).code("no_own_site"))?;
        match self.visit(company, &host).await {
            Err(error) if error.verdict() == Verdict::Reject => {
                let reason = match error.machine_code() {
                    "robots_disallowed" => "blocked_by_robots",
                    "no_such_host" => "no_such_host",
                    other => other,
                };
                Ok(Findings { reason: Some(reason.to_owned()), ..Findings::default() })
            }
            ended => ended,
        }
    }
}
