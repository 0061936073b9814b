//! How well and how fast companies are grouped: `dedupe SIZE…`, or `dedupe --csv FILE` for a table with the columns
//! id, entity, name, domain, phone, city. Each size runs in a process of its own, so that its peak of memory is its own.

use std::time::Instant;

use leadgen_core::rules::twins::group::group;
use leadgen_core::rules::twins::profile::Profile;
use leadgen_tests::firms::{self, Quality, Row};
use leadgen_tests::usage::{busy_seconds, peak_mib};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--one", size] => one(size.parse()?),
        ["--csv", file] => csv(file)?,
        sizes => {
            let mut last: Option<(f64, f64)> = None;
            for size in sizes {
                let output = std::process::Command::new(std::env::current_exe()?).args(["--one", size]).output()?;
                let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                println!("{line}");
                let seconds: f64 =
                    line.rsplit_once("processor ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()).unwrap_or(f64::NAN);
                let count: f64 = size.parse()?;
                if let Some((before, took)) = last {
                    println!(
                        "   growth exponent of processor time {before} → {count}: {:.3}",
                        (seconds / took).ln() / (count / before).ln()
                    );
                }
                last = Some((count, seconds));
            }
        }
    }
    Ok(())
}

fn one(size: usize) {
    let mut raw: Vec<Row> = Vec::with_capacity(size);
    firms::rows(size, 2026, |row| raw.push(row));
    report(&size.to_string(), raw);
}

fn csv(file: &str) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let text = std::fs::read_to_string(file)?;
    for line in text.lines().skip(1) {
        let cells = cells(line);
        let cell = |at: usize| cells.get(at).cloned().unwrap_or_default();
        rows.push(Row { firm: cell(1).parse()?, name: cell(2), domain: cell(3), phone: cell(4), city: cell(5), ..Row::default() });
    }
    report(file, rows);
    Ok(())
}

/// Cells of a line; a quoted one may hold commas and doubled quotes.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match (c, quoted) {
            ('"', true) if letters.peek() == Some(&'"') => {
                letters.next();
                if let Some(cell) = cells.last_mut() {
                    cell.push('"');
                }
            }
            ('"', _) => quoted = !quoted,
            (',', false) => cells.push(String::new()),
            _ => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(c);
                }
            }
        }
    }
    cells
}

fn report(name: &str, raw: Vec<Row>) {
    // The rows wait in memory only because they are made here; they are dropped as they are read.
    let truth: Vec<u32> = raw.iter().map(|row| row.firm).collect();
    let samples: Vec<(usize, Row)> =
        raw.iter().cloned().enumerate().take(if std::env::var_os("SHOW").is_some() { usize::MAX } else { 0 }).collect();
    let (begun, busy) = (Instant::now(), busy_seconds());
    let profiles: Vec<Profile> = raw.into_iter().map(|row| row.profile()).collect();
    let read = begun.elapsed().as_secs_f64();
    let grouping = group(&profiles, &[]);
    let total = begun.elapsed().as_secs_f64();
    let busy = busy_seconds() - busy;
    let Quality { true_pairs, found_pairs, precision, recall } = firms::quality(&truth, &grouping.first);
    println!(
        "{name}: {} rows, {true_pairs} true pairs, {found_pairs} found, precision {precision:.4}, recall {recall:.4}; compared {}, grey {}, full blocks {}, left out {}; \
         normal forms {read:.2} s, in all {total:.2} s, processor {busy:.2} s; peak {:.0} MiB",
        truth.len(),
        grouping.compared,
        grouping.grey.len(),
        grouping.full_blocks,
        grouping.left_out,
        peak_mib()
    );
    if !samples.is_empty() {
        show(&samples, &truth, &grouping);
    }
}

/// Some mistakes, for people.
fn show(rows: &[(usize, Row)], truth: &[u32], grouping: &leadgen_core::rules::twins::group::Grouping) {
    let mut rules: std::collections::BTreeMap<(String, bool), usize> = std::collections::BTreeMap::new();
    let mut shown = 0;
    for tie in &grouping.ties {
        let right = truth[tie.a as usize] == truth[tie.b as usize];
        let features = &tie.decision.features;
        *rules
            .entry((
                format!(
                    "{} name {} domain {:?} phone {:?} region {:?}",
                    tie.decision.rule, features.name, features.domain, features.phone, features.region
                ),
                right,
            ))
            .or_default() += 1;
        if !right && shown < 25 {
            shown += 1;
            println!("wrong: {:?}\n       {:?}", rows[tie.a as usize].1, rows[tie.b as usize].1);
        }
    }
    for ((rule, right), count) in rules {
        println!("{count:8} {} {rule}", if right { "right" } else { "WRONG" });
    }
    let mut firsts: std::collections::HashMap<u32, usize> = std::collections::HashMap::new();
    let mut lost = 0;
    for (at, firm) in truth.iter().enumerate() {
        let first = *firsts.entry(*firm).or_insert(at);
        if grouping.first[first] != grouping.first[at] {
            lost += 1;
            if lost <= 25 {
                println!("lost:  {:?}\n       {:?}", rows[first].1, rows[at].1);
            }
        }
    }
    println!("{lost} rows lost of their firm");
}
