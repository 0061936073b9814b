//! `leadgen` as a process: several at once on one database, wrong input of every kind, and the end of a run by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use leadgen_sandbox::{Action, Fault};
use leadgen_tests::rehearsal::{Ended, Life, Rehearsal};
use leadgen_tests::{books, postgres};
use serde_json::Value;

/// What takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(90);
/// One look at a run.
const LOOK: Duration = Duration::from_millis(40);

/// Lets a run go on until it holds rows in a lane.
async fn until_it_holds(rehearsal: &Rehearsal, life: &mut Life, lane: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        let ended = life.until(LOOK).await?;
        ensure!(ended.is_none(), "it ended: {}", life.said().await);
        if rehearsal.held(life.owner()).await?.iter().any(|(held, _)| held == lane) {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "{lane} is never reached: {}", rehearsal.what_waits().await?);
    }
}

/// The first of the processes that visits sites just now, once all of them were there.
async fn visiting(rehearsal: &Rehearsal, lives: &[Life]) -> Result<Option<usize>> {
    for (at, life) in lives.iter().enumerate() {
        if rehearsal.held(life.owner()).await?.iter().any(|(lane, _)| lane == "enrich") {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// URLs asked for more than once, by host, without hosts in `spared`.
fn asked_twice(rehearsal: &Rehearsal, spared: &BTreeSet<String>) -> BTreeMap<String, usize> {
    let mut urls: BTreeMap<String, usize> = BTreeMap::new();
    for visit in rehearsal.town.visits().into_iter().filter(|visit| visit.status != 0) {
        if !spared.contains(visit.host.trim_start_matches("www.")) {
            *urls.entry(format!("{}{}", visit.host, visit.path)).or_default() += 1;
        }
    }
    urls.retain(|_, times| *times > 1);
    urls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_on_one_postgres_share_the_work_and_one_of_them_dies() -> Result<()> {
    let Some(url) = postgres::empty().await else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    let mut rehearsal = Rehearsal::open(dir.path(), Some(url), &[("WORKER_LEASE_SECONDS", "5")]).await?;
    rehearsal.slow_down(20);
    // All three find an empty schema at once.
    let mut lives: Vec<Life> = (0..3).map(|_| rehearsal.start(&["run"])).collect::<Result<_>>()?;
    for life in &mut lives {
        life.running().await?;
    }
    let steps = rehearsal.count("schema_migrations").await?;
    ensure!(steps == rehearsal.count("(SELECT DISTINCT version FROM schema_migrations) s").await?, "steps of the schema were taken twice");
    rehearsal.must(&["intake", "import", "niches.csv"]).await?;

    let began = Instant::now();
    let mut at_work = BTreeSet::new();
    let mut spared = None;
    while !rehearsal.unfinished().await?.is_empty() && !rehearsal.is_dull().await? {
        for life in &mut lives {
            let ended = life.until(LOOK / 3).await?;
            ensure!(ended.is_none(), "one ended by itself: {}", life.said().await);
        }
        at_work.extend(rehearsal.owners().await?);
        let busy = if spared.is_none() && at_work.len() == 3 { visiting(&rehearsal, &lives).await? } else { None };
        if let Some(at) = busy {
            let mut victim = lives.remove(at);
            victim.kill().await?;
            let sql = format!("SELECT canonical_domain FROM companies WHERE claimed_by = '{}'", victim.owner());
            spared = Some(rehearsal.ask(&sql).await?.into_iter().flatten().collect::<BTreeSet<String>>());
        }
        ensure!(began.elapsed() < PATIENCE, "not done: {}", rehearsal.what_waits().await?);
    }
    ensure!(at_work.len() == 3, "of three processes {at_work:?} were seen at work");
    let twice = asked_twice(&rehearsal, &spared.context("no process was killed at work")?);
    ensure!(twice.is_empty(), "sites visited by two processes: {twice:?}");
    for mut life in lives {
        life.signal("INT").await?;
        let status = life.until(PATIENCE).await?.context("it does not end after Ctrl-C")?;
        ensure!(status.success(), "{status}: {}", life.said().await);
    }
    rehearsal.finish().await?;
    let books = books::close(&rehearsal).await?;
    ensure!(books.paid_twice == 0 && books.submit_unknown == 0 && books.in_doubt == 0, "killed while a site was read: {books:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_on_one_sqlite_file_is_refused_while_reports_are_not() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rehearsal = Rehearsal::open(dir.path(), None, &[]).await?;
    rehearsal.must(&["migrate", "up"]).await?;
    let mut first = rehearsal.start(&["run"])?;
    first.running().await?;
    ensure!(first.until(Duration::from_millis(300)).await?.is_none(), "{}", first.said().await);
    for args in [&["run"][..], &["run", "--once"], &["send"]] {
        let second = rehearsal.run(args).await?;
        ensure!(second.code() == Some(1) && second.stderr.contains("already_running"), "{args:?}: {:?} {}", second.code(), second.stderr);
    }
    let told: Value = serde_json::from_str(&rehearsal.run(&["run", "--once", "--json"]).await?.stdout)?;
    ensure!(told["error"]["code"] == "already_running", "{told}");
    rehearsal.must(&["report", "funnel"]).await?;
    first.kill().await?;
    let after = rehearsal.run(&["run", "--once"]).await?;
    // Nothing was imported: there is nothing to do, and that is said.
    ensure!(after.code() == Some(3), "the dead one's lock holds nobody up: {:?} {}", after.code(), after.stderr);
    ensure!(after.stderr.contains("not running intake: SHEET_SYNC_ENABLED is false"), "{}", after.stderr);
    let unset = rehearsal.run_with(&["run", "--once", "--stage", "submit"], &[("YANDEX_CLOUD_FOLDER_ID", "")]).await?;
    ensure!(unset.code() == Some(2) && unset.stderr.contains("submit: YANDEX_CLOUD_FOLDER_ID"), "{:?} {}", unset.code(), unset.stderr);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_a_run_after_the_work_in_hand_and_nothing_is_lost() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut rehearsal = Rehearsal::open(dir.path(), None, &[]).await?;
    rehearsal.slow_down(60);
    rehearsal.must(&["intake", "import", "niches.csv"]).await?;
    let mut life = rehearsal.start(&["run"])?;
    until_it_holds(&rehearsal, &mut life, "enrich").await?;
    let began = Instant::now();
    life.signal("INT").await?;
    let status = life.until(PATIENCE).await?.context("it does not end")?;
    let took = began.elapsed();
    ensure!(status.success(), "{status}: {}", life.said().await);
    ensure!(took < Duration::from_secs(20), "the work in hand took {took:?}");
    ensure!(rehearsal.held(life.owner()).await?.is_empty(), "it left leases behind: {:?}", rehearsal.held(life.owner()).await?);
    rehearsal.finish().await?;
    let books = books::close(&rehearsal).await?;
    // The lives of `finish` are killed; what this run began is not among the doubts.
    ensure!(books.letters > 20, "{books:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_ctrl_c_ends_at_once_and_the_letter_past_its_mark_is_in_doubt() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rehearsal = Rehearsal::open(dir.path(), None, &[]).await?;
    let slow =
        |server: &str| Fault { server: server.into(), matches: String::new(), at: "dot".into(), times: 1, action: Action::Slow(8_000) };
    rehearsal.town.faults().add(slow("smtp.yandex"));
    rehearsal.town.faults().add(slow("smtp.gmail"));
    rehearsal.must(&["intake", "import", "niches.csv"]).await?;
    let mut life = rehearsal.start(&["run"])?;
    until_it_holds(&rehearsal, &mut life, "send past the mark").await?;
    life.signal("INT").await?;
    ensure!(life.until(Duration::from_millis(500)).await?.is_none(), "the letter in hand was given up at the first Ctrl-C");
    let began = Instant::now();
    life.signal("INT").await?;
    let status = life.until(PATIENCE).await?.context("it does not end")?;
    ensure!(status.code() == Some(130) && began.elapsed() < Duration::from_secs(3), "{status} after {:?}", began.elapsed());
    // Answers are not read here: a letter that is answered is in doubt no more.
    rehearsal.run(&["run", "--once", "--stage", "send"]).await?;
    ensure!(rehearsal.count("outreach_messages WHERE status = 'in_doubt'").await? == 1, "{}", rehearsal.what_waits().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drafts_are_approved_by_their_number_and_nothing_leaves_while_sending_is_off() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let more = [("EMAIL_SENDING_ENABLED", "false"), ("LEADGEN_REVIEW_REQUIRED", "true")];
    let rehearsal = Rehearsal::open(dir.path(), None, &more).await?;
    let firms: Vec<String> = rehearsal.town.firms().iter().take(3).map(|firm| format!("{},{}", firm.host, firm.email)).collect();
    std::fs::write(dir.path().join("own.csv"), format!("domain,email\n{}\n", firms.join("\n")))?;
    rehearsal.must(&["companies", "import", "own.csv"]).await?;
    rehearsal.run(&["enrich"]).await?;
    rehearsal.must(&["draft"]).await?;
    let drafts = rehearsal.count("outreach_messages WHERE status = 'draft'").await?;
    ensure!(drafts == 3, "three companies, {drafts} drafts");
    let wrong = rehearsal.run(&["review", "approve", "--all", "2", "--json"]).await?;
    let told: Value = serde_json::from_str(&wrong.stdout)?;
    ensure!(wrong.code() == Some(1) && told["error"]["code"] == "count_differs", "{told}");
    ensure!(rehearsal.count("outreach_messages WHERE status = 'draft'").await? == 3, "a wrong number approves nothing");
    rehearsal.must(&["review", "approve", "--all", "3"]).await?;
    let sent = rehearsal.run(&["send"]).await?;
    ensure!(sent.stderr.contains("sending is off"), "{}", sent.stderr);
    ensure!(rehearsal.count("outreach_messages WHERE status = 'queued'").await? == 3, "letters are routed and wait: {}", sent.stdout);
    ensure!(rehearsal.town.letters().is_empty() && rehearsal.count("mailbox_marks").await? == 0, "something left");
    Ok(())
}

/// A way to use the program wrongly, and what it must say.
struct Wrong {
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
    exit: i32,
    code: &'static str,
    says: &'static str,
}

const SECRET: &str = "pasted-into-the-wrong-line";
const WRONG: &[Wrong] = &[
    Wrong { args: &["run", "--frobnicate"], env: &[], exit: 2, code: "usage", says: "--frobnicate" },
    Wrong { args: &["frobnicate"], env: &[], exit: 2, code: "usage", says: "frobnicate" },
    Wrong { args: &["review", "approve", "--all", "many"], env: &[], exit: 2, code: "usage", says: "--all" },
    Wrong {
        args: &["report", "funnel"],
        env: &[("YANDEX_SPACING_SECONDS", SECRET)],
        exit: 2,
        code: "config_invalid",
        says: "YANDEX_SPACING_SECONDS",
    },
    Wrong {
        args: &["report", "funnel"],
        env: &[("WORKER_LEASE_SECONDS", "0")],
        exit: 2,
        code: "config_invalid",
        says: "WORKER_LEASE_SECONDS",
    },
    Wrong { args: &["run", "--stage", "frobnicate"], env: &[], exit: 2, code: "unknown_stage", says: "frobnicate" },
    Wrong { args: &["intake", "import", "nowhere.csv"], env: &[], exit: 2, code: "file_unreadable", says: "nowhere.csv" },
    Wrong { args: &["companies", "import", "nowhere.csv"], env: &[], exit: 2, code: "file_unreadable", says: "nowhere.csv" },
    Wrong { args: &["--config", "nowhere.toml", "report", "funnel"], env: &[], exit: 2, code: "config_unreadable", says: "nowhere.toml" },
    Wrong { args: &["intake", "import", "empty.csv"], env: &[], exit: 2, code: "sheet_columns_missing", says: "empty.csv" },
    Wrong { args: &["intake", "import", "header.csv"], env: &[], exit: 3, code: "no_rows", says: "header.csv" },
    Wrong { args: &["intake", "import", "quote.csv"], env: &[], exit: 4, code: "rows_unreadable", says: "quote.csv:2: a quote opens" },
    Wrong { args: &["intake", "import", "quote.csv", "--dry-run"], env: &[], exit: 4, code: "rows_unreadable", says: "quote.csv:2: a" },
    Wrong { args: &["plan", "quote.csv"], env: &[], exit: 4, code: "rows_unreadable", says: "quote.csv:2: a quote opens" },
    Wrong { args: &["plan", "header.csv"], env: &[], exit: 3, code: "no_rows", says: "header.csv" },
    Wrong { args: &["intake", "import", "twice.csv"], env: &[], exit: 2, code: "sheet_columns_doubled", says: "columns 2 and 3" },
    Wrong { args: &["intake", "import", "other.csv"], env: &[], exit: 2, code: "*", says: "niche" },
    Wrong {
        args: &["--database-url", "mysql://user:pasted-into-the-wrong-line@host/x", "report", "funnel"],
        env: &[],
        exit: 2,
        code: "config_invalid",
        says: "DATABASE_URL",
    },
    Wrong {
        args: &["--database-url", "postgres://user:pasted-into-the-wrong-line@127.0.0.1:1/x", "report", "funnel"],
        env: &[],
        exit: 1,
        code: "database_unavailable",
        says: "refused",
    },
    Wrong {
        args: &["--database-url", "sqlite://no-folder/leadgen.db?mode=rwc", "report", "funnel"],
        env: &[],
        exit: 1,
        code: "database_unavailable",
        says: "no-folder/leadgen.db",
    },
    Wrong { args: &["--database-url", "sqlite://no-database.db", "report", "funnel"], env: &[], exit: 1, code: "*", says: "database" },
    Wrong { args: &["explain", "nobody.example"], env: &[], exit: 3, code: "no_such_company", says: "nobody.example" },
    Wrong { args: &["review", "show", "nobody@firma.example"], env: &[], exit: 1, code: "no_such_message", says: "nobody@firma.example" },
    Wrong { args: &["review", "approve"], env: &[], exit: 2, code: "usage", says: "--all" },
    Wrong { args: &["review", "list", "--state", "asleep"], env: &[], exit: 2, code: "usage", says: "in_doubt" },
    Wrong { args: &["mailbox", "pause", "pigeon"], env: &[], exit: 2, code: "usage", says: "yandex" },
    Wrong { args: &["export", "companies", "-o", "no-folder/x.csv"], env: &[], exit: 1, code: "*", says: "no-folder/x.csv" },
    Wrong { args: &["report", "funnel"], env: &[("LOG_LEVEL", "a=b=c")], exit: 2, code: "config_invalid", says: "LOG_LEVEL" },
    Wrong { args: &["report", "funnel"], env: &[("OPENAI_BASE_URL", "here")], exit: 2, code: "config_invalid", says: "OPENAI_BASE_URL" },
    Wrong { args: &["send"], env: &[("YANDEX_USER", ""), ("GMAIL_USER", "")], exit: 2, code: "no_mailbox", says: "YANDEX_USER" },
];

fn check_wrong(wrong: &Wrong, plain: &Ended, json: &Ended) -> std::result::Result<(), String> {
    let shown = format!("{:?} {:?}", wrong.args, wrong.env);
    let all = format!("{}{}", plain.stdout, plain.stderr);
    if plain.code() != Some(wrong.exit) || json.code() != Some(wrong.exit) {
        return Err(format!("{shown}: exit {:?} and with --json {:?}, not {}: {all}", plain.code(), json.code(), wrong.exit));
    }
    if !all.contains(wrong.says) {
        return Err(format!("{shown}: {:?} is not named: {all}", wrong.says));
    }
    if all.contains(SECRET) || json.stdout.contains(SECRET) || json.stderr.contains(SECRET) {
        return Err(format!("{shown}: a value is shown: {all}"));
    }
    if all.contains("panicked") {
        return Err(format!("{shown}: it panicked: {all}"));
    }
    let told: Value =
        serde_json::from_str(&json.stdout).map_err(|e| format!("{shown}: no single JSON document ({e}): {:?}", json.stdout))?;
    let code = told["error"]["code"].as_str().unwrap_or("");
    if code.is_empty() || (wrong.code != "*" && code != wrong.code) {
        return Err(format!("{shown}: code {code:?}, not {:?}: {told}", wrong.code));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_input_is_named_coded_and_never_shown_back() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rehearsal = Rehearsal::open(dir.path(), None, &[]).await?;
    std::fs::write(dir.path().join("empty.csv"), "")?;
    std::fs::write(dir.path().join("header.csv"), "niche,city,country,batch_tag\n")?;
    std::fs::write(dir.path().join("quote.csv"), "niche,city\n\"окна,Уфа\nдвери,Уфа\n")?;
    std::fs::write(dir.path().join("twice.csv"), "niche,city,city\nокна,Уфа,Омск\n")?;
    std::fs::write(dir.path().join("other.csv"), "name,phone\nАльфа,123\n")?;
    std::fs::write(dir.path().join("no-database.db"), "this is a letter to my aunt, and no database at all\n".repeat(100))?;
    rehearsal.must(&["migrate", "up"]).await?;
    let mut failures = Vec::new();
    for wrong in WRONG {
        let plain = rehearsal.run_with(wrong.args, wrong.env).await?;
        let json: Vec<&str> = wrong.args.iter().copied().chain(["--json"]).collect();
        let json = rehearsal.run_with(&json, wrong.env).await?;
        failures.extend(check_wrong(wrong, &plain, &json).err());
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}
