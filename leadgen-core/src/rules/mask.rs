//! What may be shown of people's addresses: in logs, the first two characters of the local part (one if it has no more)
//! and the domain.

/// Masks every e-mail address in a text.
///
/// ```
/// use leadgen_core::rules::mask;
///
/// assert_eq!(mask::emails("550 no such user <info@denta-lux.ru>; a@b.ru"), "550 no such user <in***@denta-lux.ru>; a***@b.ru");
/// ```
pub fn emails(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let local = before.rfind(|c: char| !is_local(c)).map_or(before, |end| &before[end + next_char(before, end)..]);
        let names_a_host = after.starts_with(|c: char| c.is_alphanumeric() || c == '[');
        shown.push_str(&before[..before.len() - local.len()]);
        if local.is_empty() || !names_a_host {
            shown.push_str(local);
        } else {
            let kept = if local.chars().count() <= 2 { 1 } else { 2 };
            shown.extend(local.chars().take(kept));
            shown.push_str("***");
        }
        shown.push('@');
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// A line for a log: every secret blotted out, every address masked.
///
/// ```
/// use leadgen_core::rules::mask::line;
///
/// let secrets = ["hunter22".to_owned()];
/// assert_eq!(line("login of info@firma.ru with hunter22", &secrets), "login of in***@firma.ru with ***");
/// ```
pub fn line(text: &str, secrets: &[String]) -> String {
    emails(&secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***")))
}

fn next_char(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_address_in_a_line_is_masked_and_the_rest_stays() {
        for (text, shown) in [
            ("info@firma.ru", "in***@firma.ru"),
            ("иван@почта.рф написал", "ив***@почта.рф написал"),
            ("mailto:a.b+c@x.ru?subject=STOP", "mailto:a.***@x.ru?subject=STOP"),
            ("already in***@x.ru", "already in***@x.ru"),
            ("3 @ 4, user@ , @twitter", "3 @ 4, user@ , @twitter"),
            ("", ""),
        ] {
            assert_eq!(emails(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_local_part_of_three_characters_survives(local in "[a-z]{3,12}", around in "[ <>,;а-я]{0,4}") {
            let masked = emails(&format!("{around}{local}@firma.ru{around}"));
            let full = format!("{local}@");
            prop_assert!(!masked.contains(&full), "{}", masked);
            prop_assert!(masked.contains("***@firma.ru"), "{}", masked);
        }
    }
}
