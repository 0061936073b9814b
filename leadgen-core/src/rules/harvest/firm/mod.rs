//! The name a firm gives itself: hints of every page, weighed together for the site.

mod choice;
mod formal;
mod host_words;
mod owners;
mod titles;

use std::sync::LazyLock;

use regex::Regex;

use crate::rules::pages::{self, Grade};

use super::html::{Page, Prop};
use super::marks::Marks;
use super::structured::Structured;
use host_words::host_words;
use titles::{is_generic, is_line, is_page_name, is_slogan, parts, tidy, without_place, without_town};

pub(super) use choice::{choose, legal};
pub(super) use formal::FORMS;
pub(super) use owners::OWNED;

/// Where a hint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    LegalName,
    DataName,
    SiteName,
    /// A legal form beside a copyright sign or requisites.
    FormalOwner,
    /// A legal form elsewhere.
    Formal,
    Owner,
    Logo,
    /// The words that make up the host's name.
    HostWords,
    Title,
    /// A part of the title that is a line of its own.
    Line,
    /// "the site «…»", as legal pages say.
    Named,
    Heading,
}

impl Source {
    fn weight(self) -> f64 {
        match self {
            Self::LegalName => 4.0,
            Self::FormalOwner => 3.6,
            Self::DataName => 3.5,
            Self::SiteName | Self::Owner => 3.0,
            Self::HostWords => 2.2,
            Self::Logo => 1.6,
            Self::Formal => 1.2,
            Self::Title => 0.9,
            Self::Line => 0.6,
            Self::Named => 1.0,
            Self::Heading => 0.4,
        }
    }
}

/// A possible name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) text: String,
    pub(super) source: Source,
}

/// Hints taken of one page.
const MOST: usize = 60;

static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:[Сс]айта?|[Сс]айте|[Пп]ортала|[Мм]агазина?|[Кк]омпани[яией]|[Фф]ирм[аыойе]+|[Кк]линик[аиой]+|[Сс]алона?)\s+[«"“]([^»"”\n\t]{2,50})[»"”]"#).ok()
});

/// Hints on their way together.
#[derive(Default)]
struct Hints(Vec<Hint>);

impl Hints {
    fn add(&mut self, text: &str, source: Source) {
        let text = tidy(text);
        if self.0.len() < MOST && (2..=90).contains(&text.chars().count()) && !is_generic(&text) {
            self.0.push(Hint { text, source });
        }
    }
}

/// Everything on a page that may be the firm's name. `labels`: the words that its hosts are made of.
/// `quotes_licences`: who owns what is quoted there says nothing.
pub(super) fn hints(page: &Page, marks: &Marks, structured: &Structured, labels: &[String], quotes_licences: bool) -> Vec<Hint> {
    let mut hints = Hints::default();
    marked(&mut hints, page, structured);
    formal::find(&mut hints, &page.text, marks);
    formal::find(&mut hints, &page.title, &Marks::of(&page.title));
    if !quotes_licences {
        owners::find(&mut hints, &page.text, marks);
    }
    for logo in &page.logos {
        parts(logo).into_iter().take(2).for_each(|part| hints.add(part, Source::Logo));
    }
    titled(&mut hints, page);
    for label in labels {
        let words = host_words(&page.text, label).into_iter().chain(host_words(&page.title, label));
        words.for_each(|words| hints.add(&words, Source::HostWords));
    }
    hints.0
}

/// Names that the page marks as such.
fn marked(hints: &mut Hints, page: &Page, structured: &Structured) {
    structured.legal_name.iter().for_each(|name| hints.add(name, Source::LegalName));
    structured.name.iter().for_each(|name| hints.add(name, Source::DataName));
    for (prop, text) in &page.props {
        match prop {
            Prop::LegalName => hints.add(text, Source::LegalName),
            Prop::Name => hints.add(text, Source::DataName),
            Prop::Email | Prop::Phone | Prop::Fax | Prop::TaxId | Prop::Address => {}
        }
    }
    page.site_name.iter().for_each(|name| hints.add(name, Source::SiteName));
}

/// What the title and the headings say.
fn titled(hints: &mut Hints, page: &Page) {
    let named: Vec<&str> = parts(&page.title).into_iter().filter(|part| !is_page_name(part)).collect();
    let only_sells = named.iter().all(|part| is_slogan(part));
    for part in named.into_iter().filter(|part| only_sells || !is_slogan(part)).map(without_place).map(without_town) {
        hints.add(part, Source::Title);
        if is_line(&page.text, part) {
            hints.add(part, Source::Line);
        }
    }
    let is_legal = matches!(pages::grade(&page.title.to_lowercase(), "", ""), Grade::Weak);
    if let Some(named) = NAMED.as_ref().filter(|_| is_legal) {
        named.captures_iter(&page.text).take(5).filter_map(|found| found.get(1)).for_each(|name| hints.add(name.as_str(), Source::Named));
    }
    for range in page.headings.iter().take(3) {
        let heading = page.text.get(range.clone()).unwrap_or("");
        parts(heading)
            .into_iter()
            .take(2)
            .filter(|part| !is_page_name(part))
            .map(without_place)
            .for_each(|part| hints.add(part, Source::Heading));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(pages: &[(&str, &str)], label: &str) -> Option<String> {
        let labels = [label.to_owned()];
        let hints: Vec<Vec<Hint>> = pages
            .iter()
            .map(|(title, text)| {
                let page = Page { title: (*title).into(), text: (*text).into(), ..Page::default() };
                hints(&page, &Marks::of(text), &Structured::default(), &labels, false)
            })
            .collect();
        choose(&hints.iter().map(Vec::as_slice).collect::<Vec<_>>(), &labels)
    }

    #[test]
    fn a_legal_form_beside_the_copyright_sign_wins() {
        let text = "Наши клиенты: ОАО «РЖД»\n© 2020 ООО «Ромашка». Все права защищены.";
        assert_eq!(named(&[("Контакты", text)], "romashka").as_deref(), Some("ООО «Ромашка»"));
    }

    #[test]
    fn the_part_of_the_title_that_spells_the_host_is_the_name() {
        assert_eq!(named(&[("Contact Us - Corner Bakery Cafe®", "")], "cornerbakerycafe").as_deref(), Some("Corner Bakery Cafe"));
        assert_eq!(named(&[("contact", "Welkom bij Penninx Schoenen in Deurne")], "penninxschoenen").as_deref(), Some("Penninx Schoenen"));
        assert_eq!(
            named(&[("Woods Insurance Service - Oil and Gas Insurance", "")], "woodsins").as_deref(),
            Some("Woods Insurance Service")
        );
    }

    #[test]
    fn a_place_behind_a_quoted_name_is_no_part_of_it() {
        let page = ("Отель «Ладья» Псков - Главная", "Отель «Ладья»\nНомера и цены");
        assert_eq!(named(&[page], "ladya-pskov").as_deref(), Some("Отель «Ладья»"));
        assert_eq!(named(&[("Замена масла | Сервис Лепта в Твери", "")], "leptaa").as_deref(), Some("Сервис Лепта"));
        assert_eq!(named(&[("Школа «Рост» в Твери", "")], "rost-tver").as_deref(), Some("Школа «Рост»"));
    }

    #[test]
    fn what_sells_and_what_is_left_of_a_page_word_are_no_names() {
        assert_eq!(named(&[("Окна в Твери: цены 2026, купить недорого | ОкнаДом", "")], "").as_deref(), Some("ОкнаДом"));
        assert_eq!(named(&[("Контакты склада | Лепта", "")], "").as_deref(), Some("Лепта"));
        assert_eq!(named(&[("Псков — гостевой дом «Лепта»", "")], "leptadom").as_deref(), Some("гостевой дом «Лепта»"));
    }

    #[test]
    fn institutions_and_firms_of_a_trade_have_forms_too() {
        for (text, wanted) in [
            ("© МАДОУ «Детский сад № 7»", "МАДОУ «Детский сад № 7»"),
            ("ООО ТД «Север-Снаб», ИНН 7707083893", "ООО ТД «Север-Снаб»"),
            ("Реквизиты: ЧТУП «Лепта»", "ЧТУП «Лепта»"),
        ] {
            assert_eq!(named(&[("Контакты", text)], "").as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn the_owner_of_the_copyright_is_cut_out_of_its_line() {
        assert_eq!(named(&[("Главная", "Copyright © 2008 — 2015 г. АЛЬТКО - ooo.altko@yandex.ru")], "").as_deref(), Some("АЛЬТКО"));
        assert_eq!(named(&[("x", "© 2009-2014 «ECO ПРОФИ» Россия, Саратов")], "").as_deref(), Some("«ECO ПРОФИ»"));
    }
}
