//! One file a command, or a handful of small ones that belong together.

#[cfg(feature = "sandbox")]
mod demo;
mod doctor;
mod explain;
mod export;
mod import;
mod inspect;
mod intake;
mod mailbox;
mod migrate;
mod optout;
mod pairs;
mod plan;
mod replay;
mod report;
mod review;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod search;
mod settings;

use std::sync::Arc;

use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::clock::Clock;
use leadgen_core::ports::store::Store;
use leadgen_core::setup::layers::{Layers, Origin};
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring;

use crate::args::{Cli, Command};
use crate::output::End;

/// Runs the command.
pub(crate) async fn run(cli: &Cli) -> anyhow::Result<End> {
    match &cli.command {
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => demo::run(cli, args).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(cli, args).await,
        Command::Migrate(command) => migrate::run(cli, command).await,
        Command::Intake(command) => intake::run(cli, command).await,
        Command::Companies(command) => import::companies(cli, command).await,
        Command::Search(command) => search::run(cli, command).await,
        Command::Plan(args) => plan::preview(cli, args).await,
        Command::Forecast { batch } => plan::forecast(cli, batch.as_deref()).await,
        Command::Replay(args) => replay::run(cli, args).await,
        Command::Doctor => doctor::run(cli).await,
        Command::Run(args) => run::run(cli, args).await,
        Command::Ingest(args) => run::stages(cli, &["ingest"], args).await,
        Command::Dedupe(args) => pairs::dedupe(cli, args).await,
        Command::Enrich(args) => run::stages(cli, &["dedupe", "enrich"], args).await,
        Command::Draft(args) => run::draft(cli, args).await,
        Command::Send(args) => run::stages(cli, &["route", "send"], args).await,
        Command::Inbox(args) => run::stages(cli, &["inbox"], args).await,
        Command::Review(command) => review::run(cli, command).await,
        Command::Optout(command) => optout::run(cli, command).await,
        Command::Mailbox(command) => mailbox::run(cli, command).await,
        Command::Report(command) => report::run(cli, command).await,
        Command::Export(command) => export::run(cli, command).await,
        Command::Explain { company } => explain::run(cli, company).await,
        Command::Inspect(command) => inspect::run(cli, command).await,
        Command::Config(_) => settings::show(cli),
    }
}

/// The layers with the flags on top.
pub(crate) fn layers(cli: &Cli) -> anyhow::Result<Layers> {
    let mut layers = Layers::load(cli.config.as_deref())?;
    if let Some(url) = &cli.database_url {
        layers = layers.with("DATABASE_URL", url, &Origin::Flag);
    }
    if cli.offline {
        layers = layers.with("LEADGEN_OFFLINE", "true", &Origin::Flag);
    }
    Ok(layers)
}

/// Settings, store and clock of a command.
pub(crate) struct Ground {
    pub(crate) settings: Settings,
    pub(crate) store: wiring::OpenStore,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Ground {
    pub(crate) async fn new(cli: &Cli) -> anyhow::Result<Self> {
        let settings = Settings::read(&layers(cli)?)?;
        let store = wiring::store(&settings).await?;
        let clock = wiring::clock(&settings);
        Ok(Self { settings, store, clock })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether nothing at all belongs to a batch.
    pub(crate) async fn is_unknown(&self, batch: &str) -> anyhow::Result<bool> {
        let funnel = self.roles().funnel(Some(batch)).await?;
        Ok(funnel.niches + funnel.queries + funnel.companies + funnel.drafted == 0)
    }

    pub(crate) fn roles(&self) -> &dyn Store {
        self.store.as_ref()
    }
}
