//! Ingest: a kept page becomes results. Catalogues and the like are sieved out, each counted.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::info;

use crate::domain::name::DomainName;
use crate::domain::policy::SearchPolicy;
use crate::domain::serp::{KeptPage, Reading};
use crate::error::Result;
use crate::pipeline::desk::Worker;
use crate::ports::search::SearchProvider;
use crate::ports::work::IngestPage;
use crate::rules::reading;

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
        let reading = reading::page(self.search.read(&kept.page), &kept.query, &self.excluded, &self.policy)?;
        if reading.documents == 0 {
            info!(query = %kept.query.id, page = kept.query.page, "serp_empty");
        }
        Ok(reading)
    }
}
