//! The normal form of a phone number.

use crate::domain::name::Phone;

use super::{is_zero_width, percent_decoded};

/// The first phone in a cell or link (ENR-14). Russian numbers need no region; other countries need a `+` or one.
///
/// ```
/// use leadgen_core::rules::normalize::phone;
///
/// assert_eq!(phone("tel:8 (495) 204-51-38 доб. 12", None).unwrap().as_str(), "+74952045138");
/// ```
pub fn phone(text: &str, region: Option<&str>) -> Option<Phone> {
    let clean: String = text.chars().filter(|c| !is_zero_width(*c)).collect();
    let clean = clean.trim();
    let bare = match clean.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("tel:") => &clean[4..],
        _ => clean,
    };
    let decoded = percent_decoded(bare).unwrap_or_else(|| bare.to_owned());
    decoded.split([',', ';', '/', '|']).find_map(|part| {
        let russian = phone_digits(part).and_then(|(plus, digits)| russian_phone(plus, &digits));
        russian.or_else(|| foreign_phone(part, region))
    })
}

fn phone_digits(part: &str) -> Option<(bool, String)> {
    let start = part.find(|c: char| c == '+' || c.is_ascii_digit())?;
    let plus = part[start..].starts_with('+');
    let mut digits = String::new();
    for c in part[start..].chars().skip(usize::from(plus)) {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '\u{A0}' | '\u{202F}' | '\u{2009}' | '-' | '.' | '(' | ')' | '[' | ']' => {}
            '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            _ => break,
        }
    }
    Some((plus, digits))
}

fn russian_phone(plus: bool, digits: &str) -> Option<Phone> {
    let national = match (plus, digits.len(), digits.as_bytes().first()) {
        (_, 11, Some(b'7')) | (false, 11, Some(b'8')) => &digits[1..],
        _ => return None,
    };
    let first_is_good = matches!(national.as_bytes().first(), Some(b'3' | b'4' | b'6' | b'7' | b'8' | b'9'));
    let all_equal = national.bytes().all(|b| Some(&b) == national.as_bytes().first());
    if !first_is_good || all_equal || national.ends_with("0000000") {
        return None;
    }
    Phone::parse(&format!("+7{national}")).ok()
}

fn foreign_phone(part: &str, region: Option<&str>) -> Option<Phone> {
    let (plus, digits) = phone_digits(part)?;
    if plus && digits.starts_with('7') {
        return None;
    }
    let region = region.filter(|region| *region != "RU").and_then(|region| region.parse::<rlibphonenumber::Region>().ok());
    if !plus && region.is_none() {
        return None;
    }
    let text = if plus { format!("+{digits}") } else { digits };
    let number = rlibphonenumber::PHONE_NUMBER_UTIL.parse(&text, region).ok()?;
    if !rlibphonenumber::PHONE_NUMBER_UTIL.is_valid_number(&number) {
        return None;
    }
    let e164 = rlibphonenumber::PHONE_NUMBER_UTIL.format(&number, rlibphonenumber::PhoneNumberFormat::E164);
    Phone::parse(&e164).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::golden::check;
    use serde_json::json;

    #[test]
    fn phones_have_the_golden_normal_form() {
        check(include_str!("../../../golden/phone_normalization.json"), |input| {
            json!(phone(input.as_str().unwrap_or(""), None).map(|p| p.to_string()))
        });
    }

    #[test]
    fn a_foreign_number_needs_its_country() {
        assert_eq!(phone("020 7946 0958", Some("GB")).map(|p| p.to_string()).as_deref(), Some("+442079460958"));
        assert_eq!(phone("020 7946 0958", None), None);
    }
}
