//! Delivery reports (RFC 3464), and the bounces of servers that never heard of it.

use mail_parser::{Message, MimeHeaders};

use crate::domain::name::EmailAddress;
use crate::domain::signal::SignalKind;
use crate::rules::replies::{Reply, Stage, class};

/// One recipient's report.
pub(super) struct Bounce {
    pub(super) recipient: Option<EmailAddress>,
    pub(super) kind: SignalKind,
    pub(super) diagnostic: String,
}

/// Recipients read from one report.
const MOST_RECIPIENTS: usize = 50;
const SUBJECTS: [&str; 11] = [
    "undelivered mail",
    "undeliverable",
    "returned mail",
    "delivery failure",
    "доставка не удалась",
    "delivery status notification (failure)",
    "failure notice",
    "mail delivery failed",
    "недоставленное сообщение",
    "сообщение не доставлено",
    "не удалось доставить",
];

/// All bounces of a mail; empty if it is none.
pub(super) fn bounces(message: &Message<'_>) -> Vec<Bounce> {
    let mut found = Vec::new();
    for part in &message.parts {
        let is_report = part.content_type().is_some_and(|kind| kind.ctype() == "message" && kind.subtype() == Some("delivery-status"));
        if !is_report {
            continue;
        }
        let text = String::from_utf8_lossy(part.contents()).replace("\r\n", "\n").replace('\r', "\n");
        for block in text.split("\n\n").filter(|block| !block.trim().is_empty()).take(MOST_RECIPIENTS) {
            found.extend(recipient_block(block));
        }
    }
    if found.is_empty() && is_classic(message) {
        found.extend(classic(message));
    }
    found
}

fn recipient_block(block: &str) -> Option<Bounce> {
    let recipient = field(block, "Original-Recipient").or_else(|| field(block, "Final-Recipient"))?;
    let address = recipient.split_once(';').map_or(recipient.as_str(), |(_, address)| address);
    let diagnostic = field(block, "Diagnostic-Code").unwrap_or_default();
    let status = field(block, "Status").unwrap_or_default();
    let kind = match field(block, "Action").unwrap_or_default().to_lowercase().as_str() {
        "failed" => failed(&status, &diagnostic),
        "delayed" => SignalKind::Delayed,
        _ => return None,
    };
    let shown = if diagnostic.is_empty() { status } else { diagnostic };
    Some(Bounce {
        recipient: EmailAddress::parse(address.trim().trim_matches(['<', '>'])).ok(),
        kind,
        diagnostic: shown.chars().take(500).collect(),
    })
}

/// A precise diagnostic wins over a general status.
fn failed(status: &str, diagnostic: &str) -> SignalKind {
    let said = diagnostic.split_once(';').map_or(diagnostic, |(_, said)| said).trim();
    let reply = Reply::parse(said.as_bytes()).or_else(|| Reply::parse(made_up(status, said).as_bytes()));
    let class = reply.map_or("unknown", |reply| class(Stage::Rcpt, &reply));
    match class {
        "content" | "policy" | "reputation" | "auth_failed" | "rate_limited" | "sender_rejected" => SignalKind::PolicyBounce,
        "mailbox_full" | "temp_failure" | "too_big" => SignalKind::SoftBounce,
        _ if status.starts_with('4') => SignalKind::SoftBounce,
        _ => SignalKind::HardBounce,
    }
}

/// The reply a server would have given, for a report that quotes none.
fn made_up(status: &str, said: &str) -> String {
    let digits = if status.starts_with('4') || status.is_empty() && said.starts_with('4') { 450 } else { 550 };
    format!("{digits} {}", format!("{status} {said}").trim())
}

fn is_classic(message: &Message<'_>) -> bool {
    let from = message.from().and_then(|from| from.first()).and_then(|from| from.address()).unwrap_or("").to_lowercase();
    let subject = message.subject().unwrap_or_default().to_lowercase();
    (from.starts_with("mailer-daemon@") || from.starts_with("postmaster@")) && SUBJECTS.iter().any(|start| subject.contains(start))
}

/// The address the server names, else the first in the text, with the words that say why.
fn classic(message: &Message<'_>) -> Option<Bounce> {
    let text = message.body_text(0)?;
    let named = message.header_raw("X-Failed-Recipients").and_then(|list| EmailAddress::parse(list.split(',').next()?.trim()).ok());
    let mut words = text.split(|c: char| c.is_whitespace() || "<>\"'():;,".contains(c));
    let recipient = named.or_else(|| words.find_map(|word| EmailAddress::parse(word).ok()))?;
    let why = text.lines().find_map(reason);
    let kind = why.map_or(SignalKind::SoftBounce, |why| failed("", &format!("smtp; {why}")));
    Some(Bounce { recipient: Some(recipient), kind, diagnostic: why.unwrap_or_default().chars().take(500).collect() })
}

/// The reply within a line: three digits of a refusal, or an enhanced code, and what follows.
fn reason(line: &str) -> Option<&str> {
    let is_code = |word: &str| word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|b| b.is_ascii_digit());
    let is_enhanced = |word: &str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == 3 && matches!(parts[0], "4" | "5") && parts.iter().all(|part| part.parse::<u16>().is_ok())
    };
    line.split_whitespace().find_map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_digit());
        let first: String = bare.chars().take_while(char::is_ascii_digit).collect();
        let begins = is_code(bare) || is_code(&first) && bare[first.len()..].starts_with('-') || is_enhanced(bare);
        begins.then(|| line.find(bare).map(|start| line[start..].trim())).flatten()
    })
}

/// A field of a header block, folded lines joined.
pub(super) fn field(block: &str, name: &str) -> Option<String> {
    let mut lines = block.lines();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once(':') else { continue };
        if !key.trim().eq_ignore_ascii_case(name) {
            continue;
        }
        let mut value = value.trim().to_owned();
        for more in lines.by_ref().take_while(|more| more.starts_with([' ', '\t'])) {
            value.push(' ');
            value.push_str(more.trim());
        }
        return Some(value);
    }
    None
}
