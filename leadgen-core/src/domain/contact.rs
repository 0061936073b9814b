//! Public business contacts, each with its proof.

use crate::domain::company::Company;
use crate::domain::id::Id;
use crate::domain::name::DomainName;
use crate::domain::page::SitePage;
use crate::domain::time::Timestamp;
use crate::domain::verification::Verification;
use crate::domain::words::words;

words! {
    /// The kind of contact.
    ContactType {
        /// An e-mail address.
        Email = "email",
        /// A phone in E.164.
        Phone = "phone",
    }
}

/// A contact as found on a page.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundContact {
    /// E-mail or phone.
    pub contact_type: ContactType,
    /// The normal form.
    pub value: String,
    /// `role`, `personal` or `unknown`; empty for phones.
    pub kind: String,
    /// Where on the page: `mailto`, `text`, `jsonld`, `tel` …
    pub origin: String,
    /// 0.00 to 1.00.
    pub score: f64,
    /// The page it stands on.
    pub source_url: String,
    /// The text around it, at most 200 characters.
    pub snippet: String,
    /// The hash of the page as it came, 128 bits of BLAKE3 in hexadecimal; empty if it was not found on a page.
    pub page_hash: String,
    /// What is dialled after a phone answers: up to six digits.
    pub extension: Option<String>,
}

/// A stored contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Made of type and value.
    pub id: Id<Contact>,
    /// The company it belongs to.
    pub company_id: Id<Company>,
    /// What was found.
    pub found: FoundContact,
    /// Whether letters go here.
    pub is_primary: bool,
    /// Whether it takes mail; of a phone nothing is known.
    pub verification: Verification,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
}

impl Contact {
    /// The id of a contact: the same address is one contact, whoever shows it.
    pub fn id_of(contact_type: ContactType, value: &str) -> Id<Self> {
        Id::of(&["contact", contact_type.as_str(), value])
    }
}

impl Findings {
    /// What was found out of an address.
    pub fn check_of(&self, value: &str) -> Option<&Verification> {
        self.checks.iter().find(|(known, _)| known == value).map(|(_, check)| check)
    }
}

/// What a visit to a company's site brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Contacts, best first; at most three e-mails and three phones are kept.
    pub contacts: Vec<FoundContact>,
    /// The company's name as its site gives it.
    pub company_name: Option<String>,
    /// Its name with the legal form, as its site gives it.
    pub legal_name: Option<String>,
    /// Its postal address as its site gives it, on one line.
    pub address: Option<String>,
    /// ИНН with a right check digit.
    pub inn: Option<String>,
    /// ОГРН with a right check digit.
    pub ogrn: Option<String>,
    /// КПП.
    pub kpp: Option<String>,
    /// Links to messengers and networks.
    pub messengers: Vec<String>,
    /// What the home page says, for the letter; untrusted text.
    pub excerpt: String,
    /// Pages read.
    pub pages: u32,
    /// Why there is nothing, if there is nothing: `blocked_by_robots`, `unreachable`, `contacts_not_found` …
    pub reason: Option<String>,
    /// Where the site leads, if it leads to another registrable domain.
    pub redirected_to: Option<String>,
    /// The host there, if it is the firm's own site.
    pub moved_to: Option<DomainName>,
    /// Whether the addresses among the contacts take mail, as far as that was asked.
    pub checks: Vec<(String, Verification)>,
    /// The pages that were read, in order; kept by the store as long as the policy says.
    pub visited: Vec<SitePage>,
    /// Addresses of pages of which the site asks that nothing is kept: what the store has of them goes.
    pub withdrawn: Vec<String>,
}
