//! Ingest: a kept page becomes results. Catalogues and the like are sieved out, each counted.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::name::DomainName;
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
}

#[async_trait]
impl Worker<IngestPage> for Ingest {
    async fn work(&self, kept: &KeptPage) -> Result<Reading> {
        Ok(sift(self.search.read(&kept.page)?, &self.excluded))
    }
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
