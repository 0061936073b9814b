//! A bench for the search stages: the real client against the town, a store of one's own, a clock moved by hand.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use leadgen_core::adapters::google;
use leadgen_core::adapters::kit::http::Http;
use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::adapters::sql::{LeaseClock, Settings, SqlStore};
use leadgen_core::adapters::yandex::{self, Credentials, YandexSearch};
use leadgen_core::domain::flow::QueryState;
use leadgen_core::domain::policy::Policy;
use leadgen_core::domain::query::{SearchMode, SearchQuery};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::Pipeline;
use leadgen_core::ports::clock::HandClock;
use leadgen_core::rules::planning;
use leadgen_sandbox::Town;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde::{Deserialize, Serialize};

/// A value of the town's environment.
pub fn env(town: &Town, name: &str) -> String {
    town.env().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Where a town is, for a client of its search.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    folder_id: String,
    key_file: String,
    search_url: String,
    operation_url: String,
    iam_url: String,
}

/// The address of a town.
pub fn address(town: &Town) -> Address {
    Address {
        folder_id: env(town, "YANDEX_CLOUD_FOLDER_ID"),
        key_file: env(town, "YANDEX_CLOUD_SA_KEY_FILE"),
        search_url: env(town, "LEADGEN_YANDEX_SEARCH_URL"),
        operation_url: env(town, "LEADGEN_YANDEX_OPERATION_URL"),
        iam_url: env(town, "LEADGEN_YANDEX_IAM_URL"),
    }
}

/// The real client, pointed at the town, with a short patience.
pub fn client(town: &Town, clock: Arc<HandClock>, patience: Duration) -> Result<YandexSearch> {
    client_at(&address(town), yandex::Request::default(), clock, patience)
}

/// The same at an address, with a request of one's own.
pub fn client_at(town: &Address, request: yandex::Request, clock: Arc<HandClock>, patience: Duration) -> Result<YandexSearch> {
    let settings = yandex::Settings {
        folder_id: town.folder_id.clone(),
        credentials: Credentials::key_file(town.key_file.as_ref())?,
        search_url: town.search_url.clone(),
        operation_url: town.operation_url.clone(),
        iam_url: town.iam_url.clone(),
        mode: SearchMode::Deferred,
        request,
    };
    Ok(YandexSearch::new(settings, Http::new(&client_config(None)?, patience, true)?, clock)?)
}

/// A store at a URL, its schema up to date, leases counted by the hand-moved clock.
pub async fn store(url: &str, clock: Arc<HandClock>) -> Result<Arc<SqlStore>> {
    let settings = Settings { lease_clock: LeaseClock::Given(clock), ..Settings::new(url) };
    let db = SqlStore::open(&settings).await?;
    leadgen_migrations::up(&db).await?;
    db.close().await?;
    Ok(Arc::new(SqlStore::connect(settings).await?))
}

/// A pipeline of the search stages.
pub fn pipeline(store: Arc<SqlStore>, search: YandexSearch, clock: Arc<HandClock>, policy: Policy) -> Result<Pipeline> {
    let pipeline = Pipeline::builder().store(store).clock(clock).search(search).policy(policy).owner("bench").build()?;
    Ok(pipeline.only(&["plan", "submit", "poll", "ingest", "dedupe"])?)
}

/// A query of the bench that is due at an instant.
pub fn query(niche: &str, city: &str, batch: &str, due: Timestamp) -> Result<SearchQuery> {
    let text = planning::query_text(niche, city, None, &planning::Settings::default())?;
    Ok(SearchQuery {
        id: SearchQuery::id_of(&text, 225),
        niche_id: None,
        hash: planning::query_hash(&text, 225),
        region: 225,
        trigger: None,
        niche: niche.into(),
        city: city.into(),
        batch_tag: batch.into(),
        state: QueryState::Pending,
        scheduled_for: due,
        retry_count: 0,
        page: 0,
        text,
    })
}

/// One row of the database, read past the store: columns as text.
pub async fn look(url: &str, sql: &str) -> Result<Vec<Vec<String>>> {
    let db = sea_orm::Database::connect(url).await?;
    let lines = look_in(&db, sql).await;
    db.close().await?;
    lines
}

/// The same over a connection that stays open.
pub async fn look_in(db: &DatabaseConnection, sql: &str) -> Result<Vec<Vec<String>>> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let text = |row: &sea_orm::QueryResult, column: &str| -> String {
        row.try_get::<Option<String>>("", column)
            .map(Option::unwrap_or_default)
            .or_else(|_| row.try_get::<i64>("", column).map(|n| n.to_string()))
            .unwrap_or_else(|_| "?".into())
    };
    Ok(rows.iter().map(|row| row.column_names().iter().map(|column| text(row, column)).collect()).collect())
}

/// The town's sheet, for rows of one batch or of all.
pub fn sheet(town: &Town, clock: Arc<HandClock>, batch_tag: Option<&str>) -> Result<google::GoogleSheet> {
    let env = |name: &str| env(town, name);
    let settings = google::Settings {
        spreadsheet_id: env("GOOGLE_SHEET_ID"),
        tab: "NICHES_INPUT".into(),
        batch_tag: batch_tag.map(str::to_owned),
        key: google::ServiceKey::open(env("GOOGLE_SA_KEY_FILE").as_ref())?,
        base_url: env("LEADGEN_SHEETS_URL"),
    };
    Ok(google::GoogleSheet::new(settings, Http::new(&client_config(None)?, Duration::from_secs(5), true)?, clock)?)
}
