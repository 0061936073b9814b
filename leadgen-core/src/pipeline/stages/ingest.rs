//! Ingest: a kept page becomes results. Catalogues and the like are sieved out, each counted.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::info;

use crate::domain::name::DomainName;
use crate::domain::policy::{MOST_RESULTS, SearchPolicy};
use crate::domain::query::SearchQuery;
use crate::domain::serp::{Hit, KeptPage, Reading, Sighting};
use crate::error::Result;
use crate::pipeline::desk::Worker;
use crate::ports::search::SearchProvider;
use crate::ports::work::IngestPage;
use crate::rules::{normalize, planning, sieve};

/// Reads pages.
#[derive(Debug)]
pub struct Ingest {
    /// The provider that reads its own pages.
    pub search: Arc<dyn SearchProvider>,
    /// Domains dropped besides the built-in list.
    pub excluded: Vec<DomainName>,
    /// Which pages are asked for, and how full they are.
    pub policy: SearchPolicy,
}

#[async_trait]
impl Worker<IngestPage> for Ingest {
    async fn work(&self, kept: &KeptPage) -> Result<Reading> {
        let hits = match self.search.read(&kept.page) {
            // Asked past the end of the results: there is no more, which is no failure.
            Err(error) if kept.query.page > 0 && error.machine_code() == "serp_error_18" => Vec::new(),
            read => read?,
        };
        if hits.is_empty() {
            info!(query = %kept.query.id, page = kept.query.page, "serp_empty");
        }
        Ok(reading(hits, &kept.query, &self.excluded, &self.policy))
    }
}

/// What a page of a query gives, with places counted over all its pages, and the page to be asked next.
pub fn reading(hits: Vec<Hit>, query: &SearchQuery, excluded: &[DomainName], policy: &SearchPolicy) -> Reading {
    let mut reading = sift(hits, excluded);
    for sighting in &mut reading.sightings {
        sighting.position += query.page * policy.per_page;
    }
    let next = query.page + 1;
    let is_full = reading.documents >= policy.per_page;
    let is_below_ceiling = next * policy.per_page < MOST_RESULTS;
    reading.next_page = (is_full && is_below_ceiling && next < policy.pages).then_some(next);
    reading
}

/// Hits → sightings: addresses normalized, foreign hosts dropped, one address once at its best position.
pub fn sift(hits: Vec<Hit>, excluded: &[DomainName]) -> Reading {
    let mut reading = Reading { documents: hits.len() as u32, ..Reading::default() };
    for (index, hit) in hits.into_iter().enumerate() {
        let position = if hit.position == 0 { index as u32 + 1 } else { hit.position };
        let Some(address) = normalize::address(&hit.url) else {
            reading.invalid += 1;
            continue;
        };
        if sieve::drop_reason(&address.host, excluded).is_some() {
            reading.excluded += 1;
            continue;
        }
        if reading.sightings.iter().any(|seen| seen.url == address.url) {
            continue;
        }
        let title = planning::squash(&hit.title);
        reading.sightings.push(Sighting {
            position,
            title: if title.is_empty() { address.host.to_string() } else { title },
            snippet: planning::squash(&hit.snippet),
            language: hit.language,
            registrable_domain: normalize::registrable(&address.host).map(|family| family.to_string()),
            domain: address.host.to_string(),
            url: address.url,
        });
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_kept_or_counted() {
        let hits = ["https://www.denta-lux.ru/uslugi?utm_source=x", "https://kazan.hh.ru/", "ftp://x.ru", "http://denta-lux.ru/uslugi"];
        let reading = sift(hits.iter().map(|url| Hit::new(*url, "")).collect(), &[]);
        assert_eq!((reading.documents, reading.excluded, reading.invalid), (4, 1, 1));
        assert_eq!(reading.sightings.len(), 1, "one address is one result");
        assert_eq!((reading.sightings[0].position, reading.sightings[0].title.as_str()), (1, "denta-lux.ru"));
    }
}
