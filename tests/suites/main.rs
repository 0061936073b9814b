//! What leadgen promises, suite by suite.

mod schema;
mod serp;
mod server;
