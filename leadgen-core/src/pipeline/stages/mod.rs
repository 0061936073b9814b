//! The stages: each a struct that holds its ports and turns one value into another.

pub mod dedupe;
pub mod draft;
pub mod enrich;
pub mod inbox;
pub mod ingest;
pub mod plan;
pub mod poll;
pub mod route;
pub mod send;
pub mod submit;
