//! The command line.

mod examples;
mod inspect;
mod letters;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use examples::shown;
pub(crate) use inspect::InspectCommand;
pub(crate) use letters::{MailboxCommand, OptoutCommand, PairArgs, PairsCommand, ReviewCommand};

/// Finds companies of a niche, gathers their public business contacts and writes to each once, politely.
#[derive(Debug, Parser)]
#[command(
    name = "leadgen",
    version,
    after_help = "First steps:\n  leadgen demo                              the whole pipeline, no account, no network\n  leadgen companies import domains.csv      own domains, no keys: then `leadgen enrich`, `leadgen draft`\n  leadgen search now \"стоматология\" --city Казань\n"
)]
pub(crate) struct Cli {
    /// Settings file; default: leadgen.toml in this folder, if there is one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept: sqlite://… or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Machine output: JSON on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// More logs (-v, -vv)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// No progress bars
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Colours in logs and help
    #[arg(long, global = true, value_enum, default_value_t = clap::ColorChoice::Auto, value_name = "WHEN")]
    pub(crate) color: clap::ColorChoice,
    /// Refuse every connection that is not loopback
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole pipeline from a sheet to answers, on loopback stand-ins that speak the real protocols
    #[cfg(feature = "sandbox")]
    Demo(DemoArgs),
    /// Keeps the loopback stand-ins running and prints the environment that points leadgen at them
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    /// The schema
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Niches come in
    #[command(subcommand)]
    Intake(IntakeCommand),
    /// An own list of companies
    #[command(subcommand)]
    Companies(CompaniesCommand),
    /// Searches by hand
    #[command(subcommand)]
    Search(SearchCommand),
    /// What planning a list of niches would do: queries, slots, cost, nights; nothing is stored
    Plan(PlanArgs),
    /// From what is queued: cost, nights, companies and letters to expect
    Forecast {
        /// Only this batch
        #[arg(long, value_name = "TAG")]
        batch: Option<String>,
    },
    /// Rebuilds results and companies, or contacts, from the stored answers and pages, with no outside call
    Replay(ReplayArgs),
    /// Checks everything before the first night; nothing is changed
    Doctor,
    /// Runs the pipeline: one pass with --once, else until stopped
    Run(RunArgs),
    /// Reads the answers of searches that were collected: results and companies come of them
    Ingest(StageArgs),
    /// Tells which results are companies known already; --all looks at all companies once more
    Dedupe(DedupeArgs),
    /// Visits the sites of companies and finds their contacts
    Enrich(StageArgs),
    /// Writes letters for companies with contacts; nothing is sent
    Draft(DraftArgs),
    /// Routes approved letters and sends those whose turn has come
    Send(StageArgs),
    /// Reads answers, bounces and refusals
    Inbox(StageArgs),
    /// People look at letters before they go
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Who must not be written to
    #[command(subcommand)]
    Optout(OptoutCommand),
    /// Sending mailboxes
    #[command(subcommand)]
    Mailbox(MailboxCommand),
    /// Figures
    #[command(subcommand)]
    Report(ReportCommand),
    /// Lists to take away
    #[command(subcommand)]
    Export(ExportCommand),
    /// The whole life of one lead, by domain, name or id
    Explain {
        /// Domain, name, id, or the beginning of an id
        company: String,
    },
    /// Pure parts on their own, for debugging and scripts
    #[command(subcommand)]
    Inspect(InspectCommand),
    /// The effective settings
    #[command(subcommand)]
    Config(ConfigCommand),
}

impl Command {
    /// Whether everything the command meets is a stand-in.
    pub(crate) fn is_rehearsal(&self) -> bool {
        #[cfg(feature = "sandbox")]
        return matches!(self, Self::Demo(_));
        #[cfg(not(feature = "sandbox"))]
        false
    }
}

#[derive(Debug, Args)]
#[cfg(feature = "sandbox")]
pub(crate) struct DemoArgs {
    /// Where the database, the letters and the lists go; emptied first
    #[arg(long, default_value = "demo", value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
#[cfg(feature = "sandbox")]
pub(crate) struct SandboxArgs {
    /// Where keys, letters and witnesses go
    #[arg(long, default_value = "sandbox", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// A folder of saved result pages (*.xml) to be served
    #[arg(long, value_name = "DIR")]
    pub(crate) serp: Option<PathBuf>,
    /// A folder of site folders to be served; a folder without a dot is served as FOLDER.ru
    #[arg(long, value_name = "DIR")]
    pub(crate) sites: Option<PathBuf>,
    /// A JSON list of faults
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Write the environment to a file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// The same seed, the same town
    #[arg(long, default_value_t = 2026)]
    pub(crate) seed: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Brings the schema up to date
    Up {
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
    /// Names the steps that are missing
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IntakeCommand {
    /// Takes rows from the Google sheet, plans them, writes their outcomes back
    Sync {
        /// Only rows with exactly this tag
        #[arg(long, value_name = "TAG")]
        batch_tag: Option<String>,
        /// Only say what would be created, what is known already, and what it costs
        #[arg(long)]
        dry_run: bool,
    },
    /// Reads a csv, tsv, xlsx or jsonl file with the columns niche, city, country, batch_tag
    Import {
        /// The file
        file: PathBuf,
        /// The batch of rows that name none
        #[arg(long, value_name = "TAG")]
        batch_tag: Option<String>,
        /// A column of another name: niche=Сфера; may be given several times
        #[arg(long = "map", value_name = "FIELD=HEADER")]
        map: Vec<String>,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CompaniesCommand {
    /// Reads a csv, tsv, xlsx or jsonl file with any of: domain, name, email, phone, city, niche; or one domain a line
    Import {
        /// The file
        file: PathBuf,
        /// The batch of rows that name none
        #[arg(long, value_name = "TAG")]
        batch_tag: Option<String>,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SearchCommand {
    /// One synchronous search, through ingest and dedupe; the companies are printed
    Now {
        /// What the companies do
        niche: String,
        /// Where they are
        #[arg(long, default_value = "")]
        city: String,
        /// Result pages, each paid, while they are full
        #[arg(long, default_value_t = 1)]
        pages: u32,
        /// Ask, and pay, once more what was answered before or may have been paid without an answer
        #[arg(long)]
        again: bool,
        /// Only say what would be asked and what it costs
        #[arg(long)]
        dry_run: bool,
    },
    /// Hands over queries whose slot has come, within the night window
    Submit(StageArgs),
    /// Collects answers of deferred searches
    Poll(StageArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// A file with niches; default: the Google sheet
    pub(crate) file: Option<PathBuf>,
    /// One niche instead of a file
    #[arg(long, conflicts_with = "file")]
    pub(crate) niche: Option<String>,
    /// Its city
    #[arg(long, default_value = "")]
    pub(crate) city: String,
    /// Its country
    #[arg(long, default_value = "")]
    pub(crate) country: String,
    /// Of a file: the batch of rows that name none; of the sheet: only rows with this tag
    #[arg(long, value_name = "TAG")]
    pub(crate) batch_tag: Option<String>,
    /// A column of another name: niche=Сфера
    #[arg(long = "map", value_name = "FIELD=HEADER")]
    pub(crate) map: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The first stage that is done again
    #[arg(long, value_parser = ["ingest", "enrich"])]
    pub(crate) from: String,
    /// Only show what would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// One pass over everything that is due, then end (with code 3 if nothing was)
    #[arg(long)]
    pub(crate) once: bool,
    /// Only these stages
    #[arg(long = "stage", value_name = "STAGE")]
    pub(crate) stages: Vec<String>,
    /// Only say what would happen
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only this batch
    #[arg(long, value_name = "TAG")]
    pub(crate) batch: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DraftArgs {
    /// Take the drafts that wait for review back and write them anew, for example under another sender profile
    #[arg(long)]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) stage: StageArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StageArgs {
    /// Only this batch
    #[arg(long, value_name = "TAG")]
    pub(crate) batch: Option<String>,
    /// Only say what would happen
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DedupeArgs {
    #[command(flatten)]
    pub(crate) stage: StageArgs,
    /// Look at all companies once more, of every batch, and write what is found
    #[arg(long, conflicts_with_all = ["batch", "dry_run"])]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// How many got how far
    Funnel {
        /// Only this batch
        #[arg(long, value_name = "TAG")]
        batch: Option<String>,
    },
    /// What the searches brought: documents, drops by reason, duplicates by kind, contacts
    Quality {
        /// Only this batch
        #[arg(long, value_name = "TAG")]
        batch: Option<String>,
    },
    /// Who can be reached and how, and why others can't
    Contacts {
        /// Only this batch
        #[arg(long, value_name = "TAG")]
        batch: Option<String>,
    },
    /// Domains seen most
    Domains {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
    /// How many rows stand in each state, with reason codes
    States,
    /// Searches of each batch: forecast against actual
    Cost,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Companies with their contacts, as csv (or JSON lines with --json)
    Companies {
        /// A file; default: stdout
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Only this batch
        #[arg(long, value_name = "TAG")]
        batch: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Every setting with its value and origin; secrets masked
    Show,
}
