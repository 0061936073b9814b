//! Whether mail to an address would arrive, as far as that can be known without asking its server.

use crate::domain::time::Timestamp;
use crate::domain::words::words;

words! {
    /// Whether an address takes mail.
    Deliverability {
        /// Its domain takes mail, and nothing speaks against its name there.
        Valid = "valid",
        /// No letter would arrive.
        Invalid = "invalid",
        /// It can't be told, or was not asked.
        Unknown = "unknown",
    }
}

/// What is known of an address, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether it takes mail.
    pub state: Deliverability,
    /// Why, as a code: `mx`, `null_mx`, `disposable` …
    pub reason: String,
    /// When that was found; `None`: nobody looked.
    pub checked_at: Option<Timestamp>,
}

impl Verification {
    /// What is known before anybody looked.
    pub fn not_checked() -> Self {
        Self { state: Deliverability::Unknown, reason: "not_checked".into(), checked_at: None }
    }

    /// Whether no letter should be written there.
    pub fn is_bad(&self) -> bool {
        self.state == Deliverability::Invalid
    }

    /// `valid: mx`, for people.
    pub fn told(&self) -> String {
        format!("{}: {}", self.state, self.reason)
    }
}

impl Default for Verification {
    fn default() -> Self {
        Self::not_checked()
    }
}
