//! What a person wrote, without what was quoted, signed or appended.

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
    (lower.starts_with("on ") && lower.ends_with("wrote:"))
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
