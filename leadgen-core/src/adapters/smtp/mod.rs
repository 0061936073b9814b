//! Submission over SMTP, command by command: an offer stops after the recipient, and nothing of the letter was given.

mod client;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;

use crate::domain::mail::{FrozenMail, Mailbox};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::transport::{MailTransport, Offer};

/// How a connection becomes private. There is no third way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first byte (port 465).
    Implicit,
    /// STARTTLS (port 587); a server that does not offer it gets nothing.
    StartTls,
}

/// How long we wait for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection, and for TLS on it.
    pub connect: Duration,
    /// For the greeting and the reply to a command.
    pub command: Duration,
    /// For the reply to DATA.
    pub data: Duration,
    /// For taking the letter and the reply to its last dot.
    pub last_reply: Duration,
}

impl Default for Limits {
    /// RFC 5321 4.5.3.2 gives the last reply ten minutes; a shorter wait is the main cause of letters sent twice.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            command: Duration::from_mins(1),
            data: Duration::from_mins(2),
            last_reply: Duration::from_mins(10),
        }
    }
}

/// One mailbox's server and login.
#[derive(Clone)]
pub struct Settings {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection becomes private.
    pub tls: Tls,
    /// The login.
    pub user: String,
    /// The app password.
    pub password: String,
    /// Refuse servers that are not on loopback.
    pub offline: bool,
    /// How long we wait.
    pub limits: Limits,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("mailbox", &self.mailbox.name)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Hands letters to a submission server.
#[derive(Debug)]
pub struct SmtpTransport {
    settings: Settings,
    tls: Arc<ClientConfig>,
    clock: Arc<dyn Clock>,
}

impl SmtpTransport {
    /// A transport; connects only when a letter is offered.
    pub fn new(settings: Settings, tls: Arc<ClientConfig>, clock: Arc<dyn Clock>) -> Result<Self> {
        if settings.offline && !matches!(settings.host.as_str(), "localhost" | "127.0.0.1" | "::1") {
            return Err(Error::new(ErrorKind::Config, format!("use the mail server {}", settings.host))
                .code("offline")
                .detail("offline mode allows loopback only"));
        }
        Ok(Self { settings, tls, clock })
    }

    /// Connects and logs in, and leaves again: for checking a set-up.
    pub async fn check_login(&self) -> Result<()> {
        client::Client::connect(&self.settings, &self.tls).await?.leave().await;
        Ok(())
    }
}

#[async_trait]
impl MailTransport for SmtpTransport {
    fn mailbox(&self) -> &Mailbox {
        &self.settings.mailbox
    }

    async fn offer(&self, mail: &FrozenMail) -> Result<Box<dyn Offer>> {
        let mut client = client::Client::connect(&self.settings, &self.tls).await?;
        if let Err(refused) = client.name_envelope(mail).await {
            client.leave().await;
            return Err(refused);
        }
        Ok(Box::new(client::Offered { client, bytes: mail.bytes.clone(), clock: Arc::clone(&self.clock) }))
    }
}
