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

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_chrono(chrono::Utc::now())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at.since(self.now())).await;
    }
}

/// A clock for rehearsals: starts at an instant and runs faster than the sun. Processes that share its three figures
/// share its time.
#[derive(Clone, Copy, Debug)]
pub struct RehearsalClock {
    /// What it shows at the anchor.
    pub start: Timestamp,
    /// The real instant at which it shows that.
    pub anchor: Timestamp,
    /// Seconds that pass in one.
    pub speed: f64,
}

#[async_trait]
impl Clock for RehearsalClock {
    fn now(&self) -> Timestamp {
        let real = SystemClock.now().millis() - self.anchor.millis();
        Timestamp::from_millis(self.start.millis() + (real as f64 * self.speed) as i64)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let real = SystemClock.now();
        SystemClock.sleep_until(real + at.since(self.now()).div_f64(self.speed)).await;
    }
}

/// A clock moved by hand: waiting moves it. For demonstrations and tests, where a night passes in no time.
#[derive(Debug)]
pub struct HandClock(std::sync::atomic::AtomicI64);

impl HandClock {
    /// A clock that stands at an instant.
    pub fn at(start: Timestamp) -> Self {
        Self(std::sync::atomic::AtomicI64::new(start.millis()))
    }

    /// Moves it forward to an instant; never back.
    pub fn move_to(&self, at: Timestamp) {
        self.0.fetch_max(at.millis(), std::sync::atomic::Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.move_to(at);
    }
}
