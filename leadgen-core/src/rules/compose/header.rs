//! Header values: safe text, encoded words (RFC 2047), folding (RFC 5322).

use base64::Engine;

use crate::domain::name::EmailAddress;
use crate::error::{Error, ErrorKind, Result};

/// Text that can't break out of a header: no control character at all.
///
/// ```
/// use leadgen_core::rules::compose::header::HeaderText;
///
/// assert!(HeaderText::parse("Заявки с сайта").is_ok());
/// assert!(HeaderText::parse("Тема\nBcc: x@y.ru").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderText(String);

impl HeaderText {
    /// Refuses C0 controls (tab included) and DEL; unusual line breaks of Unicode become a blank.
    pub fn parse(text: &str) -> Result<Self> {
        if text.chars().any(|c| c.is_ascii_control()) {
            return Err(Error::new(ErrorKind::Rejected, "put a text into a header")
                .code("header_unsafe")
                .detail("it holds a control character"));
        }
        let text: String = text.chars().map(|c| if matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
        Ok(Self(text.trim().to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes of UTF-8 that fit into one encoded word of 75 octets: `=?utf-8?B?` and `?=` leave 63, which hold 45.
const WORD_BYTES: usize = 45;

/// A display text: plain ASCII as it is, anything else (and what looks encoded already) as encoded words.
pub fn encoded(text: &str) -> String {
    if text.is_ascii() && !text.contains("=?") && !text.contains("  ") && text.len() < 900 && !text.split(' ').any(|word| word.len() > 70) {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut chunk = String::new();
    for c in text.chars() {
        if chunk.len() + c.len_utf8() > WORD_BYTES {
            words.push(std::mem::take(&mut chunk));
        }
        chunk.push(c);
    }
    words.push(chunk);
    words.iter().map(|word| format!("=?utf-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(word))).collect::<Vec<_>>().join(" ")
}

/// `Name <address>`, the name quoted or encoded where it must be.
pub fn mailbox(name: &HeaderText, address: &EmailAddress) -> String {
    let name = name.as_str();
    if name.is_empty() {
        return address.to_string();
    }
    if !name.is_ascii() || name.contains("=?") {
        return format!("{} <{address}>", encoded(name));
    }
    if name.contains(|c: char| "()<>[]:;@\\,.\"".contains(c)) {
        return format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\""));
    }
    format!("{name} <{address}>")
}

/// `Name: value`, broken before blanks so that lines stay within 78 characters where the value allows it.
pub fn fold(name: &str, value: &str) -> String {
    let mut out = format!("{name}:");
    let mut line = out.len();
    for word in value.split(' ') {
        if line + 1 + word.len() > 78 && line > name.len() + 1 {
            out.push_str("\r\n");
            line = 0;
        }
        out.push(' ');
        out.push_str(word);
        line += 1 + word.len();
    }
    out
}
