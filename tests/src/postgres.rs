//! A PostgreSQL of the tests' own: one throw-away cluster per test binary, one database per test.
//!
//! The cluster is made from the programs on the machine, listens on a socket in a folder of its own and on no port, and
//! belongs to nobody else. A keeper process runs it as long as the test binary lives: when that ends, even killed, the
//! keeper's standard input closes and it takes server and folder away.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use leadgen_core::adapters::sql::{LeaseClock, Settings, SqlStore};
use leadgen_core::error::Result;
use leadgen_migrations::sea_orm::{ConnectionTrait, DatabaseConnection};

/// The name every cluster's databases are copied from: empty but for the schema.
const TEMPLATE: &str = "leadgen_template";
/// Whom the server runs as if the tests run as root, which it refuses.
const UNPRIVILEGED: &str = "nobody";
/// What that user's ids are where the machine does not say.
const NOBODY: (u32, u32) = (65_534, 65_534);

/// A running cluster.
#[derive(Debug)]
struct Cluster {
    folder: PathBuf,
    /// It ends when its standard input closes: with this process.
    _keeper: Child,
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static MIGRATED: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The URL of a new database with nothing in it; `None`, said aloud, where there is no PostgreSQL.
///
/// With `LEADGEN_TEST_POSTGRES=required` that is a failure.
pub async fn empty() -> Option<String> {
    let cluster = cluster()?;
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    cluster.admin(&format!("CREATE DATABASE {name}")).await;
    Some(cluster.url(&name))
}

/// The URL of a new database whose schema is up to date; `None` as in [`empty`].
pub async fn migrated() -> Option<String> {
    let cluster = cluster()?;
    MIGRATED.get_or_init(|| cluster.make_template()).await;
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    cluster.admin(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await;
    Some(cluster.url(&name))
}

/// Connects a store whose leases the given clock counts, with few connections: a test has many stores.
pub async fn store(url: &str, lease_clock: LeaseClock) -> Result<SqlStore> {
    SqlStore::connect(Settings { max_connections: 4, lease_clock, ..Settings::new(url) }).await
}

/// The cluster of this process, started by whoever asks first.
fn cluster() -> Option<&'static Cluster> {
    let cluster = CLUSTER.get_or_init(|| programs().map(|bin| start(&bin)));
    if cluster.is_none() {
        assert!(!is_required(), "LEADGEN_TEST_POSTGRES=required, but initdb and postgres were not found");
        skip();
    }
    cluster.as_ref()
}

fn is_required() -> bool {
    std::env::var_os("LEADGEN_TEST_POSTGRES").is_some_and(|word| word == "required")
}

/// Says so past the harness, which keeps what passing tests print to itself.
fn skip() {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped: PostgreSQL not found ({test})");
}

/// The folder with `initdb`, `pg_ctl` and `postgres`: in `PATH`, where Debian keeps it, or where `pg_config` says.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    if let Ok(told) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    }
    folders.into_iter().find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file()))
}

fn start(bin: &Path) -> Cluster {
    // A short path: the name of a socket holds about a hundred characters.
    let parent = if Path::new("/tmp").is_dir() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix("leadgen-pg-").tempdir_in(parent).expect("a folder for the cluster").keep();
    let mut keeper = Command::new("sh");
    keeper.args(["-c", include_str!("postgres.sh"), "keeper"]).arg(bin).arg(&folder).current_dir(&folder);
    if std::fs::metadata(&folder).expect("the folder just made").uid() == 0 {
        let (user, group) = unprivileged();
        std::os::unix::fs::chown(&folder, Some(user), Some(group)).expect("hand the folder over");
        keeper.uid(user).gid(group);
    }
    // A group of its own: an interrupt from the keyboard is for the tests, which then end the keeper.
    keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut keeper = keeper.spawn().expect("start the keeper");
    let mut said = BufReader::new(keeper.stdout.take().expect("it is piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("read what the keeper says");
    if line.trim() != "ready" {
        said.read_to_string(&mut line).expect("read what the keeper says");
        panic!("PostgreSQL in {} did not start: {line}", bin.display());
    }
    Cluster { folder, _keeper: keeper }
}

fn unprivileged() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find_map(|line| line.strip_prefix(UNPRIVILEGED)?.strip_prefix(':'));
    let ids = line.and_then(|rest| {
        let mut cells = rest.split(':').skip(1);
        Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
    });
    ids.unwrap_or(NOBODY)
}

impl Cluster {
    fn url(&self, database: &str) -> String {
        format!("postgres://leadgen@localhost/{database}?host={}", self.folder.display())
    }

    async fn open(&self, database: &str) -> DatabaseConnection {
        SqlStore::open(&Settings { max_connections: 2, ..Settings::new(self.url(database)) })
            .await
            .expect("connect to the throw-away cluster")
    }

    async fn admin(&self, statement: &str) {
        let db = self.open("postgres").await;
        db.execute_unprepared(statement).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
        db.close().await.expect("close the connection");
    }

    async fn make_template(&self) {
        self.admin(&format!("CREATE DATABASE {TEMPLATE}")).await;
        let db = self.open(TEMPLATE).await;
        leadgen_migrations::up(&db).await.expect("migrate the template");
        db.close().await.expect("a template must not be in use");
    }
}
