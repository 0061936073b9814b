//! May this text go out? What a letter must and must not hold, and what an approval covers.

use crate::domain::letter::SenderProfile;
use crate::domain::name::EmailAddress;

/// Bounds of a letter without its footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Words at least.
    pub least_words: usize,
    /// Words at most.
    pub most_words: usize,
    /// Characters of the subject at most.
    pub most_subject: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { least_words: 70, most_words: 130, most_subject: 150 }
    }
}

/// One objection to a text: a stable code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// The code.
    pub code: &'static str,
    /// What is wrong, for a person.
    pub sentence: String,
}

const PLACEHOLDERS: [&str; 10] = ["{{", "}}", "[имя]", "[название]", "[компания]", "<name>", "[name]", "undefined", "null", "lorem ipsum"];
const REFUSALS: [&str; 5] = ["как языковая модель", "как ии", "as an ai", "i'm sorry, but", "я не могу помочь с"];
const MARKDOWN: [&str; 4] = ["**", "```", "](", "\n# "];

/// Everything that speaks against a draft; an empty list lets it pass.
pub fn objections(subject: &str, body: &str, bounds: Bounds) -> Vec<Objection> {
    let mut found = Vec::new();
    let mut object = |code, sentence: String| found.push(Objection { code, sentence });
    let lower = format!("{subject}\n{body}").to_lowercase();
    let subject_length = subject.trim().chars().count();
    if !(3..=bounds.most_subject).contains(&subject_length) || subject.chars().any(char::is_control) {
        object("bad_subject", format!("the subject has {subject_length} characters; one line of 3 to {} is allowed", bounds.most_subject));
    }
    if subject.trim_start().to_lowercase().starts_with("re:") || subject.trim_start().to_lowercase().starts_with("fwd:") {
        object("deceptive_subject", "a first letter is no answer: the subject must not begin with Re: or Fwd:".into());
    }
    if subject_length > 6 && subject.chars().any(char::is_alphabetic) && subject == subject.to_uppercase() {
        object("shouting_subject", "the subject is all capitals".into());
    }
    let words = body.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    if !(bounds.least_words..=bounds.most_words).contains(&words) {
        object("bad_length", format!("the body has {words} words; {} to {} are allowed", bounds.least_words, bounds.most_words));
    }
    for (code, list) in [("placeholder", &PLACEHOLDERS[..]), ("model_refusal", &REFUSALS[..]), ("markdown", &MARKDOWN[..])] {
        if let Some(mark) = list.iter().find(|mark| lower.contains(**mark)) {
            object(code, format!("it holds {mark:?}"));
        }
    }
    if lower.contains("http://") || lower.contains("https://") {
        object("foreign_link", "it holds a link".into());
    }
    if body.chars().any(|c| c.is_control() && c != '\n') || lower.chars().any(is_invisible) {
        object("invisible_character", "it holds a character that can't be seen".into());
    }
    if let Some(word) = lower.split(|c: char| !c.is_alphanumeric()).find(|word| is_mixed(word)) {
        object("mixed_script", format!("the word {word:?} mixes Latin and Cyrillic letters"));
    }
    found
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn is_mixed(word: &str) -> bool {
    let latin = word.chars().any(|c| c.is_ascii_alphabetic());
    latin && word.chars().any(|c| ('\u{400}'..='\u{4FF}').contains(&c))
}

/// The lines added below every letter, whatever the drafter wrote: who writes, where the address was found, the way out.
pub fn footer(sender: &SenderProfile, source_url: &str, unsubscribe_url: Option<&str>) -> String {
    let place = url::Url::parse(source_url).ok().and_then(|url| url.host_str().map(|host| idna::domain_to_unicode(host).0));
    let found = match place {
        Some(place) => format!("Ваш адрес опубликован на сайте {place}; ссылку на страницу пришлём по запросу."),
        None => "Ваш адрес взят из нашего списка организаций; источник назовём по запросу.".to_owned(),
    };
    let way_out = match unsubscribe_url {
        Some(url) => format!("Если писать не нужно, ответьте СТОП или откройте {url} — больше писем не будет."),
        None => "Если писать не нужно, ответьте СТОП — больше писем не будет.".to_owned(),
    };
    let who = [sender.person.trim(), sender.firm.trim()].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ");
    format!("--\n{who}\n{found}\n{way_out}\n")
}

/// What an approval covers: recipient, text, the mailboxes it may leave from, and the policy. Any change voids it.
pub fn approval_hash(to: &EmailAddress, subject: &str, body: &str, policy: &str) -> String {
    let mut hash = blake3::Hasher::new();
    for part in [to.as_str(), subject, body, policy] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(subject: &str, body: &str) -> Vec<&'static str> {
        objections(subject, body, Bounds::default()).into_iter().map(|objection| objection.code).collect()
    }

    fn body(end: &str) -> String {
        format!("{}{end}", "слово ".repeat(90))
    }

    #[test]
    fn a_plain_letter_passes() {
        assert!(codes("Заявки с сайта", &body("")).is_empty());
    }

    #[test]
    fn what_must_not_go_out_is_named() {
        let table = [
            ("Тема", "{{ name }}", "placeholder"),
            ("Тема", "Как языковая модель, я", "model_refusal"),
            ("Тема", "**важно**", "markdown"),
            ("Тема", "https://evil.example", "foreign_link"),
            ("Тема", "скры\u{200B}то", "invisible_character"),
            ("Тема", "cайт", "mixed_script"),
            ("Re: наш разговор", "", "deceptive_subject"),
            ("СРОЧНОЕ ПРЕДЛОЖЕНИЕ", "", "shouting_subject"),
            ("Те", "", "bad_subject"),
        ];
        for (subject, end, code) in table {
            assert!(codes(subject, &body(end)).contains(&code), "{subject} {end}: {code}");
        }
        assert!(codes("Тема", "коротко").contains(&"bad_length"));
    }

    #[test]
    fn any_change_voids_an_approval() {
        let to = EmailAddress::parse("info@firma.ru").expect("an address");
        let base = approval_hash(&to, "a", "b", "p");
        assert_ne!(base, approval_hash(&to, "ab", "", "p"));
        assert_ne!(base, approval_hash(&to, "a", "b", "q"));
    }
}
