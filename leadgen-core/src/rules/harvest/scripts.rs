//! Addresses that a script puts together from literals. Nothing is run: literals, names of strings and `+` are read.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::text::unescape;

/// Names remembered of one script.
const MOST_NAMES: usize = 300;
/// The longest string that is built.
const LONGEST: usize = 4096;
/// Strings given back of one script.
const MOST_RESULTS: usize = 200;
/// Values read of one script, tried again or not.
const MOST_TERMS: usize = 100_000;
/// The deepest nesting of brackets that is followed.
const DEEPEST: usize = 16;

/// Whether a script is worth reading: it holds an at sign in some spelling, or builds one.
pub(super) fn may_hide_an_address(script: &str) -> bool {
    static SPELLINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let spellings = ["&#64", "&#x40", "\\x40", "\\u0040", "%40", "fromCharCode", "mailto", "znvygb", "atob("];
        AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(spellings).ok()
    });
    memchr::memchr(b'@', script.as_bytes()).is_some() || SPELLINGS.as_ref().is_some_and(|spellings| spellings.is_match(script))
}

/// A string of a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Built {
    pub(super) text: String,
    /// Put together; otherwise it stands there as it is.
    pub(super) is_joined: bool,
}

/// Strings with an at sign, entities read.
pub(super) fn strings(script: &str) -> Vec<Built> {
    let mut reader = Script { rest: script, names: HashMap::new(), found: Vec::new(), fuel: MOST_TERMS };
    while !reader.rest.is_empty() && reader.found.len() < MOST_RESULTS && reader.fuel > 0 {
        reader.statement();
    }
    reader.found
}

struct Script<'a> {
    rest: &'a str,
    names: HashMap<&'a str, String>,
    found: Vec<Built>,
    fuel: usize,
}

/// A value: its text, and how many pieces went into it.
struct Value {
    text: String,
    pieces: usize,
}

impl<'a> Script<'a> {
    /// One step: a value where one stands, else one sign is passed over.
    fn statement(&mut self) {
        self.blanks();
        if let Some(name) = self.name() {
            let before = self.rest;
            self.blanks();
            let adds = self.rest.starts_with("+=");
            let assigns = adds || (self.rest.starts_with('=') && !self.rest.starts_with("==")) || self.rest.starts_with(':');
            if assigns {
                self.rest = &self.rest[if adds { 2 } else { 1 }..];
                if let Some(value) = self.sum(0) {
                    let old = if adds { self.names.get(name).cloned().unwrap_or_default() } else { String::new() };
                    let pieces = value.pieces + usize::from(adds && !old.is_empty());
                    let text = old + &value.text;
                    self.keep(&Value { text: text.clone(), pieces });
                    if self.names.len() < MOST_NAMES && text.len() <= LONGEST {
                        self.names.insert(name, text);
                    }
                }
                return;
            }
            self.rest = before;
            if let Some(value) = self.called(name, 0) {
                let value = self.more(value, 0);
                return self.keep(&value);
            }
            if self.names.contains_key(name) {
                // A known name may begin a sum: it is read again as a value.
                let value = Value { text: self.names.get(name).cloned().unwrap_or_default(), pieces: 1 };
                let value = self.more(value, 0);
                self.keep(&value);
            }
            return;
        }
        match self.sum(0) {
            Some(value) => self.keep(&value),
            None => self.skip_one(),
        }
    }

    fn keep(&mut self, value: &Value) {
        let text = if value.text.contains('&') { unescape(&value.text) } else { value.text.clone() };
        let text = if text.contains("%40") { text.replace("%40", "@") } else { text };
        if text.contains('@') || text.contains("mailto:") {
            self.found.push(Built { text, is_joined: value.pieces > 1 });
        }
    }

    fn sum(&mut self, depth: usize) -> Option<Value> {
        let first = self.term(depth)?;
        Some(self.more(first, depth))
    }

    /// What is added to a value.
    fn more(&mut self, mut value: Value, depth: usize) -> Value {
        loop {
            self.blanks();
            if !self.rest.starts_with('+') || self.rest.starts_with("+=") {
                return value;
            }
            let before = self.rest;
            self.rest = &self.rest[1..];
            match self.term(depth) {
                Some(next) if value.text.len() + next.text.len() <= LONGEST => {
                    value.text.push_str(&next.text);
                    value.pieces += next.pieces;
                }
                Some(_) => {}
                None => {
                    self.rest = &before[1..];
                    return value;
                }
            }
        }
    }

    fn term(&mut self, depth: usize) -> Option<Value> {
        self.fuel = self.fuel.saturating_sub(1);
        if depth > DEEPEST || self.fuel == 0 {
            return None;
        }
        self.blanks();
        let before = self.rest;
        let value = match self.rest.chars().next()? {
            quote @ ('"' | '\'' | '`') => self.literal(quote),
            '(' => {
                self.rest = &self.rest[1..];
                let value = self.sum(depth + 1);
                self.blanks();
                match (value, self.rest.strip_prefix(')')) {
                    (Some(value), Some(rest)) => {
                        self.rest = rest;
                        value
                    }
                    _ => {
                        self.rest = before;
                        return None;
                    }
                }
            }
            '[' => return self.list(depth).or_else(|| self.back_to(before)),
            _ => {
                let name = self.name()?;
                match self.called(name, depth) {
                    Some(value) => value,
                    None => match self.names.get(name) {
                        Some(text) => Value { text: text.clone(), pieces: 1 },
                        None => return self.back_to(before),
                    },
                }
            }
        };
        Some(self.methods(value, depth))
    }

    fn back_to(&mut self, before: &'a str) -> Option<Value> {
        self.rest = before;
        None
    }

    /// `String.fromCharCode(105, 110)`, `unescape('…')`, `atob('…')`.
    fn called(&mut self, name: &str, depth: usize) -> Option<Value> {
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
                    if name.ends_with("atob") { super::decode::base64_text(&value.text) } else { Some(super::decode::percent(&value.text)) }
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
    fn list(&mut self, depth: usize) -> Option<Value> {
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
    fn methods(&mut self, mut value: Value, depth: usize) -> Value {
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

    fn blanks(&mut self) {
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
    fn name(&mut self) -> Option<&'a str> {
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

    fn literal(&mut self, quote: char) -> Value {
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
    fn skip_one(&mut self) {
        let mut chars = self.rest.char_indices();
        chars.next();
        let end = chars
            .find(|(_, c)| c.is_ascii_alphabetic() || matches!(c, '"' | '\'' | '`' | '[' | '(' | '_' | '$' | '/'))
            .map_or(self.rest.len(), |(at, _)| at);
        self.rest = &self.rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(script: &str) -> Vec<String> {
        strings(script).into_iter().filter(|built| built.is_joined).map(|built| built.text).collect()
    }

    #[test]
    fn literals_and_names_are_joined() {
        assert!(
            built("var u=\"info\";var d=\"firma.ru\";document.write('<a href=\"mailto:'+u+'@'+d+'\">');")
                .iter()
                .any(|text| text.contains("mailto:info@firma.ru"))
        );
        assert_eq!(built("x = ['info', 'firma.ru'].join('@')"), ["info@firma.ru"]);
        assert_eq!(built("'ur.amrif@ofni'.split('').reverse().join('')"), ["info@firma.ru"]);
        assert_eq!(built("'info'.concat('@', 'firma.ru')"), ["info@firma.ru"]);
        assert_eq!(built("'info#firma.ru'.replace('#', '@')"), ["info@firma.ru"]);
        assert_eq!(built("const n = 'info', h = 'firma.ru'; a.href = `mailto:${n}@${ h }`"), ["mailto:info@firma.ru"]);
        assert_eq!(built("document.write(String.fromCharCode(97,64,98,46,114,117))"), ["a@b.ru"]);
    }

    #[test]
    fn a_cloaking_script_is_read_without_running_it() {
        let script = "var addy1 = 'inf&#111;' + '&#64;';\n addy1 = addy1 + 'f&#105;rma' + '&#46;' + 'ru';\n document.write('<a href=\"mailto:' + addy1 + '\">');";
        assert!(built(script).iter().any(|text| text == "info@firma.ru"), "{:?}", built(script));
    }

    #[test]
    fn a_literal_that_stands_alone_is_told_apart() {
        assert_eq!(strings("var dsn = 'https://abc@sentry.io/1';"), [Built { text: "https://abc@sentry.io/1".into(), is_joined: false }]);
    }

    #[test]
    fn brackets_without_end_are_left_in_time() {
        assert!(strings(&"(".repeat(100_000)).is_empty());
        assert!(strings(&"['a'+".repeat(20_000)).is_empty());
    }
}
