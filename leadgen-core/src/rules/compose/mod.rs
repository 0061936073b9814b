//! Builds the bytes of a letter: RFC 5322 headers, a plain-text body in UTF-8, a way out. The bytes are frozen here and
//! never change afterwards, however often they are offered.

pub mod header;
pub mod mime;
pub mod unsubscribe;

use crate::domain::name::EmailAddress;
use crate::domain::time::{Timestamp, Zone};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::compose::header::HeaderText;

/// All that the bytes are made of.
#[derive(Clone, Debug)]
pub struct Composition<'a> {
    /// The mailbox's own address.
    pub from: &'a EmailAddress,
    /// The name beside it, or empty.
    pub from_name: &'a str,
    /// The one recipient.
    pub to: &'a EmailAddress,
    /// One line.
    pub subject: &'a str,
    /// Plain text with `\n` line ends, footer included.
    pub body: &'a str,
    /// When it is frozen.
    pub date: Timestamp,
    /// Whose wall clock the `Date` shows.
    pub zone: Zone,
    /// Sixteen random bytes for the Message-ID.
    pub random: [u8; 16],
    /// The message's id, part of the Message-ID.
    pub outbox_id: String,
    /// The https address of the unsubscribe page with its token, if there is one.
    pub unsubscribe_url: Option<String>,
    /// The address that takes refusals.
    pub unsubscribe_mailto: &'a EmailAddress,
    /// The token, for the subject of a refusal by mail.
    pub token: String,
}

/// A letter in its wire form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// Header and body with CRLF line ends.
    pub bytes: Vec<u8>,
    /// The Message-ID without angle brackets.
    pub message_id: String,
}

/// Composes a letter and reads it again with an independent parser before anyone may send it (`build_check_failed`).
pub fn compose(parts: &Composition<'_>) -> Result<Composed> {
    let subject = HeaderText::parse(parts.subject)?;
    let from_name = HeaderText::parse(parts.from_name)?;
    if from_name.as_str().contains('@') {
        return Err(Error::new(ErrorKind::Config, "compose a letter").code("from_name_spoofs").detail("the sender's name holds an @"));
    }
    let random: String = parts.random.iter().map(|byte| format!("{byte:02x}")).collect();
    let message_id = format!("{random}.{}@{}", parts.outbox_id, parts.from.domain());
    let mut head = String::new();
    let mut field = |name: &str, value: &str| {
        head.push_str(&header::fold(name, value));
        head.push_str("\r\n");
    };
    field("Date", &parts.zone.mail_date(parts.date));
    field("From", &header::mailbox(&from_name, parts.from));
    field("To", parts.to.as_str());
    field("Message-ID", &format!("<{message_id}>"));
    field("Subject", &header::encoded(subject.as_str()));
    let stop = if parts.token.is_empty() { "STOP".to_owned() } else { format!("STOP%20{}", parts.token) };
    let mailto = format!("<mailto:{}?subject={stop}>", parts.unsubscribe_mailto);
    match &parts.unsubscribe_url {
        Some(url) => {
            field("List-Unsubscribe", &format!("<{url}>, {mailto}"));
            field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        }
        None => field("List-Unsubscribe", &mailto),
    }
    field("MIME-Version", "1.0");
    field("Content-Type", "text/plain; charset=utf-8");
    field("Content-Transfer-Encoding", "quoted-printable");
    let bytes = format!("{head}\r\n{}", mime::quoted_printable(parts.body)).into_bytes();
    check(&bytes, parts, subject.as_str())?;
    Ok(Composed { bytes, message_id })
}

/// The same letter dated by its turn: a letter that waits over a weekend does not arrive dated Friday. Its turn is never
/// after its leaving, so the date is never in the future. Bytes that don't begin with their date stay as they are.
pub fn dated(bytes: &[u8], turn: Timestamp, zone: Zone) -> Vec<u8> {
    let rest = bytes.strip_prefix(b"Date: ").and_then(|after| after.windows(2).position(|end| end == b"\r\n").map(|at| &after[at..]));
    match rest {
        Some(rest) => [format!("Date: {}", zone.mail_date(turn)).as_bytes(), rest].concat(),
        None => bytes.to_vec(),
    }
}

/// Reads the bytes again: one recipient, the subject and the text as meant, each header once, lines within bounds.
fn check(bytes: &[u8], parts: &Composition<'_>, subject: &str) -> Result<()> {
    let failed = |what: &str| {
        Error::new(ErrorKind::Rejected, "compose a letter").code("build_check_failed").detail(format!("read again, {what} differs"))
    };
    let message = mail_parser::MessageParser::new().parse(bytes).ok_or_else(|| failed("everything"))?;
    if message.subject() != Some(subject) {
        return Err(failed("the subject"));
    }
    let recipients: Vec<_> = message.to().into_iter().flat_map(mail_parser::Address::iter).filter_map(|to| to.address()).collect();
    if recipients != [parts.to.as_str()] {
        return Err(failed("the recipient"));
    }
    let text = message.body_text(0).unwrap_or_default().replace("\r\n", "\n");
    if text.trim_end() != parts.body.trim_end() {
        return Err(failed("the text"));
    }
    let mut names: Vec<String> = message.headers().iter().map(|header| header.name().to_ascii_lowercase()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    if names.len() != count {
        return Err(failed("the number of headers"));
    }
    if bytes.split(|b| *b == b'\n').any(|line| line.len() > 998) || bytes.iter().any(|b| *b >= 0x80) {
        return Err(failed("the length or alphabet of a line"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn letter(subject: &str, body: &str) -> Result<Composed> {
        let from = EmailAddress::parse("anna@studio-primer.ru").unwrap();
        let to = EmailAddress::parse("info@denta-lux.ru").unwrap();
        compose(&Composition {
            from: &from,
            from_name: "Анна, «Студия»",
            to: &to,
            subject,
            body,
            date: Timestamp::parse("2026-01-15T09:00:00Z").unwrap(),
            zone: Zone::parse("Europe/Moscow").unwrap(),
            random: [7; 16],
            outbox_id: "abc".into(),
            unsubscribe_url: Some("https://mail.example.org/u/token".into()),
            unsubscribe_mailto: &from,
            token: "token".into(),
        })
    }

    #[test]
    fn a_letter_is_dated_by_its_turn_and_nothing_else_of_it_changes() {
        let composed = letter("Тема", "Текст").unwrap().bytes;
        let turn = Timestamp::parse("2026-01-19T07:00:00Z").unwrap();

        let dated = String::from_utf8(dated(&composed, turn, Zone::parse("Europe/Moscow").unwrap())).unwrap();

        assert!(dated.starts_with("Date: Mon, 19 Jan 2026 10:00:00 +0300\r\n"), "{dated}");
        let rest = |text: &str| text.split_once("\r\n").map(|(_, rest)| rest.to_owned());
        assert_eq!(rest(&dated), rest(&String::from_utf8(composed).unwrap()));
    }

    #[test]
    fn a_letter_carries_its_headers_once_and_in_order() {
        let composed = letter("Заявки с сайта «Дента Люкс»", "Здравствуйте!\n\n.точка в начале\nFrom the start\n").unwrap();
        let text = String::from_utf8(composed.bytes).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        let names: Vec<&str> = head.split("\r\n").filter(|l| !l.starts_with(' ')).filter_map(|l| l.split(':').next()).collect();
        assert_eq!(
            names,
            [
                "Date",
                "From",
                "To",
                "Message-ID",
                "Subject",
                "List-Unsubscribe",
                "List-Unsubscribe-Post",
                "MIME-Version",
                "Content-Type",
                "Content-Transfer-Encoding"
            ]
        );
        assert!(text.contains("Date: Thu, 15 Jan 2026 12:00:00 +0300"));
        assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
        assert!(composed.message_id.ends_with(".abc@studio-primer.ru"));
    }

    #[test]
    fn a_line_break_in_a_subject_is_refused() {
        assert_eq!(letter("Тема\r\nBcc: x@y.ru", "текст").unwrap_err().machine_code(), "header_unsafe");
    }

    #[test]
    fn a_subject_that_looks_encoded_arrives_as_written() {
        assert!(letter("=?utf-8?B?0J/RgNC40LLQtdGC?=", "текст").is_ok());
    }

    proptest! {
        /// The check inside compares what was built with what is read again.
        #[test]
        fn whatever_is_composed_reads_back_the_same(subject in "[\\PC&&[^\u{85}\u{2028}\u{2029}]]{1,120}", body in "[\\PC\n ]{0,400}") {
            let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
            if !subject.is_empty() {
                let built = letter(&subject, &body);
                prop_assert!(built.is_ok(), "{:?}", built.err());
            }
        }
    }
}
