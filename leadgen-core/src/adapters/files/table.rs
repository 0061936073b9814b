//! A table as people save it: csv or tsv with any of the usual separators, in UTF-8 or windows-1251, JSON lines, or a
//! spreadsheet. Whatever it was, it becomes a header and rows of text, and every row knows its line.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// The largest file.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Rows of one file; a spreadsheet of a few kilobytes may claim a million.
const MOST_ROWS: usize = 500_000;
/// Names so alike are offered as "did you mean".
const ALIKE: f64 = 0.8;

/// Header and rows as text; rows keep their line number.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<(u64, Vec<String>)>,
    /// Lines that are no rows, each with its number and why.
    pub(super) problems: Vec<(u64, String)>,
}

pub(super) fn read(path: &Path) -> Result<Table> {
    let failed = || Error::new(ErrorKind::Config, format!("read {}", path.display())).code("file_unreadable");
    let size = std::fs::metadata(path).map_err(|e| failed().because(e))?.len();
    if size > LARGEST {
        return Err(failed().detail(format!("{size} bytes; at most {LARGEST} are read")));
    }
    let bytes = std::fs::read(path).map_err(|e| failed().because(e))?;
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let table = match ending.as_str() {
        "jsonl" | "ndjson" => Ok(json_lines(&text(&bytes))),
        "xlsx" | "xlsm" | "xls" | "ods" => sheet(&bytes),
        _ => parse(&text(&bytes)),
    };
    let table = table.map_err(|e| failed().detail(e))?;
    if table.rows.len() > MOST_ROWS {
        return Err(failed().detail(format!("more than {MOST_ROWS} rows")));
    }
    Ok(table)
}

fn text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1251.decode(bytes).0.into_owned(),
    }
}

fn parse(text: &str) -> std::result::Result<Table, String> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let separator =
        [b';', b'\t', b','].into_iter().max_by_key(|mark| (first.matches(char::from(*mark)).count(), *mark == b',')).unwrap_or(b',');
    let open = open_quote(text, separator);
    let whole = open.as_ref().map_or(text, |quote| &text[..quote.row]);
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(whole.as_bytes());
    let mut table = Table::default();
    let mut has_header = false;
    let mut lines = Lines { text, at: 0, line: 1 };
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let line = lines.of(record.position().map_or(0, csv::Position::byte) as usize);
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        // Several lines in a cell and other cells missing: most likely a quote that only the next line's quote closed.
        if cells.len() < table.header.len() && cells.iter().any(|cell| cell.contains('\n')) {
            table.problems.push((line, "a cell of several lines, and others are missing; is a quote too many?".into()));
            continue;
        }
        table.take(line, cells, &mut has_header);
    }
    if let Some(quote) = open {
        let why = "a quote opens here and never closes: this row and all below it were not read";
        table.problems.push((lines.of(quote.at), why.to_owned()));
    }
    Ok(table)
}

/// A quote that opens a cell and never closes: a reader would swallow the rest of the file as that cell.
struct OpenQuote {
    /// Where its row begins.
    row: usize,
    /// Where it stands.
    at: usize,
}

fn open_quote(text: &str, separator: u8) -> Option<OpenQuote> {
    let (mut opened, mut starts_cell, mut row) = (None, true, 0);
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match (opened, byte) {
            (Some(_), b'"') if bytes.peek().is_some_and(|(_, next)| *next == b'"') => {
                bytes.next();
            }
            (Some(_), b'"') => opened = None,
            (Some(_), _) => {}
            (None, b'"') if starts_cell => (opened, starts_cell) = (Some(at), false),
            (None, b'\n') => (row, starts_cell) = (at + 1, true),
            (None, _) => starts_cell = byte == separator,
        }
    }
    opened.map(|at| OpenQuote { row, at })
}

/// Counts lines as an editor does; the reader's own count is one short after `\r\n` and blank lines.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, begins: usize) -> u64 {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at)
            && (self.at < begins || matches!(byte, b'\r' | b'\n'))
        {
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

impl Table {
    /// The first line with anything in it is the header; a later line with more filled cells than it names is a problem.
    fn take(&mut self, line: u64, mut cells: Vec<String>, has_header: &mut bool) {
        if !*has_header {
            if cells.iter().any(|cell| !cell.is_empty()) {
                *has_header = true;
                self.header = cells;
            }
            return;
        }
        while cells.len() > self.header.len() && cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        if self.header.len() > 1 && cells.len() > self.header.len() {
            let why = format!(
                "{} cells, but the first line names {}; is a cell with a separator missing its quotes?",
                cells.len(),
                self.header.len()
            );
            self.problems.push((line, why));
            return;
        }
        self.rows.push((line, cells));
    }
}

/// One JSON object a line. The header is every key that occurs, in order of appearance.
fn json_lines(text: &str) -> Table {
    let mut table = Table::default();
    for (index, line) in text.lines().enumerate() {
        let number = index as u64 + 1;
        if line.trim().is_empty() {
            continue;
        }
        let object = match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(object)) => object,
            Ok(_) => {
                table.problems.push((number, "it is JSON, but no object".into()));
                continue;
            }
            Err(e) => {
                table.problems.push((number, format!("it is no JSON: column {}", e.column())));
                continue;
            }
        };
        let mut cells = vec![String::new(); table.header.len()];
        for (key, value) in object {
            let place = table.header.iter().position(|known| *known == key).unwrap_or_else(|| {
                table.header.push(key);
                cells.push(String::new());
                table.header.len() - 1
            });
            cells[place] = match value {
                Value::String(text) => text.trim().to_owned(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
        }
        table.rows.push((number, cells));
    }
    table
}

/// The first sheet that holds anything.
#[cfg(feature = "xlsx")]
fn sheet(bytes: &[u8]) -> std::result::Result<Table, String> {
    use calamine::Reader;
    let mut book = calamine::open_workbook_auto_from_rs(std::io::Cursor::new(bytes)).map_err(|e| e.to_string())?;
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).map_err(|e| e.to_string())?;
        let Some((first, _)) = range.start() else { continue };
        if range.height() > MOST_ROWS {
            return Err(format!("more than {MOST_ROWS} rows"));
        }
        let (mut table, mut has_header) = (Table::default(), false);
        for (index, row) in range.rows().enumerate() {
            let cells: Vec<String> = row.iter().map(cell_text).collect();
            let is_blank = cells.iter().all(String::is_empty);
            if !(is_blank && has_header) {
                table.take(u64::from(first) + index as u64 + 1, cells, &mut has_header);
            }
        }
        return Ok(table);
    }
    Ok(Table::default())
}

#[cfg(not(feature = "xlsx"))]
fn sheet(_bytes: &[u8]) -> std::result::Result<Table, String> {
    Err("this build reads no spreadsheets (feature xlsx); save it as csv".into())
}

/// Numbers are floats in a spreadsheet: a whole one is shown without a fraction, so that a phone stays a phone.
#[cfg(feature = "xlsx")]
fn cell_text(cell: &calamine::Data) -> String {
    match cell {
        calamine::Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        other => other.to_string().trim().to_owned(),
    }
}

/// The place of a column that goes by one of these names.
pub(super) fn column(header: &[String], names: &[&str]) -> Option<usize> {
    header.iter().position(|cell| names.contains(&cell.to_lowercase().as_str()))
}

/// A cell, empty if the row is too short.
pub(super) fn cell(row: &[String], column: Option<usize>) -> String {
    column.and_then(|column| row.get(column)).cloned().unwrap_or_default()
}

/// The name most like another one, if any is alike at all.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let scored = known.into_iter().map(|other| (strsim::jaro_winkler(&name, &other.to_lowercase()), other));
    scored.filter(|(score, _)| *score > ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_table_from_a_russian_spreadsheet_program_is_read() {
        let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode("Ниша;Город\r\nстоматология;Казань\r\n;;\r\n\"окна; двери\";Уфа\r\n");
        let table = parse(&text(&bytes)).unwrap();
        assert_eq!(table.header, ["Ниша", "Город"]);
        assert_eq!(table.rows[2], (4, vec!["окна; двери".to_owned(), "Уфа".to_owned()]));
        assert!(table.problems.is_empty());
    }

    #[test]
    fn a_line_with_too_many_cells_is_named_by_its_number() {
        let table = parse("niche,city\nокна, двери,Уфа\nполы,Уфа,\n").unwrap();
        assert_eq!((table.problems[0].0, table.rows.len()), (2, 1));
    }

    #[test]
    fn a_quote_that_never_closes_is_told_with_its_line_and_swallows_nothing() {
        let table = parse("niche,city\nокна,Уфа\n\"стоматология,Казань\nполы,Омск\n").unwrap();
        assert_eq!(table.rows, vec![(2, ["окна", "Уфа"].map(str::to_owned).to_vec())]);
        assert_eq!(table.problems.len(), 1);
        assert!(table.problems[0].0 == 3 && table.problems[0].1.contains("never closes"), "{:?}", table.problems);

        let closed_by_the_next = parse("niche,city\n\"окна,Уфа\nполы,\"Омск\nдвери,Тула\n").unwrap();
        assert_eq!(closed_by_the_next.rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4]);
        assert_eq!(closed_by_the_next.problems[0].0, 2);

        let fine = parse("niche,city\n\"окна; \"\"евро\"\"\",Уфа\nрама 5\",Омск\n\"две\nстроки\",Тула\n").unwrap();
        assert_eq!((fine.rows.len(), fine.problems.len()), (3, 0), "{fine:?}");
        assert_eq!(parse("niche\n\"окна").unwrap().problems[0].0, 2);
    }

    #[test]
    fn json_lines_may_have_different_keys_and_bad_lines_are_named() {
        let table = json_lines("{\"niche\": \"окна\"}\nnonsense\n\n[1]\n{\"city\": \"Уфа\", \"niche\": \"полы\", \"n\": 5}\n");
        assert_eq!(table.header, ["niche", "city", "n"]);
        assert_eq!(table.rows, vec![(1, vec!["окна".to_owned()]), (5, ["полы", "Уфа", "5"].map(str::to_owned).to_vec())]);
        assert_eq!(table.problems.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
    }

    #[cfg(feature = "xlsx")]
    #[test]
    fn a_spreadsheet_is_read_with_its_own_row_numbers_and_whole_numbers_whole() {
        let table = sheet(include_bytes!("../../../golden/niches.xlsx")).unwrap();
        assert_eq!(table.header, ["Ниша", "Город", "Телефон"]);
        assert_eq!(table.rows[0], (3, ["стоматология", "Казань", "78432000000"].map(str::to_owned).to_vec()));
        assert_eq!((table.rows[1].0, table.rows[1].1[0].as_str()), (5, "окна; двери"));
        assert!(sheet(b"PK\x03\x04 broken").is_err() && sheet(b"").is_err());
    }
}
