//! One pass over the tokens of a page: text, links, and the places where contacts hide. No tree is built.

use std::ops::Range;

use super::markup::{Markup, Token};
use super::reader::Reader;

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// As written.
    pub href: String,
    /// Where its text stands in the page's text, or in the hidden one.
    pub text: Range<usize>,
    /// It stands in the header, the footer or the navigation.
    pub at_edge: bool,
    /// Nobody sees it unless a script shows it.
    pub hidden: bool,
    /// There is nothing inside to click on.
    pub hollow: bool,
    /// It is a frame: a part of the page.
    pub framed: bool,
}

/// A value marked by microdata or a class of the hCard kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prop {
    /// An address.
    Email,
    /// A phone.
    Phone,
    /// A fax.
    Fax,
    /// The firm's name.
    Name,
    /// Its legal name.
    LegalName,
    /// A taxpayer number.
    TaxId,
    /// A postal address.
    Address,
}

/// What a page holds.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The `<title>`.
    pub title: String,
    /// Visible text; blocks are separated by line breaks, cells of a table by tabs.
    pub text: String,
    /// Text of hidden elements.
    pub hidden: String,
    /// Right-to-left text, turned.
    pub turned: Vec<String>,
    /// Links in order.
    pub links: Vec<Link>,
    /// Other attributes that may hold an address: name and value.
    pub attributes: Vec<(String, String)>,
    /// Values that the page itself marks as contacts.
    pub props: Vec<(Prop, String)>,
    /// Cloudflare's protected addresses, as hexadecimal, each with its place in the text.
    pub protected: Vec<(String, usize)>,
    /// JSON-LD blocks.
    pub json_ld: Vec<String>,
    /// Script texts that may put an address together.
    pub scripts: Vec<String>,
    /// Headings of the first order: places in the text.
    pub headings: Vec<Range<usize>>,
    /// Reviews and comments: places in the text.
    pub guests: Vec<Range<usize>>,
    /// What pictures that look like a logo are said to show.
    pub logos: Vec<String>,
    /// `og:site_name`, `application-name`.
    pub site_name: Option<String>,
    /// `<link rel=canonical>` or `og:url`.
    pub canonical: Option<String>,
    /// Where `<meta http-equiv=refresh>` leads.
    pub refresh: Option<String>,
    /// `noindex` was asked for.
    pub noindex: bool,
    /// `nofollow` was asked for.
    pub nofollow: bool,
    /// Bytes of script in the page.
    pub script_bytes: usize,
    /// Scripts loaded from files.
    pub script_files: usize,
    /// Forms, images: what a page without contacts may offer instead.
    pub forms: usize,
    /// Pictures.
    pub images: usize,
}

/// Tokens read of one page.
const MOST_TOKENS: usize = 600_000;

impl Page {
    /// The text of a link.
    pub fn link_text(&self, link: &Link) -> &str {
        let whole = if link.hidden { &self.hidden } else { &self.text };
        whole.get(link.text.clone()).unwrap_or("")
    }

    /// Whether the page shows nothing until a script has run: hardly any text, and scripts to make up for it.
    pub fn needs_browser(&self) -> bool {
        let shown = self.text.chars().filter(|c| c.is_alphanumeric()).take(200).count();
        shown < 200 && (self.script_bytes > 20_000 || self.script_files > 0) && self.links.len() < 5
    }

    /// This is the page as it stands once its scripts have run: nothing is left for them to show.
    pub fn settle(&mut self) {
        self.script_bytes = 0;
        self.script_files = 0;
    }
}

/// Reads a page.
pub fn read(text: &str) -> Page {
    let mut reader = Reader::default();
    let mut markup = Markup::new(text);
    for _ in 0..MOST_TOKENS {
        match markup.next() {
            Some(Token::Text(run)) => reader.text(run),
            Some(Token::Start { self_closing }) => reader.open(&markup.tag, self_closing),
            Some(Token::End(name)) => reader.close(name),
            None => break,
        }
    }
    reader.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_break_lines_and_inline_elements_do_not() {
        let page = read("<p>Почта: <b>info</b>@<i>firma.ru</i></p><table><tr><td>ИНН</td><td>77</td></tr></table><br>конец");
        assert_eq!(
            page.text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            ["Почта: info@firma.ru", "ИНН\t77", "конец"]
        );
    }

    #[test]
    fn hidden_text_is_kept_apart() {
        let page = read("<p>a@<span style='display: none'>null</span>firma.ru</p><div hidden>trap@firma.ru</div><p>после</p>");
        assert!(page.text.contains("a@firma.ru") && page.text.contains("после") && !page.text.contains("trap"));
        assert!(page.hidden.contains("trap@firma.ru"));
    }

    #[test]
    fn text_written_backwards_is_turned() {
        let page = read(
            "<style>.x{unicode-bidi:bidi-override;direction:rtl}</style><p class='x'>ur.amrif@ofni</p><b style='direction:rtl;unicode-bidi:bidi-override'>ur.b@a</b>",
        );
        assert_eq!(page.turned, ["info@firma.ru", "a@b.ru"]);
    }

    #[test]
    fn what_others_say_and_who_they_are_is_told_apart() {
        let page = read(
            "<body class='comments-open'><p>тел. 1</p><div class='reviews-list'><p>отзыв</p></div><section><h3>Наши дилеры</h3>ООО Лепта</section>\
             <section>О нас<h3>Наши дилеры</h3></section><p class='no-comment'>тел. 2</p>",
        );
        let others: Vec<&str> = page.guests.iter().filter_map(|range| page.text.get(range.clone())).map(str::trim).collect();
        assert_eq!(others, ["отзыв", "Наши дилеры\nООО Лепта"]);
    }

    #[test]
    fn an_endless_page_is_read_within_bounds() {
        let page = read(&"<div>".repeat(700_000));
        assert!(page.text.len() <= 2);
    }
}
