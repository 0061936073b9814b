//! A small town on loopback: everything leadgen talks to, each over its real protocol. It knows nothing of leadgen-core,
//! so one misreading of a protocol can't hide on both sides.
//!
//! One seed grows firms, their sites, the result pages that list them and the hosts that take their mail, and all agree.

mod dns;
mod faults;
mod firms;
mod imap;
mod keys;
mod model;
mod pages;
mod people;
mod search;
mod serp;
mod sheets;
mod sites;
mod smtp;
mod town;
mod witness;

pub use faults::{Action, Fault, Faults};
pub use firms::{Firm, Temper};
pub use search::SearchSeen;
pub use sites::Visit;
pub use smtp::Letter;
pub use town::{Plan, Row, Town};
