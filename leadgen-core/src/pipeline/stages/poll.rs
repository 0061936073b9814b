//! Poll: is an operation done?

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::serp::{Operation, Progress};
use crate::error::Result;
use crate::pipeline::desk::Worker;
use crate::ports::search::SearchProvider;
use crate::ports::work::PollOperation;

/// Looks in on operations.
#[derive(Debug)]
pub struct Poll {
    /// The provider.
    pub search: Arc<dyn SearchProvider>,
}

#[async_trait]
impl Worker<PollOperation> for Poll {
    async fn work(&self, operation: &Operation) -> Result<Progress> {
        self.search.poll(operation).await
    }
}
