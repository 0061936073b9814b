//! In what order contacts are given, and which are kept.

use crate::domain::contact::{ContactType, FoundContact};

/// Contacts of one kind that are kept.
const KEPT: usize = 3;
/// Shared mailboxes that offers don't belong into.
const NOT_FOR_OFFERS: [&str; 22] = [
    "hr",
    "job",
    "jobs",
    "resume",
    "rabota",
    "press",
    "pr",
    "buh",
    "buhgalter",
    "buhgalteria",
    "privacy",
    "dpo",
    "webmaster",
    "vacancy",
    "vacancies",
    "career",
    "careers",
    "kadry",
    "cv",
    "accounting",
    "legal",
    "security",
];

/// The best contacts first, e-mails before phones. Each comes with the place where it was met; ties go to the earlier one.
pub fn best(mut contacts: Vec<(FoundContact, usize)>) -> Vec<FoundContact> {
    for (contact, _) in &mut contacts {
        if contact.contact_type == ContactType::Email {
            contact.score = (contact.score + preference(contact)).clamp(0.05, 0.99);
        } else if contact.kind == "fax" {
            contact.score = (contact.score - 0.50).max(0.05);
        }
        contact.score = (contact.score * 100.0).round() / 100.0;
    }
    contacts.sort_by(|(a, met_a), (b, met_b)| b.score.total_cmp(&a.score).then(met_a.cmp(met_b)));
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
    let local = contact.value.split('@').next().unwrap_or("");
    if local.split(['.', '_', '-', '+']).any(|part| NOT_FOR_OFFERS.contains(&part)) {
        return -0.40;
    }
    match contact.kind.as_str() {
        "role" => 0.02,
        "personal" => -0.05,
        _ => 0.0,
    }
}
