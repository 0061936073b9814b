//! Lists of niches as people keep them, given to `leadgen` as a process: what is wrong with a line is told, and told by the exit code.

use anyhow::{Result, ensure};
use leadgen_tests::rehearsal::{Ended, Rehearsal};
use serde_json::Value;

/// A list with one of everything: a misspelt city, a row twice, a line with too many cells, and a quote that never closes.
const LIST: &str = "niche,city,country\nокна,Казнь,Россия\nдвери,Уфа,\nдвери,Уфа,\nполы,Омск,,лишнее\n\"потолки,Тула,\nкрыши,Тверь,\n";

async fn opened(dir: &std::path::Path) -> Result<Rehearsal> {
    let rehearsal = Rehearsal::open(dir, None, &[]).await?;
    std::fs::write(dir.join("list.csv"), LIST)?;
    Ok(rehearsal)
}

/// `built / new / known` of every row, from a dry run and from the run itself.
fn counts(ended: &Ended) -> Result<Vec<(String, [u64; 3])>> {
    let told: Value = serde_json::from_str(&ended.stdout)?;
    let rows = told["rows"].as_array().or_else(|| told.as_array()).cloned().unwrap_or_default();
    let row = |row: &Value| {
        let (built, new) = match row["queries"].as_array() {
            Some(queries) => (queries.len() as u64, queries.iter().filter(|query| query["known"] == false).count() as u64),
            None => (row["generated"].as_u64().unwrap_or_default(), row["inserted"].as_u64().unwrap_or_default()),
        };
        (row["row"].as_str().unwrap_or_default().to_owned(), [built, new, built - new])
    };
    Ok(rows.iter().map(row).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_and_the_run_itself_tell_the_same_of_a_bad_list() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rehearsal = opened(dir.path()).await?;
    rehearsal.must(&["migrate", "up"]).await?;

    let dry = rehearsal.run_with(&["intake", "import", "list.csv", "--dry-run", "--json"], &[]).await?;
    let real = rehearsal.run_with(&["intake", "import", "list.csv", "--json"], &[]).await?;

    let expected = [("list.csv:2", [6, 6, 0]), ("list.csv:3", [6, 6, 0]), ("list.csv:4", [6, 0, 6])];
    let expected: Vec<_> = expected.into_iter().map(|(row, counts)| (row.to_owned(), counts)).collect();
    for ended in [&dry, &real] {
        ensure!(ended.code() == Some(4), "{:?} {}", ended.code(), ended.stderr);
        ensure!(counts(ended)? == expected, "{}", ended.stdout);
        for said in ["list.csv:5: 4 cells", "list.csv:6: a quote opens here", "list.csv:4: the same row as list.csv:3"] {
            ensure!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        }
        ensure!(ended.stdout.contains("region_defaulted: the place \\\"Казнь\\\" is unknown"), "{}", ended.stdout);
        ensure!(ended.stdout.contains("did you mean \\\"Казань\\\"?"), "{}", ended.stdout);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_taken_twice_keeps_its_copy_as_it_was() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rehearsal = opened(dir.path()).await?;
    rehearsal.run_with(&["intake", "import", "list.csv"], &[]).await?;
    let copy = std::fs::read_to_string(dir.path().join("list.status.csv"))?;
    ensure!(copy.lines().nth(1).is_some_and(|line| line.contains(",EXPORTED,6,6,0,") && line.contains("did you mean")), "{copy}");

    let again = rehearsal.run_with(&["intake", "import", "list.csv", "--json"], &[]).await?;

    ensure!(counts(&again)?.iter().all(|(_, counts)| *counts == [6, 0, 6]), "{}", again.stdout);
    ensure!(std::fs::read_to_string(dir.path().join("list.status.csv"))? == copy, "the copy changed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_were_collected_are_read_by_a_command_of_its_own() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rehearsal = Rehearsal::open(dir.path(), None, &[]).await?;
    let nothing = rehearsal.run_with(&["ingest"], &[]).await?;
    ensure!(nothing.code() == Some(3), "{:?} {}", nothing.code(), nothing.stderr);
    let help = rehearsal.run_with(&["ingest", "--help"], &[]).await?;
    ensure!(help.code() == Some(0) && help.stdout.contains("leadgen ingest --batch 2026-01"), "{}", help.stdout);
    Ok(())
}
