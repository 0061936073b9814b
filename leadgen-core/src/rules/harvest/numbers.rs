//! Phones in running text: digits in groups, judged by what stands before them and by the numbering plan.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use crate::domain::name::Phone;
use crate::rules::normalize;

use super::text::before;

/// Phones taken of one text.
const MOST: usize = 500;
/// Groups of one number.
const MOST_GROUPS: usize = 12;

/// Words that say a number is a phone.
const PHONE_WORDS: [&str; 36] = [
    "тел",
    "моб",
    "сот",
    "звон",
    "факс",
    "горяч",
    "т.",
    "т:",
    "ватсап",
    "вайбер",
    "диспетчер",
    "приемн",
    "приёмн",
    "номер телефона",
    "tel",
    "phone",
    "mob",
    "cell",
    "call",
    "fax",
    "whatsapp",
    "viber",
    "hotline",
    "toll",
    "t:",
    "p:",
    "m:",
    "ph:",
    "ph.",
    "t.",
    "office",
    "контакт",
    "contact",
    "bel",
    "☎",
    "📞",
];
/// Words that say it is none.
const OTHER_WORDS: [&str; 62] = [
    "инн",
    "огрн",
    "кпп",
    "окпо",
    "оквэд",
    "окато",
    "октмо",
    "бик",
    "р/с",
    "к/с",
    "р/сч",
    "к/сч",
    "расч",
    "корр",
    "счет",
    "счёт",
    "лиценз",
    "артикул",
    "арт.",
    "заказ",
    "гост",
    "снилс",
    "№",
    "серия",
    "паспорт",
    "индекс",
    "свидетельств",
    "договор",
    "приказ",
    "сертификат",
    "патент",
    "код ",
    "уин",
    "кбк",
    "руб",
    "цена",
    "стоимость",
    "isbn",
    "issn",
    "kvk",
    "k.v.k",
    "btw",
    "iban",
    "swift",
    "bic",
    "vat",
    "ogrn",
    "inn",
    "license",
    "licence",
    "lic.",
    "lic#",
    "reg.",
    "reg no",
    "registration",
    "company no",
    "ein",
    "sku",
    "model",
    "item",
    "part no",
    "id:",
];

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
    };
    let mut at = 0;
    while let Some(start) = scan.next_start(at)
        && scan.found.len() < MOST
    {
        at = scan.judge(start);
    }
    scan.found
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    country: Option<&'a str>,
    region: Option<Region>,
    found: Vec<Spotted>,
    /// The city code of the number before, and where that number ended.
    area: Option<(String, usize)>,
}

/// What the words before a number say.
#[derive(Clone, Copy, Default)]
struct Lead {
    is_phone: bool,
    is_fax: bool,
    is_other: bool,
}

impl Scan<'_> {
    /// The next digit, with the plus and bracket before it.
    fn next_start(&self, from: usize) -> Option<usize> {
        let digit = from + self.bytes.get(from..)?.iter().position(u8::is_ascii_digit)?;
        let mut start = digit;
        while start > from && matches!(self.bytes[start - 1], b'(' | b'+' | b'[') {
            start -= 1;
        }
        if start > from + 1 && self.bytes[start - 1] == b' ' && self.bytes[start - 2] == b'+' {
            start -= 2;
        }
        Some(start)
    }

    fn groups(&self, start: usize) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut at = start;
        let (mut open, mut sign) = (false, b' ');
        let mut gap = 0;
        while groups.len() < MOST_GROUPS {
            let Some(&byte) = self.bytes.get(at) else { break };
            match byte {
                b'0'..=b'9' => {
                    let end = at + self.bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                    groups.push(Group { start: at, end, bracketed: open, sign });
                    (at, gap, sign) = (end, 0, b' ');
                    continue;
                }
                b'+' if groups.is_empty() => {}
                b'(' | b'[' => {
                    open = true;
                    sign = byte;
                }
                b')' | b']' => open = false,
                b' ' | b'-' | b'.' | b'/' => {
                    if sign == b' ' {
                        sign = byte;
                    }
                }
                // Dashes of other kinds.
                0xE2 if matches!(self.bytes.get(at + 1..at + 3), Some([0x80, 0x90..=0x95] | [0x88, 0x92])) => {
                    at += 2;
                    sign = b'-';
                }
                _ => break,
            }
            gap += 1;
            at += 1;
            if gap > 4 {
                break;
            }
        }
        groups
    }

    /// Judges the number that begins here; where to look on.
    fn judge(&mut self, start: usize) -> usize {
        let groups = self.groups(start);
        let Some(first) = groups.first() else { return start + 1 };
        let skip = first.end;
        let has_plus = self.bytes[start..first.start].contains(&b'+');
        let previous = self.text[..start].chars().next_back().unwrap_or(' ');
        // Part of a word, a path, a price, a number with a letter.
        let is_sign = matches!(previous, '_' | '=' | '#' | '%' | '$' | '€' | '£' | '№' | '@' | '&' | '.' | ',' | '-' | '/');
        if !has_plus && (previous.is_ascii_alphanumeric() || (is_sign && self.touches(start))) {
            return self.end_of_word(skip);
        }
        // Prices and years are the most numbers there are: too few digits, or too many in one piece.
        let count: usize = groups.iter().map(|group| group.end - group.start).sum();
        let least = if self.area.is_some() { 5 } else { 7 };
        if count < least || first.end - first.start > 12 {
            return skip;
        }
        let lead = self.lead(start);
        if lead.is_other {
            return skip;
        }
        let found = self
            .shared_area(&groups, start)
            .or_else(|| self.russian(&groups, has_plus, lead))
            .or_else(|| self.foreign(&groups, has_plus, lead));
        let Some((phone, end, area)) = found.filter(|(phone, ..)| !is_sample(phone)) else {
            return skip;
        };
        // A letter right after the digits makes it another kind of number.
        if self.text[end..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return self.end_of_word(end);
        }
        let extension = extension(&self.text[end..]);
        self.area = area.map(|area| (area, end));
        self.found.push(Spotted { phone, start, end, extension, is_fax: lead.is_fax });
        end
    }

    /// A dot, comma or hyphen right before the digits belongs to them only if a digit or letter stands before it.
    fn touches(&self, start: usize) -> bool {
        match self.bytes.get(start.wrapping_sub(1)) {
            Some(b'.' | b',') => start >= 2 && self.bytes[start - 2].is_ascii_digit(),
            Some(b'-' | b'/') => start >= 2 && self.bytes[start - 2].is_ascii_alphanumeric(),
            _ => true,
        }
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
        let lower = lead.to_lowercase();
        let place = |words: &[&str]| words.iter().filter_map(|word| rfind_word(&lower, word)).max();
        let (phone, other, fax) = (place(&PHONE_WORDS), place(&OTHER_WORDS), place(&["факс", "fax", "f:", "ф."]));
        let is_fax = carried
            || fax.is_some_and(|fax| {
                !["тел", "tel", "phone", "т."].iter().any(|word| rfind_word(&lower, word).is_some_and(|at| at + 14 > fax || at > fax))
            });
        Lead { is_phone: phone.is_some(), is_fax, is_other: other.is_some_and(|other| phone.is_none_or(|phone| phone < other)) }
    }

    fn digits(&self, groups: &[Group]) -> String {
        groups.iter().map(|group| &self.text[group.start..group.end]).collect()
    }

    /// "(4822) 33-91-79, 33-91-80": the second number shares the city code.
    fn shared_area(&self, groups: &[Group], start: usize) -> Option<(Phone, usize, Option<String>)> {
        let (area, end) = self.area.as_ref()?;
        let between = self.text.get(*end..start)?;
        let joins = between.len() <= 6
            && between.chars().all(|c| matches!(c, ',' | ';' | '/' | ' ' | 'и' | '\n' | '\t'))
            && between.contains([',', ';', '/', 'и', '\n', '\t']);
        let local = 10 - area.len();
        if !joins || groups.len() < 2 || groups[0].bracketed || groups[0].end - groups[0].start > 3 {
            return None;
        }
        let count = (2..=groups.len()).find(|count| self.digits(&groups[..*count]).len() == local)?;
        if groups[1..count].iter().any(|group| group.end - group.start != 2) {
            return None;
        }
        let phone = national(&format!("{area}{}", self.digits(&groups[..count])))?;
        Some((phone, groups[count - 1].end, Some(area.clone())))
    }

    fn russian(&self, groups: &[Group], has_plus: bool, lead: Lead) -> Option<(Phone, usize, Option<String>)> {
        let is_home = matches!(self.country, None | Some("RU" | "KZ"));
        let first = &self.text[groups[0].start..groups[0].end];
        let takes = |length: usize| (1..=groups.len()).find(|count| self.digits(&groups[..*count]).len() == length);
        if has_plus && !first.starts_with('7') || (!has_plus && !is_home) {
            return None;
        }
        let is_area = groups[0].bracketed && (3..=5).contains(&first.len()) && !has_plus;
        if !is_area && first.starts_with(['7', '8']) {
            let count = takes(11)?;
            let text = self.digits(&groups[..count]);
            let end = groups[count - 1].end;
            // Digits in one piece are a phone where something says so.
            let (from, to) = super::text::line(self.text, groups[0].start);
            let told = has_plus || lead.is_phone || (first.starts_with('8') && to - from <= 60);
            if (count == 1 && !told) || (!has_plus && first.len() > 4 && count > 1 && first.len() < 11 && !lead.is_phone) {
                return None;
            }
            let area = groups[..count]
                .iter()
                .find(|group| group.bracketed && group.end - group.start >= 3)
                .map(|group| self.text[group.start..group.end].to_owned());
            let area = area.or_else(|| {
                groups
                    .get(1)
                    .filter(|group| first.len() == 1 && (3..=5).contains(&(group.end - group.start)))
                    .map(|group| self.text[group.start..group.end].to_owned())
            });
            return Some((national(&text[1..])?, end, area));
        }
        let count = takes(10)?;
        let text = self.digits(&groups[..count]);
        let lengths: Vec<usize> = groups[..count].iter().map(|group| group.end - group.start).collect();
        let is_shape = matches!(lengths.as_slice(), [3, 3, 2, 2] | [4, 2, 2, 2] | [3, 3, 4] | [5, 1, 2, 2])
            && groups[1..count].iter().all(|group| group.sign != b'.');
        let told = is_area
            || (lead.is_phone && (3..=5).contains(&first.len()))
            || (lead.is_phone && text.starts_with('9'))
            || (is_shape && lengths[0] == 3 && count == 4);
        let area = (3..=5).contains(&first.len()).then(|| first.to_owned());
        (told && text.starts_with(['3', '4', '8', '9']))
            .then(|| national(&text))
            .flatten()
            .map(|phone| (phone, groups[count - 1].end, area))
    }

    fn foreign(&self, groups: &[Group], has_plus: bool, lead: Lead) -> Option<(Phone, usize, Option<String>)> {
        let first = &self.text[groups[0].start..groups[0].end];
        if (has_plus && first.starts_with('7')) || (!has_plus && matches!(self.country, None | Some("RU" | "KZ"))) {
            return None;
        }
        // A bracket after enough digits opens another number.
        let next = groups
            .iter()
            .enumerate()
            .skip(1)
            .find(|(at, group)| group.sign == b'(' && self.digits(&groups[..*at]).len() >= 7)
            .map(|(at, _)| at);
        let groups = &groups[..next.unwrap_or(groups.len())];
        let is_nanp = matches!(self.country, Some("US" | "CA"));
        for count in (1..=groups.len()).rev() {
            let text = self.digits(&groups[..count]);
            if !(7..=15).contains(&text.len()) {
                continue;
            }
            let lengths: Vec<usize> = groups[..count].iter().map(|group| group.end - group.start).collect();
            let shaped = match lengths.as_slice() {
                [3, 3, 4] | [1, 3, 3, 4] => true,
                [10 | 11] | [3, 7] | [1, 10] => lead.is_phone,
                _ => !is_nanp,
            };
            let told = has_plus || groups[0].bracketed || lead.is_phone || (is_nanp && shaped) || (text.starts_with('0') && count > 1);
            if !told || (is_nanp && !shaped && !has_plus) || (!has_plus && looks_like_a_date(&lengths, &groups[..count])) {
                continue;
            }
            let written = if has_plus { format!("+{text}") } else { text };
            let Ok(number) = PHONE_NUMBER_UTIL.parse(&written, self.region.filter(|_| !has_plus)) else {
                continue;
            };
            if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
                continue;
            }
            let phone = Phone::parse(&PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164)).ok()?;
            return Some((phone, groups[count - 1].end, None));
        }
        None
    }
}

/// A word from its beginning: "тел" is not in "водитель", "р/с" stands alone.
fn rfind_word(text: &str, word: &str) -> Option<usize> {
    text.rmatch_indices(word).find(|(at, _)| !text[..*at].ends_with(char::is_alphanumeric)).map(|(at, _)| at)
}

fn looks_like_a_date(lengths: &[usize], groups: &[Group]) -> bool {
    let signs_alike = groups.windows(2).skip(1).all(|pair| pair[0].sign == pair[1].sign);
    signs_alike && matches!(lengths, [2, 2, 4] | [4, 2, 2] | [2, 2, 2] | [4, 4] | [1, 2, 4] | [2, 1, 4] | [1, 1, 4])
}

/// A Russian number of ten digits.
fn national(digits: &str) -> Option<Phone> {
    normalize::phone(&format!("+7{digits}"), None)
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

/// `+7 (999) 123-45-67` and its kin stand in templates, not in offices.
pub(super) fn is_sample(phone: &Phone) -> bool {
    let digits = &phone.as_str()[1..];
    let national = digits.strip_prefix(['7', '1']).unwrap_or(digits);
    let tail = digits.get(digits.len().saturating_sub(7)..).unwrap_or(digits);
    let one_digit = |text: &str| text.bytes().all(|b| Some(&b) == text.as_bytes().first());
    matches!(tail, "1234567" | "0000000" | "7654321")
        || (one_digit(tail)
            && tail.len() == 7
            && (one_digit(national) || national.starts_with("999") || national.starts_with("000") || national.starts_with("123")))
        || matches!(national, "1234567890" | "9991234567" | "1231231234" | "9876543210" | "1112223344")
        || (digits.starts_with('1') && national.get(3..6) == Some("555") && national.get(6..8) == Some("01"))
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
        ] {
            assert_eq!(of(text, "RU"), [wanted], "{text}");
        }
        assert_eq!(of("(4822) 33-91-79, 33-91-80", "RU"), ["+74822339179", "+74822339180"]);
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
        assert_eq!(of("Order 5053261111-22, 10/12/2014 1234", "US"), Vec::<String>::new());
    }

    #[test]
    fn a_fax_is_told_apart() {
        let found = find("Тел.: (495) 204-51-38, факс: (495) 204-51-39. Тел./факс (495) 204-51-40", Some("RU"));
        assert_eq!(found.iter().map(|spotted| spotted.is_fax).collect::<Vec<_>>(), [false, true, false]);
    }
}
