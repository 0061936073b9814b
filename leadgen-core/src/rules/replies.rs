//! What a reply of a mail server means for the letter, the address and the mailbox.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Verdict};

/// How far the conversation was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the login: connecting, greeting, TLS.
    Connect,
    /// The login.
    Auth,
    /// Sender and recipient.
    Envelope,
    /// The letter itself.
    Data,
}

/// A server's answer: code, enhanced code (RFC 3463), text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The enhanced code at the start of the text.
    pub enhanced: Option<(u8, u16, u16)>,
    /// All lines, joined by blanks.
    pub text: String,
}

impl Reply {
    /// Reads a whole reply as it came, in whatever charset its text is.
    ///
    /// ```
    /// use leadgen_core::rules::replies::Reply;
    ///
    /// let reply = Reply::parse(b"550-5.1.1 The email account\r\n550 5.1.1 does not exist\r\n").unwrap();
    /// assert_eq!((reply.code, reply.enhanced), (550, Some((5, 1, 1))));
    /// assert_eq!(reply.text, "The email account does not exist");
    /// ```
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let whole = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => encoding_rs::WINDOWS_1251.decode(bytes).0.into_owned(),
        };
        let mut reply: Option<Self> = None;
        for line in whole.lines().take(64) {
            let code: u16 = line.get(..3)?.parse().ok()?;
            let rest = line.get(4..).unwrap_or("");
            let (enhanced, text) = split_enhanced(rest);
            match &mut reply {
                None => reply = Some(Self { code, enhanced, text: text.to_owned() }),
                Some(reply) => {
                    reply.text.push(' ');
                    reply.text.push_str(text);
                }
            }
        }
        reply
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let enhanced = self.enhanced.map(|(a, b, c)| format!(" {a}.{b}.{c}")).unwrap_or_default();
        format!("{}{enhanced} {}", self.code, self.text).chars().filter(|c| !c.is_control()).take(400).collect()
    }
}

fn split_enhanced(text: &str) -> (Option<(u8, u16, u16)>, &str) {
    let word = text.split(' ').next().unwrap_or("");
    let parts: Vec<&str> = word.split('.').collect();
    let read = || match parts[..] {
        [class, subject, detail] => Some((class.parse().ok()?, subject.parse().ok()?, detail.parse().ok()?)),
        _ => None,
    };
    match read() {
        Some(code) => (Some(code), text[word.len()..].trim_start()),
        None => (None, text),
    }
}

const PAUSE_LOGIN: Duration = Duration::from_hours(1);
const PAUSE_DAY: Duration = Duration::from_hours(24);
const MAILBOX_FULL: Duration = Duration::from_hours(24);

/// The outcome class of a reply that refuses: the vocabulary of all reports.
pub fn class(stage: Stage, reply: &Reply) -> &'static str {
    let text = reply.text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let spam = says(&["spam", "suspicion", "unsolicited", "blocked", "blacklist", "rbl", "reputation", "message rejected", "спам"]);
    let unknown_user = says(&[
        "user unknown",
        "no such user",
        "unknown user",
        "does not exist",
        "mailbox unavailable",
        "не существует",
        "invalid mailbox",
    ]);
    let disabled = says(&["disabled", "inactive", "suspended", "заблокирован"]);
    let limit = says(&["limit exceeded", "sending limit", "spam limit", "daily", "too many", "quota exceeded for sending", "rate limit"]);
    match (stage, reply.code, reply.enhanced) {
        (_, 454 | 421, Some((4, 7, 0))) if stage == Stage::Auth || says(&["login"]) => "rate_limited",
        (Stage::Auth, 500..=599, _) | (_, 530 | 534 | 535, _) => "auth_broken",
        (_, 550, Some((5, 4, 5))) => "rate_limited",
        (_, _, Some((_, 5, 3))) if limit => "rate_limited",
        (Stage::Envelope | Stage::Data, 400..=499, _) if limit => "rate_limited",
        (_, 500..=599, Some((5, 7, 1))) if says(&["not owned", "sender address rejected", "sender is not", "not allowed to send"]) => {
            "sender_rejected"
        }
        (_, 500..=599, Some((5, 7, 60))) => "sender_rejected",
        (_, 500..=599, Some((5, 7, 23..=30 | 40))) => "auth_failed",
        (_, 500..=599, Some((5, 1, 2 | 4) | (5, 4, 4 | 14))) | (_, 556, _) => "bad_domain",
        (_, 500..=599, Some((5, 2, 1))) => "mailbox_disabled",
        (_, 500..=599, _) if disabled && !spam => "mailbox_disabled",
        (_, 500..=599, Some((5, 2, 2))) | (_, 452, Some((4, 2, 2))) => "mailbox_full",
        (_, 552, None) if !says(&["size"]) => "mailbox_full",
        (_, 500..=599, Some((5, 3, 4) | (5, 2, 3))) => "too_big",
        (_, 552, None) => "too_big",
        (_, 500..=599, Some((5, 1, 10))) if says(&["null mx"]) => "bad_domain",
        (_, 500..=599, Some((5, 1, 0 | 1 | 3 | 6 | 10))) => "bad_mailbox",
        (_, 500..=599, _) if spam => "content",
        (_, 500..=599, Some((5, 7, _) | (5, 6, _))) => "policy",
        (_, 500..=599, _) if unknown_user => "bad_mailbox",
        (Stage::Envelope, 550 | 551 | 553, None) => "bad_mailbox",
        (_, 400..=499, _) => "temp_failure",
        _ => "unknown",
    }
}

/// The error of a refusing reply: its kind decides what happens to the letter, its code is the outcome class.
pub fn error(stage: Stage, reply: &Reply) -> Error {
    let class = class(stage, reply);
    let kind = match class {
        "auth_broken" | "sender_rejected" => ErrorKind::Unauthorized,
        "rate_limited" => ErrorKind::Limited,
        "content" | "policy" | "auth_failed" | "reputation" => ErrorKind::Refused,
        "temp_failure" => ErrorKind::Unavailable,
        "mailbox_full" => ErrorKind::Limited,
        _ => ErrorKind::Rejected,
    };
    let after = match class {
        "rate_limited" if reply.enhanced == Some((4, 7, 0)) => Some(PAUSE_LOGIN),
        "rate_limited" => Some(PAUSE_DAY),
        "mailbox_full" => Some(MAILBOX_FULL),
        _ => None,
    };
    let error = Error::new(kind, "hand over a letter").code(class).detail(reply.line());
    match after {
        Some(after) => error.with_verdict(Verdict::Retry { after: Some(after) }),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_replies_have_the_class_of_the_table() {
        use Stage::{Auth, Connect, Data, Envelope};
        let table = [
            (
                Envelope,
                "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking",
                "bad_mailbox",
            ),
            (Envelope, "550 5.1.1 <x@yandex.ru>: Recipient address rejected: No such user!", "bad_mailbox"),
            (
                Envelope,
                "550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: user not found",
                "bad_mailbox",
            ),
            (Envelope, "550 5.5.1 Recipient rejected: user unknown", "bad_mailbox"),
            (Envelope, "550 Requested action not taken: mailbox unavailable", "bad_mailbox"),
            (Envelope, "550 5.2.1 The email account that you tried to reach is disabled.", "mailbox_disabled"),
            (Envelope, "550 5.7.1 Ящик заблокирован", "mailbox_disabled"),
            (Envelope, "452-4.2.2 The email account that you tried to reach is over quota", "mailbox_full"),
            (Envelope, "552 5.2.2 Mailbox size limit exceeded", "mailbox_full"),
            (Data, "554 5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc", "content"),
            (Data, "550-5.7.1 Our system has detected that this message is likely unsolicited mail", "content"),
            (Data, "550 spam message rejected. Please visit http://help.mail.ru/notspam-support/", "content"),
            (Data, "550 5.7.26 Unauthenticated email from x.ru is not accepted due to domain's DMARC policy", "auth_failed"),
            (Data, "550 5.4.5 Daily user sending limit exceeded.", "rate_limited"),
            (Data, "451 4.7.1 Sorry, the service is currently unavailable. Please come back later.", "temp_failure"),
            (Envelope, "450 4.2.1 The user you are trying to contact is receiving mail at a rate", "temp_failure"),
            (Envelope, "450 4.7.1 Greylisting in action, please come back later", "temp_failure"),
            (Envelope, "452 4.5.3 Your message has too many recipients", "rate_limited"),
            (Auth, "535 5.7.8 Error: authentication failed: Invalid user or password!", "auth_broken"),
            (Auth, "534-5.7.9 Application-specific password required.", "auth_broken"),
            (Auth, "454 4.7.0 Too many login attempts, please try again later", "rate_limited"),
            (Envelope, "530 5.7.0 Must issue a STARTTLS command first.", "auth_broken"),
            (Envelope, "553 5.7.1 Sender address rejected: not owned by auth user.", "sender_rejected"),
            (Envelope, "550 5.1.2 The recipient domain does not exist", "bad_domain"),
            (Envelope, "556 5.1.10 Recipient address has null MX", "bad_domain"),
            (Data, "552 5.3.4 Message size exceeds fixed limit", "too_big"),
            (Connect, "421 4.3.2 Service not available", "temp_failure"),
            (Data, "554 Transaction failed", "unknown"),
        ];
        for (stage, text, expected) in table {
            let reply = Reply::parse(text.as_bytes()).expect("a reply");
            assert_eq!(class(stage, &reply), expected, "{text}");
        }
    }

    #[test]
    fn a_reply_in_windows_1251_is_read() {
        let mut bytes = b"550 5.1.1 ".to_vec();
        bytes.extend(encoding_rs::WINDOWS_1251.encode("ящик не существует").0.iter());
        assert_eq!(Reply::parse(&bytes).expect("a reply").text, "ящик не существует");
    }

    #[test]
    fn a_spam_verdict_holds_the_letter() {
        let reply = Reply::parse(b"554 5.7.1 Message rejected under suspicion of SPAM").expect("a reply");
        assert_eq!(error(Stage::Data, &reply).verdict(), Verdict::Hold);
    }
}
