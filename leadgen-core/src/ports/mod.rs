//! Contracts with the world. Each file holds one role: what the caller may assume, what the implementor owes.

pub mod clock;
pub mod contacts;
pub mod dns;
pub mod drafter;
pub mod entropy;
pub mod fetch;
pub mod hosts;
pub mod inbox;
pub mod leads;
pub mod render;
pub mod router;
pub mod search;
pub mod store;
pub mod transport;
pub mod verifier;
pub mod work;

/// What every port is, spelled once.
pub trait Port: std::fmt::Debug + Send + Sync + 'static {}
impl<T: std::fmt::Debug + Send + Sync + 'static + ?Sized> Port for T {}
