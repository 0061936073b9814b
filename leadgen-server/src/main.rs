//! leadgen as a service: roles api, scheduler and worker in one binary. It parses and wires; what it does lives in the library.

mod ground;
mod health;
mod http;
mod logs;
mod metrics;
mod roles;
mod stop;
mod unsubscribe;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use leadgen_core::error::{Error, ErrorKind, Result};

use crate::ground::{Args, Ground};
use crate::metrics::Meters;
use crate::stop::Signals;

fn main() -> ExitCode {
    let ended = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(&Args::parse())),
        Err(error) => Err(Error::new(ErrorKind::Unavailable, "start").because(error)),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", error.for_row());
            // 2: the settings are wrong, and a restart won't mend them.
            ExitCode::from(if error.kind() == ErrorKind::Config { 2 } else { 1 })
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    let layers = args.layers()?;
    let ground = Arc::new(Ground::new(&layers, Meters::publish()?)?);
    if args.probe {
        return Ok(if http::probe(&ground).await { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    logs::start(&ground.settings.log_level, layers.secrets())?;
    let signals = Signals::listen().map_err(|e| Error::new(ErrorKind::Unavailable, "listen for signals").because(e))?;
    let stop = ground.stop.clone();
    tokio::select! {
        ended = roles::run(ground) => ended.map(|()| ExitCode::SUCCESS),
        never = stop.on_signals(signals) => match never {},
    }
}
