//! What leadgen promises, suite by suite.

mod serp;
mod server;
