//! A table in a text file as people save it: any of the usual separators, UTF-8 or windows-1251, with or without a mark.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// The largest file.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Header and rows as text; rows keep their line number.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<(u64, Vec<String>)>,
}

pub(super) fn read(path: &Path) -> Result<Table> {
    let failed = || Error::new(ErrorKind::Config, format!("read {}", path.display())).code("file_unreadable");
    let size = std::fs::metadata(path).map_err(|e| failed().because(e))?.len();
    if size > LARGEST {
        return Err(failed().detail(format!("{size} bytes; at most {LARGEST} are read")));
    }
    let bytes = std::fs::read(path).map_err(|e| failed().because(e))?;
    parse(&text(&bytes)).map_err(|e| failed().detail(e))
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
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut header = None;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        match &header {
            None if cells.iter().all(String::is_empty) => {}
            None => header = Some(cells),
            Some(_) => rows.push((line, cells)),
        }
    }
    Ok(Table { header: header.unwrap_or_default(), rows })
}

/// The place of a column that goes by one of these names.
pub(super) fn column(header: &[String], names: &[&str]) -> Option<usize> {
    header.iter().position(|cell| names.contains(&cell.to_lowercase().as_str()))
}

/// A cell, empty if the row is too short.
pub(super) fn cell(row: &[String], column: Option<usize>) -> String {
    column.and_then(|column| row.get(column)).cloned().unwrap_or_default()
}
