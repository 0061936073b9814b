//! Where a domain's mail lives, and which mailboxes suit it. A pure decision over the answers of look-ups.

use crate::domain::mx::{MailHosts, MxClass};
use crate::domain::name::within;

/// Mail hosts that count as Russian, as domain suffixes.
pub const PATTERNS: [&str; 48] = [
    "1c.ru",
    "aeroflot.ru",
    "alfabank.ru",
    "beeline.ru",
    "beget.com",
    "facct.email",
    "facct.ru",
    "gazprom.ru",
    "gosuslugi.ru",
    "hh.ru",
    "kommersant.ru",
    "lancloud.ru",
    "lukoil.com",
    "magnit.ru",
    "mail.ru",
    "masterhost.ru",
    "mchost.ru",
    "megafon.ru",
    "mos.ru",
    "mts.ru",
    "netangels.ru",
    "nornik.ru",
    "novatek.ru",
    "pochta.ru",
    "proactivity.ru",
    "rambler-co.ru",
    "rambler.ru",
    "rbc.ru",
    "rosatom.ru",
    "roscosmos.ru",
    "rt.ru",
    "runity.ru",
    "russianpost.ru",
    "sber.ru",
    "sberbank.ru",
    "selectel.org",
    "sevstar.net",
    "sovcombank.ru",
    "sprinthost.ru",
    "tatneft.ru",
    "tbank.ru",
    "timeweb.ru",
    "vtb.ru",
    "vtbcapital.ru",
    "wildberries.ru",
    "x5.ru",
    "yandex.net",
    "yandex.ru",
];
/// Zones whose mail hosts count as Russian.
pub const ZONES: [&str; 7] = ["ru", "su", "xn--p1ai", "xn--p1acf", "moscow", "moskva", "xn--80adxhks"];
/// Recipient domains that are Russian without a look-up.
pub const FORCED: [&str; 7] = ["yandex.ru", "yandex.com", "mail.ru", "bk.ru", "inbox.ru", "list.ru", "rambler.ru"];

/// What counts as Russian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether mail hosts decide at all.
    pub enabled: bool,
    /// Mail hosts, as suffixes on label borders; leading dots are ignored.
    pub patterns: Vec<String>,
    /// Zones of mail hosts.
    pub zones: Vec<String>,
    /// Recipient domains.
    pub forced: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let own = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
        Self { enabled: true, patterns: own(&PATTERNS), zones: own(&ZONES), forced: own(&FORCED) }
    }
}

/// Where a domain's mail lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The class.
    pub class: MxClass,
    /// Mail hosts, best first, each once, in lower-case ASCII without a final dot.
    pub records: Vec<String>,
    /// Why, in a word.
    pub reason: &'static str,
    /// The domain takes no mail at all.
    pub null_mx: bool,
}

/// Decides without a look-up where that is possible (MX-2, MX-3).
pub fn without_lookup(settings: &Settings, domain: &str) -> Option<Decision> {
    let decided = |class, reason| Some(Decision { class, records: vec![], reason, null_mx: false });
    let domain = ascii(domain);
    if !settings.enabled {
        return decided(MxClass::Other, "disabled");
    }
    if domain.is_empty() {
        return decided(MxClass::Unknown, "invalid_domain");
    }
    if settings.forced.iter().any(|forced| ascii(forced) == domain) {
        return decided(MxClass::Ru, "forced");
    }
    None
}

/// Whether an answer is worth a second opinion from other resolvers (MX-4).
pub fn wants_second_opinion(answer: &MailHosts) -> bool {
    matches!(answer, MailHosts::Timeout | MailHosts::ServFail | MailHosts::NxDomain | MailHosts::NoRecords | MailHosts::Implicit)
        || matches!(answer, MailHosts::Records(records) if records.is_empty())
}

/// Decides from the last answer (MX-5, MX-8). Any Russian host makes the domain Russian.
pub fn from_answer(settings: &Settings, answer: &MailHosts) -> Decision {
    let unknown = |reason, null_mx| Decision { class: MxClass::Unknown, records: vec![], reason, null_mx };
    match answer {
        MailHosts::Records(records) => {
            let mut hosts: Vec<(u16, String)> = records.iter().map(|(preference, host)| (*preference, ascii(host))).collect();
            if !hosts.is_empty() && hosts.iter().all(|(_, host)| host.is_empty()) {
                return unknown("null_mx", true);
            }
            hosts.retain(|(_, host)| !host.is_empty());
            hosts.sort();
            let mut records: Vec<String> = Vec::new();
            for (_, host) in hosts {
                if !records.contains(&host) {
                    records.push(host);
                }
            }
            if records.is_empty() {
                return unknown("no_records", false);
            }
            let class = if records.iter().any(|host| is_russian(settings, host)) { MxClass::Ru } else { MxClass::Other };
            Decision { class, records, reason: "mx", null_mx: false }
        }
        MailHosts::NullMx => unknown("null_mx", true),
        MailHosts::Implicit => unknown("implicit_mx", false),
        MailHosts::NoRecords => unknown("no_records", false),
        MailHosts::NxDomain => unknown("nxdomain", false),
        MailHosts::Timeout | MailHosts::ServFail => unknown("temp_error", false),
    }
}

fn is_russian(settings: &Settings, host: &str) -> bool {
    let matches = |list: &[String]| list.iter().map(|entry| ascii(entry)).any(|entry| !entry.is_empty() && within(host, &entry));
    matches(&settings.patterns) || matches(&settings.zones)
}

/// Lower-case ASCII without dots at the ends.
fn ascii(name: &str) -> String {
    let bare = name.trim().trim_matches('.');
    idna::domain_to_ascii(bare).unwrap_or_else(|_| bare.to_lowercase()).trim_matches('.').to_owned()
}

/// The built-in rule: Russian mail leaves from yandex, else gmail; everything else from gmail (MX-6).
pub fn mailboxes(class: MxClass) -> Vec<String> {
    match class {
        MxClass::Ru => vec!["yandex".into(), "gmail".into()],
        MxClass::Other | MxClass::Unknown => vec!["gmail".into()],
    }
}

/// One answer as test data and scripts write it: a list of `[preference, host]`, or a word.
pub fn answer_from_json(value: &serde_json::Value) -> Option<MailHosts> {
    if let Some(records) = value.as_array() {
        let records = records.iter().map(|pair| Some((u16::try_from(pair.get(0)?.as_u64()?).ok()?, pair.get(1)?.as_str()?.to_owned())));
        return records.collect::<Option<Vec<_>>>().map(MailHosts::Records);
    }
    match value.as_str()? {
        "timeout" => Some(MailHosts::Timeout),
        "servfail" => Some(MailHosts::ServFail),
        "nxdomain" => Some(MailHosts::NxDomain),
        "no_records" => Some(MailHosts::NoRecords),
        _ => None,
    }
}

/// Decides over a list of answers, as a resolver would be asked: how many were used comes with the decision.
pub fn decide(settings: &Settings, domain: &str, answers: &[MailHosts]) -> (Decision, usize) {
    if let Some(decision) = without_lookup(settings, domain) {
        return (decision, 0);
    }
    let first = answers.first().cloned().unwrap_or(MailHosts::Timeout);
    if !wants_second_opinion(&first) {
        return (from_answer(settings, &first), 1);
    }
    let second = answers.get(1).cloned().unwrap_or(first);
    (from_answer(settings, &second), 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::golden::check;
    use serde_json::{Value, json};

    fn list(value: &Value, default: Vec<String>) -> Vec<String> {
        value.as_array().map_or(default, |items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    #[test]
    fn classes_are_the_golden_ones() {
        check(include_str!("../../golden/mx_classification.json"), |input| {
            let defaults = Settings::default();
            let given = &input["settings"];
            let settings = Settings {
                enabled: given["enabled"].as_bool().unwrap_or(true),
                patterns: list(&given["patterns"], defaults.patterns),
                zones: list(&given["tlds"], defaults.zones),
                forced: list(&given["force_domains"], defaults.forced),
            };
            let answers: Vec<MailHosts> = input["answers"].as_array().into_iter().flatten().filter_map(answer_from_json).collect();
            let (decision, used) = decide(&settings, input["domain"].as_str().unwrap_or(""), &answers);
            let wish = if decision.null_mx { None } else { mailboxes(decision.class).into_iter().next() };
            let has_yandex = input["yandex_configured"].as_bool().unwrap_or(true);
            let fallback = wish.as_deref() == Some("yandex") && !has_yandex;
            json!({
                "class": decision.class.as_str(),
                "records": decision.records,
                "provider": if fallback { Some("gmail".to_owned()) } else { wish },
                "fallback": fallback,
                "dns_queries": used,
                "null_mx": decision.null_mx,
            })
        });
    }
}
