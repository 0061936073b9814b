//! Names that are proofs: a host, an e-mail address, a phone. Parsed at the door, valid from then on.

mod registrable;

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

pub use registrable::{RegistrableDomain, families, has_known_suffix, is_shared_host, suffix_list_version};

/// Characters people don't see and that don't belong into addresses.
pub fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200B}' | '\u{200C}' | '\u{200D}' | '\u{2060}' | '\u{FEFF}')
}

/// A host name in canonical form: lower case, punycode, no trailing dot, at least two labels.
///
/// ```
/// use leadgen_core::domain::name::DomainName;
///
/// assert_eq!(DomainName::parse("Пример.РФ.").unwrap().as_str(), "xn--e1afmkfd.xn--p1ai");
/// assert!(DomainName::parse("localhost").is_err());
/// assert!(DomainName::parse("127.0.0.1").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

/// The longest name the system of domain names carries, in its text form (RFC 1035).
const LONGEST_NAME: usize = 253;
/// The longest label (RFC 1035).
const LONGEST_LABEL: usize = 63;

impl DomainName {
    /// Reads a domain as people write it: any case, international or punycode, full-width dots, one trailing dot. A
    /// `www.` label is kept. Refuses addresses, single labels and anything that is no host name.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Malformed, format!("read the domain {text:?}")).code("bad_domain_name");
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.len() > 4 * LONGEST_NAME {
            return Err(bad());
        }
        if let Some(plain) = plain_host(trimmed) {
            return if is_host(&plain) { Ok(Self(plain)) } else { Err(bad()) };
        }
        let dotted = trimmed.replace(['\u{3002}', '\u{FF0E}', '\u{FF61}'], ".");
        let bare = dotted.strip_suffix('.').unwrap_or(&dotted);
        let (ascii, checked) =
            idna::uts46::Uts46::new().to_unicode(bare.as_bytes(), idna::AsciiDenyList::STD3, idna::uts46::Hyphens::Allow);
        checked.map_err(|_| bad())?;
        let ascii = idna::domain_to_ascii(&ascii).map_err(|_| bad())?;
        if is_host(&ascii) { Ok(Self(ascii)) } else { Err(bad()) }
    }

    /// The ASCII form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `zone` or lies below it.
    ///
    /// ```
    /// use leadgen_core::domain::name::DomainName;
    ///
    /// let host = DomainName::parse("mx.mail.ru").unwrap();
    /// assert!(host.is_within("mail.ru"));
    /// assert!(!DomainName::parse("notmail.ru").unwrap().is_within("mail.ru"));
    /// ```
    pub fn is_within(&self, zone: &str) -> bool {
        within(&self.0, zone)
    }
}

/// The lower-case form of a name of plain letters, digits, hyphens and dots, which is most of them: nothing to decode.
fn plain_host(text: &str) -> Option<String> {
    let bare = text.strip_suffix('.').unwrap_or(text);
    let plain = bare.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    let lower = plain.then(|| bare.to_ascii_lowercase())?;
    // A label with hyphens at its third and fourth place may be punycode, which must be looked into.
    (!lower.split('.').any(|label| label.get(2..4) == Some("--"))).then_some(lower)
}

/// Whether a host is a zone or lies below it, on label borders; both in lower-case ASCII.
pub fn within(host: &str, zone: &str) -> bool {
    host.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_host(ascii: &str) -> bool {
    let labels: Vec<&str> = ascii.split('.').collect();
    let label_is_good = |label: &&str| {
        !label.is_empty()
            && label.len() <= LONGEST_LABEL
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_good = |label: &&str| {
        (label.len() >= 2 && label.bytes().all(|b| b.is_ascii_lowercase())) || (label.starts_with("xn--") && label.len() > 4)
    };
    ascii.len() <= LONGEST_NAME && labels.len() >= 2 && labels.iter().all(label_is_good) && labels.last().is_some_and(last_is_good)
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An e-mail address fit for sending: dot-atom local part in ASCII, host of at least two labels, lower case.
/// `Debug` masks it; `Display` does not.
///
/// ```
/// use leadgen_core::domain::name::EmailAddress;
///
/// let address = EmailAddress::parse("Info@Denta-Lux.ru").unwrap();
/// assert_eq!(address.as_str(), "info@denta-lux.ru");
/// assert_eq!(address.masked(), "in***@denta-lux.ru");
/// assert!(EmailAddress::parse("logo@2x.png").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    text: String,
    domain: DomainName,
}

/// "Domains" that are really the endings of files.
const FILE_ENDINGS: [&str; 19] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "bmp", "css", "js", "json", "woff", "woff2", "ttf", "mp4", "webm", "pdf", "zip",
    "avif",
];

impl EmailAddress {
    /// Reads one bare address. The local part is at most 64 octets of the RFC 5322 atom with single inner dots; the
    /// whole at most 254 (RFC 5321).
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Malformed, "read an e-mail address").code("invalid_email");
        let (local, host) = text.trim().split_once('@').ok_or_else(bad)?;
        let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b);
        let good_local = !local.is_empty() && local.len() <= 64 && local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom));
        if !good_local || host.starts_with(char::is_whitespace) || host.contains(':') {
            return Err(bad());
        }
        let domain = DomainName::parse(host).map_err(|e| bad().because(e))?;
        let last = domain.as_str().rsplit('.').next().unwrap_or_default();
        let text = format!("{}@{domain}", local.to_ascii_lowercase());
        if FILE_ENDINGS.contains(&last) || text.len() > 254 {
            return Err(bad());
        }
        Ok(Self { text, domain })
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`.
    pub fn local(&self) -> &str {
        self.text.split('@').next().unwrap_or("")
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// For logs: the first two characters of the local part (one if it has two or fewer), `***`, the domain.
    pub fn masked(&self) -> String {
        let local = self.local();
        let shown = if local.chars().count() <= 2 { 1 } else { 2 };
        format!("{}***@{}", local.chars().take(shown).collect::<String>(), self.domain)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// A phone number in E.164.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

impl Phone {
    /// Reads a number in its E.164 form, `+` and 8 to 15 digits.
    pub fn parse(text: &str) -> Result<Self> {
        let digits = text.strip_prefix('+').filter(|d| (8..=15).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()));
        digits.map(|_| Self(text.to_owned())).ok_or_else(|| Error::new(ErrorKind::Malformed, "read a phone number").code("invalid_phone"))
    }

    /// The E.164 form, `+74952045138`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_serde {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )+};
}
text_serde!(DomainName, EmailAddress, Phone);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_read_as_a_domain_prints_back_the_same(text in "[a-zA-Zа-яА-Я0-9.。-]{1,40}") {
            if let Ok(domain) = DomainName::parse(&text) {
                prop_assert_eq!(DomainName::parse(domain.as_str()).ok(), Some(domain));
            }
        }

        #[test]
        fn what_is_read_as_an_address_prints_back_the_same(text in "\\PC{0,30}@\\PC{0,30}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()).ok(), Some(address));
            }
        }
    }
}
