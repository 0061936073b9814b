//! The program as a person uses it: commands in a folder of their own, saved result pages in place of a provider.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::processes::{Process, binary};

/// A folder with a database and pages.
#[derive(Debug)]
pub struct Shell {
    folder: TempDir,
    settings: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it said beside that.
    pub err: String,
}

impl Shell {
    /// A shell whose search provider answers from these pages.
    pub fn with_pages(pages: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("pages"))?;
        for (name, page) in pages {
            std::fs::write(folder.path().join("pages").join(name), page)?;
        }
        Ok(Self { folder, settings: vec![] })
    }

    /// Adds a setting to the environment of what follows.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.retain(|(known, _)| known != key);
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// The folder.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Where a file of the folder stands.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }

    /// The database, as a URL.
    pub fn database(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.path("leads.db").display())
    }

    /// Runs a command, whose words are given.
    pub fn run(&self, args: &[&str]) -> Result<Ended> {
        let (home, database) = (self.home().display().to_string(), self.database());
        let pages = format!("{home}/pages");
        let mut env = vec![
            ("DATABASE_URL", database.as_str()),
            ("LEADGEN_SEARCH_PROVIDER", "files"),
            ("LEADGEN_SEARCH_FOLDER", pages.as_str()),
            ("HOME", home.as_str()),
            ("USER", "anna"),
        ];
        env.extend(self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let (status, lines, err) = Process::start(&binary("leadgen")?, self.home(), args, &env)?.end(Duration::from_mins(2))?;
        Ok(Ended { code: status.code().unwrap_or(-1), out: lines.join("\n"), err })
    }

    /// What a command prints that ends well; its words are separated by blanks.
    pub fn says(&self, command: &str) -> Result<String> {
        let ended = self.run(&command.split(' ').collect::<Vec<_>>())?;
        ensure!(ended.code == 0, "leadgen {command}: {}\n{}\n{}", ended.code, ended.out, ended.err);
        Ok(ended.out)
    }

    /// The same, as JSON.
    pub fn json(&self, command: &str) -> Result<Value> {
        let text = self.says(&format!("{command} --json"))?;
        serde_json::from_str(&text).with_context(|| text)
    }
}
