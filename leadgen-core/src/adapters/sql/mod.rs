//! The store in a database: SeaORM on SQLite (one process) or PostgreSQL (many).
//!
//! What must never race runs in a transaction that is serialized: on SQLite every writing transaction begins IMMEDIATE,
//! on PostgreSQL it takes an advisory lock. Claims skip rows that others hold. Leases are counted by the database's clock.

mod births;
mod by_hand;
mod companies;
mod connection;
mod doors;
mod enrich;
mod leases;
mod ledger;
mod letters;
mod links;
mod lives;
mod merges;
mod outbox;
mod pairs;
mod partings;
mod plan;
mod quality;
mod queue;
mod raw_pages;
mod replay;
mod reports;
mod results;
mod reviews;
mod row;
mod rows_in;
mod search;
mod shared;
mod shift;
mod site_hosts;
mod site_pages;
mod spoiled;
mod submit;
mod suppress;
mod twins;

pub use connection::{LeaseClock, Settings, SqlStore};
