//! One pass over the tokens of a page: text, links, and the places where contacts hide. No tree is built.

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// As written.
    pub href: String,
    /// Its text.
    pub text: String,
}

/// What a page holds.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The `<title>`.
    pub title: String,
    /// Visible text; blocks are separated by line breaks.
    pub text: String,
    /// Links in order.
    pub links: Vec<Link>,
    /// Other attributes that may hold an address: name and value.
    pub attributes: Vec<(String, String)>,
    /// `data-cfemail` values.
    pub protected: Vec<String>,
    /// JSON-LD blocks.
    pub json_ld: Vec<String>,
    /// Script texts, for addresses put together from literals.
    pub scripts: Vec<String>,
    /// `og:site_name`.
    pub site_name: Option<String>,
    /// Where `<meta http-equiv=refresh>` leads.
    pub refresh: Option<String>,
    /// `noindex` was asked for.
    pub noindex: bool,
}

/// Tokens read of one page.
const MOST_TOKENS: usize = 400_000;
/// Links kept of one page.
const MOST_LINKS: usize = 5000;
/// Script text kept of one page, in bytes.
const MOST_SCRIPT: usize = 256 * 1024;
/// The longest attribute that is read.
const LONGEST_VALUE: usize = 64 * 1024;
/// Elements that stand in the line: no break goes where they begin or end.
const INLINE: [&str; 22] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "img", "mark", "nobr", "s", "small", "span", "strong", "sub", "sup",
    "u", "wbr", "noindex",
];

/// Reads a page.
pub fn read(text: &str) -> Page {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut reader = Reader::default();
    for token in Tokenizer::new_with_emitter(text, emitter).take(MOST_TOKENS) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => reader.open(&tag),
            Token::EndTag(tag) => reader.close(&lossy(&tag.name)),
            Token::String(run) => reader.text(&String::from_utf8_lossy(&run)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    reader.page
}

fn lossy(text: &HtmlString) -> String {
    String::from_utf8_lossy(text).to_ascii_lowercase()
}

#[derive(Default)]
struct Reader {
    page: Page,
    inside: Option<Inside>,
    link: Option<usize>,
    script_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Title,
    Script,
    JsonLd,
    Style,
    Template,
}

impl Reader {
    fn open(&mut self, tag: &StartTag<()>) {
        let name = lossy(&tag.name);
        let attribute = |wanted: &str| {
            let value = tag.attributes.iter().find(|(name, _)| name.as_slice() == wanted.as_bytes())?.1;
            (value.len() <= LONGEST_VALUE).then(|| String::from_utf8_lossy(value).trim().to_owned())
        };
        match name.as_str() {
            "title" => self.inside = Some(Inside::Title),
            "style" => self.inside = Some(Inside::Style),
            "template" => self.inside = Some(Inside::Template),
            "script" => {
                let is_data = attribute("type").is_some_and(|kind| kind.to_ascii_lowercase().contains("ld+json"));
                self.inside = Some(if is_data { Inside::JsonLd } else { Inside::Script });
                if is_data {
                    self.page.json_ld.push(String::new());
                } else {
                    self.page.scripts.push(String::new());
                }
            }
            "a" | "area" => {
                if let Some(href) = attribute("href").filter(|_| self.page.links.len() < MOST_LINKS) {
                    self.page.links.push(Link { href, text: String::new() });
                    self.link = Some(self.page.links.len() - 1);
                }
            }
            "frame" | "iframe" => {
                if let Some(href) = attribute("src").filter(|_| self.page.links.len() < MOST_LINKS) {
                    self.page.links.push(Link { href, text: String::new() });
                }
            }
            "meta" => self.meta(&attribute),
            _ => {}
        }
        if let Some(hex) = attribute("data-cfemail") {
            self.page.protected.push(hex);
        }
        for wanted in ["data-email", "data-mail", "data-e-mail"] {
            if let Some(value) = attribute(wanted) {
                self.page.attributes.push((wanted.to_owned(), value));
            }
        }
        if attribute("itemprop").is_some_and(|prop| prop.eq_ignore_ascii_case("email") || prop.eq_ignore_ascii_case("telephone"))
            && let Some(value) = attribute("content")
        {
            self.page.attributes.push(("itemprop".into(), value));
        }
        self.separate(&name);
    }

    fn meta(&mut self, attribute: &dyn Fn(&str) -> Option<String>) {
        let content = attribute("content").unwrap_or_default();
        let name = attribute("property").or_else(|| attribute("name")).unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "og:site_name" if !content.is_empty() => self.page.site_name = Some(content),
            "og:email" | "og:phone_number" | "business:contact_data:email" | "business:contact_data:phone_number" => {
                self.page.attributes.push((name, content));
            }
            "robots" => {
                let lower = content.to_ascii_lowercase();
                self.page.noindex = lower.contains("noindex") || lower.contains("none");
            }
            _ if attribute("http-equiv").is_some_and(|kind| kind.eq_ignore_ascii_case("refresh")) => {
                let target = content.split_once(['=']).map(|(_, url)| url.trim().trim_matches(['\'', '"']).to_owned());
                self.page.refresh = target.filter(|url| !url.is_empty());
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => self.link = None,
            "title" | "script" | "style" | "template" => self.inside = None,
            _ => {}
        }
        self.separate(name);
    }

    /// A block begins or ends: its text does not run into the next.
    fn separate(&mut self, name: &str) {
        if !INLINE.contains(&name) && self.inside.is_none() && !self.page.text.ends_with('\n') {
            self.page.text.push('\n');
        }
    }

    fn text(&mut self, run: &str) {
        match self.inside {
            Some(Inside::Title) => self.page.title.push_str(run),
            Some(Inside::JsonLd) => append(self.page.json_ld.last_mut(), run, &mut self.script_bytes),
            Some(Inside::Script) => append(self.page.scripts.last_mut(), run, &mut self.script_bytes),
            Some(Inside::Style | Inside::Template) => {}
            None => {
                self.page.text.push_str(run);
                if let Some(link) = self.link.and_then(|at| self.page.links.get_mut(at))
                    && link.text.len() < 300
                {
                    link.text.push_str(run);
                }
            }
        }
    }
}

fn append(target: Option<&mut String>, run: &str, used: &mut usize) {
    if let Some(target) = target
        && *used + run.len() <= MOST_SCRIPT
    {
        *used += run.len();
        target.push_str(run);
    }
}
