//! `report`: figures.

use leadgen_core::domain::money::Money;
use leadgen_core::domain::report::{ContactReport, Funnel, Quality};
use leadgen_core::ports::store::{Reports, SearchLedger};

use super::Ground;
use crate::args::{Cli, ReportCommand};
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, command: &ReportCommand) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    if let ReportCommand::Funnel { batch: Some(batch) }
    | ReportCommand::Quality { batch: Some(batch) }
    | ReportCommand::Contacts { batch: Some(batch) } = command
        && ground.is_unknown(batch).await?
    {
        return Ok(no_such_batch(cli, batch));
    }
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
                        // A search asked for at once had its price shown, and was never planned.
                        if line.forecast == Money::ZERO { "not planned".to_owned() } else { line.forecast.rounded() },
                        format!("{} / {}", line.day, line.night),
                        line.cost.rounded(),
                        line.unknown.to_string(),
                    ]
                });
                output::table(&["batch", "queries", "forecast ₽", "paid by day / night", "cost ₽", "of these in doubt"], rows)
            })?;
        }
        ReportCommand::Quality { batch } => {
            let quality = ground.store.quality(batch.as_deref()).await?;
            output::show(cli.json, &quality, || quality_table(&quality))?;
        }
        ReportCommand::Contacts { batch } => {
            let report = ground.store.contacts(batch.as_deref()).await?;
            output::show(cli.json, &report, || contacts_table(&report))?;
        }
        ReportCommand::Domains { limit } => {
            let domains = ground.store.top_domains(*limit).await?;
            output::show(cli.json, &domains, || {
                let rows =
                    domains.iter().map(|d| vec![d.domain.clone(), d.hits.to_string(), d.first_seen_at.clone(), d.last_seen_at.clone()]);
                output::table(&["domain", "results", "first seen (UTC)", "last seen"], rows)
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

/// A batch of that name is a slip of the pen more often than an empty one: rows of zeros would hide it.
pub(super) fn no_such_batch(cli: &Cli, batch: &str) -> End {
    output::nothing(
        cli,
        "no_such_batch",
        &format!("nothing belongs to a batch {batch:?}: see `leadgen report funnel` for all of them together"),
    )
}

fn quality_table(quality: &Quality) -> String {
    let mut rows = vec![
        vec!["documents read".to_owned(), quality.documents.to_string()],
        vec!["results kept".into(), quality.inserted.to_string()],
        vec!["without a usable address".into(), quality.invalid.to_string()],
        vec!["twice on one page".into(), quality.repeated.to_string()],
        vec!["dropped by the sieve".into(), quality.excluded.to_string()],
    ];
    let drops = quality.excluded_by.iter().map(|(kind, count)| vec![format!("  {kind}"), count.to_string()]);
    rows.extend(drops);
    rows.extend(quality.results_by.iter().map(|(kind, count)| vec![format!("results: {kind}"), count.to_string()]));
    rows.push(vec!["companies".into(), quality.companies.to_string()]);
    rows.push(vec!["companies that are one with another".into(), quality.duplicates.to_string()]);
    rows.push(vec!["companies a query".into(), format!("{:.2}", quality.companies_per_query)]);
    rows.push(vec!["companies with a contact, %".into(), format!("{:.1}", quality.contact_yield * 100.0)]);
    rows.push(vec!["domains repeated among contacts, % (goal 0.5)".into(), format!("{:.2}", quality.repeated_domains * 100.0)]);
    rows.push(vec!["pairs a person should look at".into(), quality.open_pairs.to_string()]);
    output::table(&["what", "count"], rows)
}

fn contacts_table(report: &ContactReport) -> String {
    let mut rows: Vec<Vec<String>> = [
        ("companies", report.companies),
        ("with a contact", report.with_contact),
        ("with an e-mail that letters go to", report.with_primary),
        ("with a phone only", report.phone_only),
        ("without any contact", report.without),
        ("not visited yet", report.waiting),
    ]
    .into_iter()
    .map(|(what, count)| vec![what.to_owned(), count.to_string()])
    .collect();
    let parts = [
        ("contacts", &report.by_type),
        ("found by", &report.by_method),
        ("e-mails that are", &report.by_kind),
        ("e-mails", &report.by_verification),
        ("no letter because", &report.by_reason),
    ];
    for (title, counts) in parts {
        rows.extend(counts.iter().map(|(name, count)| vec![format!("{title}: {name}"), count.to_string()]));
    }
    output::table(&["what", "count"], rows)
}

/// The funnel as people read it.
pub(crate) fn table(funnel: &Funnel) -> String {
    output::table(&["step", "count"], steps(funnel).into_iter().map(|(step, count)| vec![step.to_owned(), count]))
}

/// The steps in the order of a lead's day.
pub(crate) fn steps(funnel: &Funnel) -> [(&'static str, String); 12] {
    let came_back = format!("{} / {} / {}", funnel.bounced, funnel.replied, funnel.opted_out);
    [
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
    ]
}
