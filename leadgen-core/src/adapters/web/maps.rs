//! The maps a site has: those its robots.txt names, else the usual one; packed ones too.

use std::io::Read;

use url::Url;

use super::extractor::MOST_QUEUED;
use crate::ports::fetch::Fetcher;
use crate::rules::{pages, sitemap};

/// Files of a site's map that are read.
const MOST_MAPS: usize = 2;
/// Bytes of a map, unpacked.
const LARGEST: u64 = 10 * 1024 * 1024;

/// Pages that the site's maps name and whose path looks right, best first.
pub(super) async fn read<F: Fetcher>(fetcher: &F, home: &Url) -> Vec<(u32, Url)> {
    let mut found = Vec::new();
    let named = fetcher.maps(home).await;
    let mut files: Vec<Url> = named.iter().filter_map(|url| pages::target(home, url.as_str())).collect();
    if files.is_empty() {
        files.extend(home.join("/sitemap.xml"));
    }
    for _ in 0..MOST_MAPS {
        let Some(file) = (!files.is_empty()).then(|| files.remove(0)) else { break };
        let Ok(page) = fetcher.fetch(&file).await else { continue };
        if page.status != 200 {
            continue;
        }
        let map = sitemap::read(&unpacked(page.body));
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

/// A map may come as a packed file. What can't be unpacked is read as far as it could be.
fn unpacked(body: Vec<u8>) -> Vec<u8> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return body;
    }
    let mut text = Vec::new();
    let _ = flate2::read::GzDecoder::new(body.as_slice()).take(LARGEST).read_to_end(&mut text);
    text
}
