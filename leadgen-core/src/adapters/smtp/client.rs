//! The conversation: connect, make private, log in, name sender and recipient; then, after the mark, the letter.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::address::AddressError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::domain::mail::{FrozenMail, Receipt};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::transport::Offer;
use crate::rules::replies::{Reply, Stage, error};

use super::wire::{Heard, Wire};
use super::{Limits, Settings, Tls};

/// What a greeting before STARTTLS may hold.
const MOST_GREETING: usize = 8 * 1024;
/// The name we say at EHLO: no private host name leaves.
const EHLO: &str = "leadgen.invalid";
/// The only reply to DATA after which a letter is given.
const GO_AHEAD: u16 = 354;

pub(super) struct Client {
    connection: AsyncSmtpConnection,
    heard: Heard,
    limits: Limits,
}

fn unreachable(what: impl Display) -> Error {
    Error::new(ErrorKind::Unavailable, format!("reach the mail server: {what}")).code("unreachable")
}

impl Client {
    /// As far as a login that was accepted.
    pub(super) async fn connect(settings: &Settings, tls: &Arc<ClientConfig>) -> Result<Self> {
        let address = (settings.host.as_str(), settings.port);
        let limits = settings.limits;
        let tcp = tokio::time::timeout(limits.connect, TcpStream::connect(address)).await.map_err(|_| unreachable("no answer"))?;
        let mut tcp = tcp.map_err(|e| unreachable(&settings.host).because(e))?;
        tcp.set_nodelay(true).map_err(|e| unreachable("set up").because(e))?;
        let peer = tcp.peer_addr().map_err(|e| unreachable("set up").because(e))?;
        let mut ahead = Vec::new();
        if settings.tls == Tls::StartTls {
            tokio::time::timeout(limits.command, start_tls(&mut tcp)).await.map_err(|_| unreachable("STARTTLS timed out"))??;
            // The client wants a greeting; after STARTTLS the server gives none.
            ahead = b"220 ready\r\n".to_vec();
        }
        let name = ServerName::try_from(settings.host.clone()).map_err(|e| unreachable("no server name").because(e))?;
        let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, tcp);
        let io = tokio::time::timeout(limits.connect, handshake).await.map_err(|_| unreachable("TLS timed out"))?;
        let io = io.map_err(|e| unreachable("TLS failed").because(e))?;
        let heard = Heard::default();
        let wire = Wire { io, peer, ahead, heard: Arc::clone(&heard) };
        let hello = ClientId::Domain(EHLO.into());
        let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello);
        let connection = match tokio::time::timeout(limits.command, greeted).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(failure)) => {
                return Err(refusal(Stage::Connect, &heard).unwrap_or_else(|| unreachable("no SMTP greeting").because(failure)));
            }
            Err(_) => return Err(unreachable("the greeting timed out")),
        };
        let mut client = Self { connection, heard, limits };
        client.log_in(settings).await?;
        Ok(client)
    }

    async fn log_in(&mut self, settings: &Settings) -> Result<()> {
        self.forget();
        let login = Credentials::new(settings.user.clone(), settings.password.clone());
        let auth = self.connection.auth(&[Mechanism::Plain, Mechanism::Login], &login);
        match tokio::time::timeout(self.limits.command, auth).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failure)) => Err(refusal(Stage::Auth, &self.heard).unwrap_or_else(|| {
                // A connection that breaks at the login counts as a refused login.
                Error::new(ErrorKind::Unauthorized, "log in to the mail server").code("auth_broken").because(failure)
            })),
            Err(_) => Err(unreachable("the login timed out")),
        }
    }

    /// Sender and recipient. Nothing of the letter is given.
    pub(super) async fn name_envelope(&mut self, mail: &FrozenMail) -> Result<()> {
        let doing = "name sender and recipient";
        // A sender the client can't name is our set-up; it must not cost the recipient.
        let from = mail
            .from
            .as_str()
            .parse()
            .map_err(|e: AddressError| Error::new(ErrorKind::Config, doing).code("sender_rejected").because(e))?;
        let to =
            mail.to.as_str().parse().map_err(|e: AddressError| Error::new(ErrorKind::Rejected, doing).code("bad_mailbox").because(e))?;
        self.command(Stage::Mail, Mail::new(Some(from), vec![]), self.limits.command).await?;
        self.command(Stage::Rcpt, Rcpt::new(to, vec![]), self.limits.command).await.map(|_| ())
    }

    async fn command(&mut self, stage: Stage, command: impl Display, limit: Duration) -> Result<u16> {
        self.forget();
        match tokio::time::timeout(limit, self.connection.command(command)).await {
            Ok(Ok(response)) => Ok(response.code().into()),
            Ok(Err(failure)) => Err(refusal(stage, &self.heard)
                .unwrap_or_else(|| Error::new(ErrorKind::Unavailable, "talk to the mail server").code("temp_failure").because(failure))),
            Err(_) => Err(Error::new(ErrorKind::Unavailable, "talk to the mail server").code("temp_failure").detail("no reply in time")),
        }
    }

    fn forget(&self) {
        if let Ok(mut heard) = self.heard.lock() {
            heard.clear();
        }
    }

    pub(super) async fn leave(mut self) {
        // Whether the goodbye is heard changes nothing.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.connection.command(Quit)).await;
    }
}

/// The server's own words, if a whole refusing reply was heard.
fn refusal(stage: Stage, heard: &Heard) -> Option<Error> {
    let bytes = heard.lock().ok()?.clone();
    let reply = whole_reply(&bytes)?;
    (reply.code >= 400).then(|| error(stage, &reply))
}

/// The first whole reply among the bytes.
fn answer_in(bytes: &[u8]) -> Option<Reply> {
    whole_reply(&bytes[..first_reply(bytes)?])
}

/// The last whole reply among the bytes: its final line has a blank after the code.
fn whole_reply(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.iter().rposition(|b| *b == b'\n')?;
    let lines: Vec<&[u8]> = bytes[..=end].split_inclusive(|b| *b == b'\n').collect();
    let last = lines.last()?;
    if last.len() < 4 || last[3] == b'-' {
        return None;
    }
    let start = lines.iter().rposition(|line| line.len() < 4 || line[3] != b'-' || line[..3] != last[..3]);
    let first = match start {
        Some(at) if at + 1 == lines.len() => {
            let before = lines[..at].iter().rposition(|line| line.len() < 4 || line[3] != b'-' || line[..3] != last[..3]);
            before.map_or(0, |at| at + 1)
        }
        Some(at) => at + 1,
        None => 0,
    };
    Reply::parse(&lines[first..].concat())
}

/// STARTTLS by hand. Bytes that come along with the 220 in the clear are an attack and end it.
async fn start_tls(tcp: &mut TcpStream) -> Result<()> {
    let refused =
        |what: &str| Error::new(ErrorKind::Unauthorized, "make the connection private").code("tls_required").detail(what.to_owned());
    let (greeting, _) = plain_reply(tcp).await?;
    if greeting.code >= 400 {
        return Err(error(Stage::Connect, &greeting));
    }
    tcp.write_all(format!("EHLO {EHLO}\r\n").as_bytes()).await.map_err(|e| unreachable("EHLO").because(e))?;
    let (abilities, _) = plain_reply(tcp).await?;
    if !abilities.text.split('\n').any(|ability| ability.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(refused("the server offers no STARTTLS"));
    }
    tcp.write_all(b"STARTTLS\r\n").await.map_err(|e| unreachable("STARTTLS").because(e))?;
    let (answer, more) = plain_reply(tcp).await?;
    if answer.code != 220 {
        return Err(refused(&format!("STARTTLS was answered with {} {}", answer.code, answer.text)));
    }
    if more {
        return Err(refused("the server said more than the one line before TLS began"));
    }
    Ok(())
}

/// A reply in the clear, each line's text on a line of its own, and whether more came with it.
async fn plain_reply(tcp: &mut TcpStream) -> Result<(Reply, bool)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0_u8; 1024];
        let read = tcp.read(&mut chunk).await.map_err(|e| unreachable("the connection broke").because(e))?;
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = first_reply(&bytes) {
            let reply = Reply::parse(&bytes[..end]).ok_or_else(|| unreachable("no SMTP greeting"))?;
            let lines: Vec<String> = bytes[..end]
                .split(|b| *b == b'\n')
                .map(|line| String::from_utf8_lossy(line.get(4..).unwrap_or(b"")).into_owned())
                .collect();
            return Ok((Reply { text: lines.join("\n"), ..reply }, bytes.len() > end));
        }
        if read == 0 || bytes.len() > MOST_GREETING {
            return Err(unreachable("no whole reply"));
        }
    }
}

/// Where the first whole reply ends: behind the first line without a hyphen after its code.
fn first_reply(bytes: &[u8]) -> Option<usize> {
    let mut end = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        end += line.len();
        if !line.ends_with(b"\n") {
            return None;
        }
        if line.get(3) != Some(&b'-') {
            return Some(end);
        }
    }
    None
}

/// A server that waits for the letter.
pub(super) struct Offered {
    pub(super) client: Client,
    pub(super) bytes: Vec<u8>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Offer for Offered {
    async fn hand_over(mut self: Box<Self>) -> Result<Receipt> {
        // Until its 354 the server has nothing: whatever goes wrong here is no doubt.
        let limits = self.client.limits;
        let code = self.client.command(Stage::Data, Data, limits.data).await?;
        if code != GO_AHEAD {
            return Err(Error::new(ErrorKind::Unavailable, "hand over a letter")
                .code("temp_failure")
                .detail(format!("DATA was answered with {code}")));
        }
        self.client.forget();
        // The client ends the letter with CRLF.CRLF itself.
        let bytes = self.bytes.strip_suffix(b"\r\n").unwrap_or(&self.bytes);
        let said = tokio::time::timeout(limits.last_reply, self.client.connection.message(bytes)).await;
        // The first whole reply is the answer to the letter; a goodbye (`421 closing`) that comes in the same read is not.
        let reply = self.client.heard.lock().ok().and_then(|heard| answer_in(&heard));
        let at = self.clock.now();
        match (said, reply) {
            // The server's yes counts however its connection ends, and whatever the client makes of its text.
            (_, Some(reply)) if (200..300).contains(&reply.code) => {
                self.client.leave().await;
                Ok(Receipt { reply: reply.line(), at })
            }
            (_, Some(reply)) if reply.code >= 400 => Err(error(Stage::Data, &reply)),
            (Ok(Ok(response)), _) => Ok(Receipt { reply: response.code().to_string(), at }),
            (ended, _) => {
                let doubt = Error::new(ErrorKind::InDoubt, "hear whether the letter was taken").code("delivery_unknown");
                Err(match ended {
                    Ok(Err(failure)) => doubt.because(failure),
                    _ => doubt.detail("no last reply in time"),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goodbye_in_the_same_read_does_not_unsay_that_the_letter_was_taken() {
        let code = |bytes: &[u8]| answer_in(bytes).map(|reply| reply.code);
        assert_eq!(code(b"250 2.0.0 queued\r\n421 4.4.2 closing\r\n"), Some(250));
        assert_eq!(code(b"250-2.0.0 queued\r\n250 as 7\r\n421 4.4.2 closing\r\n"), Some(250));
        assert_eq!(code(b"554 5.7.1 spam\r\n221 bye\r\n"), Some(554));
        assert_eq!(code(b"250-2.0.0 que"), None);
    }

    #[test]
    fn only_a_whole_reply_is_an_answer() {
        assert!(whole_reply(b"250-one\r\n").is_none());
        assert!(whole_reply(b"250 ok").is_none());
        let reply = whole_reply(b"354 go\r\n550-5.1.1 no\r\n550 5.1.1 such user\r\n").expect("a reply");
        assert_eq!((reply.code, reply.text.as_str()), (550, "no such user"));
        assert_eq!(whole_reply(b"571 blocked\r\n").map(|reply| reply.code), Some(571));
    }
}
