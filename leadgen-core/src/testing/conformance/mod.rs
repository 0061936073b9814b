//! A suite for each port: whoever implements one runs it through its suite, and each check that fails says which promise
//! was broken. The stores of this crate answer to the same ones.
//!
//! ```
//! use std::sync::Arc;
//! use leadgen_core::testing::{conformance, memory::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let checks = conformance::stores(async |clock| Arc::new(MemoryStore::with_lease_clock(clock)) as _).await;
//! assert!(checks > 90);
//! # }
//! ```

mod by_hand;
mod companies;
mod entrances;
mod full_blocks;
mod hosts;
mod lanes;
mod letters;
mod letters_of_twins;
mod limits;
mod moved;
mod outbox;
mod partings;
mod people;
mod ports;
mod refusals;
mod rendering;
mod replays;
mod searches;
mod seeds;
mod shared;
mod signals;
mod sites;
mod twins;
mod verified;
mod visits;
mod world;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;

use crate::error::Result;
use crate::ports::clock::Clock;
use crate::ports::store::Store;

pub use ports::{clock, contacts, dns, drafter, entropy, fetcher, inbox, leads, router, search, transport, verifier};

pub use rendering::renderer;

use world::World;

/// A check: what it says, and how it is tried on a fresh store.
type Check = (&'static str, fn(&World) -> Pin<Box<dyn Future<Output = Result<()>> + '_>>);

/// Names functions over a fresh world; their names are the promises.
macro_rules! checks {
    ($($check:path),+ $(,)?) => { &[$((stringify!($check), |world| Box::pin($check(world)))),+] };
}
use checks;

/// Runs every check of the store's contracts, each on a store of its own made by `make`, whose leases the given clock
/// counts. Gives how many there were; panics with all promises that were broken.
pub async fn stores(make: impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn Store>) -> usize {
    let suites = [
        lanes::CHECKS,
        entrances::CHECKS,
        by_hand::CHECKS,
        searches::CHECKS,
        limits::CHECKS,
        companies::CHECKS,
        sites::CHECKS,
        hosts::CHECKS,
        visits::CHECKS,
        moved::CHECKS,
        shared::CHECKS,
        verified::CHECKS,
        letters::CHECKS,
        outbox::CHECKS,
        people::CHECKS,
        signals::CHECKS,
        twins::CHECKS,
        partings::CHECKS,
        refusals::CHECKS,
        letters_of_twins::CHECKS,
        full_blocks::CHECKS,
        replays::CHECKS,
    ];
    let mut broken = Vec::new();
    let mut tried = 0;
    for (name, check) in suites.into_iter().flatten() {
        let world = World::new(&make).await;
        tried += 1;
        let promise = name.replace('_', " ");
        match AssertUnwindSafe(check(&world)).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => broken.push(format!("{promise}: {}", error.for_row())),
            Err(panic) => broken.push(format!("{promise}: {}", words(panic.as_ref()))),
        }
    }
    assert!(broken.is_empty(), "{} of {tried} promises are broken:\n- {}", broken.len(), broken.join("\n- "));
    tried
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "it panicked".into())
}
