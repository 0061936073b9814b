//! The stream under the SMTP client: keeps every byte the server says, and shows the client plain ASCII only.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What the server said since the last look.
pub(super) type Heard = Arc<Mutex<Vec<u8>>>;
/// Replies longer than this are not kept whole.
const MOST_HEARD: usize = 64 * 1024;

/// A private connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) io: TlsStream<TcpStream>,
    pub(super) peer: SocketAddr,
    /// A greeting read before the connection became private, given to the client first.
    pub(super) ahead: Vec<u8>,
    pub(super) heard: Heard,
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(buf.remaining());
            let first: Vec<u8> = self.ahead.drain(..count).collect();
            buf.put_slice(&first);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if matches!(polled, Poll::Ready(Ok(()))) {
            let fresh = &mut buf.filled_mut()[before..];
            if let Ok(mut heard) = self.heard.lock()
                && heard.len() + fresh.len() <= MOST_HEARD
            {
                heard.extend_from_slice(fresh);
            }
            // The client's grammar is UTF-8; a reply in another charset must not look like a broken connection.
            for byte in fresh.iter_mut().filter(|byte| **byte >= 0x80) {
                *byte = b'?';
            }
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
