//! How the process ends: first after the work in hand, then without it, never in the middle of a letter.

use std::convert::Infallible;
use std::time::Duration;

use leadgen_core::ports::clock::{Clock, SystemClock};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// After the stop, work in hand may take so long before it is given back; then whoever starts next finds it untouched.
const GRACE: Duration = Duration::from_secs(15);

/// The two words: `soon` ends after the work in hand, `now` ends that work too, but for what is past its mark. Cut off
/// there, a letter would be in doubt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    pub(crate) soon: CancellationToken,
    pub(crate) now: CancellationToken,
}

impl Stop {
    /// SIGTERM or SIGINT says `soon`; a second one, or the end of the grace, says `now`. Waits for ever: the process ends
    /// when its parts have ended.
    pub(crate) async fn on_signals(&self, mut signals: Signals) -> Infallible {
        tokio::select! {
            signal = signals.next() => {
                info!(signal, "stopping after the work in hand");
                self.soon.cancel();
            }
            () = self.soon.cancelled() => {}
        }
        tokio::select! {
            () = SystemClock.sleep_until(SystemClock.now() + GRACE) => {}
            signal = signals.next() => info!(signal, "giving the work in hand back"),
        }
        self.now.cancel();
        std::future::pending().await
    }
}

/// What asks a process to end.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> &'static str {
        drop(tokio::signal::ctrl_c().await);
        "ctrl-c"
    }
}
