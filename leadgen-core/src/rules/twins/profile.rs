//! What is compared of a company: its name in the forms people and machines give it, its place, and what only one firm has.

use crate::domain::company_name;
use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::name::{DomainName, EmailAddress, Phone, families};
use crate::domain::suppression::SuppressionScope;
use crate::rules::mailhosts::is_free_mail;
use crate::rules::normalize;

use super::{fold, plain};

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
    /// A whole e-mail address, whoever provides it.
    Mailbox,
}

/// The compared side of a company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The normalized name.
    pub name: String,
    /// Its city in lower case, or empty.
    pub region: String,
    /// Its legal form, short, or empty.
    pub form: Box<str>,
    joined: Box<[u8]>,
    sorted: Box<[u8]>,
    telling: Box<[u8]>,
    evidence: Vec<(Known, Box<str>)>,
}

impl Known {
    const WORDS: [(Self, &str); 7] = [
        (Self::Host, "host"),
        (Self::Family, "family"),
        (Self::Inn, "inn"),
        (Self::Ogrn, "ogrn"),
        (Self::Phone, "phone"),
        (Self::MailDomain, "mail_domain"),
        (Self::Mailbox, "mailbox"),
    ];

    /// The word stored.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(known, _)| *known == self).map_or("", |(_, word)| word)
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(known, _)| *known)
    }
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
        let normal = company_name::normalize(name);
        Self::of_normal(normal.text, region).formed(normal.legal_form.as_deref().unwrap_or(""))
    }

    /// The same for a name that is normalized already.
    pub fn of_normal(name: String, region: &str) -> Self {
        let (joined, sorted) = spelled(&name);
        let region = region.trim().to_lowercase().replace('ё', "е");
        let profile = Self { name, region, joined: joined.into(), sorted: sorted.into(), ..Self::default() };
        profile.sought("")
    }

    /// Adds what it was found for: words of that in its name are no name.
    #[must_use]
    pub fn sought(mut self, niche: &str) -> Self {
        let (niche, place): (Vec<_>, Vec<_>) = (plain::folded(niche).collect(), plain::folded(&self.region).collect());
        let is_plain = |word: &[u8]| {
            plain::is_of_pages(word)
                || niche.iter().any(|sought| plain::is_form_of(word, sought))
                || place.iter().any(|place| plain::is_form_of_place(word, place))
        };
        let mut telling = plain::folded(&self.name).filter(|word| !is_plain(word)).collect::<Vec<_>>().concat();
        telling.truncate(LONGEST);
        self.telling = telling.into();
        self
    }

    /// Adds the legal form, any spelling.
    #[must_use]
    pub fn formed(self, form: &str) -> Self {
        Self { form: company_name::short_form(form).into(), ..self }
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

    /// Adds an e-mail address, and its domain unless anybody can have an address there.
    #[must_use]
    pub fn mailed(self, address: &EmailAddress) -> Self {
        let domain = address.domain();
        let this = self.with(Known::Mailbox, address.as_str());
        if is_free_mail(domain.as_str()) {
            return this;
        }
        match normalize::registrable(domain) {
            Some(family) if !is_free_mail(family.as_str()) => this.with(Known::MailDomain, family.as_str()),
            _ => this,
        }
    }

    /// Adds what a contact tells of whose it is.
    #[must_use]
    pub fn showing(self, found: &FoundContact) -> Self {
        match found.contact_type {
            ContactType::Email => EmailAddress::parse(&found.value).map(|email| self.clone().mailed(&email)).unwrap_or(self),
            ContactType::Phone => Phone::parse(&found.value).map(|phone| self.clone().called(&phone)).unwrap_or(self),
        }
    }

    /// What a refusal may name of it: its phones, its addresses, its hosts and the names above them.
    pub fn registered_as(&self) -> Vec<(SuppressionScope, String)> {
        let mut named = Vec::new();
        for (known, value) in self.evidence() {
            match known {
                Known::Phone => named.push((SuppressionScope::Phone, value.to_owned())),
                Known::Mailbox => named.push((SuppressionScope::Email, value.to_owned())),
                Known::Host => {
                    let names = DomainName::parse(value).map(|host| families(&host)).unwrap_or_default();
                    named.extend(names.into_iter().map(|name| (SuppressionScope::Domain, name)));
                }
                Known::Family | Known::Inn | Known::Ogrn | Known::MailDomain => {}
            }
        }
        named
    }

    /// What a visit to a company's site tells of whose it is.
    pub fn found_by(findings: &Findings) -> Self {
        let found = findings.contacts.iter().fold(Self::default(), Self::showing);
        findings.moved_to.iter().fold(found, Self::at)
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

    /// Facts that are kept beside a company: `word value` a line.
    pub fn facts(&self) -> String {
        self.evidence().map(|(known, value)| format!("{} {value}", known.as_str())).collect::<Vec<_>>().join("\n")
    }

    /// Adds kept facts.
    #[must_use]
    pub fn with_facts(self, facts: &str) -> Self {
        let known = facts.lines().filter_map(|line| line.split_once(' '));
        known.fold(self, |profile, (word, value)| match Known::parse(word) {
            Some(known) => profile.with(known, value),
            None => profile,
        })
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

    /// What is left of the folded name without words that any page bears, of what was asked for and of the place.
    pub(super) fn telling(&self) -> &[u8] {
        &self.telling
    }

    /// Whether it has a name that is nobody's: «Главная», or what was asked for.
    pub fn is_nameless(&self) -> bool {
        !self.joined.is_empty() && self.telling.is_empty()
    }

    /// The folded names that are filed in pieces: as it stands, and sorted.
    pub(super) fn forms(&self) -> impl Iterator<Item = (&'static [u8], &[u8])> {
        let long_enough = self.comparable_name().is_some();
        [(b"n".as_slice(), self.joined()), (b"s".as_slice(), self.sorted())]
            .into_iter()
            .filter(move |(_, name)| long_enough && !name.is_empty())
    }

    /// The folded name, if it is a name and long enough to be compared (DEDUP-5).
    pub(super) fn comparable_name(&self) -> Option<&[u8]> {
        let long_enough = self.name.chars().nth(super::SHORTEST - 1).is_some();
        (long_enough && !self.is_nameless() && self.joined.len() >= super::SHORTEST - 1).then_some(self.joined())
    }

    /// The registrable domains of its sites; if it has no site, those of its mail.
    pub(super) fn domains(&self) -> impl Iterator<Item = &str> {
        let told = if self.has_site() { Known::Family } else { Known::MailDomain };
        self.all(told)
    }

    fn has_site(&self) -> bool {
        self.all(Known::Host).next().is_some()
    }

    /// Whether its site or its mail is at a domain.
    pub(super) fn uses(&self, domain: &str) -> bool {
        self.has(Known::Family, domain) || self.has(Known::MailDomain, domain)
    }

    /// Whether a domain at which both have mail is that of its own site, or it has none.
    pub(super) fn is_at_home(&self, other: &Self) -> bool {
        !self.has_site() || self.all(Known::Family).any(|domain| other.uses(domain))
    }

    /// What its domains are called, without endings, places and the like: `vektor-spb.ru` is called "vektor".
    pub(super) fn labels(&self) -> impl Iterator<Item = Vec<u8>> {
        self.domains().map(label)
    }

    /// Which letters its name has, and which of them more than once: one bit each. An edit changes two of them at most.
    pub(super) fn letters(&self) -> u64 {
        letters(&self.joined)
    }
}

/// The folded forms of a normalized name: as it stands, and with its words sorted; the second is empty if it has one word.
pub(super) fn spelled(name: &str) -> (Vec<u8>, Vec<u8>) {
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
    (joined, sorted)
}

pub(super) fn letters(name: &[u8]) -> u64 {
    name.iter().fold(0, |letters, letter| {
        let (once, twice) = (1 << (letter % 32), 1 << (letter % 32 + 32));
        if letters & once == 0 { letters | once } else { letters | twice }
    })
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
        let mailed = |text: &str| Profile::new("Ромашка", "").mailed(&EmailAddress::parse(text).unwrap());
        assert_eq!(mailed("romashka@mail.ru").all(Known::MailDomain).next(), None);
        assert!(mailed("romashka@mail.ru").has(Known::Mailbox, "romashka@mail.ru"), "but the address itself does");
        assert!(mailed("info@mx.romashka.ru").has(Known::MailDomain, "romashka.ru"));
    }
}
