//! `doctor`: everything is checked before the first night.

use leadgen_core::setup::doctor::{self, Health, PATIENCE};
use leadgen_core::setup::settings::Settings;

use crate::args::Cli;
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli) -> anyhow::Result<End> {
    let settings = Settings::read(&super::layers(cli)?)?;
    let findings = doctor::examine(&settings, PATIENCE).await;
    output::show(cli.json, &findings, || {
        let rows = findings
            .iter()
            .map(|finding| vec![finding.health.as_str().to_owned(), finding.what.clone(), finding.found.clone(), finding.mend.clone()]);
        output::table(&["", "what", "found", "mend"], rows)
    })?;
    Ok(if findings.iter().any(|finding| finding.health == Health::Fail) { End::Partly } else { End::Done })
}
