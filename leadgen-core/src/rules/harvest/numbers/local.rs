//! Numbers without a city code: "ПУЛЬТ: 60-02-03". The code stands elsewhere on the page: before another number of the same
//! town, or by itself ("код города 4822").

use crate::domain::name::Phone;

use super::plans::national;
use super::{Group, Lead, Scan, Spotted, is_sample};

/// Numbers without a code kept of one text.
const MOST: usize = 50;
/// How far from the word the digits of a code may stand, in bytes.
const CODE_REACH: usize = 40;

/// A number that waits for its code.
#[derive(Debug)]
pub(super) struct Local {
    digits: String,
    start: usize,
    end: usize,
    is_fax: bool,
    /// A word before it says that it is a phone.
    is_told: bool,
}

impl Scan<'_> {
    /// Keeps a number that is whole but for its code: "60-02-03", "2-60-02-03".
    pub(super) fn note_local(&mut self, start: usize, groups: &[Group]) {
        let lengths = |count: usize| groups.get(..count).map(|groups| groups.iter().map(Group::length));
        let shape: &[usize] = match groups[0].length() {
            1 => &[1, 2, 2],
            2 => &[2, 2, 2],
            3 => &[3, 2, 2],
            _ => return,
        };
        let is_joined = |group: &Group| group.sign == b'-' && !group.bracketed;
        let fits = lengths(3).is_some_and(|found| found.eq(shape.iter().copied()))
            && !groups[0].bracketed
            && groups[1..3].iter().all(is_joined)
            && !groups.get(3).is_some_and(is_joined);
        if !fits || self.locals.len() >= MOST {
            return;
        }
        let end = groups[2].end;
        let Lead { is_phone, is_fax, is_other } = self.lead(start);
        if is_other || self.bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            return;
        }
        let digits = groups[..3].iter().map(|group| &self.text[group.start..group.end]).collect();
        self.locals.push(Local { digits, start, end, is_fax, is_told: is_phone });
    }

    /// Gives the numbers that wait the code of their town: of the number before them, else of the page.
    pub(super) fn settle_locals(&mut self) {
        let locals = std::mem::take(&mut self.locals);
        if locals.is_empty() {
            return;
        }
        let told = told_code(self.text);
        let count = self.found.len();
        for local in locals {
            let fits = |area: &&String| area.len() + local.digits.len() == 10;
            let before = self.towns.iter().rev().find(|(_, at)| *at < local.start).map(|(area, _)| area);
            let area = before.filter(fits).or(told.as_ref().filter(fits)).or_else(|| self.towns.first().map(|(area, _)| area).filter(fits));
            let Some(phone) = area.and_then(|area| national(&format!("{area}{}", local.digits))).filter(|phone| !is_sample(phone)) else {
                continue;
            };
            // Digits in such groups are dates and sizes too: a word has to speak for them, or a number of the same exchange.
            if local.is_told || self.found.iter().any(|known| is_neighbour(&known.phone, &phone)) {
                let Local { start, end, is_fax, .. } = local;
                self.found.push(Spotted { phone, start, end, extension: super::extension(&self.text[end..]), is_fax });
            }
        }
        if self.found.len() > count {
            self.found.sort_by_key(|spotted| spotted.start);
        }
    }
}

/// Whether two numbers differ in their last two digits at most.
fn is_neighbour(known: &Phone, other: &Phone) -> bool {
    let (known, other) = (known.as_str(), other.as_str());
    known.len() == other.len() && known[..known.len() - 2] == other[..other.len() - 2]
}

/// The code that a text tells by itself: "код города 4822", "(код 347)".
fn told_code(text: &str) -> Option<String> {
    ["код", "Код"].iter().flat_map(|word| memchr::memmem::find_iter(text.as_bytes(), *word)).take(20).find_map(|at| {
        let rest = &text[at + "код".len()..];
        let line = &rest[..rest.floor_char_boundary(CODE_REACH.min(rest.len()))];
        let line = line.split('\n').next().unwrap_or("");
        let from = line.find(|c: char| c.is_ascii_digit())?;
        let digits: String = line[from..].chars().take_while(char::is_ascii_digit).collect();
        let next = line[from + digits.len()..].chars().next();
        let is_alone = next.is_none_or(|c| !c.is_alphanumeric() && c != '-');
        let is_spaced = line[..from].chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | ':' | '.' | '(' | '-' | '–' | '\t'));
        let begins = digits.starts_with(['3', '4', '8']) && !digits.starts_with("800");
        ((3..=5).contains(&digits.len()) && is_alone && is_spaced && begins).then_some(digits)
    })
}

#[cfg(test)]
mod tests {
    use super::super::find;

    #[test]
    fn a_number_without_its_code_takes_the_code_of_the_page() {
        for (text, wanted) in [
            ("Код города: 4852\nПриёмная\t72-10-20", &["+74852721020"][..]),
            ("Тел. 220-10-20, 220-10-21 (код Перми 342)", &["+73422201020", "+73422201021"]),
            ("Тел.: (8352) 62-10-20\nСклад тел.: 45-30-31", &["+78352621020", "+78352453031"]),
            ("Тел.: (8352) 62-10-20\nСклад: 62-10-21", &["+78352621020", "+78352621021"]),
            ("(4012) 53-10-20\nКалининград\n(8112) 66-10-20\nтел. 66-30-40", &["+74012531020", "+78112661020", "+78112663040"]),
            // A date, a size, another kind of number; a town's code of another length.
            ("Тел.: (8352) 62-10-20\nС 12-05-20, профиль 58-70-82 мм", &["+78352621020"]),
            ("Тел.: (8352) 62-10-20, заказ 45-30-31", &["+78352621020"]),
            ("тел. (495) 204-51-38\nтел. 45-30-31", &["+74952045138"]),
            ("тел. 45-30-31", &[]),
            ("Код товара 48520, тел. 72-10-20", &[]),
        ] {
            let found: Vec<String> = find(text, Some("RU")).into_iter().map(|spotted| spotted.phone.to_string()).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }
}
