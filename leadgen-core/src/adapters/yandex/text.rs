//! The text of a result page: decoded by what it declares, blanks collapsed.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use crate::error::Result;

use super::xml::malformed;

/// How far into a page its declaration is looked for.
const DECLARATION: usize = 256;

/// The bytes as text. Pages are UTF-8; another declared encoding is obeyed if it is true.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let decoded = encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]);
        return decoded.ok_or_else(|| malformed(format!("it is marked as {} and is not", encoding.name())));
    }
    let declared = declared_encoding(bytes);
    let encoding = match declared.as_deref() {
        None => UTF_8,
        Some(label) => {
            Encoding::for_label(label.as_bytes()).ok_or_else(|| malformed(format!("it declares the unknown encoding {label:?}")))?
        }
    };
    let utf8 = std::str::from_utf8(bytes);
    match (encoding == UTF_8, utf8) {
        (true, Ok(text)) => Ok(Cow::Borrowed(text)),
        (true, Err(e)) => Err(malformed("it is not UTF-8").because(e)),
        (false, Ok(text)) if text.is_ascii() => Ok(Cow::Borrowed(text)),
        (false, Ok(_)) => Err(malformed(format!("it declares {} and is UTF-8", encoding.name()))),
        (false, Err(_)) => {
            let decoded = encoding.decode_without_bom_handling_and_without_replacement(bytes);
            decoded.ok_or_else(|| malformed(format!("it declares {} and is not", encoding.name())))
        }
    }
}

/// The label in `<?xml … encoding="…"?>`.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(DECLARATION)];
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split("?>").next()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next().map(str::to_owned)
}

/// Blanks of any kind and control characters become one space between words.
pub(super) fn squash(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut gap = false;
    while !rest.is_empty() {
        let plain = rest.bytes().position(may_be_blank).unwrap_or(rest.len());
        if plain > 0 {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push_str(&rest[..plain]);
            rest = &rest[plain..];
        }
        let Some(c) = rest.chars().next() else { break };
        if c.is_whitespace() || c.is_control() {
            gap = true;
        } else {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Whether a byte begins a character that may be a blank: ASCII ones, and the lead bytes of U+0080 to U+00BF, U+1680,
/// U+2000 to U+2FFF and U+3000. Everything else is copied in runs.
fn may_be_blank(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, 0x7F | 0xC2 | 0xE1 | 0xE2 | 0xE3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_and_single_spaces_are_all_that_is_left(text in "[ \\t\\u{A0}\\u{2003}\\u{3000}\\u{1680}\\u{85}a-cа-в€—]{0,40}") {
            prop_assert_eq!(squash(&text), text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }

    #[test]
    fn control_characters_part_words() {
        assert_eq!(squash("\u{1}Дента\u{0}\u{7F}Люкс \u{200A}"), "Дента Люкс");
    }
}
