//! `search now`: one synchronous search, its price shown before.

use leadgen_core::actions::forecast;
use leadgen_core::actions::search_now::{self, Ending};
use leadgen_core::domain::policy::{MOST_RESULTS, SearchPolicy};
use leadgen_core::domain::query::{Asking, ByHand, SearchMode, SearchQuery};
use leadgen_core::domain::report::SearchOutcome;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::{Error, ErrorKind};
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::store::{SearchLedger, Searches};
use leadgen_core::rules::cost;
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring::{self, Needs};

use super::Ground;
use crate::args::{Cli, SearchCommand, StageArgs};
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, command: &SearchCommand) -> anyhow::Result<End> {
    match command {
        SearchCommand::Now { niche, city, pages, again, dry_run } => {
            now(cli, &Wish { niche, city, pages: *pages, again: *again, dry_run: *dry_run }).await
        }
        SearchCommand::Submit(args) => deferred(cli, "submit", args).await,
        SearchCommand::Poll(args) => deferred(cli, "poll", args).await,
    }
}

/// A search as it was asked for.
struct Wish<'a> {
    niche: &'a str,
    city: &'a str,
    pages: u32,
    again: bool,
    dry_run: bool,
}

/// One stage of the deferred search; if nothing moved, what holds it up is said.
async fn deferred(cli: &Cli, stage: &str, args: &StageArgs) -> anyhow::Result<End> {
    let end = super::run::stages(cli, &[stage], args).await?;
    if end != End::Nothing && !args.dry_run {
        return Ok(end);
    }
    let ground = Ground::new(cli).await?;
    let (store, now) = (ground.store.as_ref(), ground.now());
    let holds = if stage == "submit" {
        Vec::from_iter(forecast::barrier(store, &ground.settings.policy.search, now).await?)
    } else {
        store.holds(now).await?.into_iter().filter(|hold| hold.kind == stage).collect()
    };
    for hold in holds.iter().filter(|_| !cli.quiet) {
        eprintln!("nothing is handed over before {}: {}", hold.until, hold.reason);
    }
    // A rehearsal that would hand nothing over has nothing to do.
    Ok(if holds.is_empty() { end } else { End::Nothing })
}

async fn now(cli: &Cli, wish: &Wish<'_>) -> anyhow::Result<End> {
    let settings = Settings::read(&super::layers(cli)?)?;
    let policy = &settings.policy.search;
    let clock = wiring::clock(&settings);
    let planning_settings = wiring::planning_settings(&settings);
    let most = MOST_RESULTS.div_ceil(policy.per_page);
    if !(1..=most).contains(&wish.pages) {
        return Err(output::misuse(
            format!("search {} pages", wish.pages),
            format!("--pages takes 1 to {most} of {} results", policy.per_page),
        ));
    }
    let query = |tag: &str, now| search_now::query(wish.niche, wish.city, tag, &planning_settings, now);
    let text = query("", clock.now()).map_err(|e| output::misuse(format!("search {:?}", wish.niche), e.to_string()))?.text;
    // Without a city all of Russia was asked for; a city that is not known is told before it is paid for.
    if let Some(warning) = planning_settings.places.warning(wish.city, "").filter(|_| !wish.city.trim().is_empty()) {
        eprintln!("{warning}");
    }
    let price = cost::price(&policy.prices, SearchMode::Synchronous, clock.now()) * u64::from(wish.pages);
    let up_to =
        if wish.pages == 1 { "one synchronous search, about".to_owned() } else { format!("up to {} pages at once, at most", wish.pages) };
    tell(cli, &format!("{up_to} {} ₽: {text}", price.rounded()));
    let ground = Ground::new(cli).await?;
    if wish.dry_run {
        return rehearse(cli, &ground, &query("", ground.now())?, wish.again).await;
    }
    let tag = format!("now-{}", ground.now().millis());
    let pipeline = pipeline(&ground, &tag, wish.pages)?;
    // What an earlier process left behind is settled first: so a search in doubt is known to be in doubt.
    pipeline.drain(Until::Idle).await?;
    let since = ground.now();
    let query = query(&tag, since)?;
    let met = ground.store.ask(&query, Asking { again: wish.again, forecast: price }).await?;
    if met == ByHand::PaidInVain {
        return Err(unanswered(
            "search_in_doubt",
            "it was asked before, and was or may have been paid without an answer that could be read; nothing was asked now. It is asked once \
             more by itself on a later night, unless it was given up; --again asks it now, and pays once more",
        ));
    }
    if met != ByHand::Answered {
        pipeline.drain(Until::Idle).await?;
    }
    // What was asked before this call counts as well, unless it was asked anew.
    let since = if matches!(met, ByHand::Answered | ByHand::BeingAsked) { Timestamp::from_millis(0) } else { since };
    told(cli, search_now::ending(ground.store.as_ref(), &query, met, since, ground.now()).await?, met)
}

/// Tells what would happen; nothing is touched.
async fn rehearse(cli: &Cli, ground: &Ground, query: &SearchQuery, again: bool) -> anyhow::Result<End> {
    let (store, now) = (ground.store.as_ref(), ground.now());
    let known = store.outcome(query.id, Timestamp::from_millis(0)).await?;
    let met = known.map_or(ByHand::New, |known| known.query.by_hand(false, known.paid_in_vain, now, again));
    match met {
        ByHand::Answered => tell(cli, "it was answered before: its results would be shown, and nothing paid; --again asks and pays anew"),
        ByHand::PaidInVain => tell(cli, "it was or may have been paid before without an answer: it would be asked with --again only"),
        ByHand::BeingAsked => tell(cli, "it is being asked already: nothing would be asked"),
        ByHand::New | ByHand::MovedUp | ByHand::Due | ByHand::Reopened => {}
    }
    let at_once = SearchPolicy { enforce_night: false, mode: SearchMode::Synchronous, ..ground.settings.policy.search.clone() };
    if let Some(hold) = forecast::barrier(store, &at_once, now).await? {
        tell(cli, &format!("nothing would be asked before {}: {}", hold.until, hold.reason));
    }
    Ok(End::Done)
}

/// The pipeline of one search by hand, which looks for the queries of its tag only.
fn pipeline(ground: &Ground, tag: &str, pages: u32) -> anyhow::Result<Pipeline> {
    let mut hurried = ground.settings.clone();
    // Asked for by name: the night window does not stand between a person and one search.
    hurried.policy.search.enforce_night = false;
    hurried.policy.search.pages = pages;
    let needs = Needs { search: Some(SearchMode::Synchronous), ..Needs::default() };
    let builder = wiring::pipeline(&hurried, ground.store.clone(), ground.clock.clone(), needs)?;
    let pipeline = builder.batch(Some(tag.to_owned())).shutdown(super::run::stop_on_signal()).build()?;
    Ok(pipeline.only(&["submit", "ingest", "dedupe"])?)
}

/// Says how it ended.
fn told(cli: &Cli, ending: Ending, met: ByHand) -> anyhow::Result<End> {
    match ending {
        Ending::Answered(outcome) => {
            if met == ByHand::Answered {
                let at = outcome.asked.as_ref().map(|(at, _)| format!(" at {at}")).unwrap_or_default();
                tell(cli, &format!("asked before{at}: nothing was asked or paid now; --again asks and pays anew"));
            }
            show(cli, &outcome)
        }
        Ending::BeingAsked(outcome) => {
            let (at, handle) =
                outcome.asked.map_or_else(Default::default, |(at, handle)| (format!(" since {at}"), format!(" as {handle}")));
            let told =
                format!("it is being asked already{at}{handle}: nothing was asked or paid now; `leadgen search poll` fetches the answer");
            Ok(output::nothing(cli, "being_asked", &told))
        }
        Ending::Waiting { why, until, withdrawn, outcome } => {
            let until = until.map(|until| format!(", not before {until}")).unwrap_or_default();
            let next = if withdrawn {
                "nothing was paid, and it is not in the queue any more; try again".to_owned()
            } else if outcome.paid_in_vain {
                format!("it was or may have been paid; it stays in the queue and is asked once more by the next `leadgen run`{until}")
            } else {
                format!("it stays in the queue and is asked by the next `leadgen run` or `leadgen search submit`{until}")
            };
            let so_far = if outcome.results == 0 { String::new() } else { format!("{} results so far; ", outcome.results) };
            let (code, why) = why.split_once(": ").unwrap_or((&why, ""));
            let why = if why.is_empty() { String::new() } else { format!("{why}; ") };
            Err(unanswered(code, &format!("{why}{so_far}{next}{}", if withdrawn { until.as_str() } else { "" })))
        }
        Ending::GivenUp { why, paid_in_vain } => {
            let (paid, again) = if paid_in_vain { ("; it was or may have been paid", " --again") } else { ("", "") };
            let (code, why) = why.split_once(": ").unwrap_or((&why, "given up"));
            Err(unanswered(code, &format!("{why}{paid}; `leadgen search now{again}` asks it once more")))
        }
    }
}

fn show(cli: &Cli, outcome: &SearchOutcome) -> anyhow::Result<End> {
    let companies = &outcome.companies;
    output::show(cli.json, companies, || {
        let rows = companies.iter().map(|company| vec![company.name.clone(), company.website_url.clone(), company.status.clone()]);
        let next = if companies.is_empty() { "other words, or another place, may bring some" } else { "next: leadgen enrich" };
        let head = output::table(&["company", "site", "status"], rows);
        format!("{head}\n{} results, {} new companies; {next}", outcome.results, companies.len())
    })?;
    Ok(if companies.is_empty() { End::Nothing } else { End::Done })
}

fn unanswered(code: &str, why: &str) -> anyhow::Error {
    Error::new(ErrorKind::Conflict, "get an answer").code(code.to_owned()).detail(why.to_owned()).into()
}

fn tell(cli: &Cli, text: &str) {
    if !cli.quiet {
        eprintln!("{text}");
    }
}
