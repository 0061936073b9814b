//! What the words before a number say of it.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Words that say a number is a phone.
const PHONE: [&str; 36] = [
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
const OTHER: [&str; 62] = [
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
/// Words of a fax, and of a phone beside a fax.
const FAX: [&str; 4] = ["факс", "fax", "f:", "ф."];
const CALL: [&str; 4] = ["тел", "tel", "phone", "т."];

/// What the words before a number say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lead {
    pub(super) is_phone: bool,
    pub(super) is_fax: bool,
    pub(super) is_other: bool,
}

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Phone,
    Other,
    Fax,
    Call,
}

struct Words {
    says: Vec<Says>,
    finder: AhoCorasick,
}

static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| {
    let rows: [(Says, &[&str]); 4] = [(Says::Phone, &PHONE), (Says::Other, &OTHER), (Says::Fax, &FAX), (Says::Call, &CALL)];
    let words: Vec<(Says, &str)> = rows.into_iter().flat_map(|(says, words)| words.iter().map(move |word| (says, *word))).collect();
    let finder = AhoCorasick::new(words.iter().map(|(_, word)| word)).ok()?;
    Some(Words { says: words.into_iter().map(|(says, _)| says).collect(), finder })
});

impl Lead {
    /// Reads the words right before a number; the last word of a kind counts. A word counts from its beginning: "тел" is not
    /// in "водитель", "р/с" stands alone.
    pub(super) fn of(text: &str) -> Self {
        let mut last = [None; 4];
        let lower = text.to_lowercase();
        if let Some(Words { says, finder }) = WORDS.as_ref() {
            for found in finder.find_overlapping_iter(&lower) {
                let kind = says[found.pattern().as_usize()] as usize;
                if last[kind] < Some(found.start()) && !lower[..found.start()].ends_with(char::is_alphanumeric) {
                    last[kind] = Some(found.start());
                }
            }
        }
        let [phone, other, fax, call] = last;
        Self {
            is_phone: phone.is_some(),
            // "Тел./факс" is a phone first.
            is_fax: fax.is_some_and(|fax| call.is_none_or(|call| call + 14 <= fax)),
            is_other: other.is_some_and(|other| phone.is_none_or(|phone| phone < other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_before_a_number_says_what_it_is() {
        let of = |text: &str| {
            let Lead { is_phone, is_fax, is_other } = Lead::of(text);
            (is_phone, is_fax, is_other)
        };
        assert_eq!(of("Телефон: "), (true, false, false));
        assert_eq!(of("Водитель "), (false, false, false));
        assert_eq!(of("Тел./факс: "), (true, false, false));
        assert_eq!(of("Факс: "), (true, true, false));
        assert_eq!(of("тел. ИНН "), (true, false, true));
        assert_eq!(of("ИНН, тел. "), (true, false, false));
    }
}
