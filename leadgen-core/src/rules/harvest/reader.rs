//! From the pieces of a page to what it holds.

use super::context::names_others;
use super::entities::{self, Place};
use super::html::{Link, Page, Prop};
use super::near;
use super::stack::{Element, Open, Stack};
use super::tag::{self, Attr, Tag};
use super::text::push_visible;

/// Links kept of one page.
const MOST_LINKS: usize = 5000;
/// Other values kept of one page.
const MOST_VALUES: usize = 2000;
/// The longest title, in bytes.
const LONGEST_TITLE: usize = 2000;
/// Headings kept of one page.
const MOST_HEADINGS: usize = 20;
/// Script text kept of one page, in bytes.
const MOST_SCRIPT: usize = 256 * 1024;
/// JSON-LD kept of one page, in bytes.
const MOST_DATA: usize = 1024 * 1024;

/// A script that only leads elsewhere is short, in bytes.
const LONGEST_TURN: usize = 1000;
/// Logos kept of one page.
const MOST_LOGOS: usize = 20;

#[derive(Default)]
pub(super) struct Reader {
    page: Page,
    stack: Stack,
    /// The link being read, and whether anything to click on was met inside.
    link: Option<usize>,
    kept_script: usize,
    kept_data: usize,
    /// Classes that the page's own style turns right-to-left.
    turning: Vec<String>,
    /// Text whose references are being read.
    spelled: String,
}

impl Reader {
    pub(super) fn finish(mut self) -> Page {
        self.end_link();
        while self.stack.depth() > 0 {
            self.leave_top();
        }
        self.page
    }

    pub(super) fn open(&mut self, tag: &Tag<'_>, self_closing: bool) {
        let element = tag.element;
        self.separate(element);
        if self.stack.ends_before(tag) {
            self.leave_top();
        }
        self.keep_values(tag);
        match element {
            Element::Link => self.open_link(tag, Attr::Href),
            Element::Frame => self.open_link(tag, Attr::Src),
            Element::Image => {
                self.page.images += 1;
                self.solid();
                self.logo(tag);
            }
            Element::Graphic => self.solid(),
            Element::Form => self.page.forms += 1,
            Element::Meta => self.meta(tag),
            Element::Related if tag.has_word(Attr::Rel, "canonical") => {
                let href = tag.get(Attr::Href);
                if !href.is_empty() {
                    self.page.canonical = Some(href.into_owned());
                }
            }
            Element::Script if tag.has(Attr::Src) => self.page.script_files += 1,
            _ => {}
        }
        if element.is_void() || (self_closing && element == Element::Graphic) {
            return;
        }
        let mut open = self.stack.child_of(tag);
        open.is_turned = open.is_turned || self.turning.iter().any(|class| tag.has_word(Attr::Class, class));
        if open.is_hidden && !self.stack.is_hidden() && !self.page.hidden.is_empty() {
            // Whatever stood hidden before stood elsewhere.
            self.page.hidden.push('\n');
        }
        open.from = if open.is_hidden { self.page.hidden.len() } else { self.page.text.len() };
        if open.prop.is_some() && tag.has(Attr::Content) {
            open.prop = None;
        }
        self.stack.push(open);
    }

    pub(super) fn close(&mut self, name: u64) {
        let element = Element::of(name);
        if element == Element::Link {
            self.end_link();
        }
        if let Some(depth) = self.stack.depth_of(name) {
            while self.stack.depth() > depth {
                self.leave_top();
            }
        }
        self.separate(element);
    }

    fn leave_top(&mut self) {
        if let Some(open) = self.stack.pop() {
            self.leave(&open);
        }
    }

    /// An element ends: what was marked inside is known now.
    fn leave(&mut self, open: &Open) {
        if open.opens_guests && !open.is_hidden && self.page.guests.len() < MOST_VALUES {
            self.page.guests.push(open.from..self.page.text.len());
        }
        if open.element == Element::Subheading && !open.is_hidden {
            self.subheading(open.from);
        }
        let is_heading = open.element == Element::Heading && !open.is_hidden;
        if open.prop.is_none() && !is_heading {
            return;
        }
        let whole = if open.is_hidden { &self.page.hidden } else { &self.page.text };
        let inside = whole.get(open.from..).unwrap_or("").trim();
        if inside.is_empty() {
            return;
        }
        if is_heading && self.page.headings.len() < MOST_HEADINGS {
            self.page.headings.push(open.from..self.page.text.len());
        }
        if let Some(prop) = open.prop
            && inside.len() <= 300
            && self.page.props.len() < MOST_VALUES
        {
            self.page.props.push((prop, inside.to_owned()));
        }
    }

    /// A block that is headed "Наши дилеры" is about others to its end.
    fn subheading(&mut self, from: usize) {
        if names_others(self.page.text.get(from..).unwrap_or("")) {
            self.stack.give_to_guests(from);
        }
    }

    pub(super) fn text(&mut self, run: &str) {
        let open = self.stack.last();
        let (element, is_inert, is_hidden) =
            open.map_or((Element::Block, false, false), |open| (open.element, open.is_inert, open.is_hidden));
        match element {
            Element::Script => return self.script(run, open.is_some_and(|open| open.is_data)),
            Element::Style => return self.style(run),
            Element::Inert | Element::Frame => return,
            _ if is_inert => return,
            _ => {}
        }
        // A title without end is no title.
        let run = if element == Element::Title { &run[..run.floor_char_boundary(LONGEST_TITLE)] } else { run };
        let is_turned = open.is_some_and(|open| open.is_turned);
        let run = match near::find(b'&', run.as_bytes()) {
            Some(_) => {
                self.spelled.clear();
                entities::decode_into(&mut self.spelled, run, Place::Text);
                // "&amp;#64;": a page that was made from another one's text.
                if memchr::memmem::find(self.spelled.as_bytes(), b"&#").is_some() {
                    let once = std::mem::take(&mut self.spelled);
                    entities::decode_into(&mut self.spelled, &once, Place::Text);
                }
                self.spelled.as_str()
            }
            None => run,
        };
        match element {
            Element::Title if self.page.title.len() < LONGEST_TITLE => push_visible(&mut self.page.title, run),
            Element::Title => {}
            _ if is_turned => {
                let turned: String = run.trim().chars().rev().collect();
                if !turned.is_empty() && self.page.turned.len() < MOST_VALUES {
                    self.page.turned.push(turned);
                }
            }
            _ if is_hidden => push_visible(&mut self.page.hidden, run),
            _ => push_visible(&mut self.page.text, run),
        }
    }

    fn script(&mut self, run: &str, is_data: bool) {
        if is_data {
            if self.kept_data + run.len() <= MOST_DATA {
                self.kept_data += run.len();
                self.page.json_ld.push(run.to_owned());
            }
            return;
        }
        self.page.script_bytes += run.len();
        if self.page.refresh.is_none() && run.len() <= LONGEST_TURN {
            self.page.refresh = location_target(run);
        }
        if self.kept_script + run.len() <= MOST_SCRIPT && super::scripts::may_hide_an_address(run) {
            self.kept_script += run.len();
            self.page.scripts.push(run.to_owned());
        }
    }

    /// Classes whose text is shown from right to left.
    fn style(&mut self, run: &str) {
        for at in memchr::memmem::find_iter(run.as_bytes(), "bidi-override").take(20) {
            let open = run[..at].rfind('{').unwrap_or(0);
            let start = run[..open].rfind(['}', '/']).map_or(0, |end| end + 1);
            let classes = run[start..open].split('.').skip(1);
            let name =
                |rest: &str| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().unwrap_or("").to_owned();
            self.turning.extend(classes.map(name).filter(|class| !class.is_empty()));
        }
    }

    fn open_link(&mut self, tag: &Tag<'_>, from: Attr) {
        self.end_link();
        if !tag.has(from) || self.page.links.len() >= MOST_LINKS {
            return;
        }
        let (hidden, at_edge) = (self.stack.is_hidden() || tag.is_hidden(), self.stack.is_at_edge());
        let at = if hidden { self.page.hidden.len() } else { self.page.text.len() };
        self.page.links.push(Link {
            href: tag.get(from).into_owned(),
            text: at..at,
            at_edge,
            hidden,
            hollow: from == Attr::Href,
            framed: from == Attr::Src,
        });
        if from == Attr::Href {
            self.link = Some(self.page.links.len() - 1);
        }
    }

    /// Something to click on was met inside a link.
    fn solid(&mut self) {
        if let Some(link) = self.link.and_then(|at| self.page.links.get_mut(at)) {
            link.hollow = false;
        }
    }

    fn end_link(&mut self) {
        let Some(link) = self.link.take().and_then(|at| self.page.links.get_mut(at)) else {
            return;
        };
        let whole = if link.hidden { &mut self.page.hidden } else { &mut self.page.text };
        link.text.end = whole.len().max(link.text.start);
        if !whole[link.text.clone()].trim().is_empty() {
            link.hollow = false;
            // The next link's text is another word.
            if !whole.ends_with([' ', '\n', '\t']) {
                whole.push(' ');
            }
        }
    }

    fn logo(&mut self, tag: &Tag<'_>) {
        if !tag.has(Attr::Alt) || self.page.logos.len() >= MOST_LOGOS {
            return;
        }
        let is_logo = [Attr::Src, Attr::Class, Attr::Id, Attr::Alt].iter().any(|attr| {
            let value = tag.raw(*attr);
            value.len() < 300 && speaks_of_logo(value)
        });
        let alt = tag.get(Attr::Alt);
        if is_logo && alt.len() <= 200 {
            self.page.logos.push(alt.into_owned());
        }
    }

    /// Attributes of any element that may hold a contact.
    fn keep_values(&mut self, tag: &Tag<'_>) {
        if tag.has_others() && self.page.attributes.len() < MOST_VALUES {
            let data = tag.data();
            let pair = tag::pair(&data);
            for (name, value) in data {
                match name.as_str() {
                    "data-cfemail" => self.page.protected.push((value, self.page.text.len())),
                    name if name.starts_with("on") => self.page.scripts.push(value),
                    _ => self.page.attributes.push((name, value)),
                }
            }
            self.page.attributes.extend(pair.map(|pair| ("data-pair".to_owned(), pair)));
        }
        if tag.has(Attr::Content)
            && let Some(prop) = self.stack.prop(tag)
        {
            self.page.props.push((prop, tag.get(Attr::Content).into_owned()));
        }
    }

    fn meta(&mut self, tag: &Tag<'_>) {
        let content = tag.get(Attr::Content);
        let content = content.as_ref();
        let name = tag.get(if tag.has(Attr::Property) { Attr::Property } else { Attr::Name }).to_ascii_lowercase();
        let prop = |kind: Prop| Some((kind, content.to_owned()));
        let found = match name.as_str() {
            "og:email" | "business:contact_data:email" | "reply-to" => prop(Prop::Email),
            "og:phone_number" | "business:contact_data:phone_number" => prop(Prop::Phone),
            _ => None,
        };
        self.page.props.extend(found.filter(|(_, value)| !value.is_empty()));
        match name.as_str() {
            "og:site_name" if !content.is_empty() => self.page.site_name = Some(content.to_owned()),
            "application-name" | "apple-mobile-web-app-title" if !content.is_empty() && self.page.site_name.is_none() => {
                self.page.site_name = Some(content.to_owned());
            }
            "og:url" if self.page.canonical.is_none() && !content.is_empty() => self.page.canonical = Some(content.to_owned()),
            "robots" | "leadgen" => {
                // Whole words only: `max-image-preview:none` forbids nothing.
                for rule in content.split([',', ' ', ';']) {
                    let is = |word: &str| rule.eq_ignore_ascii_case(word);
                    self.page.noindex |= is("noindex") || is("none");
                    self.page.nofollow |= is("nofollow") || is("none");
                }
            }
            _ if tag.get(Attr::HttpEquiv).eq_ignore_ascii_case("refresh") => self.page.refresh = refresh_target(content),
            _ => {}
        }
    }

    /// A block begins or ends: its text does not run into the next.
    fn separate(&mut self, element: Element) {
        let sign = match element {
            Element::Inline
            | Element::Link
            | Element::Image
            | Element::Graphic
            | Element::Script
            | Element::Style
            | Element::Meta
            | Element::Soft => return,
            Element::Cell => '\t',
            _ => '\n',
        };
        let text = if self.stack.is_hidden() { &mut self.page.hidden } else { &mut self.page.text };
        if text.ends_with(' ') {
            text.pop();
        }
        match (text.as_bytes().last(), sign) {
            (None | Some(b'\n'), _) | (Some(b'\t'), '\t') => {}
            (Some(b'\t'), '\n') => {
                text.pop();
                text.push('\n');
            }
            _ => text.push(sign),
        }
    }
}

fn speaks_of_logo(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_logo = |at: usize| at >= 2 && bytes.get(at - 2..at + 2).is_some_and(|part| part.eq_ignore_ascii_case(b"logo"));
    memchr::memchr2_iter(b'g', b'G', bytes).any(is_logo) || (!value.is_ascii() && value.to_lowercase().contains("логотип"))
}

/// The target of `5; url=/x`, if the wait is short enough to count as a redirect.
fn refresh_target(content: &str) -> Option<String> {
    let (wait, target) = content.split_once([';', ','])?;
    let seconds: f64 = wait.trim().parse().ok()?;
    let target = target.trim();
    let target =
        target.get(..3).filter(|key| key.eq_ignore_ascii_case("url")).map_or(target, |_| target[3..].trim_start().trim_start_matches('='));
    let target = target.trim().trim_matches(['\'', '"']);
    (seconds <= 5.0 && !target.is_empty()).then(|| target.to_owned())
}

/// Where `location.href = "/x"` leads: the whole script, or its first statement outside of any braces.
fn location_target(script: &str) -> Option<String> {
    let places = memchr::memmem::find_iter(script.as_bytes(), b"location").take(5);
    places.filter(|at| is_outside(&script[..*at])).find_map(|at| {
        let rest = script[at + "location".len()..].trim_start();
        let rest = rest.strip_prefix(".href").unwrap_or(rest).trim_start();
        let called =
            [".replace", ".assign"].iter().find_map(|name| rest.strip_prefix(name)).and_then(|rest| rest.trim_start().strip_prefix('('));
        let value = called.or_else(|| rest.strip_prefix('=').filter(|rest| !rest.starts_with('=')))?.trim_start();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (target, after) = value[1..].split_once(quote)?;
        let ends = after.trim_start().starts_with([';', ')', '}', '\n', '/']) || after.trim().is_empty() || after.starts_with('\n');
        (ends && !target.is_empty()).then(|| target.to_owned())
    })
}

/// Whether a statement may begin behind a piece of a script that runs whatever happens: no brace is open, no condition stands before it.
fn is_outside(before: &str) -> bool {
    let own = ["window.", "document.", "self.", "top.", "parent."].iter().find_map(|name| before.strip_suffix(name)).unwrap_or(before);
    let begins =
        own.trim_end().is_empty() || own.trim_end().ends_with([';', '}']) || own.trim_end().ends_with("<!--") || own.ends_with('\n');
    begins && own.matches('{').count() == own.matches('}').count() && !own.trim_end().ends_with(')')
}
