//! `companies import`: an own list comes in.

use leadgen_core::actions;
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
        (true, true) => End::Nothing,
        (true, false) => End::Failed,
        (false, true) => End::Done,
        (false, false) => End::Partly,
    })
}
