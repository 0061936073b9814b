//! The places of a text that make a closer look worth while, all found in one pass.

use std::sync::LazyLock;

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::Anchored;

use super::{addresses, context, firm, requisites};

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

struct Words {
    words: Vec<Word>,
    finder: DFA,
}

static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| {
    let rows: [(Topic, bool, Vec<String>); TOPICS] = [
        (Topic::Sign, false, owned(&addresses::SIGNS)),
        (Topic::Credit, false, context::credit_words()),
        (Topic::Form, true, owned(&firm::FORMS)),
        (Topic::Owner, false, owned(&firm::OWNED)),
        (Topic::Requisite, true, owned(&requisites::LABELS)),
    ];
    let words: Vec<Word> =
        rows.into_iter().flat_map(|(topic, is_exact, texts)| texts.into_iter().map(move |text| Word { text, topic, is_exact })).collect();
    let finder = DFA::builder().ascii_case_insensitive(true).build(words.iter().map(|word| &word.text)).ok()?;
    Some(Words { words, finder })
});

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Marks {
    pub(super) fn of(text: &str) -> Self {
        let mut marks = Self::default();
        let Some(Words { words, finder }) = WORDS.as_ref() else { return marks };
        let Ok(mut state) = finder.start_state(Anchored::No) else { return marks };
        for (at, byte) in text.bytes().enumerate() {
            state = finder.next_state(Anchored::No, state, byte);
            if finder.is_special(state) && finder.is_match(state) {
                for which in 0..finder.match_len(state) {
                    marks.add(text, &words[finder.match_pattern(state, which).as_usize()], at + 1);
                }
            }
        }
        marks
    }

    fn add(&mut self, text: &str, word: &Word, to: usize) {
        let from = to - word.text.len();
        let of_topic = &mut self.0[word.topic as usize];
        let is_free = of_topic.last().is_none_or(|last| last.1 <= from) && of_topic.len() < MOST;
        if is_free && (!word.is_exact || text[from..to] == word.text) {
            of_topic.push((from, to));
        }
    }

    pub(super) fn about(&self, topic: Topic) -> &[Mark] {
        &self.0[topic as usize]
    }
}

/// Stretches of a text around marks, in order; those that touch are one.
pub(super) fn stretches(text: &str, marks: impl Iterator<Item = Mark>, lead: usize, tail: usize) -> Vec<Mark> {
    let mut found: Vec<Mark> = Vec::new();
    for (from, to) in marks {
        let from = text.floor_char_boundary(from.saturating_sub(lead));
        let to = text.ceil_char_boundary((to + tail).min(text.len()));
        match found.last_mut() {
            Some(last) if last.1 >= from => last.1 = to.max(last.1),
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
        assert_eq!(stretches(text, [(2, 4), (8, 9)].into_iter(), 1, 3), [(0, 12)]);
        assert_eq!(stretches(text, [(2, 4), (11, 12)].into_iter(), 1, 1), [(0, 6), (10, 13)]);
    }
}
