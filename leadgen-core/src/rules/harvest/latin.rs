//! Cyrillic letters in Latin ones, as hosts are named.

/// The usual Latin spelling of a letter; nothing for signs.
pub(super) fn latin(c: char) -> &'static str {
    match c {
        'а' | 'А' | 'ә' | 'Ә' => "a",
        'б' | 'Б' => "b",
        'в' | 'В' => "v",
        'г' | 'Г' | 'ґ' | 'Ґ' | 'ғ' | 'Ғ' => "g",
        'д' | 'Д' => "d",
        'е' | 'Е' | 'ё' | 'Ё' | 'э' | 'Э' | 'є' | 'Є' => "e",
        'ж' | 'Ж' => "zh",
        'з' | 'З' => "z",
        'и' | 'И' | 'й' | 'Й' | 'і' | 'І' | 'ї' | 'Ї' => "i",
        'к' | 'К' | 'қ' | 'Қ' => "k",
        'л' | 'Л' => "l",
        'м' | 'М' => "m",
        'н' | 'Н' | 'ң' | 'Ң' => "n",
        'о' | 'О' | 'ө' | 'Ө' => "o",
        'п' | 'П' => "p",
        'р' | 'Р' => "r",
        'с' | 'С' => "s",
        'т' | 'Т' => "t",
        'у' | 'У' | 'ў' | 'Ў' | 'ұ' | 'Ұ' | 'ү' | 'Ү' => "u",
        'ф' | 'Ф' => "f",
        'х' | 'Х' | 'һ' | 'Һ' => "h",
        'ц' | 'Ц' => "c",
        'ч' | 'Ч' => "ch",
        'ш' | 'Ш' => "sh",
        'щ' | 'Щ' => "sch",
        'ы' | 'Ы' => "y",
        'ю' | 'Ю' => "yu",
        'я' | 'Я' => "ya",
        _ => "",
    }
}

/// Letters and digits of a text, in Latin, lower case, written together.
pub(super) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| c.is_alphanumeric()) {
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
        } else if latin(c).is_empty() {
            out.extend(c.to_lowercase().filter(|c| !matches!(c, 'ъ' | 'ь')));
        } else {
            out.push_str(latin(c));
        }
    }
    out
}
