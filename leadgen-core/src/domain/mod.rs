//! The nouns of the house: parsed on the way in, valid from then on. No async, no I/O, no clock.

pub mod company;
pub mod company_name;
pub mod contact;
pub mod event;
pub mod flow;
pub mod host;
pub mod id;
pub mod lead;
pub mod letter;
pub mod mail;
pub mod message;
pub mod money;
pub mod mx;
pub mod name;
pub mod page;
pub mod policy;
pub mod query;
pub mod report;
pub mod serp;
pub mod signal;
pub mod suppression;
pub mod time;
pub mod twins;
pub mod verification;
pub(crate) mod words;
