//! What people and programs see: tables, JSON, logs on stderr, exit codes.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use comfy_table::{ContentArrangement, Table, presets};
use leadgen_core::error::{Error, ErrorKind};
use leadgen_core::rules::mask;
use leadgen_core::setup::layers::{Layers, Origin};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::args::Cli;

/// A line on stdout. Where nobody reads any more (`leadgen … | head`) the program ends, as other tools do.
macro_rules! say {
    ($($part:tt)*) => { $crate::output::line(format_args!($($part)*)) };
}
pub(crate) use say;

pub(crate) fn line(text: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Done.
    Done,
    /// There was nothing to do where something was asked for.
    Nothing,
    /// Some of it failed; what did was listed.
    Partly,
    /// All of it failed; what did was listed.
    Failed,
    /// What was asked for can't be meant; what was wrong with it was listed.
    Misused,
}

impl End {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Nothing => 3,
            Self::Partly => 4,
            Self::Failed => 1,
            Self::Misused => 2,
        }
    }
}

/// Logs go to stderr, so stdout stays data. A flag says how much; without one `LOG_LEVEL` does, if it is set.
pub(crate) fn logs(cli: &Cli, layers: &Layers) -> anyhow::Result<()> {
    let set = (layers.origin("LOG_LEVEL") != Origin::Default).then(|| layers.text("LOG_LEVEL")).flatten();
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => "off",
        // What happens in the demonstration is meant to: firms refuse, sites are down, and the funnel tells it.
        (_, 0) if cli.command.is_rehearsal() => "error",
        (_, 0) => set.unwrap_or("warn"),
        (_, 1) => "info",
        (_, 2) => "debug,hyper=info,sqlx=warn",
        _ => "trace",
    };
    let ansi = match cli.color {
        clap::ColorChoice::Always => true,
        clap::ColorChoice::Never => false,
        clap::ColorChoice::Auto => std::io::stderr().is_terminal(),
    };
    let bad = |e| Error::new(ErrorKind::Config, "read the filter of LOG_LEVEL").code("config_invalid").because(e);
    let filter = EnvFilter::try_new(level).map_err(bad)?;
    let secrets: Arc<[String]> = layers.secrets().into();
    let writer = move || Masked(secrets.clone());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(ansi).with_target(false);
    logs.compact().init();
    Ok(())
}

/// The stderr of logs: no secret and no whole address gets through. A line comes in one piece.
struct Masked(Arc<[String]>);

impl Write for Masked {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().write_all(mask::line(&String::from_utf8_lossy(line), &self.0).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Prints an error with its causes; the exit code it means.
pub(crate) fn failure(error: &anyhow::Error, json: bool) -> u8 {
    let ours = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    let code = ours.map_or("failed", Error::machine_code);
    let text = told(error);
    if json {
        say!("{}", serde_json::json!({"error": {"code": code, "message": text}}));
    } else {
        eprintln!("error: {text}");
    }
    match ours.map(Error::kind) {
        Some(ErrorKind::Config) => 2,
        _ => 1,
    }
}

/// The chain of causes in one line; what a cause of others says in its own words already is not said again.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// What was asked for can't be meant: told with the exit code of wrong usage.
pub(crate) fn misuse(doing: impl Into<String>, why: impl Into<String>) -> anyhow::Error {
    Error::new(ErrorKind::Config, doing.into()).code("usage").detail(why.into()).into()
}

/// The command line itself is wrong (or asks for help): as clap prints it, and one JSON document for a program that asked for it.
pub(crate) fn misused(error: &clap::Error) -> u8 {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if json && error.use_stderr() {
        say!("{}", serde_json::json!({"error": {"code": "usage", "message": error.to_string()}}));
    } else {
        // A closed terminal takes no help; there is nobody left to tell.
        drop(error.print());
    }
    u8::try_from(error.exit_code()).unwrap_or(2)
}

/// There was nothing to do where something was asked for: said to people on stderr, to programs as a document.
pub(crate) fn nothing(cli: &Cli, code: &str, message: &str) -> End {
    instead(cli, code, message, End::Nothing)
}

/// Why there is no result: said to people on stderr, to programs as a document.
pub(crate) fn instead(cli: &Cli, code: &str, message: &str, end: End) -> End {
    if cli.json {
        say!("{}", serde_json::json!({"error": {"code": code, "message": message}}));
    } else {
        eprintln!("{message}");
    }
    end
}

/// One JSON document, or whatever the table shows.
pub(crate) fn show<T: Serialize>(json: bool, value: &T, table: impl FnOnce() -> String) -> anyhow::Result<()> {
    if json {
        say!("{}", serde_json::to_string(value)?);
    } else {
        say!("{}", table());
    }
    Ok(())
}

/// What a dry run would have done.
pub(crate) fn would(cli: &Cli, what: &str) -> anyhow::Result<End> {
    show(cli.json, &serde_json::json!({"dry_run": true, "would": what}), || format!("would {what}"))?;
    Ok(End::Done)
}

/// A table with a header.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// Whether bars may be drawn.
pub(crate) fn may_draw(cli: &Cli) -> bool {
    !cli.no_progress && !cli.quiet && !cli.json && std::io::stderr().is_terminal()
}
