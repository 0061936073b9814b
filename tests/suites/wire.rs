//! Each adapter against its stand-in in the town, faults included. Searching has suites of its own.

#![expect(clippy::unwrap_used, reason = "tests")]

mod files;
mod imap;
mod llm;
mod promises;
mod routing;
mod smtp;
mod web;

use std::path::Path;
use std::sync::Arc;

use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::clock::HandClock;
use leadgen_core::setup::settings::Settings;
use leadgen_sandbox::{Plan, Town};
use leadgen_tests::harness;

/// A town and the settings that point at it; no store.
struct Street {
    town: Town,
    settings: Settings,
    clock: Arc<HandClock>,
    dir: tempfile::TempDir,
}

impl Street {
    async fn open() -> Self {
        Self::plan(|dir| Plan::new(dir.join("town"))).await
    }

    async fn plan(plan: impl FnOnce(&Path) -> Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let town = Town::open(plan(dir.path())).await.unwrap();
        let settings = harness::settings(&town, dir.path(), "sqlite::memory:", &[]).unwrap();
        let clock = Arc::new(HandClock::at(Timestamp::parse("2026-01-16T09:00:00Z").unwrap()));
        Self { town, settings, clock, dir }
    }
}
