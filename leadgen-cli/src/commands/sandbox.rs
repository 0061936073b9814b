//! `sandbox`: the town stays open until Ctrl-C and says how to be reached.

use leadgen_sandbox::{Faults, Plan, Town};

use crate::args::{Cli, SandboxArgs};
use crate::output::End;

pub(crate) async fn run(cli: &Cli, args: &SandboxArgs) -> anyhow::Result<End> {
    let faults = match &args.faults {
        Some(path) => Faults::from_json(&std::fs::read_to_string(path)?)?,
        None => Faults::default(),
    };
    let plan = Plan { seed: args.seed, serp: args.serp.clone(), sites: args.sites.clone(), faults, ..Plan::new(&args.dir) };
    let town = Town::open(plan).await?;
    std::fs::write(args.dir.join("niches.csv"), town.niches_csv())?;
    let env: String = town.env().iter().map(|(name, value)| format!("{name}={value}\n")).collect::<String>() + "LEADGEN_OFFLINE=true\n";
    if let Some(path) = &args.env_file {
        std::fs::write(path, &env)?;
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
