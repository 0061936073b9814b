//! A page cut into tags and text. Nothing is copied: every piece is a part of the page.
//!
//! What the standard says of tokens holds here, as far as it can be seen without building a tree.

use memchr::{memchr, memchr2};

use super::near;
use super::tag::{Tag, name_at, name_of};

/// A piece of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text as it stands there, references not read yet.
    Text(&'a str),
    /// A start tag: it lies in `Markup::tag` until the next token is asked for.
    Start {
        /// It ends with a slash.
        self_closing: bool,
    },
    /// An end tag, by the number of its name.
    End(u64),
}

/// What follows a start tag up to its end tag is no markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raw {
    Script,
    Other,
    /// There is no end.
    Plain,
}

const SCRIPT: u64 = name_of(b"script");

fn raw_of(name: u64) -> Option<Raw> {
    const STYLE: u64 = name_of(b"style");
    const TITLE: u64 = name_of(b"title");
    const TEXTAREA: u64 = name_of(b"textarea");
    const XMP: u64 = name_of(b"xmp");
    const IFRAME: u64 = name_of(b"iframe");
    const NOEMBED: u64 = name_of(b"noembed");
    const PLAINTEXT: u64 = name_of(b"plaintext");
    match name {
        SCRIPT => Some(Raw::Script),
        STYLE | TITLE | TEXTAREA | XMP | IFRAME | NOEMBED => Some(Raw::Other),
        PLAINTEXT => Some(Raw::Plain),
        _ => None,
    }
}

/// A page on its way through.
pub(super) struct Markup<'a> {
    page: &'a str,
    bytes: &'a [u8],
    at: usize,
    raw: Option<Raw>,
    pub(super) tag: Tag<'a>,
}

impl<'a> Markup<'a> {
    pub(super) fn new(page: &'a str) -> Self {
        Self { page, bytes: page.as_bytes(), at: 0, raw: None, tag: Tag::default() }
    }

    /// The next piece; none at the end, or if the page ends inside a tag.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        if let Some(raw) = self.raw.take() {
            let end = self.raw_end(raw);
            let run = self.run(end);
            if !run.is_empty() {
                return Some(Token::Text(run));
            }
        }
        let mut look = self.at;
        loop {
            let Some(open) = self.find(b'<', look) else {
                let run = self.run(self.bytes.len());
                return (!run.is_empty()).then_some(Token::Text(run));
            };
            let next = self.bytes.get(open + 1).copied().unwrap_or(0);
            if !(next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?')) || open + 2 >= self.bytes.len() {
                // A sign like any other.
                look = open + 1;
                continue;
            }
            if open > self.at {
                return Some(Token::Text(self.run(open)));
            }
            match next {
                b'/' if self.bytes[open + 2].is_ascii_alphabetic() => return self.end_tag(open + 2),
                b'!' => self.at = self.declaration_end(open + 2),
                // "</>", "</ x>", "<?xml …>": comments of a kind.
                b'/' | b'?' => self.at = self.past(b'>', open + 2),
                _ => return self.start_tag(open + 1),
            }
            look = self.at;
        }
    }

    /// The text up to a place, which is passed.
    fn run(&mut self, end: usize) -> &'a str {
        let run = self.page.get(self.at..end).unwrap_or_default();
        self.at = end;
        run
    }

    fn find(&self, byte: u8, from: usize) -> Option<usize> {
        near::find(byte, self.bytes.get(from..)?).map(|found| from + found)
    }

    fn past(&self, byte: u8, from: usize) -> usize {
        self.find(byte, from).map_or(self.bytes.len(), |found| found + 1)
    }

    /// Where a comment or a declaration ends that begins after "<!".
    fn declaration_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from..];
        if !rest.starts_with(b"--") {
            return self.past(b'>', from);
        }
        let inside = from + 2;
        let mut look = inside;
        while let Some(close) = self.find(b'>', look) {
            let before = &self.bytes[inside..close];
            // "<!-->" and "<!--->" are whole comments.
            if before.ends_with(b"--") || before.ends_with(b"--!") || matches!(before, b"" | b"-") {
                return close + 1;
            }
            look = close + 1;
        }
        self.bytes.len()
    }

    fn end_tag(&mut self, from: usize) -> Option<Token<'a>> {
        let (name, end) = name_at(self.bytes, from);
        if self.bytes.get(end) == Some(&b'>') {
            self.at = end + 1;
        } else {
            self.tag.clear();
            self.attributes(end)?;
            self.tag.clear();
        }
        Some(Token::End(name))
    }

    fn start_tag(&mut self, from: usize) -> Option<Token<'a>> {
        let (name, end) = name_at(self.bytes, from);
        self.tag.open(name);
        let self_closing = self.attributes(end)?;
        self.raw = raw_of(name);
        Some(Token::Start { self_closing })
    }

    /// Reads attributes up to the end of the tag; whether a slash stood there. None: the page ends inside the tag.
    fn attributes(&mut self, from: usize) -> Option<bool> {
        let mut at = from;
        loop {
            let byte = *self.bytes.get(at)?;
            match byte {
                b'>' => {
                    self.at = at + 1;
                    return Some(at > from && self.bytes[at - 1] == b'/');
                }
                b'/' | b' ' | b'\n' | b'\t' | b'\r' | 0x0C => at += 1,
                _ => at = self.attribute(at)?,
            }
        }
    }

    /// Reads one attribute; where it ends.
    fn attribute(&mut self, start: usize) -> Option<usize> {
        // A sign of equality at the beginning belongs to the name.
        let mut end = start + 1;
        while !is_name_end(*self.bytes.get(end)?) {
            end += 1;
        }
        let name = &self.bytes[start..end];
        let mut at = self.past_blanks(end);
        if *self.bytes.get(at)? != b'=' {
            self.tag.set(name, "");
            return Some(end);
        }
        at = self.past_blanks(at + 1);
        let (from, to, next) = match *self.bytes.get(at)? {
            quote @ (b'"' | b'\'') => {
                let close = self.find(quote, at + 1)?;
                (at + 1, close, close + 1)
            }
            b'>' => (at, at, at),
            _ => {
                let mut close = at;
                while !matches!(*self.bytes.get(close)?, b' ' | b'\n' | b'\t' | b'\r' | 0x0C | b'>') {
                    close += 1;
                }
                (at, close, close)
            }
        };
        self.tag.set(name, self.page.get(from..to).unwrap_or_default());
        Some(next)
    }

    fn past_blanks(&self, mut at: usize) -> usize {
        while matches!(self.bytes.get(at), Some(b' ' | b'\n' | b'\t' | b'\r' | 0x0C)) {
            at += 1;
        }
        at
    }

    /// Where raw text ends: before the end tag of the element that was just opened.
    fn raw_end(&self, raw: Raw) -> usize {
        match raw {
            Raw::Plain => self.bytes.len(),
            Raw::Script => self.script_end(),
            Raw::Other => {
                let mut look = self.at;
                while let Some(open) = self.find(b'<', look) {
                    if self.bytes.get(open + 1) == Some(&b'/') && name_at(self.bytes, open + 2).0 == self.tag.id {
                        return open;
                    }
                    look = open + 1;
                }
                self.bytes.len()
            }
        }
    }

    /// Inside "<!-- <script> … -->" an end tag of a script ends only the inner one.
    fn script_end(&self) -> usize {
        let (mut look, mut in_comment, mut is_inner) = (self.at, false, false);
        loop {
            let rest = self.bytes.get(look..).unwrap_or_default();
            let found = if in_comment { memchr2(b'<', b'-', rest) } else { memchr(b'<', rest) };
            let Some(at) = found.map(|found| look + found) else { return self.bytes.len() };
            let rest = &self.bytes[at..];
            look = at + 1;
            if rest[0] == b'-' {
                if rest.starts_with(b"-->") {
                    (in_comment, is_inner) = (false, false);
                }
            } else if rest.get(1) == Some(&b'/') {
                if is_script(&rest[2..]) {
                    if !is_inner {
                        return at;
                    }
                    is_inner = false;
                }
            } else if in_comment {
                is_inner |= is_script(&rest[1..]);
            } else if rest.starts_with(b"<!--") {
                in_comment = true;
                // "<!-->" opens and closes at once: its hyphens are looked at again.
                look = at + 2;
            }
        }
    }
}

/// Whether the name of a script begins here, and ends where it should.
fn is_script(bytes: &[u8]) -> bool {
    let has_name = bytes.get(..6).is_some_and(|name| name.eq_ignore_ascii_case(b"script"));
    has_name && bytes.get(6).is_none_or(|next| is_name_end(*next) && *next != b'=')
}

fn is_name_end(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | 0x0C | b'/' | b'>' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::harvest::tag::Attr;

    /// A page as one line of its pieces.
    fn shown(page: &str) -> String {
        let mut markup = Markup::new(page);
        let mut out = String::new();
        while let Some(token) = markup.next() {
            match token {
                Token::Text(text) => out += &format!("[{text}]"),
                Token::Start { self_closing } => {
                    out += &format!("<{}{}>", markup.tag.get(Attr::Href), if self_closing { "/" } else { "" });
                }
                Token::End(_) => out += "</>",
            }
        }
        out
    }

    #[test]
    fn pages_are_cut_as_browsers_cut_them() {
        for (page, wanted) in [
            ("a<b>c</b>d", "[a]<>[c]</>[d]"),
            ("1 < 2 <3 <", "[1 < 2 <3 <]"),
            ("<a href=x>y</a >", "<x>[y]</>"),
            ("<A\nHREF = 'a>b' href=c>", "<a>b>"),
            ("<a class=\"\"href=\"x\"/>", "<x/>"),
            ("<a =href=1 href='&amp;2'>", "<&2>"),
            ("<br/>", "</>"),
            ("a<!-- <b> -->c<!-->d<!--->e<!--x--!>f<!-- ->", "[a][c][d][e][f]"),
            ("<!DOCTYPE html><?xml version='1'?></>x</ y>z<![CDATA[q]]>", "[x][z]"),
            ("<title>a<b></title>c", "<>[a<b>]</>[c]"),
            ("<style>a</styles><b></STYLE >c", "<>[a</styles><b>]</>[c]"),
            ("<script>'</a>'<!-- <script>x</script> --></script>y", "<>['</a>'<!-- <script>x</script> -->]</>[y]"),
            ("<script><!-- x</script>y", "<>[<!-- x]</>[y]"),
            ("<script><!--><script></script>y", "<>[<!--><script>]</>[y]"),
            ("<textarea></textarea><plaintext><b>", "<></><>[<b>]"),
            ("x<a href='", "[x]"),
            ("x<a href", "[x]"),
            ("x</", "[x</]"),
            ("ы<б>ы", "[ы<б>ы]"),
        ] {
            assert_eq!(shown(page), wanted, "{page}");
        }
    }
}
