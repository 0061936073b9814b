//! `optout`: who must not be written to.

use leadgen_core::actions::optout;
use leadgen_core::domain::suppression::SuppressionSource;
use leadgen_core::ports::store::Suppressions;

use super::Ground;
use crate::args::{Cli, OptoutCommand};
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, command: &OptoutCommand) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    match command {
        OptoutCommand::Add { value, reason, force, dry_run } => {
            let entry = optout::entry(value, reason, SuppressionSource::Operator, ground.now())?;
            if !force {
                optout::is_somebodys(&entry)?;
            }
            if *dry_run {
                return output::would(cli, &format!("register the {} {}", entry.scope, entry.value));
            }
            let new = ground.store.register(&entry, "operator").await?;
            output::show(cli.json, &serde_json::json!({"value": entry.value, "scope": entry.scope, "new": new}), || {
                format!("{} {}: {}", entry.scope, entry.value, if new { "registered" } else { "was registered already" })
            })?;
        }
        OptoutCommand::List => {
            let entries = ground.store.suppressions(10_000).await?;
            let lines: Vec<_> = entries
                .iter()
                .map(|e| serde_json::json!({"scope": e.scope, "value": e.value, "source": e.source, "reason": e.reason, "at": e.registered_at}))
                .collect();
            output::show(cli.json, &lines, || {
                let rows = entries.iter().map(|e| {
                    vec![
                        e.registered_at.to_string(),
                        e.scope.to_string(),
                        e.value.clone(),
                        e.source.to_string(),
                        e.reason.chars().take(60).collect(),
                    ]
                });
                output::table(&["at", "scope", "value", "source", "reason"], rows)
            })?;
        }
    }
    Ok(End::Done)
}
