//! JSON-LD: organizations with their addresses and numbers.

use serde_json::Value;

/// What structured data says of the firm.
#[derive(Clone, Debug, Default)]
pub(super) struct Structured {
    pub(super) emails: Vec<String>,
    pub(super) phones: Vec<String>,
    pub(super) name: Option<String>,
}

/// The deepest nesting that is read.
const DEEPEST: usize = 32;
/// Types that are not the firm itself.
const NOT_THE_FIRM: [&str; 6] = ["Person", "Review", "WebSite", "BlogPosting", "Article", "BreadcrumbList"];

pub(super) fn read(blocks: &[String]) -> Structured {
    let mut found = Structured::default();
    for block in blocks {
        let trimmed = block.trim().trim_start_matches("<!--").trim_end_matches("-->").trim().trim_end_matches(';');
        let value = serde_json::from_str::<Value>(trimmed).or_else(|_| serde_json::from_str(&repaired(trimmed)));
        if let Ok(value) = value {
            walk(&value, 0, &mut found);
        }
    }
    found
}

/// Trailing commas and raw line breaks inside strings are common and harmless.
fn repaired(text: &str) -> String {
    let flat = text.replace(['\n', '\r', '\t'], " ");
    let mut out = String::with_capacity(flat.len());
    let mut rest = flat.as_str();
    while let Some(at) = rest.find(',') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        rest = &after[1..];
        if !rest.trim_start().starts_with(['}', ']']) {
            out.push(',');
        }
    }
    out.push_str(rest);
    out
}

fn walk(value: &Value, depth: usize, found: &mut Structured) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, depth + 1, found)),
        Value::Object(fields) => {
            let kind = fields.get("@type").and_then(Value::as_str).unwrap_or("");
            let is_firm = !NOT_THE_FIRM.contains(&kind);
            for (key, inner) in fields {
                match (key.as_str(), inner) {
                    ("email", Value::String(text)) if is_firm => found.emails.push(text.clone()),
                    ("telephone", Value::String(text)) if is_firm => found.phones.push(text.clone()),
                    ("email" | "telephone", Value::Array(items)) if is_firm => {
                        let texts = items.iter().filter_map(Value::as_str).map(str::to_owned);
                        if key == "email" { found.emails.extend(texts) } else { found.phones.extend(texts) }
                    }
                    ("legalName" | "name", Value::String(text)) if is_firm && is_organization(kind) => {
                        if found.name.is_none() || key == "legalName" {
                            found.name = Some(text.trim().to_owned());
                        }
                    }
                    ("author" | "review" | "publisher", _) => {}
                    _ => walk(inner, depth + 1, found),
                }
            }
        }
        _ => {}
    }
}

fn is_organization(kind: &str) -> bool {
    ["Organization", "Business", "Corporation", "Store", "Dentist", "Clinic", "Service", "Restaurant", "Company"]
        .iter()
        .any(|end| kind.ends_with(end))
}
