//! Numbers that nobody answers.

use crate::domain::name::Phone;

/// `+7 (999) 123-45-67` and its kin stand in templates, not in offices.
pub(in super::super) fn is_sample(phone: &Phone) -> bool {
    let digits = &phone.as_str()[1..];
    let national = digits.strip_prefix(['7', '1']).unwrap_or(digits);
    let tail = digits.get(digits.len().saturating_sub(7)..).unwrap_or(digits);
    let one_digit = |text: &str| text.bytes().all(|b| Some(&b) == text.as_bytes().first());
    matches!(tail, "1234567" | "0000000" | "7654321")
        || (one_digit(tail)
            && tail.len() == 7
            && (one_digit(national) || national.starts_with("999") || national.starts_with("000") || national.starts_with("123")))
        || matches!(national, "1234567890" | "9991234567" | "1231231234" | "9876543210" | "1112223344")
        || (digits.starts_with('1') && national.get(3..6) == Some("555") && national.get(6..8) == Some("01"))
}
