//! Addresses, phones and numbers of firms, one at a time.

use leadgen_core::domain::mx::MailHosts;
use leadgen_core::domain::name::{EmailAddress, has_known_suffix};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::domain::verification::Verification;
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::rules::harvest::{self, Requisite, Spotted};
use leadgen_core::rules::{normalize, verify};
use serde_json::{Value, json};

use super::lines::{country, needed};

/// Why a text gives nothing.
pub(super) const NO_NUMBER: &str = "no_number";

pub(super) fn email(value: &Value) -> Value {
    let refused = |input: Value, error: String| {
        json!({"input": input, "normalized": null, "valid": false, "kind": null, "disposable": null, "domain": null, "reason": "syntax",
            "verification": {"state": "invalid", "reason": "syntax"}, "error": error})
    };
    let input = match needed(value, "email") {
        Ok(input) => input,
        Err(error) => return refused(Value::Null, error.to_string()),
    };
    // A zone that does not exist is told by its address.
    let Some(address) = harvest::email_in(&input).or_else(|| normalize::email(&input)) else {
        return refused(json!(input), "invalid_email: no valid address".into());
    };
    let host = address.domain();
    let kind = match harvest::kind(&address) {
        "unknown" if harvest::is_free_mail(host) => Some("free_mail"),
        "unknown" => None,
        known => Some(known),
    };
    let disposable = harvest::is_disposable(host);
    let known = has_known_suffix(host);
    let reason = match (known, disposable) {
        (false, _) => Some("unknown_zone"),
        (true, true) => Some("disposable"),
        (true, false) => None,
    };
    json!({"input": input, "normalized": address.as_str(), "valid": known, "kind": kind, "disposable": disposable, "domain": host, "reason": reason,
        "verification": verification(&address, value), "error": null})
}

/// Whether mail arrives there: by the address alone, and by the answer of a look-up if one is given. Nothing is asked.
fn verification(address: &EmailAddress, value: &Value) -> Value {
    let now = Timestamp::default();
    let known = match (verify::without_lookup(address, now), answer(value)) {
        (Some(known), _) => known,
        (None, Some(answer)) => verify::from_answer(&answer, &Verification::not_checked(), now),
        (None, None) => Verification::not_checked(),
    };
    json!({"state": known.state.as_str(), "reason": known.reason})
}

/// The last of `answers`: `[[preference, host] …]`, or a word.
fn answer(value: &Value) -> Option<MailHosts> {
    match value["answers"].as_array()?.last()? {
        Value::Array(records) => {
            let record = |record: &Value| Some((u16::try_from(record[0].as_u64()?).ok()?, record[1].as_str()?.to_owned()));
            Some(MailHosts::Records(records.iter().filter_map(record).collect()))
        }
        Value::String(word) => match word.as_str() {
            "timeout" => Some(MailHosts::Timeout),
            "servfail" => Some(MailHosts::ServFail),
            "nxdomain" => Some(MailHosts::NxDomain),
            "no_records" => Some(MailHosts::NoRecords),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn phone(value: &Value) -> Value {
    let answer = numbers(value).map(|numbers| {
        let mut phones: Vec<&str> = numbers.iter().map(|number| number.phone.as_str()).collect();
        let mut seen = std::collections::HashSet::new();
        phones.retain(|phone| seen.insert(*phone));
        let reason = phones.is_empty().then_some(NO_NUMBER);
        json!({"phones": phones, "numbers": numbers.iter().map(told).collect::<Vec<_>>(), "reason": reason, "error": null})
    });
    answer.unwrap_or_else(|error| json!({"phones": [], "numbers": [], "reason": null, "error": error.to_string()}))
}

/// Every number of a text, or the one of a cell, each once with what is dialled after it.
fn numbers(value: &Value) -> Result<Vec<Spotted>> {
    let region = country(value, "region")?;
    if !value["value"].is_null() {
        let given = needed(value, "value")?;
        let none = || {
            let error = Error::new(ErrorKind::Malformed, "read \"value\"").code("invalid_phone");
            error.detail(format!("{given:?} is no phone number"))
        };
        return harvest::phone_in(&given, region.as_deref()).map(|one| vec![one]).ok_or_else(none);
    }
    let mut numbers: Vec<Spotted> = Vec::new();
    for spotted in harvest::phones_in(&needed(value, "text")?, region.as_deref().or(Some("RU"))) {
        if !numbers.iter().any(|known| (&known.phone, &known.extension) == (&spotted.phone, &spotted.extension)) {
            numbers.push(spotted);
        }
    }
    Ok(numbers)
}

fn told(number: &Spotted) -> Value {
    let kind = if number.is_fax { "fax" } else { harvest::phone_kind(&number.phone) };
    json!({"value": number.phone.as_str(), "kind": Some(kind).filter(|kind| !kind.is_empty()), "extension": number.extension})
}

pub(super) fn requisite(value: &Value) -> Value {
    let answer = checked(value);
    answer.map_or_else(|error| json!({"valid": null, "error": error.to_string()}), |valid| json!({"valid": valid, "error": null}))
}

fn checked(value: &Value) -> Result<bool> {
    let kind = match needed(value, "kind")?.to_lowercase().as_str() {
        "inn" => Requisite::Inn,
        "ogrn" | "ogrnip" => Requisite::Ogrn,
        "kpp" => Requisite::Kpp,
        other => {
            let error = Error::new(ErrorKind::Malformed, "read \"kind\"").code("bad_kind");
            return Err(error.detail(format!("{other:?}; inn, ogrn and kpp are known")));
        }
    };
    Ok(harvest::requisite_is_valid(kind, needed(value, "value")?.trim()))
}
