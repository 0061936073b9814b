//! Reversible disguises of addresses: percent signs, base64, shifted letters, Cloudflare's key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Percent escapes decoded once; what is no escape stays.
pub(super) fn percent(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten().filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The text of a base64 value that holds an at sign.
pub(super) fn base64_text(value: &str) -> Option<String> {
    let value = value.trim();
    let fits = (8..=400).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    let text = fits.then(|| STANDARD.decode(value).ok()).flatten().and_then(|bytes| String::from_utf8(bytes).ok())?;
    text.contains('@').then_some(text)
}

/// Cloudflare's form: the first byte is the key of the others.
pub(super) fn protected(hex: &str) -> Option<String> {
    if hex.len() > 600 {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()).collect();
    let bytes = bytes?;
    let (key, rest) = bytes.split_first()?;
    String::from_utf8(rest.iter().map(|byte| byte ^ key).collect()).ok()
}

/// `nbjmup+jogpAgjsn/ef` and `znvygb:…`: a `mailto:` whose signs were moved by some places.
pub(super) fn shifted_mailto(text: &str) -> Option<String> {
    if !(10..=300).contains(&text.len()) || !text.is_ascii() {
        return None;
    }
    let letter = |b: u8, by: u8| turn(turn(b, b'a', b'z', by), b'A', b'Z', by);
    // TYPO3 moves three ranges of signs, each within itself.
    let range = |b: u8, by: u8| match b {
        0x2B..=0x3A => turn(b, 0x2B, 0x3A, by),
        0x40..=0x5A => turn(b, 0x40, 0x5A, by),
        0x61..=0x7A => turn(b, 0x61, 0x7A, by),
        other => other,
    };
    let ways: [&dyn Fn(u8, u8) -> u8; 2] = [&letter, &range];
    let begins = |way: &dyn Fn(u8, u8) -> u8, by: u8| text.bytes().zip(b"mailto:").all(|(moved, wanted)| way(moved, by) == *wanted);
    let (way, by) = (1..26).flat_map(|by| ways.map(|way| (way, by))).find(|(way, by)| begins(*way, *by))?;
    Some(text.bytes().map(|byte| char::from(way(byte, by))).collect())
}

fn turn(byte: u8, first: u8, last: u8, by: u8) -> u8 {
    if !(first..=last).contains(&byte) {
        return byte;
    }
    let count = last - first + 1;
    first + (byte - first + count - by % count) % count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disguise_comes_off() {
        assert_eq!(percent("info%40firma.ru%zz"), "info@firma.ru%zz");
        assert_eq!(base64_text("aW5mb0BmaXJtYS5ydQ==").as_deref(), Some("info@firma.ru"));
        assert_eq!(shifted_mailto("znvygb:vasb@svezn.eh").as_deref(), Some("mailto:info@firma.ru"));
        assert_eq!(shifted_mailto("nbjmup+jogpAgjsnb/sv").as_deref(), Some("mailto:info@firma.ru"));
        assert_eq!(protected("5a203b313b201a3b743f3f").as_deref(), Some("zakaz@a.ee"));
        assert_eq!(protected("zz"), None);
    }
}
