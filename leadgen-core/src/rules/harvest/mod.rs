//! Finds a company's contacts on its pages: bytes in, contacts with proof out.

mod addresses;
mod charset;
mod context;
mod decode;
mod emails;
mod entities;
mod excerpt;
mod firm;
mod html;
mod latin;
mod lists;
mod marks;
mod markup;
mod merge;
mod messengers;
mod near;
mod numbers;
mod phones;
mod postal;
mod reader;
mod requisites;
mod scripts;
mod stack;
mod structured;
mod tag;
mod text;
mod words_for_signs;

pub use addresses::whole as email_in;
pub use charset::decode;
pub use html::{Link, Page, Prop, read as read_html};
pub use lists::{is_disposable, is_free_mail, kind};
pub use merge::{merge, reason};
pub use numbers::{Spotted, country_code, find as phones_in, kind as phone_kind, one as phone_in};
pub use requisites::{Requisite, in_cell as requisite_in, is_valid as requisite_is_valid};
pub(crate) use text::unescape as plain_entities;

use url::Url;

use crate::domain::contact::FoundContact;
use crate::domain::name::DomainName;
use crate::rules::{normalize, pages};

use context::Context;
use firm::Hint;
use marks::Marks;
use requisites::Number;

/// A page whose text is shorter leaves its contents to a script, in bytes.
const DRAWN: usize = 2000;

/// What is known of a site before its pages are read.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Its host.
    pub domain: Option<DomainName>,
    /// The country that numbers without a country code are read by.
    pub country: Option<String>,
}

/// Why a contact may not be the firm's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It stands beside the name of the site's maker.
    Credit,
    /// It stands in a licence or names an author.
    Licence,
    /// It stands where others speak, or on a page about other firms.
    Stranger,
    /// It is a sample.
    Sample,
    /// It is a literal of a script.
    Literal,
    /// It stands in text nobody sees.
    Hidden,
    /// It is the target of a link nobody sees unless a script shows it.
    HiddenLink,
    /// It is the target of a link with nothing to click on.
    Hollow,
}

/// A contact as a page shows it.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The contact, its score from the page alone.
    pub contact: FoundContact,
    /// As written.
    pub raw: String,
    /// Why it may not be the firm's.
    pub doubt: Option<Doubt>,
}

/// What one page gave.
#[derive(Clone, Debug, Default)]
pub struct PageFindings {
    /// Contacts as met, in the order of their sources.
    pub contacts: Vec<Sighting>,
    /// What the page is for, by its name.
    pub grade: pages::Grade,
    /// Links to messengers.
    pub messengers: Vec<String>,
    /// The page itself, for what a crawl needs of it.
    pub page: Page,
    /// The postal address it gives.
    address: Option<String>,
    hints: Vec<Hint>,
    numbers: Vec<Number>,
}

/// Reads one page.
pub fn page(url: &Url, bytes: &[u8], content_type: Option<&str>, site: &Site) -> PageFindings {
    let text = decode(bytes, content_type);
    let page = read_html(&text);
    let structured = structured::read(&page.json_ld);
    let marks = Marks::of(&page.text);
    let context = Context::new(url, bytes, &page, &marks, site);
    let country = phones::country(site.country.as_deref(), site.domain.as_ref(), &page.text);
    let mut found = PageFindings { grade: context.grade, ..PageFindings::default() };
    emails::find(&mut found, url, &page, &marks, &structured, &context);
    phones::find(&mut found, url, &page, &structured, country.as_deref(), &context);
    found.numbers = requisites::find(&page.text, &marks);
    let marked = page.props.iter().filter(|(prop, _)| *prop == Prop::TaxId).map(|(_, id)| id);
    for id in structured.tax_ids.iter().chain(marked) {
        let labelled = format!("ИНН {id}");
        found.numbers.extend(requisites::find(&labelled, &Marks::of(&labelled)));
    }
    // What a script draws is in no text.
    if found.numbers.is_empty() && page.text.len() < DRAWN {
        for (field, digits) in page.scripts.iter().flat_map(|script| scripts::fields(script)) {
            let label = match field {
                scripts::Field::Inn => "ИНН",
                scripts::Field::Ogrn => "ОГРН",
                scripts::Field::Phone => continue,
            };
            let labelled = format!("{label} {digits}");
            found.numbers.extend(requisites::find(&labelled, &Marks::of(&labelled)));
        }
    }
    found.messengers = messengers::find(&page);
    found.address = postal::find(&page, &structured);
    let labels = merge::labels(site.domain.as_ref(), &found.contacts, &page);
    // Noise has letters too: a name is taken from what somebody wrote.
    if charset::is_text(&text) {
        found.hints = firm::hints(&page, &marks, &structured, &labels, context.is_licence);
    }
    found.page = page;
    found
}

/// Whether two hosts are of one registrable domain.
fn same_family(a: &DomainName, b: &DomainName) -> bool {
    a == b || matches!((normalize::registrable(a), normalize::registrable(b)), (Some(a), Some(b)) if a == b)
}
