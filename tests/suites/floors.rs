//! The floors of the house: a room may use what is below it, never what is above or beside it. Read from the sources.

use std::path::{Path, PathBuf};

/// Every room of the library and its floor.
const FLOORS: [(&str, u8); 9] = [
    ("error", 1),
    ("domain", 2),
    ("ports", 3),
    ("rules", 3),
    ("pipeline", 4),
    ("actions", 4),
    ("adapters", 4),
    ("testing", 4),
    ("setup", 5),
];

/// What has one source only: the words, and the files that may say them.
const ONE_SOURCE: [(&str, &[&str]); 7] = [
    ("Utc::now", &["leadgen-core/src/ports/clock.rs"]),
    ("SystemTime::now", &["leadgen-core/src/ports/clock.rs"]),
    ("time::sleep(", &["leadgen-core/src/ports/clock.rs"]),
    // Logging begins before the settings are read.
    ("env::var", &["leadgen-core/src/setup/layers.rs", "leadgen-cli/src/output.rs"]),
    ("rand::fill", &["leadgen-core/src/ports/entropy.rs"]),
    ("Uuid::new_v4", &[]),
    // A crawler's client is bound to one address that was looked at before; no shared client can be.
    ("Client::builder()", &["leadgen-core/src/adapters/kit/http.rs", "leadgen-core/src/adapters/web/wire.rs"]),
];

/// A file of ours: its path from the top of the repository, and its text without comments, strings' line breaks and tests.
struct Source {
    path: String,
    code: String,
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository").to_owned()
}

fn sources(folder: &str) -> Vec<Source> {
    let mut all = Vec::new();
    let mut folders = vec![top().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let shown = path.strip_prefix(top()).expect("below the top").to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).expect("a source is text");
                if !is_test(&shown) {
                    all.push(Source { path: shown, code: code_of(&text) });
                }
            }
        }
    }
    assert!(!all.is_empty(), "no sources in {folder}");
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

/// Files that are compiled for tests only.
fn is_test(path: &str) -> bool {
    let inner = path.split_once("/src/").map_or(path, |(_, inner)| inner);
    inner.split('/').any(|part| part == "tests" || part == "tests.rs") || path.ends_with("/golden.rs")
}

/// The code of a file: comment lines go, and so does the module of tests, which stands last.
fn code_of(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// Where paths that begin with `crate::` lead: the first two names of each, groups taken apart.
fn paths(code: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with('$') || code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let heads: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or("").split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        for head in heads.into_iter().filter(|head| !head.is_empty()) {
            let room = name(head);
            let beyond = head[room.len()..].strip_prefix("::").map(name).unwrap_or_default();
            all.push((room, beyond));
        }
    }
    all
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The room a file of the library stands in, and the one within it.
fn room_of(path: &str) -> (String, String) {
    let inner = path.strip_prefix("leadgen-core/src/").expect("a file of the library");
    let mut parts = inner.trim_end_matches(".rs").split('/');
    (parts.next().unwrap_or("").to_owned(), parts.next().unwrap_or("").to_owned())
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

fn stand(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_arrow_points_up_or_sideways() {
    let mut wrong = Vec::new();
    for source in sources("leadgen-core/src") {
        let (room, _) = room_of(&source.path);
        if room == "lib" {
            continue;
        }
        let own = floor(&room).unwrap_or_else(|| panic!("{} stands in a room without a floor", source.path));
        for (to, _) in paths(&source.code) {
            match floor(&to) {
                Some(_) if to == room => {}
                Some(below) if below < own => {}
                Some(_) => wrong.push(format!("{}: {room} uses {to}, which is not below it", source.path)),
                None => wrong.push(format!("{}: uses crate::{to}; the roof holds nothing up", source.path)),
            }
        }
    }
    stand(&wrong);
}

#[test]
fn adapters_share_by_the_kit_only() {
    let mut wrong = Vec::new();
    for source in sources("leadgen-core/src/adapters") {
        let (_, own) = room_of(&source.path);
        if own == "mod" {
            continue;
        }
        let others = paths(&source.code).into_iter().filter(|(room, _)| room == "adapters").map(|(_, adapter)| adapter);
        wrong.extend(others.filter(|to| *to != own && to != "kit").map(|to| format!("{}: names the adapter {to}", source.path)));
        // From adapters/x.rs, `super` is the floor of all adapters; from adapters/x/y.rs, two steps up are.
        let depth = source.path.matches('/').count() - usize::from(source.path.ends_with("/mod.rs")) - 2;
        let up = "super::".repeat(depth);
        for (at, _) in source.code.match_indices(&up) {
            let to = name(&source.code[at + up.len()..]);
            if !to.is_empty() && to != "super" && to != own && to != "kit" {
                wrong.push(format!("{}: {up}{to} leads to another adapter", source.path));
            }
        }
        if own == "kit" {
            let uses = paths(&source.code).into_iter().filter(|(room, to)| room == "adapters" && to != "kit");
            wrong.extend(uses.map(|(_, to)| format!("{}: the kit knows no adapter, not even {to}", source.path)));
        }
    }
    stand(&wrong);
}

#[test]
fn rules_and_domain_need_no_world() {
    let worldly =
        ["async ", ".await", "async_trait", "tokio::", "futures::", "std::fs", "std::process", "std::thread", "TcpStream", "Instant::"];
    let mut wrong = Vec::new();
    for source in ["leadgen-core/src/rules", "leadgen-core/src/domain"].into_iter().flat_map(sources) {
        wrong.extend(worldly.iter().filter(|word| source.code.contains(**word)).map(|word| format!("{}: says {word}", source.path)));
    }
    stand(&wrong);
}

#[test]
fn the_roof_only_shows_what_is_below() {
    let text = std::fs::read_to_string(top().join("leadgen-core/src/lib.rs")).expect("the roof");
    let allowed = ["pub mod ", "pub use ", "#[", "#![", "//"];
    let other: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !allowed.iter().any(|start| line.starts_with(start))).collect();
    assert!(other.is_empty(), "lib.rs holds more than names: {other:?}");
}

#[test]
fn clock_environment_chance_and_clients_have_one_source_each() {
    let mut wrong = Vec::new();
    for source in ["leadgen-core/src", "leadgen-cli/src", "leadgen-server/src", "migrations/src"].into_iter().flat_map(sources) {
        for (words, homes) in ONE_SOURCE {
            if source.code.contains(words) && !homes.contains(&source.path.as_str()) {
                wrong.push(format!("{}: says {words}", source.path));
            }
        }
    }
    stand(&wrong);
}

#[test]
fn programs_are_thin_and_name_no_adapter() {
    let mut wrong = Vec::new();
    for source in ["leadgen-cli/src", "leadgen-server/src"].into_iter().flat_map(sources) {
        if source.code.contains("adapters::") {
            wrong.push(format!("{}: names an adapter", source.path));
        }
        if source.path.ends_with("/main.rs") && source.code.lines().count() > 100 {
            wrong.push(format!("{}: is longer than a page", source.path));
        }
    }
    stand(&wrong);
}

#[test]
fn the_town_depends_on_nothing_of_ours() {
    let manifest = std::fs::read_to_string(top().join("tests/sandbox/Cargo.toml")).expect("the town's manifest");
    let ours = ["leadgen-core", "leadgen-migrations", "leadgen-cli", "leadgen-server"];
    for name in ours {
        assert!(!manifest.contains(name), "the town depends on {name}");
    }
    for source in sources("tests/sandbox/src") {
        assert!(!source.code.contains("leadgen_core"), "{} names the library", source.path);
    }
}

#[test]
fn the_schema_knows_only_itself() {
    let manifest = std::fs::read_to_string(top().join("migrations/Cargo.toml")).expect("the schema's manifest");
    assert!(!manifest.contains("leadgen-core"), "the schema depends on the library");
}
