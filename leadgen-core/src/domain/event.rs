//! A row of the journal: who did what to which thing.

use crate::domain::time::Timestamp;

/// One entry of the audit journal.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Who: a person's name, `pipeline`, or `one_click`.
    pub actor: String,
    /// What: `approve`, `suppress`, `send` …
    pub action: String,
    /// The kind of thing: `message`, `company`, `mailbox` …
    pub subject: String,
    /// Its id or name.
    pub subject_id: String,
    /// Anything more, in words; addresses masked.
    pub detail: String,
}
