//! Enrich: a company's public contacts are found, and its addresses looked at: does mail arrive there?

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::contact::{ContactType, Findings};
use crate::domain::name::EmailAddress;
use crate::domain::verification::Verification;
use crate::error::Result;
use crate::pipeline::desk::Worker;
use crate::ports::contacts::ContactExtractor;
use crate::ports::verifier::Verifier;
use crate::ports::work::EnrichCompany;

/// Sends the extractor to companies.
#[derive(Debug)]
pub struct Enrich {
    /// The extractor.
    pub contacts: Arc<dyn ContactExtractor>,
    /// Looks at addresses; none: they stay unknown.
    pub verifier: Option<Arc<dyn Verifier>>,
}

#[async_trait]
impl Worker<EnrichCompany> for Enrich {
    async fn work(&self, company: &Company) -> Result<Findings> {
        let mut findings = self.contacts.extract(company).await?;
        let Some(verifier) = &self.verifier else { return Ok(findings) };
        for found in findings.contacts.iter().filter(|found| found.contact_type == ContactType::Email) {
            if let Ok(address) = EmailAddress::parse(&found.value) {
                let check = verifier.verify(&address, &Verification::not_checked()).await;
                findings.checks.push((found.value.clone(), check));
            }
        }
        Ok(findings)
    }
}
