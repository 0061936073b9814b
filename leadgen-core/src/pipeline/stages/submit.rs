//! Submit: a query is asked, once.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::query::SearchQuery;
use crate::domain::serp::Submission;
use crate::error::Result;
use crate::pipeline::desk::{OnceWorker, Ready};
use crate::ports::search::SearchProvider;
use crate::ports::work::SubmitQuery;

/// Hands queries to the search provider.
#[derive(Debug)]
pub struct Submit {
    /// The provider.
    pub search: Arc<dyn SearchProvider>,
}

#[async_trait]
impl OnceWorker<SubmitQuery> for Submit {
    async fn prepare(&self, query: &SearchQuery) -> Result<Box<dyn Ready<SubmitQuery>>> {
        Ok(Box::new(Asking { search: Arc::clone(&self.search), query: query.clone() }))
    }
}

struct Asking {
    search: Arc<dyn SearchProvider>,
    query: SearchQuery,
}

#[async_trait]
impl Ready<SubmitQuery> for Asking {
    async fn finish(self: Box<Self>) -> Result<Submission> {
        self.search.submit(&self.query).await
    }
}
