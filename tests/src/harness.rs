//! The real adapters, wired as the binaries wire them, in the town on loopback, on a clock moved by hand.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use leadgen_core::adapters::sql::{LeaseClock, Settings as Database, SqlStore};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::builder::PipelineBuilder;
use leadgen_core::ports::clock::HandClock;
use leadgen_core::setup::layers::{Layers, Origin};
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring::{self, Needs};
use leadgen_sandbox::{Action, Fault, Plan, Town};
use sea_orm::{ConnectionTrait, Statement};

use crate::databases::Empty;

/// Who writes in the tests.
const SENDER: &str = "person = \"Анна Ковалёва\"\nfirm = \"Студия «Пример»\"\n\
    offer = \"Мы помогаем небольшим компаниям не терять заявки с сайта.\"\n\
    benefit = \"Заявки и звонки собираются в одном списке, и сразу видно, на какую из них ещё не ответили.\"\n";

/// What every test starts from: sending is on, nobody reads drafts, a letter every five minutes all day in Moscow, sites
/// visited without a pause.
const USUAL: [(&str, &str); 10] = [
    ("LEADGEN_OFFLINE", "true"),
    ("EMAIL_SENDING_ENABLED", "true"),
    ("LEADGEN_REVIEW_REQUIRED", "false"),
    ("LEADGEN_LEGAL_BASIS", "every recipient is invented and lives on loopback"),
    ("APP_TIMEZONE", "Europe/Moscow"),
    ("SEND_WINDOW", "07:07-19:45"),
    ("SEND_WEEKDAYS", "1-7"),
    ("SEND_DELAY_SECONDS", "300"),
    ("ROUTING_DNS_TIMEOUT_MS", "400"),
    // A pause between two pages would move the hand-moved clock.
    ("LEADGEN_WEB_PACE_SECONDS", "0"),
];

/// The settings that point at a town; `more` comes last and wins. An empty value takes a setting away.
pub fn settings(town: &Town, dir: &Path, database_url: &str, more: &[(&str, &str)]) -> Result<Settings> {
    let sender = dir.join("sender.toml");
    std::fs::write(&sender, SENDER)?;
    let own = [("DATABASE_URL".to_owned(), database_url.to_owned()), ("MAIL_SENDER_PROFILE_FILE".to_owned(), sender.display().to_string())];
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
    let mut given: Vec<(String, String)> = town.env().to_vec();
    given.extend(own);
    for (name, value) in pairs(&USUAL).into_iter().chain(pairs(more)) {
        given.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            given.push((name, value));
        }
    }
    let layers = given.into_iter().fold(Layers::defaults(), |layers, (name, value)| layers.with(&name, value, &Origin::Flag));
    Ok(Settings::read(&layers)?)
}

/// A town, a store, a clock, and all that is needed to run a pipeline between them.
#[derive(Debug)]
pub struct House {
    /// The town.
    pub town: Town,
    /// The clock.
    pub clock: Arc<HandClock>,
    /// The store.
    pub store: Arc<SqlStore>,
    /// What the pipeline is set up with.
    pub settings: Settings,
    /// The database's name, for messages.
    pub database: &'static str,
    url: String,
    dir: tempfile::TempDir,
}

impl House {
    /// Opens the town that `plan` makes of a folder, and the store in the database.
    pub async fn open(database: &Empty, start: &str, more: &[(&str, &str)], plan: impl FnOnce(&Path) -> Result<Plan>) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let town = Town::open(plan(dir.path())?).await.context("open the town")?;
        let settings = settings(&town, dir.path(), &database.url, more)?;
        let clock = Arc::new(HandClock::at(Timestamp::parse(start)?));
        let db = database.open().await;
        leadgen_migrations::up(&db).await?;
        db.close().await?;
        let at = Database { max_connections: 4, lease_clock: LeaseClock::Given(clock.clone()), ..Database::new(&database.url) };
        let store = Arc::new(SqlStore::connect(at).await?);
        Ok(Self { town, clock, store, settings, database: database.name, url: database.url.clone(), dir })
    }

    /// The folder that goes with the house.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The wiring of the binaries, to be changed before it is built.
    pub fn builder(&self) -> Result<PipelineBuilder> {
        Ok(wiring::pipeline(&self.settings, self.store.clone(), self.clock.clone(), Needs::all(&self.settings))?.owner("house"))
    }

    /// Moves the clock to a time of the day it shows, or to a whole instant.
    pub fn move_to(&self, instant: &str) -> Result<Timestamp> {
        let at = Timestamp::parse(instant)?;
        self.clock.move_to(at);
        Ok(at)
    }

    /// A fault, as often as said.
    pub fn fault(&self, server: &str, at: &str, matches: &str, times: u32, action: Action) {
        fault(&self.town, server, at, matches, times, action);
    }

    /// Rows of the database as text, columns joined by `|`.
    pub async fn look(&self, sql: &str) -> Result<Vec<String>> {
        let db = sea_orm::Database::connect(&self.url).await?;
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        db.close().await?;
        Ok(rows.iter().map(line).collect())
    }

    /// A statement past the store: what another program might do.
    pub async fn run(&self, sql: &str) -> Result<()> {
        let db = sea_orm::Database::connect(&self.url).await?;
        db.execute_unprepared(sql).await?;
        Ok(db.close().await?)
    }
}

fn line(row: &sea_orm::QueryResult) -> String {
    let text = |column: &String| {
        let as_text = row.try_get::<Option<String>>("", column).map(Option::unwrap_or_default);
        let small = || row.try_get::<i32>("", column).map(|number| number.to_string());
        let as_number = || row.try_get::<i64>("", column).map(|number| number.to_string()).or_else(|_| small());
        let as_flag = || row.try_get::<bool>("", column).map(|flag| flag.to_string());
        as_text.or_else(|_| as_number()).or_else(|_| as_flag()).unwrap_or_else(|_| "?".into())
    };
    row.column_names().iter().map(text).collect::<Vec<_>>().join("|")
}

/// A fault of a town, as often as said.
pub fn fault(town: &Town, server: &str, at: &str, matches: &str, times: u32, action: Action) {
    town.faults().add(Fault { server: server.into(), matches: matches.into(), at: at.into(), times, action });
}
