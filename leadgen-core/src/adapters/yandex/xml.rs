//! Reads a result page as a stream. Highlighting is taken out without touching blanks; nothing is expanded, nothing
//! outside is fetched, and depth, size and count are bounded.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::domain::serp::{Hit, LARGEST_PAGE};
use crate::error::{Error, ErrorKind, Result};

use super::text::{decode, squash};

/// The deepest nesting.
const DEEPEST: usize = 64;
/// Documents of one page.
const MOST_HITS: usize = 10_000;
/// Text of one element, in bytes; the rest is dropped.
const LONGEST_TEXT: usize = 64 * 1024;
/// Passages of one document; the rest is dropped. The service gives five at most.
const MOST_PASSAGES: usize = 32;

pub(super) fn malformed(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Malformed, "read a result page").code("serp_malformed").detail(why)
}

/// What a page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// How many documents the service says there are, an estimate; `None` if it does not say.
    pub found: Option<u64>,
    /// The documents, positions from 1.
    pub hits: Vec<Hit>,
}

/// The documents of a page, positions from 1. "Nothing found" is an empty list; any other error inside the page is one.
pub fn read_page(bytes: &[u8]) -> Result<Vec<Hit>> {
    Ok(read_answer(bytes)?.hits)
}

/// The documents of a page with what the service says about their number.
pub fn read_answer(bytes: &[u8]) -> Result<Answer> {
    if bytes.len() > LARGEST_PAGE {
        return Err(malformed(format!("{} bytes; at most {LARGEST_PAGE} are read", bytes.len())));
    }
    let text = decode(bytes)?;
    let mut reader = Reader::from_str(&text);
    let mut page = Page::default();
    loop {
        match reader.read_event().map_err(|e| malformed("it is no well-formed XML").because(e))? {
            Event::Start(tag) => page.open(&tag)?,
            Event::Empty(tag) => {
                page.open(&tag)?;
                page.close()?;
            }
            Event::End(_) => page.close()?,
            Event::Text(run) => page.text(&run)?,
            Event::CData(run) => page.text(&run)?,
            Event::GeneralRef(reference) => page.reference(&reference)?,
            Event::DocType(_) => return Err(malformed("a document type is refused")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    page.end()
}

/// An element whose text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Url,
    Lurl,
    Name,
    Title,
    Headline,
    Passage,
    Extended,
    Language,
    Found,
    FoundAll,
    Error,
}

#[derive(Default)]
struct Document {
    url: String,
    lurl: String,
    name: String,
    title: String,
    headline: String,
    passages: String,
    passage_count: usize,
    extended: String,
    language: String,
}

#[derive(Default)]
struct Page {
    /// Open elements.
    depth: usize,
    /// The element whose text is being read, and the depth it stands at. What it contains belongs to it.
    field: Option<(Field, usize)>,
    /// Its text so far.
    run: String,
    /// The document being read, and the depth its element stands at.
    document: Option<(Document, usize)>,
    /// The depth of the `properties` being read.
    properties: Option<usize>,
    hits: Vec<Hit>,
    position: u32,
    found: Option<u64>,
    found_all: Option<u64>,
    error: Option<(String, String)>,
    has_root: bool,
}

impl Page {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<()> {
        let name = tag.local_name();
        let name: &str = name.as_ref();
        if self.depth == 0 {
            if self.has_root || name != "yandexsearch" {
                return Err(malformed(format!("the root element is <{name}>, not one <yandexsearch>")));
            }
            self.has_root = true;
        }
        if self.depth >= DEEPEST {
            return Err(malformed("it is nested too deeply"));
        }
        self.depth += 1;
        if self.field.is_some() {
            return Ok(());
        }
        if let Some((_, at)) = self.document {
            self.field = self.field_of_document(name, at, tag).map(|field| (field, self.depth));
            return Ok(());
        }
        match name {
            "doc" => {
                self.position += 1;
                self.document = Some((Document::default(), self.depth));
            }
            // <yandexsearch><response><found>: documents. Deeper down they are groups.
            "found" if self.depth == 3 => {
                let all = attribute(tag, "priority").is_some_and(|value| value == "all");
                self.field = Some((if all { Field::FoundAll } else { Field::Found }, self.depth));
            }
            "error" => {
                self.error = Some((attribute(tag, "code").unwrap_or_default(), String::new()));
                self.field = Some((Field::Error, self.depth));
            }
            _ => {}
        }
        Ok(())
    }

    fn field_of_document(&mut self, name: &str, document: usize, tag: &BytesStart<'_>) -> Option<Field> {
        if self.depth == document + 1 {
            return match name {
                "url" => Some(Field::Url),
                "lurl" => Some(Field::Lurl),
                "name" => Some(Field::Name),
                "title" => Some(Field::Title),
                "headline" => Some(Field::Headline),
                "passage" => Some(Field::Passage),
                "lang" => Some(Field::Language),
                "properties" => {
                    self.properties = Some(self.depth);
                    None
                }
                _ => None,
            };
        }
        let in_properties = self.properties.is_some_and(|at| self.depth == at + 1);
        match name {
            "passage" => Some(Field::Passage),
            "lang" if in_properties => Some(Field::Language),
            "extended-text" if in_properties => Some(Field::Extended),
            "property" if in_properties && attribute(tag, "name").is_some_and(|value| value == "lang") => Some(Field::Language),
            _ => None,
        }
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if self.field.is_none() {
            return if self.depth == 0 && !text.trim().is_empty() {
                Err(malformed("text stands outside the root element"))
            } else {
                Ok(())
            };
        }
        let room = LONGEST_TEXT.saturating_sub(self.run.len());
        self.run.push_str(&text[..text.floor_char_boundary(room)]);
        Ok(())
    }

    /// The five entities of XML and character references; anything else would need a document type.
    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<()> {
        if let Some(c) = reference.resolve_char_ref().map_err(|e| malformed("a character reference is wrong").because(e))? {
            return self.text(c.encode_utf8(&mut [0; 4]));
        }
        let name: &str = reference;
        match quick_xml::escape::resolve_predefined_entity(name) {
            Some(text) => self.text(text),
            None => Err(malformed(format!("the entity &{name}; is unknown"))),
        }
    }

    fn close(&mut self) -> Result<()> {
        let at = self.depth;
        self.depth = at.checked_sub(1).ok_or_else(|| malformed("an element ends that never began"))?;
        if let Some((field, _)) = self.field.take_if(|(_, opened)| *opened == at) {
            self.keep_text(field);
            self.run.clear();
        }
        if self.properties == Some(at) {
            self.properties = None;
        }
        if let Some((document, _)) = self.document.take_if(|(_, opened)| *opened == at) {
            self.keep(document)?;
        }
        Ok(())
    }

    fn keep_text(&mut self, field: Field) {
        let run = &self.run;
        match (field, &mut self.document) {
            (Field::Found, _) => self.found = run.trim().parse().ok(),
            (Field::FoundAll, _) => self.found_all = run.trim().parse().ok(),
            (Field::Error, _) => {
                if let Some((_, text)) = &mut self.error {
                    *text = squash(run);
                }
            }
            (_, None) => {}
            (Field::Url, Some((document, _))) => run.trim().clone_into(&mut document.url),
            (Field::Lurl, Some((document, _))) => run.trim().clone_into(&mut document.lurl),
            (Field::Language, Some((document, _))) => run.trim().clone_into(&mut document.language),
            (Field::Name, Some((document, _))) => document.name = squash(run),
            (Field::Title, Some((document, _))) => document.title = squash(run),
            (Field::Headline, Some((document, _))) => document.headline = squash(run),
            (Field::Passage, Some((document, _))) => document.passage(run),
            // It is seldom needed, so it is cleaned only then.
            (Field::Extended, Some((document, _))) => std::mem::swap(&mut document.extended, &mut self.run),
        }
    }

    fn keep(&mut self, document: Document) -> Result<()> {
        if self.hits.len() >= MOST_HITS {
            return Err(malformed("it holds too many documents"));
        }
        let snippet = match (document.passages.is_empty(), document.headline.is_empty()) {
            (false, _) => document.passages,
            (true, false) => document.headline,
            (true, true) => squash(&document.extended),
        };
        self.hits.push(Hit {
            position: self.position,
            url: if document.url.is_empty() { document.lurl } else { document.url },
            title: if document.title.is_empty() { document.name } else { document.title },
            snippet,
            language: Some(document.language).filter(|text| !text.is_empty()),
        });
        Ok(())
    }

    fn end(self) -> Result<Answer> {
        if !self.has_root || self.depth != 0 {
            return Err(malformed("it breaks off"));
        }
        let found = self.found_all.or(self.found);
        let Some((code, text)) = self.error else { return Ok(Answer { found, hits: self.hits }) };
        if code == "15" {
            // "Nothing found" beside documents: what was found counts.
            return Ok(Answer { found: if self.hits.is_empty() { Some(0) } else { found }, hits: self.hits });
        }
        let kind = if matches!(code.as_str(), "32" | "55") { ErrorKind::Limited } else { ErrorKind::Rejected };
        let number: String = code.chars().filter(char::is_ascii_digit).take(8).collect();
        let number = if number.is_empty() { "unknown".to_owned() } else { number };
        Err(Error::new(kind, "use a result page").code(format!("serp_error_{number}")).detail(text))
    }
}

impl Document {
    fn passage(&mut self, run: &str) {
        let text = squash(run);
        if text.is_empty() || self.passage_count >= MOST_PASSAGES {
            return;
        }
        self.passage_count += 1;
        if self.passages.is_empty() {
            self.passages = text;
        } else {
            self.passages.push(' ');
            self.passages.push_str(&text);
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name).map(|attribute| attribute.value.into_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn page(inside: &str) -> String {
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><yandexsearch version=\"1.0\"><response>{inside}</response></yandexsearch>")
    }

    fn code(text: &[u8]) -> String {
        read_page(text).unwrap_err().machine_code().to_owned()
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

    /// SERP-1 and SERP-2: any depth, every fallback, blanks of any kind.
    #[test]
    fn every_fallback_of_a_document_is_taken() {
        let docs = "<group><doc><url>a.ru</url><headline>Первая&#160;\n строка</headline><properties><lang>ru</lang></properties></doc></group>\
                    <group><group><deep><doc><lurl>b.ru</lurl><name>Имя</name><passages><passage> </passage></passages><lang>en</lang>\
                    <properties><extended-text>длинный  текст</extended-text></properties></doc></deep></group></group>\
                    <doc><title>a<b>б<i>в</i></b>г</title><properties><property name=\"lang\">kk</property></properties></doc>";
        let hits = read_page(page(docs).as_bytes()).unwrap();
        let shown: Vec<_> =
            hits.iter().map(|h| (h.position, h.url.as_str(), h.title.as_str(), h.snippet.as_str(), h.language.as_deref())).collect();
        assert_eq!(
            shown,
            [
                (1, "a.ru", "", "Первая строка", Some("ru")),
                (2, "b.ru", "Имя", "длинный текст", Some("en")),
                (3, "", "aбвг", "", Some("kk"))
            ]
        );
    }

    #[test]
    fn the_number_of_documents_is_not_that_of_groups() {
        let found = "<found priority=\"phrase\">7</found><found priority=\"all\">126624</found><results><grouping><found priority=\"all\">753</found></grouping></results>";
        assert_eq!(read_answer(page(found).as_bytes()).unwrap().found, Some(126_624));
        assert_eq!(read_answer(page("<reqid>1</reqid>").as_bytes()).unwrap(), Answer::default());
    }

    #[test]
    fn errors_inside_the_page_have_their_outcomes() {
        let error = |code: &str| read_page(page(&format!("<error code=\"{code}\">текст</error>")).as_bytes());
        assert_eq!(error("15").unwrap(), vec![]);
        assert_eq!(error("32").unwrap_err().kind(), ErrorKind::Limited);
        assert_eq!(error("55").unwrap_err().machine_code(), "serp_error_55");
        assert_eq!(error("18").unwrap_err().kind(), ErrorKind::Rejected);
        assert_eq!(error("").unwrap_err().machine_code(), "serp_error_unknown");
        let with_document = page("<error code=\"15\">текст</error><group><doc><url>https://a.ru/</url></doc></group>");
        assert_eq!(read_page(with_document.as_bytes()).unwrap().len(), 1, "a document beside \"nothing found\" is a document");
    }

    #[test]
    fn whatever_is_not_a_page_is_malformed() {
        let cut = page("<results><group><doc>").replace("</response></yandexsearch>", "");
        let entity = "<!DOCTYPE x [<!ENTITY a \"b\">]><yandexsearch>&a;</yandexsearch>";
        let outside = "<!DOCTYPE yandexsearch SYSTEM \"http://127.0.0.1/x.dtd\"><yandexsearch/>";
        let crossed = page("<a><b></a></b>");
        let twice = "<yandexsearch/><yandexsearch/>";
        for text in ["", "<html><body>502</body></html>", &cut, entity, outside, "not xml at all", &page("&unknown;"), &crossed, twice] {
            assert_eq!(code(text.as_bytes()), "serp_malformed", "{}", text.chars().take(60).collect::<String>());
        }
        assert_eq!(code(&[0xFF, 0xFE]), "serp_malformed");
    }

    #[test]
    fn pages_up_to_the_bounds_are_read_and_beyond_them_refused() {
        let nested = |more: usize| page(&format!("<doc/>{}{}", "<a>".repeat(more), "</a>".repeat(more)));
        let outer = 2;
        assert_eq!(read_page(nested(DEEPEST - outer).as_bytes()).unwrap().len(), 1);
        let error = read_page(nested(DEEPEST - outer + 1).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), malformed("it is nested too deeply").to_string());

        let padded = |size: usize| page(&format!("<doc/>{}", " ".repeat(size - page("<doc/>").len())));
        assert_eq!(read_page(padded(LARGEST_PAGE).as_bytes()).unwrap().len(), 1);
        let error = read_page(padded(LARGEST_PAGE + 1).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("at most 20971520 are read"), "{error}");
    }

    #[test]
    fn a_page_in_a_declared_encoding_is_read_and_a_false_declaration_is_refused() {
        let text = page("<doc><title>Дента</title></doc>").replace("utf-8", "windows-1251");
        let (old, ..) = encoding_rs::WINDOWS_1251.encode(&text);
        assert_eq!(read_page(&old).unwrap()[0].title, "Дента");
        assert_eq!(code(text.as_bytes()), "serp_malformed", "it says windows-1251 and is UTF-8");
        assert_eq!(code(text.replace("windows-1251", "no-such-thing").as_bytes()), "serp_malformed");
        let marked = [b"\xEF\xBB\xBF".as_slice(), page("<doc><title>Дента</title></doc>").as_bytes()].concat();
        assert_eq!(read_page(&marked).unwrap()[0].title, "Дента");
    }

    #[test]
    fn a_page_with_too_much_of_anything_stays_within_bounds() {
        let long = page(&format!("<doc><title>{}</title></doc>", "я".repeat(LONGEST_TEXT)));
        assert!(read_page(long.as_bytes()).unwrap()[0].title.len() <= LONGEST_TEXT);
        let many = |count: usize| page(&"<doc/>".repeat(count));
        assert_eq!(read_page(many(MOST_HITS).as_bytes()).unwrap().len(), MOST_HITS);
        assert_eq!(read_page(many(MOST_HITS + 1).as_bytes()).unwrap_err().told(), Some("it holds too many documents"));
        let passages = page(&format!("<doc><passages>{}</passages></doc>", "<passage>а</passage>".repeat(100)));
        assert_eq!(read_page(passages.as_bytes()).unwrap()[0].snippet.split(' ').count(), MOST_PASSAGES);
    }
}
