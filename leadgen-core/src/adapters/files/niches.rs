//! A list of niches in a file, with the headers of the sheet or with a mapping of one's own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use async_trait::async_trait;

use crate::domain::lead::{Batch, Cursor, LeadRow, RowStatus};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::leads::LeadSource;

use super::table::{self, Table, cell, column, nearest};

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
/// Fields of a row and the headers they go by.
const FIELDS: [(&str, &[&str]); 4] = [
    ("niche", &["niche", "ниша"]),
    ("city", &["city", "город"]),
    ("country", &["country", "страна"]),
    ("batch_tag", &["batch_tag", "партия"]),
];

/// Which header each field is read from, where it is not the usual one: `niche=Сфера`.
#[derive(Clone, Debug, Default)]
pub struct Mapping(BTreeMap<&'static str, String>);

impl Mapping {
    /// Reads `field=header` pairs. Code: `bad_mapping`, with the field most like a misspelt one.
    pub fn parse<S: AsRef<str>>(pairs: &[S]) -> Result<Self> {
        let mut mapping = BTreeMap::new();
        for pair in pairs {
            let pair = pair.as_ref();
            let bad = |why: String| Error::new(ErrorKind::Config, format!("read the mapping {pair:?}")).code("bad_mapping").detail(why);
            let (field, header) = pair.split_once('=').ok_or_else(|| bad("write field=header, for example niche=Сфера".into()))?;
            let known = FIELDS.iter().map(|(name, _)| *name);
            let Some(field) = known.clone().find(|name| *name == field.trim()) else {
                let hint = nearest(field, known).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
                return Err(bad(format!("fields are niche, city, country, batch_tag{hint}")));
            };
            mapping.insert(field, header.trim().to_owned());
        }
        Ok(Self(mapping))
    }
}

/// Reads niches from a file; outcomes go to a copy beside it, the file itself stays as it is.
#[derive(Debug)]
pub struct FileLeads {
    path: PathBuf,
    rows: Vec<LeadRow>,
    problems: Vec<String>,
    mapping: Mapping,
    table: Table,
    told: Mutex<BTreeMap<u64, RowStatus>>,
}

impl FileLeads {
    /// Reads and checks a file. Without a column `niche`: `sheet_columns_missing`. `batch_tag` fills blank cells.
    pub fn open(path: &Path, batch_tag: Option<&str>, mapping: &Mapping) -> Result<Self> {
        let table = table::read(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let places = inputs(path, &table, mapping)?;
        let status = column(&table.header, &["status"]);
        let rows = table.rows.iter().filter_map(|(line, cells)| {
            let [niche, city, country, batch] = places.map(|place| cell(cells, place));
            let blank = [&niche, &city, &country, &batch].iter().all(|cell| cell.is_empty());
            let word = cell(cells, status);
            let batch_tag = if batch.is_empty() { batch_tag.unwrap_or_default().trim().to_owned() } else { batch };
            (!blank && asks(&word)).then(|| LeadRow { origin: format!("{name}:{line}"), niche, city, country, batch_tag })
        });
        let problems = table.problems.iter().map(|(line, why)| format!("{name}:{line}: {why}")).collect();
        Ok(Self { path: path.to_owned(), rows: rows.collect(), problems, mapping: mapping.clone(), table, told: Mutex::default() })
    }

    /// The rows; blank ones and those that have an outcome already are left out.
    pub fn rows(&self) -> &[LeadRow] {
        &self.rows
    }

    /// Lines that can't be read, as `file:line: why`.
    pub fn problems(&self) -> &[String] {
        &self.problems
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

    /// The file's own columns, with the service columns filled in or added. A row that was told before keeps what it was told
    /// where nothing is said of it now, and the queries counted as new when they were.
    fn copy(&self, told: &BTreeMap<u64, RowStatus>) -> std::result::Result<Vec<u8>, csv::Error> {
        let mut header = self.table.header.clone();
        let mut places = [0; 7];
        for (place, name) in places.iter_mut().zip(SERVICE) {
            *place = column(&header, &[name]).unwrap_or_else(|| {
                header.push(name.to_owned());
                header.len() - 1
            });
        }
        let inputs = inputs(&self.path, &self.table, &self.mapping).unwrap_or_default();
        let mut former = self.former();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&header)?;
        for (line, cells) in &self.table.rows {
            let former = former.get_mut(&inputs.map(|place| cell(cells, place))).and_then(VecDeque::pop_front);
            let mut cells = cells.clone();
            cells.resize(header.len(), String::new());
            let status = match (told.get(line), former) {
                (Some(status), former) => Some(remembered(service(status), former)),
                (None, Some(former)) if asks(&cells[places[0]]) => Some(former),
                (None, _) => None,
            };
            for (place, value) in places.iter().zip(status.into_iter().flatten()) {
                cells[*place] = value;
            }
            writer.write_record(&cells)?;
        }
        writer.into_inner().map_err(|e| std::io::Error::other(e.to_string()).into())
    }

    /// What an earlier copy says, by the content of its rows; nothing where there is none, or none that can be read.
    fn former(&self) -> HashMap<[String; 4], VecDeque<[String; 7]>> {
        let mut former: HashMap<_, VecDeque<_>> = HashMap::new();
        let path = self.status_path();
        let Ok(table) = table::read(&path) else { return former };
        let Ok(inputs) = inputs(&path, &table, &self.mapping) else { return former };
        let places = SERVICE.map(|name| column(&table.header, &[name]));
        for (_, cells) in &table.rows {
            former.entry(inputs.map(|place| cell(cells, place))).or_default().push_back(places.map(|place| cell(cells, place)));
        }
        former
    }
}

/// Blank or NEW: the row asks to be taken (SHEET-2).
fn asks(status: &str) -> bool {
    status.is_empty() || status.eq_ignore_ascii_case("new")
}

/// A row taken once more, of whose queries all are the known ones, keeps how many of them it brought the first time.
fn remembered(mut now: [String; 7], former: Option<[String; 7]>) -> [String; 7] {
    if let Some(former) = former
        && now[2] == "0"
        && [0, 1, 4, 5].into_iter().all(|cell| now[cell] == former[cell])
    {
        let [_, _, inserted, known, ..] = former;
        (now[2], now[3]) = (inserted, known);
    }
    now
}

/// Where the fields of a row stand.
fn inputs(path: &Path, table: &Table, mapping: &Mapping) -> Result<[Option<usize>; 4]> {
    let mut places = [None; 4];
    for (place, (field, usual)) in places.iter_mut().zip(FIELDS) {
        *place = find(path, table, field, usual, mapping)?;
    }
    Ok(places)
}

fn find(path: &Path, table: &Table, field: &'static str, usual: &[&str], mapping: &Mapping) -> Result<Option<usize>> {
    let wrong = |code, why: String| Error::new(ErrorKind::Config, format!("read {}", path.display())).code(code).detail(why);
    let header = &table.header;
    let mapped = mapping.0.get(field);
    let is_it = |cell: &String| match mapped {
        Some(name) => cell.to_lowercase() == name.to_lowercase(),
        None => usual.contains(&cell.to_lowercase().as_str()),
    };
    let places: Vec<usize> = (0..header.len()).filter(|place| is_it(&header[*place])).collect();
    if let [first, second, ..] = places[..] {
        let (one, other) = (&header[first], &header[second]);
        let way =
            if one == other { "rename one of them".into() } else { format!("choose with --map {field}={one} or --map {field}={other}") };
        let why = format!("columns {} and {} both are the {field} ({one:?}, {other:?}); {way}", first + 1, second + 1);
        return Err(wrong("sheet_columns_doubled", why));
    }
    if !places.is_empty() || (mapped.is_none() && field != "niche") {
        return Ok(places.first().copied());
    }
    let wanted = mapped.map_or(field, String::as_str);
    if header.is_empty() {
        let why = match table.problems.first() {
            Some((line, why)) => format!("line {line}: {why}"),
            None => format!("it is empty; its first line must name the columns, {wanted:?} among them"),
        };
        return Err(wrong("sheet_columns_missing", why));
    }
    let mut names = usual.iter().copied().filter(|_| mapped.is_none()).chain([wanted]);
    let hint = names.find_map(|name| nearest(name, header.iter().map(String::as_str)));
    let hint = hint.map(|name| format!("; did you mean {name:?}? Then add --map {field}={name}")).unwrap_or_default();
    Err(wrong("sheet_columns_missing", format!("line 1 names no column {wanted:?} (it names: {}){hint}", header.join(", "))))
}

fn service(status: &RowStatus) -> [String; 7] {
    let at = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let remark = status.last_error.clone().unwrap_or_default();
    match status.fate.as_word() {
        None => [String::new(), String::new(), String::new(), String::new(), String::new(), String::new(), remark],
        Some(word) => [
            word.to_owned(),
            status.generated.to_string(),
            status.inserted.to_string(),
            status.duplicates.to_string(),
            at(status.first_slot),
            at(status.last_slot),
            remark,
        ],
    }
}

#[async_trait]
impl LeadSource for FileLeads {
    async fn pull(&self, after: Option<&Cursor>) -> Result<Batch<LeadRow>> {
        let here = self.cursor();
        let items = if after == Some(&here) { Vec::new() } else { self.rows.clone() };
        Ok(Batch { items, next: Some(here) })
    }

    async fn acknowledge(&self, rows: &[RowStatus]) -> Result<()> {
        let path = self.status_path();
        let failed = || Error::new(ErrorKind::Unavailable, format!("write {}", path.display())).code("file_unwritable");
        let bytes = {
            let mut told = self.told.lock().map_err(|_| failed())?;
            for status in rows {
                if let Some(line) = status.row.origin.rsplit(':').next().and_then(|line| line.parse().ok()) {
                    told.insert(line, status.clone());
                }
            }
            self.copy(&told).map_err(|e| failed().because(e))?
        };
        // Whole or not at all: a reader never meets half a copy.
        let draft = path.with_extension("csv.part");
        std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, &path)).map_err(|e| failed().because(e))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::domain::lead::RowFate;

    fn file(name: &str, text: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("leadgen-niches-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_misspelt_column_is_answered_with_the_nearest_one() {
        let path = file("misspelt.csv", "nishe,city\nокна,Уфа\n");
        let error = FileLeads::open(&path, None, &Mapping::default()).unwrap_err();
        assert_eq!(error.machine_code(), "sheet_columns_missing");
        assert!(error.to_string().contains("did you mean \"nishe\"? Then add --map niche=nishe"), "{error}");
        let mapping = Mapping::parse(&["niche=Nishe"]).unwrap();
        assert_eq!(FileLeads::open(&path, Some("june"), &mapping).unwrap().rows()[0].batch_tag, "june");
        assert!(Mapping::parse(&["nich=x"]).unwrap_err().to_string().contains("did you mean niche?"));
    }

    #[test]
    fn a_column_named_twice_is_told_and_none_of_them_is_taken() {
        let open = |text: &str, map: &[&str]| FileLeads::open(&file("twice.csv", text), None, &Mapping::parse(map).unwrap());
        let error = open("niche,city,note,City\nокна,Уфа,x,Омск\n", &[]).unwrap_err();
        assert_eq!(error.machine_code(), "sheet_columns_doubled");
        assert!(error.to_string().contains("columns 2 and 4 both are the city (\"city\", \"City\")"), "{error}");
        let two_words = "ниша,город,city\nокна,Уфа,Омск\n";
        assert!(open(two_words, &[]).unwrap_err().to_string().contains("--map city=город or --map city=city"));
        assert_eq!(open(two_words, &["city=город"]).unwrap().rows()[0].city, "Уфа");
    }

    #[test]
    fn a_file_without_a_header_says_what_is_wrong_with_it() {
        let told = |text: &str| FileLeads::open(&file("headless.csv", text), None, &Mapping::default()).unwrap_err().to_string();
        assert!(told("\n \n").contains("it is empty; its first line must name the columns"), "{}", told("\n \n"));
        let open_quote = told("niche,\"city\nокна,Уфа\n");
        assert!(open_quote.contains("line 1: a quote opens here and never closes"), "{open_quote}");
    }

    #[tokio::test]
    async fn a_file_taken_again_leaves_its_copy_as_right_as_it_was() {
        let path = file("again.csv", "niche,city\nокна,Уфа\nокна,Уфа\nдвери,Уфа\n");
        let open = || FileLeads::open(&path, None, &Mapping::default()).unwrap();
        let slot = Timestamp::parse("2026-01-15T20:00:00Z").ok();
        let status = |row: &LeadRow, inserted: u32| RowStatus {
            fate: RowFate::Exported,
            generated: 6,
            inserted,
            duplicates: 6 - inserted,
            first_slot: slot,
            last_error: None,
            ..RowStatus::waiting(row, "")
        };
        let leads = open();
        let [first, second, third] = leads.rows() else { panic!("three rows") };
        leads.acknowledge(&[status(first, 6), status(second, 0), status(third, 6)]).await.unwrap();
        let copy = std::fs::read_to_string(leads.status_path()).unwrap();

        // Again, but stopped before the last row has its outcome.
        let leads = open();
        leads.acknowledge(&[status(first, 0), status(second, 0)]).await.unwrap();

        assert_eq!(std::fs::read_to_string(leads.status_path()).unwrap(), copy);
        // What is new is told: a phrase was added to the settings, and with it two queries.
        let more = RowStatus { generated: 8, inserted: 2, duplicates: 6, ..status(first, 0) };
        leads.acknowledge(&[more]).await.unwrap();
        let copy = std::fs::read_to_string(leads.status_path()).unwrap();
        assert_eq!(copy.lines().nth(1).unwrap(), "окна,Уфа,EXPORTED,8,2,6,2026-01-15T20:00:00Z,,");
        // A row nobody told before is blank.
        std::fs::write(&path, "niche,city\nполы,Уфа\nокна,Уфа\n").unwrap();
        let leads = open();
        leads.acknowledge(&[]).await.unwrap();
        let copy = std::fs::read_to_string(leads.status_path()).unwrap();
        assert!(copy.contains("полы,Уфа,,,,,,,\nокна,Уфа,EXPORTED,8,"), "{copy}");
    }

    #[tokio::test]
    async fn outcomes_go_to_a_copy_that_keeps_every_column_and_is_not_taken_again() {
        let path = file("kept.csv", "note,niche,city\nпервая,окна,Уфа\nвторая,двери,Уфа\n");
        let leads = FileLeads::open(&path, None, &Mapping::default()).unwrap();
        let status = |row: &LeadRow| RowStatus { fate: RowFate::Exported, generated: 6, last_error: None, ..RowStatus::waiting(row, "") };

        leads.acknowledge(&[status(&leads.rows()[1])]).await.unwrap();

        let copy = std::fs::read_to_string(leads.status_path()).unwrap();
        assert_eq!(copy.lines().nth(1).unwrap(), "первая,окна,Уфа,,,,,,,");
        assert_eq!(copy.lines().nth(2).unwrap(), "вторая,двери,Уфа,EXPORTED,6,0,0,,,");
        let again = FileLeads::open(&leads.status_path(), None, &Mapping::default()).unwrap();
        assert_eq!(again.rows().iter().map(|row| row.niche.as_str()).collect::<Vec<_>>(), ["окна"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "note,niche,city\nпервая,окна,Уфа\nвторая,двери,Уфа\n");
    }
}
