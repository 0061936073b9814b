//! `dedupe` and `review pairs`: which companies are one, and what people say to it.

use leadgen_core::domain::id::Id;
use leadgen_core::domain::twins::{PairEvent, PairSide, PairState, TwinPair};
use leadgen_core::ports::store::Twins;

use super::{Ground, run as stages};
use crate::args::{Cli, DedupeArgs, PairArgs, PairsCommand};
use crate::output::{self, End};

pub(crate) async fn dedupe(cli: &Cli, args: &DedupeArgs) -> anyhow::Result<End> {
    if !args.all {
        return stages::stages(cli, &["dedupe"], &args.stage).await;
    }
    let ground = Ground::new(cli).await?;
    let done = ground.store.regroup(ground.now()).await?;
    output::show(cli.json, &done, || {
        let full = if done.full_blocks == 0 {
            String::new()
        } else {
            format!("\n{} keys are shared by too many: at most {} comparisons were left out", done.full_blocks, done.left_out)
        };
        format!(
            "{} companies looked at: {} stand for themselves or a group, {} became duplicates, {} new pairs wait (`leadgen review pairs list`){full}",
            done.companies, done.primaries, done.duplicates_marked, done.pairs
        )
    })?;
    Ok(End::Done)
}

pub(crate) async fn run(cli: &Cli, ground: &Ground, command: &PairsCommand) -> anyhow::Result<End> {
    match command {
        PairsCommand::List { state, limit } => list(cli, ground, *state, *limit).await,
        PairsCommand::Confirm(args) => decide(cli, ground, args, PairEvent::Confirm).await,
        PairsCommand::Reject(args) => decide(cli, ground, args, PairEvent::Reject).await,
        PairsCommand::Undo(args) => decide(cli, ground, args, PairEvent::Undo).await,
    }
}

async fn list(cli: &Cli, ground: &Ground, state: Option<PairState>, limit: u64) -> anyhow::Result<End> {
    let states = match state {
        Some(state) => vec![state],
        None => vec![PairState::Pending, PairState::Linked],
    };
    let pairs = ground.store.pairs(&states, limit).await?;
    output::show(cli.json, &pairs, || {
        let side = |side: &PairSide| [side.name.as_str(), side.domain.as_str(), side.region.as_str()].join("\n");
        let rows = pairs.iter().map(|pair| {
            let why = format!("{} {:.2}\n{}", pair.rule, pair.score, pair.state);
            vec![pair.id.to_string()[..8].to_owned(), side(&pair.first), side(&pair.second), why]
        });
        let table = output::table(&["id", "one", "other", "why"], rows);
        format!("{table}\n{} pairs; `leadgen review pairs confirm|reject|undo ID`", pairs.len())
    })?;
    Ok(if pairs.is_empty() { End::Nothing } else { End::Done })
}

async fn decide(cli: &Cli, ground: &Ground, args: &PairArgs, event: PairEvent) -> anyhow::Result<End> {
    let pair = find(ground, &args.pair).await?;
    let state = ground.store.decide_pair(pair.id, event, &args.by, ground.now()).await?;
    output::show(cli.json, &serde_json::json!({"pair": pair.id, "state": state}), || {
        format!("{state}: «{}» and «{}»", pair.first.name, pair.second.name)
    })?;
    Ok(End::Done)
}

async fn find(ground: &Ground, text: &str) -> anyhow::Result<TwinPair> {
    let matching = match Id::beginning(text) {
        Some((first, last)) => ground.store.pairs_between(first, last).await?,
        None => vec![],
    };
    let mut matching = matching.into_iter();
    match (matching.next(), matching.next()) {
        (Some(pair), None) => Ok(pair),
        (None, _) => Err(output::misuse(format!("find the pair {text:?}"), "no pair's id begins so: see `leadgen review pairs list`")),
        (Some(_), Some(_)) => Err(output::misuse(format!("find the pair {text:?}"), "more than one pair's id begins so: give more of it")),
    }
}
