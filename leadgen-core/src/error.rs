//! What went wrong, what we were doing, and what should happen next.
//!
//! One error type serves the whole crate. A *kind* says what sort of trouble it is and implies a [`Verdict`];
//! an adapter that knows better (an SMTP reply, a `Retry-After`) overrides the verdict. Only the desk of the
//! pipeline reads verdicts: nothing else in the house repeats a call.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The result of everything that can go wrong here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much of an unusable answer is kept.
const EVIDENCE: usize = 64 * 1024;

type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The kind of trouble; each implies what should happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// They ask us to slow down (HTTP 429, a quota, a greylisting server). Later.
    Limited,
    /// They can't be reached or are broken just now. Later.
    Unavailable,
    /// What came in can't be read. This item, never.
    Malformed,
    /// A definite no for this item. Never.
    Rejected,
    /// They distrust *us*: policy or reputation. A person should look first.
    Refused,
    /// We are set up wrong. Nothing of this sort will work until that is mended.
    Config,
    /// Our credentials are not accepted.
    Unauthorized,
    /// It may have happened; nobody knows.
    InDoubt,
    /// Someone else holds the row, or the move is not allowed in its state.
    Conflict,
}

impl ErrorKind {
    /// The machine code used where an error brings none of its own.
    pub fn code(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Config => "config_invalid",
            Self::Unauthorized => "auth_failed",
            Self::InDoubt => "in_doubt",
            Self::Conflict => "conflict",
        }
    }
}

/// What should happen to the item of work that met an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again, after what they said or by backoff.
    Retry {
        /// The pause they asked for, if they did.
        after: Option<Duration>,
    },
    /// Never again; the reason is kept.
    Reject,
    /// Keep the item for a person and pause the mailbox or provider.
    Hold,
    /// Pause the mailbox or stage and raise an alert; the item keeps its attempt.
    Pause,
    /// It may have happened: never again by itself.
    InDoubt,
    /// Our outcome counts no more: someone else holds the row.
    Drop,
}

/// An error of leadgen: kind, code, what we were doing, and the cause.
///
/// ```
/// use leadgen_core::error::{Error, ErrorKind, Verdict};
///
/// let error = Error::new(ErrorKind::Malformed, "read a directory page").code("serp_malformed");
/// assert_eq!(error.to_string(), "serp_malformed: could not read a directory page");
/// assert_eq!(error.verdict(), Verdict::Reject);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    code: Cow<'static, str>,
    doing: Cow<'static, str>,
    detail: Option<String>,
    evidence: Option<String>,
    retry_after: Option<Duration>,
    verdict: Option<Verdict>,
    cause: Option<Cause>,
}

impl Error {
    /// An error of a kind; `doing` finishes the sentence "could not …".
    pub fn new(kind: ErrorKind, doing: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            code: Cow::Borrowed(kind.code()),
            doing: doing.into(),
            detail: None,
            evidence: None,
            retry_after: None,
            verdict: None,
            cause: None,
        }))
    }

    /// Names it by a stable snake_case code that scripts and tests can match.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Adds what a person should know: to which thing it happened, what they said, what to do.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.detail = Some(detail.to_string());
        self
    }

    /// Keeps what they sent, word for word, for a person who looks into it; at most 64 KiB of it.
    #[must_use]
    pub fn with_evidence(mut self, raw: &[u8]) -> Self {
        let most = raw.len().min(EVIDENCE);
        self.0.evidence = Some(String::from_utf8_lossy(&raw[..most]).replace('\0', "\u{FFFD}"));
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Keeps the pause that the other side asked for.
    #[must_use]
    pub fn retry_after(mut self, pause: Option<Duration>) -> Self {
        self.0.retry_after = pause;
        self
    }

    /// Overrides what the kind implies.
    #[must_use]
    pub fn with_verdict(mut self, verdict: Verdict) -> Self {
        self.0.verdict = Some(verdict);
        self
    }

    /// The kind of trouble.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable machine code.
    pub fn machine_code(&self) -> &str {
        &self.0.code
    }

    /// What we were doing: finishes "could not …".
    pub fn doing(&self) -> &str {
        &self.0.doing
    }

    /// What a person should know, if anything was added.
    pub fn told(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// What they sent, if it was kept.
    pub fn evidence(&self) -> Option<&str> {
        self.0.evidence.as_deref()
    }

    /// What should happen next.
    pub fn verdict(&self) -> Verdict {
        if let Some(verdict) = self.0.verdict {
            return verdict;
        }
        match self.0.kind {
            ErrorKind::Limited | ErrorKind::Unavailable => Verdict::Retry { after: self.0.retry_after },
            ErrorKind::Malformed | ErrorKind::Rejected => Verdict::Reject,
            ErrorKind::Refused => Verdict::Hold,
            ErrorKind::Config | ErrorKind::Unauthorized => Verdict::Pause,
            ErrorKind::InDoubt => Verdict::InDoubt,
            ErrorKind::Conflict => Verdict::Drop,
        }
    }

    /// `code: sentence` with causes, at most 500 characters: the form kept in `last_error` columns.
    pub fn for_row(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        text.chars().filter(|c| !c.is_control()).take(500).collect()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: could not {}", self.0.code, self.0.doing)?;
        match &self.0.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("doing", &self.0.doing)
            .field("detail", &self.0.detail)
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_the_verdict_of_the_table() {
        let of = |kind| Error::new(kind, "try").verdict();
        assert_eq!(of(ErrorKind::Limited), Verdict::Retry { after: None });
        assert_eq!(of(ErrorKind::Unavailable), Verdict::Retry { after: None });
        assert_eq!(of(ErrorKind::Malformed), Verdict::Reject);
        assert_eq!(of(ErrorKind::Rejected), Verdict::Reject);
        assert_eq!(of(ErrorKind::Refused), Verdict::Hold);
        assert_eq!(of(ErrorKind::Config), Verdict::Pause);
        assert_eq!(of(ErrorKind::Unauthorized), Verdict::Pause);
        assert_eq!(of(ErrorKind::InDoubt), Verdict::InDoubt);
        assert_eq!(of(ErrorKind::Conflict), Verdict::Drop);
    }

    #[test]
    fn a_row_keeps_code_sentence_and_causes_within_500_characters() {
        let error = Error::new(ErrorKind::Unavailable, "ask the model").code("llm_down").because(std::io::Error::other("я".repeat(900)));
        let row = error.for_row();
        assert!(row.starts_with("llm_down: could not ask the model: яя"));
        assert_eq!(row.chars().count(), 500);
    }
}
