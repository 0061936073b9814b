//! Dedupe: what company would this result be? Whether it is one we know is seen inside the commit, where nobody else can be
//! born meanwhile.

use async_trait::async_trait;

use crate::domain::company::{NewCompany, Suspect};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::desk::Worker;
use crate::ports::work::DedupeResult;
use crate::rules::twins;

/// Makes companies of results.
#[derive(Debug)]
pub struct Dedupe;

#[async_trait]
impl Worker<DedupeResult> for Dedupe {
    async fn work(&self, suspect: &Suspect) -> Result<NewCompany> {
        twins::newborn(&suspect.title, suspect.domain.as_str())
            .ok_or_else(|| Error::new(ErrorKind::Malformed, format!("tell whose page {} is", suspect.url)).code("no_dedupe_key"))
    }
}
