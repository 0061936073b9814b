//! Which hosts are no company's own site: catalogues, marketplaces, networks, authorities. The list is data.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::domain::name::{DomainName, is_shared_host};

/// The list: `domain,kind,why` per line.
const LIST: &str = include_str!("../../data/sieve.csv");

/// Why a host is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The entry that matched: the host itself or the nearest domain above it.
    pub entry: String,
    /// `catalogue`, `marketplace`, `social`, `media`, `government`, `jobs`, `maps`, `search`, `files`, or `own_list`.
    pub kind: String,
    /// In words.
    pub why: String,
}

/// Whether a host is dropped, by the list or by the user's additions. A site below a shared hosting is somebody's own, also
/// where the hosting itself is a catalogue.
///
/// ```
/// use leadgen_core::domain::name::DomainName;
/// use leadgen_core::rules::sieve;
///
/// let reason = |host: &str| sieve::drop_reason(&DomainName::parse(host).unwrap(), &[]).map(|drop| drop.kind);
/// assert_eq!(reason("kazan.hh.ru").as_deref(), Some("jobs"));
/// assert_eq!(reason("tiu.ru").as_deref(), Some("marketplace"));
/// assert_eq!(reason("firma.tiu.ru"), None);
/// ```
pub fn drop_reason(host: &DomainName, own_list: &[DomainName]) -> Option<Dropped> {
    if let Some(entry) = own_list.iter().find(|entry| host.is_within(entry.as_str())) {
        return Some(Dropped { entry: entry.to_string(), kind: "own_list".into(), why: "excluded by the settings".into() });
    }
    let mut above = Some(host.as_str());
    while let Some(name) = above {
        if let Some((kind, why)) = entries().get(name) {
            let is_own_site = name != host.as_str() && is_shared_host(name);
            return (!is_own_site).then(|| Dropped { entry: name.to_owned(), kind: (*kind).to_owned(), why: (*why).to_owned() });
        }
        above = name.split_once('.').map(|(_, rest)| rest);
    }
    None
}

fn entries() -> &'static HashMap<&'static str, (&'static str, &'static str)> {
    static ENTRIES: OnceLock<HashMap<&'static str, (&'static str, &'static str)>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let lines = LIST.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let mut cells = line.splitn(3, ',');
                Some((cells.next()?, (cells.next()?, cells.next()?)))
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// SERP-7: the query's minus-domains and the further eight.
    #[test]
    fn every_excluded_domain_of_the_rules_is_on_the_list() {
        let named = "avito.ru market.yandex.ru 2gis.ru hh.ru flamp.ru otzovik.com irecommend.ru youtube.com vk.com reddit.com pikabu.ru \
                     yandex.ru profi.ru yell.ru workspace.ru vuzopedia.ru orgpage.ru rating-gamedev.ru ru.wadline.com";
        for host in named.split_whitespace() {
            assert!(drop_reason(&DomainName::parse(host).unwrap(), &[]).is_some(), "{host}");
        }
    }

    #[test]
    fn the_nearest_entry_names_the_reason() {
        let drop = |host: &str| drop_reason(&DomainName::parse(host).unwrap(), &[]).map(|drop| (drop.entry, drop.kind)).unwrap();
        assert_eq!(drop("market.yandex.ru"), ("market.yandex.ru".into(), "marketplace".into()));
        assert_eq!(drop("cloud.yandex.ru"), ("yandex.ru".into(), "search".into()));
        let own = [DomainName::parse("firma.ru").unwrap()];
        assert_eq!(drop_reason(&DomainName::parse("shop.firma.ru").unwrap(), &own).unwrap().kind, "own_list");
    }

    #[test]
    fn no_entry_stands_twice() {
        let hosts: Vec<&str> = LIST.lines().filter_map(|line| line.split(',').next()).collect();
        let once: std::collections::HashSet<&str> = hosts.iter().copied().collect();
        assert_eq!(hosts.len(), once.len());
        assert!(hosts.len() > 500);
    }

    #[test]
    fn a_name_that_merely_ends_alike_is_kept() {
        assert_eq!(drop_reason(&DomainName::parse("my-avito.ru").unwrap(), &[]), None);
    }

    #[test]
    fn every_entry_is_a_host_with_a_kind_and_a_reason() {
        for line in LIST.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<&str> = line.splitn(3, ',').collect();
            assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.trim().is_empty()), "{line}");
            assert_eq!(DomainName::parse(cells[0]).unwrap().as_str(), cells[0], "{line}");
            let kinds = ["catalogue", "marketplace", "social", "media", "government", "jobs", "maps", "search", "files"];
            assert!(kinds.contains(&cells[1]), "{line}");
        }
    }
}
