//! Named values of a script's data: `"phone":"+7 495 …"`. A page that a script draws shows its contacts nowhere else.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// What a field may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Field {
    Phone,
    Inn,
    Ogrn,
}

/// How the names of fields begin.
const NAMES: [(&str, Field); 6] = [
    ("phone", Field::Phone),
    ("tel", Field::Phone),
    ("mobile", Field::Phone),
    ("inn", Field::Inn),
    ("ogrnip", Field::Ogrn),
    ("ogrn", Field::Ogrn),
];
/// The longest rest of a name: "telephoneNumber", "phone_main".
const LONGEST_REST: usize = 16;
/// The longest value.
const LONGEST_VALUE: usize = 60;
/// Values taken of one script.
const MOST: usize = 50;

/// The values of the fields of a script that may be numbers, escapes read.
pub(in super::super) fn fields(script: &str) -> Vec<(Field, String)> {
    static FINDER: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(NAMES.iter().map(|(name, _)| name)).ok());
    let mut found = Vec::new();
    let Some(finder) = FINDER.as_ref() else { return found };
    for name in finder.find_iter(script) {
        let field = NAMES[name.pattern().as_usize()].1;
        let glued = script[..name.start()].ends_with(|c: char| c.is_ascii_lowercase())
            && script[name.start()..].starts_with(|c: char| c.is_ascii_lowercase());
        if let Some(values) = values(&script[name.end()..]).filter(|_| !glued) {
            found.extend(values.into_iter().map(|value| (field, value)));
        }
        if found.len() >= MOST {
            break;
        }
    }
    found
}

/// Numbers with a plus that are a whole literal, whatever its name: `"+7 495 …"` in a list of values.
pub(in super::super) fn whole_numbers(script: &str) -> impl Iterator<Item = &str> {
    memchr::memmem::find_iter(script.as_bytes(), "\"+").take(MOST).filter_map(|at| {
        let inside = &script[at + 1..];
        let end = inside.bytes().take(LONGEST_VALUE).position(|byte| byte == b'"')?;
        let fits = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '(' | ')' | '-' | '\u{A0}');
        inside.get(..end).filter(|number| number.len() >= 11 && number.chars().all(fits))
    })
}

/// The literals behind a name: one, or those of a list.
fn values(rest: &str) -> Option<Vec<String>> {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if rest.len() - after.len() > LONGEST_REST {
        return None;
    }
    let after = after.trim_start_matches(['\\', '"', '\'', ' ']).strip_prefix([':', '='])?.trim_start();
    let Some(mut list) = after.strip_prefix('[') else { return literal(after).map(|(value, _)| vec![value]) };
    let mut values = Vec::new();
    while let Some((value, rest)) = literal(list.trim_start_matches([',', ' ', '\n'])) {
        values.push(value);
        list = rest;
        if values.len() > 10 {
            break;
        }
    }
    Some(values)
}

/// A short literal, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches('\\');
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let inside = &text[1..];
    let end = inside.bytes().take(LONGEST_VALUE).position(|byte| byte == quote as u8)?;
    let value = inside[..end].trim_end_matches('\\').replace("\\u00a0", " ").replace("\\u002B", "+").replace("\\u002b", "+");
    Some((value, &inside[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_the_names_of_their_fields() {
        for (script, wanted) in [
            (r#"{"phone":"+7 495 204-51-38","x":1}"#, Some((Field::Phone, "+7 495 204-51-38"))),
            (r"{telMain: '8\u00a0(495)\u00a0204-51-38'}", Some((Field::Phone, "8 (495) 204-51-38"))),
            (r#""{\"phone\":\"84952045138\"}""#, Some((Field::Phone, "84952045138"))),
            (r#"{"phones":["+74952045138","x"]}"#, Some((Field::Phone, "+74952045138"))),
            (r#"var companyPhone = "84952045138";"#, Some((Field::Phone, "84952045138"))),
            (r#"{"inn":"7707083893"}"#, Some((Field::Inn, "7707083893"))),
            (r#"{"hotel":"84952045138","inner":5,"begin":"x"}"#, None),
            (r#"{"phone":null,"telephoneIsConfirmedByTheUser":"84952045138"}"#, None),
        ] {
            let found = fields(script);
            assert_eq!(found.first().map(|(field, value)| (*field, value.as_str())), wanted, "{script}");
        }
    }

    #[test]
    fn a_whole_literal_may_be_a_number() {
        let script = r#"[{"phone":1},"+7 (495) 204-51-38","+","+7 (495) 204-51-38 x","a+b"]"#;
        assert_eq!(whole_numbers(script).collect::<Vec<_>>(), ["+7 (495) 204-51-38"]);
        assert_eq!(whole_numbers(&"\"+".repeat(1000)).count(), 0);
    }

    #[test]
    fn a_script_without_end_is_left_in_time() {
        assert!(fields(&"phone:[\"\",".repeat(50_000)).len() < 1000);
    }
}
