//! `plan` and `forecast`: what would be asked, when, and what it costs. Nothing is stored.

use leadgen_core::actions::{forecast, preview};
use leadgen_core::domain::lead::LeadRow;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::leads::LeadSource;
use leadgen_core::rules::cost::Estimate;
use leadgen_core::rules::planning;
use leadgen_core::setup::wiring;

use super::{Ground, intake};
use crate::args::{Cli, PlanArgs};
use crate::output::{self, End};

pub(crate) async fn preview(cli: &Cli, args: &PlanArgs) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    if let Some(niche) = &args.niche {
        let planning = wiring::planning_settings(&ground.settings);
        planning::query_text(niche, &args.city, None, &planning).map_err(|e| output::misuse(format!("plan {niche:?}"), e.to_string()))?;
    }
    let mut problems = 0;
    let rows = match (&args.niche, &args.file) {
        (Some(niche), _) => vec![LeadRow {
            origin: "argument".into(),
            niche: niche.clone(),
            city: args.city.clone(),
            country: args.country.clone(),
            batch_tag: args.batch_tag.clone().unwrap_or_default(),
        }],
        (None, Some(file)) => {
            let leads = wiring::mapped_leads_file(file, args.batch_tag.as_deref(), &args.map)?;
            leads.problems().iter().for_each(|problem| eprintln!("{problem}"));
            if leads.rows().is_empty() {
                return Ok(intake::no_rows(cli, &file.display().to_string(), leads.problems()));
            }
            problems = leads.problems().len();
            leads.rows().to_vec()
        }
        (None, None) => wiring::sheet(&ground.settings, &ground.clock, args.batch_tag.as_deref())?.pull(None).await?.items,
    };
    show_rows(cli, &ground, &rows, problems).await
}

/// The preview of rows, also for `--dry-run`; of their file, so many lines could not be read.
pub(crate) async fn show_rows(cli: &Cli, ground: &Ground, rows: &[LeadRow], problems: usize) -> anyhow::Result<End> {
    intake::tell_repeats(rows);
    let policy = &ground.settings.policy.search;
    let planning = wiring::planning_settings(&ground.settings);
    let preview = preview::rows(ground.store.as_ref(), rows, &planning, policy, ground.now()).await?;
    output::show(cli.json, &preview, || {
        let lines = preview.rows.iter().map(|row| {
            let slots = || row.queries.iter().map(|query| query.scheduled_for);
            let new = row.queries.iter().filter(|query| !query.known).count();
            vec![
                row.row.clone(),
                row.niche.clone(),
                row.city.clone(),
                row.queries.first().map(|query| query.region_code.to_string()).unwrap_or_default(),
                format!("{} / {new} / {}", row.queries.len(), row.queries.len() - new),
                at(slots().min()),
                row.error.clone().or_else(|| row.warning.clone()).unwrap_or_default(),
            ]
        });
        let table = output::table(&["row", "niche", "city", "region", "queries / new / known", "first slot (UTC)", "remark"], lines);
        let span = if preview.new == 0 { "none needed".to_owned() } else { format!("{} – {}", at(preview.first), at(preview.last)) };
        format!(
            "{table}\n{} new queries, {} known; {}\nslots: {span}; nothing is stored",
            preview.new,
            preview.duplicates,
            money(&preview.estimate)
        )
    })?;
    let held = forecast::barrier(ground.store.as_ref(), policy, ground.now()).await?;
    if let Some(hold) = held.filter(|hold| hold.reason != "night_window_closed" && !cli.quiet) {
        eprintln!("searches wait until {}: {}", hold.until, hold.reason);
    }
    let failed = problems > 0 || preview.rows.iter().any(|row| row.error.is_some());
    Ok(match (preview.rows.is_empty(), failed) {
        (true, _) => End::Nothing,
        (false, true) => End::Partly,
        (false, false) => End::Done,
    })
}

pub(crate) async fn forecast(cli: &Cli, batch: Option<&str>) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    let forecast = forecast::queue(ground.store.as_ref(), batch, &ground.settings.policy, ground.now()).await?;
    output::show(cli.json, &forecast, || {
        let budget = match forecast.budget {
            Some(budget) if forecast.within_budget => {
                format!("{} of {} ₽ spent; the queue fits in", forecast.spent.rounded(), budget.rounded())
            }
            Some(budget) => {
                format!("{} of {} ₽ spent; the queue does NOT fit in, searches will stop", forecast.spent.rounded(), budget.rounded())
            }
            None => format!("{} ₽ spent; no limit (LEADGEN_BUDGET_SEARCH_RUB)", forecast.spent.rounded()),
        };
        let letters = match &forecast.last_letter {
            Some(day) => format!("about {} at {} a day, the last on {day}", forecast.letters, forecast.letters_a_day),
            None => format!("about {}; no mailbox is set up to send them", forecast.letters),
        };
        let mut rows = vec![
            ["queries that wait".to_owned(), forecast.queries.to_string()],
            ["slots (UTC)".into(), format!("{} – {}", at(forecast.first), at(forecast.last))],
            ["cost".into(), money(&forecast.estimate)],
            ["this month".into(), budget],
            ["companies".into(), format!("about {}", forecast.companies)],
            ["letters".into(), letters],
        ];
        rows.extend(forecast.holds.iter().map(|hold| [format!("{} waits", hold.kind), format!("until {}: {}", hold.until, hold.reason)]));
        let exhausted = forecast.exhausted.iter().map(|niche| {
            let brought = format!("its last searches brought {} new companies in {} results", niche.last_new, niche.last_results);
            [format!("exhausted: {} {}", niche.niche, niche.city), brought]
        });
        rows.extend(exhausted);
        output::table(&["", ""], rows.into_iter().map(Vec::from))
    })?;
    Ok(if forecast.queries == 0 { End::Nothing } else { End::Done })
}

fn at(at: Option<Timestamp>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

fn money(estimate: &Estimate) -> String {
    let saving = if estimate.saving.millionths() > 0 {
        format!("; the window 21:00-04:59 would save {} ₽", estimate.saving.rounded())
    } else {
        String::new()
    };
    format!(
        "{} ₽ ({} at the day price, {} at the night price), {} nights{saving}",
        estimate.cost.rounded(),
        estimate.day,
        estimate.night,
        estimate.nights
    )
}
