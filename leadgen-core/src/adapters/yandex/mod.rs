//! Yandex Search API v2: deferred and synchronous web search over REST.

mod iam;
mod refusals;
mod search;
mod text;
mod wire;
mod xml;

pub use iam::Credentials;
pub use search::{PageReader, Settings, YandexSearch};
pub use wire::{FamilyMode, FixTypo, GroupMode, Localization, Period, Request, SearchType, SortMode, SortOrder};
pub use xml::{Answer, read_answer, read_page};
