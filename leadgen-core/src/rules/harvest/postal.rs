//! Where a firm is: the address its page marks, else one that stands after its label.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::html::{Page, Prop};
use super::structured::Structured;
use super::text;

/// The longest address, in characters.
const LONGEST: usize = 200;
/// What stands before an address; longer ones first.
const LABELS: [&str; 12] = [
    "юридический адрес",
    "фактический адрес",
    "почтовый адрес",
    "адрес офиса",
    "адрес организации",
    "наш адрес",
    "адрес местонахождения",
    "место нахождения",
    "местонахождение",
    "адрес",
    "postal address",
    "address",
];
/// What any label holds, as it is written.
const LABEL_PIECES: [&str; 6] = ["дрес", "ДРЕС", "нахожден", "НАХОЖДЕН", "ddress", "DDRESS"];
/// Words by which a line is an address.
const STREETS: [&str; 24] = [
    "ул.",
    "ул ",
    "улица",
    "пр-т",
    "пр-кт",
    "просп",
    "пр.",
    "переулок",
    "пер.",
    "шоссе",
    "ш.",
    "наб",
    "бульвар",
    "б-р",
    "площадь",
    "пл.",
    "проезд",
    "тракт",
    "мкр",
    "street",
    "st.",
    "road",
    "avenue",
    "straße",
];

/// The postal address a page gives, on one line.
pub(super) fn find(page: &Page, structured: &Structured) -> Option<String> {
    let marked = page.props.iter().filter(|(prop, _)| *prop == Prop::Address).map(|(_, text)| text);
    let marked = structured.addresses.iter().chain(marked).find_map(|text| tidy(text).filter(|text| has_digit(text)));
    marked.or_else(|| in_text(&page.text))
}

/// The first line with a label that is an address. Only lines that hold a piece of one are looked at.
fn in_text(whole: &str) -> Option<String> {
    static PIECES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(LABEL_PIECES).ok());
    let mut seen = 0;
    for piece in PIECES.as_ref()?.find_iter(whole) {
        if piece.start() < seen {
            continue;
        }
        let (start, end) = text::line(whole, piece.start());
        seen = end;
        if let Some(address) = labelled(&whole[start..end]) {
            return Some(address);
        }
    }
    None
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn tidy(text: &str) -> Option<String> {
    let parts: Vec<String> = text
        .split(['\n', '\t'])
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .collect();
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_end_matches([',', ';', ' '])).collect();
    let line = parts.join(", ");
    ((8..=LONGEST).contains(&line.chars().count()) && !line.contains('@')).then_some(line)
}

/// "Адрес: 420111, Казань, ул. Баумана, 1".
fn labelled(line: &str) -> Option<String> {
    // Few lines are long and still an address.
    let line = line.trim();
    if line.len() > 1000 || !has_digit(line) {
        return None;
    }
    let lower = line.to_lowercase();
    // Lower case has the same length for the letters labels are made of; a place is taken only where it fits.
    let (at, label) = LABELS.iter().find_map(|label| Some((lower.find(label)?, *label)))?;
    let rest = line.get(at + label.len()..)?.trim_start_matches([' ', '\t', ':', '-', '–', '—']);
    let end = [" тел", "тел.", "телефон", "e-mail", "email", "инн", "огрн", "phone", "режим"]
        .iter()
        .filter_map(|stop| rest.to_lowercase().find(stop))
        .min();
    let address = tidy(rest.get(..end.unwrap_or(rest.len()))?)?;
    let lower = address.to_lowercase();
    let is_postal = address.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() == 6);
    let is_street = STREETS.iter().any(|word| lower.contains(word));
    (has_digit(&address) && (is_postal || is_street)).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::super::read_html;
    use super::*;
    use crate::rules::harvest::structured;

    #[test]
    fn an_address_is_taken_where_it_is_marked_or_labelled_and_nowhere_else() {
        for (body, wanted) in [
            (
                r#"<script type="application/ld+json">{"@type":"Organization","address":{"@type":"PostalAddress","streetAddress":"ул. Баумана, 1","addressLocality":"Казань","postalCode":"420111"}}</script>"#,
                Some("420111, Казань, ул. Баумана, 1"),
            ),
            (
                "<div itemscope itemtype='https://schema.org/Store'><p itemprop=address itemscope itemtype='https://schema.org/PostalAddress'>Казань<br>ул. Баумана, 1</p></div>",
                Some("Казань, ул. Баумана, 1"),
            ),
            ("<div class=vcard><p class=adr>Казань, ул. Баумана, 1</p></div>", Some("Казань, ул. Баумана, 1")),
            (
                "<p>Юридический адрес: 420111, г. Казань, ул. Баумана, д. 1, тел. 8 (843) 200-00-01",
                Some("420111, г. Казань, ул. Баумана, д. 1"),
            ),
            ("<table><tr><td>Адрес</td><td>Пермь, ул. Ленина, 5</td></tr></table>", Some("Пермь, ул. Ленина, 5")),
            ("<p>Ваш адрес: укажите в форме, 24 часа", None),
            ("<p>Пермь, ул. Ленина, 5", None),
        ] {
            let page = read_html(body);
            assert_eq!(find(&page, &structured::read(&page.json_ld)).as_deref(), wanted, "{body}");
        }
    }
}
