//! What leadgen promises, suite by suite.

mod serp;
