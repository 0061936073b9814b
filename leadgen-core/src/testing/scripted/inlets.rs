//! A list of niches and an inbox, both filled by hand.

use async_trait::async_trait;

use crate::domain::lead::{Batch, Cursor, LeadRow, RowStatus};
use crate::domain::signal::Arrival;
use crate::error::{Error, Result};
use crate::ports::inbox::Inbox;
use crate::ports::leads::LeadSource;

use super::{Faults, Shared};

/// What stands behind a cursor; a cursor is the number of items before it.
fn behind<T: Clone>(items: &[T], after: Option<&Cursor>) -> Batch<T> {
    let start = after.and_then(|cursor| cursor.0.parse::<usize>().ok()).unwrap_or(0).min(items.len());
    Batch { items: items[start..].to_vec(), next: Some(Cursor(items.len().to_string())) }
}

/// Rows in the order they were written; remembers what it was told became of them.
///
/// ```
/// use leadgen_core::testing::builders::a_row;
/// use leadgen_core::testing::scripted::ScriptedLeads;
///
/// let sheet = ScriptedLeads::rows([a_row("стоматология", "Казань")]);
/// assert!(sheet.acknowledged().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedLeads(Shared<Sheet>);

#[derive(Debug, Default)]
struct Sheet {
    rows: Vec<LeadRow>,
    faults: Faults,
    acknowledged: Vec<RowStatus>,
}

impl ScriptedLeads {
    /// A sheet with rows.
    pub fn rows(rows: impl IntoIterator<Item = LeadRow>) -> Self {
        Self(Shared::new(Sheet { rows: rows.into_iter().collect(), ..Sheet::default() }))
    }

    /// Somebody writes one more row.
    pub fn add(&self, row: LeadRow) {
        self.0.lock().rows.push(row);
    }

    /// The next pull fails.
    #[must_use]
    pub fn fails(self, error: Error) -> Self {
        self.0.lock().faults.add(error);
        self
    }

    /// Everything it was told, in order.
    pub fn acknowledged(&self) -> Vec<RowStatus> {
        self.0.lock().acknowledged.clone()
    }
}

#[async_trait]
impl LeadSource for ScriptedLeads {
    async fn pull(&self, after: Option<&Cursor>) -> Result<Batch<LeadRow>> {
        let mut sheet = self.0.lock();
        sheet.faults.next()?;
        Ok(behind(&sheet.rows, after))
    }

    async fn acknowledge(&self, rows: &[RowStatus]) -> Result<()> {
        self.0.lock().acknowledged.extend_from_slice(rows);
        Ok(())
    }
}

/// An inbox that mails are put into.
#[derive(Clone, Debug)]
pub struct ScriptedInbox {
    mailbox: String,
    memory: Shared<Mails>,
}

#[derive(Debug, Default)]
struct Mails {
    arrivals: Vec<Arrival>,
    faults: Faults,
}

impl ScriptedInbox {
    /// The empty inbox of a mailbox.
    pub fn of(mailbox: &str) -> Self {
        Self { mailbox: mailbox.to_owned(), memory: Shared::new(Mails::default()) }
    }

    /// A mail arrives.
    pub fn receives(&self, mail: impl Into<Vec<u8>>) {
        let mut memory = self.memory.lock();
        let key = format!("1:{}", memory.arrivals.len() + 1);
        memory.arrivals.push(Arrival { mailbox: self.mailbox.clone(), key, bytes: mail.into() });
    }

    /// The next pull fails.
    #[must_use]
    pub fn fails(self, error: Error) -> Self {
        self.memory.lock().faults.add(error);
        self
    }
}

#[async_trait]
impl Inbox for ScriptedInbox {
    fn mailbox(&self) -> &str {
        &self.mailbox
    }

    async fn pull(&self, after: Option<&Cursor>) -> Result<Batch<Arrival>> {
        let mut memory = self.memory.lock();
        memory.faults.next()?;
        Ok(behind(&memory.arrivals, after))
    }
}

/// A person's mail, as it lies in an inbox.
pub fn a_mail_from(from: &str, subject: &str, text: &str) -> String {
    format!("From: <{from}>\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n")
}

/// A person's answer to a letter of ours, quoting its Message-ID.
pub fn a_reply_to(message_id: &str, from: &str, text: &str) -> String {
    format!("In-Reply-To: <{message_id}>\r\n{}", a_mail_from(from, "Re: hello", text))
}

/// A server's report that a letter of ours came back for good (RFC 3464).
pub fn a_bounce_of(message_id: &str, to: &str) -> String {
    let report = format!(
        "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
    );
    format!(
        "From: <mailer-daemon@example.net>\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/plain\r\n\r\nYour message came back.\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\n{report}\r\n--b\r\n\
         Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\nTo: <{to}>\r\n\r\n--b--\r\n"
    )
}
