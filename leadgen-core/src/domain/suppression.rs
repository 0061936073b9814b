//! Who must not be written to.

use crate::domain::time::Timestamp;
use crate::domain::words::words;

words! {
    /// What an entry covers.
    SuppressionScope {
        /// One address.
        Email = "email",
        /// A domain with all below it.
        Domain = "domain",
        /// One phone.
        Phone = "phone",
    }
}

words! {
    /// Where an entry came from.
    SuppressionSource {
        /// A person on our side.
        Operator = "operator",
        /// The unsubscribe page.
        OneClick = "one_click",
        /// A STOP answer.
        Reply = "reply",
        /// A bounce for good.
        Bounce = "bounce",
        /// A spam complaint.
        Complaint = "complaint",
        /// A list read in.
        Import = "import",
    }
}

/// One entry of the opt-out registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Address, domain or phone.
    pub scope: SuppressionScope,
    /// The normal form, lower case.
    pub value: String,
    /// Where it came from.
    pub source: SuppressionSource,
    /// In words.
    pub reason: String,
    /// When it was registered first.
    pub registered_at: Timestamp,
}

impl SuppressionSource {
    /// Whether the recipient asked for it (and the company as a whole is left alone), or only the address is dead.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Operator | Self::OneClick | Self::Reply | Self::Complaint | Self::Import)
    }
}
