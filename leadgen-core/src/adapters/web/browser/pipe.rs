//! Messages to and from the browser: JSON, each ended by a zero byte. What comes back is a stranger's: bounded and never
//! trusted to be well formed.

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::error::{Error, ErrorKind, Result};

use super::protocol::Heard;

/// The longest message: a whole page, each of its signs written in six.
const LONGEST: usize = 32 * 1024 * 1024;

/// Two ends.
#[derive(Debug)]
pub(super) struct Pipe<R, W> {
    input: R,
    output: W,
    /// What came of messages that were not read yet.
    buffer: Vec<u8>,
    /// How much of it is known to hold no end.
    looked: usize,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Pipe<R, W> {
    pub(super) fn new(input: R, output: W) -> Self {
        Self { input, output, buffer: Vec::new(), looked: 0 }
    }

    /// Sends a message.
    pub(super) async fn say(&mut self, message: &Value) -> Result<()> {
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let sent = async {
            self.output.write_all(&bytes).await?;
            self.output.flush().await
        };
        sent.await.map_err(|e| gone().because(e))
    }

    /// The next message. Nothing is lost if who waits stops waiting.
    pub(super) async fn hear(&mut self) -> Result<Heard> {
        loop {
            if let Some(end) = memchr::memchr(0, &self.buffer[self.looked..]) {
                let end = self.looked + end;
                let heard = Heard::read(&self.buffer[..end]);
                self.buffer.drain(..=end);
                self.looked = 0;
                return heard;
            }
            self.looked = self.buffer.len();
            if self.looked > LONGEST {
                return Err(Error::new(ErrorKind::Malformed, "listen to a browser")
                    .code("browser_protocol")
                    .detail("a message without end"));
            }
            match self.input.read_buf(&mut self.buffer).await {
                Ok(0) => return Err(gone()),
                Ok(_) => {}
                Err(error) => return Err(gone().because(error)),
            }
        }
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Unavailable, "talk to a browser").code("browser_ended")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    async fn heard(bytes: &[u8]) -> Result<Heard> {
        Pipe::new(bytes, tokio::io::sink()).hear().await
    }

    #[tokio::test]
    async fn what_is_no_message_is_an_error_and_never_a_panic() {
        for (bytes, code) in [
            (&b""[..], "browser_ended"),
            (b"{\"id\":1,\"result\":{}}", "browser_ended"),
            (b"\0", "browser_protocol"),
            (b"garbage\0", "browser_protocol"),
            (b"{\"id\":1\0", "browser_protocol"),
            (b"\xff\xfe\xfd\0", "browser_protocol"),
            (b"[]\0", "browser_protocol"),
            (b"null\0", "browser_protocol"),
            (b"{}\0", "browser_protocol"),
            (b"{\"id\":-1,\"result\":{}}\0", "browser_protocol"),
            (b"{\"id\":\"1\",\"result\":{}}\0", "browser_protocol"),
            (b"{\"id\":1e300}\0", "browser_protocol"),
            (b"{\"method\":7}\0", "browser_protocol"),
            (b"{\"id\":1,\"result\":{\"x\":\"\\ud800\"}}\0", "browser_protocol"),
            (b"{\"method\":\"Fetch.requestPaused\"}\0", "browser_protocol"),
            (b"{\"method\":\"Fetch.requestPaused\",\"params\":{\"requestId\":[]}}\0", "browser_protocol"),
            (b"{\"method\":\"Target.attachedToTarget\",\"params\":{\"targetInfo\":0}}\0", "browser_protocol"),
        ] {
            let error = heard(bytes).await.unwrap_err();
            assert_eq!(error.machine_code(), code, "{}", String::from_utf8_lossy(bytes));
        }
        let deep = format!("{}{}\0", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(heard(deep.as_bytes()).await.unwrap_err().machine_code(), "browser_protocol");
    }

    #[tokio::test]
    async fn a_message_without_end_is_given_up() {
        let endless = tokio::io::repeat(b'x');
        let error = Pipe::new(endless, tokio::io::sink()).hear().await.unwrap_err();
        assert_eq!(error.machine_code(), "browser_protocol");
    }

    #[tokio::test]
    async fn messages_in_pieces_are_put_together() {
        let (mut far, near) = tokio::io::duplex(7);
        let sends = tokio::spawn(async move { far.write_all(b"{\"id\":1,\"result\":{}}\0{\"method\":\"Page.loadEventFired\"}\0").await });
        let mut pipe = Pipe::new(near, tokio::io::sink());
        assert!(matches!(pipe.hear().await.unwrap(), Heard::Answer { id: 1, .. }));
        assert!(matches!(pipe.hear().await.unwrap(), Heard::Loaded));
        sends.await.unwrap().unwrap();
    }
}
