//! Bodies, unpacked by ourselves: no more comes out than the bounds allow, however little went in.

use std::io::Write;

use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

/// Bytes of a page as it travels.
const MOST_PACKED: usize = 2 * 1024 * 1024;
/// Bytes of a page, unpacked.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;
/// Bytes out of one byte in, at most.
const RATIO: usize = 100;
/// Before so much has come out no ratio is asked for.
const UNJUDGED: usize = 64 * 1024;
/// Bytes given to a decoder at once.
const BITE: usize = 512;
/// What `Accept-Encoding` says.
pub(super) const ENCODINGS: &str = "gzip, deflate";

/// A body on its way.
pub(super) struct Body {
    state: State,
    taken: usize,
    most: usize,
}

enum State {
    Plain(Vec<u8>),
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    Deflate(Box<DeflateDecoder<Vec<u8>>>),
    /// Deflated, by one of two ways that the first byte tells apart.
    Unknown,
}

impl Body {
    /// A body packed as `Content-Encoding` says; `None` for a way that was not asked for.
    pub(super) fn packed(encoding: Option<&str>) -> Option<Self> {
        let (state, most) = match encoding.unwrap_or("").trim().to_ascii_lowercase().as_str() {
            "" | "identity" => (State::Plain(Vec::new()), LARGEST),
            "gzip" | "x-gzip" => (State::Gzip(Box::new(GzDecoder::new(Vec::new()))), MOST_PACKED),
            "deflate" => (State::Unknown, MOST_PACKED),
            _ => return None,
        };
        Some(Self { state, taken: 0, most })
    }

    /// Takes what came. False: it is enough, or it can't be read on.
    pub(super) fn take(&mut self, chunk: &[u8]) -> bool {
        let room = self.most.saturating_sub(self.taken);
        let is_last = chunk.len() > room;
        for bite in chunk[..chunk.len().min(room)].chunks(BITE) {
            self.taken += bite.len();
            let is_whole = self.write(bite).is_ok();
            let out = self.text().len();
            // One bite gives out half a megabyte at most, so that no more than this is ever held beyond the bounds.
            if !is_whole || out >= LARGEST || (out > UNJUDGED && out > self.taken.saturating_mul(RATIO)) {
                return false;
            }
        }
        !is_last
    }

    fn write(&mut self, bite: &[u8]) -> std::io::Result<()> {
        if matches!(self.state, State::Unknown) {
            // Deflate is sent with and without the wrapping of zlib: its first byte tells.
            let is_wrapped = bite.first().is_some_and(|byte| byte & 0x0f == 8);
            self.state = if is_wrapped {
                State::Zlib(Box::new(ZlibDecoder::new(Vec::new())))
            } else {
                State::Deflate(Box::new(DeflateDecoder::new(Vec::new())))
            };
        }
        match &mut self.state {
            State::Plain(text) => text.write_all(bite),
            State::Gzip(decoder) => decoder.write_all(bite).and_then(|()| decoder.flush()),
            State::Zlib(decoder) => decoder.write_all(bite).and_then(|()| decoder.flush()),
            State::Deflate(decoder) => decoder.write_all(bite).and_then(|()| decoder.flush()),
            State::Unknown => Ok(()),
        }
    }

    fn text(&self) -> &[u8] {
        match &self.state {
            State::Plain(text) => text,
            State::Gzip(decoder) => decoder.get_ref(),
            State::Zlib(decoder) => decoder.get_ref(),
            State::Deflate(decoder) => decoder.get_ref(),
            State::Unknown => &[],
        }
    }

    /// Bytes that came, as they travelled.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// The body, as far as it was read.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.text().to_vec();
        bytes.truncate(LARGEST);
        bytes
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn read(encoding: &str, packed: &[u8]) -> (Vec<u8>, bool) {
        let mut body = Body::packed(Some(encoding)).unwrap();
        let went_on = packed.chunks(1000).all(|chunk| body.take(chunk));
        (body.into_bytes(), went_on)
    }

    #[test]
    fn every_way_that_is_asked_for_is_read() {
        let text: Vec<u8> = (0..200_000u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 20).to_le_bytes()).take(300_000).collect();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::default());
        for encoder in [&mut gzip as &mut dyn Write, &mut zlib, &mut bare] {
            encoder.write_all(&text).unwrap();
        }
        assert_eq!(read("gzip", &gzip.finish().unwrap()), (text.clone(), true));
        assert_eq!(read("deflate", &zlib.finish().unwrap()), (text.clone(), true));
        assert_eq!(read("Deflate", &bare.finish().unwrap()), (text.clone(), true));
        assert_eq!(read("identity", &text), (text, true));
        assert!(Body::packed(Some("br")).is_none());
    }

    #[test]
    fn a_bomb_is_given_up_by_its_ratio_long_before_its_size() {
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..100 {
            bomb.write_all(&vec![b' '; 100_000]).unwrap();
        }
        let bomb = bomb.finish().unwrap();
        let (text, went_on) = read("gzip", &bomb);
        assert!(!went_on && text.len() < 700_000, "{} bytes came out of {}", text.len(), bomb.len());
    }

    #[test]
    fn what_breaks_off_is_read_as_far_as_it_came() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all("<p>info@firma.ru</p>".repeat(1000).as_bytes()).unwrap();
        let mut packed = gzip.finish().unwrap();
        packed.truncate(packed.len() - 30);
        assert!(read("gzip", &packed).0.starts_with(b"<p>info@firma.ru</p>"));
        assert!(!read("gzip", b"<p>this was never packed</p>").1);
    }
}
