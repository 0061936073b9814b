//! Normal forms of addresses, hosts, e-mails and phones: one spelling for one thing.

mod email;
mod phone;

use crate::domain::name::{DomainName, RegistrableDomain};

pub use crate::domain::name::is_zero_width;
pub use email::email;
pub use phone::phone;

/// A normalized web address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The whole address in normal form.
    pub url: String,
    /// The host, without `www.` and port.
    pub host: DomainName,
    /// `https://<host>/`.
    pub home: String,
}

/// The normal form of a web address (NORM-1 to NORM-6, NORM-9), or none.
///
/// ```
/// use leadgen_core::rules::normalize;
///
/// let address = normalize::address("HTTPS://WWW.Denta-Lux.ru:443//uslugi/index.php?utm_source=x#map").unwrap();
/// assert_eq!(address.url, "https://denta-lux.ru/uslugi");
/// assert!(normalize::address("mailto:a@b.ru").is_none());
/// ```
pub fn address(text: &str) -> Option<Address> {
    let clean: String = text.chars().filter(|c| !is_zero_width(*c) && !matches!(c, '\t' | '\n' | '\r')).collect();
    let (scheme, rest) = split_scheme(clean.trim())?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (host, port) = split_port(authority.rsplit('@').next().unwrap_or(authority))?;
    let host = site_host(&percent_decoded(host)?)?;
    let tail = tail.split('#').next().unwrap_or("");
    let (path, query) = tail.split_once('?').map_or((tail, ""), |(path, query)| (path, query));
    let path = normal_path(path);
    let query = normal_query(query);
    let origin = match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("https://{host}"),
    };
    let question = if query.is_empty() { "" } else { "?" };
    Some(Address { url: format!("{origin}{path}{question}{query}"), home: format!("https://{host}/"), host })
}

/// The host of an address, a URL, an e-mail or a bare host (NORM-7), without `www.`.
pub fn domain_of(text: &str) -> Option<DomainName> {
    address(text).map(|address| address.host)
}

/// The registrable domain of a host (NORM-8); none for a public suffix itself.
pub fn registrable(host: &DomainName) -> Option<RegistrableDomain> {
    RegistrableDomain::of(host)
}

fn split_scheme(text: &str) -> Option<(&'static str, &str)> {
    if let Some(rest) = text.strip_prefix("//") {
        return Some(("https", rest));
    }
    let Some(colon) = text.find(':') else { return Some(("https", text)) };
    let (word, rest) = (&text[..colon], &text[colon + 1..]);
    let is_scheme = word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if is_scheme && let Some(after) = rest.strip_prefix("//") {
        return match word.to_ascii_lowercase().as_str() {
            "http" => Some(("http", after)),
            "https" => Some(("https", after)),
            _ => None,
        };
    }
    // "firma.ru:8080/x" has a port, "mailto:a@b.ru" a scheme: only a host has a dot before the colon.
    let is_host = word.contains('.') || word.contains(['/', '?', '#', '@']) || !is_scheme;
    is_host.then_some(("https", text))
}

fn split_port(host: &str) -> Option<(&str, Option<u16>)> {
    let Some((host, port)) = host.rsplit_once(':') else { return Some((host, None)) };
    if port.is_empty() {
        return Some((host, None));
    }
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match port.parse::<u16>() {
        Ok(80 | 443) => Some((host, None)),
        Ok(0) | Err(_) => None,
        Ok(port) => Some((host, Some(port))),
    }
}

fn site_host(text: &str) -> Option<DomainName> {
    let host = DomainName::parse(text).ok()?;
    let mut name = host.as_str();
    // Some write it twice: what is left must be a normal form, too.
    while let Some(rest) = name.strip_prefix("www.").filter(|rest| rest.contains('.')) {
        name = rest;
    }
    DomainName::parse(name).ok()
}

fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let decoded = (first == b'%').then(|| after.get(..2)).flatten().and_then(|hex| {
            let hex = std::str::from_utf8(hex).ok().filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(hex, 16).ok()
        });
        match decoded {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn normal_path(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    // What is left may end in another one: a normal form is its own normal form.
    while segments.last().is_some_and(|last| is_index(last)) {
        segments.pop();
    }
    let mut out = String::new();
    for segment in &segments {
        out.push('/');
        encode_into(&mut out, segment, "\"<>`{}");
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

fn is_index(segment: &str) -> bool {
    let lower = segment.to_ascii_lowercase();
    lower.strip_prefix("index.").is_some_and(|ending| (2..=5).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn normal_query(query: &str) -> String {
    let tracks = |parameter: &str| {
        let name = parameter.split('=').next().unwrap_or("").to_ascii_lowercase();
        name.starts_with("utm_") || matches!(name.as_str(), "yclid" | "ysclid" | "gclid" | "fbclid" | "_openstat")
    };
    let kept: Vec<&str> = query.split('&').filter(|parameter| !tracks(parameter)).collect();
    let mut out = String::new();
    encode_into(&mut out, &kept.join("&"), "\"<>#'");
    out
}

fn encode_into(out: &mut String, text: &str, marks: &str) {
    for c in text.chars() {
        if c.is_ascii() && c != ' ' && !c.is_ascii_control() && !marks.contains(c) {
            out.push(c);
            continue;
        }
        let mut buffer = [0; 4];
        for byte in c.encode_utf8(&mut buffer).bytes() {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::golden::check;
    use serde_json::{Value, json};

    fn text(value: &Value) -> &str {
        value.as_str().unwrap_or("")
    }

    #[test]
    fn addresses_have_the_golden_normal_form() {
        check(include_str!("../../golden/url_normalization.json"), |input| json!(address(text(input)).map(|a| a.url)));
    }

    #[test]
    fn hosts_have_the_golden_normal_form() {
        check(include_str!("../../golden/domain_normalization.json"), |input| {
            let host = domain_of(text(input));
            let family = host.as_ref().and_then(registrable);
            json!({"host": host.map(|h| h.to_string()), "registrable": family.map(|f| f.to_string())})
        });
    }

    #[test]
    fn an_index_below_an_index_goes_too() {
        let url = address("https://denta-lux.ru/uslugi/index.pi/index.php").map(|address| address.url);
        assert_eq!(url.as_deref(), Some("https://denta-lux.ru/uslugi"));
        assert_eq!(url.as_deref().and_then(address).map(|address| address.url), url);
    }

    /// Absolute addresses of the web platform's tests, as the url crate ships them, whose host can be a firm's.
    #[test]
    fn hosts_are_those_of_the_web_platform_s_vectors() {
        check(include_str!("../../golden/url_hosts.json"), |input| json!(domain_of(text(input)).map(|host| host.to_string())));
    }
}
