//! What a person wrote, without what was quoted, signed or appended.

use mail_parser::decoders::html::html_to_text;
use mail_parser::{Message, PartType};

/// Where the quoted part of a page-like answer begins: an element, or the mark of one.
const QUOTES: [&str; 8] = [
    "<blockquote",
    "gmail_quote",
    "yahoo_quoted",
    "divrplyfwdmsg",
    "moz-cite-prefix",
    "appendonsend",
    "mail-quote-collapse",
    "outlookmessageheader",
];

/// The text of a mail: plain if there is any, else its page without what that quotes.
pub(super) fn text_of(message: &Message<'_>) -> String {
    match message.text_part(0).map(|part| &part.body) {
        Some(PartType::Html(page)) => html_to_text(unquoted(page)),
        _ => message.body_text(0).unwrap_or_default().into_owned(),
    }
}

fn unquoted(page: &str) -> &str {
    let lower = page.to_ascii_lowercase();
    let found = QUOTES
        .iter()
        .filter_map(|mark| lower.find(mark).map(|at| if mark.starts_with('<') { at } else { lower[..at].rfind('<').unwrap_or(at) }));
    &page[..found.min().unwrap_or(page.len())]
}

/// The person's own words.
///
/// ```
/// use leadgen_core::rules::inbound::own_words;
///
/// assert_eq!(own_words("Спасибо!\n\n> ответьте СТОП\n--\nИван"), "Спасибо!");
/// ```
pub fn own_words(text: &str) -> String {
    let mut kept = Vec::new();
    for line in text.lines() {
        let bare = line.trim();
        if starts_quote(bare) || bare == "--" || bare == "-- " || starts_signature(bare) {
            break;
        }
        if !bare.starts_with('>') {
            kept.push(bare);
        }
    }
    kept.join("\n").trim().to_owned()
}

fn starts_quote(line: &str) -> bool {
    let lower = line.to_lowercase();
    (lower.starts_with("on ") && (lower.ends_with("wrote:") || lower.contains('@')))
        || (lower.contains('@') && lower.ends_with(">:"))
        || lower.starts_with("ваш адрес опубликован на сайте")
        || lower.starts_with("если писать не нужно, ответьте")
        || lower.ends_with("пишет:")
        || (lower.ends_with("написал:") || lower.ends_with("написал(а):") || lower.ends_with("написала:"))
        || lower.starts_with("-----original message")
        || lower.starts_with("-----исходное сообщение")
        || lower.starts_with("-------- пересылаемое")
        || (lower.starts_with("от:") && lower.contains('@'))
        || (lower.starts_with("from:") && lower.contains('@'))
        || lower.starts_with("________________________________")
}

fn starts_signature(line: &str) -> bool {
    let lower = line.to_lowercase();
    ["с уважением", "отправлено с ", "отправлено из ", "sent from my", "best regards", "kind regards"].iter().any(|s| lower.starts_with(s))
}
