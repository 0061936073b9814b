//! A small real stand-in for every port but the store: told beforehand what to answer, asked afterwards what it was told.
//!
//! A clone shares the memory of its original, so one goes into the pipeline and the other stays in your hand:
//!
//! ```
//! use leadgen_core::testing::scripted::{ScriptedSearch, results};
//!
//! let search = ScriptedSearch::answers([results([("https://denta-lux.ru/", "Дента Люкс")])]);
//! let builder = leadgen_core::pipeline::Pipeline::builder().search(search.clone());
//! assert!(search.asked().is_empty());
//! ```
//!
//! What is not scripted gets the usual answer: an empty page, no contacts, a plain letter, a yes.

mod chance;
mod inlets;
mod mail;
mod network;
mod rendering;
mod search;
mod sites;
mod writing;

pub use chance::SeededEntropy;
pub use inlets::{ScriptedInbox, ScriptedLeads, a_bounce_of, a_mail_from, a_reply_to};
pub use mail::{FixedRouter, Outbox};
pub use network::{ScriptedDns, ScriptedFetcher, ScriptedVerifier};
pub use rendering::ScriptedRenderer;
pub use search::{Answer, ScriptedSearch, results};
pub use sites::ScriptedContacts;
pub use writing::{ScriptedDrafter, a_plain_letter};

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// A memory that all clones of a stand-in share.
#[derive(Debug)]
struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    fn new(memory: T) -> Self {
        Self(Arc::new(Mutex::new(memory)))
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Faults that come in order, each once; then all goes well.
#[derive(Debug, Default)]
struct Faults(VecDeque<Error>);

impl Faults {
    fn add(&mut self, error: Error) {
        self.0.push_back(error);
    }

    fn next(&mut self) -> Result<()> {
        self.0.pop_front().map_or(Ok(()), Err)
    }
}
