//! Company sites over HTTP: a polite fetcher within bounds, the extractor that reads what it brings, and a browser for pages
//! that show nothing without one.

mod aside;
mod body;
#[cfg(all(feature = "browser", unix))]
mod browser;
mod extractor;
mod fetcher;
mod hosts;
mod maps;
mod own;
mod permission;
mod shelf;
mod supplies;
mod turns;
mod wire;

#[cfg(all(feature = "browser", unix))]
pub use browser::{Chromium, Sandbox, Settings as BrowserSettings, installed};
pub use extractor::WebsiteExtractor;
pub use fetcher::{HttpFetcher, Settings};
