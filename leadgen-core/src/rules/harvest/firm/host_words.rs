//! The words of a page that its host is named after.

use super::super::latin::latin;

/// Bytes of a text that are looked through.
const READ: usize = 120_000;
/// Spellings kept.
const MOST: usize = 3;
/// Signs between the words of one name.
const MOST_GAPS: usize = 6;

/// The words of a text that make up a host's label when written together.
pub(super) fn host_words(text: &str, label: &str) -> Vec<String> {
    if label.len() < 4 {
        return Vec::new();
    }
    let text = &text[..text.floor_char_boundary(text.len().min(READ))];
    let mut found: Vec<String> = Vec::new();
    for (from, to) in places(text, label) {
        let words = &text[from..to];
        let is_host = text[to..].starts_with('.') && text[to + 1..].starts_with(|c: char| c.is_ascii_lowercase());
        if !is_host && !found.iter().any(|known| known == words) && words.contains(char::is_uppercase) {
            found.push(words.to_owned());
        }
        if found.len() >= MOST {
            break;
        }
    }
    found
}

/// Where a text spells a label, in order.
fn places(text: &str, label: &str) -> Vec<(usize, usize)> {
    let first = label.as_bytes()[0];
    let mut places = Vec::new();
    let mut look_at = |at: usize| {
        if !is_inside_word(text.as_bytes(), at)
            && let Some(length) = spelled(&text[at..], label)
            && !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '/'))
        {
            places.push((at, at + length));
        }
    };
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), text.as_bytes()).for_each(&mut look_at);
    for letter in ('А'..='я').filter(|letter| latin(*letter).as_bytes().first() == Some(&first)) {
        let mut buffer = [0; 4];
        memchr::memmem::find_iter(text.as_bytes(), letter.encode_utf8(&mut buffer).as_bytes()).for_each(&mut look_at);
    }
    places.sort_unstable();
    places
}

/// Whether a letter stands right before a place, as far as two bytes can tell.
fn is_inside_word(bytes: &[u8], at: usize) -> bool {
    match bytes[..at] {
        [.., last] if last.is_ascii_alphanumeric() => true,
        [.., 0xD0 | 0xD1, _] => true,
        _ => false,
    }
}

/// Where the words end that spell a label, in Latin or Cyrillic letters.
fn spelled(text: &str, label: &str) -> Option<usize> {
    let mut rest = label;
    let mut gaps = 0;
    for (at, c) in text.char_indices().take(80) {
        if c.is_ascii_alphanumeric() {
            rest = rest.strip_prefix(c.to_ascii_lowercase())?;
        } else if matches!(c, 'А'..='я') {
            rest = rest.strip_prefix(latin(c))?;
        } else if matches!(c, ' ' | '-' | '\'' | '’' | '.' | '&') {
            gaps += 1;
            if gaps > MOST_GAPS {
                return None;
            }
        } else if c.is_alphanumeric() {
            rest = rest.strip_prefix(latin(c))?;
        } else {
            return None;
        }
        if rest.is_empty() {
            let end = at + c.len_utf8();
            return (!text[end..].starts_with(char::is_alphanumeric)).then_some(end);
        }
    }
    None
}
