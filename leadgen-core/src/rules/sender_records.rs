//! Records by which receivers know that a domain's letters are its own: SPF, DKIM, DMARC.

/// What a domain says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// As it should be.
    Good,
    /// Nothing.
    Missing,
    /// Something that receivers can't use.
    Broken(&'static str),
}

/// SPF among the texts of the domain itself.
///
/// ```
/// use leadgen_core::rules::sender_records::{Record, spf};
///
/// let said = |texts: &[&str]| spf(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
/// assert_eq!(said(&["v=spf1 include:_spf.yandex.net ~all", "verification=1"]), Record::Good);
/// assert_eq!(said(&["v=spf1 redirect=_spf.yandex.net"]), Record::Good);
/// assert_eq!(said(&["verification=1"]), Record::Missing);
/// assert!(matches!(said(&["v=spf1 a ~all", "v=spf1 mx ~all"]), Record::Broken(_)));
/// assert!(matches!(said(&["v=spf1 +all"]), Record::Broken(_)));
/// ```
pub fn spf(texts: &[String]) -> Record {
    let terms = |text: &str| text.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let records: Vec<Vec<String>> =
        texts.iter().map(|text| terms(text)).filter(|terms| terms.first().is_some_and(|v| v == "v=spf1")).collect();
    match records.as_slice() {
        [] => Record::Missing,
        [one] if one.iter().any(|term| term == "~all" || term == "-all" || term.starts_with("redirect=")) => Record::Good,
        [_] => Record::Broken("SPF does not end in ~all or -all"),
        _ => Record::Broken("two SPF records: receivers use neither"),
    }
}

/// DMARC among the texts of `_dmarc` below the domain.
///
/// ```
/// use leadgen_core::rules::sender_records::{Record, dmarc};
///
/// assert_eq!(dmarc(&["v=DMARC1; p=none; rua=mailto:d@firma.ru".into()]), Record::Good);
/// assert_eq!(dmarc(&[]), Record::Missing);
/// assert!(matches!(dmarc(&["v=DMARC1; rua=mailto:d@firma.ru".into()]), Record::Broken(_)));
/// ```
pub fn dmarc(texts: &[String]) -> Record {
    let records: Vec<Vec<(String, String)>> = texts
        .iter()
        .map(|text| tags(text))
        .filter(|tags| tags.first().is_some_and(|(name, value)| name == "v" && value == "DMARC1"))
        .collect();
    match records.as_slice() {
        [] => Record::Missing,
        [one] if one.iter().any(|(name, value)| name == "p" && matches!(value.as_str(), "none" | "quarantine" | "reject")) => Record::Good,
        [_] => Record::Broken("DMARC has no policy (p=none, quarantine or reject)"),
        _ => Record::Broken("two DMARC records: receivers use neither"),
    }
}

/// A DKIM key among the texts of a selector.
///
/// ```
/// use leadgen_core::rules::sender_records::{Record, dkim};
///
/// assert_eq!(dkim(&["v=DKIM1; k=rsa; p=MIGfMA0GCSq".into()]), Record::Good);
/// assert!(matches!(dkim(&["v=DKIM1; p=".into()]), Record::Broken(_)));
/// ```
pub fn dkim(texts: &[String]) -> Record {
    let keys: Vec<String> =
        texts.iter().filter_map(|text| tags(text).into_iter().find(|(name, _)| name == "p")).map(|(_, key)| key).collect();
    match keys.as_slice() {
        [] => Record::Missing,
        [key] if key.is_empty() => Record::Broken("the DKIM key was taken back"),
        _ => Record::Good,
    }
}

/// `name=value` pairs between semicolons.
fn tags(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(';').filter_map(|part| part.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned())).collect()
}
