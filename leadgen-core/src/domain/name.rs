//! Names that are proofs: a host, an e-mail address, a phone, a company's name. Parsed at the door, valid from then on.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A host name in canonical form: lower case, punycode, no trailing dot, at least two labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain as people write it: `"Пример.РФ."` becomes `"xn--e1afmkfd.xn--p1ai"`. A `www.` label is kept.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Malformed, format!("read the domain {text:?}")).code("bad_domain_name");
        let ascii = idna::domain_to_ascii(text.trim().trim_end_matches('.')).map_err(|_| bad())?;
        if ascii.contains('.') { Ok(Self(ascii)) } else { Err(bad()) }
    }

    /// The ASCII form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An e-mail address fit for sending: dot-atom local part, host of at least two labels, lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    text: String,
    domain: DomainName,
}

impl EmailAddress {
    /// Reads one bare address.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::new(ErrorKind::Malformed, "read an e-mail address").code("invalid_email");
        let (local, domain) = text.trim().rsplit_once('@').ok_or_else(bad)?;
        let domain = DomainName::parse(domain)?;
        Ok(Self { text: format!("{}@{domain}", local.to_lowercase()), domain })
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
