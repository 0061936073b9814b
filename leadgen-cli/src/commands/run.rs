//! `run`, and single stages by name.

use std::time::Duration;

use leadgen_core::actions::review;
use leadgen_core::domain::query::SearchMode;
use leadgen_core::error::{Error, ErrorKind};
use leadgen_core::pipeline::tally::{Tally, Watch};
use leadgen_core::pipeline::{Pipeline, STAGES, Until};
use leadgen_core::ports::store::Agenda;
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring::{self, Needs};
use tokio_util::sync::CancellationToken;

use super::Ground;
use crate::args::{Cli, DraftArgs, RunArgs, StageArgs};
use crate::output::{self, End};
use crate::progress::Bars;

/// Ctrl-C ends the work after what is in hand; a second one ends the process.
pub(crate) fn stop_on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        interrupted().await;
        eprintln!("stopping after the work in hand; press Ctrl-C again to stop at once");
        stop.cancel();
        interrupted().await;
        std::process::exit(130);
    });
    token
}

/// Waits for Ctrl-C, or for the signal by which machines end programs.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the system's own ending holds; there is nothing to wait for.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn pipeline(ground: &Ground, needs: Needs, batch: Option<&str>, watch: Watch) -> anyhow::Result<Pipeline> {
    let builder = wiring::pipeline(&ground.settings, ground.store.clone(), ground.clock.clone(), needs)?;
    Ok(builder.batch(batch.map(str::to_owned)).shutdown(stop_on_signal()).watch(watch).build()?)
}

pub(crate) async fn run(cli: &Cli, args: &RunArgs) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    if args.dry_run {
        return waiting(cli, &ground, &args.stages).await;
    }
    let bars = Bars::new(cli, &ground.store.loads(ground.now()).await?);
    let pipeline = pipeline(&ground, Needs::all(&ground.settings), args.batch.as_deref(), bars.watch())?.only(&args.stages)?;
    let off = what_is_off(&ground.settings, &pipeline, &args.stages)?;
    if !args.once && !cli.quiet {
        eprintln!("running {}; Ctrl-C stops", pipeline.stages().join(", "));
    }
    if !cli.quiet {
        for line in &off {
            eprintln!("not running {line}");
        }
    }
    if args.once {
        return finish(cli, &pipeline, &bars, args.batch.as_deref()).await;
    }
    pipeline.run(ground.settings.tick.max(Duration::from_secs(1))).await?;
    Ok(End::Done)
}

/// Stages whose parts are not set up, each with what would switch it on; refused where one was asked for by name.
fn what_is_off(settings: &Settings, pipeline: &Pipeline, wanted: &[String]) -> anyhow::Result<Vec<String>> {
    let on = pipeline.stages();
    let off = STAGES.into_iter().filter(|stage| !on.contains(stage));
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for stage in off.filter(|stage| wanted.is_empty() || wanted.iter().any(|name| name == stage)) {
        let why = wiring::why_off(settings, stage);
        match by_reason.iter_mut().find(|(known, _)| *known == why) {
            Some((_, stages)) => stages.push(stage),
            None => by_reason.push((why, vec![stage])),
        }
    }
    let lines: Vec<String> = by_reason.iter().map(|(why, stages)| format!("{}: {why}", stages.join(", "))).collect();
    if !wanted.is_empty() && !lines.is_empty() {
        let refused = Error::new(ErrorKind::Config, "run what was asked for").code("stage_not_set_up");
        return Err(refused.detail(lines.join("; ")).into());
    }
    Ok(lines)
}

/// Writes letters; with `--again`, those that wait for review anew.
pub(crate) async fn draft(cli: &Cli, args: &DraftArgs) -> anyhow::Result<End> {
    if args.again && !args.stage.dry_run {
        let ground = Ground::new(cli).await?;
        let taken_back = review::withdraw_all(ground.store.as_ref(), args.stage.batch.as_deref(), "operator", ground.now()).await?;
        eprintln!("{taken_back} drafts taken back");
    }
    let settings = Settings::read(&super::layers(cli)?)?;
    if settings.sender.person.is_empty() || settings.legal_basis.is_empty() {
        eprintln!(
            "these letters are for reading: before any can leave, set MAIL_SENDER_PROFILE_FILE and LEADGEN_LEGAL_BASIS, then run `leadgen draft --again`"
        );
    }
    stages(cli, &["draft"], &args.stage).await
}

/// Runs some stages until nothing is due.
pub(crate) async fn stages(cli: &Cli, stages: &[&str], args: &StageArgs) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    if args.dry_run {
        return waiting(cli, &ground, &stages.iter().map(ToString::to_string).collect::<Vec<_>>()).await;
    }
    let wants = |stage: &str| stages.contains(&stage);
    let needs = Needs {
        search: (wants("submit") || wants("poll") || wants("ingest")).then_some(SearchMode::Deferred),
        contacts: wants("enrich"),
        drafter: wants("draft"),
        mail: (wants("route") || wants("inbox")) && !ground.settings.mailboxes.is_empty(),
        sheet: false,
    };
    if (wants("route") || wants("inbox")) && ground.settings.mailboxes.is_empty() {
        let missing = Error::new(ErrorKind::Config, "set a mailbox up").code("no_mailbox");
        return Err(missing.detail("set YANDEX_USER and YANDEX_PASS, or GMAIL_USER and GMAIL_PASS (see .env.example)").into());
    }
    if wants("send") && !ground.settings.policy.send.enabled {
        eprintln!("sending is off (EMAIL_SENDING_ENABLED=false): letters are routed and wait");
    }
    let bars = Bars::new(cli, &ground.store.loads(ground.now()).await?);
    let pipeline = pipeline(&ground, needs, args.batch.as_deref(), bars.watch())?.only(stages)?;
    finish(cli, &pipeline, &bars, args.batch.as_deref()).await
}

/// What waits in the lanes of some stages (of all, if none is named); nothing is touched.
async fn waiting(cli: &Cli, ground: &Ground, stages: &[String]) -> anyhow::Result<End> {
    let mut loads = ground.store.loads(ground.now()).await?;
    loads.retain(|load| stages.is_empty() || stages.contains(&load.stage));
    output::show(cli.json, &loads, || {
        let rows = loads.iter().map(|load| vec![load.stage.clone(), load.due.to_string(), load.waiting.to_string()]);
        output::table(&["stage", "would be worked on now", "waiting in all"], rows)
    })?;
    Ok(if loads.iter().all(|load| load.due == 0) { End::Nothing } else { End::Done })
}

async fn finish(cli: &Cli, pipeline: &Pipeline, bars: &Bars, batch: Option<&str>) -> anyhow::Result<End> {
    let drained = pipeline.drain(Until::Idle).await;
    bars.clear();
    let tallies = drained?;
    if !cli.quiet && tallies.iter().all(Tally::is_idle) {
        match pipeline.store().next_due(pipeline.now()).await? {
            Some(due) => eprintln!("nothing is due now; next at {due}"),
            None => eprintln!("nothing is due, now or later"),
        }
        if let Some(batch) = batch.filter(|batch| !batch.is_empty()) {
            let funnel = pipeline.store().funnel(Some(batch)).await?;
            if funnel.niches + funnel.queries + funnel.companies == 0 {
                eprintln!("there is no batch {batch:?}; `leadgen report cost` and `leadgen export companies` name those there are");
            }
        }
    }
    print(cli, &tallies)?;
    let idle = tallies.iter().all(Tally::is_idle);
    let failed = tallies.iter().any(|tally| tally.failed() > 0 || tally.paused.is_some());
    Ok(match (failed, idle) {
        (true, _) => End::Partly,
        (false, true) => End::Nothing,
        (false, false) => End::Done,
    })
}

fn print(cli: &Cli, tallies: &[Tally]) -> anyhow::Result<()> {
    output::show(cli.json, &tallies, || {
        let rows = tallies.iter().map(|tally| {
            let numbers = [tally.done, tally.retried, tally.rejected, tally.held, tally.in_doubt].map(|n| n.to_string());
            let mut row = vec![tally.stage.clone()];
            row.extend(numbers);
            row.push(tally.paused.clone().unwrap_or_default());
            row
        });
        output::table(&["stage", "done", "later", "given up", "held", "in doubt", "stopped because"], rows)
    })
}
