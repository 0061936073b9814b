//! A B2B lead pipeline as a library: a row of a sheet ("dental clinics, Kazan") becomes a letter in the right company's
//! inbox, and you are told what came of it.
//!
//! ```text
//! sheet ─intake→ niche ─plan→ queries ─submit, poll→ pages ─ingest→ results ─dedupe→ companies
//!       ─enrich→ contacts ─draft→ letters, read by a person ─route, send→ sent ─inbox→ answered
//! ```
//!
//! [`Pipeline`] moves leads by itself; [`actions`] are what a person asks for. Both know [`ports`] (traits with contracts)
//! and no adapter: a search engine, a mail server or a store of your own is one `impl`. [`rules`] decide and [`domain`]
//! names things; both are plain functions and values, without async, clock or chance.
//!
//! # Embedding it
//!
//! A port left out switches its stages off, so this is a pipeline that ends with contacts. The parts are the stand-ins of
//! [`testing`](#features); put in [`adapters`] of the same shape and it runs for real.
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```text")]
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use leadgen_core::ports::store::Exports;
//! use leadgen_core::testing::builders::{a_row, an_open_policy, at};
//! use leadgen_core::testing::memory::MemoryStore;
//! use leadgen_core::testing::scripted::{ScriptedContacts, ScriptedLeads, ScriptedSearch, results};
//! use leadgen_core::testing::HandClock;
//! use leadgen_core::{Pipeline, Until};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> leadgen_core::Result<()> {
//! let start = at("2026-01-13T09:00:00Z");
//! let store = Arc::new(MemoryStore::new());
//! let pipeline = Pipeline::builder()
//!     .store(store.clone())
//!     .clock(Arc::new(HandClock::at(start)))
//!     .leads("sheet", Arc::new(ScriptedLeads::rows([a_row("стоматология", "Казань")])))
//!     .search(ScriptedSearch::answers([results([("https://denta-lux.ru/", "Дента Люкс")])]))
//!     .contacts(ScriptedContacts::of([("denta-lux.ru", "info@denta-lux.ru")]))
//!     .policy(an_open_policy([]))
//!     .build()?;
//! pipeline.drain(Until::Instant(start + Duration::from_hours(1))).await?;
//!
//! let companies = store.companies(None).await?;
//! assert_eq!((companies[0].name.as_str(), companies[0].email.as_str()), ("Дента Люкс", "info@denta-lux.ru"));
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | brings |
//! | --- | --- |
//! | `sqlite`, `postgres` | the store in SQL: SQLite for one process, PostgreSQL for many |
//! | `yandex` | searches by the Yandex Search API, deferred or at once |
//! | `web` | visits to companies' sites, by robots.txt and at a polite pace |
//! | `browser` | pages of sites that show nothing without scripts, rendered by a Chromium of the machine (Unix) |
//! | `llm` | letters drafted by a language model |
//! | `files` | niches and companies from CSV, letters from a template |
//! | `google` | niches from a Google sheet, told there what became of them |
//! | `xlsx` | spreadsheets besides CSV |
//! | `searxng` | searches by a SearXNG instance |
//! | `dns` | mail hosts by DNS, and the choice of a mailbox by them |
//! | `smtp`, `imap` | sending and reading answers |
//! | `setup` | settings from files, flags and environment, wired to all of these |
//! | `testing` | a store in memory, a stand-in for every port, a clock moved by hand |
//! | `sql`, `http`, `tls` | shared ground, switched on by the others |
//!
//! All but `browser` and `testing` are on by default. With none of them the crate still holds the domain, the rules, the ports and the
//! pipeline, for adapters of your own.

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

pub use error::{Error, ErrorKind, Result, Verdict};
pub use pipeline::{Pipeline, Until};
