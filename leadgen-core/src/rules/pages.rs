//! Which pages of a site are worth a visit.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use url::Url;

use crate::rules::harvest::Page;

const STRONG: [&str; 30] = [
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
    "onze-gegevens",
    "find us",
    "find-us",
    "cont_",
    "схема проезда",
    "где купить",
    "адреса",
    "rekviz",
];
const MEDIUM: [&str; 26] = [
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
    "отдел продаж",
    "юридическ",
    "правовая информация",
    "about",
    "company",
    "team",
    "people",
    "staff",
    "management",
    "leadership",
    "legal",
    "o-kompanii",
    "o-nas",
    "o_nas",
    "partner",
    "wholesale",
];
const WEAK: [&str; 16] = [
    "политика",
    "оферт",
    "соглашени",
    "согласие на обработку",
    "доставка",
    "оплата",
    "вакансии",
    "пресс-центр",
    "privacy",
    "terms",
    "policy",
    "delivery",
    "careers",
    "press",
    "agreement",
    "oferta",
];
/// Names of folders and pages where nobody needs to look: whole ones, so that `/print-salon/kontakty` is a page like others.
const NEVER: [&str; 28] = [
    "login",
    "wp-login",
    "logout",
    "signin",
    "sign-in",
    "signup",
    "sign-up",
    "register",
    "registration",
    "auth",
    "account",
    "my-account",
    "cart",
    "basket",
    "checkout",
    "search",
    "calendar",
    "tag",
    "archive",
    "print",
    "admin",
    "wp-admin",
    "administrator",
    "wp-json",
    "filter",
    "add-to-cart",
    "compare",
    "wishlist",
];
/// What a query asks for there.
const NEVER_ASKED: [&str; 8] = ["login", "logout", "register", "search", "print", "sort", "filter", "add-to-cart"];
const BINARY: [&str; 27] = [
    ".jpg", ".jpeg", ".png", ".gif", ".svg", ".webp", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".zip", ".rar", ".7z",
    ".gz", ".mp4", ".mp3", ".avi", ".mov", ".css", ".js", ".xml", ".exe", ".apk", ".ics",
];
/// The score of a frame: what it shows is a part of the page.
const PART: u32 = 5;
/// The score of a path that is tried: before pages on delivery and privacy, behind all that look right.
pub const GUESSED: u32 = 4;
/// Paths tried if no link looks right.
pub const GUESSES: [&str; 4] = ["/kontakty", "/contacts", "/contact", "/about"];
/// Links without a promise that are looked at.
const MOST_RANKED: usize = 200;
/// The longest address that is visited.
const LONGEST: usize = 2048;

/// What a page is for, by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grade {
    /// Contacts, requisites.
    Strong,
    /// About the firm.
    Medium,
    /// Privacy, delivery, vacancies.
    Weak,
    /// Anything else.
    #[default]
    None,
}

/// The grade of a page by its title, path and first heading, all in lower case.
pub fn grade(title: &str, path: &str, heading: &str) -> Grade {
    let mut has = [false; 4];
    if let Some(finder) = GRADING.as_ref() {
        for text in [title, path, heading] {
            finder.find_overlapping_iter(text).for_each(|found| has[list_of(found.pattern().as_usize())] = true);
        }
    }
    match has {
        [true, _, _, false] => Grade::Weak,
        [_, true, ..] => Grade::Strong,
        [_, _, true, _] => Grade::Medium,
        _ => Grade::None,
    }
}

/// Words of a page of contacts, which no other word makes weak.
const CONTACTS: [&str; 2] = ["contact", "контакт"];

/// All words that grade a page, list by list, looked for in one pass.
static GRADING: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = WEAK.iter().chain(&STRONG).chain(&MEDIUM).chain(&CONTACTS);
    AhoCorasick::new(words).ok()
});

/// Which list a word of [`GRADING`] is of.
fn list_of(word: usize) -> usize {
    let ends = [WEAK.len(), WEAK.len() + STRONG.len(), WEAK.len() + STRONG.len() + MEDIUM.len()];
    ends.iter().take_while(|end| word >= **end).count()
}

/// Whether an address looks like a page that may be read, and not like a login, a search or a file.
fn may_be_page(target: &Url) -> bool {
    let path = target.path().to_lowercase();
    let query = target.query().unwrap_or("").to_lowercase();
    let stems = || path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let asks =
        |word: &str| query.split('&').any(|pair| pair.split(['=', '[']).next().is_some_and(|key| key.split('_').any(|part| part == word)));
    let is_never = stems().any(|stem| NEVER.contains(&stem)) || NEVER_ASKED.iter().any(|word| asks(word));
    !is_never && !BINARY.iter().any(|ending| path.ends_with(ending))
}

/// How promising a link is; 0: not worth a visit.
pub fn score(text: &str, at_edge: bool, target: &Url) -> u32 {
    if !may_be_page(target) {
        return 0;
    }
    let path = target.path().to_lowercase();
    let decoded = url::form_urlencoded::parse(format!("p={}", path.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, path)| path.to_lowercase())
        .unwrap_or_default();
    let text = text.to_lowercase();
    let weight = |words: &[&str]| {
        let in_text = u32::from(words.iter().any(|word| text.contains(word)));
        let in_path = u32::from(words.iter().any(|word| decoded.contains(word)));
        3 * in_text + 2 * in_path
    };
    let best = [(&STRONG[..], 3), (&MEDIUM[..], 2), (&WEAK[..], 1)].iter().map(|(words, grade)| weight(words) * grade).max().unwrap_or(0);
    if best > 0 { best + u32::from(at_edge) } else { 0 }
}

/// Links of a page on the same site, best first, each once.
pub fn next(page: &Page, base: &Url, seen: &[Url]) -> Vec<(u32, Url)> {
    let mut found: Vec<(u32, Url)> = Vec::new();
    let mut places: std::collections::HashMap<Url, usize> = std::collections::HashMap::new();
    for link in &page.links {
        let Some(target) = target(base, &link.href) else { continue };
        let part = if link.framed && may_be_page(&target) { PART } else { 0 };
        let score = score(page.link_text(link), link.at_edge, &target).max(part);
        if score == 0 || seen.contains(&target) {
            continue;
        }
        match places.get(&target).and_then(|at| found.get_mut(*at)) {
            Some(known) => known.0 = known.0.max(score),
            None => {
                places.insert(target.clone(), found.len());
                found.push((score, target));
            }
        }
    }
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found
}

/// The other links of a page on the same site, most promising first: those of menu and footer, then the shortest. None of
/// them says anything of contacts by its name.
pub fn rest(page: &Page, base: &Url, most: usize) -> Vec<Url> {
    let mut found: Vec<(bool, usize, Url)> = Vec::new();
    for link in page.links.iter().filter(|link| !link.hidden) {
        let Some(target) = target(base, &link.href).filter(|target| may_be_page(target) && target != base) else { continue };
        match found.iter().position(|(.., known)| *known == target) {
            Some(place) => found[place].0 &= !link.at_edge,
            None if found.len() < MOST_RANKED => found.push((!link.at_edge, segments(&target), target)),
            None => break,
        }
    }
    found.sort_by_key(|(inside, depth, _)| (*inside, *depth));
    found.truncate(most);
    found.into_iter().map(|(.., url)| url).collect()
}

fn segments(url: &Url) -> usize {
    url.path().split('/').filter(|part| !part.is_empty()).count() + usize::from(url.query().is_some())
}

/// Where a link leads, if it is a page of the same site.
pub fn target(base: &Url, href: &str) -> Option<Url> {
    let bare = |url: &Url| url.host_str().unwrap_or("").trim_start_matches("www.").to_owned();
    let href = href.trim();
    if href.starts_with('#') || href.len() > LONGEST {
        return None;
    }
    let mut target = base.join(href).ok()?;
    target.set_fragment(None);
    let fits = matches!(target.scheme(), "http" | "https") && bare(&target) == bare(base) && target.as_str().len() <= LONGEST;
    (fits && target.username().is_empty() && target.password().is_none()).then_some(target)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_whole_names_of_folders_and_pages_keep_a_visit_away() {
        let may = |path: &str| may_be_page(&Url::parse(&format!("https://a.ru{path}")).unwrap());
        for path in ["/print-salon/kontakty", "/research/kontakty", "/administraciya/", "/sprint/", "/about?city=kazan", "/calendars/"] {
            assert!(may(path), "{path}");
        }
        for path in [
            "/login",
            "/user/login.php",
            "/print/12",
            "/catalog/filter/x",
            "/?sort=price",
            "/list?set_filter=y",
            "/a?PRINT=1",
            "/wp-admin/",
        ] {
            assert!(!may(path), "{path}");
        }
    }
}
