//! All stored companies looked at once more: `regroup DATABASE_URL COUNT` fills an empty database with so many companies of
//! known truth that nobody has compared yet, then does what `leadgen dedupe --all` does, twice. Time, peak memory, quality.

use std::collections::{HashMap, HashSet};
use std::process::Command;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use anyhow::{Context, ensure};
use leadgen_core::actions::import;
use leadgen_core::adapters::sql::{Settings, SqlStore};
use leadgen_core::domain::lead::CompanyRow;
use leadgen_core::ports::clock::{Clock, SystemClock};
use leadgen_core::ports::store::{ImportedCompany, Twins};
use leadgen_core::rules::twins::profile::Profile;
use leadgen_migrations::sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait, Value};
use leadgen_tests::{firms, usage};

/// Rows of one statement, statements of one transaction.
const ROWS: usize = 500;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["--fill", url, count] => fill(url, count.parse()?).await,
        [url, count] => {
            // In a process of its own, so that its memory doesn't count.
            ensure!(Command::new(std::env::current_exe()?).args(["--fill", url, count]).status()?.success(), "the database is not filled");
            regroup(url).await
        }
        _ => anyhow::bail!("regroup DATABASE_URL COUNT"),
    }
}

async fn regroup(url: &str) -> anyhow::Result<()> {
    let store = SqlStore::connect(Settings::new(url)).await?;
    for time in ["first", "second"] {
        let (begun, busy) = (Instant::now(), usage::busy_seconds());
        let done = store.regroup(SystemClock.now()).await?;
        println!(
            "{time} time: {} companies, {} duplicates marked, {} pairs to look at, {} full blocks; {:.1} s, processor {:.1} s, peak {:.0} MiB",
            done.companies,
            done.duplicates_marked,
            done.pairs,
            done.full_blocks,
            begun.elapsed().as_secs_f64(),
            usage::busy_seconds() - busy,
            usage::peak_mib()
        );
    }
    let db = SqlStore::open(&Settings::new(url)).await?;
    quality(&db).await
}

/// The batch of a company is its firm: the truth.
async fn quality(db: &DatabaseConnection) -> anyhow::Result<()> {
    let sql = "SELECT batch_tag, id, duplicate_of FROM companies";
    let (mut truth, mut groups, mut numbers) = (Vec::new(), Vec::new(), HashMap::new());
    for row in db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await? {
        let (own, root): (uuid::Uuid, Option<uuid::Uuid>) = (row.try_get("", "id")?, row.try_get("", "duplicate_of")?);
        truth.push(row.try_get::<String>("", "batch_tag")?.parse()?);
        let next = numbers.len() as u32;
        groups.push(*numbers.entry(root.unwrap_or(own)).or_insert(next));
    }
    let quality = firms::quality(&truth, &groups);
    println!(
        "{} true pairs, {} found, precision {:.4}, recall {:.4}",
        quality.true_pairs, quality.found_pairs, quality.precision, quality.recall
    );
    Ok(())
}

async fn fill(url: &str, count: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let db = SqlStore::open(&Settings::new(url)).await?;
    leadgen_migrations::up(&db).await?;
    if url.starts_with("sqlite") {
        // What is filled here needs to outlive nothing; regrouping opens the database as everybody does.
        db.execute_unprepared("PRAGMA synchronous = OFF").await?;
    }
    let made = made(count);
    let mut written = 0;
    while written < count {
        let rows: Vec<_> = made.iter().take(ROWS.min(count - written)).collect();
        ensure!(!rows.is_empty(), "the generator ran dry");
        written += rows.len();
        insert(&db, &rows).await?;
    }
    println!("{written} companies stored in {:.1} s", begun.elapsed().as_secs_f64());
    db.close().await.context("close the database")
}

/// Companies of distinct keys, made in a thread of their own as they are asked for.
fn made(count: usize) -> Receiver<(u32, ImportedCompany)> {
    let (give, take) = sync_channel(4 * ROWS);
    std::thread::spawn(move || {
        let (mut keys, mut line) = (HashSet::new(), 0);
        firms::rows(2 * count, 2026, |row| {
            line += 1;
            let firm = row.firm;
            let row = CompanyRow {
                origin: format!("list:{line}"),
                name: row.name,
                domain: row.domain,
                email: row.email,
                phone: row.phone,
                city: row.city,
                niche: String::new(),
                batch_tag: String::new(),
                ..CompanyRow::default()
            };
            if let Some(company) = import::normalized(&row, &[]).filter(|company| keys.insert(company.newborn.id())) {
                // Nobody takes any more once there are enough.
                give.send((firm, company)).ok();
            }
        });
    });
    take
}

async fn insert(db: &DatabaseConnection, rows: &[(u32, ImportedCompany)]) -> anyhow::Result<()> {
    let head = "INSERT INTO companies (id, name, normalized_name, canonical_domain, registrable_domain, industry, region, batch_tag,
        status, dedupe_hash, source, facts, first_seen_at, last_seen_at, created_at, updated_at) VALUES ";
    let mut values: Vec<Value> = Vec::new();
    let mut places = Vec::new();
    for (place, (firm, company)) in rows.iter().enumerate() {
        let (born, at) = (&company.newborn, SystemClock.now().millis() + place as i64);
        let facts = company.contacts().iter().fold(Profile::default(), Profile::showing).facts();
        let row: [Value; 16] = [
            born.id().uuid().into(),
            born.name.as_str().into(),
            born.name.normal().into(),
            born.canonical_domain.as_ref().map(ToString::to_string).into(),
            born.registrable_domain.as_ref().map(ToString::to_string).into(),
            "".into(),
            company.region.clone().into(),
            firm.to_string().into(),
            "new".into(),
            born.dedupe_hash.clone().into(),
            "import".into(),
            facts.into(),
            at.into(),
            at.into(),
            at.into(),
            at.into(),
        ];
        places.push(format!("({})", (1..=row.len()).map(|n| format!("${}", values.len() + n)).collect::<Vec<_>>().join(", ")));
        values.extend(row);
    }
    let tx = db.begin().await?;
    tx.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), format!("{head}{}", places.join(", ")), values)).await?;
    Ok(tx.commit().await?)
}
