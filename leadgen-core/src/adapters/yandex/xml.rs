//! Reads a result page as a stream. Highlighting is taken out without touching blanks; nothing is expanded, nothing
//! outside is fetched, and depth, size and count are bounded.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::domain::serp::Hit;
use crate::error::{Error, ErrorKind, Result};

/// The largest page.
const LARGEST: usize = 20 * 1024 * 1024;
/// The deepest nesting.
const DEEPEST: usize = 64;
/// Documents of one page.
const MOST_HITS: usize = 10_000;
/// Text of one element, in bytes; the rest is dropped.
const LONGEST_TEXT: usize = 64 * 1024;

fn malformed(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Malformed, "read a result page").code("serp_malformed").detail(why)
}

#[derive(Default)]
struct Document {
    url: String,
    lurl: String,
    name: String,
    title: String,
    headline: String,
    passages: Vec<String>,
    extended: String,
    language: Option<String>,
}

/// The documents of a page, positions from 1. "Nothing found" is an empty list; any other error inside the page is one.
pub fn read_page(bytes: &[u8]) -> Result<Vec<Hit>> {
    if bytes.len() > LARGEST {
        return Err(malformed(format!("{} bytes; at most {LARGEST} are read", bytes.len())));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| malformed("it is not UTF-8").because(e))?;
    let mut reader = Reader::from_str(text);
    let mut page = Page::default();
    loop {
        match reader.read_event().map_err(|e| malformed("it is no well-formed XML").because(e))? {
            Event::Start(tag) => page.open(&tag)?,
            Event::Empty(tag) => {
                page.open(&tag)?;
                page.close()?;
            }
            Event::End(_) => page.close()?,
            Event::Text(run) => page.text(&run),
            Event::CData(run) => page.text(&run),
            Event::GeneralRef(reference) => page.text(&expand(&reference)?),
            Event::DocType(_) => return Err(malformed("a document type is refused")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    page.end()
}

/// The five entities of XML and character references; anything else would need a document type.
fn expand(reference: &BytesRef<'_>) -> Result<String> {
    if let Some(c) = reference.resolve_char_ref().map_err(|e| malformed("a character reference is wrong").because(e))? {
        return Ok(c.to_string());
    }
    let name: &str = reference;
    quick_xml::escape::resolve_predefined_entity(name).map(str::to_owned).ok_or_else(|| malformed(format!("the entity &{name}; is unknown")))
}

#[derive(Default)]
struct Page {
    path: Vec<String>,
    run: String,
    document: Option<Document>,
    hits: Vec<Hit>,
    position: u32,
    error: Option<(String, String)>,
    has_root: bool,
}

impl Page {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<()> {
        let name = tag.local_name().as_ref().to_owned();
        if self.path.is_empty() {
            if name != "yandexsearch" {
                return Err(malformed(format!("the root element is <{name}>, not <yandexsearch>")));
            }
            self.has_root = true;
        }
        if self.path.len() >= DEEPEST {
            return Err(malformed("it is nested too deeply"));
        }
        match name.as_str() {
            "doc" => {
                self.position += 1;
                self.document = Some(Document::default());
            }
            "error" if self.document.is_none() => {
                let code = tag.attributes().flatten().find(|a| a.key.as_ref() == "code").map(|a| a.value.into_owned());
                self.error = Some((code.unwrap_or_default(), String::new()));
            }
            _ => {}
        }
        if name != "hlword" {
            self.run.clear();
        }
        self.path.push(name);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.run.len() < LONGEST_TEXT {
            self.run.push_str(text);
        }
    }

    fn close(&mut self) -> Result<()> {
        let name = self.path.pop().ok_or_else(|| malformed("an element ends that never began"))?;
        if name == "hlword" {
            return Ok(());
        }
        let parent = self.path.last().map_or("", String::as_str);
        let run = std::mem::take(&mut self.run);
        if let Some(document) = &mut self.document {
            match (name.as_str(), parent) {
                ("url", "doc") => document.url = run.trim().to_owned(),
                ("lurl", "doc") => document.lurl = run.trim().to_owned(),
                ("name", "doc") => document.name = squash(&run),
                ("title", "doc") => document.title = squash(&run),
                ("headline", "doc") => document.headline = squash(&run),
                ("passage", _) => document.passages.push(squash(&run)),
                ("extended-text", "properties") => document.extended = squash(&run),
                ("lang", "properties" | "doc") => document.language = Some(run.trim().to_owned()).filter(|text| !text.is_empty()),
                ("doc", _) => self.keep()?,
                _ => {}
            }
        } else if name == "error"
            && let Some((_, text)) = &mut self.error
        {
            *text = squash(&run);
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<()> {
        let Some(document) = self.document.take() else { return Ok(()) };
        if self.hits.len() >= MOST_HITS {
            return Err(malformed("it holds too many documents"));
        }
        let passages: Vec<&str> = document.passages.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        let snippet = match (passages.is_empty(), document.headline.is_empty()) {
            (false, _) => passages.join(" "),
            (true, false) => document.headline,
            (true, true) => document.extended,
        };
        self.hits.push(Hit {
            position: self.position,
            url: if document.url.is_empty() { document.lurl } else { document.url },
            title: if document.title.is_empty() { document.name } else { document.title },
            snippet,
            language: document.language,
        });
        Ok(())
    }

    fn end(self) -> Result<Vec<Hit>> {
        if !self.has_root || !self.path.is_empty() {
            return Err(malformed("it breaks off"));
        }
        let Some((code, text)) = self.error else { return Ok(self.hits) };
        if code == "15" {
            return Ok(vec![]);
        }
        let kind = if matches!(code.as_str(), "32" | "55") { ErrorKind::Limited } else { ErrorKind::Rejected };
        let number: String = code.chars().filter(char::is_ascii_digit).take(8).collect();
        Err(Error::new(kind, "use a result page").code(format!("serp_error_{number}")).detail(text))
    }
}

fn squash(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn page(inside: &str) -> String {
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><yandexsearch version=\"1.0\"><response>{inside}</response></yandexsearch>")
    }

    #[test]
    fn highlighting_is_taken_out_without_touching_blanks() {
        let doc = "<results><grouping><group><doc id=\"1\"><url>https://a.ru/?a=1&amp;b=2</url><title><hlword>python</hlword><hlword>3</hlword> &amp; \
                   <hlword>Дента</hlword> <hlword>Люкс</hlword>!</title><passages><passage>Первый <hlword>раз</hlword></passage><passage>второй</passage></passages>\
                   <properties><lang>ru</lang></properties></doc></group></grouping></results>";
        let hits = read_page(page(doc).as_bytes()).unwrap();
        assert_eq!(hits[0].title, "python3 & Дента Люкс!");
        assert_eq!(hits[0].snippet, "Первый раз второй");
        assert_eq!(hits[0].url, "https://a.ru/?a=1&b=2");
        assert_eq!((hits[0].position, hits[0].language.as_deref()), (1, Some("ru")));
    }

    #[test]
    fn errors_inside_the_page_have_their_outcomes() {
        let error = |code: &str| read_page(page(&format!("<error code=\"{code}\">текст</error>")).as_bytes());
        assert_eq!(error("15").unwrap(), vec![]);
        assert_eq!(error("32").unwrap_err().kind(), ErrorKind::Limited);
        assert_eq!(error("55").unwrap_err().machine_code(), "serp_error_55");
        assert_eq!(error("18").unwrap_err().kind(), ErrorKind::Rejected);
    }

    #[test]
    fn whatever_is_not_a_page_is_malformed() {
        let cut = page("<results><group><doc>").replace("</response></yandexsearch>", "");
        let entity = "<!DOCTYPE x [<!ENTITY a \"b\">]><yandexsearch>&a;</yandexsearch>";
        let deep = page(&"<a>".repeat(5000));
        for text in ["", "<html><body>502</body></html>", &cut, entity, &deep, "not xml at all", &page("&unknown;")] {
            assert_eq!(read_page(text.as_bytes()).unwrap_err().machine_code(), "serp_malformed", "{}", text.chars().take(60).collect::<String>());
        }
        assert_eq!(read_page(&[0xFF, 0xFE]).unwrap_err().machine_code(), "serp_malformed");
    }
}
