//! Enrich: a company's public contacts are found.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::Findings;
use crate::error::Result;
use crate::pipeline::desk::Worker;
use crate::ports::contacts::ContactExtractor;
use crate::ports::work::EnrichCompany;

/// Sends the extractor to companies.
#[derive(Debug)]
pub struct Enrich {
    /// The extractor.
    pub contacts: Arc<dyn ContactExtractor>,
}

#[async_trait]
impl Worker<EnrichCompany> for Enrich {
    async fn work(&self, company: &Company) -> Result<Findings> {
        self.contacts.extract(company).await
    }
}
