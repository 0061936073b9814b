//! An inbox over IMAP: opened read-only, read in small batches, never marked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_imap::Session;
use async_trait::async_trait;
use futures::StreamExt;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::error;

use crate::domain::lead::{Batch, Cursor};
use crate::domain::signal::Arrival;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::inbox::Inbox;

/// Mails fetched in one pull.
const BATCH: usize = 20;
/// Time for a whole pull.
pub const PULL: Duration = Duration::from_mins(2);
/// How far back a first look goes, and a look after the server numbered its mails anew.
const LOOK_BACK: Duration = Duration::from_hours(24 * 30);
/// Bytes of a mail that are kept.
const LARGEST: usize = 2 * 1024 * 1024;

/// One mailbox's server and login.
#[derive(Clone)]
pub struct Settings {
    /// The mailbox's name.
    pub mailbox: String,
    /// The server; TLS from the first byte.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The login.
    pub user: String,
    /// The app password.
    pub password: String,
    /// Refuse servers that are not on loopback.
    pub offline: bool,
    /// Time for a whole pull.
    pub limit: Duration,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("mailbox", &self.mailbox).field("host", &self.host).finish_non_exhaustive()
    }
}

/// Reads an INBOX.
#[derive(Debug)]
pub struct ImapInbox {
    settings: Settings,
    tls: Arc<ClientConfig>,
    clock: Arc<dyn Clock>,
}

impl ImapInbox {
    /// An inbox; connects only when it is pulled.
    pub fn new(settings: Settings, tls: Arc<ClientConfig>, clock: Arc<dyn Clock>) -> Result<Self> {
        if settings.offline && !matches!(settings.host.as_str(), "localhost" | "127.0.0.1" | "::1") {
            return Err(Error::new(ErrorKind::Config, format!("read the inbox at {}", settings.host))
                .code("offline")
                .detail("offline mode allows loopback only"));
        }
        Ok(Self { settings, tls, clock })
    }

    /// Connects and logs in, and leaves again: for checking a set-up.
    pub async fn check_login(&self) -> Result<()> {
        let checked = tokio::time::timeout(self.settings.limit, async {
            let mut session = self.log_in().await?;
            // Whether the goodbye is heard changes nothing.
            let _ = session.logout().await;
            Ok(())
        });
        checked.await.unwrap_or_else(|_| Err(too_slow("log in to the inbox")))
    }

    async fn log_in(&self) -> Result<Session<TlsStream<TcpStream>>> {
        let broken = |e: std::io::Error| Error::new(ErrorKind::Unavailable, "reach the inbox").code("unreachable").because(e);
        let tcp = TcpStream::connect((self.settings.host.as_str(), self.settings.port)).await.map_err(broken)?;
        tcp.set_nodelay(true).map_err(broken)?;
        let name = ServerName::try_from(self.settings.host.clone())
            .map_err(|e| Error::new(ErrorKind::Config, "name the inbox's server").because(e))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await.map_err(broken)?;
        let mut client = async_imap::Client::new(stream);
        client.read_response().await.map_err(broken)?;
        let login = client.login(&self.settings.user, &self.settings.password).await;
        login.map_err(|(e, _)| {
            let kind = if matches!(e, async_imap::error::Error::No(_)) { ErrorKind::Unauthorized } else { ErrorKind::Unavailable };
            Error::new(kind, format!("log in to the inbox {}", self.settings.mailbox)).code("auth_broken").because(e)
        })
    }

    async fn read(&self, after: Option<&Cursor>) -> Result<Batch<Arrival>> {
        let failed = |what: &'static str| {
            move |e: async_imap::error::Error| Error::new(ErrorKind::Unavailable, what).code("inbox_failed").because(e)
        };
        let mut session = self.log_in().await?;
        let state = session.examine("INBOX").await.map_err(failed("open the inbox"))?;
        let validity = state.uid_validity.unwrap_or(0);
        let wanted = match after.and_then(|cursor| next_uid(cursor, validity)) {
            Some(from) => format!("UID {from}:*"),
            None => format!("SINCE {}", (self.clock.now() - LOOK_BACK).day().format("%d-%b-%Y")),
        };
        let from = after.and_then(|cursor| next_uid(cursor, validity)).unwrap_or(1);
        // Numbers have gaps, as many as mails were deleted: the server is asked which there are.
        let found = session.uid_search(wanted).await.map_err(failed("look for mails"))?;
        let mut uids: Vec<u32> = found.into_iter().filter(|uid| *uid >= from).collect();
        uids.sort_unstable();
        uids.truncate(BATCH);
        let mut mails_read: BTreeMap<u32, Option<Vec<u8>>> = BTreeMap::new();
        if !uids.is_empty() {
            let set = uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
            let what = format!("(UID FLAGS BODY.PEEK[]<0.{LARGEST}>)");
            let mut mails = session.uid_fetch(set, what).await.map_err(failed("fetch mails"))?;
            while let Some(mail) = mails.next().await {
                let mail = mail.map_err(failed("fetch mails"))?;
                let Some(uid) = mail.uid.filter(|uid| uids.binary_search(uid).is_ok()) else { continue };
                let body = mail.body().map(|body| body[..body.len().min(LARGEST)].to_vec());
                // A server tells of a changed flag in between, without the body.
                let known = mails_read.entry(uid).or_default();
                *known = body.or(known.take());
            }
        }
        // Whether the goodbye is heard changes nothing.
        let _ = session.logout().await;
        Ok(self.batch(validity, &uids, mails_read))
    }

    /// What was read, and where to go on. A mail that the server has and did not give is where the next pull begins; if it
    /// is still not given then, a person is told, and the others are read.
    fn batch(&self, validity: u32, uids: &[u32], mails: BTreeMap<u32, Option<Vec<u8>>>) -> Batch<Arrival> {
        let withheld = |uid: &u32| mails.get(uid).is_some_and(Option::is_none);
        if let Some(uid) = uids.first().filter(|uid| withheld(uid)) {
            error!(event = "alert", mailbox = self.settings.mailbox, uid, "the server does not give a mail of the inbox: read it there");
        }
        let end = uids.iter().skip(1).position(withheld).map_or(uids.len(), |at| at + 1);
        let next = uids[..end].last().map(|last| Cursor(format!("{validity}:{last}")));
        let given = uids[..end].iter().filter_map(|uid| mails.get(uid)?.clone());
        let items = given.map(|bytes| Arrival { mailbox: self.settings.mailbox.clone(), key: key(&bytes), bytes }).collect();
        Batch { items, next }
    }
}

fn too_slow(doing: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, doing).code("inbox_timeout")
}

/// A mail is named by its content: the same mail under another number is no new one.
fn key(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}

/// The first UID after a cursor; none if the server numbers its mails anew.
fn next_uid(cursor: &Cursor, validity: u32) -> Option<u32> {
    let (kept, uid) = cursor.0.split_once(':')?;
    (kept.parse::<u32>().ok()? == validity).then_some(uid.parse::<u32>().ok()?.saturating_add(1))
}

#[async_trait]
impl Inbox for ImapInbox {
    fn mailbox(&self) -> &str {
        &self.settings.mailbox
    }

    async fn pull(&self, after: Option<&Cursor>) -> Result<Batch<Arrival>> {
        let pulled = tokio::time::timeout(self.settings.limit, self.read(after)).await;
        pulled.unwrap_or_else(|_| Err(too_slow("read the inbox")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_numbering_starts_anew() {
        assert_eq!(next_uid(&Cursor("7:41".into()), 7), Some(42));
        assert_eq!(next_uid(&Cursor("7:41".into()), 8), None);
        assert_eq!(next_uid(&Cursor("nonsense".into()), 7), None);
    }
}
