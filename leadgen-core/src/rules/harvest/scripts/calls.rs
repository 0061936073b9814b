//! The calls that put strings together or turn them: what they would give is told from their literals.

use super::super::decode;
use super::{LONGEST, Script, Value};

impl Script<'_> {
    /// `String.fromCharCode(105, 110)`, `unescape('…')`, `atob('…')`.
    pub(super) fn called(&mut self, name: &str, depth: usize) -> Option<Value> {
        let before = self.rest;
        let value = match name {
            "String.fromCharCode" => {
                let end = self.rest[..self.rest.floor_char_boundary(2000)].find(')')?;
                let numbers = self.rest[..end].trim_start().strip_prefix('(')?;
                let text: String = numbers.split(',').filter_map(|number| char::from_u32(number.trim().parse().ok()?)).collect();
                self.rest = &self.rest[end + 1..];
                Some(Value { text, pieces: 2 })
            }
            "unescape" | "decodeURIComponent" | "decodeURI" | "atob" | "window.atob" => {
                self.rest = self.rest.trim_start().strip_prefix('(')?;
                let inner = self.sum(depth + 1);
                self.blanks();
                let text = inner.zip(self.rest.strip_prefix(')')).and_then(|(value, rest)| {
                    self.rest = rest;
                    if name.ends_with("atob") { decode::base64_text(&value.text) } else { Some(decode::percent(&value.text)) }
                });
                text.map(|text| Value { text, pieces: 2 })
            }
            _ => None,
        };
        if value.is_none() {
            self.rest = before;
        }
        value
    }

    /// `['info', 'firma.ru'].join('@')`.
    pub(super) fn list(&mut self, depth: usize) -> Option<Value> {
        self.rest = self.rest.strip_prefix('[')?;
        let mut items = Vec::new();
        loop {
            self.blanks();
            if let Some(rest) = self.rest.strip_prefix(']') {
                self.rest = rest;
                break;
            }
            if items.len() > 100 {
                return None;
            }
            items.push(self.sum(depth + 1)?.text);
            self.blanks();
            if !self.rest.starts_with([',', ']']) {
                return None;
            }
            self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        }
        let mut rest = self.rest;
        if let Some(after) = rest.trim_start().strip_prefix(".reverse()") {
            items.reverse();
            rest = after;
        }
        self.rest = rest.trim_start().strip_prefix(".join(")?;
        let sign = self.sum(depth + 1).map_or_else(|| ",".to_owned(), |sign| sign.text);
        self.blanks();
        self.rest = self.rest.strip_prefix(')').unwrap_or(self.rest);
        Some(Value { text: items.join(&sign), pieces: items.len().max(2) })
    }

    /// `.concat(…)`, `.split('').reverse().join('')`, `.replace('[at]', '@')`.
    pub(super) fn methods(&mut self, mut value: Value, depth: usize) -> Value {
        loop {
            let trimmed = self.rest.trim_start();
            let turned =
                [".split('').reverse().join('')", ".split(\"\").reverse().join(\"\")"].iter().find_map(|call| trimmed.strip_prefix(call));
            if let Some(rest) = turned {
                self.rest = rest;
                value = Value { text: value.text.chars().rev().collect(), pieces: 2 };
                continue;
            }
            if let Some(rest) = trimmed.strip_prefix(".replace(") {
                self.rest = rest;
                value = self.replaced(value, depth);
                continue;
            }
            let Some(rest) = trimmed.strip_prefix(".concat(") else {
                return value;
            };
            self.rest = rest;
            self.concat(&mut value, depth);
        }
    }

    /// What is put behind a value, up to the bracket.
    fn concat(&mut self, value: &mut Value, depth: usize) {
        while let Some(next) = self.sum(depth + 1) {
            if value.text.len() + next.text.len() <= LONGEST {
                value.text.push_str(&next.text);
                value.pieces += next.pieces;
            }
            self.blanks();
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None => break,
            }
        }
        self.rest = self.rest.trim_start().strip_prefix(')').unwrap_or(self.rest);
    }

    /// A value with one literal in place of another. Patterns are left alone: the value stays what it is.
    fn replaced(&mut self, value: Value, depth: usize) -> Value {
        let Some(old) = self.sum(depth + 1) else { return value };
        self.blanks();
        let Some(rest) = self.rest.strip_prefix(',') else { return value };
        self.rest = rest;
        let Some(new) = self.sum(depth + 1) else { return value };
        self.rest = self.rest.trim_start().strip_prefix(')').unwrap_or(self.rest);
        let is_short = !old.text.is_empty() && value.text.len() <= LONGEST && new.text.len() <= LONGEST;
        if !is_short {
            return value;
        }
        Value { text: value.text.replacen(&old.text, &new.text, 1), pieces: value.pieces.max(2) }
    }
}
