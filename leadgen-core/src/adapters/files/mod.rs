//! Files a person keeps: lists of niches, lists of companies; and the drafter that needs no one else.

mod companies;
mod niches;
mod serps;
mod table;
mod template;

pub use companies::{CompanyList, read_companies};
pub use niches::{FileLeads, Mapping};
pub use serps::{Reader, SavedSerps};
pub use template::TemplateDrafter;
