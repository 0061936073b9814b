//! The normal form of an e-mail address, as people and pages write it.

use crate::domain::name::EmailAddress;

use super::{is_zero_width, percent_decoded};

/// The first valid address in a cell, a link or a form field (ENR-10 to ENR-12). Does not search in prose.
///
/// ```
/// use leadgen_core::rules::normalize::email;
///
/// assert_eq!(email("mailto:Info@Firma.ru?subject=x").unwrap().as_str(), "info@firma.ru");
/// assert_eq!(email("info (собака) firma.ru").unwrap().as_str(), "info@firma.ru");
/// ```
pub fn email(text: &str) -> Option<EmailAddress> {
    let clean: String = text.chars().filter(|c| !is_zero_width(*c) && *c != '\u{AD}').collect();
    let clean = clean.trim();
    let bare = match clean.get(..7) {
        Some(prefix) if prefix.eq_ignore_ascii_case("mailto:") => &clean[7..],
        _ => clean,
    };
    let bare = bare.split('?').next().unwrap_or("");
    let decoded = percent_decoded(bare).unwrap_or_else(|| bare.to_owned());
    decoded.split([',', ';']).find_map(email_part)
}

fn email_part(part: &str) -> Option<EmailAddress> {
    let inner = match (part.find('<'), part.rfind('>')) {
        (Some(open), Some(close)) if open < close => &part[open + 1..close],
        _ => part,
    };
    let edge = |c: char| c.is_whitespace() || "()[]{}<>\"'«»„“”‘’`´.,;:!?".contains(c);
    // A sign in brackets may stand at the edge of a word, so it is read before the edges are cut.
    let mut text = inner.to_lowercase();
    for sign in ["(at)", "[at]", "{at}", "(собака)", "[собака]", "{собака}"] {
        text = text.replace(sign, "@");
    }
    for sign in ["(dot)", "[dot]", "{dot}", "(точка)", "[точка]", "{точка}"] {
        text = text.replace(sign, ".");
    }
    let trimmed = text.trim_matches(edge);
    let joined = trimmed.split('@').map(str::trim).collect::<Vec<_>>().join("@");
    let tight = tighten_dots(&joined);
    if tight.contains(char::is_whitespace) { None } else { EmailAddress::parse(&tight).ok() }
}

/// `firma . ru` after a written-out dot: blanks around dots go only if a sign put the dot there, which is when blanks
/// stand on both sides of it.
fn tighten_dots(text: &str) -> String {
    text.replace(" . ", ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::golden::check;
    use serde_json::json;

    #[test]
    fn e_mails_have_the_golden_normal_form() {
        check(include_str!("../../../golden/email_normalization.json"), |input| {
            json!(email(input.as_str().unwrap_or("")).map(|e| e.to_string()))
        });
    }
}
