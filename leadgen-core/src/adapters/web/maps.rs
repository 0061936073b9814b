//! The maps a site has: those its robots.txt names, else the usual one; packed ones too.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use url::Url;

use super::extractor::{IN_VAIN, MOST_QUEUED};
use crate::error::ErrorKind;
use crate::ports::fetch::Fetcher;
use crate::rules::{pages, sitemap};

/// Files of a site's map that are read.
const MOST_MAPS: usize = 2;
/// Bytes of a map, unpacked.
const LARGEST: u64 = 10 * 1024 * 1024;

/// A look at a site's maps, one file after the other.
pub(super) struct Search<'a, F> {
    fetcher: &'a F,
    home: &'a Url,
    files: VecDeque<Url>,
    /// Files that may still be read.
    left: usize,
    found: Vec<(u32, Url)>,
}

impl<'a, F: Fetcher> Search<'a, F> {
    pub(super) async fn of(fetcher: &'a F, home: &'a Url) -> Self {
        let named = fetcher.maps(home).await;
        let mut files: VecDeque<Url> = named.iter().filter_map(|url| pages::target(home, url.as_str())).take(MOST_MAPS).collect();
        if files.is_empty() {
            files.extend(home.join("/sitemap.xml"));
        }
        Self { fetcher, home, files, left: MOST_MAPS, found: Vec::new() }
    }

    /// Reads the next file, if there is one; the bytes and the time that it took.
    pub(super) async fn read_next(&mut self) -> Option<(usize, Duration)> {
        if self.left == 0 {
            return None;
        }
        let file = self.files.pop_front()?;
        self.left -= 1;
        let page = match self.fetcher.fetch(&file).await {
            Ok(page) => page,
            Err(error) => return Some((0, if error.kind() == ErrorKind::Unavailable { IN_VAIN } else { Duration::ZERO })),
        };
        let cost = (page.body.len(), page.spent);
        if page.status != 200 {
            return Some(cost);
        }
        // Ten megabytes take long enough to hold others up: they are unpacked and read aside.
        let read = tokio::task::spawn_blocking(move || sitemap::read(&unpacked(page.body))).await;
        let Ok(map) = read.inspect_err(|error| tracing::error!(file = %file, error = %error, "a map could not be read")) else {
            return Some(cost);
        };
        let urls = map.urls.iter().filter_map(|url| pages::target(self.home, url));
        if map.is_index {
            self.files.extend(urls.take(1));
        } else {
            self.found.extend(urls.map(|url| (pages::score("", false, &url), url)).filter(|(score, _)| *score >= 3));
        }
        Some(cost)
    }

    /// Pages that the maps name and whose path looks right, best first.
    pub(super) fn found(mut self) -> Vec<(u32, Url)> {
        self.found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.found.truncate(MOST_QUEUED);
        self.found
    }
}

/// A map may come as a packed file. What can't be unpacked is read as far as it could be.
fn unpacked(body: Vec<u8>) -> Vec<u8> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return body;
    }
    let mut text = Vec::new();
    let _ = flate2::read::GzDecoder::new(body.as_slice()).take(LARGEST).read_to_end(&mut text);
    text
}
