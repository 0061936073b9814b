//! Visits of sites through the program: `explain` tells how each ended, also those that brought nothing.

use anyhow::{Context, Result, ensure};
use leadgen_sandbox::{Plan, Town};
use leadgen_tests::shell::Shell;

/// What `explain` says of the visits of a company.
fn visits(shell: &Shell, host: &str) -> Result<Vec<(String, String)>> {
    let told = shell.json(&format!("explain {host}"))?;
    let lines = told["life"].as_array().context("a life")?;
    let of = |line: &serde_json::Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
    Ok(lines.iter().filter(|line| line["stage"] == "enrich").map(|line| (of(line, "at"), of(line, "what"))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_closed_or_gone_is_explained() -> Result<()> {
    let mut shell = Shell::with_pages(&[])?;
    let town = Town::open(Plan::new(shell.path("town"))).await?;
    for (name, value) in town.env().iter().filter(|(name, _)| name != "DATABASE_URL") {
        shell.set(name, value);
    }
    // Of every dozen the last is closed to robots in one row and out of reach in the next.
    let (open, closed, gone) = (&town.firms()[0], &town.firms()[11], &town.firms()[23]);
    let lines: String = [open, closed, gone].map(|firm| format!("{},{}\n", firm.name, firm.host)).concat();
    std::fs::write(shell.path("firms.csv"), format!("name,domain\n{lines}"))?;
    shell.says("companies import firms.csv")?;
    shell.run(&["enrich"])?;

    let (read, robots, lost) = (visits(&shell, &open.host)?, visits(&shell, &closed.host)?, visits(&shell, &gone.host)?);

    let home = |host: &str| format!("https://{host}/");
    let tells = |lines: &[(String, String)], words: &str| lines.iter().any(|(at, what)| !at.is_empty() && what.contains(words));
    ensure!(tells(&read, &format!("visit 1 of {}: contacts found", home(&open.host))), "{read:#?}");
    ensure!(
        read.iter().any(|(_, what)| what.starts_with("page http") && what.contains(&open.host) && what.contains("status 200")),
        "{read:#?}"
    );
    ensure!(tells(&robots, &format!("visit 1 of {}: blocked_by_robots", home(&closed.host))), "{robots:#?}");
    ensure!(lost.iter().any(|(_, what)| what.contains(&home(&gone.host)) && what.contains("next try")), "{lost:#?}");
    println!("{}", shell.says(&format!("explain {}", gone.host))?);
    Ok(())
}
