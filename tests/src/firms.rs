//! Firms with known truth: rows of which it is known which belong to one company.
//!
//! The rules, all drawn from one seed:
//!
//! - A **new firm** has a brand, a city, a legal form; nine in ten a domain, eight in ten a phone (one in five of these a second
//!   one), three in ten an ИНН, four in ten an address at its own domain, two in ten one at a mail provider. Brands are
//!   mostly invented stems with or without a trade ("Бавогустрой", "Дарикс Мебель"), one in ten made of common words.
//! - A quarter of all rows are **further rows** of a firm that is known. Name: legal form moved, written out or dropped;
//!   quotes; capitals; ё for е; a blank or hyphen for the other, or none; one slip of the pen in three of ten, a second one in
//!   one of twelve; one in ten transliterated; one in ten with words swapped. Domain: kept, `www.` or a subdomain; one in
//!   seven has none, one in eight a second one (other ending or spelling). Phone: six in ten keep one, written another way. ИНН and
//!   e-mail: half keep them. City: one in twenty has none.
//! - **Look-alikes**, one new firm in twelve: an earlier brand in another city; with «Плюс», «-М» or a number; one letter off,
//!   in the same city or another; in one case of forty the very same brand in the same city. Domain, phone and ИНН are their own.
//! - **One building**, one new firm in a hundred: the phone of another firm, an own name and domain.
//! - **Chains**, one new firm in two hundred: 3 to 12 rows of one domain in as many cities, each with its own phone. One company,
//!   because the domain is.

mod dice;
mod quality;
mod words;

use leadgen_core::rules::normalize;
use leadgen_core::rules::twins::profile::{Known, Profile};

pub use dice::Dice;
pub use quality::{Quality, quality};

use words::{CITIES, COMMON, FORMS, LETTERS, MAIL, TRADES, latin, title};

/// A row and the firm it is of.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Which firm: the truth.
    pub firm: u32,
    /// The name as written.
    pub name: String,
    /// A domain, host or nothing.
    pub domain: String,
    /// A phone as written, or nothing.
    pub phone: String,
    /// ИНН, or nothing.
    pub inn: String,
    /// An e-mail address, or nothing.
    pub email: String,
    /// The city, or nothing.
    pub city: String,
}

impl Row {
    /// What is compared of it.
    pub fn profile(&self) -> Profile {
        let mut profile = Profile::new(&self.name, &self.city);
        if let Some(host) = normalize::domain_of(&self.domain) {
            profile = profile.at(&host);
        }
        if let Some(phone) = normalize::phone(&self.phone, None) {
            profile = profile.called(&phone);
        }
        if let Some(email) = normalize::email(&self.email) {
            profile = profile.mailed(&email);
        }
        profile.with(Known::Inn, &self.inn)
    }
}

struct Firm {
    brand: String,
    form: usize,
    city: &'static str,
    domain: String,
    phones: Vec<u64>,
    inn: String,
    email: String,
}

/// The rows of a seed, of about so many; in any order the caller likes.
pub fn rows(count: usize, seed: u64, mut each: impl FnMut(Row)) {
    let mut town = Town { dice: Dice::new(seed), firms: Vec::with_capacity(count), domains: std::collections::HashSet::new() };
    let mut made = 0;
    while made < count {
        if !town.firms.is_empty() && town.dice.in_1000(250) {
            each(town.further());
            made += 1;
        } else if town.dice.in_1000(5) {
            for row in town.chain() {
                each(row);
                made += 1;
            }
        } else {
            each(town.newcomer());
            made += 1;
        }
    }
}

struct Town {
    dice: Dice,
    firms: Vec<Firm>,
    domains: std::collections::HashSet<String>,
}

impl Town {
    fn brand(&mut self) -> String {
        let dice = &mut self.dice;
        let stem = if dice.in_1000(100) {
            dice.one_of(&COMMON).to_owned()
        } else {
            let mut stem = String::new();
            for _ in 0..[2, 3, 3, 3, 4][dice.below(5)] {
                stem.push(
                    dice.one_of(&["б", "в", "г", "д", "з", "к", "л", "м", "н", "п", "р", "с", "т", "ф", "х"]).chars().next().unwrap_or('б'),
                );
                stem.push(dice.one_of(&["а", "е", "и", "о", "у", "я"]).chars().next().unwrap_or('а'));
            }
            stem + dice.one_of(&["", "н", "р", "кс", "с", "л"])
        };
        let trade = dice.one_of(&TRADES).to_owned();
        match dice.below(10) {
            0..3 => title(&(stem + &trade)),
            3..5 => format!("{}-{}", title(&stem), title(&trade)),
            5..8 => format!("{} {}", title(&stem), title(&trade)),
            _ => title(&(trade + &stem)),
        }
    }

    fn domain(&mut self, brand: &str) -> String {
        let base = latin(&brand.to_lowercase().replace(' ', self.dice.one_of(&["", "-"])));
        loop {
            let extra = self.dice.one_of(&["", "", "", "-spb", "-msk", "-pro", "-group", "24", "2", "3", "-ural", "7", "-shop"]);
            let number = if self.dice.in_1000(50) { self.dice.below(900).to_string() } else { String::new() };
            let ending = self.dice.one_of(&["ru", "ru", "ru", "com", "su", "pro", "org"]);
            let domain = format!("{base}{extra}{number}.{ending}");
            if self.domains.insert(domain.clone()) {
                return domain;
            }
        }
    }

    fn phone(&mut self) -> u64 {
        let code = [495, 812, 843, 343, 383, 846, 863, 351, 473, 831][self.dice.below(10)];
        code * 10_000_000 + 2_000_000 + self.dice.below(7_999_999) as u64
    }

    fn newcomer(&mut self) -> Row {
        let (brand, city, shared_phone) = self.identity();
        let domain = self.domain(&brand);
        let mut phones = vec![];
        if self.dice.in_1000(800) {
            phones.push(self.phone());
            if self.dice.in_1000(200) {
                phones.push(self.phone());
            }
        }
        phones.extend(shared_phone);
        let inn = if self.dice.in_1000(300) { format!("{}", 1_000_000_000 + self.dice.throw() % 8_999_999_999) } else { String::new() };
        let email = match self.dice.below(10) {
            0..4 => format!("info@{domain}"),
            4..6 => format!("{}{}@{}", latin(&brand.to_lowercase().replace([' ', '-'], "")), self.dice.below(99), self.dice.one_of(&MAIL)),
            _ => String::new(),
        };
        let form = self.dice.below(FORMS.len());
        self.firms.push(Firm { brand, form, city, domain, phones, inn, email });
        let firm = &self.firms[self.firms.len() - 1];
        let mut row = Row {
            firm: self.firms.len() as u32 - 1,
            city: firm.city.into(),
            inn: firm.inn.clone(),
            email: firm.email.clone(),
            ..Row::default()
        };
        let (brand, domain, phone) = (firm.brand.clone(), firm.domain.clone(), firm.phones.first().copied());
        row.name = self.written(form, &brand);
        row.domain = if self.dice.in_1000(900) { domain } else { String::new() };
        row.phone = phone.map(|phone| self.spelled(phone)).unwrap_or_default();
        row
    }

    /// The brand, city and perhaps the phone a newcomer begins with.
    fn identity(&mut self) -> (String, &'static str, Option<u64>) {
        let city = self.dice.one_of(&CITIES);
        if self.firms.is_empty() || !self.dice.in_1000(93) {
            return (self.brand(), city, None);
        }
        let other = self.dice.below(self.firms.len());
        let (brand, home, phone) = (self.firms[other].brand.clone(), self.firms[other].city, self.firms[other].phones.first().copied());
        let elsewhere = if city == home { CITIES[(CITIES.iter().position(|c| *c == city).unwrap_or(0) + 1) % CITIES.len()] } else { city };
        let at_home = self.dice.in_1000(500);
        let near = if at_home { home } else { elsewhere };
        match self.dice.below(40) {
            0..14 => (brand, elsewhere, None),
            14..22 => (brand + self.dice.one_of(&[" Плюс", "-М", " 2", " Центр", " Групп Юг"]), near, None),
            22..35 => (self.slip(&brand), near, None),
            35 => (brand, home, None),
            _ => (self.brand(), home, phone),
        }
    }

    fn chain(&mut self) -> Vec<Row> {
        let first = self.newcomer();
        let firm = first.firm;
        let (brand, form, domain) = {
            let firm = &self.firms[firm as usize];
            (firm.brand.clone(), firm.form, firm.domain.clone())
        };
        let mut rows = vec![Row { domain: domain.clone(), ..first }];
        for _ in 0..2 + self.dice.below(10) {
            let phone = self.phone();
            rows.push(Row {
                firm,
                name: self.written(form, &brand),
                domain: domain.clone(),
                phone: self.spelled(phone),
                city: self.dice.one_of(&CITIES).to_owned(),
                ..Row::default()
            });
        }
        rows
    }

    fn further(&mut self) -> Row {
        let known = self.dice.below(self.firms.len());
        let firm = &self.firms[known];
        let (form, city, inn, email, phones, own) =
            (firm.form, firm.city, firm.inn.clone(), firm.email.clone(), firm.phones.clone(), firm.domain.clone());
        let mut brand = firm.brand.clone();
        let first_brand = brand.clone();
        for slips in [300, 80] {
            if self.dice.in_1000(slips) {
                brand = self.slip(&brand);
            }
        }
        if self.dice.in_1000(100) {
            brand = title(&latin(&brand.to_lowercase()));
        }
        let words: Vec<String> = brand.split([' ', '-']).map(str::to_owned).collect();
        if words.len() > 1 {
            match self.dice.below(10) {
                0 => brand = words.iter().rev().cloned().collect::<Vec<_>>().join(" "),
                1 => brand = words.concat(),
                2 => brand = words.join(" "),
                3 => brand = words.join("-"),
                _ => {}
            }
        }
        if self.dice.in_1000(300) {
            brand = brand.replacen('е', "ё", 1);
        }
        if self.dice.in_1000(150) {
            brand = brand.to_uppercase();
        }
        let domain = match self.dice.below(100) {
            0..25 => format!("www.{own}"),
            25..35 => format!("{}.{own}", self.dice.one_of(&["shop", "m", "spb", "kazan", "new"])),
            35..49 => String::new(),
            49..61 => self.domain(&first_brand),
            _ => own,
        };
        let which = self.dice.below(phones.len());
        let phone = phones.get(which).copied().filter(|_| self.dice.in_1000(600)).map(|phone| self.spelled(phone)).unwrap_or_default();
        Row {
            firm: known as u32,
            name: self.written(form, &brand),
            domain,
            phone,
            inn: if self.dice.in_1000(500) { inn } else { String::new() },
            email: if self.dice.in_1000(500) { email } else { String::new() },
            city: if self.dice.in_1000(950) { city.to_owned() } else { String::new() },
        }
    }

    fn written(&mut self, form: usize, brand: &str) -> String {
        let (short, long) = FORMS[form];
        let (open, shut) = [("«", "»"), ("\"", "\""), ("", ""), ("“", "”")][self.dice.below(4)];
        match self.dice.below(20) {
            0..9 => format!("{short} {open}{brand}{shut}"),
            9..12 => format!("{open}{brand}{shut}, {short}"),
            12..16 => brand.to_owned(),
            16..18 => format!("{long} {open}{brand}{shut}"),
            _ => format!("{short} {brand}"),
        }
    }

    fn spelled(&mut self, phone: u64) -> String {
        let digits = phone.to_string();
        let (code, a, b, c) = (&digits[..3], &digits[3..6], &digits[6..8], &digits[8..]);
        match self.dice.below(4) {
            0 => format!("+7 ({code}) {a}-{b}-{c}"),
            1 => format!("8{digits}"),
            2 => format!("8-{code}-{a}-{b}-{c}"),
            _ => format!("+7{digits}"),
        }
    }

    /// One slip of the pen: a letter lost, changed, doubled in, or two swapped.
    fn slip(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        if letters.len() < 5 {
            return text.to_owned();
        }
        let at = 1 + self.dice.below(letters.len() - 2);
        let other = LETTERS.chars().nth(self.dice.below(LETTERS.chars().count())).unwrap_or('а');
        match self.dice.below(10) {
            0..3 => {
                letters.remove(at);
            }
            3..6 => letters[at] = other,
            6..8 => letters.insert(at, other),
            _ => letters.swap(at, at + 1),
        }
        letters.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let all = |seed| {
            let mut names = Vec::new();
            rows(200, seed, |row| names.push(format!("{row:?}")));
            names
        };
        assert_eq!(all(7), all(7));
        assert_ne!(all(7), all(8));
        assert!(all(7).len() >= 200);
    }
}
