//! What is compared of a company: its name in the forms people and machines give it, its place, and what only one firm has.

use crate::domain::name::{DomainName, Phone};
use crate::rules::mailhosts::is_free_mail;
use crate::rules::{company_name, normalize};

use super::fold;

/// The longest folded name that is compared; a longer one is a sentence.
const LONGEST: usize = 120;
/// Words of a domain that tell the place or the sort of the site and not whose it is.
const PLAIN_WORDS: [&str; 38] = [
    "spb", "piter", "msk", "moscow", "moskva", "ekb", "nsk", "kzn", "kazan", "nn", "rnd", "ural", "sibir", "dv", "krd", "ufa", "perm",
    "samara", "russia", "rus", "rf", "ru", "shop", "store", "market", "online", "group", "gk", "pro", "site", "info", "official",
    "company", "firma", "center", "24", "opt", "tut",
];

/// What is known of a company that only one firm has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A host of its site.
    Host,
    /// The registrable domain of that host.
    Family,
    /// ИНН.
    Inn,
    /// ОГРН.
    Ogrn,
    /// A phone.
    Phone,
    /// The domain of an own e-mail address.
    MailDomain,
}

/// The compared side of a company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The normalized name.
    pub name: String,
    /// Its city in lower case, or empty.
    pub region: String,
    joined: Box<[u8]>,
    sorted: Box<[u8]>,
    evidence: Vec<(Known, Box<str>)>,
}

impl PartialOrd for Known {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Known {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

impl Profile {
    /// A company known by a name, any spelling, and a place, if that is known.
    pub fn new(name: &str, region: &str) -> Self {
        Self::of_normal(company_name::normalize(name).text, region)
    }

    /// The same for a name that is normalized already.
    pub fn of_normal(name: String, region: &str) -> Self {
        let mut words = Vec::new();
        for word in name.split(' ').filter(|word| !word.is_empty()) {
            let mut folded = Vec::with_capacity(word.len());
            fold::word(word, &mut folded);
            words.push(folded);
        }
        let mut joined = words.concat();
        joined.truncate(LONGEST);
        let mut sorted = Vec::new();
        if words.len() > 1 {
            words.sort_unstable();
            sorted = words.concat();
            sorted.truncate(LONGEST);
        }
        let region = region.trim().to_lowercase().replace('ё', "е");
        Self { name, region, joined: joined.into(), sorted: sorted.into(), evidence: Vec::new() }
    }

    /// Adds the host its site lives at, with its family.
    #[must_use]
    pub fn at(self, host: &DomainName) -> Self {
        let family = normalize::registrable(host);
        let this = self.with(Known::Host, host.as_str());
        match family {
            Some(family) => this.with(Known::Family, family.as_str()),
            None => this,
        }
    }

    /// Adds a phone.
    #[must_use]
    pub fn called(self, phone: &Phone) -> Self {
        self.with(Known::Phone, phone.as_str())
    }

    /// Adds the domain of an e-mail address; one that anybody can have is not taken.
    #[must_use]
    pub fn mailed(self, domain: &DomainName) -> Self {
        if is_free_mail(domain.as_str()) {
            return self;
        }
        match normalize::registrable(domain) {
            Some(family) if !is_free_mail(family.as_str()) => self.with(Known::MailDomain, family.as_str()),
            _ => self,
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, known: Known, value: &str) -> Self {
        let value = value.trim();
        if !value.is_empty() && !self.has(known, value) {
            self.evidence.push((known, value.into()));
            self.evidence.sort_unstable();
        }
        self
    }

    /// All facts.
    pub fn evidence(&self) -> impl Iterator<Item = (Known, &str)> {
        self.evidence.iter().map(|(known, value)| (*known, value.as_ref()))
    }

    /// The facts of one sort.
    pub fn all(&self, known: Known) -> impl Iterator<Item = &str> {
        self.evidence().filter(move |(kind, _)| *kind == known).map(|(_, value)| value)
    }

    /// Whether a fact is known.
    pub fn has(&self, known: Known, value: &str) -> bool {
        self.all(known).any(|own| own == value)
    }

    /// Whether nothing but name and place is known.
    pub fn is_bare(&self) -> bool {
        self.evidence.is_empty()
    }

    /// The folded name, words in their order, without blanks.
    pub fn joined(&self) -> &[u8] {
        &self.joined
    }

    /// The folded name with its words sorted; empty if it has one word.
    pub fn sorted(&self) -> &[u8] {
        &self.sorted
    }

    /// The folded names that are filed in pieces: as it stands, and sorted.
    pub(super) fn forms(&self) -> impl Iterator<Item = (&'static [u8], &[u8])> {
        let long_enough = self.comparable_name().is_some();
        [(b"n".as_slice(), self.joined()), (b"s".as_slice(), self.sorted())]
            .into_iter()
            .filter(move |(_, name)| long_enough && !name.is_empty())
    }

    /// The folded name, if it is long enough to be compared (DEDUP-5).
    pub(super) fn comparable_name(&self) -> Option<&[u8]> {
        let long_enough = self.name.chars().nth(super::SHORTEST - 1).is_some();
        (long_enough && self.joined.len() >= super::SHORTEST - 1).then_some(self.joined())
    }

    /// What its domains are called, without endings, places and the like: `vektor-spb.ru` is called "vektor".
    pub(super) fn labels(&self) -> impl Iterator<Item = Vec<u8>> {
        self.all(Known::Family).map(label)
    }
}

fn label(family: &str) -> Vec<u8> {
    let first = family.split('.').next().unwrap_or(family);
    let unicode = if first.starts_with("xn--") { idna::domain_to_unicode(first).0 } else { first.to_owned() };
    let words: Vec<&str> = unicode.split(['-', '_']).filter(|word| !word.is_empty()).collect();
    let telling: Vec<&str> = words.iter().copied().filter(|word| !is_plain(word)).collect();
    let mut folded = Vec::new();
    for word in if telling.is_empty() { words } else { telling } {
        fold::word(word, &mut folded);
    }
    folded
}

fn is_plain(word: &str) -> bool {
    PLAIN_WORDS.contains(&word) || (word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_label_is_called_alike_whatever_its_place_and_ending() {
        assert_eq!(label("vektor-spb.ru"), label("vector.com"));
        assert_eq!(label("denta-lux.ru"), label("dentaluks.ru"));
        assert_eq!(label(DomainName::parse("вектор.рф").unwrap().as_str()), label("vektor.ru"));
        assert_ne!(label("vektor-plus.ru"), label("vektor.ru"));
    }

    #[test]
    fn an_address_anybody_can_have_tells_nothing() {
        let domain = |text: &str| DomainName::parse(text).unwrap();
        assert!(Profile::new("Ромашка", "").mailed(&domain("mail.ru")).is_bare());
        assert!(Profile::new("Ромашка", "").mailed(&domain("mx.romashka.ru")).has(Known::MailDomain, "romashka.ru"));
    }
}
