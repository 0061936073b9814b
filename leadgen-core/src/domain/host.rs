//! What a host of the web asked of us, and how it was when it was asked the last time.

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

use crate::domain::name::{DomainName, RegistrableDomain};
use crate::domain::time::Timestamp;

/// How a host is spoken to. Each way has a robots.txt of its own (RFC 9309, 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plainly.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The way of an address.
    pub fn of(url: &Url) -> Self {
        if url.scheme() == "https" { Self::Https } else { Self::Http }
    }

    /// The stored and written form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// What takes turns in being asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A host.
    Host(DomainName),
    /// A registered name, with all hosts under it.
    Name(String),
    /// An address, with all hosts that live there.
    Address(IpAddr),
}

impl Place {
    /// What hosts at an address share with others. On loopback one address stands for the whole web.
    pub fn shared(host: &DomainName, address: IpAddr) -> Vec<Self> {
        let name = RegistrableDomain::of(host).map_or_else(|| host.to_string(), |registered| registered.to_string());
        let at = (!address.is_loopback()).then_some(Self::Address(address));
        std::iter::once(Self::Name(name)).chain(at).collect()
    }

    /// The stored form; no two places have one.
    pub fn key(&self) -> String {
        match self {
            Self::Host(host) => host.to_string(),
            Self::Name(name) => format!("name {name}"),
            Self::Address(address) => format!("address {address}"),
        }
    }
}

/// A robots.txt as it came. An empty one allows everything, and stands for one that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRobots {
    /// Its bytes.
    pub body: Vec<u8>,
    /// How long it is believed.
    pub until: Timestamp,
}

/// A host that could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The machine code of what went wrong.
    pub code: String,
    /// Since when.
    pub since: Timestamp,
    /// It is not asked again before.
    pub until: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

/// A host that wants to be left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Until then.
    pub until: Timestamp,
    /// How often in a row it refused.
    pub refusals: u32,
}

/// What is known of one way to speak to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemeNotes {
    /// Which way.
    pub scheme: Scheme,
    /// The robots.txt that was read the last time.
    pub robots: Option<KeptRobots>,
    /// Whether and how it failed the last time.
    pub loss: Option<Loss>,
}

impl HostNotes {
    /// Notes are kept so long at least: longer than any pause or failure they speak of.
    pub const KEPT: Duration = Duration::from_hours(30 * 24);
}

/// What is known of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostNotes {
    /// Whether it is to be left alone.
    pub rest: Option<Rest>,
    /// By the ways to speak to it, http first.
    pub schemes: Vec<SchemeNotes>,
}
