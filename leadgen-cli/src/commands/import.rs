//! `companies import`: an own list comes in.

use leadgen_core::actions::{self, import::Imported};
use leadgen_core::setup::wiring;

use super::Ground;
use crate::args::{Cli, CompaniesCommand};
use crate::output::{self, End};

pub(crate) async fn companies(cli: &Cli, command: &CompaniesCommand) -> anyhow::Result<End> {
    let CompaniesCommand::Import { file, batch_tag, dry_run } = command;
    let (rows, problems) = wiring::companies_file(file, batch_tag.as_deref())?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    let done = if *dry_run {
        let nameless = rows.iter().filter(|row| actions::import::normalized(row).is_none()).count();
        Imported { nameless, ..Imported::default() }
    } else {
        let ground = Ground::new(cli).await?;
        actions::import::companies(ground.store.as_ref(), &rows, ground.now()).await?
    };
    for refused in &done.refused {
        eprintln!("{refused}");
    }
    let (new, known, unusable) = (done.new, done.known, problems.len() + done.nameless + done.refused.len());
    let summary = serde_json::json!({"rows": rows.len(), "new": new, "known": known, "unusable": unusable, "dry_run": dry_run});
    output::show(cli.json, &summary, || {
        let done = if *dry_run { "would be read" } else { "read" };
        format!("{} rows {done}: {new} new companies, {known} known, {unusable} lines unusable\nnext: leadgen enrich", rows.len())
    })?;
    Ok(match (rows.is_empty(), unusable == 0) {
        (true, true) => End::Nothing,
        (true, false) => End::Failed,
        (false, true) => End::Done,
        (false, false) => End::Partly,
    })
}
