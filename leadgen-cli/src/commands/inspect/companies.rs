//! Addresses, names, pairs and result pages, as the pipeline sees them.

use leadgen_core::domain::company_name;
use leadgen_core::domain::name::suffix_list_version;
use leadgen_core::rules::harvest::{Requisite, requisite_is_valid};
use leadgen_core::rules::twins::decide::{Verdict, link};
use leadgen_core::rules::twins::profile::{Known, Profile};
use leadgen_core::rules::{normalize, twins};
use leadgen_core::setup::wiring;
use serde_json::{Value, json};

use super::lines::{self, text};

pub(super) fn url(value: &Value) -> Value {
    let missing = lines::needed(value, "url").err().map(|error| error.to_string());
    let input = text(value, "url");
    let address = normalize::address(&input);
    let family = address.as_ref().and_then(|address| normalize::registrable(&address.host));
    json!({"input": input, "url": address.as_ref().map(|a| &a.url), "home": address.as_ref().map(|a| &a.home), "host": address.as_ref().map(|a| &a.host),
        "registrable_domain": family, "suffix_list": suffix_list_version(),
        "error": missing.or_else(|| address.is_none().then(|| "invalid_url: no http address with a host of its own".to_owned()))})
}

pub(super) fn company(value: &Value) -> Value {
    let (name, domain) = (text(value, "name"), text(value, "domain"));
    let normal = company_name::normalize(&name);
    let key = twins::dedupe_key(&name, &domain);
    json!({"input": name, "normalized": normal.text, "legal_form": normal.legal_form, "dedupe_key": key.as_ref().map(|key| &key.key),
        "dedupe_hash": key.as_ref().map(|key| &key.hash), "error": key.is_none().then_some("invalid: neither a domain nor a name")})
}

pub(super) fn pair(value: &Value) -> Value {
    if !value["a"].is_object() || !value["b"].is_object() {
        return json!({"same": null, "score": null, "rule": null, "verdict": null, "features": null, "error": "bad_input: the objects a and b are needed"});
    }
    let decision = link(&profile(&value["a"]), &profile(&value["b"]));
    json!({"same": decision.verdict == Verdict::Same, "score": decision.score, "rule": decision.rule, "verdict": decision.verdict,
        "features": decision.features, "error": null})
}

/// One side of a pair. `email`, `ogrn` and `niche` are taken as well.
fn profile(side: &Value) -> Profile {
    let mut profile = Profile::new(&text(side, "name"), &text(side, "region")).sought(&text(side, "niche"));
    if let Some(host) = normalize::domain_of(&text(side, "domain")) {
        profile = profile.at(&host);
    }
    if let Some(phone) = normalize::phone(&text(side, "phone"), None) {
        profile = profile.called(&phone);
    }
    if let Some(email) = normalize::email(&text(side, "email")) {
        profile = profile.mailed(&email);
    }
    for (known, kind, field) in [(Known::Inn, Requisite::Inn, "inn"), (Known::Ogrn, Requisite::Ogrn, "ogrn")] {
        let number = digits(&text(side, field));
        // A number whose check digits are wrong is a slip or a sample.
        if requisite_is_valid(kind, &number) {
            profile = profile.with(known, &number);
        }
    }
    profile
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

pub(super) fn serp_file(value: &Value) -> Value {
    let path = match lines::path(value) {
        Ok(path) => path,
        Err(error) => return json!({"found": null, "results": [], "error": error.to_string()}),
    };
    match std::fs::read(&path) {
        Ok(bytes) => serp(&bytes),
        Err(e) => json!({"found": null, "results": [], "error": format!("file_unreadable: {path}: {e}")}),
    }
}

fn serp(bytes: &[u8]) -> Value {
    match wiring::read_serp(bytes) {
        Ok(answer) => {
            let results: Vec<Value> = answer
                .hits
                .iter()
                .filter_map(|hit| {
                    let address = normalize::address(&hit.url)?;
                    let title = if hit.title.is_empty() { address.host.as_str() } else { &hit.title };
                    Some(
                        json!({"position": hit.position, "url": address.url, "domain": address.host, "title": title, "snippet": hit.snippet,
                        "language": hit.language}),
                    )
                })
                .collect();
            json!({"found": answer.found, "results": results, "error": null})
        }
        Err(error) => json!({"found": null, "results": [], "error": error.for_row()}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_wrong_check_digits_is_no_evidence() {
        let asked = |inn: &str| pair(&json!({"a": {"name": "Ромашка", "inn": inn}, "b": {"name": "Вектор", "inn": inn}}));
        assert_eq!((asked("7707083893")["same"].as_bool(), asked("7707083893")["rule"].as_str()), (Some(true), Some("inn")));
        for wrong in ["123", "7707083894"] {
            assert_eq!((asked(wrong)["same"].as_bool(), asked(wrong)["rule"].as_str()), (Some(false), Some("none")), "{wrong}");
        }
    }
}
