//! Everything that touches the world: one folder and one cargo feature each. Adapters never name one another; what two
//! of them share lives in `kit`.

#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "google")]
pub mod google;
#[cfg(feature = "imap")]
pub mod imap;
pub mod kit;
#[cfg(feature = "llm")]
pub mod llm;
#[cfg(feature = "dns")]
pub mod routing;
#[cfg(feature = "searxng")]
pub mod searxng;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "sql")]
pub mod sql;
#[cfg(feature = "dns")]
pub mod verifier;
#[cfg(feature = "web")]
pub mod web;
#[cfg(feature = "yandex")]
pub mod yandex;
