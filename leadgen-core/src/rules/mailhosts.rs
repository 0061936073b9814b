//! Mail providers at which anybody can have an address: the part after the `@` says nothing about a firm.

use std::collections::HashSet;
use std::sync::LazyLock;

static FREE_MAIL: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("../../data/free_mail.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// Whether anybody can have an address at this host.
///
/// ```
/// use leadgen_core::rules::mailhosts::is_free_mail;
///
/// assert!(is_free_mail("mail.ru"));
/// assert!(!is_free_mail("denta-lux.ru"));
/// ```
pub fn is_free_mail(host: &str) -> bool {
    let zones = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
    std::iter::once(host).chain(zones).any(|zone| FREE_MAIL.contains(zone))
}
