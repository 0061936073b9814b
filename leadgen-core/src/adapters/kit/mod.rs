//! What adapters share: TLS, HTTP, signed assertions.

#[cfg(feature = "http")]
pub mod http;
#[cfg(any(feature = "yandex", feature = "google"))]
pub mod jwt;
#[cfg(feature = "tls")]
pub mod tls;
