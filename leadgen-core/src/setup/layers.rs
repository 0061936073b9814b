//! Where settings come from: defaults, `leadgen.toml`, `.env`, the environment, flags. Later wins, and every value
//! remembers its origin. This is the only place that reads the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::setup::keys::{KEYS, Key};

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A file: `leadgen.toml` or `.env`.
    File(String),
    /// The process environment.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(path),
            Self::Environment => f.write_str("environment"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// All values as text, each with its origin. An empty value means unset.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    values: BTreeMap<&'static str, (String, Origin)>,
    problems: Vec<String>,
}

impl Layers {
    /// The defaults alone.
    pub fn defaults() -> Self {
        let mut layers = Self::default();
        for key in KEYS {
            if !key.default.is_empty() {
                layers.values.insert(key.env, (key.default.to_owned(), Origin::Default));
            }
        }
        layers
    }

    /// Defaults, then `leadgen.toml` and `.env` of the working folder (or the named file), then the environment.
    pub fn load(config: Option<&Path>) -> Result<Self> {
        let mut layers = Self::defaults();
        let toml = config.unwrap_or(Path::new("leadgen.toml"));
        match std::fs::read_to_string(toml) {
            Ok(text) => layers.toml(&text, &toml.display().to_string())?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && config.is_none() => {}
            Err(e) => return Err(Error::new(ErrorKind::Config, format!("read {}", toml.display())).code("config_unreadable").because(e)),
        }
        match std::fs::read_to_string(".env") {
            Ok(text) => layers.dotenv(&text, ".env"),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::new(ErrorKind::Config, "read .env").code("config_unreadable").because(e)),
        }
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        for (name, value) in std::env::vars_os() {
            let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else { continue };
            layers.variable(&name, value, &Origin::Environment);
        }
        Ok(layers)
    }

    /// Sets one value by its environment name, as a flag does.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>, origin: &Origin) -> Self {
        self.variable(name, value.into(), origin);
        self
    }

    /// Reads `KEY=value` lines: `#` comments, optional `export`, optional quotes.
    pub fn dotenv(&mut self, text: &str, origin: &str) {
        for line in text.lines() {
            let line = line.trim().trim_start_matches("export ");
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                self.problems
                    .push(format!("{origin}: no '=' in the line that starts with {:?}", line.chars().take(12).collect::<String>()));
                continue;
            };
            self.variable(name.trim(), unquote(value.trim()), &Origin::File(origin.to_owned()));
        }
    }

    /// Reads the sections of a TOML file. Unknown keys are problems.
    pub fn toml(&mut self, text: &str, origin: &str) -> Result<()> {
        let table: toml::Table = text
            .parse()
            .map_err(|e: toml::de::Error| Error::new(ErrorKind::Config, format!("read {origin}")).code("config_invalid").because(e))?;
        let mut flat = Vec::new();
        flatten(&table, "", &mut flat);
        for (path, value) in flat {
            match KEYS.iter().find(|key| key.toml == path) {
                Some(key) => self.put(key, value, &Origin::File(origin.to_owned())),
                None => self.problems.push(format!("{origin}: unknown key {path}{}", nearest(&path, LIKE))),
            }
        }
        Ok(())
    }

    /// The value of a key, if it is set.
    pub fn text(&self, env: &str) -> Option<&str> {
        self.values.get(env).map(|(value, _)| value.as_str())
    }

    /// Where a key was set.
    pub fn origin(&self, env: &str) -> Origin {
        self.values.get(env).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// What could not be read, for one report of everything at once.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Every key with its value and origin; secrets masked.
    pub fn shown(&self) -> Vec<(&'static Key, String, Origin)> {
        KEYS.iter()
            .map(|key| {
                let value = match self.text(key.env) {
                    Some(_) if key.secret => "***".to_owned(),
                    Some(value) if key.env == "DATABASE_URL" => without_password(value),
                    Some(value) => value.to_owned(),
                    None => String::new(),
                };
                (key, value, self.origin(key.env))
            })
            .collect()
    }

    /// Everything that must never be printed, wherever it turns up: for the writers of logs.
    pub fn secrets(&self) -> Vec<String> {
        let of_keys = KEYS.iter().filter(|key| key.secret).filter_map(|key| self.text(key.env)).flat_map(|value| value.split([',', '\n']));
        let database = self.text("DATABASE_URL").and_then(|url| url::Url::parse(url).ok());
        let password = database.as_ref().and_then(url::Url::password).map(str::to_owned);
        let all = of_keys.map(|secret| secret.trim().to_owned()).chain(password);
        all.filter(|secret| secret.chars().count() >= LEAST_SECRET).collect()
    }

    fn variable(&mut self, name: &str, value: String, origin: &Origin) {
        if let Some(key) = KEYS.iter().find(|key| key.env == name || key.old_names.contains(&name)) {
            self.put(key, value, origin);
        } else if name.starts_with("LEADGEN_") && !FOREIGN.contains(&name) {
            self.problems.push(format!("{origin}: unknown setting {name}{}", nearest(name, LIKE)));
        } else if matches!(origin, Origin::File(_)) && !nearest(name, SLIP_OF_A_FINGER).is_empty() {
            // A file may serve other programs too; what is one letter away from a name of ours was meant for us.
            self.problems.push(format!("{origin}: unknown setting {name}{}", nearest(name, SLIP_OF_A_FINGER)));
        }
    }

    fn put(&mut self, key: &'static Key, value: String, origin: &Origin) {
        if value.trim().is_empty() {
            return;
        }
        self.values.insert(key.env, (value, origin.clone()));
    }
}

/// Shorter values would tear holes into ordinary words.
const LEAST_SECRET: usize = 4;

/// Names of our prefix that belong to tests and tools, not to the settings.
const FOREIGN: [&str; 6] =
    ["LEADGEN_CORPUS", "LEADGEN_TEST_POSTGRES", "LEADGEN_BIN_DIR", "LEADGEN_FUZZ_SECONDS", "LEADGEN_CRASH_KILLS", "LEADGEN_CRASH_SEED"];

fn unquote(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    // A comment after an unquoted value starts at " #".
    value.split(" #").next().unwrap_or(value).trim_end().to_owned()
}

fn flatten(table: &toml::Table, prefix: &str, into: &mut Vec<(String, String)>) {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => flatten(inner, &path, into),
            toml::Value::String(text) => into.push((path, text.clone())),
            toml::Value::Array(items) => {
                let texts: Vec<String> = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
                into.push((path, texts.join("\n")));
            }
            other => into.push((path, other.to_string())),
        }
    }
}

/// How alike names are (Jaro–Winkler, 0 to 1) of which one may stand for the other.
const LIKE: f64 = 0.85;
/// How alike they are when one is the other mistyped.
const SLIP_OF_A_FINGER: f64 = 0.96;

fn nearest(name: &str, least: f64) -> String {
    KEYS.iter()
        .flat_map(|key| [key.env, key.toml])
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(score, _)| *score > least)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, known)| format!(" (did you mean {known}?)"))
}

/// An address whose password, if it has one, is not shown.
fn without_password(address: &str) -> String {
    let Ok(mut url) = url::Url::parse(address) else { return address.to_owned() };
    if url.password().is_none() {
        return address.to_owned();
    }
    match url.set_password(Some("***")) {
        Ok(()) => url.to_string(),
        Err(()) => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_later_layer_wins_and_says_where_it_stands() {
        let mut layers = Layers::defaults();
        layers.toml("[yandex]\nspacing_seconds = 60\n", "leadgen.toml").unwrap();
        layers.dotenv("# night\nexport YANDEX_SPACING_SECONDS='75'\n", ".env");
        let layers = layers.with("SEND_WINDOW", "10:00-17:00", &Origin::Flag);

        assert_eq!(layers.text("YANDEX_SPACING_SECONDS"), Some("75"));
        assert_eq!(layers.origin("YANDEX_SPACING_SECONDS"), Origin::File(".env".into()));
        assert_eq!(layers.origin("SEND_WINDOW"), Origin::Flag);
        assert_eq!(layers.origin("SEND_WEEKDAYS"), Origin::Default);
    }

    #[test]
    fn an_empty_value_means_unset() {
        let mut layers = Layers::defaults();
        layers.dotenv("YANDEX_SPACING_SECONDS=\n", ".env");
        assert_eq!(layers.text("YANDEX_SPACING_SECONDS"), Some("45"));
    }

    #[test]
    fn an_unknown_key_is_a_problem_with_a_hint() {
        let mut layers = Layers::defaults();
        layers.toml("[yandex]\nspacing_second = 60\n", "leadgen.toml").unwrap();
        assert_eq!(layers.problems(), ["leadgen.toml: unknown key yandex.spacing_second (did you mean yandex.spacing_seconds?)"]);
    }

    #[test]
    fn the_password_within_a_database_url_is_a_secret_too() {
        let layers = Layers::defaults().with("DATABASE_URL", "postgres://leadgen:sesam-7@db/leadgen", &Origin::Environment).with(
            "LEADGEN_TOKEN_KEYS_OLD",
            "first old key, second",
            &Origin::Environment,
        );
        assert_eq!(layers.secrets(), ["first old key", "second", "sesam-7"]);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let layers = Layers::defaults().with("YANDEX_PASS", "geheim", &Origin::Environment);
        assert!(layers.shown().iter().all(|(_, value, _)| !value.contains("geheim")));
    }
}
