//! Whose a host is: the public suffix list, and the one label below a suffix that somebody registered.

use std::fmt;
use std::sync::OnceLock;

use publicsuffix::{List, Psl};

use super::{DomainName, within};

/// The Public Suffix List as shipped (publicsuffix.org, MPL-2.0).
const SUFFIX_LIST: &str = include_str!("../../../data/public_suffix_list.dat");

/// Hosts that lend names to many firms and are not on the list: a name below one of these is a site of its own.
const SHARED_HOSTS: [&str; 16] = [
    "tilda.ws",
    "narod.ru",
    "ucoz.ru",
    "ucoz.net",
    "nethouse.ru",
    "myinsales.ru",
    "turbo.site",
    "clients.site",
    "business.site",
    "tiu.ru",
    "satu.kz",
    "deal.by",
    "prom.ua",
    "pulscen.ru",
    "umi.ru",
    "bitrix24.site",
];

/// A public suffix and one label: the part of a host that somebody registered. Two hosts of one registrable domain are of
/// one owner.
///
///
/// ```
/// use leadgen_core::domain::name::{DomainName, RegistrableDomain};
///
/// let of = |host: &str| RegistrableDomain::of(&DomainName::parse(host).unwrap()).map(|family| family.to_string());
/// assert_eq!(of("spb.denta-lux.ru").as_deref(), Some("denta-lux.ru"));
/// assert_eq!(of("one.tilda.ws").as_deref(), Some("one.tilda.ws"));
/// assert_eq!(of("tilda.ws"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrableDomain(DomainName);

impl RegistrableDomain {
    /// That of a host (NORM-8), by the shipped list with its private section and the shared hostings; none for a suffix itself.
    pub fn of(host: &DomainName) -> Option<Self> {
        let name = host.as_str();
        if let Some(shared) = SHARED_HOSTS.iter().find(|shared| within(name, shared)) {
            let below = name.strip_suffix(shared)?.strip_suffix('.')?;
            let label = below.rsplit('.').next()?;
            return DomainName::parse(&format!("{label}.{shared}")).ok().map(Self);
        }
        let domain = suffixes().domain(name.as_bytes())?;
        DomainName::parse(std::str::from_utf8(domain.as_bytes()).ok()?).ok().map(Self)
    }

    /// The ASCII form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// It is a host too.
    pub fn host(&self) -> &DomainName {
        &self.0
    }

    /// The host that it is.
    pub fn into_host(self) -> DomainName {
        self.0
    }
}

impl fmt::Display for RegistrableDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for RegistrableDomain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A host with its parents down to the registrable domain: the names an entry of the registry may cover it by.
///
/// ```
/// use leadgen_core::domain::name::{DomainName, families};
///
/// assert_eq!(families(&DomainName::parse("mail.spb.firma.ru").unwrap()), ["mail.spb.firma.ru", "spb.firma.ru", "firma.ru"]);
/// ```
pub fn families(host: &DomainName) -> Vec<String> {
    let least = RegistrableDomain::of(host).map_or(host.as_str().len(), |family| family.as_str().len());
    let mut names = vec![host.as_str().to_owned()];
    let mut rest = host.as_str();
    while let Some((_, parent)) = rest.split_once('.') {
        if parent.len() < least {
            break;
        }
        names.push(parent.to_owned());
        rest = parent;
    }
    names
}

/// Whether a name lends names to many firms: what lies below it is a site of its own.
pub fn is_shared_host(name: &str) -> bool {
    SHARED_HOSTS.contains(&name)
}

/// Whether the last label of a host is a public suffix that the list names: a real top-level domain.
pub fn has_known_suffix(host: &DomainName) -> bool {
    suffixes().suffix(host.as_str().as_bytes()).is_some_and(|suffix| suffix.is_known())
}

/// The version line of the shipped suffix list, for people who ask how old it is.
pub fn suffix_list_version() -> &'static str {
    SUFFIX_LIST.lines().find_map(|line| line.strip_prefix("// VERSION: ")).unwrap_or("unknown")
}

fn suffixes() -> &'static List {
    static LIST: OnceLock<List> = OnceLock::new();
    LIST.get_or_init(|| {
        // The crate compares bytes, so the Unicode rules of the list are turned into punycode once.
        let ascii: String = SUFFIX_LIST
            .lines()
            .map(|line| match line.is_ascii() || line.starts_with("//") {
                true => line.to_owned(),
                false => idna::domain_to_ascii(line.trim()).unwrap_or_default(),
            })
            .collect::<Vec<_>>()
            .join("\n");
        ascii.parse().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The vectors of the list's own makers (public domain).
    #[test]
    fn registrable_domains_are_those_of_the_list_s_own_vectors() {
        let lines =
            include_str!("../../../golden/public_suffix.txt").lines().filter(|line| !line.starts_with("//") && !line.trim().is_empty());
        let mut count = 0;
        for line in lines {
            let (host, expected) = line.split_once(' ').unwrap_or((line, "null"));
            let family = DomainName::parse(host).ok().and_then(|host| RegistrableDomain::of(&host));
            assert_eq!(family.map(RegistrableDomain::into_host), DomainName::parse(expected).ok(), "{line}");
            count += 1;
        }
        assert!(count > 70, "{count}");
    }

    proptest! {
        #[test]
        fn what_is_registrable_is_the_registrable_domain_of_itself(labels in prop::collection::vec("[a-z]{1,6}", 1..4), suffix in
            prop::sample::select(vec!["ru", "com", "co.uk", "tilda.ws", "github.io", "xn--p1ai", "msk.ru"]))
        {
            let family = DomainName::parse(&format!("{}.{suffix}", labels.join("."))).ok().and_then(|host| RegistrableDomain::of(&host));
            if let Some(family) = family {
                prop_assert_eq!(RegistrableDomain::of(family.host()), Some(family));
            }
        }
    }
}
