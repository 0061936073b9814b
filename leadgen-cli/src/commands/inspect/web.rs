//! What the crawler may fetch, and where it would connect.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use leadgen_core::rules::robots::Robots;
use leadgen_core::rules::target::{Reach, refusal};
use serde_json::{Value, json};
use url::{Position, Url};

use super::lines::{needed, text};

pub(super) fn robots(value: &Value) -> Value {
    let failed = |error: String| json!({"allowed": null, "crawl_delay": null, "rule": null, "error": error});
    let file = text(value, "file");
    let bytes = if !file.is_empty() {
        match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) => return failed(format!("file_unreadable: {file}: {error}")),
        }
    } else if value["robots_b64"].is_string() {
        match STANDARD.decode(text(value, "robots_b64").trim()) {
            Ok(bytes) => bytes,
            Err(error) => return failed(format!("bad_base64: {error}")),
        }
    } else {
        match needed(value, "robots") {
            Ok(text) => text.into_bytes(),
            Err(error) => return failed(error.to_string()),
        }
    };
    let url = match needed(value, "url") {
        Ok(url) => url,
        Err(error) => return failed(error.to_string()),
    };
    let path = match Url::parse(&url) {
        Ok(parsed) if parsed.has_host() => parsed[Position::BeforePath..Position::AfterQuery].to_owned(),
        _ if url.starts_with('/') => url.split('#').next().unwrap_or("").to_owned(),
        _ => return failed(format!("bad_url: {url:?}")),
    };
    let agent = Some(text(value, "agent")).filter(|agent| !agent.is_empty()).unwrap_or_else(|| "leadgen".into());
    let robots = Robots::parse(&bytes);
    let permission = robots.permission(&agent, &path);
    let delay = robots.crawl_delay(&agent).map(|delay| delay.as_secs_f64());
    json!({"allowed": permission.allowed, "crawl_delay": delay, "rule": permission.rule, "error": null})
}

/// With answers given, no name is looked up; without, the looks of the address decide.
pub(super) fn target(value: &Value) -> Value {
    let input = match needed(value, "url") {
        Ok(input) => input,
        Err(error) => return json!({"allowed": false, "reason": "bad_url", "error": error.to_string()}),
    };
    let url = match Url::parse(input.trim()) {
        Ok(url) => url,
        Err(error) => return json!({"allowed": false, "reason": "bad_url", "error": format!("bad_url: {error}")}),
    };
    if let Some(why) = refusal(&url) {
        return json!({"allowed": false, "reason": why, "error": null});
    }
    let Some(names) = value["dns"].as_object() else {
        return json!({"allowed": true, "reason": null, "error": null});
    };
    let host = url.host_str().unwrap_or("").trim_end_matches('.').to_owned();
    let found = names.iter().find(|(name, _)| name.trim_end_matches('.').eq_ignore_ascii_case(&host)).map(|(_, answers)| answers);
    let texts: Vec<&str> = found.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let addresses: Vec<IpAddr> = texts.iter().filter_map(|text| text.trim_matches(['[', ']']).parse().ok()).collect();
    if addresses.len() != texts.len() {
        return json!({"allowed": false, "reason": "bad_address", "error": null});
    }
    let reason = Reach::default().pinned(&addresses, url.port_or_known_default().unwrap_or(443)).err();
    json!({"allowed": reason.is_none(), "reason": reason, "error": null})
}
