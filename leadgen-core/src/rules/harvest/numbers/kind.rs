//! What a number is by its plan: a call that costs nothing, a pocket, a desk.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType, Region};

use crate::domain::name::Phone;

/// What a number is: `toll_free`, `mobile` or `landline`; empty where its plan does not tell.
///
/// ```
/// use leadgen_core::domain::name::Phone;
/// use leadgen_core::rules::harvest::phone_kind;
///
/// assert_eq!(phone_kind(&Phone::parse("+78005553535").unwrap()), "toll_free");
/// assert_eq!(phone_kind(&Phone::parse("+79032045138").unwrap()), "mobile");
/// ```
pub fn kind(phone: &Phone) -> &'static str {
    let Ok(number) = PHONE_NUMBER_UTIL.parse(phone.as_str(), None::<Region>) else { return "" };
    match PHONE_NUMBER_UTIL.get_number_type(&number) {
        PhoneNumberType::TollFree => "toll_free",
        PhoneNumberType::Mobile => "mobile",
        PhoneNumberType::FixedLine => "landline",
        // Of Russia's numbers the library knows the ranges in use; a number is judged by its first digits all the same.
        _ => match phone.as_str().as_bytes() {
            [b'+', b'7', b'8', b'0', b'0', ..] => "toll_free",
            [b'+', b'7', b'9', ..] => "mobile",
            [b'+', b'7', b'3' | b'4' | b'8', ..] => "landline",
            _ => "",
        },
    }
}

/// A country's code as numbers are read by it: two letters, in capitals; none: no country has it.
///
/// ```
/// use leadgen_core::rules::harvest::country_code;
///
/// assert_eq!(country_code(" ru "), Some("RU".to_owned()));
/// assert_eq!(country_code("ZZ"), None);
/// ```
pub fn country_code(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_uppercase();
    let region: Region = code.parse().ok()?;
    PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_its_plan_says() {
        for (number, wanted) in [
            ("+78005553535", "toll_free"),
            ("+79032045138", "mobile"),
            ("+74952045138", "landline"),
            ("+73435550880", "landline"),
            ("+77012045138", "mobile"),
            ("+442079460958", "landline"),
            ("+18885551234", "toll_free"),
            // North America does not tell desks from pockets.
            ("+15053261111", ""),
        ] {
            assert_eq!(Phone::parse(number).map_or("no phone", |phone| kind(&phone)), wanted, "{number}");
        }
    }
}
