//! Pages, sites, addresses, phones and requisites, as the crawler reads them.

use std::path::{Path, PathBuf};

use leadgen_core::domain::contact::{ContactType, Findings};
use leadgen_core::domain::mx::MailHosts;
use leadgen_core::domain::name::{DomainName, EmailAddress, has_known_suffix};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::domain::verification::Verification;
use leadgen_core::rules::harvest::{self, Requisite, Site};
use leadgen_core::rules::{normalize, verify};
use serde_json::{Value, json};
use url::Url;

use super::lines::{self, text};

/// Where a page is said to be that has no address.
const NOWHERE: &str = "https://site.invalid/";

pub(super) fn page(value: &Value) -> Value {
    let address = text(value, "url");
    let path = match lines::path(value) {
        Ok(path) => path,
        Err(error) => return nothing(None, &error.to_string()),
    };
    let url = Url::parse(&address).ok().or_else(|| Url::parse(NOWHERE).ok());
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => return nothing(None, &format!("file_unreadable: {path}: {error}")),
    };
    let Some(url) = url else { return nothing(None, &format!("bad_url: {address:?}")) };
    let site = Site { domain: normalize::domain_of(&address), country: country(value) };
    found(None, &harvest::merge(&[harvest::page(&url, &bytes, None, &site)], &site))
}

pub(super) fn site(value: &Value) -> Value {
    let dir = PathBuf::from(text(value, "dir"));
    let name = match text(value, "site") {
        name if name.is_empty() => dir.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        name => name,
    };
    match read_site(&dir, &name, value) {
        Ok(findings) => found(Some(&name), &findings),
        Err(error) => nothing(Some(&name), &format!("file_unreadable: {error}")),
    }
}

fn country(value: &Value) -> Option<String> {
    Some(text(value, "country")).filter(|country| !country.is_empty())
}

/// The error names the file or folder.
fn read_site(dir: &Path, name: &str, value: &Value) -> Result<Findings, String> {
    let of = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("{path}: {error}")
    };
    let site = Site { domain: normalize::domain_of(&text(value, "domain")), country: country(value) };
    let host = site.domain.clone().or_else(|| DomainName::parse(&format!("{}.ru", name.to_lowercase().replace('_', "-"))).ok());
    let mut files: Vec<_> =
        std::fs::read_dir(dir).map_err(of(dir))?.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    // The home page comes first, as in a visit.
    files.sort_by_key(|path| (!path.file_name().unwrap_or_default().to_string_lossy().starts_with("index"), path.clone()));
    let base = host.and_then(|host| Url::parse(&format!("https://{host}/")).ok()).or_else(|| Url::parse(NOWHERE).ok());
    let mut pages = Vec::new();
    for file in files {
        let path = file.file_name().unwrap_or_default().to_string_lossy().replace("__", "/");
        let Some(url) = base.as_ref().and_then(|base| base.join(&path).ok()) else {
            continue;
        };
        pages.push(harvest::page(&url, &std::fs::read(&file).map_err(of(&file))?, None, &site));
    }
    Ok(harvest::merge(&pages, &site))
}

fn found(site: Option<&str>, findings: &Findings) -> Value {
    let of = |kind: ContactType| findings.contacts.iter().filter(move |contact| contact.contact_type == kind);
    let emails: Vec<Value> = of(ContactType::Email)
        .map(|c| json!({"value": c.value, "kind": c.kind, "how": c.origin, "confidence": c.score, "source_url": c.source_url, "snippet": c.snippet}))
        .collect();
    let phones: Vec<Value> = of(ContactType::Phone)
        .map(|c| json!({"value": c.value, "raw": c.snippet, "kind": c.kind, "how": c.origin, "confidence": c.score, "source_url": c.source_url}))
        .collect();
    let mut answer = json!({"emails": emails, "phones": phones, "company_name": findings.company_name, "inn": findings.inn, "ogrn": findings.ogrn,
        "kpp": findings.kpp, "messengers": findings.messengers, "error": null});
    if let Some(site) = site {
        answer["site"] = json!(site);
    }
    answer
}

fn nothing(site: Option<&str>, error: &str) -> Value {
    let mut answer = found(site, &Findings::default());
    answer["error"] = json!(error);
    answer
}

pub(super) fn email(value: &Value) -> Value {
    let input = text(value, "email");
    let Some(address) = normalize::email(&input) else {
        return json!({"input": input, "normalized": null, "valid": false, "kind": null, "disposable": null, "domain": null, "reason": "syntax",
            "verification": {"state": "invalid", "reason": "syntax"}, "error": "invalid_email: no valid address"});
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
    json!({"input": input, "normalized": address.as_str(), "valid": true, "kind": kind, "disposable": disposable, "domain": host, "reason": reason,
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
    let region = Some(text(value, "region")).filter(|region| !region.is_empty());
    if !value["value"].is_null() {
        let phone = normalize::phone(&text(value, "value"), region.as_deref());
        return json!({"phones": phone.into_iter().collect::<Vec<_>>(), "error": null});
    }
    let mut phones: Vec<String> = Vec::new();
    for spotted in harvest::phones_in(&text(value, "text"), region.as_deref().or(Some("RU"))) {
        let phone = spotted.phone.to_string();
        if !phones.contains(&phone) {
            phones.push(phone);
        }
    }
    json!({"phones": phones, "error": null})
}

pub(super) fn requisite(value: &Value) -> Value {
    let kind = match text(value, "kind").to_lowercase().as_str() {
        "inn" => Requisite::Inn,
        "ogrn" | "ogrnip" => Requisite::Ogrn,
        "kpp" => Requisite::Kpp,
        other => return json!({"valid": null, "error": format!("bad_kind: {other:?}; inn, ogrn and kpp are known")}),
    };
    json!({"valid": harvest::requisite_is_valid(kind, text(value, "value").trim()), "error": null})
}
