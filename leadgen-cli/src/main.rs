//! leadgen on the command line: parses, wires, prints. What it does lives in the library.

mod args;
mod commands;
mod output;
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::Cli;

fn main() -> ExitCode {
    let parsed = args::shown(Cli::command()).try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(output::misused(&error)),
    };
    // What can't be read is said by the command that needs it.
    if let Err(error) = output::logs(&cli, &commands::layers(&cli).unwrap_or_default()) {
        return ExitCode::from(output::failure(&error, cli.json));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("could not start: {error}");
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(commands::run(&cli)) {
        Ok(end) => ExitCode::from(end.code()),
        Err(error) => ExitCode::from(output::failure(&error, cli.json)),
    }
}
