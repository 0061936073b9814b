//! In what order contacts are given, which are kept, and which one letters go to.

use std::cmp::Ordering;

use crate::domain::contact::{ContactType, FoundContact};
use crate::rules::visit::KEPT;

/// Mailboxes of those who look for staff and of those who speak to newspapers: no offer ever goes there.
const NEVER: [&str; 19] = [
    "hr",
    "job",
    "jobs",
    "rabota",
    "resume",
    "rezume",
    "cv",
    "vacancy",
    "vacancies",
    "vakansii",
    "career",
    "careers",
    "kadry",
    "recruiting",
    "recruitment",
    "press",
    "pressa",
    "smi",
    "presscenter",
];
/// Other shared mailboxes that offers don't belong into.
const NOT_FOR_OFFERS: [&str; 11] =
    ["pr", "buh", "buhgalter", "buhgalteria", "privacy", "dpo", "webmaster", "accounting", "legal", "security", "finance"];
/// Those who help customers: they come after people.
const FOR_CUSTOMERS: [&str; 8] = ["support", "help", "helpdesk", "service", "servis", "remont", "customerservice", "techsupport"];
/// Those who sell.
const SALES: [&str; 12] = ["sales", "sale", "sbyt", "prodazhi", "prodaja", "zakaz", "zakazy", "order", "orders", "opt", "optom", "b2b"];
/// Those who decide.
const DIRECTORS: [&str; 8] = ["director", "dir", "direktor", "ceo", "gendir", "head", "boss", "gd"];

/// Whom a mailbox belongs to, the best for an offer first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reader {
    /// Who sells.
    Sales,
    /// The firm as a whole.
    General,
    /// Who decides.
    Director,
    /// Nobody knows.
    Unknown,
    /// A person by name.
    Personal,
    /// Those who help customers.
    Support,
    /// Bookkeepers, lawyers, keepers of the site.
    Office,
    /// Staff is looked for here, or newspapers are answered: no letter goes there.
    Never,
}

impl Reader {
    /// Who reads the mail of an address of some kind.
    pub fn of(address: &str, kind: &str) -> Self {
        let local = address.split('@').next().unwrap_or("");
        let parts = || local.split(['.', '_', '-', '+']).map(|part| part.trim_matches(|c: char| c.is_ascii_digit()));
        let is = |words: &[&str]| parts().any(|part| words.contains(&part));
        match kind {
            _ if is(&NEVER) => Self::Never,
            _ if is(&NOT_FOR_OFFERS) => Self::Office,
            _ if is(&FOR_CUSTOMERS) => Self::Support,
            "personal" => Self::Personal,
            _ if is(&SALES) => Self::Sales,
            _ if is(&DIRECTORS) => Self::Director,
            "role" => Self::General,
            _ => Self::Unknown,
        }
    }
}

/// Whether letters may go to an address at all. What a person put on a list stands above what its name says.
///
/// ```
/// use leadgen_core::rules::rank::may_be_primary;
///
/// assert!(may_be_primary("info@firma.ru", "mailto") && may_be_primary("hr@firma.ru", "import"));
/// assert!(!may_be_primary("hr@firma.ru", "mailto"));
/// ```
pub fn may_be_primary(address: &str, origin: &str) -> bool {
    origin == "import" || Reader::of(address, "") != Reader::Never
}

/// Why a company has no address: too many sites show the one it has.
pub const SHARED: &str = "shared_address";
/// Sites of so many firms that show one address make it none's of them.
const SHARED_BY: usize = 5;

/// Whether an address that one company has is shown by so many others that it is an agency's or a template's.
pub fn is_shared(others: usize) -> bool {
    others + 1 >= SHARED_BY
}

/// An address that letters may go to.
#[derive(Clone, Debug)]
pub struct Candidate<Key> {
    /// Whose it is in a store.
    pub key: Key,
    /// The address.
    pub value: String,
    /// `role`, `personal` or `unknown`.
    pub kind: String,
    /// Its score.
    pub score: f64,
    /// When it was first seen.
    pub since: i64,
    /// Where it stood among those found.
    pub place: usize,
}

impl<Key> Candidate<Key> {
    /// The better one first: by score, then by who reads it; of two that are equal the older one, then the one found first.
    pub fn order(&self, other: &Self) -> Ordering {
        let rest = |one: &Self| (Reader::of(&one.value, &one.kind), one.since, one.place);
        other.score.total_cmp(&self.score).then_with(|| rest(self).cmp(&rest(other))).then_with(|| self.value.cmp(&other.value))
    }
}

/// The best contacts first, e-mails before phones. Each comes with the place where it was met; ties go to who
/// is the better reader of an offer, then to the earlier one.
pub fn best(mut contacts: Vec<(FoundContact, usize)>) -> Vec<FoundContact> {
    for (contact, _) in &mut contacts {
        if contact.contact_type == ContactType::Email {
            contact.score = (contact.score + preference(contact)).clamp(0.05, 0.99);
        } else if contact.kind == "fax" {
            contact.score = (contact.score - 0.50).max(0.05);
        }
        contact.score = (contact.score * 100.0).round() / 100.0;
    }
    let turn = |contact: &FoundContact| (contact.contact_type == ContactType::Email).then(|| Reader::of(&contact.value, &contact.kind));
    contacts.sort_by(|(a, met_a), (b, met_b)| b.score.total_cmp(&a.score).then_with(|| (turn(a), met_a).cmp(&(turn(b), met_b))));
    let of = |kind: ContactType| contacts.iter().filter(move |(c, _)| c.contact_type == kind).map(|(c, _)| c.clone());
    of(ContactType::Email).chain(of(ContactType::Phone)).collect()
}

/// Up to three e-mails and three phones, of contacts that are in order. A fax is no phone.
pub fn kept(contacts: Vec<FoundContact>) -> Vec<FoundContact> {
    let (mut emails, mut phones) = (0, 0);
    let takes = |contact: &FoundContact| {
        let count = match contact.contact_type {
            ContactType::Email => &mut emails,
            ContactType::Phone if contact.kind == "fax" => return false,
            ContactType::Phone => &mut phones,
        };
        *count += 1;
        *count <= KEPT
    };
    let mut takes = takes;
    contacts.into_iter().filter(|contact| takes(contact)).collect()
}

fn preference(contact: &FoundContact) -> f64 {
    match Reader::of(&contact.value, &contact.kind) {
        Reader::Never | Reader::Office => -0.40,
        Reader::Support => -0.06,
        Reader::Personal => -0.05,
        Reader::Unknown => 0.0,
        Reader::Sales | Reader::General | Reader::Director => 0.02,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(value: &str, kind: &str, score: f64) -> FoundContact {
        FoundContact {
            contact_type: ContactType::Email,
            value: value.to_owned(),
            kind: kind.to_owned(),
            origin: "mailto".into(),
            score,
            source_url: String::new(),
            snippet: String::new(),
            page_hash: String::new(),
            extension: None,
        }
    }

    #[test]
    fn offers_go_to_who_sells_before_who_decides_and_to_staff_seekers_never() {
        let order =
            ["opt@f.ru", "info@f.ru", "direktor@f.ru", "romashka@f.ru", "ivan.petrov@f.ru", "support2@f.ru", "buh@f.ru", "hr-moscow@f.ru"];
        let kinds = ["role", "role", "role", "unknown", "personal", "role", "role", "role"];
        let readers: Vec<Reader> = order.iter().zip(kinds).map(|(value, kind)| Reader::of(value, kind)).collect();
        assert!(readers.windows(2).all(|pair| pair[0] < pair[1]), "{readers:?}");
        for never in ["hr@f.ru", "job@f.ru", "jobs2@f.ru", "resume@f.ru", "press@f.ru", "kadry.msk@f.ru"] {
            assert!(!may_be_primary(never, "mailto"), "{never}");
        }
        assert!(may_be_primary("hrustal@f.ru", "mailto") && may_be_primary("express@f.ru", "mailto"), "a part of a word says nothing");
    }

    #[test]
    fn who_helps_customers_stands_behind_the_firm() {
        let met = |value: &str, kind: &str, at: usize| (email(value, kind, 0.90), at);
        let given = best(vec![
            met("support@f.ru", "role", 0),
            met("press@f.ru", "role", 1),
            met("info@f.ru", "role", 2),
            met("sales@f.ru", "role", 3),
        ]);
        let order: Vec<&str> = given.iter().map(|contact| contact.value.as_str()).collect();
        assert_eq!(order, ["sales@f.ru", "info@f.ru", "support@f.ru", "press@f.ru"]);
    }

    #[test]
    fn of_two_with_one_score_the_reader_counts_and_then_the_age() {
        let one = |value: &str, kind: &str, score: f64, since: i64| Candidate {
            key: (),
            value: value.into(),
            kind: kind.into(),
            score,
            since,
            place: 0,
        };
        let sales = one("sales@f.ru", "role", 0.9, 5);
        assert_eq!(sales.order(&one("info@f.ru", "role", 0.9, 1)), Ordering::Less);
        assert_eq!(sales.order(&one("info@f.ru", "role", 0.91, 1)), Ordering::Greater, "the score comes first");
        assert_eq!(sales.order(&one("zakaz@f.ru", "role", 0.9, 1)), Ordering::Greater, "the older of two equal ones");
    }
}
