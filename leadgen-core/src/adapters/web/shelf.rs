//! Pages come from the site, or from what the last visit kept: a day old is fresh enough, an older one is asked for again
//! only if it changed.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::domain::company::Company;
use crate::domain::id::Id;
use crate::domain::page::SitePage;
use crate::error::Result;
use crate::ports::clock::Clock;
use crate::ports::fetch::{Fetcher, Page};
use crate::ports::store::SitePages;

use super::aside::aside;

/// A page younger than this is not asked for again.
const FRESH: Duration = Duration::from_hours(24);
/// A page that was not there is not looked for again before.
const ABSENT: Duration = Duration::from_hours(30 * 24);

/// Where pages of earlier visits lie.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) pages: Arc<dyn SitePages>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Shelf {
    async fn look(&self, company: Id<Company>, url: &Url) -> Result<Option<SitePage>> {
        let (pages, asked) = (Arc::clone(&self.pages), url.as_str().to_owned());
        aside(async move { pages.page(company, &asked).await }).await
    }
}

/// A page with what the store keeps of it.
pub(super) struct Got {
    pub(super) page: Page,
    pub(super) kept: Option<SitePage>,
    /// Whether the site was asked.
    pub(super) asked: bool,
}

/// Gets a page of a company's site.
pub(super) async fn get<F: Fetcher>(fetcher: &F, shelf: Option<&Shelf>, company: Id<Company>, url: &Url) -> Result<Got> {
    let Some(shelf) = shelf else {
        return Ok(Got { page: fetcher.fetch(url).await?, kept: None, asked: true });
    };
    let known = shelf.look(company, url).await?;
    let known = known.and_then(|page| Url::parse(&page.url).ok().map(|at| (page, at)));
    if let Some((page, at)) = &known
        && is_fresh(page, shelf.clock.as_ref())
    {
        return Ok(Got { page: unshelved(page, at), kept: Some(page.clone()), asked: false });
    }
    let page = match &known {
        Some((kept, at)) if kept.status == 200 && !kept.validators.is_empty() => fetcher.refetch(url, at, &kept.validators).await?,
        _ => fetcher.fetch(url).await?,
    };
    let now = shelf.clock.now();
    if let (304, Some((kept, at))) = (page.status, &known) {
        let mut kept = SitePage { fetched_at: now, ..kept.clone() };
        if !page.validators.is_empty() {
            kept.validators = page.validators;
        }
        return Ok(Got { page: unshelved(&kept, at), kept: Some(kept), asked: true });
    }
    let there = (200..300).contains(&page.status);
    // A refusal or a failure says nothing about the page.
    let kept = (there || matches!(page.status, 404 | 410)).then(|| SitePage {
        asked: url.as_str().to_owned(),
        url: page.url.as_str().to_owned(),
        status: page.status,
        content_type: page.content_type.clone(),
        body: if there { page.body.as_slice().into() } else { Arc::default() },
        truncated: page.truncated,
        validators: page.validators.clone(),
        rendered: false,
        fetched_at: now,
    });
    Ok(Got { page, kept, asked: true })
}

fn is_fresh(page: &SitePage, clock: &dyn Clock) -> bool {
    let keep = if (200..300).contains(&page.status) { FRESH } else { ABSENT };
    let now = clock.now();
    page.fetched_at <= now && now < page.fetched_at + keep
}

fn unshelved(page: &SitePage, at: &Url) -> Page {
    Page {
        url: at.clone(),
        status: page.status,
        content_type: page.content_type.clone(),
        body: page.body.to_vec(),
        truncated: page.truncated,
        validators: page.validators.clone(),
        spent: Duration::ZERO,
    }
}
