//! One suite a port: whatever implements the port is run through it, yours too. A suite panics with a sentence that says
//! which promise was not kept.

pub mod search;
