//! The reference store: every lane and every role over plain maps. What a contract in [`ports::store`](crate::ports::store)
//! says in words stands here in its shortest code; the stores for production answer to the same suite.
//!
//! One mutex guards all tables and is never held across an await. A transaction works on a copy, which takes the place of
//! the tables only if it ends well. Leases are counted by the clock the store is given.

mod agenda;
mod companies;
mod doors;
mod enrich;
mod leases;
mod ledger;
mod letters;
mod lives;
mod outbox;
mod partings;
mod people;
mod plan;
mod queries;
mod registry;
mod replay;
mod reports;
mod search;
mod site_hosts;
mod site_pages;
mod submit;
mod tables;
mod twins;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::Shift;

use tables::Tables;

/// A store in memory, for tests and for pipelines that need not outlive their process. Clones of its `Arc` may be shared
/// by many workers.
///
/// ```
/// use std::sync::Arc;
/// use leadgen_core::domain::time::Timestamp;
/// use leadgen_core::testing::HandClock;
/// use leadgen_core::testing::memory::MemoryStore;
///
/// let clock = Arc::new(HandClock::at(Timestamp::parse("2026-01-12T09:00:00Z").unwrap()));
/// let store = Arc::new(MemoryStore::with_lease_clock(clock.clone()));
/// let shared: Arc<dyn leadgen_core::ports::store::Store> = store;
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    lease_clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// An empty store whose leases are counted by the machine's clock.
    pub fn new() -> Self {
        Self::with_lease_clock(Arc::new(SystemClock))
    }

    /// An empty store whose leases are counted by a clock of yours: one moved by hand, for tests.
    pub fn with_lease_clock(lease_clock: Arc<dyn Clock>) -> Self {
        Self { tables: Mutex::new(Tables::default()), lease_clock }
    }

    /// Looks at the tables.
    fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the tables in one transaction: all of it, or nothing if it ends in an error. The second argument is the
    /// present of the leases.
    fn write<T>(&self, change: impl FnOnce(&mut Tables, Timestamp) -> Result<T>) -> Result<T> {
        let lease_now = self.lease_clock.now();
        let mut tables = self.lock();
        let mut copy = tables.clone();
        let outcome = change(&mut copy, lease_now)?;
        *tables = copy;
        Ok(outcome)
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // A panic in the middle of a change leaves the tables as they were: it worked on a copy.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Shift for MemoryStore {
    /// Many workers may share it, so a begin ends nobody's leases: they end by the clock.
    async fn begin(&self) -> Result<()> {
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}
