//! The start tag being read: its name and the attributes that matter.

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
}

const ATTRS: usize = 15;
/// The longest attribute that is read.
const LONGEST_VALUE: usize = 64 * 1024;
/// The longest value that may be an address.
const LONGEST_DATA: usize = 2000;
/// Attributes read of one element.
const MOST_ATTRS: usize = 200;
/// Parts of the names of attributes that carry addresses.
const TELLING: [&[u8]; 14] =
    [b"mail", b"phone", b"tel", b"user", b"domain", b"host", b"login", b"local", b"name", b"contact", b"part", b"enc", b"addr", b"text"];

#[derive(Default)]
pub(super) struct Tag {
    pub(super) element: Element,
    pub(super) id: u64,
    values: [String; ATTRS],
    current: Option<Attr>,
    other: Vec<u8>,
    data: Vec<(String, String)>,
    count: usize,
    is_start: bool,
    has_hidden: bool,
}

/// One number for a name.
pub(super) fn id_of(name: &[u8]) -> u64 {
    name.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3))
}

impl Tag {
    pub(super) fn open(&mut self, name: &[u8]) {
        self.clear();
        self.is_start = true;
        self.element = Element::of(name);
        self.id = id_of(name);
    }

    pub(super) fn clear(&mut self) {
        self.values.iter_mut().for_each(String::clear);
        self.data.clear();
        (self.current, self.count, self.is_start, self.has_hidden) = (None, 0, false, false);
        self.other.clear();
    }

    pub(super) fn name_attribute(&mut self, name: &[u8]) {
        self.count += 1;
        self.other.clear();
        self.current = match name {
            b"href" => Some(Attr::Href),
            b"src" => Some(Attr::Src),
            b"alt" => Some(Attr::Alt),
            b"class" => Some(Attr::Class),
            b"id" => Some(Attr::Id),
            b"style" => Some(Attr::Style),
            b"hidden" => Some(Attr::Hidden),
            b"type" => Some(Attr::Type),
            b"rel" => Some(Attr::Rel),
            b"content" => Some(Attr::Content),
            b"property" => Some(Attr::Property),
            b"name" => Some(Attr::Name),
            b"http-equiv" => Some(Attr::HttpEquiv),
            b"itemprop" => Some(Attr::ItemProp),
            b"itemtype" => Some(Attr::ItemType),
            _ => None,
        };
        self.has_hidden |= self.current == Some(Attr::Hidden);
        if self.current.is_none() {
            self.other.extend_from_slice(&name[..name.len().min(64)]);
        }
    }

    pub(super) fn set_attribute(&mut self, value: &[u8]) {
        if !self.is_start || self.count > MOST_ATTRS || value.len() > LONGEST_VALUE {
            return;
        }
        match self.current.take() {
            Some(attr) => {
                // The first of two attributes of one name counts.
                let place = &mut self.values[attr as usize];
                if place.is_empty() {
                    place.push_str(String::from_utf8_lossy(value).trim());
                }
                if attr == Attr::Alt && value.contains(&b'@') {
                    self.data.push(("alt".into(), self.values[attr as usize].clone()));
                }
            }
            None => self.keep_other(value),
        }
    }

    fn keep_other(&mut self, value: &[u8]) {
        if value.len() > LONGEST_DATA || self.data.len() > 20 {
            return;
        }
        let name = self.other.as_slice();
        let has_sign = || memchr::memchr(b'@', value).is_some();
        let wanted = if name.starts_with(b"data-") {
            TELLING.iter().any(|part| memchr::memmem::find(name, part).is_some()) || name == b"data-cfemail" || has_sign()
        } else if name == b"title" {
            has_sign()
        } else if name.starts_with(b"on") {
            has_sign() || memchr::memmem::find(value, b"mailto").is_some()
        } else {
            false
        };
        if wanted {
            self.data.push((String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).trim().to_owned()));
        }
    }

    pub(super) fn get(&self, attr: Attr) -> &str {
        &self.values[attr as usize]
    }

    pub(super) fn data(&self) -> impl Iterator<Item = (&str, &str)> {
        self.data.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn has_word(&self, attr: Attr, word: &str) -> bool {
        let value = self.get(attr);
        value.len() >= word.len() && value.split_ascii_whitespace().any(|found| found.eq_ignore_ascii_case(word))
    }

    /// Nobody sees what is inside.
    pub(super) fn is_hidden(&self) -> bool {
        if self.has_hidden {
            return true;
        }
        let style = self.get(Attr::Style);
        if style.len() < 9 {
            return false;
        }
        let tight: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        let far = ["left:-", "top:-", "text-indent:-"].iter().any(|sign| {
            let after = tight.split(sign).nth(1).unwrap_or("");
            after.bytes().take_while(u8::is_ascii_digit).count() >= 4
        });
        far || tight.contains("display:none")
            || tight.contains("visibility:hidden")
            || tight.contains("font-size:0;")
            || tight.ends_with("font-size:0")
    }

    /// `data-user` and `data-domain`: two halves of an address.
    pub(super) fn pair(&self) -> Option<String> {
        let of = |names: &[&str]| self.data().find(|(name, _)| names.contains(name)).map(|(_, value)| value);
        let local =
            of(&["data-user", "data-name", "data-login", "data-local", "data-mail-user", "data-part1", "data-email-user", "data-u"])?;
        let host = of(&["data-domain", "data-host", "data-mail-domain", "data-part2", "data-email-domain", "data-site"])?;
        let zone = of(&["data-tld", "data-zone", "data-part3"]);
        let dot = if zone.is_some() { "." } else { "" };
        Some(format!("{local}@{host}{dot}{}", zone.unwrap_or("")))
    }
}
