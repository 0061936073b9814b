//! From the events of the tokenizer to a page. Buffers are used again from tag to tag.

use html5gum::emitters::callback::CallbackEvent;

use super::html::{Link, Page, Prop};
use super::stack::{Element, Open, Stack};
use super::tag::{Attr, Tag};
use super::text::push_visible;

/// Links kept of one page.
const MOST_LINKS: usize = 5000;
/// Other values kept of one page.
const MOST_VALUES: usize = 2000;
/// Script text kept of one page, in bytes.
const MOST_SCRIPT: usize = 256 * 1024;
/// JSON-LD kept of one page, in bytes.
const MOST_DATA: usize = 1024 * 1024;

#[derive(Default)]
pub(super) struct Reader {
    page: Page,
    tag: Tag,
    stack: Stack,
    /// The link being read, and whether anything to click on was met inside.
    link: Option<usize>,
    kept_script: usize,
    kept_data: usize,
    /// Classes that the page's own style turns right-to-left.
    turning: Vec<String>,
}

impl Reader {
    pub(super) fn event(&mut self, event: CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => self.tag.open(name),
            CallbackEvent::AttributeName { name } => self.tag.name_attribute(name),
            CallbackEvent::AttributeValue { value } => self.tag.set_attribute(value),
            CallbackEvent::CloseStartTag { self_closing } => {
                self.open(self_closing);
                self.tag.clear();
            }
            CallbackEvent::EndTag { name } => self.close(Element::of(name), name),
            CallbackEvent::String { value } => match std::str::from_utf8(value) {
                Ok(run) => self.text(run),
                Err(_) => self.text(&String::from_utf8_lossy(value)),
            },
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
    }

    pub(super) fn finish(mut self) -> Page {
        self.end_link();
        while self.stack.depth() > 0 {
            self.leave_top();
        }
        self.page
    }

    fn open(&mut self, self_closing: bool) {
        let element = self.tag.element;
        self.separate(element);
        if self.stack.ends_before(&self.tag) {
            self.leave_top();
        }
        self.keep_values();
        match element {
            Element::Link => self.open_link(Attr::Href),
            Element::Frame => self.open_link(Attr::Src),
            Element::Image => {
                self.page.images += 1;
                self.solid();
                self.logo();
            }
            Element::Graphic => self.solid(),
            Element::Form => self.page.forms += 1,
            Element::Meta => self.meta(),
            Element::Related if self.tag.has_word(Attr::Rel, "canonical") => {
                let href = self.tag.get(Attr::Href);
                if !href.is_empty() {
                    self.page.canonical = Some(href.to_owned());
                }
            }
            Element::Script if !self.tag.get(Attr::Src).is_empty() => self.page.script_files += 1,
            _ => {}
        }
        if element.is_void() || (self_closing && element == Element::Graphic) {
            return;
        }
        let mut open = self.stack.child_of(&self.tag);
        open.is_turned = open.is_turned || self.turning.iter().any(|class| self.tag.has_word(Attr::Class, class));
        open.turned_from = self.page.turned.len();
        open.from = if open.is_hidden { self.page.hidden.len() } else { self.page.text.len() };
        if open.prop.is_some() && !self.tag.get(Attr::Content).is_empty() {
            open.prop = None;
        }
        self.stack.push(open);
    }

    fn close(&mut self, element: Element, name: &[u8]) {
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
        let whole = if open.is_hidden { &self.page.hidden } else { &self.page.text };
        let inside = whole.get(open.from..).unwrap_or("").trim();
        if open.element == Element::Heading && !open.is_hidden && self.page.headings.len() < 20 && !inside.is_empty() {
            self.page.headings.push(open.from..self.page.text.len());
        }
        if let Some(prop) = open.prop
            && !inside.is_empty()
            && inside.len() <= 300
            && self.page.props.len() < MOST_VALUES
        {
            self.page.props.push((prop, inside.to_owned()));
        }
    }

    fn text(&mut self, run: &str) {
        let Some(open) = self.stack.last() else {
            return push_visible(&mut self.page.text, run);
        };
        match open.element {
            Element::Title => {
                if self.page.title.len() < 2000 {
                    push_visible(&mut self.page.title, run);
                }
            }
            Element::Script => self.script(run, open.is_data),
            Element::Style => self.style(run),
            Element::Inert => {}
            _ if open.is_inert => {}
            _ if open.is_turned => {
                let turned: String = run.trim().chars().rev().collect();
                if !turned.is_empty() && self.page.turned.len() < MOST_VALUES {
                    self.page.turned.push(turned);
                }
            }
            _ if open.is_hidden => push_visible(&mut self.page.hidden, run),
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
        if self.kept_script + run.len() <= MOST_SCRIPT && super::scripts::may_hide_an_address(run) {
            self.kept_script += run.len();
            self.page.scripts.push(run.to_owned());
        }
    }

    /// Classes whose text is shown from right to left.
    fn style(&mut self, run: &str) {
        for (at, _) in run.match_indices("bidi-override").take(20) {
            let open = run[..at].rfind('{').unwrap_or(0);
            let start = run[..open].rfind(['}', '/']).map_or(0, |end| end + 1);
            let classes = run[start..open].split('.').skip(1);
            let name =
                |rest: &str| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().unwrap_or("").to_owned();
            self.turning.extend(classes.map(name).filter(|class| !class.is_empty()));
        }
    }

    fn open_link(&mut self, from: Attr) {
        self.end_link();
        let href = self.tag.get(from);
        if href.is_empty() || self.page.links.len() >= MOST_LINKS {
            return;
        }
        let (hidden, at_edge) = (self.stack.is_hidden() || self.tag.is_hidden(), self.stack.is_at_edge());
        let at = if hidden { self.page.hidden.len() } else { self.page.text.len() };
        self.page.links.push(Link { href: href.to_owned(), text: at..at, at_edge, hidden, hollow: from == Attr::Href });
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

    fn logo(&mut self) {
        let alt = self.tag.get(Attr::Alt);
        let is_logo = [Attr::Src, Attr::Class, Attr::Id, Attr::Alt].iter().any(|attr| {
            let value = self.tag.get(*attr);
            value.len() < 300 && (value.to_ascii_lowercase().contains("logo") || value.to_lowercase().contains("логотип"))
        });
        if is_logo && !alt.is_empty() && alt.len() <= 200 && self.page.logos.len() < 20 {
            self.page.logos.push(alt.to_owned());
        }
    }

    /// Attributes of any element that may hold a contact.
    fn keep_values(&mut self) {
        let at = self.page.text.len();
        if self.page.attributes.len() < MOST_VALUES {
            for (name, value) in self.tag.data() {
                match name {
                    "data-cfemail" => self.page.protected.push((value.to_owned(), at)),
                    name if name.starts_with("on") => self.page.scripts.push(value.to_owned()),
                    name => self.page.attributes.push((name.to_owned(), value.to_owned())),
                }
            }
            if let Some(pair) = self.tag.pair() {
                self.page.attributes.push(("data-pair".into(), pair));
            }
        }
        let content = self.tag.get(Attr::Content);
        if !content.is_empty()
            && let Some(prop) = self.stack.prop(&self.tag)
        {
            self.page.props.push((prop, content.to_owned()));
        }
    }

    fn meta(&mut self) {
        let content = self.tag.get(Attr::Content);
        let property = self.tag.get(Attr::Property);
        let name = if property.is_empty() { self.tag.get(Attr::Name) } else { property }.to_ascii_lowercase();
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
                let lower = content.to_ascii_lowercase();
                self.page.noindex |= lower.contains("noindex") || lower.contains("none");
                self.page.nofollow |= lower.contains("nofollow") || lower.contains("none");
            }
            _ if self.tag.get(Attr::HttpEquiv).eq_ignore_ascii_case("refresh") => self.page.refresh = refresh_target(content),
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
        match (text.chars().next_back(), sign) {
            (None | Some('\n'), _) | (Some('\t'), '\t') => {}
            (Some('\t'), '\n') => {
                text.pop();
                text.push('\n');
            }
            _ => text.push(sign),
        }
    }
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
