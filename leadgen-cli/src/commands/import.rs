//! `intake import` and `companies import`: files a person keeps come in.

use leadgen_core::actions;
use leadgen_core::domain::lead::RowFate;
use leadgen_core::pipeline::inlet;
use leadgen_core::ports::store::RowOutcomes;
use leadgen_core::rules::planning;
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring::{self, Needs};

use super::Ground;
use crate::args::{Cli, CompaniesCommand, IntakeCommand};
use crate::output::{self, End};

pub(crate) async fn niches(cli: &Cli, command: &IntakeCommand) -> anyhow::Result<End> {
    let IntakeCommand::Import { file, batch_tag, dry_run } = command;
    let leads = wiring::leads_file(file, batch_tag.as_deref())?;
    if *dry_run {
        let settings = Settings::read(&super::layers(cli)?)?;
        let planning = wiring::planning_settings(&settings);
        let rows: Vec<_> = leads
            .rows()
            .iter()
            .map(|row| match planning::query_set(&row.niche, &row.city, &row.country, &planning) {
                Ok(queries) => {
                    serde_json::json!({"row": row.origin, "niche": row.niche, "city": row.city, "queries": queries.len(), "error": null})
                }
                Err(error) => {
                    serde_json::json!({"row": row.origin, "niche": row.niche, "city": row.city, "queries": 0, "error": error.to_string()})
                }
            })
            .collect();
        let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        output::show(cli.json, &rows, || {
            output::table(
                &["row", "niche", "city", "queries", "error"],
                rows.iter().map(|row| {
                    ["row", "niche", "city", "queries", "error"].iter().map(|key| text(&row[*key]).replace("null", "")).collect()
                }),
            )
        })?;
        return Ok(End::Done);
    }
    let ground = Ground::new(cli).await?;
    let store = ground.store.clone();
    if leads.rows().is_empty() {
        eprintln!("{} holds no row", file.display());
        return Ok(End::Nothing);
    }
    inlet::intake(store.as_ref(), &leads, &file.display().to_string(), ground.clock.as_ref()).await?;
    let pipeline = wiring::pipeline(&ground.settings, store.clone(), ground.clock.clone(), Needs::default())?.build()?;
    pipeline.tick("plan").await?;
    inlet::acknowledge(store.as_ref(), &leads, leads.rows()).await?;
    let outcomes: Vec<_> = store.outcomes(leads.rows()).await?.into_iter().flatten().collect();
    let lines: Vec<_> = outcomes
        .iter()
        .map(|status| {
            serde_json::json!({"row": status.row.origin, "status": status.fate.as_word(), "generated": status.generated, "inserted": status.inserted,
                "duplicates": status.duplicates, "first": status.first_slot, "last": status.last_slot, "last_error": status.last_error})
        })
        .collect();
    output::show(cli.json, &lines, || {
        let rows = outcomes.iter().map(|status| {
            let at = |at: Option<leadgen_core::domain::time::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
            vec![
                status.row.origin.clone(),
                status.fate.as_word().unwrap_or_default().into(),
                format!("{} / {} / {}", status.generated, status.inserted, status.duplicates),
                at(status.first_slot),
                at(status.last_slot),
                status.last_error.clone().unwrap_or_default(),
            ]
        });
        let table = output::table(&["row", "status", "queries built / new / known", "first slot (UTC)", "last slot", "remark"], rows);
        format!("{table}\noutcomes: {}", leads.status_path().display())
    })?;
    Ok(if outcomes.iter().all(|status| status.fate == RowFate::Exported) { End::Done } else { End::Partly })
}

pub(crate) async fn companies(cli: &Cli, command: &CompaniesCommand) -> anyhow::Result<End> {
    let CompaniesCommand::Import { file, batch_tag, dry_run } = command;
    let (rows, problems) = wiring::companies_file(file, batch_tag.as_deref())?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    let (new, known, nameless) = if *dry_run {
        (0, 0, rows.iter().filter(|row| actions::import::normalized(row).is_none()).count())
    } else {
        let ground = Ground::new(cli).await?;
        let (admitted, nameless) = actions::import::companies(ground.store.as_ref(), &rows, ground.now()).await?;
        (admitted.new, admitted.known, nameless)
    };
    let summary =
        serde_json::json!({"rows": rows.len(), "new": new, "known": known, "unusable": problems.len() + nameless, "dry_run": dry_run});
    output::show(cli.json, &summary, || {
        let done = if *dry_run { "would be read" } else { "read" };
        format!(
            "{} rows {done}: {new} new companies, {known} known, {} lines unusable\nnext: leadgen enrich",
            rows.len(),
            problems.len() + nameless
        )
    })?;
    Ok(match (rows.is_empty(), problems.is_empty()) {
        (true, _) => End::Nothing,
        (false, true) => End::Done,
        (false, false) => End::Partly,
    })
}
