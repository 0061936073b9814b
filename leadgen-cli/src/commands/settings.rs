//! `config show`: every setting with its value and origin.

use leadgen_core::setup::settings::Settings;

use crate::args::Cli;
use crate::output::{self, End};

pub(crate) fn show(cli: &Cli) -> anyhow::Result<End> {
    let layers = super::layers(cli)?;
    let shown = layers.shown();
    let rows: Vec<_> = shown
        .iter()
        .map(|(key, value, origin)| serde_json::json!({"name": key.env, "toml": key.toml, "value": value, "origin": origin.to_string(), "meaning": key.doc}))
        .collect();
    output::show(cli.json, &rows, || {
        output::table(
            &["setting", "value", "set by"],
            shown.iter().map(|(key, value, origin)| vec![key.env.to_owned(), value.clone(), origin.to_string()]),
        )
    })?;
    Settings::read(&layers)?;
    Ok(End::Done)
}
