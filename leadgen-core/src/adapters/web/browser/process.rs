//! The browser as a process: started with nothing but what it needs, ended with all that it started.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::error::{Error, ErrorKind, Result};

use super::pipe::Pipe;
use super::{Sandbox, Settings};
use crate::adapters::web::fetcher::agent;

/// The shell puts the two pipes where Chromium looks for them; what it prints by itself goes nowhere.
const PLUG: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null"#;
/// Where programs lie; nothing else of our environment is handed on, keys and passwords least of all.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How much of what it complained about is told.
const COMPLAINT: usize = 300;

/// No traffic but what is held and answered (a proxy whose name leads nowhere, no way round it, no datagrams), no service of
/// its own, nothing shown, nothing kept.
const FLAGS: [&str; 26] = [
    "--headless",
    "--remote-debugging-pipe",
    "--proxy-server=http://nowhere.invalid:9",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--no-first-run",
    "--no-startup-window",
    "--no-pings",
    "--password-store=basic",
    "--js-flags=--max-old-space-size=256",
    // All frames of a page in one process, whose requests are all seen; plain addresses stay plain.
    "--disable-features=IsolateOrigins,site-per-process,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,HttpsFirstModeV2,MediaRouter,OptimizationHints,Translate",
];

/// A running browser.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    profile: Option<TempDir>,
}

impl Process {
    /// Starts it. The pipes are its only ties to the outside; it ends when they do.
    pub(super) fn start(settings: &Settings) -> Result<(Self, Pipe<ChildStdout, ChildStdin>)> {
        let failed = || Error::new(ErrorKind::Config, format!("start {}", settings.program.display())).code("browser_failed");
        if !settings.program.is_file() {
            return Err(failed().code("browser_missing").detail("there is no such file"));
        }
        let mut profile = tempfile::Builder::new();
        profile.prefix("leadgen-browser-");
        let profile = match &settings.folder {
            Some(folder) => profile.tempdir_in(folder),
            None => profile.tempdir(),
        };
        let profile = profile.map_err(|e| failed().because(e))?;
        let complaints = File::create(complaints(&profile)).map_err(|e| failed().because(e))?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", PLUG, "sh"]).arg(&settings.program).args(FLAGS);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.arg(format!("--user-agent={}", agent(&settings.contact)));
        if settings.sandbox == Sandbox::Off {
            command.arg("--no-sandbox");
        }
        command.env_clear().env("PATH", PATH).env("HOME", profile.path()).current_dir(profile.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(complaints);
        // A group of its own: whatever it starts is ended with it.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| failed().because(e))?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pipes = child.stdout.take().zip(child.stdin.take());
        let process = Self { child, group, profile: Some(profile) };
        let (out, into) = pipes.ok_or_else(failed)?;
        Ok((process, Pipe::new(out, into)))
    }

    /// Ends it, and gives what it was used for; if it went away by itself, with what it said.
    pub(super) async fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        self.kill();
        let _ = self.child.wait().await;
        let Some(profile) = self.profile.take() else { return outcome };
        let said = outcome.as_ref().err().map(|_| complaint(&profile)).unwrap_or_default();
        // Its files go where nobody waits for the disk.
        let _ = tokio::task::spawn_blocking(move || profile.close()).await;
        outcome.map_err(|error| if said.is_empty() { error } else { error.detail(advice(&said)) })
    }

    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn complaints(profile: &TempDir) -> std::path::PathBuf {
    Path::new(profile.path()).join("complaints.txt")
}

/// The last line that it wrote as an error.
fn complaint(profile: &TempDir) -> String {
    let all = std::fs::read(complaints(profile)).unwrap_or_default();
    let all = String::from_utf8_lossy(&all);
    let lines = all.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines.clone().rfind(|line| line.contains("sandbox")).or_else(|| lines.clone().rfind(|line| line.contains("FATAL")));
    said.or_else(|| lines.clone().next_back()).unwrap_or_default().chars().take(COMPLAINT).collect()
}

/// What can be done about it.
fn advice(said: &str) -> String {
    if said.contains("sandbox") {
        format!("{said}; run as an ordinary user, or set LEADGEN_WEB_BROWSER_SANDBOX=false if this machine may do without")
    } else {
        said.to_owned()
    }
}
