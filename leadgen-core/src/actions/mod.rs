//! What a person asks for: small calls over one or two roles of the store.

pub mod forecast;
pub mod import;
pub mod optout;
pub mod preview;
pub mod replay;
pub mod review;
pub mod search_now;
