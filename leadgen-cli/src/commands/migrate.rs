//! `migrate up`, `migrate status`.

use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring;

use crate::args::{Cli, MigrateCommand};
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, command: &MigrateCommand) -> anyhow::Result<End> {
    let settings = Settings::read(&super::layers(cli)?)?;
    if matches!(command, MigrateCommand::Up { dry_run: false }) {
        wiring::migrate(&settings).await?;
    }
    let pending = wiring::pending_migrations(&settings).await?;
    output::show(cli.json, &serde_json::json!({"pending": pending}), || match pending.len() {
        0 => "the schema is up to date".to_owned(),
        count => format!("{count} steps are missing: {}; run `leadgen migrate up`", pending.join(", ")),
    })?;
    Ok(if pending.is_empty() { End::Done } else { End::Partly })
}
