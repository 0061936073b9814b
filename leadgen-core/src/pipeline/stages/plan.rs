//! Plan: a niche becomes queries.

use async_trait::async_trait;

use crate::domain::lead::Niche;
use crate::domain::query::Planned;
use crate::error::Result;
use crate::pipeline::desk::Worker;
use crate::ports::work::PlanNiche;
use crate::rules::{planning, regions};

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
        let place = if niche.city.is_empty() { &niche.country } else { &niche.city };
        let warning = regions::resolve(&niche.city, &niche.country).defaulted.then(|| match place.as_str() {
            "" => "region_defaulted: no place is given, all of Russia is searched".to_owned(),
            place => format!("region_defaulted: the place {place:?} is unknown, all of Russia is searched"),
        });
        Ok(Planned { queries, warning })
    }
}
