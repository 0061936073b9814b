//! Hints of all pages, weighed together: the name most pages and sources agree on.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::company_name;

use super::super::latin::compact;
use super::{Hint, Source};

/// The name most pages and sources agree on.
pub(in super::super) fn choose(pages: &[&[Hint]], labels: &[String]) -> Option<String> {
    let mut groups: BTreeMap<String, BTreeMap<Source, BTreeSet<usize>>> = BTreeMap::new();
    let mut forms: BTreeMap<String, (f64, &str)> = BTreeMap::new();
    for (page, hints) in pages.iter().enumerate() {
        for hint in *hints {
            let key = compact(&company_name::normalize(&hint.text).text);
            if key.len() < 2 {
                continue;
            }
            let weight = hint.source.weight();
            let form = forms.entry(key.clone()).or_insert((weight, &hint.text));
            if weight > form.0 {
                *form = (weight, &hint.text);
            }
            groups.entry(key).or_default().entry(hint.source).or_default().insert(page);
        }
    }
    let score = |key: &str, sources: &BTreeMap<Source, BTreeSet<usize>>| {
        let seen: f64 = sources
            .iter()
            .map(|(source, on)| {
                let again = (on.len().min(6) - 1) as f64;
                let everywhere = *source == Source::Title && pages.len() > 1 && on.len() * 10 >= pages.len() * 6;
                source.weight() * (1.0 + 0.2 * again) + if everywhere { 1.5 } else { 0.0 }
            })
            .sum();
        let text = forms.get(key).map_or("", |(_, text)| *text);
        let words = text.split_whitespace().count();
        seen + labels.iter().map(|label| kinship(key, text, label)).fold(0.0, f64::max) - 0.8 * words.saturating_sub(5) as f64
    };
    let best = groups
        .iter()
        .map(|(key, sources)| (score(key, sources), key))
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.len().cmp(&a.1.len())))?;
    forms.get(best.1).map(|(_, text)| (*text).to_owned())
}

/// The name with its legal form: one that is marked or owns the site; else one that is the firm's name with a form.
pub(in super::super) fn legal(pages: &[&[Hint]], name: Option<&str>) -> Option<String> {
    let key = |text: &str| compact(&company_name::normalize(text).text);
    let named = name.map(key);
    let mut seen: BTreeMap<String, (Source, usize, &str)> = BTreeMap::new();
    for hint in pages.iter().copied().flatten() {
        let counts = match hint.source {
            Source::LegalName | Source::FormalOwner => true,
            Source::Formal => named.as_ref() == Some(&key(&hint.text)),
            _ => false,
        };
        if counts {
            let entry = seen.entry(key(&hint.text)).or_insert((hint.source, 0, &hint.text));
            entry.1 += 1;
            if hint.source < entry.0 {
                (entry.0, entry.2) = (hint.source, &hint.text);
            }
        }
    }
    let best = seen.into_iter().min_by_key(|(key, (source, times, _))| (named.as_ref() != Some(key), *source, std::cmp::Reverse(*times)));
    best.map(|(_, (.., text))| text.to_owned())
}

/// How much a name looks like a host's label, itself or by what stands in its quotation marks.
fn kinship(key: &str, text: &str, label: &str) -> f64 {
    let quoted = quoted(text).map(|core| (compact(core), core));
    let by_core = quoted.map_or(0.0, |(core_key, core)| likeness(&core_key, core, label));
    let is_named_by_a_word = label.len() >= 5 && text.split_whitespace().take(5).any(|word| is_nearly(&compact(word), label));
    let by_word = if is_named_by_a_word { 1.6 } else { 0.0 };
    by_core.max(by_word).max(likeness(key, text, label))
}

/// Whether two words are one but for how a letter or two are spelled.
fn is_nearly(word: &str, label: &str) -> bool {
    let plain = |text: &str| text.replace('y', "i");
    word.len().min(label.len()) >= 5 && strsim::normalized_levenshtein(&plain(word), &plain(label)) >= 0.8
}

/// What stands in the quotation marks of a name.
fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(['«', '“', '„', '"'])?;
    let (core, _) = rest.rsplit_once(['»', '”', '“', '"'])?;
    Some(core).filter(|core| core.len() >= 3)
}

fn likeness(key: &str, text: &str, label: &str) -> f64 {
    if label.len() < 3 {
        return 0.0;
    }
    if key == label {
        return 3.0;
    }
    if key.len() >= 4 && label.starts_with(key) {
        return 1.8;
    }
    if label.len() >= 4 && key.starts_with(label) {
        return if key.len() <= 2 * label.len() + 6 { 2.0 } else { 0.6 };
    }
    if is_nearly(key, label) {
        return 2.2;
    }
    if begins_of_words(text, label) {
        return 2.0;
    }
    // The ending of a word changes: "odissey-perm" is of "Одиссея".
    let shared = key.bytes().zip(label.bytes()).take_while(|(a, b)| a == b).count();
    if shared >= 6 && key.len() <= shared + 2 {
        return 1.2;
    }
    if (key.len() >= 5 && label.contains(key)) || (label.len() >= 5 && key.contains(label)) { 0.8 } else { 0.0 }
}

/// "woodsins" is made of the beginnings of "Woods Insurance Service"; so are initials.
fn begins_of_words(text: &str, label: &str) -> bool {
    let words: Vec<String> = text.split(|c: char| !c.is_alphanumeric()).map(compact).filter(|word| !word.is_empty()).collect();
    let mut rest = label;
    let mut used = 0;
    for word in &words {
        let shared = word.bytes().zip(rest.bytes()).take_while(|(a, b)| a == b).count();
        if shared == 0 {
            break;
        }
        rest = &rest[shared..];
        used += 1;
    }
    rest.is_empty() && used >= 2 && label.len() >= 3
}
