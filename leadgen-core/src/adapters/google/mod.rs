//! Google Sheets API v4 as a list of niches: two calls over plain REST, signed as a service account.

mod sheet;
mod token;

pub use sheet::{GoogleSheet, Settings};
pub use token::ServiceKey;
