//! The elements that are open: what they say of the text inside.

use super::html::Prop;
use super::tag::{Attr, Tag, name_of};

/// The deepest nesting that is followed.
const DEEPEST: usize = 512;
/// How far up an end tag is looked for.
const REACH: usize = 64;

/// What matters of an element's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Element {
    /// Stands in the line.
    Inline,
    /// Breaks the line.
    #[default]
    Block,
    /// A block that its own sibling ends.
    Item,
    /// A cell of a table.
    Cell,
    Heading,
    Subheading,
    Edge,
    Link,
    Frame,
    Image,
    Graphic,
    Form,
    Meta,
    Related,
    Title,
    Script,
    Style,
    /// What is inside is no text of the page.
    Inert,
    /// A break, a rule, a field: nothing inside.
    Void,
    /// A place where a line may break, and nothing more.
    Soft,
}

impl Element {
    /// The element of a name, by the name's number.
    pub(super) fn of(name: u64) -> Self {
        let mut slot = slot_of(name);
        loop {
            match TABLE[slot] {
                (known, element) if known == name => return element,
                (0, _) => return Self::Block,
                _ => slot = (slot + 1) % SLOTS,
            }
        }
    }

    pub(super) fn is_void(self) -> bool {
        matches!(self, Self::Void | Self::Soft | Self::Image | Self::Meta | Self::Related)
    }
}

/// Names of elements beside what they are.
const NAMES: [(&[&[u8]], Element); 19] = [
    (&[b"a", b"area"], Element::Link),
    (
        &[
            b"b", b"abbr", b"bdi", b"bdo", b"cite", b"code", b"em", b"font", b"i", b"mark", b"nobr", b"s", b"small", b"span", b"strong",
            b"sub", b"sup", b"u", b"noindex", b"label", b"tt", b"ins", b"del", b"q", b"var", b"big", b"data", b"time", b"strike", b"g",
            b"acronym",
        ],
        Element::Inline,
    ),
    (&[b"p", b"li", b"dd", b"dt", b"option", b"tr"], Element::Item),
    (&[b"td", b"th"], Element::Cell),
    (&[b"h1"], Element::Heading),
    (&[b"h2", b"h3", b"h4", b"h5", b"h6"], Element::Subheading),
    (&[b"header", b"footer", b"nav"], Element::Edge),
    (&[b"frame", b"iframe"], Element::Frame),
    (&[b"img"], Element::Image),
    (&[b"svg", b"picture", b"use", b"path"], Element::Graphic),
    (&[b"form"], Element::Form),
    (&[b"meta"], Element::Meta),
    (&[b"link"], Element::Related),
    (&[b"title"], Element::Title),
    (&[b"script"], Element::Script),
    (&[b"style"], Element::Style),
    (&[b"template", b"textarea", b"noembed", b"noframes", b"xmp", b"object"], Element::Inert),
    (&[b"br", b"hr", b"input", b"base", b"col", b"embed", b"param", b"source", b"track"], Element::Void),
    (&[b"wbr"], Element::Soft),
];

const SLOTS: usize = 256;

/// Every name in its slot, or in the next one that was free; most slots stay empty.
static TABLE: [(u64, Element); SLOTS] = {
    let mut table = [(0, Element::Block); SLOTS];
    let mut row = 0;
    while row < NAMES.len() {
        let (names, element) = NAMES[row];
        let mut at = 0;
        while at < names.len() {
            let name = name_of(names[at]);
            let mut slot = slot_of(name);
            while table[slot].0 != 0 {
                slot = (slot + 1) % SLOTS;
            }
            table[slot] = (name, element);
            at += 1;
        }
        row += 1;
    }
    table
};

const fn slot_of(name: u64) -> usize {
    (name.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize
}

/// An open element.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    pub(super) element: Element,
    id: u64,
    pub(super) is_hidden: bool,
    pub(super) is_inert: bool,
    pub(super) is_turned: bool,
    pub(super) is_data: bool,
    /// Visitors speak inside.
    is_guest: bool,
    /// It is the outermost element where they do.
    pub(super) opens_guests: bool,
    is_edge: bool,
    in_card: bool,
    scope: Scope,
    pub(super) prop: Option<Prop>,
    pub(super) from: usize,
}

/// Whose values microdata gives here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Scope {
    #[default]
    None,
    Firm,
    Other,
}

#[derive(Default)]
pub(super) struct Stack {
    open: Vec<Open>,
}

impl Stack {
    pub(super) fn last(&self) -> Option<&Open> {
        self.open.last()
    }

    /// The element on top turns out to be about others from its beginning on.
    pub(super) fn give_to_guests(&mut self, begun_before: usize) {
        if let Some(open) = self.open.last_mut().filter(|open| open.from == begun_before && !open.is_guest) {
            open.opens_guests = true;
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        self.open.pop()
    }

    pub(super) fn push(&mut self, open: Open) {
        if self.open.len() < DEEPEST {
            self.open.push(open);
        }
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.last().is_some_and(|open| open.is_hidden)
    }

    pub(super) fn is_at_edge(&self) -> bool {
        self.last().is_some_and(|open| open.is_edge)
    }

    /// How deep the element is that an end tag closes.
    pub(super) fn depth_of(&self, id: u64) -> Option<usize> {
        let from = self.open.len().saturating_sub(REACH);
        self.open[from..].iter().rposition(|open| open.id == id).map(|at| from + at)
    }

    /// Whether the element on top ends where its sibling begins: a paragraph, an item, a cell.
    pub(super) fn ends_before(&self, tag: &Tag<'_>) -> bool {
        matches!(tag.element, Element::Item | Element::Cell) && self.last().is_some_and(|open| open.id == tag.id)
    }

    /// The element of a tag, with what it inherits.
    pub(super) fn child_of(&self, tag: &Tag<'_>) -> Open {
        let is_card = is_card(tag);
        let prop = self.prop_of(tag, is_card);
        let mut open = Open { element: tag.element, id: tag.id, prop, ..Open::default() };
        if let Some(above) = self.last() {
            (open.is_hidden, open.is_inert, open.is_turned) = (above.is_hidden, above.is_inert, above.is_turned);
            (open.is_edge, open.in_card, open.scope) = (above.is_edge, above.in_card, above.scope);
            open.is_guest = above.is_guest;
        }
        open.opens_guests = !open.is_guest && is_guest(tag);
        open.is_guest |= open.opens_guests;
        open.is_hidden |= tag.is_hidden();
        open.is_inert |= tag.element == Element::Inert;
        open.is_turned |= tag.is_turned();
        open.is_edge |= tag.element == Element::Edge;
        open.is_data = tag.element == Element::Script && tag.get(Attr::Type).to_ascii_lowercase().contains("ld+json");
        open.in_card |= is_card;
        if let Some(from) = [Attr::ItemType, Attr::TypeOf].into_iter().find(|attr| tag.has(*attr)) {
            let kind = tag.get(from);
            let is_firm = super::structured::is_organization(kind.rsplit(['/', ':']).next().unwrap_or(""));
            open.scope = if is_firm { Scope::Firm } else { Scope::Other };
        }
        open
    }

    /// What a tag's value is marked as.
    pub(super) fn prop(&self, tag: &Tag<'_>) -> Option<Prop> {
        self.prop_of(tag, is_card(tag))
    }

    fn prop_of(&self, tag: &Tag<'_>, is_card: bool) -> Option<Prop> {
        let (scope, in_card) = self.last().map_or((Scope::None, false), |open| (open.scope, open.in_card));
        // RDFa says the same by other attributes, but only where a type was told: elsewhere `property` is of OpenGraph.
        let is_rdfa = tag.has(Attr::Property) && scope != Scope::None;
        if let Some(from) = if tag.has(Attr::ItemProp) { Some(Attr::ItemProp) } else { is_rdfa.then_some(Attr::Property) } {
            // A name inside a firm's scope that opens a scope of its own is another thing's.
            let own = scope == Scope::Firm && !tag.has(Attr::ItemType) && !tag.has(Attr::TypeOf);
            return tag.get(from).split_ascii_whitespace().find_map(|word| match word.trim_start_matches("schema:") {
                "email" => Some(Prop::Email),
                "telephone" => Some(Prop::Phone),
                "faxNumber" => Some(Prop::Fax),
                "name" if own => Some(Prop::Name),
                "legalName" if own => Some(Prop::LegalName),
                "taxID" | "vatID" if own => Some(Prop::TaxId),
                "address" if scope == Scope::Firm => Some(Prop::Address),
                _ => None,
            });
        }
        let is_card = in_card || is_card;
        let is = |word: &str| tag.has_word(Attr::Class, word);
        match is_card {
            true if is("org") || is("p-org") => Some(Prop::Name),
            true if is("adr") || is("p-adr") => Some(Prop::Address),
            _ => None,
        }
    }
}

/// A review or a comment, by its classes: "review", "comments__list".
fn is_guest(tag: &Tag<'_>) -> bool {
    const BODY: u64 = name_of(b"body");
    const MAIN: u64 = name_of(b"main");
    let is_part = matches!(tag.element, Element::Block | Element::Item | Element::Form) && ![BODY, MAIN].contains(&tag.id);
    is_part && tag.speaks_of_guests()
}

/// A contact marked by classes.
fn is_card(tag: &Tag<'_>) -> bool {
    tag.mentions_card() && (tag.has_word(Attr::Class, "vcard") || tag.has_word(Attr::Class, "h-card"))
}
