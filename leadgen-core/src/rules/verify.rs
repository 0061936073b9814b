//! Does an address take mail? Its name and its domain's records say so; its server is never asked.

use std::time::Duration;

use crate::domain::mx::MailHosts;
use crate::domain::name::{EmailAddress, has_known_suffix};
use crate::domain::time::Timestamp;
use crate::domain::verification::{Deliverability, Verification};
use crate::rules::harvest;

/// A domain that was missing so long ago and still is, is gone.
const GONE: Duration = Duration::from_hours(1);
/// How long a look is believed.
const BELIEVED: Duration = Duration::from_hours(30 * 24);

/// What a provider lets its users be called. Only what it never allowed is refused: old accounts keep shorter names.
struct Provider {
    hosts: &'static [&'static str],
    most: usize,
    /// Characters besides letters and digits.
    marks: &'static str,
    /// Whether `name+tag` is `name`.
    takes_tags: bool,
}

const PROVIDERS: [Provider; 4] = [
    Provider {
        hosts: &["yandex.ru", "ya.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "narod.ru"],
        most: 30,
        marks: ".-",
        takes_tags: true,
    },
    Provider { hosts: &["mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru", "xmail.ru"], most: 31, marks: "._-", takes_tags: true },
    Provider {
        hosts: &["rambler.ru", "lenta.ru", "autorambler.ru", "myrambler.ru", "ro.ru", "rambler.ua"],
        most: 32,
        marks: "._-",
        takes_tags: false,
    },
    Provider { hosts: &["gmail.com", "googlemail.com"], most: 30, marks: ".", takes_tags: true },
];

/// Reasons that no letter would arrive.
const BAD: [&str; 6] = ["disposable", "unknown_zone", "provider_rule", "null_mx", "no_mail_host", "no_such_domain"];

/// Whether a reason says that no letter would arrive.
///
/// ```
/// use leadgen_core::rules::verify::is_bad;
///
/// assert!(is_bad("null_mx") && !is_bad("temp_error"));
/// ```
pub fn is_bad(reason: &str) -> bool {
    BAD.contains(&reason)
}

fn judged(reason: &str, now: Timestamp) -> Verification {
    let state = match reason {
        "mx" => Deliverability::Valid,
        reason if is_bad(reason) => Deliverability::Invalid,
        _ => Deliverability::Unknown,
    };
    Verification { state, reason: reason.to_owned(), checked_at: Some(now) }
}

/// What the address itself says, without a look-up; `None`: nothing speaks against it.
pub fn without_lookup(address: &EmailAddress, now: Timestamp) -> Option<Verification> {
    let host = address.domain();
    if !has_known_suffix(host) {
        return Some(judged("unknown_zone", now));
    }
    if harvest::is_disposable(host) {
        return Some(judged("disposable", now));
    }
    let provider = PROVIDERS.iter().find(|provider| provider.hosts.contains(&host.as_str()))?;
    (!provider.allows(address.local())).then(|| judged("provider_rule", now))
}

impl Provider {
    fn allows(&self, local: &str) -> bool {
        let name = match local.split_once('+') {
            Some((name, _)) if self.takes_tags => name,
            _ => local,
        };
        let is_mark = |c: char| self.marks.contains(c);
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let pairs = name.chars().zip(name.chars().skip(1));
        name.len() <= self.most
            && edge(name.chars().next())
            && edge(name.chars().last())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || is_mark(c))
            && !pairs.into_iter().any(|(a, b)| is_mark(a) && a == b)
    }
}

/// What the records of its domain say. A name that is not there is asked for again an hour later before it is given up.
pub fn from_answer(answer: &MailHosts, before: &Verification, now: Timestamp) -> Verification {
    let was_missing = before.reason == "nxdomain" && before.checked_at.is_some_and(|at| now >= at + GONE);
    match answer {
        MailHosts::Records(records) if records.iter().any(|(_, host)| !host.trim_matches('.').is_empty()) => judged("mx", now),
        MailHosts::Records(records) if records.is_empty() => judged("no_mail_host", now),
        MailHosts::Records(_) | MailHosts::NullMx => judged("null_mx", now),
        MailHosts::Implicit => judged("implicit_mx", now),
        MailHosts::NoRecords => judged("no_mail_host", now),
        MailHosts::NxDomain if was_missing => judged("no_such_domain", now),
        // The first sight of its absence counts, not the latest.
        MailHosts::NxDomain if before.reason == "nxdomain" => before.clone(),
        MailHosts::NxDomain => judged("nxdomain", now),
        MailHosts::Timeout | MailHosts::ServFail => judged("temp_error", now),
    }
}

/// Whether an address should be looked at (again) before a letter is written.
pub fn wants_look(known: &Verification, now: Timestamp) -> bool {
    known.state == Deliverability::Unknown && known.reason != "implicit_mx" || known.checked_at.is_none_or(|at| now >= at + BELIEVED)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn reason(address: &str) -> Option<String> {
        without_lookup(&EmailAddress::parse(address).unwrap(), Timestamp::default()).map(|known| known.reason)
    }

    #[test]
    fn a_name_that_its_provider_never_allowed_is_refused() {
        for bad in ["a_b@yandex.ru", "-ivan@yandex.ru", "ivan-@ya.ru", &format!("{}@mail.ru", "a".repeat(32)), "a_b@gmail.com", "x!y@bk.ru"]
        {
            assert_eq!(reason(bad).as_deref(), Some("provider_rule"), "{bad}");
        }
        for good in ["ivan.petrov@yandex.ru", "79161234567@yandex.ru", "shop+site@ya.ru", "a_b@mail.ru", "ab@mail.ru", "info@firma.ru"] {
            assert_eq!(reason(good), None, "{good}");
        }
    }

    #[test]
    fn a_mailbox_that_lasts_minutes_or_a_zone_that_is_none_is_refused() {
        assert_eq!(reason("x@mailinator.com").as_deref(), Some("disposable"));
        assert_eq!(reason("x@firma.nozone").as_deref(), Some("unknown_zone"));
    }

    #[test]
    fn records_decide_and_an_outage_decides_nothing() {
        let (at, none) = (Timestamp::from_millis(0), Verification::not_checked());
        let judge = |answer: &MailHosts| from_answer(answer, &none, at).told();
        assert_eq!(judge(&MailHosts::Records(vec![(10, "mx.yandex.net.".into())])), "valid: mx");
        assert_eq!(judge(&MailHosts::Records(vec![(0, ".".into())])), "invalid: null_mx");
        assert_eq!(judge(&MailHosts::NullMx), "invalid: null_mx");
        assert_eq!(judge(&MailHosts::NoRecords), "invalid: no_mail_host");
        assert_eq!(judge(&MailHosts::Implicit), "unknown: implicit_mx");
        assert_eq!(judge(&MailHosts::Timeout), "unknown: temp_error");
    }

    #[test]
    fn a_domain_is_gone_when_it_is_missing_twice_an_hour_apart() {
        let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        let first = from_answer(&MailHosts::NxDomain, &Verification::not_checked(), at(0));
        let soon = from_answer(&MailHosts::NxDomain, &first, at(30));
        let later = from_answer(&MailHosts::NxDomain, &soon, at(60));
        assert_eq!([first.told(), soon.told(), later.told()], ["unknown: nxdomain", "unknown: nxdomain", "invalid: no_such_domain"]);
        assert!(
            wants_look(&soon, at(31)) && !wants_look(&from_answer(&MailHosts::Records(vec![(1, "mx.ru".into())]), &later, at(61)), at(62))
        );
    }
}
