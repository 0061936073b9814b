//! Normal forms of addresses, hosts, e-mails and phones: one spelling for one thing.

use std::sync::OnceLock;

use publicsuffix::{List, Psl};

use crate::domain::name::{DomainName, EmailAddress, Phone, within};

/// The Public Suffix List as shipped (publicsuffix.org, MPL-2.0).
const SUFFIX_LIST: &str = include_str!("../../data/public_suffix_list.dat");

/// Hosts that lend names to many firms and are not on the list: a name below one of these is a site of its own.
const SHARED_HOSTS: [&str; 16] = [
    "tilda.ws",
    "narod.ru",
    "ucoz.ru",
    "ucoz.net",
    "nethouse.ru",
    "myinsales.ru",
    "turbo.site",
    "clients.site",
    "business.site",
    "tiu.ru",
    "satu.kz",
    "deal.by",
    "prom.ua",
    "pulscen.ru",
    "umi.ru",
    "bitrix24.site",
];

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

/// Characters people don't see and that don't belong into addresses.
pub fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200B}' | '\u{200C}' | '\u{200D}' | '\u{2060}' | '\u{FEFF}')
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

/// Public suffix plus one label (NORM-8), private section and shared hostings included. None for a suffix itself.
///
/// ```
/// use leadgen_core::domain::name::DomainName;
/// use leadgen_core::rules::normalize::registrable;
///
/// let of = |host: &str| registrable(&DomainName::parse(host).unwrap()).map(|d| d.to_string());
/// assert_eq!(of("spb.denta-lux.ru").as_deref(), Some("denta-lux.ru"));
/// assert_eq!(of("one.tilda.ws").as_deref(), Some("one.tilda.ws"));
/// assert_eq!(of("tilda.ws"), None);
/// ```
pub fn registrable(host: &DomainName) -> Option<DomainName> {
    let name = host.as_str();
    if let Some(shared) = SHARED_HOSTS.iter().find(|shared| within(name, shared)) {
        let below = name.strip_suffix(shared)?.strip_suffix('.')?;
        let label = below.rsplit('.').next()?;
        return DomainName::parse(&format!("{label}.{shared}")).ok();
    }
    let domain = suffixes().domain(name.as_bytes())?;
    DomainName::parse(std::str::from_utf8(domain.as_bytes()).ok()?).ok()
}

/// A host with its parents down to the registrable domain: the names an entry of the registry may cover it by.
///
/// ```
/// use leadgen_core::domain::name::DomainName;
/// use leadgen_core::rules::normalize::families;
///
/// assert_eq!(families(&DomainName::parse("mail.spb.firma.ru").unwrap()), ["mail.spb.firma.ru", "spb.firma.ru", "firma.ru"]);
/// ```
pub fn families(host: &DomainName) -> Vec<String> {
    let least = registrable(host).map_or(host.as_str().len(), |family| family.as_str().len());
    let mut names = vec![host.as_str().to_owned()];
    let mut rest = host.as_str();
    while let Some((_, parent)) = rest.split_once('.') {
        if parent.len() < least {
            break;
        }
        names.push(parent.to_owned());
        rest = parent;
    }
    names
}

/// Whether a name lends names to many firms: what lies below it is a site of its own.
pub fn is_shared_host(name: &str) -> bool {
    SHARED_HOSTS.contains(&name)
}

/// Whether the last label of a host is a public suffix that the list names: a real top-level domain.
pub fn has_known_suffix(host: &DomainName) -> bool {
    suffixes().suffix(host.as_str().as_bytes()).is_some_and(|suffix| suffix.is_known())
}

/// The version line of the shipped suffix list, for people who ask how old it is.
pub fn suffix_list_version() -> &'static str {
    SUFFIX_LIST.lines().find_map(|line| line.strip_prefix("// VERSION: ")).unwrap_or("unknown")
}

fn suffixes() -> &'static List {
    static LIST: OnceLock<List> = OnceLock::new();
    LIST.get_or_init(|| {
        // The crate compares bytes, so the Unicode rules of the list are turned into punycode once.
        let ascii: String = SUFFIX_LIST
            .lines()
            .map(|line| match line.is_ascii() || line.starts_with("//") {
                true => line.to_owned(),
                false => idna::domain_to_ascii(line.trim()).unwrap_or_default(),
            })
            .collect::<Vec<_>>()
            .join("\n");
        ascii.parse().unwrap_or_default()
    })
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
    match host.as_str().strip_prefix("www.") {
        Some(rest) if rest.contains('.') => DomainName::parse(rest).ok(),
        _ => Some(host),
    }
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
    if segments.last().is_some_and(|last| is_index(last)) {
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

/// The first valid address in a cell, a link or a form field (ENR-10 to ENR-12). Does not search in prose.
///
/// ```
/// use leadgen_core::rules::normalize::email;
///
/// assert_eq!(email("mailto:Info@Firma.ru?subject=x").unwrap().as_str(), "info@firma.ru");
/// assert_eq!(email("info (собака) firma.ru").unwrap().as_str(), "info@firma.ru");
/// ```
pub fn email(text: &str) -> Option<EmailAddress> {
    let clean: String = text.chars().filter(|c| !is_zero_width(*c) && *c != '\u{AD}').collect();
    let clean = clean.trim();
    let bare = match clean.get(..7) {
        Some(prefix) if prefix.eq_ignore_ascii_case("mailto:") => &clean[7..],
        _ => clean,
    };
    let bare = bare.split('?').next().unwrap_or("");
    let decoded = percent_decoded(bare).unwrap_or_else(|| bare.to_owned());
    decoded.split([',', ';']).find_map(email_part)
}

fn email_part(part: &str) -> Option<EmailAddress> {
    let inner = match (part.find('<'), part.rfind('>')) {
        (Some(open), Some(close)) if open < close => &part[open + 1..close],
        _ => part,
    };
    let edge = |c: char| c.is_whitespace() || "()[]{}<>\"'«»„“”‘’`´.,;:!?".contains(c);
    // A sign in brackets may stand at the edge of a word, so it is read before the edges are cut.
    let mut text = inner.to_lowercase();
    for sign in ["(at)", "[at]", "{at}", "(собака)", "[собака]", "{собака}"] {
        text = text.replace(sign, "@");
    }
    for sign in ["(dot)", "[dot]", "{dot}", "(точка)", "[точка]", "{точка}"] {
        text = text.replace(sign, ".");
    }
    let trimmed = text.trim_matches(edge);
    let joined = trimmed.split('@').map(str::trim).collect::<Vec<_>>().join("@");
    let tight = tighten_dots(&joined);
    if tight.contains(char::is_whitespace) { None } else { EmailAddress::parse(&tight).ok() }
}

/// `firma . ru` after a written-out dot: blanks around dots go only if a sign put the dot there, which is when blanks
/// stand on both sides of it.
fn tighten_dots(text: &str) -> String {
    text.replace(" . ", ".")
}

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

    /// The vectors of the list's own makers (public domain).
    #[test]
    fn registrable_domains_are_those_of_the_list_s_own_vectors() {
        let lines =
            include_str!("../../golden/public_suffix.txt").lines().filter(|line| !line.starts_with("//") && !line.trim().is_empty());
        let mut count = 0;
        for line in lines {
            let (host, expected) = line.split_once(' ').unwrap_or((line, "null"));
            let family = DomainName::parse(host).ok().and_then(|host| registrable(&host));
            assert_eq!(family, DomainName::parse(expected).ok(), "{line}");
            count += 1;
        }
        assert!(count > 70, "{count}");
    }

    /// Absolute addresses of the web platform's tests, as the url crate ships them, whose host can be a firm's.
    #[test]
    fn hosts_are_those_of_the_web_platform_s_vectors() {
        check(include_str!("../../golden/url_hosts.json"), |input| json!(domain_of(text(input)).map(|host| host.to_string())));
    }

    #[test]
    fn e_mails_have_the_golden_normal_form() {
        check(include_str!("../../golden/email_normalization.json"), |input| json!(email(text(input)).map(|e| e.to_string())));
    }

    #[test]
    fn phones_have_the_golden_normal_form() {
        check(include_str!("../../golden/phone_normalization.json"), |input| json!(phone(text(input), None).map(|p| p.to_string())));
    }

    #[test]
    fn a_foreign_number_needs_its_country() {
        assert_eq!(phone("020 7946 0958", Some("GB")).map(|p| p.to_string()).as_deref(), Some("+442079460958"));
        assert_eq!(phone("020 7946 0958", None), None);
    }
}
