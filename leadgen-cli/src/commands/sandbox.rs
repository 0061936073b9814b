//! `sandbox`: the town stays open until Ctrl-C and says how to be reached.

use anyhow::Context;
use leadgen_sandbox::{Faults, Plan, Town};

use crate::args::{Cli, SandboxArgs};
use crate::output::End;

pub(crate) async fn run(cli: &Cli, args: &SandboxArgs) -> anyhow::Result<End> {
    let faults = match &args.faults {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
            Faults::from_json(&text).with_context(|| format!("{} is no list of faults", path.display()))?
        }
        None => Faults::default(),
    };
    let plan = Plan { seed: args.seed, serp: args.serp.clone(), sites: args.sites.clone(), faults, ..Plan::new(&args.dir) };
    let town = Town::open(plan).await.context("could not open the town")?;
    let niches = args.dir.join("niches.csv");
    std::fs::write(&niches, town.niches_csv()).with_context(|| format!("could not write {}", niches.display()))?;
    let env: String = town.env().iter().map(|(name, value)| variable(name, value)).collect::<String>() + "LEADGEN_OFFLINE=true\n";
    if let Some(path) = &args.env_file {
        std::fs::write(path, &env).with_context(|| format!("could not write {}", path.display()))?;
    }
    if cli.json {
        crate::output::say!("{}", serde_json::to_string(&town.env().iter().cloned().collect::<std::collections::BTreeMap<_, _>>())?);
    } else {
        print!("{env}");
        eprintln!("\nthe town is open; letters come to {}/letters; Ctrl-C closes it", args.dir.display());
        eprintln!("try: leadgen intake import {}/niches.csv", args.dir.display());
    }
    tokio::signal::ctrl_c().await?;
    town.close().await;
    Ok(End::Done)
}

/// A line for `.env` files that a shell reads the same way.
fn variable(name: &str, value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@=,+%".contains(c);
    if value.chars().all(is_plain) { format!("{name}={value}\n") } else { format!("{name}='{value}'\n") }
}
