//! Which contacts are kept, and in what order.

use crate::domain::contact::{ContactType, FoundContact};
use crate::domain::name::DomainName;

/// Contacts of one kind that are kept.
const KEPT: usize = 3;
/// Shared mailboxes that offers don't belong into.
const NOT_FOR_OFFERS: [&str; 14] =
    ["hr", "job", "jobs", "resume", "rabota", "press", "pr", "buh", "buhgalter", "privacy", "dpo", "webmaster", "vacancy", "career"];

/// The best contacts, e-mails first. Each comes with the place where it was met; ties go to the earlier one.
pub fn best(mut contacts: Vec<(FoundContact, usize)>, _site: Option<&DomainName>) -> Vec<FoundContact> {
    for (contact, _) in &mut contacts {
        if contact.contact_type == ContactType::Email {
            contact.score = (contact.score + preference(contact)).clamp(0.0, 0.99);
            contact.score = (contact.score * 100.0).round() / 100.0;
        }
    }
    contacts.sort_by(|(a, met_a), (b, met_b)| b.score.total_cmp(&a.score).then(met_a.cmp(met_b)));
    let of = |kind: ContactType| contacts.iter().filter(move |(c, _)| c.contact_type == kind).map(|(c, _)| c.clone()).take(KEPT);
    of(ContactType::Email).chain(of(ContactType::Phone)).collect()
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
