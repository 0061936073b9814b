//! A street of sites on one loopback port, for suites that need a web that behaves badly or is watched closely.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a site does when it is asked.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer: status, more headers, body.
    Page(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The head of an answer, then a byte now and then, for ever.
    Drip,
    /// The head of an answer, and nothing after it.
    Stalls,
    /// An answer that breaks off: more was promised.
    Cut(String),
    /// Nothing at all.
    Silence,
    /// A body without end.
    Endless,
}

impl Reply {
    /// A page of HTML.
    pub fn html(text: impl Into<String>) -> Self {
        Self::Page(200, vec![("content-type", "text/html; charset=utf-8".into())], text.into().into_bytes())
    }

    /// A plain text.
    pub fn text(text: &str) -> Self {
        Self::Page(200, vec![("content-type", "text/plain".into())], text.as_bytes().to_vec())
    }

    /// A page that is elsewhere.
    pub fn moved(to: &str) -> Self {
        Self::Page(302, vec![("location", to.into())], Vec::new())
    }

    /// A page that says by what it can be asked for again.
    pub fn tagged(text: impl Into<String>, name: &'static str, value: &str) -> Self {
        Self::Page(200, vec![("content-type", "text/html; charset=utf-8".into()), (name, value.to_owned())], text.into().into_bytes())
    }

    /// Whether who asked has this page already, by what the request says.
    fn is_known_to(&self, head: &str) -> bool {
        let Self::Page(_, headers, _) = self else { return false };
        let value = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let asked = |name: &str| head.lines().find_map(|line| line.split_once(": ").filter(|(known, _)| known.eq_ignore_ascii_case(name)));
        let same = |ours: &str, theirs: &str| value(ours).zip(asked(theirs)).is_some_and(|(ours, (_, theirs))| ours == theirs.trim());
        same("etag", "if-none-match") || same("last-modified", "if-modified-since")
    }

    /// No such page.
    pub fn missing() -> Self {
        Self::Page(404, Vec::new(), Vec::new())
    }
}

/// One request as the street saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The host asked for.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// When, by the crawler's clock.
    pub at: Timestamp,
    /// The page was asked for only if it changed, and it did not.
    pub unchanged: bool,
}

type Answers = dyn Fn(&str, &str) -> Reply + Send + Sync;

/// The street.
#[derive(Debug)]
pub struct Street {
    /// Where it is.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// The most connections that asked for one host at once.
    open: Arc<Mutex<BTreeMap<String, (usize, usize)>>>,
}

impl Street {
    /// Opens it. `answers` gets host and path.
    pub async fn open(clock: Arc<dyn Clock>, answers: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (seen, open): (Arc<Mutex<Vec<Seen>>>, Arc<Mutex<BTreeMap<String, (usize, usize)>>>) = Default::default();
        let answers: Arc<Answers> = Arc::new(answers);
        let street = Self { address, seen: Arc::clone(&seen), open: Arc::clone(&open) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answers), Arc::clone(&clock), Arc::clone(&seen), Arc::clone(&open)));
            }
        });
        Ok(street)
    }

    /// Every request, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }

    /// The most connections any host had at once.
    pub fn most_connections(&self) -> usize {
        self.open.lock().map_or(0, |open| open.values().map(|(_, most)| *most).max().unwrap_or(0))
    }
}

async fn serve(
    mut stream: TcpStream,
    answers: Arc<Answers>,
    clock: Arc<dyn Clock>,
    seen: Arc<Mutex<Vec<Seen>>>,
    open: Arc<Mutex<BTreeMap<String, (usize, usize)>>>,
) {
    let mut first_host: Option<String> = None;
    while let Some(head) = read_head(&mut stream).await {
        let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
        let host = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("host:").map(|host| host.trim().to_owned()))
            .unwrap_or_default();
        if first_host.is_none() {
            first_host = Some(host.clone());
            if let Ok(mut open) = open.lock() {
                let entry = open.entry(host.clone()).or_default();
                entry.0 += 1;
                entry.1 = entry.1.max(entry.0);
            }
        }
        let mut reply = answers(&host, &path);
        let unchanged = reply.is_known_to(&head);
        if unchanged {
            reply = Reply::Page(304, Vec::new(), Vec::new());
        }
        if let Ok(mut seen) = seen.lock() {
            seen.push(Seen { host: host.clone(), path: path.clone(), at: clock.now(), unchanged });
        }
        if answer(&mut stream, reply).await.is_err() {
            break;
        }
    }
    if let (Some(host), Ok(mut open)) = (first_host, open.lock()) {
        open.entry(host).or_default().0 -= 1;
    }
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0; 512];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut byte).await.ok().filter(|count| *count > 0)?;
        head.extend_from_slice(&byte[..count]);
    }
    String::from_utf8(head).ok()
}

async fn answer(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Page(status, headers, body) => {
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await
        }
        Reply::Stalls => {
            stream.write_all(b"HTTP/1.1 200 X\r\ncontent-type: text/html\r\ncontent-length: 1000\r\n\r\n").await?;
            std::future::pending().await
        }
        Reply::Cut(text) => {
            let head = format!("HTTP/1.1 200 X\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{text}", text.len() + 100);
            stream.write_all(head.as_bytes()).await?;
            Err(std::io::ErrorKind::ConnectionAborted.into())
        }
        Reply::Silence => std::future::pending().await,
        Reply::Drip => {
            stream.write_all(b"HTTP/1.1 200 X\r\ncontent-type: text/html\r\ncontent-length: 1000000\r\n\r\n<p>info@drip.ru").await?;
            // The pace of this site is its own, not the crawler's.
            let mut ticks = tokio::time::interval(std::time::Duration::from_millis(200));
            loop {
                ticks.tick().await;
                stream.write_all(b" ").await?;
            }
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 X\r\ncontent-type: text/html\r\n\r\n").await?;
            let block = "<p>text</p>".repeat(1000);
            loop {
                stream.write_all(block.as_bytes()).await?;
            }
        }
    }
}

/// A door that nobody may knock at.
#[derive(Debug)]
pub struct Sentinel {
    /// Its port.
    pub port: u16,
    knocks: Arc<AtomicUsize>,
}

impl Sentinel {
    /// Opens it.
    pub async fn post() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let knocks = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&knocks);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(Self { port, knocks })
    }

    /// How often somebody came.
    pub fn knocks(&self) -> usize {
        self.knocks.load(Ordering::SeqCst)
    }
}
