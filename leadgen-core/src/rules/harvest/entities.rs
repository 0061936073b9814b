//! References to characters in text and attributes, as the HTML standard reads them.

use super::near;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The longest name of a character.
const LONGEST: usize = 31;
/// The longest name that may stand without its semicolon.
const LONGEST_BARE: usize = 6;

/// What a name stands for, and whether it may stand without its semicolon.
struct Named {
    text: String,
    may_be_bare: bool,
}

static NAMES: LazyLock<HashMap<&'static str, Named>> = LazyLock::new(|| {
    let lines = include_str!("../../../data/entities.txt").lines().filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let (name, codes) = line.split_once(' ')?;
        let text = codes.split(' ').filter_map(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?)).collect();
        Some((name.trim_end_matches('*'), Named { text, may_be_bare: name.ends_with('*') }))
    };
    lines.filter_map(read).collect()
});

/// What windows-1252 has where Unicode has signs for terminals: pages mean the former.
const FROM_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘', '’', '“', '”', '•', '–',
    '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

/// Where a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Text,
    /// Here "&copy=1" is a parameter of an address, no sign.
    Attribute,
}

/// A text with its references read; borrowed if there are none.
pub(super) fn decoded(text: &str, place: Place) -> Cow<'_, str> {
    if near::find(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    decode_into(&mut out, text, place);
    Cow::Owned(out)
}

/// Appends a text with its references read.
pub(super) fn decode_into(out: &mut String, text: &str, place: Place) {
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'&', text.as_bytes().get(from..).unwrap_or_default()) {
        let at = from + found;
        out.push_str(&text[from..at]);
        let rest = &text[at + 1..];
        let length = match rest.as_bytes().first() {
            Some(b'#') => number(out, rest),
            Some(first) if first.is_ascii_alphabetic() => name(out, rest, place),
            _ => 0,
        };
        if length == 0 {
            out.push('&');
        }
        from = at + 1 + length;
    }
    out.push_str(text.get(from..).unwrap_or_default());
}

/// `#64;`, `#x40`: how many bytes it takes, none if it is no reference.
fn number(out: &mut String, rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (radix, start) = if matches!(bytes.get(1), Some(b'x' | b'X')) { (16, 2) } else { (10, 1) };
    let digits = bytes.iter().skip(start).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    if digits == 0 {
        return 0;
    }
    let end = start + digits;
    let value = |byte: &u8| char::from(*byte).to_digit(radix).unwrap_or(0);
    let code = bytes[start..end].iter().fold(0_u32, |code, byte| code.saturating_mul(radix).saturating_add(value(byte)));
    out.push(match code {
        0 => '\u{FFFD}',
        0x80..=0x9F => FROM_1252[code as usize - 0x80],
        code => char::from_u32(code).unwrap_or('\u{FFFD}'),
    });
    end + usize::from(bytes.get(end) == Some(&b';'))
}

/// `commat;`, `nbsp`: how many bytes it takes, none if nothing is called so.
fn name(out: &mut String, rest: &str, place: Place) -> usize {
    let bytes = rest.as_bytes();
    let run = bytes.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if bytes.get(run) == Some(&b';')
        && let Some(named) = NAMES.get(&rest[..run])
    {
        out.push_str(&named.text);
        return run + 1;
    }
    // Without the semicolon the longest old name counts, whatever letters follow.
    for length in (2..=run.min(LONGEST_BARE)).rev() {
        let Some(named) = NAMES.get(&rest[..length]).filter(|named| named.may_be_bare) else { continue };
        let goes_on = bytes.get(length).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'=');
        if place == Place::Attribute && goes_on {
            return 0;
        }
        out.push_str(&named.text);
        return length;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_browsers_read_them() {
        for (text, wanted) in [
            ("info&#64;firma&period;ru", "info@firma.ru"),
            ("info&#x40;firma&#46ru", "info@firma.ru"),
            ("&copy 2020 &laquo;Дом&raquo;&nbsp;", "© 2020 «Дом»\u{A0}"),
            ("&notit; &notin; &amp;#64; &", "¬it; ∉ &#64; &"),
            ("&#150; &#0; &#xD800; &#99999999999; &# &#x; &; &unknown;", "– \u{FFFD} \u{FFFD} \u{FFFD} &# &#x; &; &unknown;"),
        ] {
            assert_eq!(decoded(text, Place::Text), wanted, "{text}");
        }
        assert_eq!(decoded("?a=1&copy=2&amp;b=3&lt", Place::Attribute), "?a=1&copy=2&b=3<");
        assert!(matches!(decoded("plain", Place::Text), Cow::Borrowed(_)));
    }

    #[test]
    fn every_name_is_known() {
        assert_eq!(NAMES.len(), 2125);
        assert_eq!(NAMES.values().filter(|named| named.may_be_bare).count(), 106);
        assert!(NAMES.iter().all(|(name, named)| name.len() <= LONGEST && !named.text.is_empty()));
        assert!(NAMES.iter().all(|(name, named)| !named.may_be_bare || name.len() <= LONGEST_BARE));
    }
}
