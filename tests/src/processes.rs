//! The binaries as processes: found or built once, started in a folder and an environment of their own, stopped by a signal.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A binary of the workspace, `leadgen` or `leadgen-server`, of the profile that the tests were built with.
///
/// `LEADGEN_BIN_DIR` names a folder with binaries that are ready. Without it cargo is asked, once per test run, to bring
/// them up to date: a test of an older build would be a test of nothing.
pub fn binary(name: &str) -> Result<PathBuf> {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "a setting of the test run, not of the product")]
    if let Ok(dir) = std::env::var("LEADGEN_BIN_DIR") {
        return Ok(Path::new(&dir).join(name));
    }
    let folder = folder()?;
    let built = BUILT.get_or_init(|| build(&folder).map_err(|e| format!("{e:#}")));
    if let Err(why) = built {
        bail!("{name} can't be built: {why}");
    }
    let path = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    if !path.exists() {
        bail!("{} is not there after the build", path.display());
    }
    Ok(path)
}

/// The folder of this profile's binaries: tests lie in its `deps`.
fn folder() -> Result<PathBuf> {
    let test = std::env::current_exe().context("find the test itself")?;
    let folder = test.parent().and_then(Path::parent);
    Ok(folder.context("a test lies in target/<profile>/deps")?.to_owned())
}

fn build(folder: &Path) -> Result<()> {
    let target = folder.parent().context("a profile's folder lies in the target folder")?;
    let profile = match folder.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // Several test binaries may start at once; the second finds everything done.
    let lock = std::fs::File::create(target.join("leadgen-bins.lock")).context("open a lock file")?;
    lock.lock().context("wait for another build")?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--quiet", "--profile", profile, "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .output()
        .context("start cargo")?;
    if !output.status.success() {
        bail!("cargo build: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// A process with nothing of the tester's own environment; its output is gathered line by line.
#[derive(Debug)]
pub struct Process {
    child: Child,
    fresh: Receiver<String>,
    lines: Mutex<Vec<String>>,
    stderr: Option<std::thread::JoinHandle<String>>,
}

impl Process {
    /// Starts a binary in a folder.
    pub fn start(binary: &Path, dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(args).current_dir(dir).env_clear().envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {}", binary.display()))?;
        let (said, fresh) = channel();
        let stdout = child.stdout.take().context("read its output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if said.send(line).is_err() {
                    return;
                }
            }
        });
        let mut stderr = child.stderr.take().context("read its errors")?;
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            drop(stderr.read_to_string(&mut text));
            text
        });
        Ok(Self { child, fresh, lines: Mutex::default(), stderr: Some(stderr) })
    }

    /// Waits for a line of output that `wanted` finds something in.
    pub fn wait_for<T>(&self, within: Duration, wanted: impl Fn(&str) -> Option<T>) -> Result<T> {
        let end = Instant::now() + within;
        loop {
            match self.fresh.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let found = wanted(&line);
                    self.keep(line);
                    if let Some(found) = found {
                        return Ok(found);
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("nothing of that within {within:?}; it said:\n{}", self.lines().join("\n")),
                Err(RecvTimeoutError::Disconnected) => bail!("it ended; it said:\n{}", self.lines().join("\n")),
            }
        }
    }

    /// All lines of output so far.
    pub fn lines(&self) -> Vec<String> {
        while let Ok(line) = self.fresh.try_recv() {
            self.keep(line);
        }
        self.lines.lock().map(|lines| lines.clone()).unwrap_or_default()
    }

    /// Sends a signal by name: `TERM`, `INT`, `KILL`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().context("send a signal")?;
        anyhow::ensure!(sent.success(), "the signal {name} was not taken");
        Ok(())
    }

    /// Waits for the end: how it ended, all lines of output, all errors.
    pub fn end(mut self, within: Duration) -> Result<(ExitStatus, Vec<String>, String)> {
        let end = Instant::now() + within;
        // Its output closes when it ends; nothing needs to be asked again and again.
        loop {
            match self.fresh.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.keep(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("still running after {within:?}; it said:\n{}", self.lines().join("\n")),
            }
        }
        let status = self.child.wait().context("wait for its end")?;
        let stderr = self.stderr.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok((status, self.lines(), stderr))
    }

    fn keep(&self, line: String) {
        if let Ok(mut lines) = self.lines.lock() {
            lines.push(line);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
