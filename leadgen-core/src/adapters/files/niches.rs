//! A list of niches in a csv or tsv file, with the headers of the sheet.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::domain::lead::{Batch, Cursor, LeadRow, RowStatus};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::leads::LeadSource;

use super::table::{self, cell, column};

/// Service columns of the copy, in order (SHEET-1).
const SERVICE: [&str; 7] = [
    "status",
    "generated_count",
    "db_inserted_count",
    "db_duplicate_count",
    "db_first_scheduled_for",
    "db_last_scheduled_for",
    "last_error",
];

/// Reads niches from a file; outcomes go to a copy beside it, the file itself stays as it is.
#[derive(Debug)]
pub struct CsvLeads {
    path: PathBuf,
    batch_tag: Option<String>,
    rows: Vec<LeadRow>,
}

impl CsvLeads {
    /// Reads and checks a file. Without a column `niche`: `sheet_columns_missing`. `batch_tag` fills blank cells.
    pub fn open(path: &Path, batch_tag: Option<&str>) -> Result<Self> {
        let table = table::read(path)?;
        let niche = column(&table.header, &["niche", "ниша"]).ok_or_else(|| {
            let nearest = table.header.iter().find(|name| strsim::jaro_winkler(&name.to_lowercase(), "niche") > 0.8);
            let hint = nearest.map(|name| format!("; did you mean niche by {name:?}?")).unwrap_or_default();
            Error::new(ErrorKind::Config, format!("read {}", path.display()))
                .code("sheet_columns_missing")
                .detail(format!("the first line names no column `niche` (it names: {}){hint}", table.header.join(", ")))
        })?;
        let (city, country, batch) = (
            column(&table.header, &["city", "город"]),
            column(&table.header, &["country", "страна"]),
            column(&table.header, &["batch_tag", "партия"]),
        );
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rows = table.rows.iter().filter_map(|(line, cells)| {
            let row = LeadRow {
                origin: format!("{name}:{line}"),
                niche: cell(cells, Some(niche)),
                city: cell(cells, city),
                country: cell(cells, country),
                batch_tag: cell(cells, batch),
            };
            let blank = [&row.niche, &row.city, &row.country, &row.batch_tag].iter().all(|cell| cell.is_empty());
            (!blank).then_some(row)
        });
        let rows = rows
            .map(|row| match batch_tag {
                Some(tag) if row.batch_tag.is_empty() => LeadRow { batch_tag: tag.to_owned(), ..row },
                _ => row,
            })
            .collect();
        Ok(Self { path: path.to_owned(), batch_tag: batch_tag.map(str::to_owned), rows })
    }

    /// The rows, blank ones left out.
    pub fn rows(&self) -> &[LeadRow] {
        &self.rows
    }

    /// The content itself is the place in a file: unchanged rows are not offered a second time, a change offers all of them.
    fn cursor(&self) -> Cursor {
        let mut hash = blake3::Hasher::new();
        for row in &self.rows {
            for cell in [&row.niche, &row.city, &row.country, &row.batch_tag] {
                hash.update(&(cell.len() as u64).to_le_bytes()).update(cell.as_bytes());
            }
        }
        Cursor(hash.finalize().to_hex().to_string())
    }

    /// Where outcomes are written: `niches.csv` → `niches.status.csv`.
    pub fn status_path(&self) -> PathBuf {
        self.path.with_extension("status.csv")
    }
}

#[async_trait]
impl LeadSource for CsvLeads {
    async fn pull(&self, after: Option<&Cursor>) -> Result<Batch<LeadRow>> {
        let here = self.cursor();
        let items = if after == Some(&here) { Vec::new() } else { self.rows.clone() };
        Ok(Batch { items, next: Some(here) })
    }

    async fn acknowledge(&self, rows: &[RowStatus]) -> Result<()> {
        let path = self.status_path();
        let failed = || Error::new(ErrorKind::Unavailable, format!("write {}", path.display())).code("file_unwritable");
        let mut writer = csv::Writer::from_path(&path).map_err(|e| failed().because(e))?;
        let header = ["niche", "city", "country", "batch_tag"].into_iter().chain(SERVICE);
        writer.write_record(header).map_err(|e| failed().because(e))?;
        for status in rows {
            let at = |at: Option<crate::domain::time::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
            let record = [
                status.row.niche.clone(),
                status.row.city.clone(),
                status.row.country.clone(),
                self.batch_tag.clone().unwrap_or_else(|| status.row.batch_tag.clone()),
                status.fate.as_word().unwrap_or_default().to_owned(),
                status.generated.to_string(),
                status.inserted.to_string(),
                status.duplicates.to_string(),
                at(status.first_slot),
                at(status.last_slot),
                status.last_error.clone().unwrap_or_default(),
            ];
            writer.write_record(record).map_err(|e| failed().because(e))?;
        }
        writer.flush().map_err(|e| failed().because(e))
    }
}
