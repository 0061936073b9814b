//! What the suites stand on.

pub mod books;
pub mod crew;
pub mod databases;
pub mod firms;
pub mod harness;
pub mod mortal;
pub mod plain_http;
pub mod postgres;
pub mod processes;
pub mod rehearsal;
pub mod search_bench;
pub mod shell;
pub mod street;
pub mod town_crawl;
pub mod usage;
