//! Which hosts are no company's own site: catalogues, marketplaces, networks, authorities. The list is data.

use crate::domain::name::{DomainName, within};

/// The list: `domain,kind,why` per line.
const LIST: &str = include_str!("../../data/sieve.csv");

/// Why a host is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// The entry that matched: the host itself or a domain above it.
    pub entry: String,
    /// `catalogue`, `marketplace`, `social`, `media`, `government`, `jobs`, `search`, or `own_list`.
    pub kind: String,
}

/// Whether a host is dropped, by the list or by the user's additions.
///
/// ```
/// use leadgen_core::domain::name::DomainName;
/// use leadgen_core::rules::sieve;
///
/// let host = DomainName::parse("kazan.hh.ru").unwrap();
/// assert_eq!(sieve::drop_reason(&host, &[]).unwrap().kind, "jobs");
/// ```
pub fn drop_reason(host: &DomainName, own_list: &[DomainName]) -> Option<Drop> {
    if let Some(entry) = own_list.iter().find(|entry| host.is_within(entry.as_str())) {
        return Some(Drop { entry: entry.to_string(), kind: "own_list".into() });
    }
    LIST.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut cells = line.split(',');
        let (entry, kind) = (cells.next()?, cells.next()?);
        within(host.as_str(), entry).then(|| Drop { entry: entry.to_owned(), kind: kind.to_owned() })
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
    fn a_name_that_merely_ends_alike_is_kept() {
        assert_eq!(drop_reason(&DomainName::parse("my-avito.ru").unwrap(), &[]), None);
    }

    #[test]
    fn every_entry_is_a_host_with_a_kind_and_a_reason() {
        for line in LIST.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<&str> = line.splitn(3, ',').collect();
            assert_eq!(cells.len(), 3, "{line}");
            assert!(DomainName::parse(cells[0]).is_ok(), "{line}");
        }
    }
}
