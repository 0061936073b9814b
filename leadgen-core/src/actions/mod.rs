//! What a person asks for: small calls over one or two roles of the store.

pub mod import;
pub mod optout;
pub mod review;
pub mod search_now;
