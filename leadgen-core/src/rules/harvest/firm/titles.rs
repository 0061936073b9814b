//! Titles and headings: their parts, without the words that name a page and not a firm.

use crate::domain::company_name;
use crate::rules::pages::{self, Grade};

use super::super::text;

/// The parts of a title, page words taken off.
pub(super) fn parts(title: &str) -> Vec<&str> {
    let mut parts = vec![title];
    for sign in [" | ", "|", " :: ", "::", " - ", " – ", " — ", " » ", "»  ", " • ", " · ", " / ", ": ", ", ", "! ", ". "] {
        parts = parts.into_iter().flat_map(|part| part.split(sign)).collect();
    }
    let named = |part: &&str| {
        let rest = without_page_words(part);
        // "Контакты редакции": what is left of a page's name is no firm's.
        let is_left = rest.len() < part.trim().len() && rest.starts_with(|c: char| c.is_lowercase() && !c.is_ascii());
        !rest.is_empty() && !is_left
    };
    parts.into_iter().filter(named).map(without_page_words).collect()
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

/// A part of a title that sells: "Купить окна недорого", "Туры 2026".
pub(super) fn is_slogan(part: &str) -> bool {
    const WORDS: [&str; 14] = [
        "купить",
        "заказать",
        "недорог",
        "дешев",
        "дешёв",
        "низкие цены",
        "по низким ценам",
        "под ключ",
        "с доставкой",
        "отзывы",
        "скидк",
        "бесплатн",
        "buy ",
        "cheap ",
    ];
    let lower = part.to_lowercase();
    let is_priced =
        ["цена", "цены", "цене", "ценам"].iter().any(|word| lower.split(|c: char| !c.is_alphanumeric()).any(|found| found == *word));
    let is_dated = lower
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| word.len() == 4 && word.starts_with("20") && word.bytes().all(|b| b.is_ascii_digit()));
    is_priced || is_dated || WORDS.iter().any(|word| lower.contains(word))
}

/// A name in quotation marks without what follows them: "Отель «Ладья» Псков", "Школа «Рост» в Твери".
pub(super) fn without_place(part: &str) -> &str {
    let is_close = |c: char| matches!(c, '»' | '”' | '"');
    let Some((close, sign)) = part.char_indices().rfind(|(_, c)| is_close(*c)) else { return part };
    let has_open = part[..close].contains(['«', '“', '„', '"']);
    let end = close + sign.len_utf8();
    // A lone word that is glued on belongs to the name: "«Дом»-сервис".
    if has_open && part[end..].starts_with(' ') { &part[..end] } else { part }
}

/// A name of two words or more without the town at its end: "Автосервис Вектор в Твери".
pub(super) fn without_town(part: &str) -> &str {
    let Some((name, town)) = part.rsplit_once(" в ") else { return part };
    let is_town = town.starts_with(char::is_uppercase) && !town.contains(' ') && town.ends_with(['е', 'и', 'у', 'х', 'ю']);
    if is_town && name.contains(' ') { name } else { part }
}

pub(super) fn tidy(text: &str) -> String {
    let text = text::unescape(text);
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one_line
        .trim_matches(|c: char| matches!(c, ',' | ';' | ':' | '|' | '-' | '–' | '—' | '®' | '™' | '*' | ' ' | '•'))
        .trim_end_matches(['.', '®', '™'])
        .to_owned()
}

/// The name of a page: contacts, privacy, delivery.
pub(super) fn is_page_name(part: &str) -> bool {
    matches!(pages::grade(&part.to_lowercase(), "", ""), Grade::Strong | Grade::Weak)
}

/// Whether some words make a line of their own.
pub(super) fn is_line(text: &str, part: &str) -> bool {
    let breaks = |c: Option<char>| c.is_none_or(|c| matches!(c, '\n' | '\t'));
    memchr::memmem::find_iter(text.as_bytes(), part).take(50).any(|at| {
        let rest = text[at + part.len()..].trim_start_matches(' ');
        breaks(text[..at].trim_end_matches(' ').chars().next_back()) && breaks(rest.chars().next())
    })
}

/// Names of pages and of nothing.
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

/// Whether a text names a page, or nothing.
pub(super) fn is_generic(text: &str) -> bool {
    let normal = company_name::normalize(text).text;
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_noise = text.chars().any(|c| c.is_control() || c == '\u{FFFD}');
    letters < 2 || is_noise || GENERIC.contains(&normal.as_str()) || text.contains('@') || text.contains("http") || normal.is_empty()
}
