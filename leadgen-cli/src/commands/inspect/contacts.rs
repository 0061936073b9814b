//! Saved pages and sites, as the crawler reads them.

use std::path::{Path, PathBuf};

use leadgen_core::domain::contact::{ContactType, Findings, FoundContact};
use leadgen_core::domain::name::{DomainName, Phone};
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::rules::harvest::{self, Site};
use leadgen_core::rules::normalize;
use serde_json::{Value, json};
use url::Url;

use super::lines::{self, country, needed, text};

/// Where a page is said to be that has no address.
const NOWHERE: &str = "https://site.invalid/";

pub(super) fn page(value: &Value) -> Value {
    let read = || {
        let path = lines::path(value)?;
        std::fs::read(&path).map_err(|error| unreadable(Path::new(&path), error))
    };
    shown(value, read())
}

/// What a page shows, whoever read it.
pub(super) fn shown(value: &Value, bytes: Result<Vec<u8>>) -> Value {
    match bytes.and_then(|bytes| read_page(value, &bytes)) {
        Ok(findings) => found(None, &findings),
        Err(error) => nothing(None, &error),
    }
}

fn read_page(value: &Value, bytes: &[u8]) -> Result<Findings> {
    let url = address(value)?;
    let site = Site { domain: normalize::domain_of(&text(value, "url")), country: country(value, "country")? };
    Ok(harvest::merge(&[harvest::page(&url, bytes, None, &site)], &site))
}

/// Where the page was found, as people write it: a host alone will do.
pub(super) fn address(value: &Value) -> Result<Url> {
    let bad = || {
        let error = Error::new(ErrorKind::Malformed, "read \"url\"").code("bad_url");
        error.detail(format!("{} is no http address with a host", value["url"]))
    };
    let given = if value["url"].is_null() { NOWHERE.to_owned() } else { needed(value, "url").map_err(|_| bad())? };
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let bare = || normalize::address(&given).and_then(|address| Url::parse(&address.url).ok());
    Url::parse(given.trim()).ok().filter(is_web).or_else(bare).ok_or_else(bad)
}

pub(super) fn site(value: &Value) -> Value {
    let dir = text(value, "dir");
    let name = match text(value, "site") {
        name if name.is_empty() => Path::new(&dir).file_name().unwrap_or_default().to_string_lossy().into_owned(),
        name => name,
    };
    match read_site(value, &name) {
        Ok(findings) => found(Some(&name), &findings),
        Err(error) => nothing(Some(&name), &error),
    }
}

/// The site's own host; a missing or an empty one is not known.
fn domain(value: &Value) -> Result<Option<DomainName>> {
    let given = text(value, "domain");
    if given.is_empty() && matches!(value["domain"], Value::Null | Value::String(_)) {
        return Ok(None);
    }
    let bad = || {
        let error = Error::new(ErrorKind::Malformed, "read \"domain\"").code("bad_domain");
        error.detail(format!("{} is no host a firm may have", value["domain"]))
    };
    normalize::domain_of(&given).map(Some).ok_or_else(bad)
}

/// The error names the file or folder.
fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Malformed, format!("read {}", path.display())).code("file_unreadable").detail(error)
}

fn read_site(value: &Value, name: &str) -> Result<Findings> {
    let dir = PathBuf::from(needed(value, "dir")?);
    let site = Site { domain: domain(value)?, country: country(value, "country")? };
    let host = site.domain.clone().or_else(|| DomainName::parse(&format!("{}.ru", name.to_lowercase().replace('_', "-"))).ok());
    let entries = std::fs::read_dir(&dir).map_err(|error| unreadable(&dir, error))?;
    let mut files: Vec<_> = entries.filter_map(std::result::Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    // The home page comes first, as in a visit.
    files.sort_by_key(|path| (!path.file_name().unwrap_or_default().to_string_lossy().starts_with("index"), path.clone()));
    let base = host.and_then(|host| Url::parse(&format!("https://{host}/")).ok()).or_else(|| Url::parse(NOWHERE).ok());
    let mut pages = Vec::new();
    for file in files {
        let path = file.file_name().unwrap_or_default().to_string_lossy().replace("__", "/");
        let Some(url) = base.as_ref().and_then(|base| base.join(&path).ok()) else {
            continue;
        };
        let bytes = std::fs::read(&file).map_err(|error| unreadable(&file, error))?;
        pages.push(harvest::page(&url, &bytes, None, &site));
    }
    Ok(harvest::merge(&pages, &site))
}

fn found(site: Option<&str>, findings: &Findings) -> Value {
    let of = |kind: ContactType| findings.contacts.iter().filter(move |contact| contact.contact_type == kind);
    let emails: Vec<Value> = of(ContactType::Email)
        .map(|c| json!({"value": c.value, "kind": c.kind, "how": c.origin, "confidence": c.score, "source_url": c.source_url, "snippet": c.snippet}))
        .collect();
    let phones: Vec<Value> = of(ContactType::Phone).map(phone).collect();
    let mut answer = json!({"emails": emails, "phones": phones, "company_name": findings.company_name,
        "legal_name": findings.legal_name, "address": findings.address, "inn": findings.inn, "ogrn": findings.ogrn,
        "kpp": findings.kpp, "messengers": findings.messengers, "error": null});
    if let Some(site) = site {
        answer["site"] = json!(site);
    }
    answer
}

/// A number with its kind and what is dialled after it.
fn phone(contact: &FoundContact) -> Value {
    let number = Phone::parse(&contact.value).ok();
    let kind = match contact.kind.as_str() {
        "" => number.as_ref().map_or("", harvest::phone_kind),
        told => told,
    };
    json!({"value": contact.value, "raw": contact.snippet, "kind": kind, "extension": contact.extension, "how": contact.origin,
        "confidence": contact.score, "source_url": contact.source_url})
}

fn nothing(site: Option<&str>, error: &Error) -> Value {
    let mut answer = found(site, &Findings::default());
    answer["error"] = json!(error.to_string());
    answer
}
