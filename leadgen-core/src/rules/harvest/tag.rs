//! The start tag being read: its name and the attributes that matter, as they stand in the page.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::entities::{self, Place};
use super::near;
use super::stack::Element;

/// Attributes that are read of any element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attr {
    Href,
    Src,
    Alt,
    Class,
    Id,
    Style,
    Hidden,
    Type,
    Rel,
    Content,
    Property,
    Name,
    HttpEquiv,
    ItemProp,
    ItemType,
    TypeOf,
}

const ATTRS: usize = 16;
/// The longest attribute that is read.
const LONGEST_VALUE: usize = 64 * 1024;
/// The longest value that may be an address.
const LONGEST_DATA: usize = 2000;
/// Attributes read of one element.
const MOST_ATTRS: usize = 200;
/// Other attributes kept of one element.
const MOST_OTHERS: usize = 50;
/// Values that may be addresses, of one element.
const MOST_DATA: usize = 21;
/// Parts of the names of attributes that carry addresses.
const TELLING: [&str; 17] = [
    "mail", "phone", "tel", "user", "domain", "host", "login", "local", "name", "contact", "part", "enc", "addr", "text", "tld", "zone",
    "site",
];

/// One number for a name, whatever its case: its letters side by side, or a hash if they are more than eight.
pub(super) const fn name_of(name: &[u8]) -> u64 {
    let is_short = name.len() <= 8;
    let (mut number, mut at) = (if is_short { 0 } else { 0xCBF2_9CE4_8422_2325_u64 }, 0);
    while at < name.len() {
        let byte = name[at].to_ascii_lowercase() as u64;
        number = if is_short { number << 8 | byte } else { (number ^ byte).wrapping_mul(0x100_0000_01B3) };
        at += 1;
    }
    if is_short { number } else { number | 1 << 63 }
}

/// The number of the tag's name that begins at a place, and where it ends.
pub(super) fn name_at(bytes: &[u8], from: usize) -> (u64, usize) {
    let rest = bytes.get(from..).unwrap_or_default();
    let mut packed = 0_u64;
    for (length, byte) in rest.iter().enumerate() {
        if matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | 0x0C | b'/' | b'>') {
            return (packed, from + length);
        }
        if length == 8 {
            let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | 0x0C | b'/' | b'>')).unwrap_or(rest.len());
            return (name_of(&rest[..end]), from + end);
        }
        packed = packed << 8 | u64::from(byte.to_ascii_lowercase());
    }
    (packed, bytes.len())
}

/// A tag. Values are kept as written: few of them are ever asked for.
#[derive(Default)]
pub(super) struct Tag<'a> {
    pub(super) element: Element,
    pub(super) id: u64,
    values: [&'a str; ATTRS],
    /// Which of the values are there, a bit each.
    present: u16,
    others: Vec<(&'a [u8], &'a str)>,
    count: usize,
    /// `aria-hidden` says that it is not for readers.
    is_veiled: bool,
}

impl<'a> Tag<'a> {
    pub(super) fn open(&mut self, name: u64) {
        self.clear();
        self.element = Element::of(name);
        self.id = name;
    }

    pub(super) fn clear(&mut self) {
        if self.present != 0 {
            self.values = [""; ATTRS];
        }
        self.others.clear();
        (self.present, self.count, self.is_veiled) = (0, 0, false);
    }

    pub(super) fn set(&mut self, name: &'a [u8], value: &'a str) {
        self.count += 1;
        if self.count > MOST_ATTRS || value.len() > LONGEST_VALUE {
            return;
        }
        match known(name) {
            Some(attr) => {
                // The first of two attributes of one name counts.
                let bit = 1 << attr as u16;
                if self.present & bit == 0 || self.values[attr as usize].is_empty() {
                    self.values[attr as usize] = near::trim(value);
                }
                self.present |= bit;
                if attr == Attr::Alt {
                    self.keep_other(name, value);
                }
            }
            None if name.eq_ignore_ascii_case(b"aria-hidden") => self.is_veiled = value.trim().eq_ignore_ascii_case("true"),
            None => self.keep_other(name, value),
        }
    }

    /// Attributes that may hold an address.
    fn keep_other(&mut self, name: &'a [u8], value: &'a str) {
        let starts = |with: &[u8]| name.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
        let fits = !value.is_empty() && value.len() <= LONGEST_DATA && self.others.len() < MOST_OTHERS;
        if fits && (starts(b"data-") || starts(b"on") || starts(b"title") || starts(b"alt")) {
            self.others.push((name, value));
        }
    }

    /// A value, references read.
    pub(super) fn get(&self, attr: Attr) -> Cow<'a, str> {
        entities::decoded(self.values[attr as usize], Place::Attribute)
    }

    /// A value as it is written.
    pub(super) fn raw(&self, attr: Attr) -> &'a str {
        self.values[attr as usize]
    }

    /// Whether an attribute is there and has a value.
    pub(super) fn has(&self, attr: Attr) -> bool {
        !self.values[attr as usize].is_empty()
    }

    /// Other attributes that may hold an address: name in lower case, and value.
    pub(super) fn data(&self) -> Vec<(String, String)> {
        self.others.iter().filter_map(|(name, value)| telling(name, value)).take(MOST_DATA).collect()
    }

    pub(super) fn has_others(&self) -> bool {
        !self.others.is_empty()
    }

    pub(super) fn has_word(&self, attr: Attr, word: &str) -> bool {
        let value = self.values[attr as usize];
        value.len() >= word.len() && value.split_ascii_whitespace().any(|found| found.eq_ignore_ascii_case(word))
    }

    /// The text inside runs from right to left, whatever its letters are.
    pub(super) fn is_turned(&self) -> bool {
        let style = self.raw(Attr::Style).as_bytes();
        let has = |word: &[u8]| memchr::memchr_iter(word[0], style).any(|at| style[at..].starts_with(word));
        style.len() > 20 && has(b"bidi-override") && has(b"rtl")
    }

    /// Whether the classes are worth splitting: few speak of cards.
    pub(super) fn mentions_card(&self) -> bool {
        let class = self.raw(Attr::Class).as_bytes();
        memchr::memchr2_iter(b'd', b'D', class).any(|at| at >= 4 && class[at - 3..at].eq_ignore_ascii_case(b"car"))
    }

    /// Whether the name of the class or the element says that visitors speak inside: the first word does where one does at all.
    pub(super) fn speaks_of_guests(&self) -> bool {
        let is_guests = |value: &str| {
            let known: &[u8] = match value.as_bytes() {
                [b'r' | b'R', b'e' | b'E', b'v' | b'V', ..] => b"review",
                [b'c' | b'C', b'o' | b'O', b'm' | b'M', b'm' | b'M', ..] => b"comment",
                [b't' | b'T', b'e' | b'E', b's' | b'S', ..] => b"testimonial",
                [b'o' | b'O', b't' | b'T', b'z' | b'Z', ..] => b"otz",
                _ => return false,
            };
            let word = value.split_ascii_whitespace().next().unwrap_or("").as_bytes();
            word.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known)) && !word.ends_with(b"-open")
        };
        is_guests(self.raw(Attr::Class)) || is_guests(self.raw(Attr::Id))
    }

    /// Nobody sees what is inside.
    pub(super) fn is_hidden(&self) -> bool {
        if self.is_veiled || self.present & (1 << Attr::Hidden as u16) != 0 {
            return true;
        }
        self.has(Attr::Style) && hides(&self.get(Attr::Style))
    }
}

/// Whether a style takes an element out of sight.
fn hides(style: &str) -> bool {
    let mut rest = style;
    loop {
        let end = near::find(b';', rest.as_bytes());
        let declaration = near::trim(&rest[..end.unwrap_or(rest.len())]);
        // Few declarations begin like one that hides.
        let may_hide = declaration.as_bytes().first().is_some_and(|first| b"dvfltm".contains(&first.to_ascii_lowercase()));
        if may_hide && declaration_hides(declaration) {
            return true;
        }
        let Some(end) = end else { return false };
        rest = &rest[end + 1..];
    }
}

fn declaration_hides(declaration: &str) -> bool {
    let Some(colon) = near::find(b':', declaration.as_bytes()) else { return false };
    let (name, value) = (declaration[..colon].trim(), declaration[colon + 1..].trim());
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let starts = |word: &str| value.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if is("display") {
        starts("none")
    } else if is("visibility") {
        starts("hidden")
    } else if is("font-size") {
        value == "0" || starts("0 ") || starts("0px")
    } else if ["left", "top", "text-indent", "margin-left", "margin-top"].into_iter().any(is) {
        // "left: -9999px": somewhere off the screen.
        value.strip_prefix('-').is_some_and(|rest| rest.bytes().take_while(u8::is_ascii_digit).count() >= 4)
    } else {
        false
    }
}

fn known(name: &[u8]) -> Option<Attr> {
    const HREF: u64 = name_of(b"href");
    const SRC: u64 = name_of(b"src");
    const ALT: u64 = name_of(b"alt");
    const CLASS: u64 = name_of(b"class");
    const ID: u64 = name_of(b"id");
    const STYLE: u64 = name_of(b"style");
    const HIDDEN: u64 = name_of(b"hidden");
    const TYPE: u64 = name_of(b"type");
    const REL: u64 = name_of(b"rel");
    const CONTENT: u64 = name_of(b"content");
    const PROPERTY: u64 = name_of(b"property");
    const NAME: u64 = name_of(b"name");
    const HTTP_EQUIV: u64 = name_of(b"http-equiv");
    const ITEMPROP: u64 = name_of(b"itemprop");
    const ITEMTYPE: u64 = name_of(b"itemtype");
    const TYPEOF: u64 = name_of(b"typeof");
    if name.len() > 10 {
        return None;
    }
    Some(match name_of(name) {
        HREF => Attr::Href,
        SRC => Attr::Src,
        ALT => Attr::Alt,
        CLASS => Attr::Class,
        ID => Attr::Id,
        STYLE => Attr::Style,
        HIDDEN => Attr::Hidden,
        TYPE => Attr::Type,
        REL => Attr::Rel,
        CONTENT => Attr::Content,
        PROPERTY => Attr::Property,
        NAME => Attr::Name,
        HTTP_EQUIV => Attr::HttpEquiv,
        ITEMPROP => Attr::ItemProp,
        ITEMTYPE => Attr::ItemType,
        TYPEOF => Attr::TypeOf,
        _ => return None,
    })
}

/// An attribute whose name or value says that an address may be in it.
fn telling(name: &[u8], value: &str) -> Option<(String, String)> {
    static TELLING_FINDER: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(TELLING).ok());
    let starts = |with: &[u8]| name.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    let (is_data, acts) = (starts(b"data-"), starts(b"on"));
    let by_name = (is_data && TELLING_FINDER.as_ref().is_some_and(|finder| finder.is_match(name)))
        || (acts && memchr::memmem::find(value.as_bytes(), b"mailto").is_some());
    let by_value = memchr::memchr2(b'@', b'&', value.as_bytes()).is_some()
        && (is_data || acts || name.eq_ignore_ascii_case(b"title") || name.eq_ignore_ascii_case(b"alt"));
    if !by_name && !by_value {
        return None;
    }
    let value = entities::decoded(value, Place::Attribute);
    let wanted = by_name || value.contains('@');
    let name = || String::from_utf8_lossy(&name[..name.len().min(64)]).to_ascii_lowercase();
    wanted.then(|| (name(), value.trim().to_owned()))
}

/// `data-user` and `data-domain`: two halves of an address.
pub(super) fn pair(data: &[(String, String)]) -> Option<String> {
    let of = |names: &[&str]| data.iter().find(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value);
    let local = of(&["data-user", "data-name", "data-login", "data-local", "data-mail-user", "data-part1", "data-email-user", "data-u"])?;
    let host = of(&["data-domain", "data-host", "data-mail-domain", "data-part2", "data-email-domain", "data-site"])?;
    let zone = of(&["data-tld", "data-zone", "data-part3"]);
    let dot = if zone.is_some() { "." } else { "" };
    Some(format!("{local}@{host}{dot}{}", zone.map_or("", String::as_str)))
}
