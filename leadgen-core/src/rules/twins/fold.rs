//! One spelling for what sounds alike: Cyrillic and Latin letters become the same few signs, so that «Дента Люкс»,
//! «Denta Lux» and "denta-luks" are one.

/// Signs that stand for one sound each: small letters as usual, `Z` for ж, `C` for ч, `S` for ш.
const PAIRS: [(&str, &str); 13] = [
    ("shch", "SC"),
    ("sch", "SC"),
    ("sh", "S"),
    ("ch", "C"),
    ("zh", "Z"),
    ("kh", "h"),
    ("ts", "c"),
    ("tz", "c"),
    ("ph", "f"),
    ("ck", "k"),
    ("ye", "e"),
    ("ce", "ce"),
    ("ci", "ci"),
];

/// The folded form of one word in lower case.
pub(super) fn word(word: &str, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii() {
            if let Some((from, to)) = PAIRS.iter().find(|(from, _)| rest.starts_with(from)) {
                out.extend_from_slice(to.as_bytes());
                rest = &rest[from.len()..];
                continue;
            }
            push_latin(c as u8, out);
        } else {
            push_letter(c, out);
        }
        rest = &rest[c.len_utf8()..];
    }
    // "ий", "iy" and "y" end the same words.
    let mut kept = start;
    for at in start..out.len() {
        let twice = out[at] == b'i' && kept > start && out[kept - 1] == b'i';
        if !twice {
            out[kept] = out[at];
            kept += 1;
        }
    }
    out.truncate(kept);
}

fn push_latin(letter: u8, out: &mut Vec<u8>) {
    match letter {
        b'x' => out.extend_from_slice(b"ks"),
        b'w' => out.push(b'v'),
        b'q' | b'c' => out.push(b'k'),
        b'y' | b'j' => out.push(b'i'),
        other => out.push(other),
    }
}

fn push_letter(letter: char, out: &mut Vec<u8>) {
    let signs: &[u8] = match letter {
        'а' | 'ә' => b"a",
        'б' => b"b",
        'в' => b"v",
        'г' | 'ґ' | 'ғ' => b"g",
        'д' => b"d",
        'е' | 'ё' | 'э' | 'є' => b"e",
        'ж' => b"Z",
        'з' => b"z",
        'и' | 'й' | 'ы' | 'і' | 'ї' => b"i",
        'к' | 'қ' => b"k",
        'л' => b"l",
        'м' => b"m",
        'н' | 'ң' => b"n",
        'о' | 'ө' => b"o",
        'п' => b"p",
        'р' => b"r",
        'с' => b"s",
        'т' => b"t",
        'у' | 'ў' | 'ұ' | 'ү' => b"u",
        'ф' => b"f",
        'х' | 'һ' => b"h",
        'ц' => b"c",
        'ч' => b"C",
        'ш' => b"S",
        'щ' => b"SC",
        'ъ' | 'ь' => b"",
        'ю' => b"iu",
        'я' => b"ia",
        // Other scripts are compared as they are, each letter as one sign outside ASCII.
        other => {
            out.push(128 + (other as u32 % 128) as u8);
            b""
        }
    };
    out.extend_from_slice(signs);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = Vec::new();
        word(text, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_word_and_its_transliteration_fold_alike() {
        for (cyrillic, latin) in [
            ("люкс", "lyuks"),
            ("люкс", "liuks"),
            ("щука", "shchuka"),
            ("жилстрой", "zhilstroy"),
            ("хлеб", "khleb"),
            ("хлеб", "hleb"),
            ("центр", "tsentr"),
            ("центр", "centr"),
            ("рижский", "rizhskiy"),
            ("рижский", "rizhsky"),
            ("связь", "svyaz"),
            ("вектор", "vektor"),
            ("вектор", "vector"),
            ("экспо", "expo"),
            ("чайка", "chayka"),
            ("объект", "obekt"),
            ("сервис", "serwis"),
        ] {
            assert_eq!(folded(cyrillic), folded(latin), "{cyrillic} {latin}");
        }
    }

    #[test]
    fn different_words_stay_different() {
        for (a, b) in [("шик", "чик"), ("жар", "зар"), ("север", "сервер"), ("дом", "том"), ("5", "6")] {
            assert_ne!(folded(a), folded(b), "{a} {b}");
        }
    }
}
