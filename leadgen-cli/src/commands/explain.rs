//! `explain`: the whole life of one lead.

use leadgen_core::domain::company::Company;
use leadgen_core::domain::id::Id;
use leadgen_core::ports::store::Lives;

use super::Ground;
use crate::args::Cli;
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, company: &str) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    let found = match ground.store.find_company(company).await? {
        Some(found) => found,
        None => match beginning_so(&ground, company).await?.as_slice() {
            [found] => found.clone(),
            [] => {
                let known_by = format!("no company is known by {company:?}: give a domain, a name, an id or its beginning");
                return Ok(output::nothing(cli, "no_such_company", &known_by));
            }
            [one, other, ..] => {
                let both = format!("«{}» {} and «{}» {}", one.name, one.id, other.name, other.id);
                return Err(output::misuse(format!("find the company {company:?}"), format!("more than one id begins so: {both}")));
            }
        },
    };
    let life = ground.store.life(found.id).await?;
    output::show(cli.json, &serde_json::json!({"id": found.id, "name": found.name, "status": found.state, "life": life}), || {
        let rows = life.iter().map(|line| vec![line.at.clone(), line.stage.clone(), line.what.clone()]);
        let reason = found.state_reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{}: {}{reason}, {}\n{}", found.name, found.state, found.id, output::table(&["when (UTC)", "stage", "what"], rows))
    })?;
    Ok(End::Done)
}

/// Companies whose id begins as a text does.
async fn beginning_so(ground: &Ground, text: &str) -> anyhow::Result<Vec<Company>> {
    match Id::beginning(text) {
        Some((first, last)) if !text.is_empty() => Ok(ground.store.companies_between(first, last).await?),
        _ => Ok(vec![]),
    }
}
