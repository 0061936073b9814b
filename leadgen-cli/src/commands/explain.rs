//! `explain`: the whole life of one lead.

use leadgen_core::ports::store::Lives;

use super::Ground;
use crate::args::Cli;
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, company: &str) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    let Some(found) = ground.store.find_company(company).await? else {
        return Ok(output::nothing(cli, "no_such_company", &format!("no company is known by {company:?}: give a domain, a name or an id")));
    };
    let life = ground.store.life(found.id).await?;
    output::show(cli.json, &serde_json::json!({"id": found.id, "name": found.name, "status": found.state, "life": life}), || {
        let rows = life.iter().map(|line| vec![line.at.clone(), line.stage.clone(), line.what.clone()]);
        let reason = found.state_reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{}: {}{reason}, {}\n{}", found.name, found.state, found.id, output::table(&["when (UTC)", "stage", "what"], rows))
    })?;
    Ok(End::Done)
}
