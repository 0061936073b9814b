//! The words of a page that its host is named after.

use super::super::latin::latin;

/// The words of a text that make up a host's label when written together.
pub(super) fn host_words(text: &str, label: &str) -> Vec<String> {
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
