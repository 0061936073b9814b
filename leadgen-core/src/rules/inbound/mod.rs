//! What is this mail? Bounce, complaint, a machine's answer, a person's answer, or nothing of ours.

mod dsn;
mod intent;
mod quote;

pub use intent::{Intent, intent};
pub use quote::own_words;

use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders, PartType};

use crate::domain::name::EmailAddress;
use crate::domain::signal::SignalKind;

/// Bytes of a mail that are read.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Message-IDs taken from one mail.
const MOST_IDS: usize = 100;

/// One thing a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it means.
    pub kind: SignalKind,
    /// The intent of a person's answer; empty otherwise.
    pub intent: String,
    /// Message-IDs it quotes.
    pub quoted_ids: Vec<String>,
    /// Whom it is about: the bounced recipient, or the sender.
    pub about: Option<EmailAddress>,
    /// What was said, at most 500 characters.
    pub text: String,
}

/// Reads a mail. A bounce of several recipients says several things; a mail that is none of ours says one: unrelated.
pub fn read(bytes: &[u8]) -> Vec<Said> {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let unrelated = Said { kind: SignalKind::Unrelated, intent: String::new(), quoted_ids: vec![], about: None, text: String::new() };
    let Some(message) = MessageParser::new().parse(bytes) else { return vec![unrelated] };
    let quoted_ids = quoted_ids(&message);
    if let Some(recipient) = complaint(&message) {
        return vec![Said { kind: SignalKind::Complaint, quoted_ids, about: recipient, ..unrelated }];
    }
    let bounces = dsn::bounces(&message);
    if !bounces.is_empty() {
        return bounces
            .into_iter()
            .map(|bounce| Said {
                kind: bounce.kind,
                quoted_ids: quoted_ids.clone(),
                about: bounce.recipient,
                text: bounce.diagnostic,
                intent: String::new(),
            })
            .collect();
    }
    let about = message.from().and_then(|from| from.first()).and_then(|from| from.address()).and_then(|a| EmailAddress::parse(a).ok());
    let words = own_words(&quote::text_of(&message));
    let text: String = words.chars().filter(|c| !c.is_control() || *c == '\n').take(500).collect();
    if is_automatic(&message) {
        return vec![Said { kind: SignalKind::AutoReply, intent: "auto_reply".into(), quoted_ids, about, text }];
    }
    let subject = message.subject().unwrap_or_default();
    let asks_to_stop = is_refusal_by_mail(subject);
    if quoted_ids.is_empty() && !asks_to_stop && about.is_none() {
        return vec![unrelated];
    }
    let meant = if asks_to_stop { Intent::Stop } else { intent(&words) };
    let kind = if meant == Intent::Stop { SignalKind::Stop } else { SignalKind::Reply };
    vec![Said { kind, intent: meant.as_str().to_owned(), quoted_ids, about, text }]
}

/// The subject our own List-Unsubscribe gives to a refusal by mail.
fn is_refusal_by_mail(subject: &str) -> bool {
    let first = subject.split_whitespace().next().unwrap_or("").to_uppercase();
    first == "STOP" || first == "СТОП"
}

fn is_automatic(message: &Message<'_>) -> bool {
    let header = |name: &str| message.header_raw(name).map(|value| value.trim().to_lowercase());
    if header("Auto-Submitted").is_some_and(|value| value != "no") {
        return true;
    }
    if header("Return-Path").is_some_and(|value| value == "<>") {
        return true;
    }
    if ["X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "X-Failed-Recipients"].iter().any(|name| header(name).is_some()) {
        return true;
    }
    if header("Precedence").is_some_and(|value| matches!(value.as_str(), "auto_reply" | "bulk" | "junk" | "list")) {
        return true;
    }
    let subject = message.subject().unwrap_or_default().to_lowercase();
    ["automatic reply", "out of office", "автоответ", "автоматический ответ", "вне офиса"].iter().any(|start| subject.starts_with(start))
}

/// RFC 5965: a feedback report that is not "not spam"; the recipient it names, if it does.
fn complaint(message: &Message<'_>) -> Option<Option<EmailAddress>> {
    let part = message
        .parts
        .iter()
        .find(|part| part.content_type().is_some_and(|kind| kind.ctype() == "message" && kind.subtype() == Some("feedback-report")))?;
    let text = String::from_utf8_lossy(part.contents()).replace("\r\n", "\n");
    let field = |name: &str| dsn::field(&text, name);
    if field("Feedback-Type").is_some_and(|kind| kind.eq_ignore_ascii_case("not-spam")) {
        return None;
    }
    Some(field("Original-Rcpt-To").and_then(|to| EmailAddress::parse(to.trim_matches(['<', '>'])).ok()))
}

/// Every Message-ID that may be ours: In-Reply-To, References, and those of returned messages or header blocks.
fn quoted_ids(message: &Message<'_>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut push = |id: &str| {
        let id = id.trim().trim_matches(['<', '>']).to_owned();
        if ids.len() < MOST_IDS && id.contains('@') && !ids.contains(&id) {
            ids.push(id);
        }
    };
    for value in [message.in_reply_to(), message.references()] {
        match value {
            HeaderValue::Text(id) => push(id),
            HeaderValue::TextList(list) => list.iter().for_each(|id| push(id)),
            _ => {}
        }
    }
    for part in &message.parts {
        if let PartType::Message(inner) = &part.body
            && let Some(id) = inner.message_id()
        {
            push(id);
        }
        if part.content_type().is_some_and(|kind| kind.subtype() == Some("rfc822-headers"))
            && let Some(id) = dsn::field(&String::from_utf8_lossy(part.contents()).replace("\r\n", "\n"), "Message-ID")
        {
            push(&id);
        }
        if let PartType::Text(text) = &part.body {
            // Servers that never heard of reports return the headers as plain text.
            let named =
                text.lines().filter_map(|line| line.trim().split_once(':')).filter(|(name, _)| name.eq_ignore_ascii_case("Message-ID"));
            named.for_each(|(_, id)| push(id));
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNCE: &str = "From: MAILER-DAEMON@mx.example\r\nTo: anna@studio.ru\r\nSubject: Undelivered Mail Returned to Sender\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
        Final-Recipient: rfc822; info@firma.ru\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 No such\r\n user\r\n\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <abc@studio.ru>\r\nFrom: anna@studio.ru\r\nSubject: x\r\n\r\nhi\r\n--b--\r\n";

    #[test]
    fn a_bounce_names_its_recipient_its_message_and_its_reason() {
        for form in [BOUNCE.to_owned(), BOUNCE.replace("\r\n", "\n")] {
            let said = read(form.as_bytes());
            assert_eq!(said.len(), 1);
            assert_eq!(said[0].kind, SignalKind::HardBounce);
            assert_eq!(said[0].about.as_ref().map(EmailAddress::as_str), Some("info@firma.ru"));
            assert_eq!(said[0].quoted_ids, ["abc@studio.ru"]);
            assert!(said[0].text.contains("No such"));
        }
    }

    fn reply(headers: &str, body: &str) -> Said {
        let mail = format!("From: info@firma.ru\nSubject: Re: x\nIn-Reply-To: <abc@studio.ru>\n{headers}\n{body}\n");
        read(mail.as_bytes()).remove(0)
    }

    #[test]
    fn an_answer_is_a_reply_and_stop_is_a_stop() {
        assert_eq!(reply("", "Добрый день! Расскажите подробнее.").intent, "interested");
        assert_eq!(reply("", "СТОП").kind, SignalKind::Stop);
        assert_eq!(reply("", "> ответьте СТОП\n\nСпасибо, подумаем").kind, SignalKind::Reply);
    }

    #[test]
    fn a_stop_inside_a_machines_answer_is_no_stop() {
        assert_eq!(reply("Auto-Submitted: auto-replied\n", "Я в отпуске. STOP").kind, SignalKind::AutoReply);
    }

    #[test]
    fn what_a_page_like_answer_quotes_is_not_what_its_writer_says() {
        for (own, kind) in [("Спасибо, подумаем", SignalKind::Reply), ("СТОП", SignalKind::Stop)] {
            for quote in [
                "<blockquote>Если писать не нужно, ответьте СТОП — больше писем не будет.</blockquote>",
                "<div class=\"gmail_quote\">пт, 16 янв. 2026 г., Анна:<br>Удалите меня из рассылки</div>",
                "<div id=\"divRplyFwdMsg\">От: Анна</div><p>Отпишите нас</p>",
            ] {
                let mail = format!(
                    "From: info@firma.ru\nIn-Reply-To: <abc@studio.ru>\nContent-Type: text/html; charset=utf-8\n\n<html><body><p>{own}</p>{quote}</body></html>\n"
                );
                assert_eq!(read(mail.as_bytes())[0].kind, kind, "{own} {quote}");
            }
        }
    }

    #[test]
    fn a_line_that_names_who_wrote_before_ends_the_writers_own_words() {
        for line in [
            "пт, 16 янв. 2026 г. в 12:05, Анна Ковалёва <anna@studio.ru>:",
            "16.01.2026, 12:05, \"Анна Ковалёва\" <anna@studio.ru>:",
            "On Fri, Jan 16, 2026 at 12:05 PM Anna <anna@studio.ru>",
            "Пятница, 16 января 2026, 12:05 +03:00 от Анна <anna@studio.ru>:",
            "Ваш адрес опубликован на сайте firma.ru; ссылку на страницу пришлём по запросу.",
        ] {
            let said = reply("", &format!("Спасибо, подумаем\n\n{line}\nУдалите нас из рассылки\nОтветьте СТОП"));
            assert_eq!((said.kind, said.text.as_str()), (SignalKind::Reply, "Спасибо, подумаем"), "{line}");
        }
    }

    #[test]
    fn an_answer_of_a_machine_is_known_by_any_of_its_marks() {
        for mark in
            ["Return-Path: <>", "X-Auto-Response-Suppress: All", "X-Autoreply: yes", "Precedence: bulk", "Auto-Submitted: auto-generated"]
        {
            assert_eq!(reply(&format!("{mark}\n"), "Отпишите меня").kind, SignalKind::AutoReply, "{mark}");
        }
        assert_eq!(reply("Auto-Submitted: no\n", "Отпишите меня").kind, SignalKind::Stop);
    }

    #[test]
    fn a_bounce_in_prose_names_its_recipient_its_message_and_its_reason() {
        let qmail = "From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.\n\n\
            <info@firma.ru>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 User unknown\nGiving up on 192.0.2.1.\n\n\
            --- Below this line is a copy of the message.\n\nMessage-ID: <abc@studio.ru>\nSubject: x\n";
        let exim = "From: Mail Delivery System <Mailer-Daemon@mx.example>\nX-Failed-Recipients: info@firma.ru\nAuto-Submitted: auto-replied\n\
            Subject: Mail delivery failed: returning message to sender\n\nA message that you sent could not be delivered.\n\n  info@firma.ru\n\
            \n    SMTP error from remote mail server after RCPT TO:<info@firma.ru>:\n    550 5.2.1 Mailbox is disabled\n\nMessage-ID: <abc@studio.ru>\n";
        let russian = "From: postmaster@mx.example\nContent-Type: text/plain; charset=utf-8\nSubject: Недоставленное сообщение\n\n\
            Ваше письмо на адрес info@firma.ru не доставлено: 554 5.7.1 Message rejected under suspicion of SPAM\nMessage-Id: <abc@studio.ru>\n";
        let vague = "From: postmaster@mx.example\nSubject: Undelivered Mail\n\nYour message to info@firma.ru waits since 5 days.\nMessage-ID: <abc@studio.ru>\n";
        for (mail, kind) in [
            (qmail, SignalKind::HardBounce),
            (exim, SignalKind::HardBounce),
            (russian, SignalKind::PolicyBounce),
            (vague, SignalKind::SoftBounce),
        ] {
            let said = read(mail.as_bytes()).remove(0);
            assert_eq!((said.kind, said.about.as_ref().map(EmailAddress::as_str)), (kind, Some("info@firma.ru")), "{mail}");
            assert_eq!(said.quoted_ids, ["abc@studio.ru"], "{mail}");
        }
    }

    #[test]
    fn garbage_is_unrelated() {
        assert_eq!(read(&[0xFF, 0, 1, 2])[0].kind, SignalKind::Unrelated);
        assert_eq!(read(b"")[0].kind, SignalKind::Unrelated);
    }
}
