//! What a reply of a mail server means for the letter, the address and the mailbox: one table, first fitting row wins.
//! Texts of providers come before enhanced codes, these before the three digits, these before the first digit.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Verdict};

/// How far the conversation was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the login: connecting, greeting, TLS.
    Connect,
    /// The login.
    Auth,
    /// The sender.
    Mail,
    /// The recipient.
    Rcpt,
    /// The letter itself, and the reply to its last dot.
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
            let Some(code) = line.get(..3).and_then(|digits| digits.parse::<u16>().ok()) else {
                // An odd line within a reply is passed over; a reply that begins with one is none.
                reply.as_ref()?;
                continue;
            };
            let (enhanced, text) = split_enhanced(code, line.get(4..).unwrap_or(""));
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

/// An enhanced code begins with the same digit as the code it explains; an address or a version does not.
fn split_enhanced(code: u16, text: &str) -> (Option<(u8, u16, u16)>, &str) {
    let word = text.split(' ').next().unwrap_or("");
    let parts: Vec<&str> = word.split('.').collect();
    let read = || match parts[..] {
        [class, subject, detail] => Some((class.parse().ok()?, subject.parse().ok()?, detail.parse().ok()?)),
        _ => None,
    };
    match read() {
        Some(enhanced) if u16::from(enhanced.0) == code / 100 => (Some(enhanced), text[word.len()..].trim_start()),
        _ => (None, text),
    }
}

/// How far a refusal reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This letter and its recipient.
    Message,
    /// The mailbox it leaves from.
    Mailbox,
    /// The recipient's domain or provider.
    Provider,
    /// Provider and mailbox: their trust in us.
    Reputation,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try the letter again by the usual pauses.
    Retry,
    /// Try it again after a day, then after three, then give up.
    RetryTwice,
    /// Try it once more on a new connection, then give up.
    RetryOnce,
    /// The mailbox rests; its letters wait.
    Rest(Duration),
    /// The mailbox rests until a person looks after it.
    Suspend,
    /// The letter fails and its address goes to the registry.
    Suppress,
    /// The letter fails.
    Fail,
    /// The letter is held for a person, the mailbox rests. The same text never leaves through another mailbox.
    Hold,
}

/// What a refusing reply means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The outcome class: the vocabulary of all reports.
    pub class: &'static str,
    /// How far it reaches.
    pub scope: Scope,
    /// What is to be done.
    pub remedy: Remedy,
    /// Whether a person should hear of it at once.
    pub alert: bool,
}

/// A reply as the rows see it.
struct Seen<'a> {
    stage: Stage,
    reply: &'a Reply,
    text: String,
}

impl Seen<'_> {
    fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.text.contains(word))
    }

    /// Any of these enhanced codes, whatever their first digit.
    fn is(&self, codes: &[(u16, u16)]) -> bool {
        self.reply.enhanced.is_some_and(|(_, subject, detail)| codes.contains(&(subject, detail)))
    }

    fn subject(&self, subject: u16) -> bool {
        self.reply.enhanced.is_some_and(|enhanced| enhanced.1 == subject)
    }

    fn code(&self, codes: &[u16]) -> bool {
        codes.contains(&self.reply.code)
    }

    fn is_final(&self) -> bool {
        self.reply.code >= 500
    }

    fn blames_content(&self) -> bool {
        self.says(&SPAM)
    }

    fn blames_reputation(&self) -> bool {
        self.says(&REPUTATION)
    }
}

const SPAM: [&str; 8] = ["spam", "suspicion", "unsolicited", "blocked", "message rejected", "спам", "content rejected", "message content"];
const REPUTATION: [&str; 11] =
    ["ptr ", "reverse dns", "rbl", "dnsbl", "blacklist", "blocklist", "black list", "spamhaus", "spamcop", "barracuda", "reputation"];
const LIMIT: [&str; 8] = [
    "daily",
    "sending limit",
    "spam limit",
    "message limit",
    "limit exceeded",
    "rate limit exceeded",
    "too many messages",
    "quota exceeded for sending",
];
const UNKNOWN_USER: [&str; 12] = [
    "user unknown",
    "no such user",
    "unknown user",
    "user not found",
    "does not exist",
    "mailbox unavailable",
    "invalid mailbox",
    "no such mailbox",
    "recipient not found",
    "unknown recipient",
    "не существует",
    "не найден",
];
const DISABLED: [&str; 6] = ["disabled", "inactive", "suspended", "deactivated", "заблокирован", "отключен"];
const FULL: [&str; 6] = ["over quota", "quota exceeded", "mailbox full", "mailbox is full", "mailbox size limit", "переполнен"];
const NOT_OWNED: [&str; 5] = ["not owned", "sender address rejected", "sender is not", "not allowed to send", "send as denied"];
const AUTHENTICITY: [&str; 4] = ["dmarc", "spf", "dkim", "unauthenticated"];

struct Row {
    fits: fn(&Seen<'_>) -> bool,
    means: Meaning,
}

const fn row(fits: fn(&Seen<'_>) -> bool, class: &'static str, scope: Scope, remedy: Remedy, alert: bool) -> Row {
    Row { fits, means: Meaning { class, scope, remedy, alert } }
}

const LOGIN_REST: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The table. The order matters: a row may rely on those above it not fitting.
static TABLE: [Row; 21] = [
    row(
        |s| s.is(&[(7, 0)]) && !s.is_final() && (s.stage == Stage::Auth || s.says(&["login"])),
        "rate_limited",
        Scope::Mailbox,
        Remedy::Rest(LOGIN_REST),
        true,
    ),
    row(|s| s.stage == Stage::Auth && s.is_final() || s.code(&[530, 534, 535]), "auth_broken", Scope::Mailbox, Remedy::Suspend, true),
    row(
        |s| s.is(&[(4, 5)]) || s.stage != Stage::Connect && s.says(&LIMIT) && !s.says(&["size"]) && !s.is(&[(2, 2), (2, 3), (3, 4)]),
        "rate_limited",
        Scope::Mailbox,
        Remedy::Rest(DAY),
        true,
    ),
    row(
        |s| s.is_final() && (s.is(&[(7, 60)]) || s.is(&[(7, 1), (1, 7), (1, 8)]) && s.says(&NOT_OWNED)),
        "sender_rejected",
        Scope::Mailbox,
        Remedy::Suspend,
        true,
    ),
    row(|s| s.is_final() && s.is(&[(7, 13), (7, 25)]) && s.blames_reputation(), "reputation", Scope::Reputation, Remedy::Hold, true),
    row(
        |s| {
            let named = s.is(&[(7, 23), (7, 25), (7, 26), (7, 27), (7, 29), (7, 30), (7, 40)]);
            s.is_final() && (named || s.is(&[(7, 1), (7, 509)]) && s.says(&AUTHENTICITY) && !s.blames_reputation())
        },
        "auth_failed",
        Scope::Mailbox,
        Remedy::Hold,
        true,
    ),
    row(
        |s| s.is_final() && s.stage != Stage::Mail && s.says(&DISABLED) && !s.is(&[(2, 2)]) && !s.blames_content(),
        "mailbox_disabled",
        Scope::Message,
        Remedy::Suppress,
        false,
    ),
    row(
        |s| s.is_final() && s.blames_reputation() && !s.is(&[(1, 1), (1, 10), (2, 1), (2, 2)]),
        "reputation",
        Scope::Reputation,
        Remedy::Hold,
        true,
    ),
    row(
        |s| s.code(&[556]) || s.is_final() && (s.is(&[(1, 2), (4, 4), (4, 14), (4, 310)]) || s.is(&[(1, 10)]) && s.says(&["null mx"])),
        "bad_domain",
        Scope::Message,
        Remedy::Suppress,
        false,
    ),
    row(|s| s.is_final() && s.is(&[(2, 1)]), "mailbox_disabled", Scope::Message, Remedy::Suppress, false),
    row(
        |s| {
            s.is(&[(2, 2)])
                || s.says(&FULL) && s.code(&[450, 451, 452, 550, 552, 554])
                || s.code(&[552]) && s.reply.enhanced.is_none() && !s.says(&["size"])
        },
        "mailbox_full",
        Scope::Message,
        Remedy::RetryTwice,
        false,
    ),
    row(
        |s| s.is_final() && (s.is(&[(3, 4), (2, 3)]) || s.code(&[552, 554]) && s.says(&["size", "too big", "too large"])),
        "too_big",
        Scope::Message,
        Remedy::Fail,
        true,
    ),
    row(|s| s.is_final() && s.stage == Stage::Mail && s.code(&[550, 551, 553]), "sender_rejected", Scope::Mailbox, Remedy::Suspend, true),
    row(|s| s.is_final() && s.subject(1) && s.stage != Stage::Mail, "bad_mailbox", Scope::Message, Remedy::Suppress, false),
    row(
        |s| s.is_final() && !s.subject(7) && s.says(&UNKNOWN_USER) && s.stage != Stage::Mail,
        "bad_mailbox",
        Scope::Message,
        Remedy::Suppress,
        false,
    ),
    row(|s| s.is_final() && (s.blames_content() || s.subject(6)), "content", Scope::Reputation, Remedy::Hold, true),
    row(|s| s.is_final() && s.subject(7), "policy", Scope::Reputation, Remedy::Hold, true),
    row(
        |s| s.stage == Stage::Rcpt && s.code(&[550, 551, 553]) && s.reply.enhanced.is_none(),
        "bad_mailbox",
        Scope::Message,
        Remedy::Suppress,
        false,
    ),
    row(|s| s.code(&[500, 501, 502, 503, 504, 555]) || s.is_final() && s.subject(5), "unknown", Scope::Message, Remedy::RetryOnce, true),
    row(
        |s| matches!(s.stage, Stage::Rcpt | Stage::Data) && !s.is_final() && s.is(&[(7, 23), (7, 27), (7, 30), (7, 31), (7, 32), (7, 40)]),
        "auth_failed",
        Scope::Provider,
        Remedy::Retry,
        true,
    ),
    row(
        |s| {
            let slow_down =
                s.subject(7) || s.is(&[(2, 1)]) || s.says(&["greylist", "graylist", "too quickly", "at a rate", "серый список"]);
            matches!(s.stage, Stage::Rcpt | Stage::Data) && !s.is_final() && slow_down
        },
        "rate_limited",
        Scope::Provider,
        Remedy::Retry,
        false,
    ),
];

/// What a refusing reply means.
///
/// ```
/// use leadgen_core::rules::replies::{Remedy, Reply, Stage, meaning};
///
/// let reply = Reply::parse(b"550 5.1.1 No such user\r\n").unwrap();
/// assert_eq!(meaning(Stage::Rcpt, &reply).remedy, Remedy::Suppress);
/// ```
pub fn meaning(stage: Stage, reply: &Reply) -> Meaning {
    let seen = Seen { stage, reply, text: reply.text.to_lowercase() };
    if let Some(row) = TABLE.iter().find(|row| (row.fits)(&seen)) {
        return row.means;
    }
    let ours = stage == Stage::Connect || seen.subject(3) || seen.subject(4) || seen.code(&[421, 451, 452]);
    match (seen.is_final(), ours) {
        (false, true) => Meaning { class: "temp_failure", scope: Scope::Mailbox, remedy: Remedy::Retry, alert: false },
        (false, false) => Meaning { class: "temp_failure", scope: Scope::Message, remedy: Remedy::Retry, alert: false },
        (true, _) => Meaning { class: "unknown", scope: Scope::Message, remedy: Remedy::Fail, alert: false },
    }
}

/// The outcome class of a reply that refuses: the vocabulary of all reports.
pub fn class(stage: Stage, reply: &Reply) -> &'static str {
    meaning(stage, reply).class
}

/// The error of a refusing reply: its kind decides what happens to the letter, its code is the outcome class.
pub fn error(stage: Stage, reply: &Reply) -> Error {
    let means = meaning(stage, reply);
    let retry = |after| Some(Verdict::Retry { after });
    let (kind, verdict) = match means.remedy {
        Remedy::Retry if means.class == "temp_failure" => (ErrorKind::Unavailable, retry(None)),
        Remedy::Retry => (ErrorKind::Limited, retry(None)),
        Remedy::RetryTwice => (ErrorKind::Limited, retry(Some(DAY))),
        Remedy::RetryOnce => (ErrorKind::Unavailable, retry(None)),
        Remedy::Rest(pause) => (ErrorKind::Limited, retry(Some(pause))),
        Remedy::Suspend => (ErrorKind::Unauthorized, None),
        Remedy::Suppress | Remedy::Fail => (ErrorKind::Rejected, None),
        Remedy::Hold => (ErrorKind::Refused, None),
    };
    let error = Error::new(kind, "hand over a letter").code(means.class).detail(reply.line());
    match verdict {
        Some(verdict) => error.with_verdict(verdict),
        None => error,
    }
}

#[cfg(test)]
mod tests;
