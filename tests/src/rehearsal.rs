//! A rehearsal: the town as a witness that outlives everybody, real `leadgen` processes, and a fast clock they share.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use leadgen_core::adapters::sql::{Settings, SqlStore};
use leadgen_core::domain::policy::{SearchPolicy, SendPolicy};
use leadgen_core::domain::time::{LocalWindow, Timestamp, Zone};
use leadgen_core::ports::clock::{Clock, RehearsalClock, SystemClock};
use leadgen_core::ports::store::Agenda;
use leadgen_core::rules::{planning, window};
use leadgen_sandbox::{Action, Fault, Plan, Town};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use crate::processes;

/// A Friday morning in Vladivostok and late evening in UTC: the night of searches and the day of letters overlap.
const START: &str = "2026-01-15T23:20:00Z";
/// Where the letters are written.
pub const ZONE: &str = "Asia/Vladivostok";
/// Rehearsed seconds that pass in one.
const SPEED: f64 = 300.0;
/// What takes longer than that is stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing due for so long (of rehearsed time): the clock is moved on.
const DULL: Duration = Duration::from_mins(6);

const SENDER: &str = "person = \"Анна Ковалёва\"\nfirm = \"Студия «Пример»\"\n\
    offer = \"Мы помогаем небольшим компаниям не терять заявки с сайта.\"\n\
    benefit = \"Заявки и звонки собираются в одном списке, и сразу видно, на какую из них ещё не ответили.\"\n";

/// What is unfinished, a line a kind of thing.
const UNFINISHED: &str = "SELECT 'niches', CAST(count(*) AS text) FROM niches WHERE status = 'admitted'
    UNION ALL SELECT 'queries', CAST(count(*) AS text) FROM serp_queries WHERE status IN ('pending', 'in_progress')
    UNION ALL SELECT 'operations', CAST(count(*) AS text) FROM serp_operations WHERE status IN ('created', 'running')
    UNION ALL SELECT 'results', CAST(count(*) AS text) FROM serp_results WHERE dedup_status = 'new'
    UNION ALL SELECT 'companies', CAST(count(*) AS text) FROM companies c WHERE c.status = 'new' OR (c.status = 'ready_to_contact'
        AND NOT EXISTS (SELECT 1 FROM outreach_messages m WHERE m.company_id = c.id))
    UNION ALL SELECT 'messages', CAST(count(*) AS text) FROM outreach_messages WHERE status IN ('draft', 'approved', 'queued', 'sending')";

/// What a process held: the lane of each row that bears its name.
const HELD: &str = "SELECT 'plan', CAST(count(*) AS text) FROM niches WHERE claimed_by = $1
    UNION ALL SELECT CASE status WHEN 'in_progress' THEN 'submit past the mark' ELSE 'submit' END, CAST(count(*) AS text)
        FROM serp_queries WHERE claimed_by = $1 GROUP BY 1
    UNION ALL SELECT CASE status WHEN 'done' THEN 'ingest' ELSE 'poll' END, CAST(count(*) AS text) FROM serp_operations WHERE claimed_by = $1 GROUP BY 1
    UNION ALL SELECT 'dedupe', CAST(count(*) AS text) FROM serp_results WHERE claimed_by = $1
    UNION ALL SELECT CASE status WHEN 'ready_to_contact' THEN 'draft' ELSE 'enrich' END, CAST(count(*) AS text)
        FROM companies WHERE claimed_by = $1 GROUP BY 1
    UNION ALL SELECT CASE status WHEN 'approved' THEN 'route' WHEN 'sending' THEN 'send past the mark' ELSE 'send' END, CAST(count(*) AS text)
        FROM outreach_messages WHERE claimed_by = $1 GROUP BY 1";

/// The rehearsal.
#[derive(Debug)]
pub struct Rehearsal {
    /// The witness.
    pub town: Town,
    /// The folder of everything.
    pub dir: PathBuf,
    leadgen: PathBuf,
    url: String,
    env: Vec<(String, String)>,
    clock: RehearsalClock,
    hours: LocalWindow,
    db: tokio::sync::OnceCell<DatabaseConnection>,
}

/// A process that has ended by itself.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ended {
    /// The exit code.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// A running `leadgen run`.
#[derive(Debug)]
pub struct Life {
    child: Child,
    stderr: BufReader<ChildStderr>,
    owner: String,
}

impl Rehearsal {
    /// Opens the town in a folder; the database lies there too unless a PostgreSQL is given.
    pub async fn open(dir: &Path, postgres: Option<String>, more: &[(&str, &str)]) -> Result<Self> {
        let town = Town::open(Plan::new(dir.join("town"))).await.context("open the town")?;
        std::fs::write(dir.join("sender.toml"), SENDER)?;
        std::fs::write(dir.join("niches.csv"), town.niches_csv())?;
        let url = postgres.unwrap_or_else(|| format!("sqlite://{}?mode=rwc", dir.join("leadgen.db").display()));
        let sender = dir.join("sender.toml").display().to_string();
        let own = [
            ("DATABASE_URL", url.as_str()),
            ("LEADGEN_OFFLINE", "true"),
            ("APP_TIMEZONE", ZONE),
            ("EMAIL_SENDING_ENABLED", "true"),
            ("LEADGEN_REVIEW_REQUIRED", "false"),
            ("LEADGEN_LEGAL_BASIS", "rehearsal: every recipient is invented and lives on loopback"),
            ("MAIL_SENDER_PROFILE_FILE", sender.as_str()),
            ("UNSUBSCRIBE_URL", "https://mail.example.org/u"),
            ("LEADGEN_TOKEN_KEY", "a key for the rehearsal only"),
            ("SEND_DELAY_SECONDS", "60-120"),
            ("USER", "rehearsal"),
        ];
        let own = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = town.env().iter().cloned().chain(own).collect();
        let clock = RehearsalClock { start: Timestamp::parse(START)?, anchor: SystemClock.now(), speed: SPEED };
        let leadgen = processes::binary("leadgen")?;
        let hours = LocalWindow { zone: Zone::parse(ZONE)?, ..SendPolicy::default().window };
        Ok(Self { town, dir: dir.to_owned(), leadgen, url, env, clock, hours, db: tokio::sync::OnceCell::new() })
    }

    /// Lets the servers of the town take their time, so that moments between a call and its answer are long enough to be hit.
    pub fn slow_down(&self, millis: u64) {
        for (server, at, millis) in
            [("search", "", millis), ("sites", "", millis / 3), ("smtp.yandex", "dot", millis), ("smtp.gmail", "dot", millis)]
        {
            let fault =
                Fault { server: server.into(), matches: String::new(), at: at.into(), times: u32::MAX, action: Action::Slow(millis) };
            self.town.faults().add(fault);
        }
    }

    /// What the shared clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the shared clock on; no process may be running.
    pub fn move_to(&mut self, at: Timestamp) {
        let at = Timestamp::from_millis(at.max(self.now()).ceil_second().millis());
        self.clock = RehearsalClock { start: at, anchor: SystemClock.now(), speed: SPEED };
    }

    fn command(&self, args: &[&str]) -> Command {
        let clock = format!("{}@{}*{}", self.clock.start, self.clock.anchor.millis(), self.clock.speed);
        let mut command = Command::new(&self.leadgen);
        command.args(args).current_dir(&self.dir).env_clear().envs(self.env.iter().cloned()).env("LEADGEN_REHEARSAL_CLOCK", clock);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, args: &[&str]) -> Result<Ended> {
        self.run_with(args, &[]).await
    }

    /// Runs a command to its end with more of an environment.
    pub async fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Result<Ended> {
        let output = self.command(args).envs(env.iter().copied()).output();
        let output = tokio::time::timeout(PATIENCE, output).await.with_context(|| format!("leadgen {args:?} does not end"))??;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) })
    }

    /// Runs a command that must succeed; its standard output.
    pub async fn must(&self, args: &[&str]) -> Result<String> {
        let ended = self.run(args).await?;
        ensure!(ended.status.success(), "leadgen {args:?}: {}\n{}", ended.status, ended.stderr);
        Ok(ended.stdout)
    }

    /// Starts a command and kills it (SIGKILL) after a while; whether it was still running.
    pub async fn cut_short(&self, args: &[&str], after: Duration) -> Result<bool> {
        let mut child = self.command(args).spawn()?;
        let ended = tokio::time::timeout(after, child.wait()).await.is_ok();
        child.kill().await?;
        Ok(!ended)
    }

    /// Starts `leadgen run`.
    pub fn start(&self, args: &[&str]) -> Result<Life> {
        let mut command = self.command(args);
        let mut child = command.stdout(Stdio::null()).spawn()?;
        let owner = format!("pid-{}", child.id().context("the process has an id")?);
        let stderr = BufReader::new(child.stderr.take().context("its errors are piped")?);
        Ok(Life { child, stderr, owner })
    }

    /// A connection of the tests' own.
    pub async fn db(&self) -> Result<&DatabaseConnection> {
        let open = async || SqlStore::open(&Settings { max_connections: 2, ..Settings::new(&self.url) }).await;
        Ok(self.db.get_or_try_init(open).await?)
    }

    /// Asks the database itself; every column must be text.
    pub async fn ask(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        self.ask_about(sql, None).await
    }

    async fn ask_about(&self, sql: &str, about: Option<&str>) -> Result<Vec<Vec<String>>> {
        let db = self.db().await?;
        let values = about.map(|text| text.to_owned().into());
        let rows =
            db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await.context(sql.to_owned())?;
        let text = |row: &sea_orm::QueryResult| -> Result<Vec<String>> {
            let columns = 0..row.column_names().len();
            columns.map(|at| Ok(row.try_get_by_index::<Option<String>>(at).context(sql.to_owned())?.unwrap_or_default())).collect()
        };
        rows.iter().map(text).collect()
    }

    /// One number.
    pub async fn count(&self, from: &str) -> Result<u64> {
        let rows = self.ask(&format!("SELECT CAST(count(*) AS text) FROM {from}")).await?;
        Ok(rows.first().and_then(|row| row.first()).context("a count is one row")?.parse()?)
    }

    /// What is not at its end yet.
    pub async fn unfinished(&self) -> Result<Vec<(String, u64)>> {
        counted(self.ask(UNFINISHED).await?)
    }

    /// The lanes of the rows that a process held when it died.
    pub async fn held(&self, owner: &str) -> Result<Vec<(String, u64)>> {
        counted(self.ask_about(HELD, Some(owner)).await?)
    }

    /// What is unfinished, and the times it waits for: for a failing test's message.
    pub async fn what_waits(&self) -> Result<String> {
        let rows = self
            .ask(
                "SELECT stage, status, COALESCE(CAST(due_at AS text), '-'), COALESCE(CAST(next_try_at AS text), '-'), COALESCE(claimed_by, ''),
                    COALESCE(last_error, '') FROM processing_jobs LIMIT 8",
            )
            .await?;
        let now = self.now();
        let due = SqlStore::connect(Settings { max_connections: 2, ..Settings::new(&self.url) }).await?.next_due(now).await?;
        let rows: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
        Ok(format!("{:?} at {} ({now}), next due {due:?}\n{}", self.unfinished().await?, now.millis(), rows.join("\n")))
    }

    /// When there will be something to do, if that is long from now; `None` if there is something already. What is due
    /// outside its hours waits for their beginning.
    async fn next_after_dullness(&self) -> Result<Option<Timestamp>> {
        // An operation that a killed process still holds is not due, and its result is kept for twelve hours only.
        if self.count("serp_operations WHERE status IN ('created', 'running')").await? > 0 {
            return Ok(None);
        }
        let now = self.now();
        let store = SqlStore::connect(Settings { max_connections: 2, ..Settings::new(&self.url) }).await?;
        let mut next = vec![store.next_due(now).await?];
        for load in store.loads(now).await?.iter().filter(|load| load.due + load.held > 0) {
            let opens = match load.stage.as_str() {
                "send" => window::next_turn(&self.hours, now, None, Duration::ZERO)?,
                "submit" => planning::opening(SearchPolicy::default().night, now).0.max(now),
                _ => now,
            };
            next.push(Some(if load.held > 0 { now } else { opens }));
        }
        Ok(next.into_iter().flatten().min().filter(|due| *due > now + DULL))
    }

    /// Whether nothing is due for long.
    pub async fn is_dull(&self) -> Result<bool> {
        Ok(self.next_after_dullness().await?.is_some())
    }

    /// Who holds anything at the moment.
    pub async fn owners(&self) -> Result<Vec<String>> {
        let tables = ["niches", "serp_queries", "serp_operations", "serp_results", "companies", "outreach_messages"];
        let parts: Vec<String> =
            tables.iter().map(|table| format!("SELECT claimed_by FROM {table} WHERE claimed_by IS NOT NULL")).collect();
        Ok(self.ask(&parts.join(" UNION ")).await?.into_iter().flatten().collect())
    }

    /// Moves the clock to just before the next due time if nothing is due for long.
    pub async fn skip_dullness(&mut self) -> Result<()> {
        if let Some(due) = self.next_after_dullness().await? {
            self.move_to(due - Duration::from_secs(30));
        }
        Ok(())
    }

    /// Brings everything to its end, with processes that live longer and longer and a clock that is moved on between them.
    pub async fn finish(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE * 3;
        let mut span = Duration::from_millis(800);
        loop {
            let left = self.unfinished().await?;
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("still unfinished: {}", self.what_waits().await?);
            }
            self.approve_drafts().await?;
            let mut life = self.start(&["run"])?;
            let quiet = life.until(span).await?;
            span = span.mul_f64(1.3);
            ensure!(quiet.is_none(), "leadgen run ended by itself: {quiet:?}\n{}", life.said().await);
            life.kill().await?;
            self.skip_dullness().await?;
        }
    }

    /// Approves all drafts that wait, as a person would; how many.
    pub async fn approve_drafts(&self) -> Result<u64> {
        let drafts = self.count("outreach_messages WHERE status = 'draft'").await?;
        if drafts > 0 {
            self.must(&["review", "approve", "--all", &drafts.to_string()]).await?;
        }
        Ok(drafts)
    }
}

impl Life {
    /// The name it leaves on the rows it holds.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Waits until it says that it runs.
    pub async fn running(&mut self) -> Result<()> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.stderr.read_line(&mut line)).await;
        let read = read.context("it does not say that it runs")??;
        ensure!(read > 0 && line.starts_with("running"), "it said {line:?}\n{}", self.said().await);
        Ok(())
    }

    /// Lets it run for so long; how it ended, if it did.
    pub async fn until(&mut self, most: Duration) -> Result<Option<ExitStatus>> {
        Ok(tokio::time::timeout(most, self.child.wait()).await.ok().transpose()?)
    }

    /// Kills it, with SIGKILL, and waits for its end.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("kill it")
    }

    /// Sends a signal by name.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().context("it has ended already")?.to_string();
        let sent = Command::new("kill").arg(format!("-{name}")).arg(id).status().await?;
        ensure!(sent.success(), "the signal {name} was not taken");
        Ok(())
    }

    /// The rest of what it said on standard error; call it after its end.
    pub async fn said(&mut self) -> String {
        let mut text = String::new();
        drop(self.stderr.read_to_string(&mut text).await);
        text
    }
}

fn counted(rows: Vec<Vec<String>>) -> Result<Vec<(String, u64)>> {
    let mut counts = Vec::new();
    for row in rows {
        let [what, count] = row.as_slice() else { bail!("a kind and a count, not {row:?}") };
        let count: u64 = count.parse()?;
        if count > 0 {
            counts.push((what.clone(), count));
        }
    }
    Ok(counts)
}
