//! Which pages of a site are worth a visit.

use url::Url;

use crate::rules::harvest::Link;

const STRONG: [&str; 26] = [
    "контакт",
    "свяжитесь",
    "связаться",
    "обратная связь",
    "реквизит",
    "как нас найти",
    "адреса и телефоны",
    "офисы",
    "филиалы",
    "contact",
    "get in touch",
    "reach us",
    "impressum",
    "imprint",
    "kontakt",
    "offices",
    "locations",
    "rekvizit",
    "rekvisit",
    "requisites",
    "svyaz",
    "feedback",
    "kontakty",
    "onze-gegevens",
    "find us",
    "cont_",
];
const MEDIUM: [&str; 22] = [
    "о компании",
    "о нас",
    "о фирме",
    "команда",
    "сотрудники",
    "руководство",
    "партн",
    "оптовикам",
    "поставщикам",
    "карточка предприятия",
    "юридическ",
    "правовая информация",
    "about",
    "company",
    "team",
    "people",
    "staff",
    "legal",
    "o-kompanii",
    "o-nas",
    "partner",
    "wholesale",
];
const WEAK: [&str; 9] = ["политика", "оферт", "соглашение", "доставка", "оплата", "privacy", "terms", "policy", "delivery"];
const NEVER: [&str; 14] = [
    "login", "logout", "signin", "register", "/cart", "basket", "search", "calendar", "/tag/", "print", "admin", "wp-json", "sort=",
    "filter",
];
const BINARY: [&str; 18] = [
    ".jpg", ".jpeg", ".png", ".gif", ".svg", ".webp", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".zip", ".rar", ".mp4", ".mp3", ".css",
    ".js", ".xml",
];
/// Paths tried if no link looks right.
pub const GUESSES: [&str; 4] = ["/kontakty", "/contacts", "/contact", "/about"];

/// How promising a link is; 0: not worth a visit.
pub fn score(link: &Link, target: &Url) -> u32 {
    let path = target.path().to_lowercase();
    let query = target.query().unwrap_or("").to_lowercase();
    let decoded = url::form_urlencoded::parse(format!("p={}", path.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, path)| path.to_lowercase())
        .unwrap_or_default();
    if NEVER.iter().any(|part| path.contains(part) || query.contains(part)) || BINARY.iter().any(|ending| path.ends_with(ending)) {
        return 0;
    }
    let text = link.text.to_lowercase();
    let weight = |words: &[&str]| {
        let in_text = u32::from(words.iter().any(|word| text.contains(word)));
        let in_path = u32::from(words.iter().any(|word| decoded.contains(word)));
        3 * in_text + 2 * in_path
    };
    [(&STRONG[..], 3), (&MEDIUM[..], 2), (&WEAK[..], 1)].iter().map(|(words, grade)| weight(words) * grade).max().unwrap_or(0)
}

/// Links of a page on the same site, best first, each once.
pub fn next(links: &[Link], page: &Url, seen: &[Url]) -> Vec<(u32, Url)> {
    let bare = |url: &Url| url.host_str().unwrap_or("").trim_start_matches("www.").to_owned();
    let mut found: Vec<(u32, Url)> = Vec::new();
    for link in links {
        let Ok(mut target) = page.join(link.href.trim()) else { continue };
        target.set_fragment(None);
        let fits = matches!(target.scheme(), "http" | "https") && bare(&target) == bare(page) && target.as_str().len() <= 2048;
        if !fits || seen.contains(&target) {
            continue;
        }
        let score = score(link, &target);
        match found.iter_mut().find(|(_, known)| *known == target) {
            Some(known) => known.0 = known.0.max(score),
            None if score > 0 => found.push((score, target)),
            None => {}
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0));
    found
}
