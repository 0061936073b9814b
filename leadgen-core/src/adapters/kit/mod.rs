//! What adapters share: TLS, HTTP, signed assertions.

#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "yandex")]
pub mod jwt;
#[cfg(feature = "tls")]
pub mod tls;
