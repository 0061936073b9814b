//! An own list of companies: a table with the usual column names, or one domain a line.

use std::path::Path;

use crate::domain::lead::CompanyRow;
use crate::error::Result;
use crate::rules::normalize;

use super::table::{self, cell, column};

/// Rows, and the lines that could not be used with the reason.
pub fn read_companies(path: &Path, batch_tag: Option<&str>) -> Result<(Vec<CompanyRow>, Vec<String>)> {
    let mut table = table::read(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // No header: the first line is a domain already.
    if table.header.first().is_some_and(|cell| normalize::domain_of(cell).is_some()) {
        let first = std::mem::replace(&mut table.header, vec!["domain".into()]);
        table.rows.insert(0, (1, first));
    }
    let at = |names: &[&str]| column(&table.header, names);
    let columns = [
        at(&["name", "company", "название", "компания"]),
        at(&["domain", "site", "url", "website", "canonical_domain", "website_url", "сайт", "домен"]),
        at(&["email", "e-mail", "mail", "почта"]),
        at(&["phone", "tel", "телефон"]),
        at(&["city", "region", "город"]),
        at(&["niche", "industry", "ниша", "отрасль"]),
        at(&["batch_tag", "партия"]),
    ];
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    if columns[0].is_none() && columns[1].is_none() && columns[2].is_none() {
        problems.push(format!("{name}:1: no column is named domain, name or email (the first line names: {})", table.header.join(", ")));
        return Ok((rows, problems));
    }
    problems.extend(table.problems.iter().map(|(line, why)| format!("{name}:{line}: {why}")));
    for (line, cells) in &table.rows {
        let get = |index: usize| cell(cells, columns[index]);
        let row = CompanyRow {
            origin: format!("{name}:{line}"),
            name: get(0),
            domain: get(1),
            email: get(2),
            phone: get(3),
            city: get(4),
            niche: get(5),
            batch_tag: Some(get(6)).filter(|tag| !tag.is_empty()).or_else(|| batch_tag.map(str::to_owned)).unwrap_or_default(),
        };
        if cells.iter().all(String::is_empty) {
            continue;
        }
        if !row.domain.is_empty() && normalize::domain_of(&row.domain).is_none() {
            problems.push(format!("{}: {:?} is no domain or address", row.origin, row.domain));
        } else if !row.email.is_empty() && normalize::email(&row.email).is_none() {
            problems.push(format!("{}: {:?} is no e-mail address", row.origin, row.email));
        } else if row.domain.is_empty() && row.name.is_empty() && row.email.is_empty() {
            problems.push(format!("{}: neither domain nor name nor e-mail", row.origin));
        } else {
            rows.push(row);
        }
    }
    Ok((rows, problems))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn list(text: &[u8]) -> (Vec<CompanyRow>, Vec<String>) {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = std::env::temp_dir().join(format!("leadgen-list-{}-{}.csv", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&path, text).unwrap();
        let read = read_companies(&path, Some("b1")).unwrap();
        std::fs::remove_file(&path).unwrap();
        read
    }

    #[test]
    fn one_domain_a_line_needs_no_header() {
        let (rows, problems) = list(b"denta-lux.ru\nhttps://belyi-klyk.ru/about\nnonsense\n");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].batch_tag, "b1");
        assert!(problems[0].contains(":3:"), "{problems:?}");
    }

    #[test]
    fn a_table_in_windows_1251_with_semicolons_is_read() {
        let text = encoding_rs::WINDOWS_1251.encode("Название;Сайт;Почта\nДента Люкс;denta-lux.ru;Info@denta-lux.ru\n").0.into_owned();
        let (rows, problems) = list(&text);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!((rows[0].name.as_str(), rows[0].email.as_str()), ("Дента Люкс", "Info@denta-lux.ru"));
    }
}
