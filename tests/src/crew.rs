//! The clock of several workers in one process: it moves on when all of them wait, and then to the earliest instant that
//! any of them waits for. With a clock that each moves by itself, the idle one would take the busy ones' time away.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::clock::Clock;
use leadgen_core::testing::HandClock;
use tokio::sync::Notify;

/// One clock for a known number of workers. Who is done goes [`home`](CrewClock::home).
#[derive(Debug)]
pub struct CrewClock {
    hand: HandClock,
    crew: Mutex<Crew>,
    moved: Notify,
}

#[derive(Debug)]
struct Crew {
    working: usize,
    waiting: BTreeMap<Timestamp, usize>,
}

impl CrewClock {
    /// A clock that stands at an instant, for so many workers.
    pub fn at(start: Timestamp, workers: usize) -> Self {
        let crew = Crew { working: workers, waiting: BTreeMap::new() };
        Self { hand: HandClock::at(start), crew: Mutex::new(crew), moved: Notify::new() }
    }

    /// A worker is done: nobody waits for it any more.
    pub fn home(&self) {
        self.with(|crew| crew.working -= 1);
    }

    /// Changes the crew, then moves on if all who still work wait.
    fn with<T>(&self, change: impl FnOnce(&mut Crew) -> T) -> T {
        let mut crew = self.crew.lock().expect("no worker panics here");
        let changed = change(&mut crew);
        let all_wait = crew.waiting.values().sum::<usize>() >= crew.working;
        if all_wait && let Some(earliest) = crew.waiting.keys().next() {
            self.hand.move_to(*earliest);
            self.moved.notify_waiters();
        }
        changed
    }
}

/// One that waits is counted until it wakes, or is given up.
struct Waiting<'a> {
    clock: &'a CrewClock,
    at: Timestamp,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut crew = self.clock.crew.lock().expect("no worker panics here");
        let left = crew.waiting.get(&self.at).map_or(0, |count| count - 1);
        if left == 0 {
            crew.waiting.remove(&self.at)
        } else {
            crew.waiting.insert(self.at, left)
        };
    }
}

#[async_trait]
impl Clock for CrewClock {
    fn now(&self) -> Timestamp {
        self.hand.now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        if at <= self.now() {
            return;
        }
        let moved = self.moved.notified();
        tokio::pin!(moved);
        // Listening begins before the count: a move in between is heard.
        moved.as_mut().enable();
        self.with(|crew| *crew.waiting.entry(at).or_default() += 1);
        let _waiting = Waiting { clock: self, at };
        while self.now() < at {
            moved.as_mut().await;
            moved.set(self.moved.notified());
            moved.as_mut().enable();
        }
    }
}
