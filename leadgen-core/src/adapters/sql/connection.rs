//! The connection, its settings, and the ground all lanes stand on: statements and transactions.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement,
    TransactionTrait, Value,
};

use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;

/// Who counts leases.
#[derive(Clone, Debug, Default)]
pub enum LeaseClock {
    /// The database: the same for all processes.
    #[default]
    Database,
    /// A clock moved by hand, for tests.
    Given(Arc<dyn Clock>),
}

/// Where the store is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `sqlite://FILE?mode=rwc` or `postgres://…`. Never printed.
    pub url: String,
    /// Connections on PostgreSQL; SQLite has one.
    pub max_connections: u32,
    /// Who counts leases.
    pub lease_clock: LeaseClock,
}

impl Settings {
    /// A store at a URL with everything else as usual.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), max_connections: 8, lease_clock: LeaseClock::Database }
    }
}

/// The store.
#[derive(Debug)]
pub struct SqlStore {
    pub(super) db: DatabaseConnection,
    pub(super) lease_clock: LeaseClock,
    pub(super) sqlite_file: Option<std::path::PathBuf>,
    pub(super) shift: tokio::sync::OnceCell<Option<std::fs::File>>,
}

/// Steps that are serialized across all processes of a store.
#[derive(Clone, Copy, Debug)]
pub(super) enum Serial {
    /// Nothing to serialize.
    None,
    /// Handing out night slots.
    Slots,
    /// Counting the provider's quota and the budget.
    Quota,
    /// Finding twins, and refusals, which cover them. Letters of companies that become one are theirs too, so it is the
    /// outbox's step as well: whoever may merge or refuse waits for letters that are at their mark, and they for it.
    Twins,
    /// A letter's turn and its mark.
    Outbox,
}

impl SqlStore {
    /// Opens a database without looking at its schema: for migrating it.
    pub async fn open(settings: &Settings) -> Result<DatabaseConnection> {
        let sqlite = settings.url.starts_with("sqlite:");
        #[cfg(feature = "postgres")]
        if !sqlite {
            knock(&settings.url).await?;
        }
        let mut options = ConnectOptions::new(settings.url.clone());
        options.sqlx_logging(false).acquire_timeout(Duration::from_secs(30)).connect_timeout(Duration::from_secs(10));
        // One writer at a time is what SQLite has; one connection says so and never meets "database is locked" from itself.
        // Migrating under a lock needs two on PostgreSQL.
        options.max_connections(if sqlite { 1 } else { settings.max_connections.max(2) });
        #[cfg(feature = "sqlite")]
        options.map_sqlx_sqlite_opts(|options| {
            options
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
                .pragma("journal_mode", "WAL")
                // A mark must outlive a power cut.
                .pragma("synchronous", "FULL")
                // Ids are hashes: new rows land all over the tables. A cache that holds the indexes saves reading them again.
                .pragma("cache_size", "-65536")
        });
        let place = sqlite_file(&settings.url);
        Database::connect(options).await.map_err(|e| {
            let error = failed("connect to the database", e);
            match place {
                Some(file) if !file.exists() => {
                    error.detail(format!("{} does not exist; `?mode=rwc` at the end creates it, its folder must be there", file.display()))
                }
                Some(file) => error.detail(file.display().to_string()),
                None => error,
            }
        })
    }

    /// Connects, and checks that the schema is the one this program knows.
    pub async fn connect(settings: Settings) -> Result<Self> {
        let db = Self::open(&settings).await?;
        Self::over(db, settings).await
    }

    /// A store over a database that is open already: one in memory is gone with its connection.
    pub async fn over(db: DatabaseConnection, settings: Settings) -> Result<Self> {
        let store =
            Self { sqlite_file: sqlite_file(&settings.url), db, lease_clock: settings.lease_clock, shift: tokio::sync::OnceCell::new() };
        store.check_schema().await?;
        store.check_durability().await?;
        Ok(store)
    }

    pub(super) async fn check_schema(&self) -> Result<()> {
        let refuse = |code: &'static str, detail: String| Err(Error::new(ErrorKind::Config, "use the database").code(code).detail(detail));
        let unknown = leadgen_migrations::unknown(&self.db).await.map_err(|e| failed("read the schema's version", e))?;
        if !unknown.is_empty() {
            return refuse("schema_ahead", format!("a newer program took the steps {}; use that one", unknown.join(", ")));
        }
        let pending = leadgen_migrations::pending(&self.db).await.map_err(|e| failed("read the schema's version", e))?;
        if !pending.is_empty() {
            return refuse("schema_behind", format!("{} steps are missing: run `leadgen migrate up`", pending.len()));
        }
        Ok(())
    }

    /// A mark that a power cut can undo is none: a database that answers before it has written is refused.
    async fn check_durability(&self) -> Result<()> {
        let weak = if self.is_postgres() {
            let row = query_one(&self.db, "SELECT current_setting('synchronous_commit') AS found", vec![]).await?;
            let found: Option<String> = row.map(|row| super::row::get(&row, "found")).transpose()?;
            // Everything but `off` waits for the disk.
            found.filter(|found| found == "off").map(|found| format!("synchronous_commit is {found}"))
        } else {
            let row = query_one(&self.db, "PRAGMA synchronous", vec![]).await?;
            let found: Option<i32> = row.map(|row| super::row::get(&row, "synchronous")).transpose()?;
            // 2 is FULL, 3 is EXTRA.
            found.filter(|found| *found < 2).map(|found| format!("synchronous is {found}"))
        };
        match weak {
            None => Ok(()),
            Some(weak) => Err(Error::new(ErrorKind::Config, "use the database")
                .code("durability_weak")
                .detail(format!("{weak}: a commit would not outlive a power cut"))),
        }
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.db.get_database_backend() == DbBackend::Postgres
    }

    /// Begins a writing transaction, serialized as asked.
    pub(super) async fn write(&self, serial: Serial) -> Result<DatabaseTransaction> {
        if !self.is_postgres() {
            #[cfg(feature = "sqlite")]
            {
                let options = sea_orm::TransactionOptions {
                    sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Immediate),
                    ..Default::default()
                };
                return self.db.begin_with_options(options).await.map_err(|e| failed("begin a transaction", e));
            }
        }
        let tx = self.db.begin().await.map_err(|e| failed("begin a transaction", e))?;
        self.serialize(&tx, serial).await?;
        Ok(tx)
    }

    /// Makes the rest of a transaction one of a kind. Taken before any row is locked, and where two are needed in the order of
    /// [`Serial`]: so nobody waits in a circle.
    pub(super) async fn serialize(&self, tx: &DatabaseTransaction, serial: Serial) -> Result<()> {
        let locks: &[u32] = match serial {
            Serial::None => &[],
            Serial::Slots => &[72_416],
            Serial::Twins => &[72_417, 72_418],
            Serial::Outbox => &[72_418],
            Serial::Quota => &[72_419],
        };
        for lock in locks.iter().filter(|_| self.is_postgres()) {
            run(tx, &format!("SELECT pg_advisory_xact_lock({lock})"), vec![]).await?;
        }
        Ok(())
    }

    /// Ends a reading statement whose rows are about to be moved: nobody else moves them meanwhile, and whoever waited
    /// for them sees them as they are then.
    pub(super) fn locked(&self, sql: &str) -> String {
        if self.is_postgres() { format!("{sql} FOR UPDATE") } else { sql.to_owned() }
    }

    /// As [`Self::locked`], of one table of a join, leaving out rows that somebody else is moving just now.
    pub(super) fn locked_if_free(&self, sql: &str, table: &str) -> String {
        if self.is_postgres() { format!("{sql} FOR UPDATE OF {table} SKIP LOCKED") } else { sql.to_owned() }
    }
}

/// One connection by itself, before the pool: a pool asks a closed port again and again for half a minute, and then says only
/// that time ran out.
#[cfg(feature = "postgres")]
async fn knock(url: &str) -> Result<()> {
    use sqlx::Connection;
    let failed = || Error::new(ErrorKind::Unavailable, "connect to the database").code("database_unavailable");
    let knocked = tokio::time::timeout(KNOCK, sqlx::postgres::PgConnection::connect(url)).await;
    let connection =
        knocked.map_err(|_| failed().detail(format!("no answer within {} s", KNOCK.as_secs())))?.map_err(|e| failed().because(e))?;
    // It answered; how it takes the farewell changes nothing.
    drop(connection.close().await);
    Ok(())
}

/// How long a database may take to answer the first time.
#[cfg(feature = "postgres")]
const KNOCK: Duration = Duration::from_secs(10);

/// Rows of one inserting statement: 400 rows of 20 columns stay far below what either database takes.
const INSERTED_AT_ONCE: usize = 400;

/// Runs a query; `$n` placeholders work on both databases.
pub(super) async fn query(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.query_all_raw(statement).await.map_err(|e| failed("read the store", e))
}

/// Runs a query that gives at most one row.
pub(super) async fn query_one(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Option<QueryResult>> {
    Ok(query(db, sql, values).await?.into_iter().next())
}

/// Runs a statement; how many rows it touched.
pub(super) async fn run(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.execute_raw(statement).await.map_err(|e| failed("write to the store", e))?.rows_affected())
}

/// `$from, $from+1, …` for a list of values, and the values.
pub(super) fn list<V: Into<Value>>(from: usize, values: impl IntoIterator<Item = V>) -> (String, Vec<Value>) {
    let values: Vec<Value> = values.into_iter().map(Into::into).collect();
    let places: Vec<String> = (from..from + values.len()).map(|place| format!("${place}")).collect();
    // An empty list is no SQL; nothing equals NULL.
    (if places.is_empty() { "NULL".into() } else { places.join(", ") }, values)
}

/// Inserts many rows with few statements. All rows have as many values as `head` names columns.
pub(super) async fn insert_rows(tx: &DatabaseTransaction, head: &str, rows: impl Iterator<Item = Vec<Value>>, tail: &str) -> Result<()> {
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let (mut groups, mut values) = (Vec::new(), Vec::new());
        for row in rows.by_ref().take(INSERTED_AT_ONCE) {
            let (places, cells) = list(values.len() + 1, row);
            groups.push(format!("({places})"));
            values.extend(cells);
        }
        run(tx, &format!("{head} VALUES {} {tail}", groups.join(", ")), values).await?;
    }
    Ok(())
}

/// Commits.
pub(super) async fn commit(tx: DatabaseTransaction) -> Result<()> {
    tx.commit().await.map_err(|e| failed("commit to the store", e))
}

/// A database error: all of them may pass, but for one that says the statement itself is wrong.
pub(super) fn failed(doing: &'static str, error: sea_orm::DbErr) -> Error {
    let text = error.to_string();
    let busy = text.contains("locked") || text.contains("busy");
    Error::new(ErrorKind::Unavailable, doing).code(if busy { "database_busy" } else { "database_unavailable" }).because(error)
}

/// An optional instant for a column.
pub(super) fn millis(at: Option<Timestamp>) -> Value {
    at.map(Timestamp::millis).into()
}

fn sqlite_file(url: &str) -> Option<std::path::PathBuf> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    let path = path.split('?').next().unwrap_or(path);
    (!path.is_empty() && path != ":memory:").then(|| path.into())
}
