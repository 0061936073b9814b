//! `report`: figures.

use leadgen_core::domain::report::Funnel;
use leadgen_core::ports::store::{Reports, SearchLedger};

use super::Ground;
use crate::args::{Cli, ReportCommand};
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, command: &ReportCommand) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    match command {
        ReportCommand::Funnel { batch } => {
            let funnel = ground.store.funnel(batch.as_deref()).await?;
            output::show(cli.json, &funnel, || table(&funnel))?;
        }
        ReportCommand::Cost => {
            let costs = ground.store.costs().await?;
            output::show(cli.json, &costs, || {
                let rows = costs.iter().map(|line| {
                    vec![
                        line.batch.clone(),
                        line.queries.to_string(),
                        line.forecast.rounded(),
                        format!("{} / {}", line.day, line.night),
                        line.cost.rounded(),
                        line.unknown.to_string(),
                    ]
                });
                output::table(&["batch", "queries", "forecast ₽", "paid by day / night", "cost ₽", "of these in doubt"], rows)
            })?;
        }
        ReportCommand::States => {
            let states = ground.store.states().await?;
            output::show(cli.json, &states, || {
                let rows = states.iter().map(|s| vec![s.entity.clone(), s.state.clone(), s.reason.clone(), s.count.to_string()]);
                output::table(&["what", "state", "reason", "count"], rows)
            })?;
        }
    }
    Ok(End::Done)
}

/// The funnel as people read it.
pub(crate) fn table(funnel: &Funnel) -> String {
    let came_back = format!("{} / {} / {}", funnel.bounced, funnel.replied, funnel.opted_out);
    let steps = [
        ("niches", funnel.niches.to_string()),
        ("queries", funnel.queries.to_string()),
        ("pages", funnel.pages.to_string()),
        ("results", funnel.results.to_string()),
        ("companies", funnel.companies.to_string()),
        ("contacts", funnel.contacts.to_string()),
        ("drafted", funnel.drafted.to_string()),
        ("approved", funnel.approved.to_string()),
        ("sent", funnel.sent.to_string()),
        ("bounced / replied / opted out", came_back),
        ("suppressed", funnel.suppressed.to_string()),
        ("in doubt: letters / searches", format!("{} / {}", funnel.in_doubt, funnel.submit_unknown)),
    ];
    output::table(&["step", "count"], steps.into_iter().map(|(step, count)| vec![step.to_owned(), count]))
}
