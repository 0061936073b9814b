//! The verbs that need no world: decisions as pure functions. No async, no I/O, no clock, no chance.

pub mod backoff;
pub mod compose;
pub mod cost;
pub mod effects;
pub mod gate;
#[cfg(test)]
mod golden;
pub mod harvest;
pub mod inbound;
pub mod mailhosts;
pub mod mailmap;
pub mod mask;
pub mod normalize;
pub mod pacing;
pub mod pages;
pub mod planning;
pub mod quota;
pub mod rank;
pub mod reading;
pub mod refound;
pub mod regions;
pub mod rendering;
pub mod replies;
pub mod robots;
pub mod sender_records;
pub mod setback;
pub mod sieve;
pub mod site;
pub mod sitemap;
pub mod target;
pub mod twins;
pub mod unanswered;
pub mod undelivered;
pub mod verify;
pub mod visit;
pub mod visit_log;
pub mod window;
