//! A B2B lead pipeline as a library: search, companies, contacts, letters, answers.

pub mod actions;
pub mod adapters;
pub mod domain;
pub mod error;
pub mod pipeline;
pub mod ports;
pub mod rules;
#[cfg(feature = "setup")]
pub mod setup;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
