//! Bytes of a page → text: mark, header, declaration, then a guess. Never fails.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes in which a declaration is looked for.
const DECLARED_WITHIN: usize = 4096;
/// Bytes by which noise is told from text.
const TOLD_BY: usize = 8 * 1024;
/// Bytes the guess is made from.
const GUESSED_FROM: usize = 64 * 1024;
/// Bytes on each side of those that are not ASCII that a guess needs.
const AROUND: usize = 48;
/// Cyrillic letters that show whether a text was written twice.
const JUDGED_BY: usize = 400;

/// Decodes a page. A declaration that yields much garbage is not believed.
pub fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Cow<'a, str> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0;
    }
    let told = [content_type.and_then(charset_of), declared(bytes)];
    let mut tried: Option<&'static Encoding> = None;
    for encoding in told.into_iter().flatten() {
        if tried == Some(encoding) {
            continue;
        }
        tried = Some(encoding);
        let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
        if !had_errors || !is_garbage(&text) {
            return mended(text);
        }
    }
    mended(guess(bytes).decode_without_bom_handling(bytes).0)
}

/// UTF-8 that was taken for windows-1251 and written again is read back, if the round trip is exact.
fn mended(text: Cow<'_, str>) -> Cow<'_, str> {
    // Every other letter of such a text is one of two; the first letters of a text show it.
    let head = &text.as_bytes()[..text.len().min(GUESSED_FROM)];
    let letters = memchr::memchr2_iter(0xD0, 0xD1, head).take(JUDGED_BY);
    let (mut cyrillic, mut leads) = (0, 0);
    for at in letters {
        cyrillic += 1;
        leads += usize::from(head[at] == 0xD0 && matches!(head.get(at + 1), Some(0xA0 | 0xA1)));
    }
    if leads < 20 || leads * 3 < cyrillic {
        return text;
    }
    let (bytes, _, had_errors) = encoding_rs::WINDOWS_1251.encode(&text);
    match std::str::from_utf8(&bytes) {
        Ok(mended) if !had_errors => Cow::Owned(mended.to_owned()),
        _ => text,
    }
}

fn charset_of(text: &str) -> Option<&'static Encoding> {
    let lower = text.to_ascii_lowercase();
    let after = &lower[lower.find("charset")? + 7..];
    let label = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(label.len());
    Encoding::for_label(&label.as_bytes()[..end])
}

/// `<meta charset>`, `http-equiv` or the XML declaration. A page that could be read so far is no UTF-16.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(DECLARED_WITHIN)].to_ascii_lowercase();
    let in_meta = memchr::memmem::find_iter(&head, b"<meta").find_map(|at| {
        let end = memchr::memchr(b'>', &head[at..]).map_or(head.len(), |end| at + end);
        charset_of(&String::from_utf8_lossy(&head[at..end]))
    });
    let in_xml = || {
        let end = memchr::memchr(b'>', &head).unwrap_or(head.len());
        let declaration = String::from_utf8_lossy(&head[..end]);
        let label = declaration.trim_start().strip_prefix("<?xml")?.split("encoding").nth(1)?.trim_start_matches(['=', ' ', '"', '\'']);
        Encoding::for_label(label.split(['"', '\'', '?']).next()?.as_bytes())
    };
    let found = in_meta.or_else(in_xml)?;
    Some(if found == UTF_16LE || found == UTF_16BE { UTF_8 } else { found })
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    // UTF-16 without a mark: every other byte of markup is zero.
    let head = &bytes[..bytes.len().min(400)];
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    if head.len() >= 8 && zeros(1) * 5 > head.len() {
        return UTF_16LE;
    }
    if head.len() >= 8 && zeros(0) * 5 > head.len() {
        return UTF_16BE;
    }
    let head = &bytes[..bytes.len().min(GUESSED_FROM)];
    // What reads as UTF-8 is UTF-8; signs of ASCII alone tell nothing of the rest.
    match std::str::from_utf8(head) {
        Ok(text) if head.len() == bytes.len() || !text.is_ascii() => return UTF_8,
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 && !head[..error.valid_up_to()].is_ascii() => return UTF_8,
        Ok(_) | Err(_) => {}
    }
    detected(bytes)
}

/// What the bytes look like that are not ASCII, with those around them: the rest of a page only takes time.
fn detected(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let (mut at, mut fed) = (0, 0);
    while at < bytes.len() && fed < GUESSED_FROM {
        let found = at + Encoding::ascii_valid_up_to(&bytes[at..]);
        if found == bytes.len() {
            break;
        }
        let (from, mut to) = (found.saturating_sub(AROUND).max(at), found + 1);
        // Up to where nothing but ASCII follows for a while.
        while let Some(next) = bytes[to..bytes.len().min(to + AROUND)].iter().position(|byte| !byte.is_ascii())
            && to - from < GUESSED_FROM
        {
            to += next + 1;
        }
        to = bytes.len().min(to + AROUND);
        detector.feed(&bytes[from..to], false);
        detector.feed(b"\n", false);
        fed += to - from;
        at = to;
    }
    detector.feed(b"", true);
    detector.guess(Some(b"ru"), Utf8Detection::Allow)
}

/// Whether what came out is written by somebody: a picture, an archive or noise is full of signs for terminals, and of those that stand
/// for what could not be read.
pub(super) fn is_text(decoded: &str) -> bool {
    let head = &decoded[..decoded.floor_char_boundary(TOLD_BY)];
    let is_stray = |byte: u8| (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C)) || byte == 0x7F;
    let stray: usize =
        head.as_bytes().chunks(255).map(|piece| usize::from(piece.iter().fold(0, |n, byte| n + u8::from(is_stray(*byte))))).sum();
    let unread = memchr::memmem::find_iter(head.as_bytes(), "\u{FFFD}").count();
    (stray + unread) * 50 <= head.len()
}

fn is_garbage(text: &str) -> bool {
    let total = text.chars().count().max(1);
    text.chars().filter(|c| *c == '\u{FFFD}').count() * 100 > total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_no_text() {
        // A generator of the plainest kind: the same noise every time.
        let mut state = 7_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for length in [300, 5000, 100_000] {
            let bytes: Vec<u8> = (0..length).map(|_| noise()).collect();
            assert!(!is_text(&decode(&bytes, None)), "{length} bytes of noise");
        }
        assert!(!is_text(&"я\u{FFFD}".repeat(50)));
        for page in ["", "<html>\r\n\t<p>Контакты</p>", "one \u{FFFD} in a page of many more signs than the one that could not be read"]
        {
            assert!(is_text(page), "{page}");
        }
    }

    #[test]
    fn a_page_is_read_in_whatever_it_is_written() {
        let text = "<html><head><meta charset=\"X\"></head><body>Контакты нашей компании в городе Казань</body></html>";
        let cp1251 = |label: &str| encoding_rs::WINDOWS_1251.encode(&text.replace('X', label)).0.into_owned();
        let koi8 = encoding_rs::KOI8_R.encode(&text.replace('X', "koi8-r")).0.into_owned();
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let header = Some("text/html; charset=windows-1251");
        let cases: [(Vec<u8>, Option<&str>); 6] = [
            (text.replace('X', "utf-8").into_bytes(), None),
            (cp1251("windows-1251"), None),
            (cp1251("utf-8"), None),
            (cp1251("nonsense"), header),
            (koi8, None),
            (utf16, None),
        ];
        let twice = encoding_rs::WINDOWS_1251.decode(text.replace('X', "utf-8").as_bytes()).0.into_owned().into_bytes();
        assert!(decode(&twice, None).contains("Контакты нашей"), "written twice");
        assert!(decode(&cp1251("windows-1251"), Some("text/html; charset=utf-8")).contains("Контакты нашей"), "a wrong header");
        for (bytes, content_type) in cases {
            assert!(decode(&bytes, content_type).contains("Контакты нашей"), "{}", String::from_utf8_lossy(&bytes));
        }
    }
}
