//! The senders' own mailboxes: IMAP4rev1, as much of it as a reader needs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// One inbox, a file a mail; a mail's number is its UID.
pub(crate) struct Mailbox {
    dir: PathBuf,
    lock: Mutex<()>,
}

impl Mailbox {
    pub(crate) fn open(dir: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        Ok(Self { dir, lock: Mutex::new(()) })
    }

    pub(crate) fn append(&self, mail: &[u8]) -> std::io::Result<()> {
        let _one_at_a_time = self.lock.lock();
        let uid = self.uids().last().copied().unwrap_or(0) + 1;
        std::fs::write(self.dir.join(format!("{uid:08}.eml")), mail)
    }

    fn uids(&self) -> Vec<u32> {
        let mut uids: Vec<u32> = std::fs::read_dir(&self.dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_string_lossy().split('.').next()?.parse().ok())
            .collect();
        uids.sort_unstable();
        uids
    }

    fn mail(&self, uid: u32) -> Vec<u8> {
        std::fs::read(self.dir.join(format!("{uid:08}.eml"))).unwrap_or_default()
    }
}

/// The IMAP server: users with their passwords and inboxes.
pub(crate) struct Server {
    pub(crate) tls: Arc<rustls::ServerConfig>,
    pub(crate) users: Vec<(String, String, Arc<Mailbox>)>,
}

/// Accepts connections until it is stopped.
pub(crate) async fn serve(listener: TcpListener, server: Arc<Server>) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            Ok((socket, _)) = listener.accept() => {
                let server = Arc::clone(&server);
                clients.spawn(async move { let _ = talk(socket, server).await; });
            }
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn talk(socket: TcpStream, server: Arc<Server>) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut io = BufReader::new(TlsAcceptor::from(Arc::clone(&server.tls)).accept(socket).await?);
    io.get_mut().write_all(b"* OK [CAPABILITY IMAP4rev1] town ready\r\n").await?;
    let mut inbox: Option<Arc<Mailbox>> = None;
    loop {
        let mut line = String::new();
        if io.read_line(&mut line).await? == 0 || line.len() > 8192 {
            return Ok(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(tag), Some(verb)) = (words.first(), words.get(1)) else { continue };
        let mut out: Vec<u8> = Vec::new();
        let mut ended = "OK done";
        match (verb.to_uppercase().as_str(), words.get(2).map(|word| word.to_uppercase()).as_deref()) {
            ("CAPABILITY", _) => out.extend(b"* CAPABILITY IMAP4rev1\r\n"),
            ("NOOP", _) => {}
            ("LOGIN", _) => {
                let plain = |at: usize| words.get(at).map_or("", |word| word.trim_matches('"'));
                inbox = server
                    .users
                    .iter()
                    .find(|(user, password, _)| user == plain(2) && password == plain(3))
                    .map(|found| Arc::clone(&found.2));
                if inbox.is_none() {
                    ended = "NO [AUTHENTICATIONFAILED] Invalid credentials";
                }
            }
            ("SELECT" | "EXAMINE", _) => match &inbox {
                Some(inbox) => {
                    let uids = inbox.uids();
                    let next = uids.last().copied().unwrap_or(0) + 1;
                    out.extend(
                        format!(
                            "* FLAGS (\\Seen)\r\n* {} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT {next}] ok\r\n",
                            uids.len()
                        )
                        .bytes(),
                    );
                    ended = "OK [READ-ONLY] done";
                }
                None => ended = "NO login first",
            },
            ("UID", Some("FETCH")) => match &inbox {
                Some(inbox) => fetch(&mut out, inbox, words.get(3).unwrap_or(&"")),
                None => ended = "NO login first",
            },
            ("UID", Some("SEARCH")) => {
                let uids: Vec<String> = inbox.iter().flat_map(|inbox| inbox.uids()).map(|uid| uid.to_string()).collect();
                out.extend(format!("* SEARCH {}\r\n", uids.join(" ")).bytes());
            }
            ("LOGOUT", _) => {
                io.get_mut().write_all(format!("* BYE\r\n{tag} OK bye\r\n").as_bytes()).await?;
                return Ok(());
            }
            _ => ended = "BAD not here",
        }
        out.extend(format!("{tag} {ended}\r\n").bytes());
        io.get_mut().write_all(&out).await?;
        io.get_mut().flush().await?;
    }
}

fn fetch(out: &mut Vec<u8>, inbox: &Mailbox, range: &str) {
    let (from, to) = range.split_once(':').unwrap_or((range, range));
    let uids = inbox.uids();
    let last = uids.last().copied().unwrap_or(0);
    let number = |text: &str| if text == "*" { last } else { text.parse().unwrap_or(0) };
    let (from, to) = (number(from), number(to));
    // "7:*" names the last mail even when its UID is below 7: RFC 3501.
    let (from, to) = (from.min(to), from.max(to));
    for (index, uid) in uids.iter().enumerate().filter(|(_, uid)| (from..=to).contains(uid)) {
        let mail = inbox.mail(*uid);
        out.extend(format!("* {} FETCH (UID {uid} FLAGS () BODY[] {{{}}}\r\n", index + 1, mail.len()).bytes());
        out.extend(&mail);
        out.extend(b")\r\n");
    }
}
