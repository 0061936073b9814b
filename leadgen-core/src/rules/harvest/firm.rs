//! The name a firm gives itself: hints of every page, weighed together for the site.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use crate::domain::company_name;
use crate::rules::pages::{self, Grade};

use super::html::{Page, Prop};
use super::latin::{compact, latin};
use super::structured::Structured;
use super::text::stretches;

/// Where a hint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    LegalName,
    DataName,
    SiteName,
    /// A legal form beside a copyright sign or requisites.
    FormalOwner,
    /// A legal form elsewhere.
    Formal,
    Owner,
    Logo,
    /// The words that make up the host's name.
    HostWords,
    Title,
    /// A part of the title that is a line of its own.
    Line,
    /// "the site «…»", as legal pages say.
    Named,
    Heading,
}

impl Source {
    fn weight(self) -> f64 {
        match self {
            Self::LegalName => 4.0,
            Self::FormalOwner => 3.6,
            Self::DataName => 3.5,
            Self::SiteName | Self::Owner => 3.0,
            Self::HostWords => 2.2,
            Self::Logo => 1.6,
            Self::Formal => 1.2,
            Self::Title => 0.9,
            Self::Line => 0.6,
            Self::Named => 1.0,
            Self::Heading => 0.4,
        }
    }
}

/// A possible name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) text: String,
    pub(super) source: Source,
}

/// Hints taken of one page.
const MOST: usize = 60;

static FORMAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?:^|[^\p{L}])
        (
          (?:ООО|ОАО|ЗАО|ПАО|НАО|АО|ТОО|ОДО|НКО|АНО|МУП|ГУП|ФГУП|ЧУП|УП|ГБУ|ГБУЗ|ЧОУ|АНО\ ДПО|
             [Оо]бщество\s+с\s+ограниченной\s+ответственностью|(?:[Пп]убличное\s+|[Зз]акрытое\s+|[Оо]ткрытое\s+|[Нн]епубличное\s+)?[Аа]кционерное\s+общество)
          \s*(?:[«"“„][^»"”\n\t]{2,70}[»"”]+|[А-ЯЁA-Z][\p{L}\d-]+(?:\ [А-ЯЁA-Z][\p{L}\d-]+){0,2})
          |(?:ИП|[Ии]ндивидуальный\s+предприниматель)\s+[А-ЯЁ][а-яё-]+\s+(?:[А-ЯЁ]\.\s?[А-ЯЁ]\.|[А-ЯЁ][а-яё]+(?:\s+[А-ЯЁ][а-яё]+)?)
          |(?:[A-Z][\w&'’-]*\ ){1,5}(?:Inc|LLC|L\.L\.C|Ltd|Limited|GmbH|B\.V|BV|PLC|Corp|Corporation|LLP)\b
        )"#,
    )
    .ok()
});
/// What every claim of a copyright holds.
static OWNED: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(["©", "(c)", "copyright", "вторские права"]).ok());
/// What every name with a legal form holds.
static FORMS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = [
        "ООО",
        "АО ",
        "АО«",
        "АО\"",
        "ТОО",
        "ОДО",
        "НКО",
        "АНО",
        "УП ",
        "УП«",
        "УП\"",
        "ГБУ",
        "ЧОУ",
        "ИП ",
        "бщество с",
        "кционерное",
        "ндивидуальный п",
        " Inc",
        " LLC",
        " L.L.C",
        " Ltd",
        " Limited",
        " GmbH",
        " B.V",
        " BV",
        " PLC",
        " Corp",
        " LLP",
    ];
    AhoCorasick::new(words).ok()
});

static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:[Сс]айта?|[Сс]айте|[Пп]ортала|[Мм]агазина?|[Кк]омпани[яией]|[Фф]ирм[аыойе]+|[Кк]линик[аиой]+|[Сс]алона?)\s+[«"“]([^»"”\n\t]{2,50})[»"”]"#).ok()
});

/// Everything on a page that may be the firm's name. `labels`: the words that its hosts are made of.
/// `quotes_licences`: who owns what is quoted there says nothing.
pub(super) fn hints(page: &Page, structured: &Structured, labels: &[String], quotes_licences: bool) -> Vec<Hint> {
    let mut hints = Vec::new();
    let mut add = |text: &str, source: Source| {
        let text = tidy(text);
        if hints.len() < MOST && (2..=90).contains(&text.chars().count()) && !is_generic(&text) {
            hints.push(Hint { text, source });
        }
    };
    structured.legal_name.iter().for_each(|name| add(name, Source::LegalName));
    structured.name.iter().for_each(|name| add(name, Source::DataName));
    for (prop, text) in &page.props {
        match prop {
            Prop::LegalName => add(text, Source::LegalName),
            Prop::Name => add(text, Source::DataName),
            _ => {}
        }
    }
    page.site_name.iter().for_each(|name| add(name, Source::SiteName));
    formal(&page.text, &mut add);
    formal(&page.title, &mut add);
    if !quotes_licences {
        owners(&page.text, &mut add);
    }
    for logo in &page.logos {
        parts(logo).into_iter().take(2).for_each(|part| add(part, Source::Logo));
    }
    for part in parts(&page.title).into_iter().filter(|part| !is_page_name(part)) {
        add(part, Source::Title);
        if is_line(&page.text, part) {
            add(part, Source::Line);
        }
    }
    let is_legal = matches!(pages::grade(&page.title.to_lowercase(), "", ""), Grade::Weak);
    if let Some(named) = NAMED.as_ref().filter(|_| is_legal) {
        named.captures_iter(&page.text).take(5).filter_map(|found| found.get(1)).for_each(|name| add(name.as_str(), Source::Named));
    }
    for range in page.headings.iter().take(3) {
        let heading = page.text.get(range.clone()).unwrap_or("");
        parts(heading).into_iter().take(2).filter(|part| !is_page_name(part)).for_each(|part| add(part, Source::Heading));
    }
    for label in labels {
        host_words(&page.text, label).iter().chain(&host_words(&page.title, label)).for_each(|words| add(words, Source::HostWords));
    }
    hints
}

fn formal(text: &str, add: &mut dyn FnMut(&str, Source)) {
    let (Some(formal), Some(forms)) = (FORMAL.as_ref(), FORMS.as_ref()) else { return };
    let stretches = stretches(forms, text, 120, 160);
    for found in
        stretches.iter().take(40).flat_map(|(from, to)| formal.captures_iter(&text[*from..*to]).map(move |found| (*from, found))).take(40)
    {
        let (offset, found) = found;
        let Some(name) = found.get(1) else { continue };
        let from = text.floor_char_boundary((offset + name.start()).saturating_sub(160));
        let to = text.ceil_char_boundary((offset + name.end() + 160).min(text.len()));
        let (lead, tail) = (text[from..offset + name.start()].to_lowercase(), text[offset + name.end()..to].to_lowercase());
        let close = &lead[lead.ceil_char_boundary(lead.len().saturating_sub(60))..];
        let lower = name.as_str().to_lowercase();
        if ["банк", "bank", "разработ", "design by", "создан"].iter().any(|word| close.contains(word)) || lower.contains("банк")
        {
            continue;
        }
        // "ООО «Ромашка» (далее Продавец)": a party of the contract is the firm.
        let next = tail.trim_start_matches(|c: char| !c.is_alphanumeric());
        let is_party = ["далее", "именуем"].iter().any(|word| next.starts_with(word));
        let owns = is_party
            || ["©", "copyright", "(c)", "наименование", "реквизиты"].iter().any(|word| close.contains(word))
            || ["все права", "all rights", "инн", "огрн"].iter().any(|word| tail.contains(word));
        add(name.as_str(), if owns { Source::FormalOwner } else { Source::Formal });
    }
}

/// Whoever claims the copyright.
fn owners(text: &str, add: &mut dyn FnMut(&str, Source)) {
    let Some(owned) = OWNED.as_ref() else { return };
    let mut last = 0;
    for found in owned.find_iter(text).take(60) {
        if found.start() < last {
            continue;
        }
        let end = text[found.start()..].find('\n').map_or(text.len(), |end| found.start() + end);
        last = end.min(text.floor_char_boundary((found.start() + 300).min(text.len())));
        let mut rest = &text[found.start()..last];
        loop {
            let trimmed = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || "©-–—,.:;|/()".contains(c));
            let lower = trimmed.to_lowercase();
            let word = [
                "copyright",
                "c)",
                "авторские права",
                "гг.",
                "гг",
                "год",
                "г.",
                "by ",
                "all content",
                "all rights reserved",
                "все права защищены",
                "the ",
            ]
            .iter()
            .find(|word| lower.starts_with(**word));
            match word {
                Some(word) => rest = &trimmed[trimmed.ceil_char_boundary(word.len().min(trimmed.len()))..],
                None => {
                    rest = trimmed;
                    break;
                }
            }
        }
        let lower = rest.to_lowercase();
        let ends = [
            ". ",
            " - ",
            " – ",
            " — ",
            " | ",
            "|",
            "•",
            "·",
            "\t",
            ",",
            " all rights",
            " все права",
            " powered",
            " website",
            " we ",
            " россия",
            "сайт ",
            " инн",
            " design",
        ];
        let end = ends.iter().filter_map(|end| lower.find(end)).min().unwrap_or(lower.len());
        // Lower case may be longer or shorter in bytes; such signs don't stand in names.
        let owner =
            rest.get(..end).unwrap_or("").trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || ".,-–—".contains(c));
        let owner = match (owner.find('«'), owner.rfind('»')) {
            (Some(open), Some(close)) if open < close => &owner[..close + '»'.len_utf8()],
            _ => owner,
        };
        if owner.split_whitespace().count() <= 6 {
            add(owner, Source::Owner);
        }
    }
}

/// The parts of a title, page words taken off.
fn parts(title: &str) -> Vec<&str> {
    let mut parts = vec![title];
    for sign in [" | ", "|", " :: ", "::", " - ", " – ", " — ", " » ", "»  ", " • ", " · ", " / ", ": ", ", ", "! ", ". "] {
        parts = parts.into_iter().flat_map(|part| part.split(sign)).collect();
    }
    parts.into_iter().map(without_page_words).filter(|part| !part.is_empty()).collect()
}

const PAGE_WORDS: [&str; 24] = [
    "contact us",
    "contacts",
    "contact",
    "about us",
    "about",
    "welcome to",
    "welcome",
    "home page",
    "homepage",
    "home",
    "контакты компании",
    "контакты",
    "о компании",
    "о нас",
    "главная страница",
    "главная",
    "официальный сайт компании",
    "официальный сайт",
    "добро пожаловать в",
    "добро пожаловать",
    "сайт компании",
    "logo",
    "логотип",
    "footer",
];

fn without_page_words(part: &str) -> &str {
    let mut part = part.trim_matches(|c: char| !c.is_alphanumeric() && !"«»\"“”()!®™.&+".contains(c));
    loop {
        let lower = part.to_lowercase();
        if lower.len() != part.len() {
            return part;
        }
        let front =
            PAGE_WORDS.iter().find(|word| lower.strip_prefix(**word).is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric())));
        let back =
            PAGE_WORDS.iter().find(|word| lower.strip_suffix(**word).is_some_and(|rest| rest.ends_with(|c: char| !c.is_alphanumeric())));
        part = match (front, back) {
            (Some(word), _) => part[word.len()..].trim(),
            (None, Some(word)) => part[..part.len() - word.len()].trim(),
            (None, None) => return part,
        };
    }
}

fn tidy(text: &str) -> String {
    let text = super::text::unescape(text);
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one_line
        .trim_matches(|c: char| matches!(c, ',' | ';' | ':' | '|' | '-' | '–' | '—' | '®' | '™' | '*' | ' ' | '•'))
        .trim_end_matches(['.', '®', '™'])
        .to_owned()
}

/// The name of a page: contacts, privacy, delivery.
fn is_page_name(part: &str) -> bool {
    matches!(pages::grade(&part.to_lowercase(), "", ""), Grade::Strong | Grade::Weak)
}

/// Whether some words make a line of their own.
fn is_line(text: &str, part: &str) -> bool {
    let breaks = |c: Option<char>| c.is_none_or(|c| matches!(c, '\n' | '\t'));
    text.match_indices(part).take(50).any(|(at, _)| {
        let rest = text[at + part.len()..].trim_start_matches(' ');
        breaks(text[..at].trim_end_matches(' ').chars().next_back()) && breaks(rest.chars().next())
    })
}

/// Names of pages and of nothing.
fn is_generic(text: &str) -> bool {
    const GENERIC: [&str; 89] = [
        "главная",
        "главная страница",
        "о нас",
        "о компании",
        "контакты",
        "наши контакты",
        "контактная информация",
        "реквизиты",
        "новости",
        "каталог",
        "услуги",
        "цены",
        "доставка",
        "оплата",
        "доставка и оплата",
        "вакансии",
        "партнеры",
        "поставщикам",
        "официальный сайт",
        "обратная связь",
        "страница",
        "лицензия",
        "меню",
        "публичная оферта",
        "политика конфиденциальности",
        "компания",
        "общество",
        "акционерное общество",
        "home",
        "homepage",
        "contact",
        "contact us",
        "contacts",
        "about",
        "about us",
        "welcome",
        "index",
        "untitled",
        "untitled document",
        "page",
        "privacy policy",
        "terms",
        "404",
        "company name",
        "company",
        "logo",
        "search",
        "news",
        "blog",
        "menu",
        "services",
        "products",
        "gallery",
        "portfolio",
        "faq",
        "sitemap",
        "kontakt",
        "over ons",
        "welkom",
        "impressum",
        "the authors",
        "authors",
        "login",
        "image",
        "банк",
        "all rights reserved",
        "все права защищены",
        "copyright",
        "website",
        "title",
        "document",
        "new page",
        "form page",
        "our team",
        "где купить",
        "россия",
        "москва",
        "сайт",
        "адрес",
        "address",
        "telefon",
        "телефон",
        "google",
        "notice",
        "openid",
        "facebook",
        "error",
        "not found",
        "официальные реквизиты",
    ];
    let normal = company_name::normalize(text).text;
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters < 2 || GENERIC.contains(&normal.as_str()) || text.contains('@') || text.contains("http") || normal.is_empty()
}

/// The words of a text that make up a host's label when written together.
fn host_words(text: &str, label: &str) -> Vec<String> {
    if label.len() < 4 {
        return Vec::new();
    }
    let text = &text[..text.floor_char_boundary(text.len().min(120_000))];
    let bytes = text.as_bytes();
    let mut found: Vec<String> = Vec::new();
    for at in starts_of(text, label.as_bytes()[0]) {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '/'))
            || !bytes[at..].first().is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80)
        {
            continue;
        }
        let Some(end) = label_ends(&text[at..], label) else { continue };
        let words = &text[at..at + end];
        let is_host = text[at + end..].starts_with('.') && text[at + end + 1..].starts_with(|c: char| c.is_ascii_lowercase());
        if !is_host && !found.iter().any(|known| known == words) && words.contains(char::is_uppercase) {
            found.push(words.to_owned());
        }
        if found.len() >= 3 {
            break;
        }
    }
    found
}

/// Places where a word may begin that is spelled with a letter first, in Latin or Cyrillic.
fn starts_of(text: &str, first: u8) -> Vec<usize> {
    let mut places: Vec<usize> = memchr::memchr2_iter(first, first.to_ascii_uppercase(), text.as_bytes()).collect();
    for letter in ('А'..='я').filter(|letter| latin(*letter).as_bytes().first() == Some(&first)) {
        let mut spelled = [0; 4];
        places.extend(memchr::memmem::find_iter(text.as_bytes(), letter.encode_utf8(&mut spelled).as_bytes()));
    }
    places.sort_unstable();
    places
}

/// Where the words end that spell a label, at most five of them.
fn label_ends(text: &str, label: &str) -> Option<usize> {
    let mut spelled = String::new();
    let mut gaps = 0;
    for (at, c) in text.char_indices().take(80) {
        if c.is_alphanumeric() {
            if c.is_ascii() {
                spelled.push(c.to_ascii_lowercase());
            } else {
                spelled.push_str(latin(c));
            }
            if !label.starts_with(&spelled) {
                return None;
            }
            if spelled.len() == label.len() {
                let end = at + c.len_utf8();
                return (!text[end..].starts_with(char::is_alphanumeric)).then_some(end);
            }
        } else if matches!(c, ' ' | '-' | '\'' | '’' | '.' | '&') {
            gaps += 1;
            if gaps > 6 {
                return None;
            }
        } else {
            return None;
        }
    }
    None
}

/// The name most pages and sources agree on.
pub(super) fn choose(pages: &[&[Hint]], labels: &[String]) -> Option<String> {
    let mut groups: BTreeMap<String, BTreeMap<Source, BTreeSet<usize>>> = BTreeMap::new();
    let mut forms: BTreeMap<String, (f64, &str)> = BTreeMap::new();
    for (page, hints) in pages.iter().enumerate() {
        for hint in *hints {
            let key = compact(&company_name::normalize(&hint.text).text);
            if key.len() < 2 {
                continue;
            }
            let weight = hint.source.weight();
            let form = forms.entry(key.clone()).or_insert((weight, &hint.text));
            if weight > form.0 {
                *form = (weight, &hint.text);
            }
            groups.entry(key).or_default().entry(hint.source).or_default().insert(page);
        }
    }
    let score = |key: &str, sources: &BTreeMap<Source, BTreeSet<usize>>| {
        let seen: f64 = sources
            .iter()
            .map(|(source, on)| {
                let again = (on.len().min(6) - 1) as f64;
                let everywhere = *source == Source::Title && pages.len() > 1 && on.len() * 10 >= pages.len() * 6;
                source.weight() * (1.0 + 0.2 * again) + if everywhere { 1.5 } else { 0.0 }
            })
            .sum();
        let text = forms.get(key).map_or("", |(_, text)| *text);
        let words = text.split_whitespace().count();
        seen + labels.iter().map(|label| kinship(key, text, label)).fold(0.0, f64::max) - 0.8 * words.saturating_sub(5) as f64
    };
    let best = groups
        .iter()
        .map(|(key, sources)| (score(key, sources), key))
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.len().cmp(&a.1.len())))?;
    forms.get(best.1).map(|(_, text)| (*text).to_owned())
}

/// How much a name looks like a host's label.
fn kinship(key: &str, text: &str, label: &str) -> f64 {
    if label.len() < 3 {
        return 0.0;
    }
    if key == label {
        return 3.0;
    }
    if key.len() >= 4 && label.starts_with(key) {
        return 1.8;
    }
    if label.len() >= 4 && key.starts_with(label) {
        return if key.len() <= 2 * label.len() + 6 { 2.0 } else { 0.6 };
    }
    let plain = |text: &str| text.replace('y', "i");
    if key.len().min(label.len()) >= 5 && strsim::normalized_levenshtein(&plain(key), &plain(label)) >= 0.8 {
        return 2.2;
    }
    if begins_of_words(text, label) {
        return 2.0;
    }
    if (key.len() >= 5 && label.contains(key)) || (label.len() >= 5 && key.contains(label)) { 0.8 } else { 0.0 }
}

/// "woodsins" is made of the beginnings of "Woods Insurance Service"; so are initials.
fn begins_of_words(text: &str, label: &str) -> bool {
    let words: Vec<String> = text.split(|c: char| !c.is_alphanumeric()).map(compact).filter(|word| !word.is_empty()).collect();
    let mut rest = label;
    let mut used = 0;
    for word in &words {
        let shared = word.bytes().zip(rest.bytes()).take_while(|(a, b)| a == b).count();
        if shared == 0 {
            break;
        }
        rest = &rest[shared..];
        used += 1;
    }
    rest.is_empty() && used >= 2 && label.len() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(pages: &[(&str, &str)], label: &str) -> Option<String> {
        let labels = [label.to_owned()];
        let hints: Vec<Vec<Hint>> = pages
            .iter()
            .map(|(title, text)| {
                hints(&Page { title: (*title).into(), text: (*text).into(), ..Page::default() }, &Structured::default(), &labels, false)
            })
            .collect();
        choose(&hints.iter().map(Vec::as_slice).collect::<Vec<_>>(), &labels)
    }

    #[test]
    fn a_legal_form_beside_the_copyright_sign_wins() {
        let text = "Наши клиенты: ОАО «РЖД»\n© 2020 ООО «Ромашка». Все права защищены.";
        assert_eq!(named(&[("Контакты", text)], "romashka").as_deref(), Some("ООО «Ромашка»"));
    }

    #[test]
    fn the_part_of_the_title_that_spells_the_host_is_the_name() {
        assert_eq!(named(&[("Contact Us - Corner Bakery Cafe®", "")], "cornerbakerycafe").as_deref(), Some("Corner Bakery Cafe"));
        assert_eq!(named(&[("contact", "Welkom bij Penninx Schoenen in Deurne")], "penninxschoenen").as_deref(), Some("Penninx Schoenen"));
        assert_eq!(
            named(&[("Woods Insurance Service - Oil and Gas Insurance", "")], "woodsins").as_deref(),
            Some("Woods Insurance Service")
        );
    }

    #[test]
    fn the_owner_of_the_copyright_is_cut_out_of_its_line() {
        assert_eq!(named(&[("Главная", "Copyright © 2008 — 2015 г. АЛЬТКО - ooo.altko@yandex.ru")], "").as_deref(), Some("АЛЬТКО"));
        assert_eq!(named(&[("x", "© 2009-2014 «ECO ПРОФИ» Россия, Саратов")], "").as_deref(), Some("«ECO ПРОФИ»"));
    }
}
