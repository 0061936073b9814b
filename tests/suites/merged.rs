//! One company that three results made, through the program: `explain` says why, and undo gives all of it back.

use anyhow::{Context, Result, bail, ensure};
use leadgen_tests::shell::Shell;
use serde_json::Value;

/// Three spellings of one firm in one city, each at a domain of its own.
const PAGE: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<yandexsearch version="1.0"><response><found priority="all">3</found><results><grouping>
<group><doc><url>https://denta-lux.ru/uslugi</url><title>Дента Люкс</title><passages><passage>Лечение зубов</passage></passages></doc></group>
<group><doc><url>https://dlx-kazan.ru/</url><title>ООО «Дента-Люкс»</title><passages><passage>Имплантация</passage></passages></doc></group>
<group><doc><url>https://stoma116.ru/o-nas</url><title>Люкс Дента</title><passages><passage>О клинике</passage></passages></doc></group>
</grouping></results></response></yandexsearch>"#;
const HOSTS: [&str; 3] = ["denta-lux.ru", "dlx-kazan.ru", "stoma116.ru"];

/// What a person reads of companies.
trait Reader {
    fn life(&self, host: &str, stage: &str) -> Result<Vec<String>>;
    fn hosts(&self) -> Result<Vec<String>>;
}

impl Reader for Shell {
    /// What the life of a company, asked for by its host, says of a stage.
    fn life(&self, host: &str, stage: &str) -> Result<Vec<String>> {
        let told = self.json(&format!("explain {host}"))?;
        let lines = told["life"].as_array().context("a life")?;
        Ok(lines.iter().filter(|line| line["stage"] == stage).filter_map(|line| line["what"].as_str()).map(str::to_owned).collect())
    }

    fn hosts(&self) -> Result<Vec<String>> {
        let lines = self.says("export companies --json")?;
        let hosts =
            lines.lines().map(|line| Ok(serde_json::from_str::<Value>(line)?["canonical_domain"].as_str().unwrap_or_default().to_owned()));
        hosts.collect()
    }
}

#[test]
fn a_company_of_three_results_is_explained_and_undo_restores_all_of_it() -> Result<()> {
    let shell = Shell::with_pages(&[("стоматология.xml", PAGE)])?;
    shell.says("search now стоматология --city Казань")?;

    let left = shell.hosts()?;
    let [primary] = left.as_slice() else { bail!("one company is left, not {left:?}") };
    let (merges, results) = (shell.life(primary, "merge")?, shell.life(primary, "dedupe")?);
    ensure!(merges.len() == 2 && results.len() == 3, "two merges of three results: {merges:#?} {results:#?}");
    for host in HOSTS {
        let tells = |line: &String| line.contains(host) && line.contains("by name") && line.contains("jaro_winkler");
        ensure!(merges.iter().any(tells), "why {host} is of it: {merges:#?}");
        ensure!(!shell.life(host, "merge")?.is_empty(), "whoever asks for {host} is told too");
    }
    println!("{}", shell.says(&format!("explain {primary}"))?);
    let quality = shell.json("report quality")?;
    ensure!(quality["companies"] == 1 && quality["duplicates"] == 2, "the report counts them: {quality}");
    let id = shell.json(&format!("explain {primary}"))?["id"].as_str().context("an id")?.to_owned();
    ensure!(shell.json(&format!("explain {}", &id[..8]))?["id"] == id.as_str(), "the beginning of an id is enough");

    for pair in shell.json("review pairs list")?.as_array().context("pairs")? {
        println!("{}", shell.says(&format!("review pairs undo {}", pair["id"].as_str().unwrap_or_default()))?);
    }
    ensure!(shell.hosts()? == HOSTS, "three companies: {:?}", shell.hosts()?);
    for host in HOSTS {
        let results = shell.life(host, "dedupe")?;
        ensure!(results.len() == 1 && results[0].starts_with("unique"), "{host} has its own result back, as the first of it: {results:#?}");
        println!("{}", shell.says(&format!("explain {host}"))?);
    }
    // Of the other two nobody has said a word yet: they are alike as before, and may become one. The parted pairs don't return.
    shell.json("dedupe --all")?;
    let parted = shell.json("review pairs list --state rejected")?;
    ensure!(parted.as_array().is_some_and(|pairs| pairs.len() == 2), "what a person parted stays parted: {parted}");
    ensure!(shell.hosts()?.contains(primary), "and {primary} stands for itself");
    Ok(())
}

#[test]
fn a_batch_that_does_not_exist_is_no_row_of_zeros() -> Result<()> {
    let shell = Shell::with_pages(&[("стоматология.xml", PAGE)])?;
    std::fs::write(shell.path("firms.csv"), "domain\ndenta-lux.ru\n")?;
    shell.says(&format!("companies import {} --batch-tag june", shell.path("firms.csv").display()))?;

    for command in ["report funnel", "report quality", "report contacts", "export companies"] {
        let with = |batch: &'static str| command.split(' ').chain(["--batch", batch]).collect::<Vec<_>>();
        ensure!(shell.run(&with("june"))?.code == 0, "{command}: the batch that is there");
        let ended = shell.run(&with("july"))?;
        ensure!(ended.code == 3 && ended.err.contains("july"), "{command}: {ended:?}");
    }
    Ok(())
}
