//! What a page says around a contact: who made the site, whose licence it quotes, which address is a sample.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use url::Url;

use crate::domain::name::DomainName;
use crate::rules::{normalize, pages};

use super::html::Page;
use super::marks::{Mark, Marks, Topic};
use super::text::{before, has_any, line};
use super::{Doubt, Site, same_family};

/// Words by which a site names its maker.
const CREDITS: [&str; 51] = [
    "разработка сайта",
    "разработка и поддержка",
    "разработка и продвижение",
    "разработано",
    "разработан в",
    "разработчик сайта",
    "создание сайта",
    "создание и продвижение",
    "создание и поддержка",
    "сайт создан",
    "сайт разработан",
    "сайт сделан",
    "сделано в",
    "сделан в",
    "изготовление сайта",
    "дизайн сайта",
    "веб-дизайн",
    "поддержка сайта",
    "продвижение сайта",
    "техподдержка сайта",
    "автор сайта",
    "автор шаблона",
    "веб-студия",
    "web-студия",
    "вебстудия",
    "хостинг предоставлен",
    "web design by",
    "website design by",
    "website by",
    "web site by",
    "site by",
    "site design",
    "site designed",
    "designed by",
    "design by",
    "developed by",
    "created by",
    "powered by",
    "made by",
    "built by",
    "template by",
    "theme by",
    "hosted by",
    "hosting by",
    "webdesign",
    "web development by",
    "site developed",
    "site created",
    "realisatie",
    "ontwerp:",
    "made with",
];

/// The words in each of the ways they are written at the beginning of a line, inside it, and in capitals.
pub(super) fn credit_words() -> Vec<String> {
    let capital = |text: &str| {
        let mut chars = text.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    CREDITS.iter().flat_map(|text| [(*text).to_owned(), capital(text), text.to_uppercase()]).collect()
}

/// Words that stand before a sample, and before the address of an author.
const DOUBTS: [(&str, Doubt); 18] = [
    ("например", Doubt::Sample),
    ("пример:", Doubt::Sample),
    ("e.g.", Doubt::Sample),
    ("example", Doubt::Sample),
    ("образец", Doubt::Sample),
    ("в формате", Doubt::Sample),
    ("for instance", Doubt::Sample),
    ("copyright", Doubt::Licence),
    ("(c) 1", Doubt::Licence),
    ("(c) 2", Doubt::Licence),
    ("license", Doubt::Licence),
    ("licence", Doubt::Licence),
    ("written by", Doubt::Licence),
    ("author", Doubt::Licence),
    ("maintain", Doubt::Licence),
    ("contributor", Doubt::Licence),
    ("лицензи", Doubt::Licence),
    ("автор ", Doubt::Licence),
];
static DOUBT_FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(DOUBTS.iter().map(|(word, _)| word)).ok());
/// How far past its own line a credit may reach.
const REACH: usize = 120;

/// The context of one page.
pub(super) struct Context {
    own: Option<DomainName>,
    /// Places of the text that speak of the site's maker.
    credits: Vec<Mark>,
    /// Hosts linked from there.
    makers: Vec<DomainName>,
    /// The page quotes licences of others.
    pub(super) is_licence: bool,
    /// The page lists other firms.
    is_of_others: bool,
    /// Where visitors speak.
    guests: Vec<Range<usize>>,
    /// How much contacts of this page weigh.
    pub(super) grade: pages::Grade,
    /// Which page this is, whatever it is called.
    pub(super) page_hash: String,
}

impl Context {
    pub(super) fn new(url: &Url, bytes: &[u8], page: &Page, marks: &Marks, site: &Site) -> Self {
        let page_hash = blake3::hash(bytes).to_hex().chars().take(32).collect();
        let credits = credits(&page.text, marks.about(Topic::Credit));
        let inside = |at: usize| credits.iter().any(|(from, to)| (*from..*to).contains(&at));
        let makers =
            page.links.iter().filter(|link| !link.hidden && inside(link.text.start)).filter_map(|link| Url::parse(&link.href).ok());
        let makers = makers.filter_map(|url| normalize::domain_of(url.host_str()?)).take(20).collect();
        let title = page.title.to_lowercase();
        let path = url.path().to_lowercase();
        let is_licence = ["licen", "лиценз", "litsenz", "copyright", "authors", "об авторах"]
            .iter()
            .any(|word| title.contains(word) || path.contains(word));
        let heading = page.headings.first().and_then(|range| page.text.get(range.clone())).unwrap_or("");
        let heading = heading.to_lowercase();
        Self {
            is_of_others: lists_others(&title, &path, &heading),
            guests: page.guests.clone(),
            own: site.domain.clone(),
            credits,
            makers,
            is_licence,
            grade: pages::grade(&title, &path, &heading),
            page_hash,
        }
    }

    pub(super) fn is_own(&self, host: &DomainName) -> bool {
        self.own.as_ref().is_some_and(|own| same_family(own, host))
    }

    /// Why a contact at a place may not be the firm's.
    pub(super) fn doubt(&self, text: &str, at: usize) -> Option<Doubt> {
        if self.credits.iter().any(|(from, to)| (*from..*to).contains(&at)) {
            return Some(Doubt::Credit);
        }
        if self.is_of_others || self.guests.iter().any(|range| range.contains(&at)) {
            return Some(Doubt::Stranger);
        }
        let lead = before(text, at, 120).to_lowercase();
        let near = lead.len().saturating_sub(60);
        let (mut is_sample, mut is_quoted) = (false, false);
        for found in DOUBT_FINDER.as_ref()?.find_overlapping_iter(&lead) {
            match DOUBTS[found.pattern().as_usize()].1 {
                // The word inside an address or a host says nothing of what follows them.
                Doubt::Sample => is_sample |= found.start() >= near && !lead[..found.start()].ends_with(['@', '.', '/']),
                _ => is_quoted = true,
            }
        }
        if is_sample { Some(Doubt::Sample) } else { is_quoted.then_some(Doubt::Licence) }
    }

    /// Why no contact of a host on this page is the firm's.
    pub(super) fn page_doubt(&self, host: &DomainName) -> Option<Doubt> {
        if self.makers.iter().any(|maker| same_family(maker, host)) && !self.is_own(host) {
            return Some(Doubt::Credit);
        }
        self.is_licence.then_some(Doubt::Licence)
    }

    pub(super) fn speaks_of_mail(&self, text: &str, at: usize) -> bool {
        let lead = before(text, at, 40).to_lowercase();
        has_any(&lead, &["mail", "почт", "отдел", "пишите", "sales"])
    }
}

/// Whether a page lists dealers or partners by name: "Наши дилеры", "/gde-kupit/". One for them ("Дилерам") is the firm's own.
fn lists_others(title: &str, path: &str, heading: &str) -> bool {
    const PATHS: [&str; 7] = ["dealers", "dilery", "dilers", "distributors", "distribyutory", "gde-kupit", "where-to-buy"];
    let parts = title.split(['|', '—', '–', ':', '·']).flat_map(|part| part.split(" - ")).chain([heading]);
    let page = path.trim_end_matches('/').rsplit('/').next().unwrap_or("").split('.').next().unwrap_or("");
    parts.into_iter().any(names_others) || PATHS.contains(&page)
}

/// Whether a heading is one of a list of other firms.
pub(super) fn names_others(heading: &str) -> bool {
    const BEGIN: [&str; 14] = [
        "дилеры",
        "наши дилеры",
        "официальные дилеры",
        "дилерская сеть",
        "дистрибьюторы",
        "дистрибуторы",
        "наши дистрибьюторы",
        "наши партнеры",
        "наши партнёры",
        "наши представители",
        "где купить",
        "our dealers",
        "our distributors",
        "where to buy",
    ];
    const ALONE: [&str; 5] = ["партнеры", "партнёры", "dealers", "distributors", "partners"];
    let heading = heading.trim().trim_end_matches(':');
    // Most headings begin with another letter.
    let may_be = heading.len() <= 100
        && heading.starts_with(['Д', 'д', 'Н', 'н', 'О', 'о', 'Г', 'г', 'П', 'п', 'O', 'o', 'W', 'w', 'D', 'd', 'P', 'p']);
    may_be && {
        let lower = heading.to_lowercase();
        BEGIN.iter().any(|words| lower.starts_with(words)) || ALONE.contains(&lower.as_str())
    }
}

/// The lines that name the site's maker; if a line ends with the words, the next one too.
fn credits(text: &str, marks: &[Mark]) -> Vec<Mark> {
    let mut found = Vec::new();
    for (start, end) in marks.iter().copied().take(50) {
        let (from, to) = line(text, start);
        // A long line is prose; only what follows the words belongs to them.
        let from = if to - from > 300 { start } else { from };
        let rest = text[end..to].trim();
        let last =
            if rest.chars().filter(|c| c.is_alphanumeric()).take(3).count() < 3 { line(text, (to + 1).min(text.len())).1 } else { to };
        let last = last.min(text.floor_char_boundary((end + 4 * REACH).min(text.len())));
        found.push((from, last.max(end) + 1));
    }
    found
}
