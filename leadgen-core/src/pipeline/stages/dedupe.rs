//! Dedupe: is this result a company we know? The store looks once more inside its commit.

use async_trait::async_trait;

use crate::domain::company::{Suspect, Twin};
use crate::domain::flow::ResultState;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::desk::Worker;
use crate::ports::work::DedupeResult;
use crate::rules::twins;

/// Judges results.
#[derive(Debug)]
pub struct Dedupe;

#[async_trait]
impl Worker<DedupeResult> for Dedupe {
    async fn work(&self, suspect: &Suspect) -> Result<Twin> {
        let newborn = twins::newborn(&suspect.title, suspect.domain.as_str())
            .ok_or_else(|| Error::new(ErrorKind::Malformed, format!("tell whose page {} is", suspect.url)).code("no_dedupe_key"))?;
        Ok(match twins::judge(&newborn, &suspect.region, &suspect.look_alikes) {
            Some(judged) => Twin { kind: judged.rule, same_as: Some(judged.company), score: judged.score, newborn },
            None => Twin { kind: ResultState::Unique, same_as: None, score: 1.0, newborn },
        })
    }
}
