//! What leadgen promises, suite by suite.

mod schema;
mod search_deaths;
mod search_faults;
mod serp;
mod server;
