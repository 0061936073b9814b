//! The senders' own mailboxes: IMAP4rev1, as much of it as a reader needs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::faults::{Action, Faults, stall};

/// One inbox, a file a mail; a mail's number is its UID.
#[derive(Debug)]
pub(crate) struct Mailbox {
    dir: PathBuf,
    lock: Mutex<()>,
    validity: AtomicU32,
    seen: Mutex<BTreeSet<u32>>,
}

impl Mailbox {
    pub(crate) fn open(dir: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        Ok(Self { dir, lock: Mutex::new(()), validity: AtomicU32::new(1), seen: Mutex::default() })
    }

    pub(crate) fn append(&self, mail: &[u8]) -> std::io::Result<()> {
        let _one_at_a_time = self.lock.lock();
        let uid = self.uids().last().copied().unwrap_or(0) + 1;
        std::fs::write(self.dir.join(format!("{uid:08}.eml")), mail)
    }

    /// Gives every mail another number, as servers do after a loss.
    pub(crate) fn renumber(&self) -> std::io::Result<()> {
        let _one_at_a_time = self.lock.lock();
        for uid in self.uids().into_iter().rev() {
            std::fs::rename(self.dir.join(format!("{uid:08}.eml")), self.dir.join(format!("{:08}.eml", uid + 100)))?;
        }
        self.validity.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Takes a mail away, as its owner may.
    pub(crate) fn remove(&self, uid: u32) -> std::io::Result<()> {
        std::fs::remove_file(self.dir.join(format!("{uid:08}.eml")))
    }

    /// Mails and how many of them somebody has opened.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.uids().len(), self.seen.lock().map_or(0, |seen| seen.len()))
    }

    /// The day a mail came in, counted from 1970.
    fn day(&self, uid: u32) -> u64 {
        let came =
            std::fs::metadata(self.dir.join(format!("{uid:08}.eml"))).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        came.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400
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
    pub(crate) faults: Faults,
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
    let mut may_mark = false;
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
            ("LOGIN", _) if server.faults.strike("imap", "login", "").is_some() => ended = "NO [AUTHENTICATIONFAILED] Invalid credentials",
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
                    let validity = inbox.validity.load(Ordering::SeqCst);
                    let count = uids.len();
                    may_mark = verb.eq_ignore_ascii_case("SELECT");
                    out.extend(format!("* FLAGS (\\Seen)\r\n* {count} EXISTS\r\n* 0 RECENT\r\n").bytes());
                    out.extend(format!("* OK [UIDVALIDITY {validity}] ok\r\n* OK [UIDNEXT {next}] ok\r\n").bytes());
                    ended = "OK [READ-ONLY] done";
                }
                None => ended = "NO login first",
            },
            ("UID", Some("FETCH")) => match &inbox {
                Some(inbox) => {
                    match server.faults.strike("imap", "fetch", "") {
                        Some(Action::Stall) => stall().await,
                        Some(_) => return Ok(()),
                        None => {}
                    }
                    let what = words.get(4..).unwrap_or_default().join(" ").to_uppercase();
                    fetch(&mut out, inbox, &server.faults, words.get(3).unwrap_or(&""), &what);
                    if may_mark && what.contains("BODY[") {
                        let uids = chosen(inbox, words.get(3).unwrap_or(&""));
                        inbox.seen.lock().iter_mut().for_each(|seen| seen.extend(&uids));
                    }
                }
                None => ended = "NO login first",
            },
            ("UID", Some("SEARCH")) => {
                let uids: Vec<String> = inbox.iter().flat_map(|inbox| search(inbox, &words[3..])).map(|uid| uid.to_string()).collect();
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

/// The UIDs a set names; "7:*" names the last mail even when its UID is below 7: RFC 3501.
fn chosen(inbox: &Mailbox, set: &str) -> Vec<u32> {
    let uids = inbox.uids();
    let last = uids.last().copied().unwrap_or(0);
    let number = |text: &str| if text == "*" { last } else { text.parse().unwrap_or(0) };
    let ranges: Vec<(u32, u32)> = set
        .split(',')
        .map(|range| {
            let (from, to) = range.split_once(':').unwrap_or((range, range));
            let (from, to) = (number(from), number(to));
            (from.min(to), from.max(to))
        })
        .collect();
    uids.into_iter().filter(|uid| ranges.iter().any(|(from, to)| (from..=to).contains(&uid))).collect()
}

/// `UID set` and `SINCE day`, both if both are given.
fn search(inbox: &Mailbox, words: &[&str]) -> Vec<u32> {
    let after = |key: &str| words.iter().position(|word| word.eq_ignore_ascii_case(key)).and_then(|at| words.get(at + 1));
    let mut uids = after("UID").map_or_else(|| inbox.uids(), |set| chosen(inbox, set));
    if let Some(since) = after("SINCE").and_then(|text| chrono::NaiveDate::parse_from_str(text, "%d-%b-%Y").ok()) {
        let first = since.signed_duration_since(chrono::NaiveDate::default()).num_days();
        uids.retain(|uid| i64::try_from(inbox.day(*uid)).is_ok_and(|day| day >= first));
    }
    uids
}

fn fetch(out: &mut Vec<u8>, inbox: &Mailbox, faults: &Faults, set: &str, what: &str) {
    let all = inbox.uids();
    let most = what.split_once("<0.").and_then(|(_, rest)| rest.split('>').next()?.parse::<usize>().ok());
    for uid in chosen(inbox, set) {
        let index = all.iter().position(|known| *known == uid).unwrap_or(0);
        let mut mail = inbox.mail(uid);
        let origin = most.map_or("", |most| {
            mail.truncate(most);
            "<0>"
        });
        if faults.strike("imap", "body", &uid.to_string()).is_some() {
            out.extend(format!("* {} FETCH (UID {uid} BODY[]{origin} NIL)\r\n", index + 1).bytes());
            continue;
        }
        let flags = if inbox.seen.lock().is_ok_and(|seen| seen.contains(&uid)) { "\\Seen" } else { "" };
        out.extend(format!("* {} FETCH (UID {uid} FLAGS ({flags}) BODY[]{origin} {{{}}}\r\n", index + 1, mail.len()).bytes());
        out.extend(&mail);
        out.extend(b")\r\n");
    }
}
