//! Places → region codes of the search engine. The table is data.

use std::collections::{BTreeMap, HashMap};
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
    /// No place was given, or the one given first is unknown, so that the country or all of Russia is searched.
    pub defaulted: bool,
}

/// Places of one's own, besides the table: as people write them, and their codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, u32>);

impl Places {
    /// Reads `Иннополис=43` pairs; none if one of them is no pair.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let pair = |text: &str| {
            let (name, code) = text.split_once('=')?;
            let name = fold(name);
            (!name.is_empty()).then_some((name, code.trim().parse().ok()?))
        };
        pairs.into_iter().map(pair).collect::<Option<_>>().map(Self)
    }

    /// The region of a city, else of a country, else Russia; own places come first.
    pub fn resolve(&self, city: &str, country: &str) -> Region {
        let own = |place: &str| self.0.get(&fold(place)).copied().or_else(|| lookup(place));
        if let Some(code) = own(city) {
            return Region { code, defaulted: false };
        }
        let country = own(country);
        // A country alone is a place as good as any; behind a city that nobody knows it is a guess.
        Region { code: country.unwrap_or(RUSSIA), defaulted: country.is_none() || !squash(city).is_empty() }
    }

    /// The remark for a row whose place is not given or not known: a wider one is searched, or all of Russia.
    pub fn warning(&self, city: &str, country: &str) -> Option<String> {
        let region = self.resolve(city, country);
        let (city, country) = (squash(city), squash(country));
        let searched = match country.as_str() {
            country if !city.is_empty() && region.code != RUSSIA => format!("all of {country:?} is searched"),
            _ => "all of Russia is searched".to_owned(),
        };
        let place = if city.is_empty() { country } else { city };
        region.defaulted.then(|| match (place.as_str(), self.nearest(&place)) {
            ("", _) => format!("region_defaulted: no place is given, {searched}"),
            (place, Some(known)) => format!("region_defaulted: the place {place:?} is unknown, {searched}; did you mean {known:?}?"),
            (place, None) => format!("region_defaulted: the place {place:?} is unknown, {searched}"),
        })
    }

    /// The known name most like a misspelt one: of one's own places, or of the table.
    fn nearest(&self, place: &str) -> Option<&str> {
        let key = fold(place);
        let names = TABLE.lines().skip(1).flat_map(|line| line.split(',').skip(1).take(2));
        let likeness = |known: &str| {
            // One letter off is a slip of the pen wherever it stands; Jaro–Winkler thinks little of one near the beginning.
            let slip = key.chars().count() >= 5 && strsim::levenshtein(&key, known) == 1;
            strsim::jaro_winkler(&key, known).max(if slip { 0.95 } else { 0.0 })
        };
        let scored = self.0.keys().map(String::as_str).chain(names).map(|name| (likeness(&fold(name)), name));
        scored.filter(|(score, _)| *score > 0.9).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
    }
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
    Places::default().resolve(city, country)
}

/// The regions a region lies in, nearest first: a city, its oblast, its federal district, the country.
pub fn parents(code: u32) -> Vec<u32> {
    let parent = |code: u32| {
        let line = TABLE.lines().skip(1).find(|line| line.split(',').next().and_then(|cell| cell.parse().ok()) == Some(code))?;
        line.split(',').nth(3)?.parse::<u32>().ok().filter(|parent| *parent != code)
    };
    // The table is a tree; a loop in it must not become one here.
    std::iter::successors(parent(code), |code| parent(*code)).take(8).collect()
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
    fn a_place_is_known_by_any_of_its_spellings() {
        for (city, code) in [
            ("Орёл", 10),
            ("орел", 10),
            ("Ростов\u{2013}на\u{2011}Дону", 39),
            ("YEKATERINBURG", 54),
            ("  Нижний   Новгород ", 47),
            ("ufa", 172),
        ] {
            assert_eq!(resolve(city, ""), Region { code, defaulted: false }, "{city}");
        }
    }

    #[test]
    fn an_unknown_city_of_a_known_country_is_told_and_the_country_is_searched() {
        assert_eq!(resolve("Нигдеград", "Казахстан"), Region { code: 159, defaulted: true });
        assert_eq!(resolve("", "Казахстан"), Region { code: 159, defaulted: false });
        let warning = |city, country| Places::default().warning(city, country).unwrap_or_default();
        assert_eq!(
            warning("Нигдеград", " Казахстан "),
            "region_defaulted: the place \"Нигдеград\" is unknown, all of \"Казахстан\" is searched"
        );
        let misspelt = warning("Казнь", "Россия");
        assert_eq!(misspelt, "region_defaulted: the place \"Казнь\" is unknown, all of Russia is searched; did you mean \"Казань\"?");
        assert_eq!((warning("Казань", "Россия"), warning("", "Казахстан")), (String::new(), String::new()));
        assert!(warning("Казань", "Атлантида").is_empty(), "the country is not looked at where the city is known");
    }

    #[test]
    fn an_unknown_place_is_all_of_russia_with_a_remark_that_helps() {
        let warning = |city, country| Places::default().warning(city, country);
        assert_eq!(warning("Казань", ""), None);
        assert!(warning("", "").unwrap_or_default().starts_with("region_defaulted: no place"));
        assert!(warning("Козань", "Россия").unwrap_or_default().ends_with("did you mean \"Казань\"?"));
        assert!(warning("Екатеренбург", "").unwrap_or_default().ends_with("did you mean \"Екатеринбург\"?"));
    }

    #[test]
    fn places_of_ones_own_come_before_the_table() {
        let places = Places::parse(["Иннополис=43", "Москва = 1"]).unwrap_or_default();
        assert_eq!((places.resolve("ИННОПОЛИС", "").code, places.resolve("Москва", "").code, places.resolve("Уфа", "").code), (43, 1, 172));
        assert_eq!(Places::parse(["Иннополис"]), None);
        assert!(places.warning("Инополис", "Россия").unwrap_or_default().ends_with("did you mean \"иннополис\"?"));
    }

    #[test]
    fn every_region_of_the_table_hangs_under_a_country() {
        for line in TABLE.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells.len(), 5, "{line}");
            assert!(cells[0].parse::<u32>().is_ok() && !cells[1].is_empty(), "{line}");
        }
        assert!(parents(43).contains(&RUSSIA), "{:?}", parents(43));
    }

    #[test]
    fn places_have_the_golden_codes() {
        check(include_str!("../../golden/region_resolution.json"), |input| {
            json!(resolve(input["city"].as_str().unwrap_or(""), input["country"].as_str().unwrap_or("")).code)
        });
    }
}
