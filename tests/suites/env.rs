//! `.env.example` and the list of settings say the same.

use std::collections::BTreeSet;

use leadgen_core::setup::keys::KEYS;

/// The lines of the example that set something: name and default.
fn examples() -> Vec<(String, String, String)> {
    let text = include_str!("../../.env.example");
    let mut told = String::new();
    let mut all = Vec::new();
    for line in text.lines() {
        let setting = line.strip_prefix('#').and_then(|rest| rest.split_once('=')).filter(|(name, _)| is_name(name));
        match setting {
            Some((name, default)) => all.push((name.to_owned(), default.to_owned(), told.clone())),
            None => line.trim_start_matches("# ").clone_into(&mut told),
        }
    }
    all
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[test]
fn every_setting_stands_in_the_example_with_its_default_and_meaning() {
    let examples = examples();
    for key in KEYS {
        let line = examples.iter().find(|(name, ..)| name == key.env);
        let (_, default, told) = line.unwrap_or_else(|| panic!("{} is missing in .env.example", key.env));
        assert_eq!(default, key.default, "the default of {}", key.env);
        assert_eq!(told, key.doc, "what is said of {}", key.env);
    }
}

#[test]
fn the_example_names_no_setting_that_does_not_exist() {
    let known: BTreeSet<&str> = KEYS.iter().map(|key| key.env).collect();
    let mut seen = BTreeSet::new();
    for (name, ..) in examples() {
        assert!(known.contains(name.as_str()), "{name} is no setting");
        assert!(seen.insert(name.clone()), "{name} stands twice in .env.example");
    }
}

#[test]
fn nothing_is_set_by_copying_the_example() {
    let set = include_str!("../../.env.example").lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    assert_eq!(set, None, "the example only shows");
}

#[test]
fn every_setting_has_one_name_and_one_place() {
    let mut names = BTreeSet::new();
    for key in KEYS {
        assert!(names.insert(key.env), "{} is listed twice", key.env);
        assert!(names.insert(key.toml), "{} is listed twice", key.toml);
        assert!(is_name(key.env) && !key.doc.is_empty(), "{} needs a name and a meaning", key.env);
    }
}
