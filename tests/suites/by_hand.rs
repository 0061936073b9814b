//! `search now` through the program: whatever state its query is in, a person is told the truth about it and about money.

use anyhow::{Context, Result, ensure};
use leadgen_core::adapters::sql::{Settings, SqlStore};
use leadgen_migrations::sea_orm::ConnectionTrait;
use leadgen_tests::shell::{Ended, Shell};

const PAGE: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<yandexsearch version="1.0"><response><found priority="all">2</found><results><grouping>
<group><doc><url>https://denta-lux.ru/</url><title>Дента Люкс</title></doc></group>
<group><doc><url>https://zubnoy-116.ru/</url><title>Зубной 116</title></doc></group>
</grouping></results></response></yandexsearch>"#;
const ASK: [&str; 5] = ["search", "now", "стоматология", "--city", "Казань"];

fn shell() -> Result<Shell> {
    let mut shell = Shell::with_pages(&[("стоматология.xml", PAGE)])?;
    shell.set("SEARCH_TRIGGERS_RU", "");
    Ok(shell)
}

fn again() -> Vec<&'static str> {
    [&ASK[..], &["--again"]].concat()
}

fn charges(shell: &Shell) -> Result<u64> {
    let lines = shell.json("report cost")?;
    let lines = lines.as_array().cloned().or_else(|| lines["batches"].as_array().cloned()).context("lines of costs")?;
    Ok(lines.iter().map(|line| line["night"].as_u64().unwrap_or(0) + line["day"].as_u64().unwrap_or(0)).sum())
}

fn ends(ended: &Ended, code: i32, words: &[&str]) -> Result<()> {
    let all = format!("{}\n{}", ended.out, ended.err);
    ensure!(ended.code == code, "exit {} for {code}: {all}", ended.code);
    for word in words {
        ensure!(all.contains(word), "{word:?} is not said: {all}");
    }
    Ok(())
}

/// Changes stored rows as no command does.
fn spoil(shell: &Shell, sql: &str) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let db = SqlStore::open(&Settings::new(shell.database())).await?;
        db.execute_unprepared(sql).await?;
        db.close().await?;
        Ok(())
    })
}

#[test]
fn an_answered_search_is_shown_and_not_paid_again_unless_asked_to() -> Result<()> {
    let shell = shell()?;
    ends(&shell.run(&ASK)?, 0, &["denta-lux.ru", "2 results, 2 new companies"])?;
    ensure!(charges(&shell)? == 1);

    ends(&shell.run(&ASK)?, 0, &["asked before", "--again", "denta-lux.ru", "2 new companies"])?;
    ensure!(charges(&shell)? == 1, "nothing was paid for the second");
    ends(&shell.run(&again())?, 3, &["2 results, 0 new companies"])?;
    ensure!(charges(&shell)? == 2, "the third was paid");
    Ok(())
}

#[test]
fn a_query_of_a_plan_is_asked_by_hand_and_stays_in_its_batch() -> Result<()> {
    let shell = shell()?;
    std::fs::write(shell.path("niches.csv"), "niche,city,country,batch_tag\nстоматология,Казань,,dent\n")?;
    shell.says("intake import niches.csv")?;
    let planned = shell.json("report cost")?.to_string();
    ensure!(planned.contains("\"dent\"") && charges(&shell)? == 0, "{planned}");
    // One of its queries is the very text a search by hand asks for, and due already.
    let text = shell.run(&[&ASK[..], &["--dry-run"]].concat())?.err;
    let text = text.rsplit_once(": ").context("the text of the query")?.1.trim().to_owned();
    spoil(&shell, &format!("UPDATE serp_queries SET scheduled_for = 1 WHERE query_text = '{text}'"))?;

    ends(&shell.run(&ASK)?, 0, &["2 new companies"])?;

    let (costs, batch) = (shell.json("report cost")?.to_string(), shell.says("export companies --json")?);
    ensure!(charges(&shell)? == 1 && !costs.contains("now-"), "it is charged once, in the line of its batch: {costs}");
    ensure!(batch.contains("\"batch_tag\":\"dent\""), "its companies are of its batch: {batch}");
    Ok(())
}

#[test]
fn a_search_in_doubt_is_not_asked_again_without_a_word() -> Result<()> {
    let shell = shell()?;
    shell.run(&ASK)?;
    spoil(&shell, "UPDATE serp_queries SET status = 'pending', submit_unknown = true, scheduled_for = 4102444800000")?;

    ends(&shell.run(&ASK)?, 1, &["search_in_doubt", "may have been paid", "--again"])?;
    ensure!(charges(&shell)? == 1, "nothing was paid");
    ends(&shell.run(&again())?, 3, &["2 results"])?;
    ensure!(charges(&shell)? == 2);
    Ok(())
}

#[test]
fn what_holds_a_search_up_is_said_and_leaves_nothing_behind() -> Result<()> {
    let shell = shell()?;
    shell.says("migrate up")?;
    spoil(&shell, "INSERT INTO search_holds (kind, until, reason, updated_at) VALUES ('submit', 4102444800000, 'auth_failed', 0)")?;

    ends(&shell.run(&ASK)?, 1, &["auth_failed", "not before 2100-01-01", "nothing was paid", "not in the queue any more"])?;
    ensure!(charges(&shell)? == 0);
    spoil(&shell, "DELETE FROM search_holds")?;
    ensure!(shell.run(&["search", "submit"])?.code == 3, "nothing was left to pay for later");
    ends(&shell.run(&ASK)?, 0, &["2 new companies"])
}

#[test]
fn a_rehearsal_of_submitting_tells_what_stands_in_its_way() -> Result<()> {
    let mut shell = shell()?;
    std::fs::write(shell.path("niches.csv"), "niche,city\nстоматология,Казань\n")?;
    shell.says("intake import niches.csv")?;
    spoil(&shell, "UPDATE serp_queries SET scheduled_for = 1")?;
    shell.set("YANDEX_ENFORCE_NIGHT_WINDOW", "false");
    ends(&shell.run(&["search", "submit", "--dry-run"])?, 0, &["submit"])?;

    spoil(&shell, "INSERT INTO search_holds (kind, until, reason, updated_at) VALUES ('submit', 4102444800000, 'auth_failed', 0)")?;

    ends(&shell.run(&["search", "submit", "--dry-run"])?, 3, &["nothing is handed over before 2100-01-01", "auth_failed"])?;
    ends(&shell.run(&["plan", "niches.csv"])?, 0, &["searches wait until 2100-01-01", "auth_failed"])?;
    ends(&shell.run(&["search", "submit", "--batch", "nobody"])?, 3, &["there is no batch \"nobody\""])
}

#[test]
fn a_search_that_another_process_asks_is_left_to_it() -> Result<()> {
    let shell = shell()?;
    shell.run(&ASK)?;
    spoil(
        &shell,
        "UPDATE serp_queries SET status = 'in_progress', claim_token = NULL; UPDATE serp_operations SET status = 'created', next_poll_at = 4102444800000",
    )?;

    ends(&shell.run(&again())?, 3, &["being asked already", "search poll"])?;
    ensure!(charges(&shell)? == 1);
    Ok(())
}

#[test]
fn what_cannot_be_asked_is_wrong_usage() -> Result<()> {
    let shell = shell()?;
    let long = "слово ".repeat(50);
    for (args, said) in [
        (vec!["search", "now", ""], "niche_required"),
        (vec!["search", "now", &long], "query_too_long"),
        (vec!["plan", "--niche", " "], "niche_required"),
        (vec!["search", "now", "стоматология", "--pages", "0"], "--pages takes 1 to"),
        (vec!["search", "now", "стоматология", "--pages", "999"], "--pages takes 1 to"),
    ] {
        ends(&shell.run(&args)?, 2, &[said])?;
    }
    Ok(())
}
