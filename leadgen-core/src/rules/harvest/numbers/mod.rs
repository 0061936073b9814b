//! Phones in running text: digits in groups, judged by what stands before them and by the numbering plan.

mod kind;
mod lead;
mod local;
mod plans;
mod samples;

use rlibphonenumber::Region;

use crate::domain::name::Phone;
use crate::rules::normalize;

use super::decode::percent;
use super::text::before;
use lead::Lead;
use local::Local;

pub use kind::{country_code, kind};
pub(super) use samples::is_sample;

/// Phones taken of one text.
const MOST: usize = 500;
/// Groups of one number.
const MOST_GROUPS: usize = 12;

/// How far from a number the next one may be that shares its city code, in bytes.
const REACH: usize = 6;

/// A phone and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spotted {
    /// The number.
    pub phone: Phone,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Digits to dial after the call is taken.
    pub extension: Option<String>,
    /// Marked as a fax.
    pub is_fax: bool,
}

/// A group of digits.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: usize,
    end: usize,
    /// It stands in brackets, or in the brackets opened before it.
    bracketed: bool,
    /// What stands before it: the first sign.
    sign: u8,
}

impl Group {
    fn length(&self) -> usize {
        self.end - self.start
    }
}

/// Every phone in a text. Numbers without a country code are read by the country's plan.
///
/// ```
/// use leadgen_core::rules::harvest::phones_in;
///
/// let found = phones_in("Тел.: (495) 204-51-38, доб. 12; ИНН 7707083893", Some("RU"));
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].phone.as_str(), found[0].extension.as_deref()), ("+74952045138", Some("12")));
/// ```
pub fn find(text: &str, country: Option<&str>) -> Vec<Spotted> {
    let mut scan = Scan {
        text,
        bytes: text.as_bytes(),
        country,
        region: country.and_then(|country| country.parse().ok()),
        found: Vec::new(),
        area: None,
        towns: Vec::new(),
        locals: Vec::new(),
        groups: Vec::new(),
    };
    let mut at = 0;
    while let Some(start) = scan.next_start(at)
        && scan.found.len() < MOST
    {
        at = scan.judge(start);
    }
    scan.settle_locals();
    scan.found
}

/// The one number of a cell or a link (ENR-14), with what is dialled after it.
///
/// ```
/// use leadgen_core::rules::harvest::phone_in;
///
/// let desk = phone_in("tel:+74952045138;ext=12", None).unwrap();
/// assert_eq!((desk.phone.as_str(), desk.extension.as_deref()), ("+74952045138", Some("12")));
/// ```
pub fn one(text: &str, country: Option<&str>) -> Option<Spotted> {
    let phone = normalize::phone(text, country)?;
    let decoded = percent(text);
    let met = find(&decoded, country).into_iter().find(|spotted| spotted.phone == phone);
    let bare = Spotted { phone, start: 0, end: decoded.len(), extension: None, is_fax: false };
    let mut one = met.unwrap_or(bare);
    // A comma in a link is a pause: "+74952045138,12".
    let paused = decoded.get(one.end..).and_then(|rest| rest.trim().strip_prefix(','));
    let paused = paused.filter(|rest| (1..=6).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit()));
    one.extension = one.extension.or_else(|| paused.map(str::to_owned));
    Some(one)
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    country: Option<&'a str>,
    region: Option<Region>,
    found: Vec<Spotted>,
    /// The city code of the number before, and where that number ended.
    area: Option<(String, usize)>,
    /// City codes of the numbers found, and where those began.
    towns: Vec<(String, usize)>,
    /// Numbers without a code.
    locals: Vec<Local>,
    /// The groups being judged.
    groups: Vec<Group>,
}

impl Scan<'_> {
    /// The next digit, with the plus and bracket before it.
    fn next_start(&self, from: usize) -> Option<usize> {
        let digit = from + next_digit(self.bytes.get(from..)?)?;
        let mut start = digit;
        // A row of brackets belongs to nothing.
        while start > from && digit - start < 4 && matches!(self.bytes[start - 1], b'(' | b'+' | b'[') {
            start -= 1;
        }
        if start > from + 1 && self.bytes[start - 1] == b' ' && self.bytes[start - 2] == b'+' {
            start -= 2;
        }
        Some(start)
    }

    /// The groups of digits from here on.
    fn read_groups(&self, start: usize, groups: &mut Vec<Group>) {
        groups.clear();
        let (mut at, mut gap) = (start, 0);
        let (mut open, mut sign) = (false, b' ');
        while groups.len() < MOST_GROUPS && gap <= 4 {
            let Some(&byte) = self.bytes.get(at) else { break };
            match byte {
                b'0'..=b'9' => {
                    let end = at + self.bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                    groups.push(Group { start: at, end, bracketed: open, sign });
                    (at, gap, sign) = (end, 0, b' ');
                    continue;
                }
                b'+' if groups.is_empty() => {}
                b'(' | b'[' => (open, sign) = (true, byte),
                b')' | b']' => open = false,
                b' ' | b'-' | b'.' | b'/' if sign == b' ' => sign = byte,
                b' ' | b'-' | b'.' | b'/' => {}
                // Dashes of other kinds.
                0xE2 if matches!(self.bytes.get(at + 1..at + 3), Some([0x80, 0x90..=0x95] | [0x88, 0x92])) => {
                    at += 2;
                    sign = b'-';
                }
                // A dot at half height.
                0xC2 if self.bytes.get(at + 1) == Some(&0xB7) => {
                    at += 1;
                    sign = b'-';
                }
                _ => break,
            }
            gap += 1;
            at += 1;
        }
    }

    /// Judges the number that begins here; where to look on.
    fn judge(&mut self, start: usize) -> usize {
        let mut groups = std::mem::take(&mut self.groups);
        self.read_groups(start, &mut groups);
        let next = match groups.first() {
            Some(first) => self.judge_groups(start, *first, &groups),
            None => start + 1,
        };
        self.groups = groups;
        next
    }

    fn judge_groups(&mut self, start: usize, first: Group, groups: &[Group]) -> usize {
        let skip = first.end;
        let has_plus = self.bytes[start..first.start].contains(&b'+');
        if !has_plus && self.is_part(start) {
            return self.end_of_word(skip);
        }
        // Prices and years are the most numbers there are: too few digits, or too many in one piece.
        let count: usize = groups.iter().map(Group::length).sum();
        let is_next = self.area.as_ref().is_some_and(|(_, end)| start.saturating_sub(*end) <= REACH);
        let least = if is_next { 5 } else { 7 };
        if count < least || first.length() > 12 || !(is_next || self.may_fit(groups, has_plus)) {
            if !has_plus && (5..=20).contains(&count) && self.is_home() {
                self.note_local(start, groups);
            }
            return skip;
        }
        let lead = self.lead(start);
        if lead.is_other && !is_written_as_phone(groups, has_plus) {
            return skip;
        }
        let Some((phone, end, area)) = self.plan(groups, start, has_plus, lead).filter(|(phone, ..)| !is_sample(phone)) else {
            if !has_plus && self.is_home() {
                self.note_local(start, groups);
            }
            return skip;
        };
        // A letter right after the digits makes it another kind of number, unless an address is glued on.
        if self.bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) && !(is_written_as_phone(groups, has_plus) && self.is_address(end)) {
            return self.end_of_word(end);
        }
        let extension = extension(&self.text[end..]);
        if let Some(town) = area.as_ref().filter(|area| !area.starts_with('9') && *area != "800") {
            self.towns.push((town.clone(), start));
        }
        self.area = area.map(|area| (area, end));
        self.found.push(Spotted { phone, start, end, extension, is_fax: lead.is_fax });
        end
    }

    /// Part of a word, a path, a price, a number with a letter.
    fn is_part(&self, start: usize) -> bool {
        let previous = self.text[..start].chars().next_back().unwrap_or(' ');
        let is_sign = matches!(previous, '_' | '=' | '#' | '%' | '$' | '€' | '£' | '№' | '@' | '&' | '.' | ',' | '-' | '/');
        // "39-31-08,34-32-02": the sign parts two numbers.
        let parts_numbers = matches!(previous, ',' | '/') && self.found.last().is_some_and(|last| last.end + 1 == start);
        previous.is_ascii_alphanumeric() || (is_sign && self.touches(start) && !parts_numbers)
    }

    /// A dot, comma or hyphen right before the digits belongs to them only if a digit or letter stands before it.
    fn touches(&self, start: usize) -> bool {
        match self.bytes.get(start.wrapping_sub(1)) {
            Some(b'.' | b',') => start >= 2 && self.bytes[start - 2].is_ascii_digit(),
            Some(b'-' | b'/') => start >= 2 && self.bytes[start - 2].is_ascii_alphanumeric(),
            _ => true,
        }
    }

    /// Whether an e-mail address begins here.
    fn is_address(&self, at: usize) -> bool {
        let local = self.bytes[at..].iter().take(40).take_while(|b| b.is_ascii_alphanumeric() || b"._-".contains(b)).count();
        self.bytes[at].is_ascii_alphabetic() && self.bytes.get(at + local) == Some(&b'@')
    }

    fn end_of_word(&self, from: usize) -> usize {
        from + self.bytes[from..].iter().take_while(|b| b.is_ascii_alphanumeric()).count()
    }

    fn lead(&self, start: usize) -> Lead {
        let mut lead = before(self.text, start, 60);
        // Only what follows the last number counts.
        let last = self.found.last();
        if let Some(last) = last.filter(|last| last.end <= start && start - last.end < lead.len()) {
            lead = &lead[lead.len() - (start - last.end)..];
        }
        let carried = last.is_some_and(|last| last.is_fax && lead.chars().all(|c| !c.is_alphanumeric()) && start - last.end < 5);
        if let Some(at) = lead.rfind(|c: char| c.is_ascii_digit()) {
            lead = &lead[at + 1..];
        }
        let lead = Lead::of(lead);
        Lead { is_fax: lead.is_fax || carried, ..lead }
    }
}

/// Whether the signs between digits leave no doubt: a plus, a city code in brackets, "8-800-555-35-35". No account and no
/// article is written so, whatever the words before it speak of: "Заказ столиков: 8 (495) …".
fn is_written_as_phone(groups: &[Group], has_plus: bool) -> bool {
    let is_area = |group: &Group| group.bracketed && (3..=5).contains(&group.length());
    let is_prefixed = groups[0].length() == 1 && !groups[0].bracketed;
    let digits = |count: usize| groups[..count].iter().map(Group::length).sum::<usize>();
    has_plus
        || is_area(&groups[0])
        || (is_prefixed && groups.get(1).is_some_and(is_area))
        || (is_prefixed && (4..=groups.len()).any(|count| digits(count) == 11))
}

/// The first digit. Most pieces of a text have none; a loop without a way out is the cheapest way to see that.
fn next_digit(bytes: &[u8]) -> Option<usize> {
    const PIECE: usize = 32;
    let has_digit = |piece: &[u8]| piece.iter().fold(false, |found, byte| found | byte.is_ascii_digit());
    let at = bytes.chunks(PIECE).position(has_digit)? * PIECE;
    bytes[at..].iter().position(u8::is_ascii_digit).map(|digit| at + digit)
}

/// Digits after "доб.", "вн.", "ext".
fn extension(rest: &str) -> Option<String> {
    let rest = rest.get(..rest.floor_char_boundary(40))?.trim_start_matches([' ', ',', ';', '(', ')', '\u{A0}']);
    let lower = rest.to_lowercase();
    let word = ["добавочный", "доб", "внутр", "вн", "ext", "extension", "#"].iter().find(|word| lower.starts_with(**word))?;
    let after = lower[word.len()..].trim_start_matches(|c: char| !c.is_ascii_digit() && !c.is_control() || c == '.');
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    (1..=6).contains(&digits.len()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, country: &str) -> Vec<String> {
        find(text, Some(country)).into_iter().map(|spotted| spotted.phone.to_string()).collect()
    }

    #[test]
    fn russian_numbers_are_read_in_every_form() {
        for (text, wanted) in [
            ("8-800-555-09-90", "+78005550990"),
            ("+7.495.555.10.10", "+74955551010"),
            ("8 34350 5-11-12", "+73435051112"),
            ("тел: 495/555-12-12", "+74955551212"),
            ("(8352) 55-07-70", "+78352550770"),
            ("Тел./факс\t(343) 555-08-80, доб. 12", "+73435550880"),
            ("8(4922)777-476", "+74922777476"),
            ("8 (495)204–51–38", "+74952045138"),
            ("+7(903)204-51-38", "+79032045138"),
            ("Телефон: 89032045138", "+79032045138"),
            ("8‑800‑350‑89‑83", "+78003508983"),
            ("т. 903 204 51 38", "+79032045138"),
            ("+ 7 495 204 51 38", "+74952045138"),
            ("8 495 204·51·38", "+74952045138"),
            // Words that speak of other numbers, before what can be nothing but a phone.
            ("Гостиница «Берег»: (8152) 55-10-20, работает круглый год", "+78152551020"),
            ("Заказ столиков: 8 (495) 204-51-38", "+74952045138"),
            ("Узнать стоимость: +7 495 204-51-38", "+74952045138"),
            ("Договоры и счета: 8-800-350-89-83", "+78003508983"),
        ] {
            assert_eq!(of(text, "RU"), [wanted], "{text}");
        }
        assert_eq!(of("(4822) 33-91-79, 33-91-80", "RU"), ["+74822339179", "+74822339180"]);
        assert_eq!(of("(4822) 33-91-79,33-91-80,33-92-15", "RU"), ["+74822339179", "+74822339180", "+74822339215"]);
        assert_eq!(of("(484-2) 33-91-79, 33-91-80", "RU"), ["+74842339179", "+74842339180"]);
        assert_eq!(of("(4822) 33-91-79/33-91-80", "RU"), ["+74822339179", "+74822339180"]);
        assert_eq!(of("+7 (4822) 33-91-79zakaz@firma.ru", "RU"), ["+74822339179"]);
        assert_eq!(of("8 800 555-35-35 8 495 204-51-38", "RU"), ["+78005553535", "+74952045138"]);
    }

    #[test]
    fn numbers_of_other_kinds_are_no_phones() {
        for text in [
            "ИНН 8602998609",
            "ИНН/КПП\t6671003459 / 667101001",
            "БИК 046577674",
            "Р/с 40702810900000012345",
            "Артикул 8495555080800, заказ № 88005553535",
            "Приём 09:00-18:00, 12.03.2021-15.04.2021, цена 8 800 555 руб.",
            "версия 4.5.6.7890",
            "+7 (999) 999-99-99",
            "+7 (495) 123-45-67",
            "ОГРН 1027700132195",
            "id=89032045138",
            "M8.495 204.51 38",
            "c-8.9-52.2-33.5-99.7-71.3",
            "192.168.100.100",
        ] {
            assert_eq!(of(text, "RU"), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn other_countries_have_their_own_plans() {
        assert_eq!(of("Call (505) 326-1111 (970) 565-7972 or 800.949.3720", "US"), ["+15053261111", "+19705657972", "+18009493720"]);
        assert_eq!(of("Telefoon: 0114-643813 / 0800-2540000", "NL"), ["+31114643813", "+318002540000"]);
        assert_eq!(of("Tel: 0115 937 5349. © 2010-2014", "GB"), ["+441159375349"]);
        assert_eq!(of("+380 66 852 34 56; +44 20 7946 0958", "RU"), ["+380668523456", "+442079460958"]);
        assert_eq!(of("Mo-Fr 07.30-18.00, IBAN DE89 3704 0044 0532 0130 00", "DE"), Vec::<String>::new());
        assert_eq!(of("life:) 8 025 764-16-55", "BY"), ["+375257641655"]);
        assert_eq!(of("Tél. 01.42.68.53.00", "FR"), ["+33142685300"]);
        assert_eq!(of("SN 505-326-1111-02", "US"), Vec::<String>::new());
        assert_eq!(of("Order 5053261111-22, 10/12/2014 1234", "US"), Vec::<String>::new());
    }

    #[test]
    fn a_fax_is_told_apart() {
        let found = find("Тел.: (495) 204-51-38, факс: (495) 204-51-39. Тел./факс (495) 204-51-40", Some("RU"));
        assert_eq!(found.iter().map(|spotted| spotted.is_fax).collect::<Vec<_>>(), [false, true, false]);
    }
}
