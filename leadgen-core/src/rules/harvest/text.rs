//! Text as people see it: white space folded, invisible characters gone, entities read, words around a place.

use crate::rules::normalize::is_zero_width;

/// Bytes of a run that are looked at: white space and signs for terminals, and the beginnings of the characters replaced.
static IS_PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        plain[byte] = false;
        byte += 1;
    }
    (plain[0xC2], plain[0xE2], plain[0xEF], plain[0xE3]) = (false, false, false, false);
    plain
};

/// Appends a run of text: white space of all kinds becomes one blank, invisible characters go, full-width signs
/// and hyphens get their plain form.
pub(super) fn push_visible(out: &mut String, run: &str) {
    let bytes = run.as_bytes();
    let (mut from, mut at) = (0, 0);
    loop {
        if bytes.get(at).is_some_and(|byte| *byte > b' ') {
            at = plain_end(bytes, at);
        }
        let Some(&byte) = bytes.get(at) else { break };
        if byte <= b' ' {
            out.push_str(&run[from..at]);
            at += bytes[at..].iter().take_while(|byte| **byte <= b' ').count();
            from = at;
            push_blank(out);
            continue;
        }
        let Some(c) = run[at..].chars().next() else { break };
        let end = at + c.len_utf8();
        if let Some(shown) = shown(c) {
            out.push_str(&run[from..at]);
            match shown {
                Shown::Blank => push_blank(out),
                Shown::As(c) => out.push(c),
                Shown::Not => {}
            }
            from = end;
        }
        at = end;
    }
    out.push_str(&run[from..]);
}

/// Where plain text ends that begins here. A blank between two signs is plain.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const PIECE: usize = 32;
    // A loop without a way out over a whole piece is the cheapest way to see that it is plain.
    let is_plain = |piece: &[u8]| {
        let pairs = piece.iter().zip(&piece[1..]);
        pairs.fold(0, |found, (byte, next)| {
            let is_special = u8::from(*byte < b' ') | u8::from(matches!(byte, 0xC2 | 0xE2 | 0xE3 | 0xEF));
            found | is_special | (u8::from(*byte == b' ') & u8::from(*next <= b' '))
        }) == 0
    };
    while bytes.get(at..=at + PIECE).is_some_and(is_plain) {
        at += PIECE;
    }
    while let Some(&byte) = bytes.get(at)
        && (IS_PLAIN[byte as usize] || (byte == b' ' && bytes.get(at + 1).is_some_and(|next| *next > b' ')))
    {
        at += 1;
    }
    at
}

fn push_blank(out: &mut String) {
    if !matches!(out.as_bytes().last(), None | Some(b' ' | b'\n' | b'\t')) {
        out.push(' ');
    }
}

/// What a character is shown as that is not shown as it is.
enum Shown {
    Blank,
    As(char),
    Not,
}

fn shown(c: char) -> Option<Shown> {
    Some(match c {
        '\u{AD}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' => Shown::Not,
        c if is_zero_width(c) => Shown::Not,
        '\u{2010}' | '\u{2011}' | '\u{2043}' => Shown::As('-'),
        '＠' | '﹫' => Shown::As('@'),
        '．' | '。' | '﹒' => Shown::As('.'),
        c if c.is_whitespace() || c.is_control() => Shown::Blank,
        _ => return None,
    })
}

/// The text around a place, at most 200 characters, on one line.
pub(super) fn snippet(text: &str, at: usize) -> String {
    let at = text.floor_char_boundary(at.min(text.len()));
    let start = text[..at].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
    let mut out = String::with_capacity(256);
    for c in text[start..].chars().take(200) {
        if c.is_control() || c.is_whitespace() {
            push_blank(&mut out);
        } else {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The text around a value that stands somewhere in it; the value alone where it is written otherwise there.
pub(super) fn proof(whole: &str, value: &str) -> String {
    match whole.to_ascii_lowercase().find(&value.to_ascii_lowercase()) {
        Some(at) => snippet(whole, at),
        None if whole.len() <= 200 && !whole.trim().is_empty() => snippet(whole, 0),
        None => snippet(value, 0),
    }
}

/// What stands before a place, at most so many bytes, never past the line before.
pub(super) fn before(text: &str, at: usize, most: usize) -> &str {
    let start = text.ceil_char_boundary(at.saturating_sub(most));
    let window = &text[start.min(at)..at];
    let mut breaks = window.rmatch_indices('\n');
    let own = breaks.next();
    match (own, breaks.next()) {
        (Some(_), Some((second, _))) => &window[second + 1..],
        _ => window,
    }
}

/// Whether a short text holds one of some words.
pub(super) fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// The line a place is on.
pub(super) fn line(text: &str, at: usize) -> (usize, usize) {
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
    (start, end)
}

/// Reads the entities that hide addresses: numbers, and the few names that stand for signs.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end =
            rest.bytes().skip(1).take(9).position(|b| !(b.is_ascii_alphanumeric() || b == b'#')).map_or(rest.len().min(10), |end| end + 1);
        let end = rest.floor_char_boundary(end);
        match entity(&rest[1..end]) {
            Some(c) => {
                out.push(c);
                rest = rest[end..].strip_prefix(';').unwrap_or(&rest[end..]);
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "commat" => '@',
        "period" => '.',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "nbsp" => ' ',
        "hyphen" | "dash" => '-',
        "lowbar" => '_',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_text_loses_what_nobody_sees() {
        let mut out = String::from("x\n");
        push_visible(&mut out, "  a\u{AD}b \t\u{A0} c\u{200B}d＠e．ru f﹫g﹒ru \n");
        assert_eq!(out, "x\nab cd@e.ru f@g.ru ");
    }

    #[test]
    fn entities_are_read_once() {
        assert_eq!(unescape("p&#101;nn&#x40;a&commat;b&period;c &unknown; &"), "penn@a@b.c &unknown; &");
    }

    #[test]
    fn a_snippet_is_one_short_line() {
        let text = format!("{}\nmail: a@b.ru\nтелефон {}", "я".repeat(300), "1".repeat(400));
        let at = text.find("a@b").unwrap_or(0);
        let found = snippet(&text, at);
        assert!(found.contains("a@b.ru") && found.chars().count() <= 200 && !found.contains('\n'));
    }
}
