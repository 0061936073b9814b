//! Company sites over HTTP: a polite fetcher within bounds, and the extractor that reads what it brings.

mod extractor;
mod fetcher;
mod wire;

pub use extractor::WebsiteExtractor;
pub use fetcher::{HttpFetcher, Settings};
