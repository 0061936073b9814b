//! JSON-LD: organizations with their addresses and numbers.

use serde_json::Value;

use super::text::unescape;

/// What structured data says of the firm.
#[derive(Clone, Debug, Default)]
pub(super) struct Structured {
    pub(super) emails: Vec<String>,
    pub(super) phones: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) legal_name: Option<String>,
    pub(super) tax_ids: Vec<String>,
    pub(super) addresses: Vec<String>,
}

/// The deepest nesting that is read.
const DEEPEST: usize = 32;
/// Values read of one page.
const MOST: usize = 200;
/// Types that are not the firm itself.
const NOT_THE_FIRM: [&str; 12] = [
    "Review",
    "BlogPosting",
    "Article",
    "NewsArticle",
    "BreadcrumbList",
    "Product",
    "Offer",
    "JobPosting",
    "Event",
    "Comment",
    "VideoObject",
    "ImageObject",
];

pub(super) fn read(blocks: &[String]) -> Structured {
    let mut found = Structured::default();
    for block in blocks {
        let trimmed = block.trim().trim_start_matches("<!--").trim_start_matches("//<![CDATA[").trim_start_matches("<![CDATA[");
        let trimmed = trimmed.trim_end_matches("-->").trim_end_matches("//]]>").trim_end_matches("]]>").trim().trim_end_matches(';');
        let value = serde_json::from_str::<Value>(trimmed).or_else(|_| serde_json::from_str(&repaired(trimmed)));
        if let Ok(value) = value {
            walk(&value, 0, false, &mut found);
        }
    }
    found
}

/// Comments, trailing commas and raw line breaks inside strings are common and harmless.
fn repaired(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let (mut in_string, mut escaped) = (false, false);
    while let Some(c) = chars.next() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            out.push(if c.is_control() { ' ' } else { c });
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                out.push(c);
            }
            '/' if chars.peek() == Some(&'*') => {
                let mut last = ' ';
                for inner in chars.by_ref() {
                    if last == '*' && inner == '/' {
                        break;
                    }
                    last = inner;
                }
            }
            '/' if chars.peek() == Some(&'/') => for _ in chars.by_ref().take_while(|c| *c != '\n') {},
            '}' | ']' => {
                let kept = out.trim_end().trim_end_matches(',').len();
                out.truncate(kept);
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn walk(value: &Value, depth: usize, in_firm: bool, found: &mut Structured) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(items) => items.iter().take(MOST).for_each(|item| walk(item, depth + 1, in_firm, found)),
        Value::Object(fields) => {
            let kinds: Vec<&str> = match fields.get("@type") {
                Some(Value::String(kind)) => vec![kind],
                Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            let last = |kind: &&str| kind.rsplit(['/', ':']).next().unwrap_or("").to_owned();
            let is_firm = kinds.iter().any(|kind| is_organization(&last(kind)));
            let is_other = !is_firm && kinds.iter().any(|kind| NOT_THE_FIRM.contains(&last(kind).as_str()));
            // The outer firm's name counts, not that of its departments.
            if is_firm && found.name.is_none() {
                found.name = fields.get("name").and_then(Value::as_str).map(|text| unescape(text.trim()));
            }
            for (key, inner) in fields {
                let key = key.trim_start_matches("schema:");
                match key {
                    "email" if !is_other => texts(inner, &mut found.emails),
                    "telephone" if !is_other => texts(inner, &mut found.phones),
                    "taxID" | "vatID" if is_firm => texts(inner, &mut found.tax_ids),
                    "legalName" if is_firm => found.legal_name = inner.as_str().map(|text| unescape(text.trim())),
                    "author" | "review" | "reviews" | "itemReviewed" | "sponsor" | "funder" => {}
                    "publisher" if !in_firm && is_other => {}
                    "address" if is_firm => {
                        found.addresses.extend(postal(inner));
                        walk(inner, depth + 1, true, found);
                    }
                    _ => walk(inner, depth + 1, in_firm || is_firm, found),
                }
            }
        }
        _ => {}
    }
}

/// A postal address on one line, whole or put together from its parts.
fn postal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Array(items) => items.iter().take(MOST).find_map(postal),
        Value::Object(fields) => {
            let part = |name: &str| fields.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            let parts: Vec<&str> =
                ["postalCode", "addressRegion", "addressLocality", "streetAddress"].into_iter().filter_map(part).collect();
            part("streetAddress").map(|_| parts.join(", "))
        }
        _ => None,
    }
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) if into.len() < MOST => into.push(unescape(text)),
        Value::Number(number) if into.len() < MOST => into.push(number.to_string()),
        Value::Array(items) => items.iter().take(20).filter_map(Value::as_str).for_each(|text| into.push(unescape(text))),
        _ => {}
    }
}

/// Whether a schema.org type is a firm of some kind.
pub(super) fn is_organization(kind: &str) -> bool {
    let ends = [
        "Organization",
        "Business",
        "Corporation",
        "Store",
        "Dentist",
        "Clinic",
        "Service",
        "Restaurant",
        "Company",
        "Agency",
        "Agent",
        "Salon",
        "Hotel",
        "School",
        "Contractor",
        "Dealer",
        "Repair",
        "Shop",
        "Hospital",
        "Attorney",
        "Bakery",
        "Cafe",
        "CafeOrCoffeeShop",
        "Plumber",
        "Electrician",
        "Locksmith",
        "Place",
        "Physician",
        "Pharmacy",
        "Optician",
        "Gym",
        "Club",
        "Studio",
        "NGO",
        "University",
        "Library",
        "Preschool",
        "Florist",
        "Brewery",
        "Winery",
        "Resort",
    ];
    ends.iter().any(|end| kind.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_graphs_and_damaged_blocks_are_read() {
        let graph = r#"{"@graph":[{"@type":"WebSite","name":"Главная"},{"@type":["Thing","Dentist"],"name":"Ветер","taxID":"5902007772","email":"mailto:info@veter.ru",
            "contactPoint":[{"@type":"ContactPoint","telephone":"+7-342-555-05-50",},], /* note */ }]}"#;
        let found = read(&[graph.to_owned()]);
        assert_eq!((found.name.as_deref(), found.emails.len(), found.phones.len(), found.tax_ids.len()), (Some("Ветер"), 1, 1, 1));
    }

    #[test]
    fn a_firm_is_not_called_after_its_department() {
        let block = r#"{"@type":"Store","department":[{"@type":"Store","name":"Склад"}],"name":"Ветер"}"#;
        assert_eq!(read(&[block.to_owned()]).name.as_deref(), Some("Ветер"));
    }

    #[test]
    fn escapes_of_html_inside_are_read() {
        let block = r#"{"@type":"Organization","name":"ООО &quot;Ветер&quot;","email":"sales&#64;veter.ru"}"#;
        let found = read(&[block.to_owned()]);
        assert_eq!((found.name.as_deref(), found.emails.as_slice()), (Some("ООО \"Ветер\""), &["sales@veter.ru".to_owned()][..]));
    }

    #[test]
    fn nesting_without_end_is_refused() {
        assert!(read(&["[".repeat(100_000)]).emails.is_empty());
    }
}
