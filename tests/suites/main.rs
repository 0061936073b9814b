//! What leadgen promises, suite by suite.

mod bad_files;
mod binaries;
mod by_hand;
#[cfg(unix)]
mod chromium;
mod conformance;
mod contacts;
mod crash;
mod crawl;
mod disguises;
mod env;
mod floors;
mod grouping;
mod journey;
mod lanes_spoiled;
mod merged;
mod mutations;
mod politeness;
mod rendering;
mod revisits;
mod schema;
mod search_bulk;
mod search_deaths;
mod search_doctor;
mod search_faults;
mod search_intake;
mod search_nights;
mod search_providers;
mod search_spoiled;
mod serp;
mod server;
mod strangers;
mod twins;
mod visits_told;
mod wire;
mod workers;
