//! What a person's answer wants. STOP must never be missed and never be invented.

use crate::domain::words::words;

words! {
    /// The intent of an answer.
    Intent {
        /// No more letters.
        Stop = "stop",
        /// Not now, thank you.
        NotInterested = "not_interested",
        /// Tell us more.
        Interested = "interested",
        /// A question.
        Question = "question",
        /// Ask someone else.
        WrongPerson = "wrong_person",
        /// A machine answered.
        AutoReply = "auto_reply",
        /// None of these.
        Other = "other",
    }
}

/// A whole answer of at most five words that is one of these refuses.
const WHOLE: [&str; 17] = [
    "стоп",
    "stop",
    "отписка",
    "отписаться",
    "отпишите",
    "отпишите меня",
    "отпишите нас",
    "unsubscribe",
    "remove",
    "remove me",
    "opt out",
    "хватит",
    "удалите меня",
    "удалите адрес",
    "удалите нас",
    "не пишите",
    "больше не пишите",
];
const VERBS: [&str; 15] = [
    "отпис",
    "отпиш",
    "исключит",
    "удалит",
    "уберит",
    "убери",
    "прекратит",
    "перестан",
    "хватит",
    "довольно",
    "не присылайте",
    "не отсылайте",
    "не шлите",
    "не пишите",
    "не беспоко",
];
const OBJECTS: [&str; 14] =
    ["рассылк", "баз", "списк", "адрес", "писать", "слать", "письма", "писем", "меня", "мне", "нас", "нам", "данные", "сюда"];
const DEMANDS: [&str; 10] = [
    "отзываю согласие",
    "отзываем согласие",
    "жалоба",
    "пожалуюсь",
    "пожалуемся",
    "роскомнадзор",
    "152-фз",
    "38-фз",
    "gdpr",
    "personal data",
];
const ENGLISH_VERBS: [&str; 8] = ["remove", "take me off", "take us off", "stop", "cease", "do not", "don't", "delete"];
const ENGLISH_OBJECTS: [&str; 8] = [" me", " us", "list", "emailing", "contact", "mailing", "my data", "writing"];
const NEGATED: [&str; 4] = ["не отписывайте", "не удаляйте", "не прекращайте", "don't stop"];

/// Judges the person's own words (quoted text already cut).
pub fn intent(words: &str) -> Intent {
    let text = fold(words);
    if is_stop(&text) {
        return Intent::Stop;
    }
    let says = |list: &[&str]| list.iter().any(|part| text.contains(part));
    if says(&["неактуально", "не актуально", "не интересует", "не интересно", "не нужно", "не требуется", "no thanks", "not interested"])
    {
        return Intent::NotInterested;
    }
    if says(&["не работает у нас", "больше не работает", "не по адресу", "обратитесь к", "пишите на", "no longer with"])
    {
        return Intent::WrongPerson;
    }
    if says(&[
        "интересно",
        "расскажите",
        "подробнее",
        "пришлите",
        "созвон",
        "позвоните",
        "давайте",
        "готовы обсудить",
        "interested",
        "tell me more",
    ]) {
        return Intent::Interested;
    }
    if text.contains('?') {
        return Intent::Question;
    }
    Intent::Other
}

fn is_stop(text: &str) -> bool {
    let bare: String = text.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '\'' { c } else { ' ' }).collect();
    let words: Vec<&str> = bare.split_whitespace().collect();
    let whole = words.join(" ");
    let short = words.len() <= 5;
    if short && (WHOLE.contains(&whole.as_str()) || WHOLE.iter().any(|start| whole.strip_prefix(start).is_some_and(is_politeness))) {
        return true;
    }
    if NEGATED.iter().any(|negated| text.contains(negated)) {
        return false;
    }
    if DEMANDS.iter().any(|demand| text.contains(demand)) {
        return true;
    }
    text.split(['.', '!', '\n', ';']).any(|sentence| {
        let has = |list: &[&str]| list.iter().any(|part| starts_word(sentence, part));
        (has(&VERBS) && has(&OBJECTS))
            || (has(&ENGLISH_VERBS) && ENGLISH_OBJECTS.iter().any(|part| sentence.contains(part)) && refuses(sentence))
    })
}

fn is_politeness(rest: &str) -> bool {
    matches!(rest.trim(), "" | "пожалуйста" | "please" | "спасибо" | "мне" | "нам" | "нас" | "меня" | "сюда" | "больше")
}

/// English "stop" and "don't" need a word of sending beside them; "don't hesitate to contact us" is no refusal.
fn refuses(sentence: &str) -> bool {
    !sentence.contains("hesitate") && !sentence.contains("non-stop")
}

/// Whether a word of the sentence begins with the part: "остановка" does not begin with "стоп".
fn starts_word(sentence: &str, part: &str) -> bool {
    sentence
        .match_indices(part)
        .any(|(at, _)| sentence[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && before != '-'))
}

/// Lower case, ё→е, hidden characters dropped, Latin look-alikes folded where a word has Cyrillic letters, or is a
/// Cyrillic stop word typed with Latin keys.
fn fold(words: &str) -> String {
    let lower: String = words
        .chars()
        .filter(|c| !crate::rules::normalize::is_zero_width(*c))
        .map(|c| if c == '\u{A0}' { ' ' } else { c })
        .collect::<String>()
        .to_lowercase()
        .replace('ё', "е");
    lower
        .split_inclusive(|c: char| !c.is_alphanumeric())
        .map(|word| {
            let folded: String = word.chars().map(cyrillic).collect();
            let has_cyrillic = word.chars().any(|c| ('\u{400}'..='\u{4FF}').contains(&c));
            if has_cyrillic || folded.trim_matches(|c: char| !c.is_alphanumeric()) == "стоп" { folded } else { word.to_owned() }
        })
        .collect()
}

fn cyrillic(c: char) -> char {
    match c {
        'a' => 'а',
        'e' => 'е',
        'o' => 'о',
        'c' => 'с',
        'p' => 'р',
        'x' => 'х',
        'y' => 'у',
        'k' => 'к',
        'm' => 'м',
        't' => 'т',
        'h' => 'н',
        'b' => 'в',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_stop_is_heard() {
        for text in [
            "СТОП",
            "stop",
            "Стоп!",
            "STOP.",
            "отпишите меня",
            "Отпишите нас, пожалуйста",
            "Unsubscribe",
            "remove me please",
            "Хватит",
            "Больше не пишите мне",
            "Не пишите сюда больше",
            "Удалите мой адрес из вашей базы",
            "Прошу исключить нас из рассылки. Исключите нас из списка",
            "Перестаньте слать письма",
            "Это спам, пожалуюсь в Роскомнадзор",
            "Отзываю согласие на обработку данных",
            "Please stop emailing me",
            "Take me off your list",
            "Do not contact us again",
            "Cтоп",
            "Уберите меня из базы",
            "не присылайте нам больше писем",
            "Прекратите присылать мне письма",
            "Delete my data under GDPR",
            "Не беспокойте нас",
        ] {
            assert_eq!(intent(text), Intent::Stop, "{text}");
        }
    }

    #[test]
    fn what_merely_sounds_like_stop_is_not() {
        for text in [
            "У нас остановка производства до мая",
            "Работаем стопроцентно по предоплате",
            "Наш сервис работает non-stop",
            "Не отписывайте нас, нам интересно",
            "Спасибо, подумаем",
            "Кто вам дал этот адрес?",
            "Расскажите подробнее",
            "Please don't hesitate to contact us",
            "Магазин «СТОП-цена» ждёт вас",
        ] {
            assert_ne!(intent(text), Intent::Stop, "{text}");
        }
    }

    #[test]
    fn other_intents_are_told_apart() {
        assert_eq!(intent("Спасибо, неактуально"), Intent::NotInterested);
        assert_eq!(intent("Интересно, пришлите примеры"), Intent::Interested);
        assert_eq!(intent("Сколько это стоит?"), Intent::Question);
        assert_eq!(intent("Иванов у нас больше не работает"), Intent::WrongPerson);
    }
}
