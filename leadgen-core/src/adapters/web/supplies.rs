//! What a page of a company's site asks for while it is rendered comes by the same fetcher, out of the same budget.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use url::Url;

use crate::domain::page::{Ask, AskKind};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::fetch::{Fetcher, Page};
use crate::ports::render::Supply;
use crate::rules::rendering;

use super::extractor::IN_VAIN;

/// What a company's budget still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) pages: usize,
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

/// What was taken of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) asks: usize,
    pub(super) pages: usize,
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

/// The supplies of one page.
pub(super) struct Supplies<'a, F> {
    fetcher: &'a F,
    page: &'a Url,
    left: Left,
    /// Held while something is fetched: one thing at a time, so that the budget is exact.
    spent: Mutex<Spent>,
}

impl<'a, F: Fetcher> Supplies<'a, F> {
    pub(super) fn of(fetcher: &'a F, page: &'a Url, left: Left) -> Self {
        Self { fetcher, page, left, spent: Mutex::default() }
    }

    pub(super) async fn spent(&self) -> Spent {
        *self.spent.lock().await
    }

    fn is_over(&self, spent: &Spent, ask: &Ask) -> bool {
        spent.asks >= rendering::MOST_ASKS
            || spent.bytes > self.left.bytes
            || spent.time > self.left.time
            || (ask.kind == AskKind::Document && spent.pages >= self.left.pages)
    }
}

#[async_trait]
impl<F: Fetcher> Supply for Supplies<'_, F> {
    async fn supply(&self, ask: &Ask) -> Result<Page> {
        let refused =
            |why: &'static str| Error::new(ErrorKind::Rejected, format!("give a page {}", ask.url)).code("not_for_pages").detail(why);
        if let Some(why) = rendering::refusal(self.page, ask) {
            return Err(refused(why));
        }
        let mut spent = self.spent.lock().await;
        if self.is_over(&spent, ask) {
            return Err(refused("budget"));
        }
        spent.asks += 1;
        spent.pages += usize::from(ask.kind == AskKind::Document);
        let page = match self.fetcher.fetch(&ask.url).await {
            Ok(page) => page,
            Err(error) => {
                if error.kind() == ErrorKind::Unavailable {
                    spent.time += IN_VAIN;
                }
                return Err(error);
            }
        };
        spent.bytes += page.body.len();
        spent.time += page.spent;
        // A redirect may have led elsewhere: that is no part of this site.
        if rendering::is_same_site(self.page, &page.url) { Ok(page) } else { Err(refused("elsewhere")) }
    }
}
