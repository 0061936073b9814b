//! The signs of a script: blanks and remarks, names, literals with their escapes.

use super::{Script, Value};

impl<'a> Script<'a> {
    pub(super) fn blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let end = if self.rest.starts_with("//") {
                self.rest.find('\n')
            } else if self.rest.starts_with("/*") {
                self.rest.find("*/").map(|end| end + 2)
            } else {
                return;
            };
            self.rest = end.map_or("", |end| &self.rest[end..]);
        }
    }

    /// A name with its dots.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let is_start = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$');
        if !self.rest.starts_with(is_start) {
            return None;
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.'))).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if matches!(name, "var" | "let" | "const" | "return" | "new") {
            self.blanks();
            return self.name().or(Some(name));
        }
        Some(name)
    }

    pub(super) fn literal(&mut self, quote: char) -> Value {
        let mut value = Value { text: String::new(), pieces: 1 };
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = &self.rest[at + 1..];
                    return value;
                }
                '\n' if quote != '`' => {
                    self.rest = &self.rest[at..];
                    return value;
                }
                '$' if quote == '`' => match self.inserted(at + 1) {
                    Some((text, length)) => {
                        value.text.push_str(text);
                        value.pieces += 1;
                        length.checked_sub(1).and_then(|last| chars.nth(last));
                    }
                    None => value.text.push(c),
                },
                '\\' => {
                    let Some((at, escaped)) = chars.next() else { break };
                    let (c, length) = self.escape(at, escaped);
                    value.text.push(c);
                    length.checked_sub(1).and_then(|last| chars.nth(last));
                }
                c => value.text.push(c),
            }
        }
        self.rest = "";
        value
    }

    /// `{name}` after a dollar: what the name stands for, and how many signs it takes.
    fn inserted(&self, at: usize) -> Option<(&str, usize)> {
        let inside = self.rest.get(at..)?.strip_prefix('{')?;
        let name = &inside[..inside.bytes().take(80).position(|byte| byte == b'}')?];
        let text = self.names.get(name.trim()).filter(|text| text.len() <= 200)?;
        Some((text, name.chars().count() + 2))
    }

    /// What an escape stands for, and how many signs it takes besides its letter.
    fn escape(&self, at: usize, letter: char) -> (char, usize) {
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            _ => 0,
        };
        let hex = self.rest.get(at + 1..at + 1 + digits).filter(|hex| !hex.is_empty());
        let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match (code.and_then(char::from_u32), letter) {
            (Some(c), _) => (c, digits),
            (None, 'n' | 'r' | 't') => (' ', 0),
            (None, other) => (other, 0),
        }
    }

    /// Passes one sign, or one whole run of signs that begin no value.
    pub(super) fn skip_one(&mut self) {
        let mut chars = self.rest.char_indices();
        chars.next();
        let end = chars
            .find(|(_, c)| c.is_ascii_alphabetic() || matches!(c, '"' | '\'' | '`' | '[' | '(' | '_' | '$' | '/'))
            .map_or(self.rest.len(), |(at, _)| at);
        self.rest = &self.rest[end..];
    }
}
