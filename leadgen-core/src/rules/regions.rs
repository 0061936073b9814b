//! Places → region codes of the search engine. The table is data.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::rules::planning::squash;

/// `lr,name_ru,name_en,parent_lr,country` per line.
const TABLE: &str = include_str!("../../data/regions.csv");
/// All of Russia: what an unknown place becomes.
pub const RUSSIA: u32 = 225;

/// Names that the table spells otherwise or that stand for two places; these win.
const FIRST: [(&str, u32); 9] = [
    ("москва", 213),
    ("moscow", 213),
    ("санкт-петербург", 2),
    ("saint petersburg", 2),
    ("st petersburg", 2),
    ("st. petersburg", 2),
    ("питер", 2),
    ("россия", RUSSIA),
    ("russia", RUSSIA),
];

/// A resolved place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The code.
    pub code: u32,
    /// No place was given or it is unknown, so all of Russia is searched.
    pub defaulted: bool,
}

/// The region of a city, else of a country, else Russia.
///
/// ```
/// use leadgen_core::rules::regions::resolve;
///
/// assert_eq!(resolve("Казань", "").code, 43);
/// assert!(resolve("Нигдеград", "").defaulted);
/// ```
pub fn resolve(city: &str, country: &str) -> Region {
    match lookup(city).or_else(|| lookup(country)) {
        Some(code) => Region { code, defaulted: false },
        None => Region { code: RUSSIA, defaulted: true },
    }
}

fn lookup(place: &str) -> Option<u32> {
    let key = fold(place);
    if key.is_empty() {
        return None;
    }
    if let Some((_, code)) = FIRST.iter().find(|(name, _)| *name == key) {
        return Some(*code);
    }
    static INDEX: OnceLock<HashMap<String, u32>> = OnceLock::new();
    INDEX.get_or_init(index).get(&key).copied()
}

/// Of two rows with one name the smaller code stays: cities have older, smaller numbers than districts.
fn index() -> HashMap<String, u32> {
    let mut index = HashMap::new();
    for line in TABLE.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let Some(code) = cells.first().and_then(|cell| cell.parse::<u32>().ok()) else { continue };
        for name in cells.iter().skip(1).take(2) {
            let slot = index.entry(fold(name)).or_insert(code);
            *slot = (*slot).min(code);
        }
    }
    index
}

fn fold(place: &str) -> String {
    squash(place)
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'ё' => 'е',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::golden::check;
    use serde_json::json;

    #[test]
    fn places_have_the_golden_codes() {
        check(include_str!("../../golden/region_resolution.json"), |input| {
            json!(resolve(input["city"].as_str().unwrap_or(""), input["country"].as_str().unwrap_or("")).code)
        });
    }
}
