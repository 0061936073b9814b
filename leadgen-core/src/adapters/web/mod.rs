//! Company sites over HTTP: a polite fetcher within bounds, and the extractor that reads what it brings.

mod body;
mod extractor;
mod fetcher;
mod maps;
mod shelf;
mod wire;

pub use extractor::WebsiteExtractor;
pub use fetcher::{HttpFetcher, Settings};
