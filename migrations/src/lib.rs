//! The schema of leadgen: an ordered list of steps, each with its way back.
//!
//! Times are `bigint` milliseconds since 1970 UTC, ids are UUIDs, JSON is text.

mod m0001_search;
mod m0002_companies;
mod m0003_letters;
mod m0004_views;
mod m0005_search_ledger;
mod m0006_every_lane;
mod m0007_unread_pages;
mod m0008_twins;
mod m0009_site_pages;
mod m0010_operation_moves;
mod m0011_verification;
mod m0012_due_again;
mod m0013_by_hand;
mod m0014_rendered_pages;
mod m0015_site_hosts;
mod m0016_no_name_block;
mod m0017_moved_sites;
mod m0018_shared_contacts;

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::sea_orm;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

/// The steps.
#[derive(Debug)]
pub struct Migrator;

/// Where taken steps are written down.
const TABLE: &str = "schema_migrations";

impl MigratorTrait for Migrator {
    fn migration_table_name() -> sea_orm::DynIden {
        Alias::new(TABLE).into_iden()
    }

    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_search::Step),
            Box::new(m0002_companies::Step),
            Box::new(m0003_letters::Step),
            Box::new(m0004_views::Step),
            Box::new(m0005_search_ledger::Step),
            Box::new(m0006_every_lane::Step),
            Box::new(m0007_unread_pages::Step),
            Box::new(m0008_twins::Step),
            Box::new(m0009_site_pages::Step),
            Box::new(m0010_operation_moves::Step),
            Box::new(m0011_verification::Step),
            Box::new(m0012_due_again::Step),
            Box::new(m0013_by_hand::Step),
            Box::new(m0014_rendered_pages::Step),
            Box::new(m0015_site_hosts::Step),
            Box::new(m0016_no_name_block::Step),
            Box::new(m0017_moved_sites::Step),
            Box::new(m0018_shared_contacts::Step),
        ]
    }
}

/// The advisory lock that makes processes which start together migrate one after the other.
const LOCK: i64 = 72_415;

/// Brings the schema up to date: all missing steps, or none. Many processes may call it at the same moment.
pub async fn up(db: &DatabaseConnection) -> Result<(), DbErr> {
    let tx = alone(db).await?;
    Migrator::up(&tx, None).await?;
    tx.commit().await
}

/// Takes everything back: all steps, or none.
pub async fn down(db: &DatabaseConnection) -> Result<(), DbErr> {
    let tx = alone(db).await?;
    Migrator::down(&tx, None).await?;
    tx.commit().await
}

/// The names of steps that were not taken yet. Changes nothing, not even for a user who may not.
pub async fn pending(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let taken = taken(db).await?;
    let known = Migrator::migrations();
    Ok(known.iter().map(|step| step.name().to_owned()).filter(|name| !taken.contains(name)).collect())
}

/// The names of steps that were taken and that this program does not know: a newer one was here.
pub async fn unknown(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let known: Vec<String> = Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
    Ok(taken(db).await?.into_iter().filter(|name| !known.contains(name)).collect())
}

async fn taken(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    if !SchemaManager::new(db).has_table(TABLE).await? {
        return Ok(vec![]);
    }
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), format!("SELECT version FROM {TABLE}"))).await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}

/// A transaction that no other migrating process shares its time with.
async fn alone(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let tx = db.begin().await?;
        tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
        return Ok(tx);
    }
    let options = TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..Default::default() };
    db.begin_with_options(options).await
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
