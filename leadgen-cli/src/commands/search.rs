//! `search now`: one synchronous search, its price shown before.

use leadgen_core::actions::search_now;
use leadgen_core::domain::query::SearchMode;
use leadgen_core::pipeline::Until;
use leadgen_core::ports::store::Exports;
use leadgen_core::rules::planning;
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring::{self, Needs};

use super::Ground;
use crate::args::{Cli, SearchCommand};
use crate::output::{self, End};

/// Roubles for a thousand synchronous searches, by day and by night, VAT included.
const ROUBLES: (f64, f64) = (488.0, 366.0);

pub(crate) async fn run(cli: &Cli, command: &SearchCommand) -> anyhow::Result<End> {
    let SearchCommand::Now { niche, city, dry_run } = command;
    let settings = Settings::read(&super::layers(cli)?)?;
    let clock = wiring::clock(&settings);
    let planning_settings = wiring::planning_settings(&settings);
    let text = planning::query_text(niche, city, None, &planning_settings)?;
    let price = if planning::is_cheap(clock.now()) { ROUBLES.1 } else { ROUBLES.0 } / 1000.0;
    eprintln!("one synchronous search, about {price:.2} ₽: {text}");
    if *dry_run {
        return Ok(End::Done);
    }
    let ground = Ground::new(cli).await?;
    let batch = format!("now-{}", ground.now().millis());
    let mut hurried = ground.settings.clone();
    // Asked for by name: the night window does not stand between a person and one search.
    hurried.policy.search.enforce_night = false;
    let needs = Needs { search: Some(SearchMode::Synchronous), ..Needs::default() };
    let builder = wiring::pipeline(&hurried, ground.store.clone(), ground.clock.clone(), needs)?;
    let pipeline = builder.batch(Some(batch.clone())).shutdown(super::run::stop_on_signal()).build()?;
    let pipeline = pipeline.only(&["submit", "ingest", "dedupe"])?;
    search_now::enqueue(ground.store.as_ref(), niche, city, &batch, &planning_settings, ground.now()).await?;
    let tallies = pipeline.drain(Until::Idle).await?;
    if let Some(why) = tallies.iter().find_map(|tally| tally.paused.clone()) {
        anyhow::bail!("{why}");
    }
    if tallies.iter().any(|tally| tally.failed() > 0 || tally.retried > 0) {
        let states = leadgen_core::ports::store::Reports::states(ground.store.as_ref()).await?;
        let reasons: Vec<_> = states.iter().filter(|s| s.entity == "queries" && !s.reason.is_empty()).map(|s| s.reason.clone()).collect();
        anyhow::bail!("the search did not end well: {}; see `leadgen report states`", reasons.join(", "));
    }
    let companies = ground.store.companies(Some(&batch)).await?;
    output::show(cli.json, &companies, || {
        let rows = companies.iter().map(|company| vec![company.name.clone(), company.website_url.clone(), company.status.clone()]);
        format!("{}\n{} new companies; next: leadgen enrich", output::table(&["company", "site", "status"], rows), companies.len())
    })?;
    Ok(if companies.is_empty() { End::Nothing } else { End::Done })
}
