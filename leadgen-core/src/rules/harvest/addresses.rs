//! Addresses in running text: around every at sign, and around the words that stand for one.

use std::borrow::Cow;

use crate::domain::name::{DomainName, EmailAddress, has_known_suffix};
use crate::rules::normalize;

use super::decode::percent;
use super::marks::{Marks, Topic};
use super::text::{before, has_any, line};
use super::words_for_signs::DOTS;

/// The longest run that is looked at on one side of the sign.
const REACH: usize = 200;
/// Addresses taken of one text.
const MOST: usize = 2000;

/// Letters of the shortest word that may be glued to the front of an address.
const SHORTEST_WORD: usize = 4;
/// Words that are glued to the end of an address.
const GLUED: [&str; 18] = [
    "tel", "phone", "fax", "skype", "www", "http", "mail", "email", "viber", "whatsapp", "telegram", "icq", "mob", "site", "address",
    "adress", "web", "mobile",
];

/// An address and its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spotted {
    pub(super) address: EmailAddress,
    pub(super) at: usize,
    /// Letters that only look Latin were read as Latin ones.
    pub(super) folded: bool,
    pub(super) written_out: bool,
}

/// The one address of a cell, a link, a form field (ENR-10). What is glued to its end is cut off as on a page; in a zone that
/// does not exist there is none.
///
/// ```
/// use leadgen_core::rules::harvest::email_in;
///
/// assert_eq!(email_in("info@firma.ruТелефон").unwrap().as_str(), "info@firma.ru");
/// assert_eq!(email_in("info@firma.нетакойзоны"), None);
/// ```
pub fn whole(text: &str) -> Option<EmailAddress> {
    let address = normalize::email(text)?;
    if has_known_suffix(address.domain()) {
        return Some(address);
    }
    // Read as it was written: the normal form of a host hides where another script begins.
    find(&percent(text)).into_iter().next().map(|spotted| spotted.address)
}

/// Every address in a text, in order of their signs.
pub(super) fn find(text: &str) -> Vec<Spotted> {
    find_at(text, &Marks::of(text))
}

/// Every address in a text whose marks are known.
pub(super) fn find_at(text: &str, marks: &Marks) -> Vec<Spotted> {
    let mut found = Vec::new();
    for at in memchr::memchr_iter(b'@', text.as_bytes()).take(MOST) {
        found.extend(plain(text, at));
    }
    for (from, to) in marks.about(Topic::Sign).iter().take(MOST) {
        found.extend(written_out(text, *from, *to));
    }
    found
}

fn plain(text: &str, at: usize) -> Option<Spotted> {
    let left = text[..at].trim_end_matches(' ');
    let right = text[at + 1..].trim_start_matches(' ');
    let (gap_left, gap_right) = (at - left.len(), text.len() - at - 1 - right.len());
    if gap_left > 3 || gap_right > 3 || left.ends_with("//") || left.ends_with(['(', '[', '{']) {
        return None;
    }
    let (start, local, folded) = local_part(left)?;
    // "https://key@host" is no address.
    if text[..start].ends_with("//") || text[..start].ends_with(['/', ':', '=']) && left[start..].len() > 24 {
        return None;
    }
    let run = host_run(right);
    let host = known_host(run)?;
    if gap_left + gap_right > 0 && !may_be_spaced(text, start, &local, gap_left > 0 && gap_right > 0) {
        return None;
    }
    let address = EmailAddress::parse(&format!("{local}@{host}")).ok()?;
    Some(Spotted { address, at: start, folded, written_out: gap_left + gap_right > 0 })
}

/// Blanks around the sign are believed beside a word for mail, for a shared mailbox, or on a short line.
fn may_be_spaced(text: &str, start: usize, local: &str, both: bool) -> bool {
    let lead = before(text, start, 60).to_lowercase();
    let (from, to) = line(text, start);
    let is_role = EmailAddress::parse(&format!("{local}@a.ru")).is_ok_and(|address| super::lists::kind(&address) == "role");
    is_role || has_any(&lead, &["mail", "почт", "пишите", "адрес"]) || (both && to - from <= 80)
}

fn written_out(text: &str, from: usize, to: usize) -> Option<Spotted> {
    let sign = &text[from..to];
    let left = text[..from].trim_end_matches(' ');
    if from - left.len() > 2 {
        return None;
    }
    let (start, local, folded) = local_part(left)?;
    let (run, has_sign) = written_host(&text[to..])?;
    // A bare word is believed if the dot is a word too, the line speaks of mail, or nothing else stands on it.
    if sign.starts_with(' ') && !has_sign {
        let lead = before(text, start, 30).to_lowercase();
        let (line_from, line_to) = line(text, start);
        let is_alone = text[line_from..line_to].trim().len() == left.len() - start + sign.len() + run.len();
        if !is_alone && !has_any(&lead, &["mail", "почт"]) {
            return None;
        }
    }
    let host = known_host(&run)?;
    let address = EmailAddress::parse(&format!("{local}@{host}")).ok()?;
    Some(Spotted { address, at: start, folded, written_out: true })
}

/// The local part at the end of a text: where it begins, how it reads, whether letters were folded.
fn local_part(left: &str) -> Option<(usize, String, bool)> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._%+-&'".contains(c) || matches!(c, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё' | 'і' | 'І');
    let start = left.char_indices().rev().take(REACH).take_while(|(_, c)| fits(*c)).last().map(|(at, _)| at)?;
    let mut run = &left[start..];
    let mut folded = None;
    if !run.is_ascii() {
        let whole: Option<String> = run.chars().map(|c| if c.is_ascii() { Some(c) } else { latin_twin(c) }).collect();
        let has_latin = run.bytes().any(|b| b.is_ascii_alphanumeric());
        match whole.filter(|_| has_latin) {
            Some(whole) => folded = Some(whole),
            // A word of another script is glued to the front.
            None => run = run.char_indices().rev().find(|(_, c)| !c.is_ascii()).map_or(run, |(at, c)| &run[at + c.len_utf8()..]),
        }
    }
    // A whole word that is glued on is cut off; a letter or two of another script are part of a name that is none.
    let before = &left[..left.len() - run.len()];
    if (1..SHORTEST_WORD).contains(&before.chars().rev().take_while(|c| c.is_alphabetic() && !c.is_ascii()).count()) {
        return None;
    }
    run = without_phone(run, before);
    let is_folded = folded.is_some();
    let text: Cow<'_, str> = match folded {
        Some(folded) => Cow::Owned(folded),
        None if run.contains('%') => Cow::Owned(percent(run)),
        None => Cow::Borrowed(run),
    };
    let trimmed = unglued(text.trim().trim_start_matches(['.', '_', '-', '+', '%', '&', '\'']).trim_end_matches(['.', '\'']));
    (!trimmed.is_empty()).then(|| (left.len() - run.len(), trimmed.to_owned(), is_folded))
}

/// A local part without the end of a phone that is glued to its front: "+7 (914) 039-16-23help@firma.ru".
fn without_phone<'a>(run: &'a str, before: &str) -> &'a str {
    let rest = run.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    let glued = &run[..run.len() - rest.len()];
    let is_phone = glued.contains('-')
        && glued.bytes().filter(u8::is_ascii_digit).count() >= 4
        && before.trim_end_matches([' ', '-']).ends_with(|c: char| c.is_ascii_digit() || c == ')');
    if is_phone && rest.starts_with(|c: char| c.is_ascii_alphabetic()) { rest } else { run }
}

/// What escapes and labels leave glued to the front of an address.
fn unglued(local: &str) -> &str {
    let lower = local.to_ascii_lowercase();
    for escape in ["u003e", "u003c", "u0022", "u0026quot", "mailto"] {
        if lower.starts_with(escape) && lower.len() > escape.len() {
            return local[escape.len()..].trim_start_matches([':', '.', '-', '_']);
        }
    }
    for label in ["3d", "20", "email", "e-mail"] {
        let is_role = |rest: &str| EmailAddress::parse(&format!("{rest}@a.ru")).is_ok_and(|address| super::lists::kind(&address) == "role");
        if lower.strip_prefix(label).is_some_and(is_role) {
            return &local[label.len()..];
        }
    }
    local
}

/// The Latin letter that a Cyrillic one looks like.
fn latin_twin(c: char) -> Option<char> {
    "асеорухкмтнвіАСЕОРХКМТНВІ".chars().zip("aceopyxkmthbiACEOPXKMTHBI".chars()).find(|(twin, _)| *twin == c).map(|(_, latin)| latin)
}

fn host_run(right: &str) -> &str {
    let end = right
        .char_indices()
        .take(REACH)
        .find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '.' | '-')))
        .map_or_else(|| right.char_indices().nth(REACH).map_or(right.len(), |(at, _)| at), |(at, _)| at);
    &right[..end]
}

/// A host with written-out dots, and whether there was one.
fn written_host(right: &str) -> Option<(String, bool)> {
    let mut host = String::new();
    let mut has_sign = false;
    let mut rest = right.trim_start_matches(' ');
    for _ in 0..6 {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(rest.len());
        if end == 0 || end > 63 {
            break;
        }
        host.push_str(&rest[..end]);
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix('.').filter(|after| after.starts_with(char::is_alphanumeric)) {
            host.push('.');
            rest = after;
            continue;
        }
        let spaced = rest.trim_start_matches(' ');
        let sign = DOTS.iter().find_map(|sign| {
            let from = if sign.starts_with(' ') { rest } else { spaced };
            from.get(..sign.len()).filter(|head| head.to_lowercase() == *sign).map(|_| &from[sign.len()..])
        });
        // "firma . ru": the sign itself between blanks is no word, it proves nothing.
        let is_bare = !host.contains('.');
        let dotted = || spaced.strip_prefix(". ").filter(|_| is_bare).filter(|after| after.starts_with(|c: char| c.is_ascii_lowercase()));
        let Some(after) = sign.or_else(dotted) else { break };
        host.push('.');
        has_sign |= sign.is_some();
        rest = after.trim_start_matches(' ');
    }
    host.contains('.').then_some((host, has_sign))
}

/// The host at the beginning of a run: glued words are cut where the top-level domain is known.
fn known_host(run: &str) -> Option<DomainName> {
    let run = run.trim_matches(['.', '-']);
    if let Some(host) = real_host(run) {
        return Some(host);
    }
    // "firma.ruТелефон": another script begins where the host ends.
    let one_script = match run.find(|c: char| !c.is_ascii()) {
        Some(end) if end > 0 => run[..end].trim_end_matches(['.', '-']),
        _ => run,
    };
    let mut rest = one_script;
    loop {
        if let Some(host) = real_host(rest) {
            return Some(host);
        }
        let (front, last) = rest.rsplit_once('.')?;
        let cut = (2..last.len()).rev().filter(|end| last.is_char_boundary(*end)).find_map(|end| {
            let (zone, glued) = last.split_at(end);
            let is_word = GLUED.iter().any(|word| glued.to_ascii_lowercase().starts_with(word));
            let is_sentence =
                glued.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase()) && zone.bytes().all(|b| b.is_ascii_lowercase());
            (is_word || is_sentence).then(|| real_host(&format!("{front}.{zone}"))).flatten()
        });
        if cut.is_some() {
            return cut;
        }
        rest = front;
        if !rest.contains('.') || is_file(last) {
            return None;
        }
    }
}

/// The ending of a file: what stands before it is no host either.
fn is_file(last: &str) -> bool {
    [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "mjs", "json", "map", "woff", "woff2", "ttf", "eot", "mp4",
        "webm", "pdf", "zip", "html", "php",
    ]
    .contains(&last.to_ascii_lowercase().as_str())
}

fn real_host(text: &str) -> Option<DomainName> {
    if !text.contains('.') {
        return None;
    }
    let host = DomainName::parse(text).ok()?;
    (has_known_suffix(&host) && normalize::registrable(&host).is_some()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        find(text).into_iter().map(|spotted| spotted.address.to_string()).collect()
    }

    #[test]
    fn an_address_is_cut_out_of_whatever_is_glued_to_it() {
        for (text, wanted) in [
            ("Почта:info@firma.ruТелефон 8", "info@firma.ru"),
            ("почтаinfo@firma.ru", "info@firma.ru"),
            ("info@firma.rutel: 8", "info@firma.ru"),
            ("info@firma.comPhone", "info@firma.com"),
            ("info@firma.ru8 (495)", "info@firma.ru"),
            ("Пишите на info@firma.ru.", "info@firma.ru"),
            ("info@firma.ru.Мы ответим", "info@firma.ru"),
            ("\\u003einfo@firma.ru", "info@firma.ru"),
            ("mailtoinfo@firma.ru", "info@firma.ru"),
            ("%20info@firma.ru", "info@firma.ru"),
            ("8 (914) 039-16-23info@firma.ru", "info@firma.ru"),
            ("дом 5, 24-7-info@firma.ru", "24-7-info@firma.ru"),
            ("почта@завод.рф, info@завод.рф", "info@xn--80aegj1b.xn--p1ai"),
        ] {
            assert_eq!(values(text).first().map(String::as_str), Some(wanted), "{text}");
        }
    }

    #[test]
    fn letters_of_another_script_in_a_name_make_it_none_and_no_other_one() {
        for text in ["ѕales@firma.ru", "Пишите: иnfo@firma.ru", "инфo@firma.ru", "дirector@firma.ru", "éric@firma.ru"] {
            assert_eq!(values(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn words_stand_for_signs() {
        for text in [
            "info(собака)firma.ru",
            "info [собака] firma [точка] ru",
            "info[at]firma[dot]ru",
            "info (at) firma.ru",
            "info at firma dot ru",
            "E-mail: info @ firma.ru",
            "info{at}firma.ru",
            "info_at_firma.ru",
            "x\ninfo at firma.ru\ny",
            "почта: info собачка firma.ru",
            "mail: info [ at ] firma . ru",
            "Mail: info [ät] firma.ru",
            "info собака firma точка ru",
        ] {
            assert_eq!(values(text).first().map(String::as_str), Some("info@firma.ru"), "{text}");
        }
    }

    #[test]
    fn prose_file_names_and_packages_are_no_addresses() {
        for text in [
            "Мы работаем at the highest level (at least we try)",
            "logo@2x.png",
            "bootstrap@5.3.0/dist",
            "ui@4.0.31/dist",
            "meet us at example.com today",
            "we met at work . info follows",
            "https://0a1b2c3d4e5f60718293a4b5c6d7e8f9@o1.ingest.sentry.io/7",
            "follow @firma",
            "@media",
            "name@latest",
            "a@b",
            "img@3x.webp",
        ] {
            assert_eq!(values(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn letters_that_only_look_latin_are_told() {
        let found = find("почта: С200163@yandex.ru");
        assert_eq!((found[0].address.as_str(), found[0].folded), ("c200163@yandex.ru", true));
    }
}
