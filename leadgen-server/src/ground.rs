//! What all roles of the process stand on: settings, clock, the store once it is open, and the two words that end it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::ports::clock::{Clock, SystemClock};
use leadgen_core::setup::layers::{Layers, Origin};
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring;
use tracing::{info, warn};

use crate::health::Health;
use crate::metrics::Meters;
use crate::stop::Stop;

/// Pause between two tries to open what the process needs.
const AGAIN: Duration = Duration::from_secs(3);

/// The flags; what is not given comes from `leadgen.toml`, `.env` and the environment.
#[derive(Debug, Parser)]
#[command(name = "leadgen-server", version, about = "leadgen as a service: scheduler, worker, health, metrics and the unsubscribe page")]
#[command(after_help = "Examples:\n  leadgen-server\n  leadgen-server --roles worker --database-url postgres://leadgen@db/leadgen\n  \
    LEADGEN_SERVER_TOKEN=… leadgen-server --bind 0.0.0.0:8080\n\nEvery setting: .env.example")]
pub(crate) struct Args {
    /// Settings file, in place of leadgen.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// sqlite://FILE?mode=rwc for one process, postgres://… for many
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// What this process does: api, scheduler, worker, separated by commas
    #[arg(long, value_name = "ROLES")]
    roles: Option<String>,
    /// Where to listen; port 0 takes a free one, which the log names
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<String>,
    /// Ask the server at SERVER_BIND whether it is ready, and end with 0 or 1: a health check for containers
    #[arg(long)]
    pub(crate) probe: bool,
}

impl Args {
    /// All layers, flags on top.
    pub(crate) fn layers(&self) -> Result<Layers> {
        let mut layers = Layers::load(self.config.as_deref())?;
        for (name, value) in [("DATABASE_URL", &self.database_url), ("LEADGEN_ROLES", &self.roles), ("SERVER_BIND", &self.bind)] {
            if let Some(value) = value {
                layers = layers.with(name, value, &Origin::Flag);
            }
        }
        Ok(layers)
    }
}

/// The ground.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Health,
    pub(crate) meters: Meters,
    pub(crate) stop: Stop,
    listens: bool,
}

impl Ground {
    /// Checks the settings as far as that goes without the world.
    pub(crate) fn new(layers: &Layers, meters: Meters) -> Result<Self> {
        let settings = Settings::read(layers)?;
        if !settings.bind.ip().is_loopback() && settings.server_token.is_none() {
            return Err(Error::new(ErrorKind::Config, format!("listen on {}", settings.bind))
                .code("token_missing")
                .detail("other machines reach that address: set LEADGEN_SERVER_TOKEN, or listen on 127.0.0.1"));
        }
        // Without the API a process opens a port only if one was chosen for it, so that many fit on one machine.
        let chosen = layers.origin("SERVER_BIND") != Origin::Default;
        let listens = chosen || settings.roles.iter().any(|role| role == "api");
        let clock = wiring::clock(&settings);
        Ok(Self { settings, clock, health: Health::default(), meters, stop: Stop::default(), listens })
    }

    /// Whether this process has a role.
    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.settings.roles.iter().any(|has| has == role)
    }

    /// Whether it opens a port.
    pub(crate) fn listens(&self) -> bool {
        self.listens
    }

    /// Opens the store, migrated first unless the settings leave that to a person; again and again until it opens. What
    /// stands in the way is told by `/readyz` meanwhile. `false`: the process was stopped first.
    pub(crate) async fn open_store(&self) -> bool {
        loop {
            match wiring::store(&self.settings).await {
                Ok(store) => {
                    self.health.rose("store");
                    self.health.opened(store);
                    info!("store is open");
                    return true;
                }
                Err(error) => {
                    self.health.fell("store", &error);
                    warn!(code = error.machine_code(), text = %error.for_row(), "store can't be opened");
                }
            }
            if !self.pause().await {
                return false;
            }
        }
    }

    /// Waits a little; `false` if the process was stopped meanwhile.
    pub(crate) async fn pause(&self) -> bool {
        tokio::select! {
            () = SystemClock.sleep_until(SystemClock.now() + AGAIN) => true,
            () = self.stop.soon.cancelled() => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ground(pairs: &[(&str, &str)]) -> Result<Ground> {
        let layers = pairs.iter().fold(Layers::defaults(), |layers, (name, value)| layers.with(name, *value, &Origin::Environment));
        Ground::new(&layers, Meters::unpublished())
    }

    #[test]
    fn an_address_that_others_reach_needs_a_token() {
        for bind in ["0.0.0.0:8080", "[::]:8080", "192.168.1.7:80"] {
            let error = ground(&[("SERVER_BIND", bind)]).unwrap_err();
            assert_eq!((error.machine_code(), error.kind()), ("token_missing", ErrorKind::Config));
            assert!(ground(&[("SERVER_BIND", bind), ("LEADGEN_SERVER_TOKEN", "sesam")]).is_ok());
        }
        assert!(ground(&[("SERVER_BIND", "127.0.0.1:0")]).is_ok());
        assert!(ground(&[("SERVER_BIND", "[::1]:0")]).is_ok());
    }

    #[test]
    fn a_worker_opens_a_port_only_if_one_was_chosen() {
        assert!(ground(&[]).unwrap().listens());
        assert!(!ground(&[("LEADGEN_ROLES", "worker")]).unwrap().listens());
        assert!(ground(&[("LEADGEN_ROLES", "worker"), ("SERVER_BIND", "127.0.0.1:9090")]).unwrap().listens());
    }
}
