//! Is this result a company we know, and are these two companies one? Exact by host, family and what only one firm has,
//! fuzzy by name and place.
//!
//! [`profile`] is what is compared, [`blocks`] says who is compared with whom, [`decide::link`] decides a pair, [`group`] does all
//! companies at once. A store that keeps the same keys and decides by the same rule comes to the same groups one by one. Of a key
//! that too many share, the oldest are compared.

pub mod blocks;
mod closeness;
mod common;
pub mod decide;
mod fold;
pub mod group;
mod plain;
pub mod profile;
pub mod sketch;

use crate::domain::company::{Company, NewCompany};
use crate::domain::company_name::CompanyName;
use crate::domain::id::Id;
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::rules::normalize;

use self::profile::Profile;

/// The shortest normalized name that is compared fuzzily.
pub(crate) const SHORTEST: usize = 5;
/// Least Jaro–Winkler similarity of two names that may be one.
pub(crate) const JARO_WINKLER: f64 = 0.90;
/// Least normalized Levenshtein similarity, both needed.
pub(crate) const LEVENSHTEIN: f64 = 0.85;

/// What makes a company unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DedupeKey {
    /// `domain`, `host` or `name`.
    pub kind: &'static str,
    /// The key itself.
    pub key: String,
    /// Its lower-case SHA-1.
    pub hash: String,
}

/// The key of a name and whatever may hold a domain (DEDUP-3); none with neither.
pub fn dedupe_key(name: &str, domain_source: &str) -> Option<DedupeKey> {
    let (kind, key) = match normalize::domain_of(domain_source) {
        Some(host) => match normalize::registrable(&host) {
            Some(family) => ("domain", family.to_string()),
            None => ("host", host.to_string()),
        },
        // Of a name the part that is kept, so that the key can be made again of what is stored.
        None => ("name", format!("name:{}", CompanyName::parse(name).ok()?.normal())),
    };
    Some(DedupeKey { kind, hash: sha1_smol::Sha1::from(&key).hexdigest(), key })
}

/// The birth certificate of a company seen under a name at an address.
pub fn newborn(name: &str, domain_source: &str) -> Option<NewCompany> {
    let key = dedupe_key(name, domain_source)?;
    let host = normalize::domain_of(domain_source);
    Some(NewCompany {
        dedupe_key: key.key,
        dedupe_hash: key.hash,
        name: CompanyName::parse(name).or_else(|_| CompanyName::parse(host.as_ref().map_or("", DomainName::as_str))).ok()?,
        registrable_domain: host.as_ref().and_then(normalize::registrable),
        website_url: host.as_ref().map(|host| format!("https://{host}/")),
        canonical_domain: host,
    })
}

/// The same of a row of a list. A firm of which no domain is known is told by its name together with its place and whatever it
/// answers to: a name alone is borne by many, and whether two rows of one name are one firm is a decision like any other.
pub fn newborn_listed(name: &str, domain_source: &str, told: &[&str]) -> Option<NewCompany> {
    let born = newborn(name, domain_source)?;
    if born.canonical_domain.is_some() {
        return Some(born);
    }
    let told: Vec<String> = told.iter().map(|told| told.trim().to_lowercase().replace('ё', "е")).collect();
    let known = told.iter().filter(|told| !told.is_empty()).map(String::as_str);
    let key = std::iter::once(born.dedupe_key.as_str()).chain(known).collect::<Vec<_>>().join("; ");
    Some(NewCompany { dedupe_hash: sha1_smol::Sha1::from(&key).hexdigest(), dedupe_key: key, ..born })
}

/// How alike two names are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Whether they may be one company.
    pub same: bool,
    /// Jaro–Winkler, 0 to 1.
    pub jaro_winkler: f64,
    /// Normalized Levenshtein, 0 to 1.
    pub levenshtein: f64,
}

/// Compares two normalized names and their regions (DEDUP-5). An empty region is unknown and fits any.
pub fn compare(a: &str, b: &str, region_a: &str, region_b: &str) -> Likeness {
    let jaro_winkler = strsim::jaro_winkler(a, b);
    let levenshtein = strsim::normalized_levenshtein(a, b);
    let long_enough = a.chars().count() >= SHORTEST && b.chars().count() >= SHORTEST;
    let regions_fit = region_a.is_empty() || region_b.is_empty() || region_a == region_b;
    let alike = jaro_winkler >= JARO_WINKLER && levenshtein >= LEVENSHTEIN;
    Likeness { same: long_enough && regions_fit && alike, jaro_winkler, levenshtein }
}

/// Where a company stands among those of its group; the least comes first.
pub type Rank = (bool, bool, Timestamp, Id<Company>);

/// Who stands for a group: whoever was written to, then whoever has a site, then the oldest, then by id (DEDUP-6, DEDUP-7). A
/// name without a site can't be worked with: no site to visit, nothing to draw a letter from.
pub fn rank(was_written_to: bool, has_site: bool, since: Timestamp, id: Id<Company>) -> Rank {
    (!was_written_to, !has_site, since, id)
}

/// The compared side of a company of which name, place and host are known.
pub fn profile_of(normalized_name: &str, region: &str, host: Option<&DomainName>) -> Profile {
    let profile = Profile::of_normal(normalized_name.to_owned(), region);
    match host {
        Some(host) => profile.at(host),
        None => profile,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::company_name;
    use crate::rules::golden::{cases, check};
    use serde_json::json;

    #[test]
    fn keys_are_the_golden_ones() {
        check(include_str!("../../../golden/dedupe_key.json"), |input| {
            let key = dedupe_key(input["name"].as_str().unwrap_or(""), input["domain_source"].as_str().unwrap_or(""));
            json!(key.map(|key| json!({"kind": key.kind, "key": key.key, "hash": key.hash})))
        });
    }

    #[test]
    fn a_firm_without_a_domain_is_told_by_more_than_its_name() {
        let id = |name: &str, domain: &str, told: [&str; 3]| newborn_listed(name, domain, &told).map(|born| born.id());
        let nika = id("Ника", "", ["Казань", "+78435551122", ""]);
        assert_eq!(nika, id("ООО «Ника»", "", [" казань", "+78435551122", ""]), "the same row once more");
        for told in [["Москва", "+78435551122", ""], ["Казань", "+74955551122", ""], ["Казань", "+78435551122", "n1@mail.ru"], ["", "", ""]]
        {
            assert_ne!(nika, id("Ника", "", told), "{told:?}");
        }
        assert_eq!(id("Ника", "nika.ru", ["Казань", "", ""]), id("Ника", "nika.ru", ["Уфа", "+74955551122", ""]), "its domain tells it");
        assert_eq!(newborn_listed("Ника", "", &[]), newborn("Ника", ""), "of a bare name nothing more is known");
    }

    #[test]
    fn names_are_alike_as_in_the_golden_cases() {
        for case in cases(include_str!("../../../golden/company_name_fuzzy.json")) {
            let name = |key: &str| company_name::normalize(case.input[key].as_str().unwrap_or("")).text;
            let region = |key: &str| match &case.input[key] {
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            let got = compare(&name("a"), &name("b"), &region("region_a"), &region("region_b"));
            assert_eq!(json!(got.same), case.expected["match"], "{}", case.name);
            for (value, key) in [(got.jaro_winkler, "jaro_winkler"), (got.levenshtein, "normalized_levenshtein")] {
                if let Some(expected) = case.expected[key].as_f64() {
                    assert!((value - expected).abs() < 0.0001, "{} {key}: {value} {expected}", case.name);
                }
            }
        }
    }
}
