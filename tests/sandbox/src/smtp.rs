//! Two submission servers: one with TLS from the first byte, one with STARTTLS. Both want a login and keep what they accept.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::faults::{Action, Faults, dawdle, stall};
use crate::firms::{Firm, Temper};
use crate::imap::Mailbox;
use crate::people;
use crate::search::slowness;
use crate::witness;

/// A letter the town accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// `yandex` or `gmail`.
    pub server: String,
    /// Envelope sender.
    pub from: String,
    /// Envelope recipient.
    pub rcpt: String,
    /// Its Message-ID.
    pub message_id: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// One server.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) implicit_tls: bool,
    pub(crate) tls: Arc<rustls::ServerConfig>,
    pub(crate) wrong_name: Arc<rustls::ServerConfig>,
    pub(crate) untrusted: Arc<rustls::ServerConfig>,
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) dir: PathBuf,
    pub(crate) firms: Arc<Vec<Firm>>,
    pub(crate) faults: Faults,
    pub(crate) inbox: Arc<Mailbox>,
    pub(crate) accepting: Arc<Mutex<()>>,
}

/// Accepts connections until it is stopped.
pub(crate) async fn serve(listener: TcpListener, server: Arc<Server>) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            Ok((socket, _)) = listener.accept() => {
                let server = Arc::clone(&server);
                clients.spawn(async move { let _ = greet(socket, server).await; });
            }
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn greet(socket: TcpStream, server: Arc<Server>) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let tls = match server.faults.strike(&format!("smtp.{}", server.name), "tls", "") {
        Some(Action::WrongName) => &server.wrong_name,
        Some(Action::Untrusted) => &server.untrusted,
        Some(Action::Drop) => return Ok(()),
        _ => &server.tls,
    };
    let acceptor = TlsAcceptor::from(Arc::clone(tls));
    if server.implicit_tls {
        let stream = acceptor.accept(socket).await?;
        return Session::new(stream, server, true).run().await.map(|_| ());
    }
    let mut session = Session::new(socket, Arc::clone(&server), false);
    if session.run().await? {
        let stream = acceptor.accept(session.io.into_inner()).await?;
        let mut secure = Session::new(stream, server, true);
        secure.greeted = true;
        secure.run().await?;
    }
    Ok(())
}

struct Session<S> {
    io: BufReader<S>,
    server: Arc<Server>,
    secure: bool,
    greeted: bool,
    logged_in: bool,
    from: String,
    rcpt: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(stream: S, server: Arc<Server>, secure: bool) -> Self {
        Self { io: BufReader::new(stream), server, secure, greeted: false, logged_in: false, from: String::new(), rcpt: String::new() }
    }

    async fn say(&mut self, reply: &str) -> std::io::Result<()> {
        self.io.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await?;
        self.io.get_mut().flush().await
    }

    async fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut bytes = Vec::new();
        let read = self.io.read_until(b'\n', &mut bytes).await?;
        self.note(&String::from_utf8_lossy(&bytes));
        Ok((read > 0 && read < 8192).then(|| String::from_utf8_lossy(&bytes).trim_end().to_owned()))
    }

    /// Keeps what was said to the server, without what only the two of them should know.
    fn note(&self, line: &str) {
        let line = line.trim_end();
        let is_command = line.split(' ').next().is_some_and(|verb| verb.len() >= 4 && verb.chars().all(|c| c.is_ascii_uppercase()));
        let shown = if is_command && !line.starts_with("AUTH") { line } else { line.get(..10).unwrap_or("…") };
        if let Ok(mut heard) = self.server.heard.lock() {
            heard.push(format!("{} {} {shown}", self.server.name, if self.secure { "tls" } else { "plain" }));
        }
    }

    /// A fault at a step; true if the conversation is over.
    async fn struck(&mut self, at: &str, what: &str) -> std::io::Result<Option<bool>> {
        let fault = self.server.faults.strike(&format!("smtp.{}", self.server.name), at, what);
        match fault {
            Some(Action::Reply(reply)) => {
                self.say(&reply).await?;
                Ok(Some(reply.starts_with("421")))
            }
            Some(Action::ReplyIn1251(reply)) => {
                let bytes = encoding_rs::WINDOWS_1251.encode(&reply).0.into_owned();
                self.io.get_mut().write_all(&bytes).await?;
                self.say("").await?;
                Ok(Some(false))
            }
            Some(Action::Stall) => stall().await,
            Some(Action::Babble) => {
                self.say("HTTP/1.1 200 OK").await?;
                Ok(Some(true))
            }
            Some(Action::Slow(_)) | None => Ok(None),
            Some(_) => Ok(Some(true)),
        }
    }

    /// Talks until the client leaves; true if it asked for STARTTLS.
    async fn run(&mut self) -> std::io::Result<bool> {
        if !self.greeted {
            if self.struck("connect", "").await?.is_some() {
                return Ok(false);
            }
            self.say("220 smtp.town.example ESMTP").await?;
        }
        while let Some(line) = self.line().await? {
            let upper = line.to_uppercase();
            let verb = upper.split(' ').next().unwrap_or("").to_owned();
            let argument = line.get(verb.len()..).unwrap_or("").trim().to_owned();
            let over = match verb.as_str() {
                "EHLO" | "HELO" => self.hello().await?,
                "STARTTLS" if !self.secure => {
                    if self.may_turn_private().await? {
                        return Ok(true);
                    }
                    false
                }
                "AUTH" => self.auth(&argument).await?,
                "MAIL" => self.mail(address(&argument)).await?,
                "RCPT" => self.rcpt(address(&argument)).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.from.clear();
                    self.rcpt.clear();
                    self.answer("250 2.0.0 ok").await?
                }
                "NOOP" => self.answer("250 2.0.0 ok").await?,
                "QUIT" => {
                    self.say("221 2.0.0 bye").await?;
                    true
                }
                _ => self.answer("502 5.5.2 not here").await?,
            };
            if over {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Says something after which the conversation goes on.
    async fn answer(&mut self, reply: &str) -> std::io::Result<bool> {
        self.say(reply).await?;
        Ok(false)
    }

    async fn hello(&mut self) -> std::io::Result<bool> {
        let fault = self.server.faults.strike(&format!("smtp.{}", self.server.name), "ehlo", "");
        let offer = match (fault, self.secure) {
            (Some(Action::NoStartTls), _) => "250-X-NO-STARTTLS starttls.town.example",
            (_, true) => "250-AUTH PLAIN LOGIN",
            (_, false) => "250-STARTTLS",
        };
        self.answer(&format!("250-smtp.town.example\r\n{offer}\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES")).await
    }

    /// STARTTLS: whether TLS begins now.
    async fn may_turn_private(&mut self) -> std::io::Result<bool> {
        let ready = match self.server.faults.strike(&format!("smtp.{}", self.server.name), "starttls", "") {
            Some(Action::Reply(reply)) => return self.answer(&reply).await,
            Some(Action::Inject(lines)) => format!("220 2.0.0 ready\r\n{lines}"),
            _ => "220 2.0.0 ready".to_owned(),
        };
        self.say(&ready).await?;
        Ok(true)
    }

    async fn mail(&mut self, from: String) -> std::io::Result<bool> {
        if let Some(over) = self.struck("mail", &from).await? {
            return Ok(over);
        }
        if !self.logged_in {
            return self.answer("530 5.7.0 Authentication required").await;
        }
        if from != self.server.user {
            return self.answer("553 5.7.1 Sender address rejected: not owned by auth user.").await;
        }
        self.from = from;
        self.rcpt.clear();
        self.answer("250 2.1.0 ok").await
    }

    async fn rcpt(&mut self, rcpt: String) -> std::io::Result<bool> {
        if let Some(over) = self.struck("rcpt", &rcpt).await? {
            return Ok(over);
        }
        if self.from.is_empty() {
            return self.answer("503 5.5.1 MAIL first").await;
        }
        if self.server.firms.iter().any(|firm| firm.email == rcpt && firm.temper == Temper::Refuses) {
            return self.answer(&format!("550 5.1.1 <{rcpt}>: Recipient address rejected: No such user!")).await;
        }
        self.rcpt = rcpt;
        self.answer("250 2.1.5 ok").await
    }

    async fn auth(&mut self, argument: &str) -> std::io::Result<bool> {
        if let Some(over) = self.struck("auth", "").await? {
            return Ok(over);
        }
        let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let given = if mechanism.eq_ignore_ascii_case("PLAIN") {
            let initial = if initial.is_empty() {
                self.say("334 ").await?;
                self.line().await?.unwrap_or_default()
            } else {
                initial.to_owned()
            };
            let bytes = decode(&initial);
            let mut parts = bytes.split(|b| *b == 0).skip(1).map(|part| String::from_utf8_lossy(part).into_owned());
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        } else {
            self.say("334 VXNlcm5hbWU6").await?;
            let user = decode(&self.line().await?.unwrap_or_default());
            self.say("334 UGFzc3dvcmQ6").await?;
            let password = decode(&self.line().await?.unwrap_or_default());
            (String::from_utf8_lossy(&user).into_owned(), String::from_utf8_lossy(&password).into_owned())
        };
        self.logged_in = self.secure && given == (self.server.user.clone(), self.server.password.clone());
        if self.logged_in {
            self.say("235 2.7.0 Authentication successful").await?;
        } else {
            self.say("535 5.7.8 Error: authentication failed: Invalid user or password!").await?;
        }
        Ok(false)
    }

    async fn data(&mut self) -> std::io::Result<bool> {
        if self.rcpt.is_empty() {
            self.say("503 5.5.1 RCPT first").await?;
            return Ok(false);
        }
        let rcpt = self.rcpt.clone();
        if let Some(over) = self.struck("data", &rcpt).await? {
            return Ok(over);
        }
        self.say("354 go ahead").await?;
        let mut letter = Vec::new();
        if self.server.faults.strike(&format!("smtp.{}", self.server.name), "body", &rcpt).is_some() {
            let mut some = [0_u8; 16];
            self.io.read_exact(&mut some).await?;
            return Ok(true);
        }
        loop {
            let mut line = Vec::new();
            if self.io.read_until(b'\n', &mut line).await? == 0 {
                return Ok(true);
            }
            if line == b".\r\n" || letter.len() > 4_000_000 {
                break;
            }
            letter.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        let fault = self.server.faults.strike(&format!("smtp.{}", self.server.name), "dot", &rcpt);
        match fault {
            Some(Action::Reply(reply)) => {
                self.say(&reply).await?;
                return Ok(false);
            }
            Some(Action::Drop) => return Ok(true),
            Some(Action::Stall) => stall().await,
            _ => {}
        }
        let half = slowness(fault.as_ref());
        dawdle(half).await;
        self.accept(&letter)?;
        dawdle(half).await;
        if fault == Some(Action::DropAfterAccept) {
            return Ok(true);
        }
        self.say("250 2.0.0 Ok: queued on smtp.town.example").await?;
        self.from.clear();
        self.rcpt.clear();
        Ok(false)
    }

    /// Keeps the letter on disk before the server says yes, then lets its reader answer.
    fn accept(&self, letter: &[u8]) -> std::io::Result<()> {
        let _one_at_a_time = self.server.accepting.lock();
        let folder = self.server.dir.join("letters");
        std::fs::create_dir_all(&folder)?;
        let number = std::fs::read_dir(&folder)?.count() + 1;
        let path = folder.join(format!("{number:04}-{}.eml", self.rcpt.replace(['/', '\\'], "_")));
        let mut file = std::fs::File::create(&path)?;
        file.write_all(letter)?;
        file.sync_data()?;
        let parsed = mail_parser::MessageParser::new().parse(letter);
        let message_id = parsed.as_ref().and_then(|parsed| parsed.message_id()).unwrap_or_default().to_owned();
        let seen = Letter { server: self.server.name.into(), from: self.from.clone(), rcpt: self.rcpt.clone(), message_id, path };
        witness::append(&self.server.dir.join("letters.jsonl"), &seen)?.sync_data()?;
        if let Some(firm) = self.server.firms.iter().find(|firm| firm.email == self.rcpt)
            && let Some(answer) = people::answer(firm, &self.from, letter)
        {
            self.server.inbox.append(&answer)?;
        }
        Ok(())
    }
}

fn address(argument: &str) -> String {
    let start = argument.find('<').map_or(0, |at| at + 1);
    let end = argument.find('>').unwrap_or(argument.len());
    argument.get(start..end).unwrap_or("").to_lowercase()
}
