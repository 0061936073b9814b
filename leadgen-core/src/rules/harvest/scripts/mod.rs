//! Addresses that a script puts together from literals. Nothing is run: literals, names of strings and `+` are read.

mod calls;
mod fields;
mod signs;

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::text::unescape;

pub(super) use fields::{Field, fields, whole_numbers};

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
    let mut reader = Script { whole: script, rest: script, names: HashMap::new(), found: Vec::new(), fuel: MOST_TERMS };
    while !reader.rest.is_empty() && reader.found.len() < MOST_RESULTS && reader.fuel > 0 {
        reader.statement();
    }
    reader.found
}

struct Script<'a> {
    whole: &'a str,
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
            // A known name may begin a sum, or a call: it is read again as a value.
            if let Some(value) = self.named(name) {
                let value = self.methods(value, 0);
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
                    None => match self.named(name) {
                        Some(value) => value,
                        None => return self.back_to(before),
                    },
                }
            }
        };
        Some(self.methods(value, depth))
    }

    /// What a name stands for. A method of it was read as a part of the name: it is put back.
    fn named(&mut self, name: &str) -> Option<Value> {
        let value = |text: &String| Value { text: text.clone(), pieces: 1 };
        if let Some(text) = self.names.get(name) {
            return Some(value(text));
        }
        let (owner, method) = name.rsplit_once('.').filter(|(_, method)| ["concat", "replace", "split"].contains(method))?;
        let text = self.names.get(owner)?;
        let at = self.whole.len() - self.rest.len() - method.len() - 1;
        self.rest = &self.whole[at..];
        Some(value(text))
    }

    fn back_to(&mut self, before: &'a str) -> Option<Value> {
        self.rest = before;
        None
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
        assert_eq!(built("var u = 'info'; var m = u.concat('@', 'firma', '.ru');"), ["info@firma.ru"]);
        assert_eq!(built("let s = 'info#firma.ru'; write(s.replace('#', '@'))"), ["info@firma.ru"]);
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
