//! The only source of now.

use async_trait::async_trait;

use crate::domain::time::Timestamp;
use crate::ports::Port;

/// Tells the time and waits.
///
/// **Promises.** `now` never goes backwards by more than the system clock does. `sleep_until` returns at or after `at`
/// by this clock's own time; a clock moved by hand may return at once and move itself.
///
/// **Expects.** Nothing.
///
/// **Errors.** None.
///
/// **Example.**
/// ```
/// use leadgen_core::domain::time::Timestamp;
/// use leadgen_core::ports::clock::Clock;
///
/// #[derive(Debug)]
/// struct Noon;
///
/// #[async_trait::async_trait]
/// impl Clock for Noon {
///     fn now(&self) -> Timestamp {
///         Timestamp::from_millis(43_200_000)
///     }
///     async fn sleep_until(&self, _at: Timestamp) {}
/// }
/// ```
#[async_trait]
pub trait Clock: Port {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// Waits until the instant has come.
    async fn sleep_until(&self, at: Timestamp);
}
