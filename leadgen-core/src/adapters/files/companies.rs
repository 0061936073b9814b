//! An own list of companies: a table with the usual column names, or one domain a line.

use std::path::Path;

use crate::domain::lead::CompanyRow;
use crate::domain::name::DomainName;
use crate::error::Result;
use crate::rules::harvest::{Requisite, requisite_in};
use crate::rules::normalize;
use crate::rules::sieve::drop_reason;

use super::table::{self, cell, column};

/// What was read of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyList {
    /// Rows that can come in.
    pub rows: Vec<CompanyRow>,
    /// Lines that can't be used, each with the reason.
    pub problems: Vec<String>,
    /// Cells that were left out of rows that come in, each with the reason.
    pub bad_cells: Vec<String>,
    /// Columns whose names say nothing to us.
    pub unused: Vec<String>,
}

const COLUMNS: [&[&str]; 9] = [
    &["name", "company", "название", "компания"],
    &["domain", "site", "url", "website", "canonical_domain", "website_url", "сайт", "домен"],
    &["email", "e-mail", "mail", "почта"],
    &["phone", "tel", "телефон"],
    &["city", "region", "город"],
    &["niche", "industry", "ниша", "отрасль"],
    &["batch_tag", "партия"],
    &["inn", "инн", "tax_id"],
    &["ogrn", "огрн", "огрнип"],
];

/// Reads a list: rows, and whatever of it could not be used with the reason. Hosts of `own_list` are no firm's own site, as those
/// of the shipped list.
pub fn read_companies(path: &Path, batch_tag: Option<&str>, own_list: &[DomainName]) -> Result<CompanyList> {
    let mut table = table::read(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut list = CompanyList::default();
    // No header: the first line is a domain already.
    if table.header.first().is_some_and(|cell| normalize::domain_of(cell).is_some()) {
        let first = std::mem::replace(&mut table.header, vec!["domain".into()]);
        table.rows.insert(0, (1, first));
        one_a_row(&mut table.rows, &name, &mut list);
    }
    let columns = COLUMNS.map(|names| column(&table.header, names));
    if columns[..3].iter().all(Option::is_none) {
        let named = table.header.join(", ");
        list.problems.push(format!("{name}:1: no column is named domain, name or email (the first line names: {named})"));
        return Ok(list);
    }
    let unused = table.header.iter().enumerate().filter(|(at, cell)| !columns.contains(&Some(*at)) && !cell.trim().is_empty());
    list.unused = unused.map(|(_, cell)| cell.clone()).collect();
    list.problems.extend(table.problems.iter().map(|(line, why)| format!("{name}:{line}: {why}")));
    for (line, cells) in table.rows.iter().filter(|(_, cells)| !cells.iter().all(String::is_empty)) {
        let get = |index: usize| cell(cells, columns[index]);
        let row = CompanyRow {
            origin: format!("{name}:{line}"),
            name: get(0),
            domain: get(1),
            email: get(2),
            phone: get(3),
            city: get(4),
            niche: get(5),
            inn: get(7),
            ogrn: get(8),
            batch_tag: Some(get(6)).filter(|tag| !tag.is_empty()).or_else(|| batch_tag.map(str::to_owned)).unwrap_or_default(),
        };
        list.take(row, own_list);
    }
    Ok(list)
}

/// Without a header each cell is a domain; one that is none is told.
fn one_a_row(rows: &mut Vec<(u64, Vec<String>)>, name: &str, list: &mut CompanyList) {
    let mut single = Vec::with_capacity(rows.len());
    for (line, cells) in rows.drain(..) {
        for (at, cell) in cells.into_iter().enumerate() {
            if at == 0 || normalize::domain_of(&cell).is_some() {
                single.push((line, vec![cell]));
            } else if !cell.trim().is_empty() {
                list.bad_cells.push(format!("{name}:{line}: {cell:?} is no domain, and no first line names the columns"));
            }
        }
    }
    *rows = single;
}

impl CompanyList {
    /// Takes a row without the cells that can't be used, unless nothing is left that tells whose it is.
    fn take(&mut self, mut row: CompanyRow, own_list: &[DomainName]) {
        let mut bad = Vec::new();
        match normalize::domain_of(&row.domain) {
            None if row.domain.is_empty() => {}
            None => return self.problems.push(format!("{}: {:?} is no domain or address", row.origin, row.domain)),
            Some(host) => {
                if let Some(drop) = drop_reason(&host, own_list) {
                    bad.push(format!("{host} is no company's own site ({}: {})", drop.kind, drop.why));
                    row.domain.clear();
                }
            }
        }
        if !row.email.is_empty() && normalize::email(&row.email).is_none() {
            bad.push(format!("{:?} is no e-mail address", std::mem::take(&mut row.email)));
        }
        if !row.phone.is_empty() && normalize::phone(&row.phone, None).is_none() {
            bad.push(format!("{:?} is no phone number", std::mem::take(&mut row.phone)));
        }
        for (kind, name, cell) in [(Requisite::Inn, "ИНН", &mut row.inn), (Requisite::Ogrn, "ОГРН", &mut row.ogrn)] {
            let read = requisite_in(kind, cell);
            if read.is_none() && !cell.is_empty() {
                bad.push(format!("{cell:?} is no {name}: its length or its check digit is wrong"));
            }
            *cell = read.unwrap_or_default();
        }
        let origin = &row.origin;
        if row.domain.is_empty() && row.name.is_empty() && row.email.is_empty() {
            bad.push("neither domain nor name nor e-mail".into());
            self.problems.push(format!("{origin}: {}", bad.join("; ")));
        } else {
            self.bad_cells.extend(bad.iter().map(|why| format!("{origin}: {why}: left out")));
            self.rows.push(row);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn whole(text: &[u8]) -> CompanyList {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = std::env::temp_dir().join(format!("leadgen-list-{}-{}.csv", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&path, text).unwrap();
        let read = read_companies(&path, Some("b1"), &[DomainName::parse("my-catalogue.ru").unwrap()]).unwrap();
        std::fs::remove_file(&path).unwrap();
        read
    }

    fn list(text: &[u8]) -> (Vec<CompanyRow>, Vec<String>) {
        let list = whole(text);
        (list.rows, list.problems)
    }

    #[test]
    fn a_bad_cell_is_told_and_its_firm_comes_in_without_it() {
        let text = "domain,name,email,phone\ndenta-lux.ru,Дента Люкс,nonsense,12\navito.ru,Ромашка,,\nvk.com/club1,,,\n,,nonsense,\n";
        let list = whole(text.as_bytes());
        let shown: Vec<_> =
            list.rows.iter().map(|row| (row.domain.as_str(), row.name.as_str(), row.email.as_str(), row.phone.as_str())).collect();
        assert_eq!(shown, [("denta-lux.ru", "Дента Люкс", "", ""), ("", "Ромашка", "", "")]);
        assert_eq!(list.bad_cells.len(), 3, "{:?}", list.bad_cells);
        assert!(list.bad_cells[0].contains(":2:") && list.bad_cells[2].contains("avito.ru") && list.bad_cells[2].contains("marketplace"));
        assert_eq!(list.problems.len(), 2, "{:?}", list.problems);
        assert!(list.problems[0].contains("social"), "{:?}", list.problems);
    }

    #[test]
    fn columns_that_are_not_read_are_named() {
        let list = whole("domain,okved,Сайт конкурента\na.ru,1,b.ru\n".as_bytes());
        assert_eq!((list.rows.len(), list.unused), (1, vec!["okved".to_owned(), "Сайт конкурента".to_owned()]));
    }

    #[test]
    fn numbers_of_the_registers_are_read_by_their_check_digits() {
        let text =
            "name;ИНН;ОГРН\nА;7707083893;1027700132195\nБ;7707083894;1027700132196\nВ;274062111;\nГ;500 100 732 259;\nД;7707083893.0;\n";
        let list = whole(text.as_bytes());
        let shown: Vec<_> = list.rows.iter().map(|row| (row.inn.as_str(), row.ogrn.as_str())).collect();
        let zero_was_lost = ("0274062111", "");
        assert_eq!(shown, [("7707083893", "1027700132195"), ("", ""), zero_was_lost, ("500100732259", ""), ("7707083893", "")]);
        assert_eq!(list.bad_cells.len(), 2, "{:?}", list.bad_cells);
    }

    #[test]
    fn what_the_own_list_names_is_no_site_either() {
        let list = whole("domain,name\nmy-catalogue.ru,Ромашка\n".as_bytes());
        assert_eq!((list.rows[0].domain.as_str(), list.bad_cells.len()), ("", 1));
        assert!(list.bad_cells[0].contains("own_list"), "{:?}", list.bad_cells);
    }

    #[test]
    fn without_a_header_every_domain_of_a_line_is_read() {
        let list = whole(b"x.ru, y.ru\nz.ru,hello\n");
        assert_eq!(list.rows.iter().map(|row| row.domain.trim()).collect::<Vec<_>>(), ["x.ru", "y.ru", "z.ru"]);
        assert!(list.bad_cells.len() == 1 && list.bad_cells[0].contains("hello"), "{:?}", list.bad_cells);
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
