//! Lists that ship as data: services, shared mailboxes, names of people.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::domain::name::{DomainName, EmailAddress};
use crate::rules::mailhosts;

type Words = HashSet<&'static str>;

fn words(text: &'static str) -> Words {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

static PLATFORMS: LazyLock<Words> = LazyLock::new(|| words(include_str!("../../../data/platforms.txt")));
static DISPOSABLE: LazyLock<Words> = LazyLock::new(|| words(include_str!("../../../data/disposable.txt")));
static ROLES: LazyLock<Words> = LazyLock::new(|| words(include_str!("../../../data/roles.txt")));
static NAMES: LazyLock<Words> = LazyLock::new(|| words(include_str!("../../../data/first_names.txt")));

/// A mail service where anybody may have a mailbox.
///
/// ```
/// use leadgen_core::domain::name::DomainName;
/// use leadgen_core::rules::harvest::is_free_mail;
///
/// assert!(is_free_mail(&DomainName::parse("yandex.ru").unwrap()));
/// ```
pub fn is_free_mail(host: &DomainName) -> bool {
    mailhosts::is_free_mail(host.as_str()) && !is_platform(host)
}

/// A mail service whose mailboxes last minutes.
pub fn is_disposable(host: &DomainName) -> bool {
    zones(host).any(|zone| DISPOSABLE.contains(zone))
}

/// A builder, a counter, a host, a sample: never the firm's own domain.
pub(super) fn is_platform(host: &DomainName) -> bool {
    zones(host).any(|zone| PLATFORMS.contains(zone))
}

/// A host and every zone above it.
fn zones(host: &DomainName) -> impl Iterator<Item = &str> {
    let name = host.as_str();
    std::iter::once(name).chain(name.match_indices('.').map(|(dot, _)| &name[dot + 1..]))
}

/// `role` for a shared mailbox, `personal` for a named one, else `unknown`.
///
/// ```
/// use leadgen_core::domain::name::EmailAddress;
/// use leadgen_core::rules::harvest::kind;
///
/// let of = |text: &str| kind(&EmailAddress::parse(text).unwrap());
/// assert_eq!((of("zakaz2@firma.ru"), of("i.petrov@firma.ru"), of("olga@firma.ru")), ("role", "personal", "personal"));
/// assert_eq!(of("romashka@mail.ru"), "unknown");
/// ```
pub fn kind(address: &EmailAddress) -> &'static str {
    let parts: Vec<&str> = address.local().split(['.', '_', '-', '+']).collect();
    let bare = |part: &str| part.trim_matches(|c: char| c.is_ascii_digit()).to_owned();
    if parts.iter().any(|part| ROLES.contains(bare(part).as_str())) {
        return "role";
    }
    let is_name = |part: &str| NAMES.contains(part);
    let named = parts.iter().any(|part| is_name(&bare(part)));
    let initial = match parts.as_slice() {
        [first, last] | [last, first] if first.len() <= 2 => last.len() >= 4 && last.bytes().all(|b| b.is_ascii_alphabetic()),
        _ => false,
    };
    if named || initial || (parts.len() == 2 && is_surname(parts[1])) { "personal" } else { "unknown" }
}

/// The endings of Russian family names.
fn is_surname(part: &str) -> bool {
    part.len() >= 5
        && ["ov", "ova", "ev", "eva", "in", "ina", "sky", "skiy", "skaya", "enko", "yan"].iter().any(|ending| part.ends_with(ending))
}
