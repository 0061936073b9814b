//! The places of a text that make a closer look worth while, all found in one pass.

use std::sync::LazyLock;

use super::{context, firm, requisites, words_for_signs};

/// What a mark speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// A word that stands for an at sign.
    Sign,
    /// Words by which a site names its maker.
    Credit,
    /// A legal form.
    Form,
    /// A claim of a copyright.
    Owner,
    /// The label of a requisite.
    Requisite,
}

const TOPICS: usize = 5;
/// Marks of one topic kept of one text.
const MOST: usize = 5000;

/// A mark: from, to.
pub(super) type Mark = (usize, usize);

/// The marks of a text, topic by topic, in order, none within another.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks([Vec<Mark>; TOPICS]);

/// A word that is looked for.
struct Word {
    text: String,
    topic: Topic,
    /// Capitals and small Latin letters are different.
    is_exact: bool,
}

/// Words by how they begin.
struct Words {
    long: Table<6>,
    short: Table<2>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let rows: [(Topic, bool, Vec<String>); TOPICS] = [
        (Topic::Sign, false, owned(&words_for_signs::SIGNS)),
        (Topic::Credit, false, context::credit_words()),
        (Topic::Form, true, owned(&firm::FORMS)),
        (Topic::Owner, false, owned(&firm::OWNED)),
        (Topic::Requisite, true, owned(&requisites::LABELS)),
    ];
    let words = rows.into_iter().flat_map(|(topic, is_exact, texts)| texts.into_iter().map(move |text| Word { text, topic, is_exact }));
    let (long, short) = words.partition(|word: &Word| word.text.len() >= 6);
    Words { long: Table::new(long), short: Table::new(short) }
});

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Words by their first bytes.
struct Table<const WIDTH: usize> {
    /// Those that begin alike are neighbours.
    words: Vec<Word>,
    /// A key, and the words that begin so: from, to.
    slots: Vec<(u64, u16, u16)>,
}

impl<const WIDTH: usize> Table<WIDTH> {
    const SLOTS: usize = 1024;

    fn new(words: Vec<Word>) -> Self {
        let mut keyed: Vec<(u64, Word)> = words.into_iter().map(|word| (Self::key_of(eight_at(word.text.as_bytes(), 0)), word)).collect();
        // Of two words that begin alike the shorter one comes first.
        keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.text.len().cmp(&b.1.text.len())));
        let mut slots = vec![(0, 0, 0); Self::SLOTS];
        let mut from = 0;
        for alike in keyed.chunk_by(|a, b| a.0 == b.0) {
            let mut slot = Self::slot_of(alike[0].0);
            while slots[slot].0 != 0 {
                slot = (slot + 1) % Self::SLOTS;
            }
            let to = from + alike.len() as u16;
            slots[slot] = (alike[0].0, from, to);
            from = to;
        }
        Self { words: keyed.into_iter().map(|(_, word)| word).collect(), slots }
    }

    /// The first bytes of eight in one number; capital letters are as good as small ones.
    fn key_of(eight: u64) -> u64 {
        let unused = 64 - 8 * WIDTH;
        (eight & (u64::MAX >> unused)) | (0x2020_2020_2020_2020 >> unused)
    }

    fn slot_of(key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize % Self::SLOTS
    }

    /// The words that may begin with eight bytes.
    fn at(&self, eight: u64) -> &[Word] {
        let key = Self::key_of(eight);
        let mut slot = Self::slot_of(key);
        loop {
            match self.slots[slot] {
                (0, ..) => return &[],
                (known, from, to) if known == key => return &self.words[usize::from(from)..usize::from(to)],
                _ => slot = (slot + 1) % Self::SLOTS,
            }
        }
    }
}

/// Eight bytes from a place on; behind the end there is nothing.
fn eight_at(bytes: &[u8], at: usize) -> u64 {
    let rest = &bytes[at..];
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |eight, byte| eight << 8 | u64::from(*byte)),
    }
}

/// What a byte is to words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Letter,
    /// A sign between words with which no word begins.
    Sign,
    /// A sign with which words begin.
    Lead,
    /// The first byte of a sign of two bytes: words may begin with it.
    Two,
    /// The first byte of a dash, a quotation mark, a bullet.
    Three,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Letter; 256];
    let mut byte = 0;
    while byte < 0x80 {
        if !(byte as u8).is_ascii_alphabetic() {
            classes[byte] = Class::Sign;
        }
        byte += 1;
    }
    let leads = b"([{<_-*\" ";
    let mut at = 0;
    while at < leads.len() {
        classes[leads[at] as usize] = Class::Lead;
        at += 1;
    }
    classes[0xC2] = Class::Two;
    classes[0xE2] = Class::Three;
    classes
};

impl Marks {
    /// Looks for every word where a word may begin: after a sign, or at one.
    pub(super) fn of(text: &str) -> Self {
        let (mut marks, bytes, words) = (Self::default(), text.as_bytes(), &*WORDS);
        let (mut at, mut begins) = (0, true);
        while let Some(&byte) = bytes.get(at) {
            let class = CLASSES[usize::from(byte)];
            if class == Class::Letter && !begins {
                at += 1 + usize::from(byte >= 0xC0);
                continue;
            }
            if class != Class::Sign && class != Class::Three {
                let eight = eight_at(bytes, at);
                for alike in [words.short.at(eight), words.long.at(eight)] {
                    if !alike.is_empty() {
                        marks.look_at(text, at, alike);
                    }
                }
            }
            begins = class != Class::Letter;
            at += match class {
                Class::Letter | Class::Sign | Class::Lead => 1,
                Class::Two => 2,
                Class::Three => 3,
            };
        }
        marks
    }

    fn look_at(&mut self, text: &str, from: usize, words: &[Word]) {
        for word in words {
            let Some(found) = text.as_bytes().get(from..from + word.text.len()) else { continue };
            let wanted = word.text.as_bytes();
            if found == wanted || (!word.is_exact && found.eq_ignore_ascii_case(wanted)) {
                let of_topic = &mut self.0[word.topic as usize];
                if of_topic.last().is_none_or(|last| last.1 <= from) && of_topic.len() < MOST {
                    of_topic.push((from, from + wanted.len()));
                }
            }
        }
    }

    pub(super) fn about(&self, topic: Topic) -> &[Mark] {
        &self.0[topic as usize]
    }
}

/// Stretches of a text around marks, in order; those that touch are one. A mark says how much before and after it counts.
pub(super) fn stretches(text: &str, marks: impl Iterator<Item = Mark>, around: impl Fn(Mark) -> (usize, usize)) -> Vec<Mark> {
    let mut found: Vec<Mark> = Vec::new();
    for (from, to) in marks {
        let (lead, tail) = around((from, to));
        let from = text.floor_char_boundary(from.saturating_sub(lead));
        let to = text.ceil_char_boundary((to + tail).min(text.len()));
        match found.last_mut() {
            Some(last) if last.1 >= from => *last = (last.0.min(from), to.max(last.1)),
            _ => found.push((from, to)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_the_words_of_every_topic() {
        let text = "© 2020 ООО «Ромашка», ИНН 7707083893, info [AT] firma.ru. СОЗДАНИЕ САЙТА: Studio Inc, инн";
        let marks = Marks::of(text);
        let found = |topic| marks.about(topic).iter().map(|(from, to)| &text[*from..*to]).collect::<Vec<_>>();
        assert_eq!(found(Topic::Owner), ["©"]);
        assert_eq!(found(Topic::Form), ["ООО", " Inc"]);
        assert_eq!(found(Topic::Requisite), ["ИНН", "инн"]);
        assert_eq!(found(Topic::Sign), ["[AT]"]);
        assert_eq!(found(Topic::Credit), ["СОЗДАНИЕ САЙТА"]);
        assert_eq!(Marks::of("an inc. of words").about(Topic::Form), []);
    }

    #[test]
    fn stretches_that_touch_are_one() {
        let text = "абвгд 12345 абвгд";
        assert_eq!(stretches(text, [(2, 4), (8, 9)].into_iter(), |_| (1, 3)), [(0, 12)]);
        assert_eq!(stretches(text, [(2, 4), (11, 12)].into_iter(), |_| (1, 1)), [(0, 6), (10, 13)]);
    }
}
