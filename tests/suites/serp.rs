//! Captured result pages, read by the adapter and by a second reader that shares nothing with it: a plain walk over a
//! tree of elements built letter by letter.

use std::io::Write;
use std::path::PathBuf;

use leadgen_core::setup::wiring::read_serp;

/// An element: its name, and texts and elements in order.
#[derive(Debug, Default)]
struct Element {
    name: String,
    inside: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Text(String),
    Element(Element),
}

impl Element {
    fn children(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.inside.iter().filter_map(move |node| match node {
            Node::Element(element) if element.name == name => Some(element),
            _ => None,
        })
    }

    /// All text below, as it stands.
    fn text(&self) -> String {
        self.inside
            .iter()
            .map(|node| match node {
                Node::Text(text) => text.clone(),
                Node::Element(element) => element.text(),
            })
            .collect()
    }

    fn all<'a>(&'a self, name: &str, found: &mut Vec<&'a Element>) {
        for node in &self.inside {
            if let Node::Element(element) = node {
                if element.name == name {
                    found.push(element);
                }
                element.all(name, found);
            }
        }
    }
}

/// Builds the tree. Good enough for well-formed pages without CDATA, which is what the captures are.
fn tree(xml: &str) -> Element {
    let mut open = vec![Element::default()];
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        push_text(&mut open, &rest[..start]);
        let end = rest[start..].find('>').expect("a tag ends") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if tag.starts_with('/') {
            close(&mut open);
            continue;
        }
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or("").to_owned();
        open.push(Element { name, inside: vec![] });
        if tag.ends_with('/') {
            close(&mut open);
        }
    }
    assert_eq!(open.len(), 1, "every element ends");
    open.remove(0)
}

fn push_text(open: &mut [Element], text: &str) {
    let mut plain = text.to_owned();
    for (entity, sign) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")] {
        plain = plain.replace(entity, sign);
    }
    open.last_mut().expect("the root").inside.push(Node::Text(plain));
}

fn close(open: &mut Vec<Element>) {
    let closed = open.pop().expect("an element");
    open.last_mut().expect("the root").inside.push(Node::Element(closed));
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Title, snippet, address and language of a document, by the walk.
fn seen(doc: &Element) -> (String, String, String, Option<String>) {
    let first = |name: &str| doc.children(name).next().map(Element::text);
    let passages: Vec<String> =
        doc.children("passages").flat_map(|all| all.children("passage")).map(|passage| one_line(&passage.text())).collect();
    let passages: Vec<String> = passages.into_iter().filter(|text| !text.is_empty()).collect();
    let property = |name: &str| doc.children("properties").next().and_then(|all| all.children(name).next().map(Element::text));
    let snippet = match (passages.is_empty(), first("headline")) {
        (false, _) => passages.join(" "),
        (true, Some(headline)) => one_line(&headline),
        (true, None) => property("extended-text").map(|text| one_line(&text)).unwrap_or_default(),
    };
    let title = first("title").map(|text| one_line(&text)).unwrap_or_default();
    (title, snippet, first("url").unwrap_or_default(), property("lang"))
}

fn captures() -> Option<Vec<PathBuf>> {
    #[expect(clippy::disallowed_methods, reason = "a test over shared data is asked for by the environment")]
    let Ok(corpus) = std::env::var("LEADGEN_CORPUS") else {
        // Past the harness, which keeps what passing tests print to itself.
        let _ = writeln!(std::io::stderr(), "skipped: LEADGEN_CORPUS is not set (serp)");
        return None;
    };
    let folder = PathBuf::from(corpus).join("fixtures/yandex");
    let files = std::fs::read_dir(folder).expect("the captures").filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ending| ending == "xml")).collect();
    files.sort();
    Some(files)
}

#[test]
fn captured_answers_are_read_completely_and_byte_for_byte() {
    let Some(files) = captures() else { return };
    assert!(!files.is_empty());
    for file in files {
        let bytes = std::fs::read(&file).expect("a capture");
        let root = tree(std::str::from_utf8(&bytes).expect("UTF-8"));
        let mut documents = Vec::new();
        root.all("doc", &mut documents);
        let answer = read_serp(&bytes).expect("a page");

        assert_eq!(answer.hits.len(), documents.len(), "{}", file.display());
        for (index, (hit, doc)) in answer.hits.iter().zip(&documents).enumerate() {
            let (title, snippet, url, language) = seen(doc);
            assert_eq!(hit.position as usize, index + 1);
            assert_eq!(hit.title.as_bytes(), title.as_bytes());
            assert_eq!(hit.snippet.as_bytes(), snippet.as_bytes());
            assert_eq!((&hit.url, &hit.language), (&url, &language));
        }
        assert!(answer.found.is_some_and(|found| found > 1000), "{}: {:?}", file.display(), answer.found);
        println!("{}: {} documents, found {:?}", file.file_name().unwrap_or_default().to_string_lossy(), documents.len(), answer.found);
    }
}
