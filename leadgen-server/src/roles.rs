//! What each role does. The scheduler takes rows in and plans; the worker does the rest, in three lines that don't wait
//! for each other, so that a letter's turn or a night slot never stands behind a slow site; the API answers HTTP.

use std::sync::Arc;

use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::pipeline::Pipeline;
use leadgen_core::ports::store::Shift;
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring::{self, Needs, OpenStore};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::ground::Ground;
use crate::http;
use crate::stop::Stop;

/// Stages that share their turns.
#[derive(Debug)]
struct Line {
    name: &'static str,
    role: &'static str,
    stages: &'static [&'static str],
    needs: fn(&Settings) -> Needs,
}

const LINES: [Line; 4] = [
    Line { name: "planning", role: "scheduler", stages: &["intake", "plan"], needs: taking_in },
    Line { name: "search", role: "worker", stages: &["submit", "poll", "ingest", "dedupe"], needs: searching },
    Line {
        name: "contacts",
        role: "worker",
        stages: &["enrich", "draft"],
        needs: |_| Needs { contacts: true, drafter: true, ..Needs::default() },
    },
    Line { name: "mail", role: "worker", stages: &["route", "send", "inbox"], needs: mailing },
];

fn searching(settings: &Settings) -> Needs {
    Needs { search: Needs::all(settings).search, ..Needs::default() }
}

fn taking_in(settings: &Settings) -> Needs {
    Needs { sheet: settings.sheet.sync, ..Needs::default() }
}

fn mailing(settings: &Settings) -> Needs {
    Needs { mail: !settings.mailboxes.is_empty(), ..Needs::default() }
}

/// Does all that this process is for, until it is stopped.
pub(crate) async fn run(ground: Arc<Ground>) -> Result<()> {
    let mut parts = JoinSet::new();
    if ground.listens() {
        let listener = http::open(&ground).await?;
        parts.spawn(http::serve(Arc::clone(&ground), listener));
    }
    parts.spawn(upkeep(Arc::clone(&ground)));
    parts.spawn(pipelines(Arc::clone(&ground)));
    info!(roles = ground.settings.roles.join(","), version = env!("CARGO_PKG_VERSION"), "started");
    let ended = all(&ground.stop, parts).await;
    info!("stopped");
    ended
}

/// Waits for all parts. The first that fails stops the others, and its error is the process's.
async fn all(stop: &Stop, mut parts: JoinSet<Result<()>>) -> Result<()> {
    let mut first = Ok(());
    while let Some(ended) = parts.join_next().await {
        let ended = ended.unwrap_or_else(|e| Err(Error::new(ErrorKind::Unavailable, "go on after a panic").code("panic").because(e)));
        if let Err(error) = ended {
            error!(code = error.machine_code(), text = %error.for_row(), "a part failed");
            stop.soon.cancel();
            first = first.and(Err(error));
        }
    }
    first
}

async fn upkeep(ground: Arc<Ground>) -> Result<()> {
    ground.meters.upkeep(ground.stop.soon.clone()).await;
    Ok(())
}

async fn pipelines(ground: Arc<Ground>) -> Result<()> {
    if !ground.open_store().await {
        return Ok(());
    }
    let Some(store) = ground.health.store() else { return Ok(()) };
    let mut lines = JoinSet::new();
    for line in LINES.iter().filter(|line| ground.has_role(line.role)) {
        let pipeline = pipeline(&ground, store, line)?;
        ground.health.serves(&pipeline.stages());
        if pipeline.stages().is_empty() {
            info!(line = line.name, "nothing is configured for it");
        } else {
            info!(line = line.name, stages = pipeline.stages().join(","), "line");
            lines.spawn(work(Arc::clone(&ground), Arc::clone(store), line.name, pipeline));
        }
    }
    all(&ground.stop, lines).await
}

fn pipeline(ground: &Ground, store: &OpenStore, line: &Line) -> Result<Pipeline> {
    let settings = &ground.settings;
    let builder = wiring::pipeline(settings, Arc::clone(store), Arc::clone(&ground.clock), (line.needs)(settings))?;
    let stop = &ground.stop;
    let owner = format!("{}-{}", line.name, std::process::id());
    builder.owner(owner).shutdown(stop.soon.clone()).cut(stop.now.clone()).build()?.only(line.stages)
}

/// Runs a line. What it can't begin for (another process works on the file) may pass: `/readyz` tells, and it tries again.
async fn work(ground: Arc<Ground>, store: OpenStore, name: &'static str, pipeline: Pipeline) -> Result<()> {
    loop {
        let ended = match store.begin().await {
            Ok(()) => {
                ground.health.rose(name);
                pipeline.run(ground.settings.tick).await
            }
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => return Ok(()),
            Err(error) => {
                ground.health.fell(name, &error);
                warn!(line = name, code = error.machine_code(), text = %error.for_row(), "line can't work");
            }
        }
        if !ground.pause().await {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use leadgen_core::pipeline::STAGES;

    use super::*;

    #[test]
    fn every_stage_has_exactly_one_line() {
        for stage in STAGES {
            let lines: Vec<&str> = LINES.iter().filter(|line| line.stages.contains(&stage)).map(|line| line.name).collect();
            assert_eq!(lines.len(), 1, "{stage}: {lines:?}");
        }
    }

    #[tokio::test]
    async fn a_part_that_fails_or_panics_stops_the_others_and_is_told() {
        let stop = Stop::default();
        let mut parts = JoinSet::new();
        let waits = stop.soon.clone();
        parts.spawn(async move {
            waits.cancelled().await;
            Ok(())
        });
        parts.spawn(async { Err(Error::new(ErrorKind::Config, "begin").code("first")) });

        let ended = all(&stop, parts).await;

        assert_eq!(ended.map_err(|e| e.machine_code().to_owned()), Err("first".to_owned()));
        assert!(stop.soon.is_cancelled());
    }
}
