//! What the town's servers saw, a line of JSON each, readable after any of them died.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Adds a line and gives the file back, for a server that must be sure of it before it answers.
///
/// The line and its end are one write: several servers, and several requests of one, add at the same moment.
pub(crate) fn append(log: &Path, seen: &impl Serialize) -> io::Result<File> {
    let mut line = serde_json::to_vec(seen)?;
    line.push(b'\n');
    let mut file = File::options().create(true).append(true).open(log)?;
    file.write_all(&line)?;
    Ok(file)
}

/// All lines that were written to their end.
pub(crate) fn read<T: DeserializeOwned>(log: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    #[test]
    fn lines_that_are_added_at_the_same_moment_are_all_there() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("seen.jsonl");
        std::thread::scope(|threads| {
            for writer in 0..8 {
                let log = &log;
                threads.spawn(move || (0..200).for_each(|n| drop(super::append(log, &(writer, n)).unwrap())));
            }
        });

        assert_eq!(super::read::<(u32, u32)>(&log).len(), 8 * 200);
    }
}
