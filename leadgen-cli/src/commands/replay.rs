//! `replay`: kept answers and kept pages of sites are read again, with no outside call.

use leadgen_core::actions::replay;
use leadgen_core::pipeline::Until;
use leadgen_core::setup::wiring::{self, Needs};

use super::Ground;
use crate::args::{Cli, ReplayArgs};
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, args: &ReplayArgs) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    if args.from == "enrich" {
        return sites(cli, args, &ground).await;
    }
    let settings = &ground.settings;
    let reader = wiring::page_reader(settings)?;
    let policy = &settings.policy.search;
    let store = ground.store.as_ref();
    let replayed = replay::from_ingest(store, reader.as_ref(), &settings.excluded_domains, policy, args.dry_run, ground.now()).await?;
    if !args.dry_run && replayed.added + replayed.changed > 0 {
        let builder = wiring::pipeline(settings, ground.store.clone(), ground.clock.clone(), Needs::default())?;
        builder.build()?.only(&["dedupe"])?.drain(Until::Idle).await?;
    }
    output::show(cli.json, &replayed, || {
        let mut lines = Vec::new();
        for changed in &replayed.differing {
            lines.push(format!("{}  {}", changed.operation, changed.query));
            let lists = [('+', &changed.diff.added), ('~', &changed.diff.changed), ('-', &changed.diff.removed), ('!', &changed.diff.kept)];
            for (mark, urls) in lists {
                lines.extend(urls.iter().map(|url| format!("  {mark} {url}")));
            }
        }
        lines.extend(replayed.unreadable.iter().map(|(operation, why)| format!("{operation}  can't be read: {why}")));
        let done = if args.dry_run { "would be" } else { "were" };
        lines.push(format!(
            "{} pages read again: {} results are the same; {done} added: {}, changed: {}, removed: {}; kept for their companies: {}",
            replayed.pages, replayed.same, replayed.added, replayed.changed, replayed.removed, replayed.kept
        ));
        lines.join("\n")
    })?;
    Ok(match (replayed.pages, replayed.unreadable.is_empty()) {
        (0, _) => End::Nothing,
        (_, true) => End::Done,
        (_, false) => End::Partly,
    })
}

/// Contacts of all sites whose pages are kept.
async fn sites(cli: &Cli, args: &ReplayArgs, ground: &Ground) -> anyhow::Result<End> {
    let replayed = replay::from_enrich(ground.store.as_ref(), args.dry_run, ground.now()).await?;
    output::show(cli.json, &replayed, || {
        let mut lines = Vec::new();
        for changed in &replayed.differing {
            lines.push(changed.company.clone());
            let diff = &changed.diff;
            let lists = [('+', &diff.added), ('~', &diff.changed), ('-', &diff.removed), ('!', &diff.kept), ('#', &diff.numbers)];
            for (mark, values) in lists {
                lines.extend(values.iter().map(|value| format!("  {mark} {value}")));
            }
        }
        let done = if args.dry_run { "would be" } else { "were" };
        lines.push(format!(
            "{} pages of {} companies read again: {} contacts are the same; {done} added: {}, changed: {}, removed: {}; kept for their letters: {}",
            replayed.pages, replayed.companies, replayed.same, replayed.added, replayed.changed, replayed.removed, replayed.kept
        ));
        lines.join("\n")
    })?;
    Ok(if replayed.companies == 0 { End::Nothing } else { End::Done })
}
