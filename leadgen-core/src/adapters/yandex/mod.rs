//! Yandex Search API v2: deferred and synchronous web search over REST.

mod iam;
mod search;
mod wire;
mod xml;

pub use iam::Credentials;
pub use search::{Settings, YandexSearch};
pub use xml::read_page;
