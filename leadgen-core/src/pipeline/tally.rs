//! What a tick of a stage came to, and who is told of each item on the way.

use std::sync::Arc;

use crate::error::Verdict;

/// What one tick of a stage did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// The stage.
    pub stage: String,
    /// Items brought to an end.
    pub done: u64,
    /// Items put back for later.
    pub retried: u64,
    /// Items given up.
    pub rejected: u64,
    /// Items stopped for a person.
    pub held: u64,
    /// Items nobody knows the end of.
    pub in_doubt: u64,
    /// Items whose lease was lost, or whose mark was refused.
    pub lost: u64,
    /// Why the stage stopped before its lane was empty.
    pub paused: Option<String>,
}

impl Tally {
    /// An empty tally of a stage.
    pub fn of(stage: &str) -> Self {
        Self { stage: stage.to_owned(), ..Self::default() }
    }

    /// Whether anything happened at all.
    pub fn is_idle(&self) -> bool {
        self.done + self.retried + self.rejected + self.held + self.in_doubt + self.lost == 0
    }

    /// Whether another pass at the same instant would do no more: nothing happened, or the stage is set up wrong and only
    /// gave back what it took.
    pub fn is_at_rest(&self) -> bool {
        self.is_idle() || (self.paused.is_some() && self.done + self.failed() == 0)
    }

    /// Items that ended otherwise than well.
    pub fn failed(&self) -> u64 {
        self.rejected + self.held + self.in_doubt
    }

    pub(super) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Retry { .. } | Verdict::Pause => self.retried += 1,
            Verdict::Reject => self.rejected += 1,
            Verdict::Hold => self.held += 1,
            Verdict::InDoubt => self.in_doubt += 1,
            Verdict::Drop => self.lost += 1,
        }
    }
}

/// Told of every item that leaves the desk: the stage, and how many items it was. For bars and counters of a front end.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<dyn Fn(&'static str, u64) + Send + Sync>>);

impl Watch {
    /// Calls this for every item; it must be quick.
    pub fn new(tell: impl Fn(&'static str, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(super) fn tell(&self, stage: &'static str, items: u64) {
        if let Some(tell) = &self.0 {
            tell(stage, items);
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Watch(on)" } else { "Watch(off)" })
    }
}
