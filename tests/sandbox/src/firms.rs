//! The firms of the town, grown from a seed.

/// How a firm's mail reader takes a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// Says nothing.
    Silent,
    /// Wants to know more.
    Interested,
    /// Wants no more letters.
    Stop,
    /// Is on holiday.
    Away,
    /// Its mailbox does not exist: the server says so at RCPT.
    Refuses,
    /// Its server takes the letter and returns it later.
    Bounces,
}

/// How a firm shows its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    Mailto,
    Text,
    Entities,
    Dog,
    Cloudflare,
    JsonLd,
    FormOnly,
}

/// One firm.
#[derive(Clone, Debug)]
pub struct Firm {
    /// Its brand.
    pub name: String,
    /// Its legal name.
    pub legal_name: String,
    /// Its host, in punycode.
    pub host: String,
    /// What it does.
    pub niche: String,
    /// Where it is.
    pub city: String,
    /// Its public address.
    pub email: String,
    /// Its phone in E.164.
    pub phone: String,
    /// Its ИНН.
    pub inn: String,
    /// How its reader takes a letter.
    pub temper: Temper,
    /// Its mail hosts: `None` for a null MX, empty for none.
    pub mx: Option<Vec<String>>,
    pub(crate) shows: Shows,
    pub(crate) closed_to_robots: bool,
    pub(crate) unreachable: bool,
    pub(crate) windows_1251: bool,
    pub(crate) seed: u64,
}

/// A small generator of numbers (splitmix64): the same seed, the same town.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

const FIRST: [(&str, &str); 24] = [
    ("Альфа", "alfa"),
    ("Вектор", "vektor"),
    ("Гранит", "granit"),
    ("Дельта", "delta"),
    ("Заря", "zarya"),
    ("Империя", "imperiya"),
    ("Каскад", "kaskad"),
    ("Лидер", "lider"),
    ("Мастер", "master"),
    ("Норма", "norma"),
    ("Олимп", "olimp"),
    ("Полюс", "polyus"),
    ("Радуга", "raduga"),
    ("Север", "sever"),
    ("Темп", "temp"),
    ("Успех", "uspeh"),
    ("Форум", "forum"),
    ("Центр", "centr"),
    ("Эталон", "etalon"),
    ("Юпитер", "yupiter"),
    ("Янтарь", "yantar"),
    ("Бриз", "briz"),
    ("Квант", "kvant"),
    ("Рубин", "rubin"),
];
const SECOND: [(&str, &str); 10] = [
    ("Плюс", "plus"),
    ("Люкс", "lux"),
    ("Проф", "prof"),
    ("Сити", "city"),
    ("Сервис", "servis"),
    ("Гарант", "garant"),
    ("Контакт", "kontakt"),
    ("Стандарт", "standart"),
    ("Эксперт", "expert"),
    ("Регион", "region"),
];

/// Grows the firms of one row.
pub(crate) fn grow(seed: u64, row: usize, niche: &str, city: &str, count: usize) -> Vec<Firm> {
    (0..count).map(|index| firm(seed, row, index, niche, city)).collect()
}

fn firm(seed: u64, row: usize, index: usize, niche: &str, city: &str) -> Firm {
    let mut dice = Dice::new(seed ^ ((row as u64) << 32) ^ (index as u64).wrapping_mul(7919));
    let first = FIRST[(row * 11 + index * 5 + dice.below(3) as usize) % FIRST.len()];
    let second = SECOND[(row * 3 + index) % SECOND.len()];
    let name = format!("{} {}", first.0, second.0);
    let host = match index % 12 {
        10 => format!("{}{}{row}.tilda.ws", first.1, second.1),
        11 => format!("xn--{}-{row}.ru", first.1).replace("xn--", "m-"),
        _ => format!("{}-{}{row}{index}.ru", first.1, second.1),
    };
    let free_mail = index % 12 == 7;
    let email = if free_mail { format!("{}.{}{row}{index}@yandex.ru", first.1, second.1) } else { format!("info@{host}") };
    let temper = match index % 12 {
        0 | 5 => Temper::Interested,
        1 => Temper::Stop,
        3 => Temper::Away,
        6 => Temper::Bounces,
        8 => Temper::Refuses,
        _ => Temper::Silent,
    };
    let mx = match index % 12 {
        0 | 4 | 8 => Some(vec!["mx.yandex.net".to_owned()]),
        1 | 6 => Some(vec!["emx.mail.ru".to_owned()]),
        2 | 5 => Some(vec!["aspmx.l.google.com".to_owned(), "alt1.aspmx.l.google.com".to_owned()]),
        9 if row.is_multiple_of(2) => None,
        9 => Some(vec![]),
        11 => Some(vec!["mx.zoho.eu".to_owned()]),
        _ => Some(vec![format!("mail.{host}")]),
    };
    let shows = match index % 12 {
        2 => Shows::Text,
        3 => Shows::Entities,
        4 => Shows::Dog,
        5 => Shows::Cloudflare,
        6 => Shows::JsonLd,
        _ if index % 24 == 13 => Shows::FormOnly,
        _ => Shows::Mailto,
    };
    let shows = if index % 12 == 10 && row % 2 == 1 { Shows::FormOnly } else { shows };
    let legal_name = if index % 5 == 4 { format!("ИП {}ов И. И.", first.0) } else { format!("ООО «{name}»") };
    Firm {
        phone: format!("+7843{:07}", 2_000_000 + dice.below(999_999)),
        inn: inn(&mut dice),
        closed_to_robots: index % 12 == 11 && row.is_multiple_of(2),
        unreachable: index % 12 == 11 && row % 2 == 1,
        windows_1251: index % 12 == 4,
        seed: dice.next(),
        niche: niche.to_owned(),
        city: city.to_owned(),
        name,
        legal_name,
        host,
        email,
        temper,
        mx,
        shows,
    }
}

/// A number of ten digits whose last one is the check digit.
fn inn(dice: &mut Dice) -> String {
    let digits: Vec<u64> = format!("16{:07}", dice.below(9_999_999)).bytes().map(|b| u64::from(b - b'0')).collect();
    let sum: u64 = digits.iter().zip([2, 4, 10, 3, 5, 9, 4, 6, 8]).map(|(digit, weight)| digit * weight).sum();
    let text: String = digits.iter().map(ToString::to_string).collect();
    format!("{text}{}", sum % 11 % 10)
}
