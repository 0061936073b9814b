//! Where a domain's mail lives: the answer of a look-up, and the class it means.

use crate::domain::words::words;

words! {
    /// Where a recipient's mail lives.
    MxClass {
        /// At a Russian provider.
        Ru = "RU",
        /// Elsewhere.
        Other = "OTHER",
        /// Not known: the look-up failed or there is no mail host.
        Unknown = "UNKNOWN",
    }
}

/// What one look-up of a domain's mail hosts answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailHosts {
    /// MX records: preference and host, as they came. A lone `.` is `NullMx`, not this.
    Records(Vec<(u16, String)>),
    /// RFC 7505: the domain takes no mail.
    NullMx,
    /// The domain exists without MX, but has an address: the implicit MX of RFC 5321.
    Implicit,
    /// The domain exists without MX and without an address.
    NoRecords,
    /// There is no such domain.
    NxDomain,
    /// No answer in time.
    Timeout,
    /// The resolver failed.
    ServFail,
}
