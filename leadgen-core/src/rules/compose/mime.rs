//! Quoted-printable (RFC 2045): text as seven-bit lines of at most 76 characters.

/// Encodes a text with `\n` line ends; the result has CRLF line ends and ends with one.
pub fn quoted_printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for line in text.replace("\r\n", "\n").trim_end_matches('\n').split('\n') {
        encode_line(&mut out, line);
        out.push_str("\r\n");
    }
    out
}

fn encode_line(out: &mut String, line: &str) {
    let bytes = line.as_bytes();
    let mut width = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let last = at + 1 == bytes.len();
        // A dot or "From " at the start of a line is changed by some servers on the way; a blank at its end is lost.
        let fragile = (width == 0 && (*byte == b'.' || bytes[at..].starts_with(b"From "))) || (last && matches!(byte, b' ' | b'\t'));
        let plain = matches!(byte, b' '..=b'~' | b'\t') && *byte != b'=' && !fragile;
        let piece = if plain { char::from(*byte).to_string() } else { format!("={byte:02X}") };
        if width + piece.len() > 75 {
            out.push_str("=\r\n");
            width = 0;
        }
        // What became the first of a soft-broken line is looked at again.
        let piece = if width == 0 && plain && *byte == b'.' { "=2E".to_owned() } else { piece };
        width += piece.len();
        out.push_str(&piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_starts_with_a_dot_or_passes_76_characters() {
        let text = format!(".{}\n{}", "я".repeat(200), ".".repeat(300));
        for line in quoted_printable(&text).split("\r\n") {
            assert!(line.len() <= 76 && !line.starts_with('.') && line.is_ascii(), "{line}");
        }
    }
}
