//! `intake`: niches come in, from a file or from the sheet, and go back with what became of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use leadgen_core::domain::lead::{LeadRow, RowFate, RowStatus};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::{Until, inlet};
use leadgen_core::ports::leads::LeadSource;
use leadgen_core::ports::store::{Admit, RowOutcomes};
use leadgen_core::setup::wiring::{self, Needs};

use super::{Ground, plan};
use crate::args::{Cli, IntakeCommand};
use crate::output::{self, End};

/// How long a sheet that limits us is waited for: 1, 2, 4 seconds, and a little more.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(cli: &Cli, command: &IntakeCommand) -> anyhow::Result<End> {
    match command {
        IntakeCommand::Import { file, batch_tag, map, dry_run } => import(cli, file, batch_tag.as_deref(), map, *dry_run).await,
        IntakeCommand::Sync { batch_tag, dry_run } => sync(cli, batch_tag.as_deref(), *dry_run).await,
    }
}

async fn import(cli: &Cli, file: &Path, batch_tag: Option<&str>, map: &[String], dry_run: bool) -> anyhow::Result<End> {
    let leads = wiring::mapped_leads_file(file, batch_tag, map)?;
    for problem in leads.problems() {
        eprintln!("{problem}");
    }
    if leads.rows().is_empty() {
        return Ok(no_rows(cli, &file.display().to_string(), leads.problems()));
    }
    let ground = Ground::new(cli).await?;
    if dry_run {
        return plan::show_rows(cli, &ground, leads.rows(), leads.problems().len()).await;
    }
    tell_repeats(leads.rows());
    let store = ground.store.clone();
    // Whoever imports a file again asks for its rows again, changed or not: known queries are found, not made.
    store.admit(&file.display().to_string(), leads.rows(), None, ground.now()).await?;
    planned(&ground).await?;
    inlet::acknowledge(store.as_ref(), &leads, leads.rows()).await?;
    let outcomes: Vec<RowStatus> = store.outcomes(leads.rows()).await?.into_iter().flatten().collect();
    show(cli, &outcomes, Some(&leads.status_path()))?;
    Ok(end(&outcomes, leads.problems().len()))
}

/// Nothing to take; lines that could not be read are no "nothing", and a program that reads only stdout learns of them too.
pub(super) fn no_rows(cli: &Cli, place: &str, problems: &[String]) -> End {
    if problems.is_empty() {
        return output::nothing(cli, "no_rows", &format!("{place} holds no row that asks to be taken"));
    }
    let lost = if cli.json { format!(": {}", problems.join("; ")) } else { String::new() };
    output::instead(cli, "rows_unreadable", &format!("no row of {place} could be taken{lost}"), End::Partly)
}

/// Rows of one content are one niche: said, so that nobody looks for the queries of the later ones.
pub(super) fn tell_repeats(rows: &[LeadRow]) {
    let mut first: HashMap<_, &str> = HashMap::new();
    for row in rows {
        match first.entry(row.niche_id()) {
            Entry::Occupied(known) => eprintln!("{}: the same row as {}; its queries are known from there", row.origin, known.get()),
            Entry::Vacant(place) => {
                place.insert(&row.origin);
            }
        }
    }
}

/// The plan lane gives so many niches a tick; a long list takes several.
async fn planned(ground: &Ground) -> anyhow::Result<()> {
    let pipeline = wiring::pipeline(&ground.settings, ground.store.clone(), ground.clock.clone(), Needs::default())?.build()?;
    pipeline.only(&["plan"])?.drain(Until::Idle).await?;
    Ok(())
}

async fn sync(cli: &Cli, batch_tag: Option<&str>, dry_run: bool) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    let tag = batch_tag.or(ground.settings.sheet.batch_tag.as_deref());
    let sheet = Arc::new(wiring::sheet(&ground.settings, &ground.clock, tag)?);
    let rows: Vec<LeadRow> = sheet.pull(None).await?.items;
    if rows.is_empty() {
        return Ok(output::nothing(cli, "no_rows", "no row of the sheet asks to be taken (status blank or NEW)"));
    }
    if dry_run {
        return plan::show_rows(cli, &ground, &rows, 0).await;
    }
    tell_repeats(&rows);
    let builder = wiring::pipeline(&ground.settings, ground.store.clone(), ground.clock.clone(), Needs::default())?;
    let pipeline = builder.leads_every("sheet", sheet, Duration::from_hours(1)).build()?.only(&["intake", "plan"])?;
    pipeline.drain(Until::Instant(ground.now() + PATIENCE)).await?;
    let outcomes: Vec<RowStatus> = ground.store.outcomes(&rows).await?.into_iter().flatten().collect();
    show(cli, &outcomes, None)?;
    let untold = pipeline.untold().await;
    if untold > 0 {
        eprintln!("{untold} rows are planned, but the sheet could not be told; the next sync tells it");
    }
    Ok(end(&outcomes, untold))
}

fn end(outcomes: &[RowStatus], problems: usize) -> End {
    if problems == 0 && outcomes.iter().all(|status| status.fate == RowFate::Exported) { End::Done } else { End::Partly }
}

fn show(cli: &Cli, outcomes: &[RowStatus], copy: Option<&Path>) -> anyhow::Result<()> {
    let lines: Vec<_> = outcomes
        .iter()
        .map(|status| {
            serde_json::json!({"row": status.row.origin, "status": status.fate.as_word(), "generated": status.generated,
                "inserted": status.inserted, "duplicates": status.duplicates, "first": status.first_slot, "last": status.last_slot,
                "last_error": status.last_error})
        })
        .collect();
    output::show(cli.json, &lines, || {
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let rows = outcomes.iter().map(|status| {
            vec![
                status.row.origin.clone(),
                status.fate.as_word().unwrap_or("waits").into(),
                format!("{} / {} / {}", status.generated, status.inserted, status.duplicates),
                at(status.first_slot),
                at(status.last_slot),
                status.last_error.clone().unwrap_or_default(),
            ]
        });
        let table = output::table(&["row", "status", "queries built / new / known", "first slot (UTC)", "last slot", "remark"], rows);
        match copy {
            Some(copy) => format!("{table}\noutcomes: {}", copy.display()),
            None => table,
        }
    })
}
