//! The schema of leadgen: an ordered list of steps, each with its way back.
//!
//! Times are `bigint` milliseconds since 1970 UTC, ids are UUIDs, JSON is text.

mod m0001_search;
mod m0002_companies;
mod m0003_letters;
mod m0004_views;
mod m0005_search_ledger;

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::sea_orm;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, TransactionTrait};

/// The steps.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_search::Step),
            Box::new(m0002_companies::Step),
            Box::new(m0003_letters::Step),
            Box::new(m0004_views::Step),
            Box::new(m0005_search_ledger::Step),
        ]
    }
}

/// The advisory lock that makes processes which start together migrate one after the other.
const LOCK: i64 = 72_415;

/// Brings the schema up to date. Many processes may call it at the same moment.
pub async fn up(db: &DatabaseConnection) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Migrator::up(db, None).await;
    }
    let guard = db.begin().await?;
    guard.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    Migrator::up(db, None).await?;
    guard.commit().await
}

/// Takes everything back.
pub async fn down(db: &DatabaseConnection) -> Result<(), DbErr> {
    Migrator::down(db, None).await
}

/// The names of steps that were not taken yet.
pub async fn pending(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    Ok(Migrator::get_pending_migrations(db).await?.iter().map(|step| step.name().to_owned()).collect())
}

/// Columns by which a row is leased to a worker and put off.
const CLAIM: &str = "claimed_by text, claim_token uuid, claimed_until bigint NOT NULL DEFAULT 0, \
    tries integer NOT NULL DEFAULT 0, next_try_at bigint";

/// Runs statements written for both databases: `{CLAIM}` and `{BLOB}` stand for what differs or repeats.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let blob = if db.get_database_backend() == DbBackend::Postgres { "bytea" } else { "blob" };
    for statement in statements {
        db.execute_unprepared(&statement.replace("{CLAIM}", CLAIM).replace("{BLOB}", blob)).await?;
    }
    Ok(())
}

/// A step made of statements there and back.
macro_rules! step {
    ($up:expr, $down:expr) => {
        #[derive(sea_orm_migration::prelude::DeriveMigrationName)]
        pub(crate) struct Step;

        #[sea_orm_migration::prelude::async_trait::async_trait]
        impl sea_orm_migration::prelude::MigrationTrait for Step {
            async fn up(&self, manager: &sea_orm_migration::prelude::SchemaManager) -> Result<(), sea_orm_migration::sea_orm::DbErr> {
                crate::run(manager, $up).await
            }
            async fn down(&self, manager: &sea_orm_migration::prelude::SchemaManager) -> Result<(), sea_orm_migration::sea_orm::DbErr> {
                crate::run(manager, $down).await
            }
        }
    };
}
pub(crate) use step;
