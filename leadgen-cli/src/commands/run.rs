//! `run`, and single stages by name.

use std::time::Duration;

use leadgen_core::domain::query::SearchMode;
use leadgen_core::pipeline::desk::Tally;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::setup::wiring::{self, Needs};
use tokio_util::sync::CancellationToken;

use super::Ground;
use crate::args::{Cli, RunArgs};
use crate::output::{self, End};

/// Ctrl-C ends the work after what is in hand; a second one ends the process.
pub(crate) fn stop_on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("stopping after the work in hand; press Ctrl-C again to stop at once");
            stop.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    token
}

fn pipeline(ground: &Ground, needs: Needs, batch: Option<&str>) -> anyhow::Result<Pipeline> {
    let builder = wiring::pipeline(&ground.settings, ground.store.clone(), ground.clock.clone(), needs)?;
    Ok(builder.batch(batch.map(str::to_owned)).shutdown(stop_on_signal()).build()?)
}

pub(crate) async fn run(cli: &Cli, args: &RunArgs) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    let pipeline = pipeline(&ground, Needs::all(&ground.settings), args.batch.as_deref())?.only(&args.stages)?;
    if args.once {
        return finish(cli, &pipeline, true).await;
    }
    if !cli.quiet {
        eprintln!("running {}; Ctrl-C stops", pipeline.stages().join(", "));
    }
    pipeline.run(ground.settings.tick.max(Duration::from_secs(1))).await?;
    Ok(End::Done)
}

/// Runs some stages until nothing is due.
pub(crate) async fn stages(cli: &Cli, stages: &[&str], batch: Option<&str>) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    let wants = |stage: &str| stages.contains(&stage);
    let needs = Needs {
        search: wants("submit").then_some(SearchMode::Deferred),
        contacts: wants("enrich"),
        drafter: wants("draft"),
        mail: (wants("route") || wants("inbox")) && !ground.settings.mailboxes.is_empty(),
    };
    if (wants("route") || wants("inbox")) && ground.settings.mailboxes.is_empty() {
        anyhow::bail!("no mailbox is configured: set YANDEX_USER and YANDEX_PASS, or GMAIL_USER and GMAIL_PASS (see .env.example)");
    }
    if wants("send") && !ground.settings.policy.send.enabled {
        eprintln!("sending is off (EMAIL_SENDING_ENABLED=false): letters are routed and wait");
    }
    let pipeline = pipeline(&ground, needs, batch)?.only(stages)?;
    finish(cli, &pipeline, false).await
}

async fn finish(cli: &Cli, pipeline: &Pipeline, quiet_if_idle: bool) -> anyhow::Result<End> {
    let tallies = if output::may_draw(cli) { with_bar(pipeline).await? } else { pipeline.drain(Until::Idle).await? };
    print(cli, &tallies)?;
    let idle = tallies.iter().all(Tally::is_idle);
    let failed = tallies.iter().any(|tally| tally.failed() > 0 || tally.paused.is_some());
    Ok(match (failed, idle && !quiet_if_idle) {
        (true, _) => End::Partly,
        (false, true) => End::Nothing,
        (false, false) => End::Done,
    })
}

async fn with_bar(pipeline: &Pipeline) -> anyhow::Result<Vec<Tally>> {
    let bar = indicatif::ProgressBar::new_spinner();
    bar.set_message(pipeline.stages().join(" → "));
    bar.enable_steady_tick(Duration::from_millis(120));
    let tallies = pipeline.drain(Until::Idle).await;
    bar.finish_and_clear();
    Ok(tallies?)
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
