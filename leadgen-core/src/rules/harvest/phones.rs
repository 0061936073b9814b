//! Phones on a page: links, structured data, text. Numbers beside requisites are none.

use rlibphonenumber::phonenumber_matcher::FindNumberExt;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};
use url::Url;

use crate::domain::contact::{ContactType, FoundContact};
use crate::domain::name::Phone;
use crate::rules::normalize;

use super::emails::snippet;
use super::html::Page;
use super::structured::Structured;
use super::{PageFindings, Site};

/// Words before a number that say it is none.
const NOT_A_PHONE: [&str; 16] =
    ["инн", "огрн", "огрнип", "кпп", "окпо", "бик", "р/с", "к/с", "счет", "счёт", "лицензия", "артикул", "заказ", "гост", "снилс", "факс"];

pub(super) fn find(found: &mut PageFindings, url: &Url, page: &Page, structured: &Structured, site: &Site) {
    let country = country(site);
    let mut keep = |phone: Phone, origin: &str, score: f64, snippet: String| {
        let known = found.contacts.iter_mut().find(|c| c.contact_type == ContactType::Phone && c.value == phone.as_str());
        match known {
            Some(known) => known.score = (known.score.max(score) + 0.03).min(0.99),
            None => found.contacts.push(FoundContact {
                contact_type: ContactType::Phone,
                value: phone.as_str().to_owned(),
                kind: String::new(),
                origin: origin.into(),
                score,
                source_url: url.to_string(),
                snippet,
            }),
        }
    };
    for link in &page.links {
        if link.href.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"))
            && let Some(phone) = normalize::phone(&link.href, country.as_deref())
            && !is_sample(&phone)
        {
            keep(phone, "tel", 0.95, link.text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    let in_data = structured.phones.iter().map(|text| (text, "jsonld"));
    let in_attributes = page.attributes.iter().map(|(_, value)| (value, "attribute")).filter(|(value, _)| !value.contains('@'));
    for (text, origin) in in_data.chain(in_attributes) {
        if let Some(phone) = normalize::phone(text, country.as_deref()).filter(|phone| !is_sample(phone)) {
            keep(phone, origin, 0.92, String::new());
        }
    }
    let region = country.as_deref().and_then(region);
    for line in page.text.lines().filter(|line| line.chars().filter(char::is_ascii_digit).count() >= 7).take(3000) {
        for matched in line.find_phone_numbers_with_preferred_region(region) {
            let e164 = PHONE_NUMBER_UTIL.format(&matched.number, PhoneNumberFormat::E164);
            let before = line.get(..matched.start).unwrap_or("").to_lowercase();
            let word = before
                .trim_end_matches(|c: char| !c.is_alphanumeric() && c != '/')
                .rsplit(|c: char| c.is_whitespace() || c == ',')
                .next()
                .unwrap_or("");
            if NOT_A_PHONE.iter().any(|label| word.starts_with(label)) {
                continue;
            }
            if let Ok(phone) = Phone::parse(&e164)
                && !is_sample(&phone)
            {
                let near = snippet(line, matched.raw_string.as_ref());
                keep(phone, "text", 0.85, near);
            }
        }
    }
}

/// The country numbers without a country code are of.
fn country(site: &Site) -> Option<String> {
    if site.country.is_some() {
        return site.country.clone();
    }
    let domain = site.domain.as_ref()?.as_str();
    let of = |zone: &str| match zone {
        "ru" | "su" | "xn--p1ai" | "moscow" | "xn--80adxhks" | "ws" => Some("RU"),
        "by" => Some("BY"),
        "kz" => Some("KZ"),
        "uz" => Some("UZ"),
        "ua" => Some("UA"),
        "nl" => Some("NL"),
        "uk" => Some("GB"),
        "de" => Some("DE"),
        "com" => Some("US"),
        _ => None,
    };
    of(domain.rsplit('.').next()?).map(str::to_owned)
}

fn region(country: &str) -> Option<Region> {
    country.parse().ok()
}

/// `+7 (999) 123-45-67` and its kin stand in templates, not in offices.
fn is_sample(phone: &Phone) -> bool {
    let digits = &phone.as_str()[1..];
    ["79991234567", "79999999999", "71234567890", "70000000000", "74951234567", "78001234567", "78000000000", "79990000000"]
        .contains(&digits)
        || digits.ends_with("0000000")
        || digits.ends_with("1234567")
}
