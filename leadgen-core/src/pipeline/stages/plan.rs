//! Plan: a niche becomes queries.

use async_trait::async_trait;

use crate::domain::lead::Niche;
use crate::domain::query::Planned;
use crate::error::Result;
use crate::pipeline::desk::Worker;
use crate::ports::work::PlanNiche;
use crate::rules::planning;

/// Builds the queries of niches.
#[derive(Debug)]
pub struct Plan {
    /// What is added to every niche.
    pub settings: planning::Settings,
}

#[async_trait]
impl Worker<PlanNiche> for Plan {
    async fn work(&self, niche: &Niche) -> Result<Planned> {
        let queries = planning::query_set(&niche.niche, &niche.city, &niche.country, &self.settings)?;
        Ok(Planned { queries, warning: self.settings.places.warning(&niche.city, &niche.country) })
    }
}
