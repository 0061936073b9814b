//! Numbering plans: how many digits make a number, and what has to speak for it.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use crate::domain::name::Phone;
use crate::rules::normalize;

use super::super::text::line;
use super::{Group, Lead, REACH, Scan};

/// A number, where it ends, and its city code.
pub(super) type Planned = (Phone, usize, Option<String>);

impl Scan<'_> {
    /// Whether some groups from the first on can make a number: most digits of a page can't.
    pub(super) fn may_fit(&self, groups: &[Group], has_plus: bool) -> bool {
        if has_plus || !self.is_home() {
            return true;
        }
        let first = self.bytes.get(groups[0].start).copied().unwrap_or(0);
        let fits =
            |length: usize| (length == 11 && matches!(first, b'7' | b'8')) || (length == 10 && matches!(first, b'3' | b'4' | b'8' | b'9'));
        (1..=groups.len()).any(|count| fits(length(&groups[..count])))
    }

    /// The number that the groups make.
    pub(super) fn plan(&self, groups: &[Group], start: usize, has_plus: bool, lead: Lead) -> Option<Planned> {
        self.shared_area(groups, start).or_else(|| self.russian(groups, has_plus, lead)).or_else(|| self.foreign(groups, has_plus, lead))
    }

    /// Russia and Kazakhstan share a plan.
    pub(super) fn is_home(&self) -> bool {
        matches!(self.country, None | Some("RU" | "KZ"))
    }

    fn digits(&self, groups: &[Group]) -> String {
        groups.iter().map(|group| &self.text[group.start..group.end]).collect()
    }

    /// "(4822) 33-91-79, 33-91-80": the second number shares the city code.
    fn shared_area(&self, groups: &[Group], start: usize) -> Option<Planned> {
        let (area, end) = self.area.as_ref()?;
        let between = self.text.get(*end..start).filter(|between| between.len() <= REACH)?;
        let joins = between.chars().all(|c| matches!(c, ',' | ';' | '/' | ' ' | 'и' | '\n' | '\t'))
            && between.contains([',', ';', '/', 'и', '\n', '\t']);
        let local = 10 - area.len();
        if !joins || groups.len() < 2 || groups[0].bracketed || groups[0].length() > 3 {
            return None;
        }
        let count = (2..=groups.len()).find(|count| length(&groups[..*count]) == local)?;
        if groups[1..count].iter().any(|group| group.length() != 2) {
            return None;
        }
        let phone = national(&format!("{area}{}", self.digits(&groups[..count])))?;
        Some((phone, groups[count - 1].end, Some(area.clone())))
    }

    /// The city code in brackets: "(4822)", "(841-2)".
    fn area_in(&self, groups: &[Group]) -> Option<String> {
        let from = groups.iter().position(|group| group.bracketed && group.length() >= 3)?;
        let code: Vec<Group> = groups[from..].iter().copied().take_while(|group| group.bracketed).collect();
        Some(self.digits(&code)).filter(|code| (3..=5).contains(&code.len()))
    }

    fn russian(&self, groups: &[Group], has_plus: bool, lead: Lead) -> Option<Planned> {
        let first = &self.text[groups[0].start..groups[0].end];
        if has_plus && !first.starts_with('7') || (!has_plus && !self.is_home()) {
            return None;
        }
        let is_area = groups[0].bracketed && (3..=5).contains(&first.len()) && !has_plus;
        if !is_area && first.starts_with(['7', '8']) {
            self.with_prefix(groups, first, has_plus, lead)
        } else {
            self.without_prefix(groups, first, is_area, lead)
        }
    }

    /// Eleven digits from +7, 7 or 8 on.
    fn with_prefix(&self, groups: &[Group], first: &str, has_plus: bool, lead: Lead) -> Option<Planned> {
        let count = (1..=groups.len()).find(|count| length(&groups[..*count]) == 11)?;
        let taken = &groups[..count];
        // Digits in one piece are a phone where something says so.
        let told = || {
            let (from, to) = line(self.text, groups[0].start);
            has_plus || lead.is_phone || (first.starts_with('8') && to - from <= 60)
        };
        let is_long = first.len() > 4 && first.len() < 11;
        if (count == 1 && !told()) || (!has_plus && is_long && count > 1 && !lead.is_phone) {
            return None;
        }
        let spaced = || groups.get(1).filter(|group| first.len() == 1 && (3..=5).contains(&group.length()));
        let area = self.area_in(taken).or_else(|| spaced().map(|group| self.text[group.start..group.end].to_owned()));
        Some((national(&self.digits(taken)[1..])?, taken[count - 1].end, area))
    }

    /// Ten digits: the city code comes first.
    fn without_prefix(&self, groups: &[Group], first: &str, is_area: bool, lead: Lead) -> Option<Planned> {
        let count = (1..=groups.len()).find(|count| length(&groups[..*count]) == 10)?;
        let taken = &groups[..count];
        let text = self.digits(taken);
        let lengths: Vec<usize> = taken.iter().map(Group::length).collect();
        let is_shape = lengths == [3, 3, 2, 2] && taken[1..].iter().all(|group| group.sign != b'.');
        let is_code = (3..=5).contains(&first.len());
        let told = is_area || (lead.is_phone && (is_code || text.starts_with('9'))) || is_shape;
        if !told || !text.starts_with(['3', '4', '8', '9']) {
            return None;
        }
        let area = self.area_in(taken).or_else(|| is_code.then(|| first.to_owned()));
        Some((national(&text)?, taken[count - 1].end, area))
    }

    fn foreign(&self, groups: &[Group], has_plus: bool, lead: Lead) -> Option<Planned> {
        let first = &self.text[groups[0].start..groups[0].end];
        if (has_plus && first.starts_with('7')) || (!has_plus && self.is_home()) {
            return None;
        }
        if !has_plus && (self.goes_on_from(groups[0]) || are_hours(groups)) {
            return None;
        }
        // A bracket after enough digits opens another number.
        let next = (1..groups.len()).find(|at| groups[*at].sign == b'(' && length(&groups[..*at]) >= 7);
        let groups = &groups[..next.unwrap_or(groups.len())];
        for count in (1..=groups.len()).rev() {
            let taken = &groups[..count];
            if (7..=15).contains(&length(taken)) && self.is_told(taken, has_plus, lead) {
                let number = self.digits(taken);
                let written = if has_plus { format!("+{number}") } else { number };
                if let Some(phone) = self.valid(&written, has_plus) {
                    return Some((phone, taken[count - 1].end, None));
                }
            }
        }
        None
    }

    /// Whether digits go on from a longer row that is no phone: the tail of an account.
    fn goes_on_from(&self, first: Group) -> bool {
        let before = self.text[..first.start].trim_end_matches(' ');
        // One digit alone may be what is dialled first: "8 025 …".
        let is_row = before.bytes().rev().take(3).filter(u8::is_ascii_digit).count() == 3;
        !first.bracketed && is_row && self.found.last().is_none_or(|last| last.end != before.len())
    }

    /// Whether anything says that groups of digits are a phone of the country.
    fn is_told(&self, groups: &[Group], has_plus: bool, lead: Lead) -> bool {
        if has_plus {
            return true;
        }
        let is_nanp = matches!(self.country, Some("US" | "CA"));
        let end = groups.last().map_or(0, |group| group.end);
        let lengths: Vec<usize> = groups.iter().map(Group::length).collect();
        let shaped = match lengths.as_slice() {
            [3, 3, 4] | [1, 3, 3, 4] => true,
            [10 | 11] | [3, 7] | [1, 10] => lead.is_phone,
            _ => !is_nanp,
        };
        let begins = self.bytes.get(groups[0].start) == Some(&b'0') && groups.len() > 1;
        // "505-326-1111-02" goes on: it is an article.
        let goes_on = is_nanp && self.bytes.get(end) == Some(&b'-') && self.bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        let told = groups[0].bracketed || lead.is_phone || (is_nanp && shaped) || begins;
        told && !goes_on && (!is_nanp || shaped) && !looks_like_a_date(&lengths, groups)
    }

    fn valid(&self, written: &str, has_plus: bool) -> Option<Phone> {
        let number = PHONE_NUMBER_UTIL.parse(written, self.region.filter(|_| !has_plus)).ok()?;
        let is_valid = PHONE_NUMBER_UTIL.is_valid_number(&number);
        is_valid.then(|| Phone::parse(&PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164)).ok()).flatten()
    }
}

/// Digits in some groups.
fn length(groups: &[Group]) -> usize {
    groups.iter().map(Group::length).sum()
}

/// "07.30-18.00": when a shop is open.
fn are_hours(groups: &[Group]) -> bool {
    let Some([a, b, c, d]) = groups.first_chunk::<4>() else { return false };
    let is_time = |hour: &Group, minute: &Group| hour.length() <= 2 && minute.length() == 2 && minute.sign == b'.';
    is_time(a, b) && is_time(c, d) && c.sign != b'.'
}

fn looks_like_a_date(lengths: &[usize], groups: &[Group]) -> bool {
    let signs_alike = groups.windows(2).skip(1).all(|pair| pair[0].sign == pair[1].sign);
    signs_alike && matches!(lengths, [2, 2, 4] | [4, 2, 2] | [2, 2, 2] | [4, 4] | [1, 2, 4] | [2, 1, 4] | [1, 1, 4])
}

/// A Russian number of ten digits.
pub(super) fn national(digits: &str) -> Option<Phone> {
    normalize::phone(&format!("+7{digits}"), None)
}
