//! The databases a suite runs on: SQLite in a file, SQLite in memory, PostgreSQL where there is one.

use leadgen_core::adapters::sql::{Settings, SqlStore};
use leadgen_migrations::sea_orm::DatabaseConnection;

use crate::postgres;

/// A database with nothing in it; it goes when this does.
#[derive(Debug)]
pub struct Empty {
    /// What it is, for messages.
    pub name: &'static str,
    /// Where it is.
    pub url: String,
    folder: Option<tempfile::TempDir>,
}

impl Empty {
    /// A SQLite file.
    pub fn file() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the database");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("leadgen.db").display());
        Self { name: "SQLite", url, folder: Some(folder) }
    }

    /// A PostgreSQL database; none, said aloud, where there is no PostgreSQL.
    pub async fn postgres() -> Option<Self> {
        Some(Self { name: "PostgreSQL", url: postgres::empty().await?, folder: None })
    }

    /// Opens it without looking at its schema.
    pub async fn open(&self) -> DatabaseConnection {
        SqlStore::open(&Settings { max_connections: 2, ..Settings::new(&self.url) }).await.expect("open the database")
    }

    /// The folder of a SQLite file.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(tempfile::TempDir::path)
    }
}

/// One empty database of each kind the machine has.
pub async fn each() -> Vec<Empty> {
    let mut all = vec![Empty::file()];
    all.extend(Empty::postgres().await);
    all
}
