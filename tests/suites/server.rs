//! `leadgen-server` as a process: probes, metrics, the way out of a letter, its end, its logs.

mod way_out;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use leadgen_core::actions::import;
use leadgen_core::adapters::sql::{Settings, SqlStore};
use leadgen_core::domain::contact::{ContactType, Findings, FoundContact};
use leadgen_core::domain::flow::MessageState;
use leadgen_core::domain::id::Id;
use leadgen_core::domain::lead::CompanyRow;
use leadgen_core::domain::letter::{Drafted, Letter};
use leadgen_core::domain::message::Message;
use leadgen_core::domain::name::EmailAddress;
use leadgen_core::domain::policy::Policy;
use leadgen_core::domain::suppression::SuppressionSource;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::ports::store::{Lane, Reviews, Suppressions};
use leadgen_core::ports::work::{Call, Claim, DraftLetter, EnrichCompany};
use leadgen_core::rules::compose::unsubscribe;
use leadgen_tests::plain_http::{Answer, ask};
use leadgen_tests::postgres;
use leadgen_tests::processes::{Process, binary};
use serde_json::Value;

const KEY: &str = "a key that signs links in tests";
const OLD_KEY: &str = "an older key that signed links";
const TOKEN: &str = "bearer-of-the-tests";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const ONE_CLICK: &[u8] = b"List-Unsubscribe=One-Click";
const RECIPIENT: &str = "priemnaya@denta-lux.ru";
/// A mailbox on loopback that nobody answers at.
const MAILBOX: [(&str, &str); 5] = [
    ("YANDEX_USER", "studio@firma.ru"),
    ("YANDEX_PASS", "app-password-1"),
    ("YANDEX_SMTP_HOST", "127.0.0.1"),
    ("YANDEX_SMTP_PORT", "9"),
    ("YANDEX_IMAP_HOST", "off"),
];
/// Long enough for a slow machine that builds beside.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server over a SQLite file of its own, in a folder of its own.
struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    fn start(house: &House, args: &[&str], more: &[(&str, &str)]) -> Result<Self> {
        Self::listening(house.run(args, more)?)
    }

    fn listening(process: Process) -> Result<Self> {
        let address = process.wait_for(PATIENCE, |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["event"] == "listening").then(|| line["address"].as_str()?.parse().ok())?
        })?;
        Ok(Self { process, address })
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Result<Answer> {
        ask(self.address, method, path, headers, body)
    }

    fn get(&self, path: &str) -> Result<Answer> {
        self.ask("GET", path, &[], b"")
    }

    /// The store opens after the port: asks until the answer is there, each time on the server's own account of itself.
    fn ready(&self) -> Result<()> {
        self.process.wait_for(PATIENCE, |line| line.contains("\"event\":\"store is open\"").then_some(()))?;
        let answer = self.get("/readyz")?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    }
}

/// A folder with a database and an environment.
struct House {
    dir: tempfile::TempDir,
    url: String,
}

impl House {
    fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
        Ok(Self { dir, url })
    }

    fn run(&self, args: &[&str], more: &[(&str, &str)]) -> Result<Process> {
        let mut env = vec![
            ("DATABASE_URL", self.url.as_str()),
            ("LEADGEN_OFFLINE", "true"),
            ("ROUTING_DNS_RESOLVERS", "127.0.0.1:9"),
            ("LEADGEN_TOKEN_KEY", KEY),
            ("LEADGEN_TOKEN_KEYS_OLD", OLD_KEY),
            ("LEADGEN_TICK_SECONDS", "1"),
            ("SERVER_BIND", "127.0.0.1:0"),
        ];
        env.extend(more);
        Process::start(&binary("leadgen-server")?, self.dir.path(), args, &env)
    }

    async fn store(&self) -> Result<SqlStore> {
        Ok(SqlStore::connect(Settings::new(&self.url)).await?)
    }

    /// One letter to [`RECIPIENT`] that waits for a person.
    async fn with_a_draft() -> Result<(Self, Id<Message>)> {
        let house = Self::new()?;
        let db = SqlStore::open(&Settings::new(&house.url)).await?;
        leadgen_migrations::up(&db).await?;
        db.close().await?;
        let store = house.store().await?;
        let now = Timestamp::parse("2026-01-15T10:00:00Z")?;
        let row =
            CompanyRow {
                name: "Дента Люкс".into(), domain: "denta-lux.ru".into(), origin: "own.csv:2".into(), ..CompanyRow::default()
            };
        import::companies(&store, &[row], &[], now).await?;
        let call = call(now);
        let found = FoundContact {
            contact_type: ContactType::Email,
            value: RECIPIENT.into(),
            kind: "role".into(),
            origin: "mailto".into(),
            score: 0.9,
            source_url: "https://denta-lux.ru/".into(),
            snippet: "Приёмная".into(),
            page_hash: String::new(),
            extension: None,
        };
        let claim = only::<EnrichCompany>(store.claim(&call).await?)?;
        let findings = Findings { contacts: vec![found], ..Findings::default() };
        Lane::<EnrichCompany>::commit(&store, &call, vec![(claim.ticket, findings)]).await?;
        let claim = only::<DraftLetter>(store.claim(&call).await?)?;
        let message = Message::id_of(claim.item.contact_id, &claim.item.campaign, 1);
        let letter = Letter { subject: "Заявки с сайта".into(), body: "Здравствуйте!".into() };
        let drafted = Drafted { letter, drafter: "template".into(), approval_hash: "a".into(), needs_review: true, verification: None };
        Lane::<DraftLetter>::commit(&store, &call, vec![(claim.ticket, drafted)]).await?;
        ensure!(house.state_of(message).await? == MessageState::Draft);
        Ok((house, message))
    }

    async fn state_of(&self, message: Id<Message>) -> Result<MessageState> {
        Ok(self.store().await?.message(message).await?.context("the letter is there")?.state)
    }

    async fn refusal(&self) -> Result<Option<SuppressionSource>> {
        let covered = self.store().await?.covers(&EmailAddress::parse(RECIPIENT)?).await?;
        Ok(covered.map(|entry| entry.source))
    }
}

fn call(now: Timestamp) -> Call {
    Call { owner: "a test".into(), now, max: 10, random: 7, batch: None, policy: Arc::new(Policy::default()) }
}

fn only<W: leadgen_core::ports::work::Work>(claims: Vec<Claim<W>>) -> Result<Claim<W>> {
    ensure!(claims.len() == 1, "{} items of {}", claims.len(), W::NAME);
    claims.into_iter().next().context("one")
}

fn link(key: &str, message: Id<Message>) -> String {
    format!("/u/{}", unsubscribe::token(&unsubscribe::key_id(key.as_bytes()), key.as_bytes(), message))
}

fn reasons(answer: &Answer) -> Result<Vec<String>> {
    let body: Value = serde_json::from_str(&answer.body)?;
    let reasons = body["reasons"].as_array().context("reasons")?;
    Ok(reasons.iter().filter_map(|reason| reason["code"].as_str().map(str::to_owned)).collect())
}

#[test]
fn a_fresh_server_migrates_and_is_alive_and_ready() -> Result<()> {
    let house = House::new()?;
    let server = Server::start(&house, &[], &[])?;

    server.ready()?;
    assert_eq!(server.get("/healthz")?.status, 200);
    assert_eq!(reasons(&server.get("/readyz")?)?, Vec::<String>::new());
    assert_eq!(server.get("/nothing/here")?.status, 404);
    Ok(())
}

#[test]
fn a_schema_that_is_behind_is_a_reason_not_to_be_ready() -> Result<()> {
    let house = House::new()?;
    let server = Server::start(&house, &[], &[("LEADGEN_DATABASE_MIGRATE", "false")])?;
    server.process.wait_for(PATIENCE, |line| line.contains("schema_behind").then_some(()))?;

    let answer = server.get("/readyz")?;

    assert_eq!((answer.status, reasons(&answer)?), (503, vec!["schema_behind".to_owned()]));
    assert_eq!(server.get("/healthz")?.status, 200, "it lives all the same");
    let refused = server.ask("POST", "/u/anything", &[FORM], ONE_CLICK)?;
    assert_eq!(refused.status, 503, "a refusal that can't be written down is never confirmed");
    Ok(())
}

#[test]
fn a_second_process_on_one_sqlite_file_says_that_it_can_not_work() -> Result<()> {
    let house = House::new()?;
    let first = Server::start(&house, &[], &[])?;
    first.ready()?;

    let second = Server::start(&house, &["--roles", "worker"], &[])?;
    second.process.wait_for(PATIENCE, |line| line.contains("already_running").then_some(()))?;

    let answer = second.get("/readyz")?;
    assert_eq!(answer.status, 503);
    assert!(reasons(&answer)?.contains(&"already_running".to_owned()), "{answer:?}");
    assert_eq!(second.get("/u/anything")?.status, 404, "the page belongs to the role api");
    Ok(())
}

#[tokio::test]
async fn two_whole_servers_start_together_on_an_empty_postgresql_and_both_work() -> Result<()> {
    let Some(url) = postgres::empty().await else { return Ok(()) };
    let house = House { url, ..House::new()? };
    // Migrations of both meet here: one waits for the other's.
    let (one, other) = (house.run(&[], &[])?, house.run(&[], &[])?);

    for process in [one, other] {
        let server = Server::listening(process)?;
        server.ready()?;
        let metrics = server.get("/metrics")?.body;
        assert!(metrics.contains("leadgen_store_up 1"), "{metrics}");
        assert!(metrics.contains("leadgen_lane_due{stage=\"enrich\"} 0"), "{metrics}");
        server.process.signal("TERM")?;
        assert_eq!(server.process.end(PATIENCE)?.0.code(), Some(0));
    }
    Ok(())
}

#[tokio::test]
async fn metrics_are_readable_and_name_stages_lanes_and_durations() -> Result<()> {
    let (house, _) = House::with_a_draft().await?;
    let server = Server::start(&house, &[], &MAILBOX)?;
    server.ready()?;

    let answer = server.get("/metrics")?;

    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")), "{answer:?}");
    let samples: Vec<(&str, f64)> = answer
        .body
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').and_then(|(name, value)| Some((name, value.parse().ok()?))).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    let value = |name: &str| samples.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    assert_eq!(value("leadgen_store_up"), Some(1.0));
    assert_eq!(value(r#"leadgen_rows{entity="messages",state="draft"}"#), Some(1.0));
    assert_eq!(value(r#"leadgen_items_total{stage="send",outcome="done"}"#), Some(0.0));
    assert_eq!(value(r#"leadgen_mailbox_daily_cap{mailbox="yandex"}"#), Some(40.0));
    assert_eq!(value(r#"leadgen_unsubscribe_total{outcome="registered"}"#), Some(0.0));
    for lane in ["plan", "submit", "poll", "ingest", "dedupe", "enrich", "draft", "route", "send"] {
        assert!(value(&format!("leadgen_lane_due{{stage=\"{lane}\"}}")).is_some(), "{lane}");
        assert!(value(&format!("leadgen_lane_oldest_due_age{{stage=\"{lane}\"}}")).is_some(), "{lane}");
    }
    assert!(!answer.body.contains(RECIPIENT) && !answer.body.contains("app-password-1"));
    Ok(())
}

#[test]
fn an_open_address_without_a_token_is_refused_with_exit_code_2() -> Result<()> {
    let house = House::new()?;

    let (status, lines, errors) = house.run(&["--bind", "0.0.0.0:0"], &[])?.end(PATIENCE)?;

    assert_eq!(status.code(), Some(2), "{errors}");
    assert!(errors.contains("LEADGEN_SERVER_TOKEN"), "{errors}");
    assert!(lines.is_empty(), "{lines:?}");
    Ok(())
}

#[test]
fn a_bad_setting_is_refused_with_exit_code_2_and_named() -> Result<()> {
    let house = House::new()?;
    for (name, value) in [("LEADGEN_ROLES", "api,cook"), ("LOG_LEVEL", "leadgen=loud=very"), ("SERVER_BIND", "here")] {
        let (status, _, errors) = house.run(&[], &[(name, value)])?.end(PATIENCE)?;
        assert_eq!(status.code(), Some(2), "{name}: {errors}");
        assert!(errors.contains(name), "{errors}");
    }
    Ok(())
}

#[test]
fn with_a_token_only_probes_and_the_way_out_are_open() -> Result<()> {
    let house = House::new()?;
    let process = house.run(&["--bind", "0.0.0.0:0"], &[("LEADGEN_SERVER_TOKEN", TOKEN)])?;
    let port: u16 = process.wait_for(PATIENCE, |line| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["address"].as_str()?.rsplit_once(':')?.1.parse().ok()
    })?;
    let server = Server { process, address: SocketAddr::from(([127, 0, 0, 1], port)) };
    server.ready()?;
    let bearer = format!("Authorization: Bearer {TOKEN}");

    for path in ["/healthz", "/readyz", "/u/anything"] {
        assert_eq!(server.get(path)?.status, 200, "{path}");
    }
    for path in ["/metrics", "/", "/api/v1/companies"] {
        let shut = server.get(path)?;
        assert_eq!((shut.status, shut.header("www-authenticate")), (401, Some("Bearer")), "{path}");
    }
    assert_eq!(server.ask("GET", "/metrics", &["Authorization: Bearer bearer-of-the-test"], b"")?.status, 401);
    assert_eq!(server.ask("GET", "/metrics", &[&bearer], b"")?.status, 200);
    Ok(())
}

#[test]
fn a_signal_ends_it_within_seconds_with_code_0() -> Result<()> {
    for signal in ["TERM", "INT"] {
        let house = House::new()?;
        let server = Server::start(&house, &[], &[])?;
        server.ready()?;
        let began = Instant::now();

        server.process.signal(signal)?;
        let (status, lines, errors) = server.process.end(PATIENCE)?;

        assert_eq!(status.code(), Some(0), "{errors}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(lines.iter().any(|line| line.contains("\"event\":\"stopped\"")), "{lines:?}");
    }
    Ok(())
}

#[test]
fn the_probe_of_a_container_tells_by_its_exit_code() -> Result<()> {
    let house = House::new()?;
    let server = Server::start(&house, &[], &[])?;
    server.ready()?;
    let bind = server.address.to_string();

    let (ready, ..) = house.run(&["--probe", "--bind", &bind], &[])?.end(PATIENCE)?;
    server.process.signal("TERM")?;
    server.process.end(PATIENCE)?;
    let (gone, ..) = house.run(&["--probe", "--bind", &bind], &[])?.end(PATIENCE)?;

    assert_eq!((ready.code(), gone.code()), (Some(0), Some(1)));
    Ok(())
}

#[tokio::test]
async fn logs_are_json_lines_without_a_secret_or_a_whole_address() -> Result<()> {
    let (house, message) = House::with_a_draft().await?;
    let more = [&MAILBOX[..], &[("LEADGEN_SERVER_TOKEN", TOKEN), ("LOG_LEVEL", "trace")]].concat();
    let server = Server::start(&house, &[], &more)?;
    server.ready()?;
    let link = link(KEY, message);
    server.ask("POST", &link, &[FORM], ONE_CLICK)?;
    server.ask("GET", "/metrics", &[&format!("Authorization: Bearer {TOKEN}")], b"")?;
    server.process.signal("TERM")?;

    let (_, lines, errors) = server.process.end(PATIENCE)?;

    assert_eq!(errors, "");
    for text in &lines {
        let line: Value = serde_json::from_str(text).with_context(|| text.clone())?;
        for field in ["ts", "level", "stage", "event"] {
            assert!(line[field].is_string(), "{field}: {line}");
        }
    }
    let all = lines.join("\n");
    for hidden in [KEY, OLD_KEY, TOKEN, "app-password-1", RECIPIENT, "studio@firma.ru", link.trim_start_matches("/u/")] {
        assert!(!all.contains(hidden), "{hidden} in {}", lines.iter().find(|line| line.contains(hidden)).cloned().unwrap_or_default());
    }
    assert!(all.contains("one-click refusal"));
    Ok(())
}
