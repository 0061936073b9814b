//! `companies import`: an own list comes in.

use leadgen_core::actions::{self, import::Imported};
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring;

use super::{Ground, layers};
use crate::args::{Cli, CompaniesCommand};
use crate::output::{self, End};

pub(crate) async fn companies(cli: &Cli, command: &CompaniesCommand) -> anyhow::Result<End> {
    let CompaniesCommand::Import { file, batch_tag, dry_run } = command;
    let settings = Settings::read(&layers(cli)?)?;
    let list = wiring::companies_file(file, batch_tag.as_deref(), &settings.excluded_domains)?;
    let (rows, problems, bad_cells, unused) = (list.rows, list.problems, list.bad_cells, list.unused);
    for problem in problems.iter().chain(&bad_cells) {
        eprintln!("{problem}");
    }
    if !unused.is_empty() {
        eprintln!("columns not used: {}", unused.join(", "));
    }
    let done = if *dry_run {
        let nameless = rows.iter().filter(|row| actions::import::normalized(row, &settings.excluded_domains).is_none()).count();
        Imported { nameless, ..Imported::default() }
    } else {
        let ground = Ground::new(cli).await?;
        actions::import::companies(ground.store.as_ref(), &rows, &settings.excluded_domains, ground.now()).await?
    };
    for refused in &done.refused {
        eprintln!("{refused}");
    }
    let (new, known, unusable) = (done.new, done.known, problems.len() + done.nameless + done.refused.len());
    // Who is known is seen when they come in.
    let counted = |count: u32| (!*dry_run).then_some(count);
    let summary = serde_json::json!({"rows": rows.len(), "new": counted(new), "known": counted(known), "unusable": unusable,
        "bad_cells": bad_cells.len(), "unused_columns": unused, "dry_run": dry_run});
    output::show(cli.json, &summary, || {
        let left_out = format!("{unusable} lines unusable, {} cells left out", bad_cells.len());
        if *dry_run {
            return format!("{} rows would be read, {left_out}; which of them are known is seen when they come in", rows.len());
        }
        format!("{} rows read: {new} new companies, {known} known, {left_out}\nnext: leadgen enrich", rows.len())
    })?;
    Ok(match (rows.is_empty(), unusable == 0 && bad_cells.is_empty()) {
        (true, true) => End::Nothing,
        (true, false) => End::Failed,
        (false, true) => End::Done,
        (false, false) => End::Partly,
    })
}
