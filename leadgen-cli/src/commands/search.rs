//! `search now`: one synchronous search, its price shown before.

use leadgen_core::actions::search_now;
use leadgen_core::domain::policy::MOST_RESULTS;
use leadgen_core::domain::query::SearchMode;
use leadgen_core::pipeline::Until;
use leadgen_core::ports::store::{Exports, SearchLedger};
use leadgen_core::rules::{cost, planning};
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring::{self, Needs};

use super::Ground;
use crate::args::{Cli, SearchCommand, StageArgs};
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, command: &SearchCommand) -> anyhow::Result<End> {
    match command {
        SearchCommand::Now { niche, city, pages, dry_run } => now(cli, niche, city, *pages, *dry_run).await,
        SearchCommand::Submit(args) => deferred(cli, "submit", args).await,
        SearchCommand::Poll(args) => deferred(cli, "poll", args).await,
    }
}

/// One stage of the deferred search; if nothing moved, what holds it up is said.
async fn deferred(cli: &Cli, stage: &str, args: &StageArgs) -> anyhow::Result<End> {
    let end = super::run::stages(cli, &[stage], args).await?;
    if end == End::Nothing && !cli.quiet {
        let ground = Ground::new(cli).await?;
        let holds = ground.store.holds(ground.now()).await?;
        for hold in holds.iter().filter(|hold| hold.kind == stage) {
            eprintln!("waiting until {}: {}", hold.until, hold.reason);
        }
    }
    Ok(end)
}

async fn now(cli: &Cli, niche: &str, city: &str, pages: u32, dry_run: bool) -> anyhow::Result<End> {
    let settings = Settings::read(&super::layers(cli)?)?;
    let clock = wiring::clock(&settings);
    let planning_settings = wiring::planning_settings(&settings);
    let text = planning::query_text(niche, city, None, &planning_settings)?;
    // Without a city all of Russia was asked for; a city that is not known is told before it is paid for.
    if let Some(warning) = planning_settings.places.warning(city, "").filter(|_| !city.trim().is_empty()) {
        eprintln!("{warning}");
    }
    let pages = pages.clamp(1, MOST_RESULTS.div_ceil(settings.policy.search.per_page));
    let price = cost::price(&settings.policy.search.prices, SearchMode::Synchronous, clock.now()) * u64::from(pages);
    let up_to = if pages == 1 { "one synchronous search, about".to_owned() } else { format!("up to {pages} pages at once, at most") };
    eprintln!("{up_to} {} ₽: {text}", price.rounded());
    if dry_run {
        return Ok(End::Done);
    }
    let ground = Ground::new(cli).await?;
    let batch = format!("now-{}", ground.now().millis());
    let mut hurried = ground.settings.clone();
    // Asked for by name: the night window does not stand between a person and one search.
    hurried.policy.search.enforce_night = false;
    hurried.policy.search.pages = pages;
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
        let next = if companies.is_empty() { "other words, or another place, may bring some" } else { "next: leadgen enrich" };
        format!("{}\n{} new companies; {next}", output::table(&["company", "site", "status"], rows), companies.len())
    })?;
    Ok(if companies.is_empty() { End::Nothing } else { End::Done })
}
