//! Pages of company sites, as they are kept.

use std::fmt;
use std::sync::Arc;

use url::Url;

use crate::domain::company::Company;
use crate::domain::time::Timestamp;

/// What a server said by which a page can be asked for again without sending it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Whether there is nothing to ask by.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// What a page asks for while its scripts run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The address.
    pub url: Url,
    /// The method, in capitals.
    pub method: String,
    /// What for.
    pub kind: AskKind,
}

/// What something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskKind {
    /// A page, in place of this one or in a frame of it.
    Document,
    /// A script to run.
    Script,
    /// What a script reads: XHR, fetch.
    Data,
    /// Pictures, fonts, styles, sockets, beacons and whatever else there is.
    Other,
}

/// A page that a visit read.
#[derive(Clone, PartialEq, Eq)]
pub struct SitePage {
    /// The address that was asked for.
    pub asked: String,
    /// Where it was found in the end, redirects followed.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header, if there was one.
    pub content_type: Option<String>,
    /// The body, unpacked, cut at the size limit. Of a page that is not there: nothing.
    pub body: Arc<[u8]>,
    /// Whether the body was cut.
    pub truncated: bool,
    /// By which it is asked for again.
    pub validators: Validators,
    /// The body is what a browser showed once the page's scripts had run, not what the site gave.
    pub rendered: bool,
    /// When the site gave it, or said that it is still the same.
    pub fetched_at: Timestamp,
}

impl SitePage {
    /// The hash of the body as it came, 128 bits of BLAKE3 in hexadecimal: its name in the store, and the one that
    /// contacts found on it carry.
    pub fn hash(&self) -> String {
        blake3::hash(&self.body).to_hex().chars().take(32).collect()
    }
}

impl fmt::Debug for SitePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SitePage({} {}, {} bytes)", self.status, self.url, self.body.len())
    }
}

/// The kept pages of one company's site, in the order of the visit.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptVisit {
    /// The company.
    pub company: Company,
    /// Its pages, the home page first.
    pub pages: Vec<SitePage>,
}

/// What a second reading of a company's pages finds otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct FindingsDiff {
    /// Contacts that are the same.
    pub same: u32,
    /// Contacts that were not known.
    pub added: Vec<String>,
    /// Contacts found elsewhere, or with another score, kind or text around them.
    pub changed: Vec<String>,
    /// Contacts that these pages do not show any more.
    pub removed: Vec<String>,
    /// The same, but a letter was written there.
    pub kept: Vec<String>,
    /// Contacts that belong to another company.
    pub elsewhere: Vec<String>,
    /// Numbers of the company that differ: `inn 7707083893 → 5024002119`.
    pub numbers: Vec<String>,
}

impl FindingsDiff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty() && self.kept.is_empty() && self.numbers.is_empty()
    }
}
