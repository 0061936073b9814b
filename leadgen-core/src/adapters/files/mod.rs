//! Files a person keeps: lists of niches, lists of companies; and the drafter that needs no one else.

mod companies;
mod niches;
mod table;
mod template;

pub use companies::read_companies;
pub use niches::{FileLeads, Mapping};
pub use template::TemplateDrafter;
