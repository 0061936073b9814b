//! Scripted faults: any server may be told to stall, drop, refuse, limit or babble on cue.

use std::sync::{Arc, Mutex};

use serde::Deserialize;

/// What a server does instead of its work.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// HTTP: this status, with an optional pause in seconds.
    Status(u16),
    /// Says nothing, for as long as the town stands.
    Stall,
    /// Closes the connection at once.
    Drop,
    /// Does the work, then closes the connection without an answer.
    DropAfterAccept,
    /// Takes so many milliseconds: half of them before it does the work, half before it says so.
    Slow(u64),
    /// Answers with something that is not the protocol.
    Babble,
    /// Cuts the answer in half.
    Truncate,
    /// SMTP: this reply, for example `451 4.7.1 later`.
    Reply(String),
    /// SMTP: this reply in windows-1251, as old servers write.
    ReplyIn1251(String),
    /// SMTP at `ehlo`: STARTTLS is not offered.
    NoStartTls,
    /// SMTP at `starttls`: these lines in the clear, in one breath with the 220.
    Inject(String),
    /// SMTP at `tls`: shows a certificate for another name.
    WrongName,
    /// SMTP at `tls`: shows a certificate of an authority nobody knows.
    Untrusted,
    /// HTTP: 200 with this text.
    Body(String),
    /// HTTP: 302 to this address.
    Redirect(String),
    /// DNS: no such name.
    NoSuchName,
    /// DNS: the name is there, a record of this kind is not.
    NoRecords,
    /// Operation: ends in an error.
    OperationError,
    /// Search: the page holds this error code.
    SerpError(u32),
    /// HTTP: this status and `Retry-After` in seconds.
    StatusAfter(u16, u64),
    /// Operation: the page is no base64.
    BadBase64,
    /// Operation: the page is an HTML document.
    HtmlPage,
    /// Operation: the answer has so many bytes.
    Flood(usize),
}

/// One fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `search`, `operation`, `iam`, `dns`, `sites`, `model`, `sheets`, `smtp.yandex`, `smtp.gmail`, `imap`.
    pub server: String,
    /// Only where this occurs in the query, host, path or recipient.
    #[serde(default)]
    pub matches: String,
    /// SMTP: at which step: `tls`, `connect`, `ehlo`, `starttls`, `auth`, `mail`, `rcpt`, `data`, `body`, `dot`. IMAP: `login`, `fetch`.
    #[serde(default)]
    pub at: String,
    /// How often.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    #[serde(rename = "do")]
    pub action: Action,
}

/// Never ends.
pub(crate) async fn stall<T>() -> T {
    std::future::pending().await
}

/// Takes its time: a slow server is slow by the machine's clock, which a killed process shares.
#[expect(clippy::disallowed_methods, reason = "slowness is what is wanted")]
pub(crate) async fn dawdle(time: std::time::Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn once() -> u32 {
    1
}

/// The script, shared by all servers.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Reads a JSON list of faults.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        Ok(Self(Arc::new(Mutex::new(serde_json::from_str(text)?))))
    }

    /// Adds a fault, also while the town runs.
    pub fn add(&self, fault: Fault) {
        if let Ok(mut script) = self.0.lock() {
            script.push(fault);
        }
    }

    /// Forgets all that has not struck yet.
    pub fn clear(&self) {
        if let Ok(mut script) = self.0.lock() {
            script.clear();
        }
    }

    /// The action for something that happens now, used up by one.
    pub(crate) fn strike(&self, server: &str, at: &str, what: &str) -> Option<Action> {
        let mut script = self.0.lock().ok()?;
        let fault = script
            .iter_mut()
            .find(|f| f.server == server && f.times > 0 && (f.at.is_empty() || f.at == at) && what.contains(f.matches.as_str()))?;
        fault.times -= 1;
        Some(fault.action.clone())
    }
}
