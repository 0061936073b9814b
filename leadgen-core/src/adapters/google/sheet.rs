//! The sheet: rows are read by header name, outcomes go back cell by cell in one batch.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{info, warn};
use url::Url;

use crate::adapters::kit::http::{Answer, Http};
use crate::domain::lead::{Batch, Cursor, LeadRow, RowFate, RowStatus};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Clock;
use crate::ports::leads::LeadSource;
use crate::rules::planning::squash;

use super::token::{ServiceKey, Tokens};

/// The largest sheet that is read.
const LARGEST: usize = 32 * 1024 * 1024;
/// Columns a person fills, and those that are written back (SHEET-1).
const INPUT: [&str; 4] = ["niche", "city", "country", "batch_tag"];
const SERVICE: [&str; 7] = [
    "status",
    "generated_count",
    "db_inserted_count",
    "db_duplicate_count",
    "db_first_scheduled_for",
    "db_last_scheduled_for",
    "last_error",
];

/// Which sheet, as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The spreadsheet's id: the long part of its address.
    pub spreadsheet_id: String,
    /// The sheet within it.
    pub tab: String,
    /// Only rows with exactly this tag.
    pub batch_tag: Option<String>,
    /// The service account.
    pub key: ServiceKey,
    /// Base address of the service.
    pub base_url: String,
}

/// A sheet of niches.
#[derive(Debug)]
pub struct GoogleSheet {
    http: Http,
    tokens: Tokens,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

/// The whole sheet as text, with the place of every column that counts.
struct Grid {
    rows: Vec<Vec<String>>,
    input: [Option<usize>; 4],
    service: [usize; 7],
}

#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    values: Vec<Vec<Value>>,
}

impl GoogleSheet {
    /// Checks addresses and key; asks nothing yet.
    pub fn new(settings: Settings, http: Http, clock: Arc<dyn Clock>) -> Result<Self> {
        http.url(&settings.base_url, "v4")?;
        Ok(Self { tokens: Tokens::new(http.clone(), settings.key.clone())?, http, settings, clock })
    }

    /// Reads the header only, which proves access and columns. Nothing is written.
    pub async fn check(&self) -> Result<usize> {
        Ok(self.grid().await?.rows.len())
    }

    fn address(&self, tail: &[&str], query: &str) -> Result<Url> {
        let mut url = self.http.url(&self.settings.base_url, "v4/spreadsheets")?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&self.settings.spreadsheet_id).extend(tail);
        }
        url.set_query((!query.is_empty()).then_some(query));
        Ok(url)
    }

    /// One call; a refused token is renewed once and the call repeated.
    async fn call(&self, doing: &'static str, url: &Url, body: Option<&Value>) -> Result<Answer> {
        let mut refused: Option<String> = None;
        loop {
            let token = self.tokens.token(self.clock.now(), refused.as_deref()).await?;
            let request = match body {
                Some(body) => self.http.post(url.clone()).json(body),
                None => self.http.get(url.clone()),
            };
            let request = request.header("authorization", format!("Bearer {token}"));
            let answer = self.http.send(request, LARGEST).await.map_err(|(_, error)| error)?;
            match answer.status {
                200 => return Ok(answer),
                401 if refused.is_none() => refused = Some(token),
                _ => return Err(refusal(doing, &answer, self.settings.key.email(), &self.settings.tab)),
            }
        }
    }

    async fn grid(&self) -> Result<Grid> {
        let range = format!("{}!A:ZZ", self.quoted_tab());
        let url = self.address(
            &["values", &range],
            "majorDimension=ROWS&valueRenderOption=UNFORMATTED_VALUE&dateTimeRenderOption=FORMATTED_STRING",
        )?;
        let answer = self.call("read the sheet", &url, None).await?;
        let values: Values = serde_json::from_slice(&answer.body)
            .map_err(|e| Error::new(ErrorKind::Unavailable, "read the sheet").code("sheet_unreadable").because(e))?;
        Grid::read(values.values.into_iter().map(|row| row.iter().map(text).collect()).collect(), &self.settings.tab)
    }

    fn quoted_tab(&self) -> String {
        format!("'{}'", self.settings.tab.replace('\'', "''"))
    }
}

/// A cell as people see it: whole numbers without a fraction.
fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn refusal(doing: &'static str, answer: &Answer, account: &str, tab: &str) -> Error {
    let (kind, code) = match answer.status {
        401 => (ErrorKind::Unauthorized, "auth_failed"),
        403 => (ErrorKind::Unauthorized, "sheet_forbidden"),
        404 => (ErrorKind::Config, "sheet_not_found"),
        429 => (ErrorKind::Limited, "sheet_limited"),
        500.. => (ErrorKind::Unavailable, "sheet_unavailable"),
        _ => (ErrorKind::Config, "sheet_refused"),
    };
    let hint = match answer.status {
        403 => format!("; share the sheet with {account}"),
        404 => "; check GOOGLE_SHEET_ID".to_owned(),
        400 => format!("; is there a sheet named {tab:?}?"),
        _ => String::new(),
    };
    Error::new(kind, doing).code(code).retry_after(answer.retry_after).detail(format!("{}{hint}", answer.message()))
}

impl Grid {
    fn read(rows: Vec<Vec<String>>, tab: &str) -> Result<Self> {
        let header: Vec<String> = rows.first().map(|row| row.iter().map(|cell| squash(cell).to_lowercase()).collect()).unwrap_or_default();
        let place = |name: &str| header.iter().position(|cell| cell == name);
        let wrong = |code, why: String| Error::new(ErrorKind::Malformed, format!("read the sheet {tab}")).code(code).detail(why);
        let doubled = |name: &&str| header.iter().filter(|cell| cell == name).count() > 1;
        let doubled: Vec<&str> = INPUT.into_iter().chain(SERVICE).filter(doubled).collect();
        if !doubled.is_empty() {
            return Err(wrong("sheet_columns_doubled", format!("the first row names more than once: {}", doubled.join(", "))));
        }
        let mut missing: Vec<&str> = ["niche"].into_iter().filter(|name| place(name).is_none()).collect();
        let mut service = [0; 7];
        for (slot, name) in service.iter_mut().zip(SERVICE) {
            match place(name) {
                Some(column) => *slot = column,
                None => missing.push(name),
            }
        }
        if missing.is_empty() {
            return Ok(Self { input: INPUT.map(place), service, rows });
        }
        Err(wrong("sheet_columns_missing", format!("the first row does not name: {}", missing.join(", "))))
    }

    /// A row may be shorter than the header.
    fn cell(&self, row: usize, column: Option<usize>) -> String {
        let cell = column.and_then(|column| self.rows.get(row)?.get(column));
        cell.map(|text| squash(text)).unwrap_or_default()
    }

    fn input(&self, row: usize) -> [String; 4] {
        self.input.map(|column| self.cell(row, column))
    }

    /// Blank or NEW: the row asks to be taken (SHEET-2).
    fn asks(&self, row: usize) -> bool {
        let status = self.cell(row, Some(self.service[0]));
        status.is_empty() || status.eq_ignore_ascii_case("new")
    }
}

#[async_trait]
impl LeadSource for GoogleSheet {
    async fn pull(&self, _after: Option<&Cursor>) -> Result<Batch<LeadRow>> {
        let grid = self.grid().await?;
        let tab = &self.settings.tab;
        let rows = (1..grid.rows.len()).filter(|row| grid.asks(*row)).filter_map(|row| {
            let cells = grid.input(row);
            if cells.iter().all(String::is_empty) {
                return None;
            }
            let [niche, city, country, batch_tag] = cells;
            Some(LeadRow { origin: format!("{tab}:{}", row + 1), niche, city, country, batch_tag })
        });
        let wanted = self.settings.batch_tag.as_deref().map(str::trim);
        let items = rows.filter(|row| wanted.is_none_or(|tag| row.batch_tag == tag)).collect();
        Ok(Batch { items, next: None })
    }

    async fn acknowledge(&self, rows: &[RowStatus]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        // People sort and insert while we plan: every row is looked for again before it is written.
        let grid = self.grid().await?;
        let mut taken = HashSet::new();
        let mut data = Vec::new();
        for status in rows {
            if let Some(row) = find(&grid, &status.row, &mut taken) {
                data.extend(self.cells(&grid, row, status));
            } else {
                warn!(origin = %status.row.origin, code = "sheet_row_moved", "the row is gone; nothing is written");
            }
        }
        if data.is_empty() {
            return Ok(());
        }
        // RAW: what came from the web never becomes a formula.
        let body = json!({"valueInputOption": "RAW", "includeValuesInResponse": false, "data": data});
        let url = self.address(&["values:batchUpdate"], "")?;
        self.call("write outcomes to the sheet", &url, Some(&body)).await?;
        info!(rows = rows.len(), "outcomes written to the sheet");
        Ok(())
    }
}

/// Where a row stands now: at its old place if its content is there, else the first row of that content which still asks.
fn find(grid: &Grid, row: &LeadRow, taken: &mut HashSet<usize>) -> Option<usize> {
    let wanted = [&row.niche, &row.city, &row.country, &row.batch_tag];
    let is_it = |at: usize| grid.input(at).iter().zip(wanted).all(|(cell, wanted)| cell == wanted);
    let old = row.origin.rsplit(':').next().and_then(|number| number.parse::<usize>().ok()).and_then(|number| number.checked_sub(1));
    let here = old.filter(|at| *at >= 1 && *at < grid.rows.len() && !taken.contains(at) && grid.asks(*at) && is_it(*at));
    let found = here.or_else(|| (1..grid.rows.len()).find(|at| !taken.contains(at) && grid.asks(*at) && is_it(*at)))?;
    taken.insert(found);
    Some(found)
}

impl GoogleSheet {
    /// The cells of one outcome. A row that waits keeps its status blank, so that the next sync takes it again (SHEET-7).
    fn cells(&self, grid: &Grid, row: usize, status: &RowStatus) -> Vec<Value> {
        let at = |at: Option<crate::domain::time::Timestamp>| json!(at.map(|at| at.to_string()).unwrap_or_default());
        let remark = json!(status.last_error.clone().unwrap_or_default());
        let values = match (status.fate, status.fate.as_word()) {
            (RowFate::Waiting, _) | (_, None) => vec![(6, remark)],
            (RowFate::Exported | RowFate::Failed, Some(word)) => vec![
                (0, json!(word)),
                (1, json!(status.generated)),
                (2, json!(status.inserted)),
                (3, json!(status.duplicates)),
                (4, at(status.first_slot)),
                (5, at(status.last_slot)),
                (6, remark),
            ],
        };
        let mut cells: Vec<(usize, Value)> = values.into_iter().map(|(index, value)| (grid.service[index], value)).collect();
        cells.sort_by_key(|(column, _)| *column);
        self.ranges(row, cells)
    }

    /// Neighbours in a row make one range; whatever stands between others is never written to.
    fn ranges(&self, row: usize, cells: Vec<(usize, Value)>) -> Vec<Value> {
        let mut runs: Vec<(usize, Vec<Value>)> = Vec::new();
        for (column, value) in cells {
            match runs.last_mut() {
                Some((first, run)) if *first + run.len() == column => run.push(value),
                _ => runs.push((column, vec![value])),
            }
        }
        let tab = self.quoted_tab();
        let place = |column: usize| format!("{}{}", letters(column), row + 1);
        let range = |(first, run): (usize, Vec<Value>)| {
            let last = first + run.len() - 1;
            let cells = if last == first { place(first) } else { format!("{}:{}", place(first), place(last)) };
            json!({"range": format!("{tab}!{cells}"), "majorDimension": "ROWS", "values": [run]})
        };
        runs.into_iter().map(range).collect()
    }
}

/// Column letters: bijective base 26, 0 is A.
fn letters(column: usize) -> String {
    let mut rest = column + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::error::Verdict;

    fn grid(rows: &[&str]) -> Result<Grid> {
        Grid::read(rows.iter().map(|row| row.split('|').map(str::to_owned).collect()).collect(), "NICHES_INPUT")
    }

    const HEADER: &str = " Status |Niche|city|generated_count|db_inserted_count|note|db_duplicate_count|db_first_scheduled_for|db_last_scheduled_for|last_error";

    fn row(origin: &str, niche: &str, city: &str) -> LeadRow {
        LeadRow { origin: origin.into(), niche: niche.into(), city: city.into(), country: String::new(), batch_tag: String::new() }
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_missing_ones_are_named() {
        let sheet = grid(&[HEADER, "|окна|Уфа", "EXPORTED|двери|Уфа", "new|  полы "]).unwrap();
        assert_eq!((sheet.asks(1), sheet.asks(2), sheet.asks(3)), (true, false, true));
        assert_eq!(sheet.input(3), ["полы", "", "", ""].map(str::to_owned));
        let error = grid(&["city|status"]).err().unwrap();
        assert_eq!(error.machine_code(), "sheet_columns_missing");
        assert!(error.to_string().contains("niche, generated_count"), "{error}");
        let error = grid(&[&format!("{HEADER}|CITY |status")]).err().unwrap();
        assert_eq!(error.machine_code(), "sheet_columns_doubled");
        assert!(error.to_string().contains("more than once: city, status"), "{error}");
    }

    #[test]
    fn each_refusal_has_its_code_its_verdict_and_a_word_of_what_to_do() {
        for (status, code, verdict, said) in [
            (400, "sheet_refused", Verdict::Pause, "is there a sheet named \"НИШИ\"?"),
            (401, "auth_failed", Verdict::Pause, ""),
            (403, "sheet_forbidden", Verdict::Pause, "share the sheet with robot@project.example"),
            (404, "sheet_not_found", Verdict::Pause, "check GOOGLE_SHEET_ID"),
            (429, "sheet_limited", Verdict::Retry { after: None }, ""),
            (500, "sheet_unavailable", Verdict::Retry { after: None }, ""),
            (503, "sheet_unavailable", Verdict::Retry { after: None }, ""),
        ] {
            let answer = Answer { status, retry_after: None, body: b"{}".to_vec() };
            let error = refusal("read the sheet", &answer, "robot@project.example", "НИШИ");
            assert_eq!((error.machine_code(), error.verdict()), (code, verdict), "{status}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn a_moved_row_is_found_by_its_content_and_each_row_once() {
        let sheet = grid(&[HEADER, "|окна|Уфа", "|двери|Уфа", "|окна|Уфа"]).unwrap();
        let mut taken = HashSet::new();
        assert_eq!(find(&sheet, &row("NICHES_INPUT:2", "двери", "Уфа"), &mut taken), Some(2));
        assert_eq!(find(&sheet, &row("NICHES_INPUT:4", "окна", "Уфа"), &mut taken), Some(3));
        assert_eq!(find(&sheet, &row("NICHES_INPUT:4", "окна", "Уфа"), &mut taken), Some(1));
        assert_eq!(find(&sheet, &row("NICHES_INPUT:9", "полы", "Уфа"), &mut taken), None);
    }

    #[test]
    fn columns_have_their_letters() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(letters), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"].map(str::to_owned));
    }
}
