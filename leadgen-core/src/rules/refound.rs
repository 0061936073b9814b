//! Kept pages of a site were read again: what differs from what is stored.

use std::collections::BTreeSet;

use crate::domain::contact::{ContactType, Findings, FoundContact};
use crate::domain::page::FindingsDiff;
use crate::rules::visit::KEPT;

/// A contact as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What was found.
    pub found: FoundContact,
    /// A letter was written there.
    pub is_used: bool,
}

/// The numbers of a company as they are stored.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// ИНН.
    pub inn: Option<String>,
    /// ОГРН.
    pub ogrn: Option<String>,
    /// КПП.
    pub kpp: Option<String>,
}

/// What a reading changes. `elsewhere` are contacts that belong to other companies; `pages` the addresses of the pages that
/// were read: what was found on no page of them is not judged by them.
pub fn difference(
    stored: &[Stored],
    numbers: &Numbers,
    elsewhere: &BTreeSet<String>,
    pages: &BTreeSet<String>,
    findings: &Findings,
) -> FindingsDiff {
    let mut diff = FindingsDiff::default();
    let of = |kind: ContactType| findings.contacts.iter().filter(move |found| found.contact_type == kind).take(KEPT);
    let found: Vec<&FoundContact> = of(ContactType::Email).chain(of(ContactType::Phone)).collect();
    for seen in &found {
        let known = stored.iter().find(|known| known.found.contact_type == seen.contact_type && known.found.value == seen.value);
        match known {
            _ if elsewhere.contains(&seen.value) => diff.elsewhere.push(seen.value.clone()),
            None => diff.added.push(seen.value.clone()),
            // A person's own list stands above what a page says.
            Some(known) if known.found.origin == "import" || is_same(&known.found, seen) => diff.same += 1,
            Some(_) => diff.changed.push(seen.value.clone()),
        }
    }
    for known in stored.iter().filter(|known| pages.contains(&known.found.source_url)) {
        if found.iter().all(|seen| seen.value != known.found.value) {
            if known.is_used { diff.kept.push(known.found.value.clone()) } else { diff.removed.push(known.found.value.clone()) }
        }
    }
    let pairs = [("inn", &numbers.inn, &findings.inn), ("ogrn", &numbers.ogrn, &findings.ogrn), ("kpp", &numbers.kpp, &findings.kpp)];
    for (name, old, new) in pairs {
        if let Some(new) = new.as_ref().filter(|new| old.as_ref() != Some(new)) {
            diff.numbers.push(format!("{name} {} → {new}", old.as_deref().unwrap_or("none")));
        }
    }
    for list in [&mut diff.removed, &mut diff.kept] {
        list.sort();
    }
    diff
}

fn is_same(known: &FoundContact, seen: &FoundContact) -> bool {
    let told =
        |one: &FoundContact| (one.origin.clone(), one.kind.clone(), one.source_url.clone(), one.snippet.clone(), one.extension.clone());
    told(known) == told(seen) && (known.score - seen.score).abs() < 1e-9
}
