//! `--jsonl`: JSON lines in on stdin, one JSON line out for each, in order, flushed. A bad line is answered and the rest go on;
//! an empty one is passed over. An answer that is an error says which line it is of.

use std::io::{BufRead, Read, Result as IoResult, Write};

use leadgen_core::error::{Error, ErrorKind, Result as CoreResult};
use leadgen_core::rules::harvest;
use serde_json::{Value, json};

use crate::output::End;

/// The longest line.
const LONGEST: usize = 64 * 1024 * 1024;

/// Answers every line of stdin.
pub(super) fn each(mut answer: impl FnMut(&Value) -> Value) -> anyhow::Result<End> {
    let mut stdin = std::io::stdin().lock();
    let mut stdout = std::io::stdout().lock();
    let mut line = Vec::new();
    let mut number = 0_u64;
    while next(&mut stdin, LONGEST, &mut line)? {
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut answer = match read(&line) {
            Ok(value) => answer(&value),
            Err(why) => json!({"error": format!("bad_json: {why}")}),
        };
        // A file of thousands is mended line by line.
        if !answer["error"].is_null() {
            answer["line"] = json!(number);
        }
        serde_json::to_writer(&mut stdout, &answer)?;
        stdout.write_all(b"\n")?;
        stdout.flush()?;
    }
    Ok(End::Done)
}

/// Reads a line; whether there was one. Of one that is too long a byte more than the longest is kept, and the rest is passed over.
fn next(input: &mut impl BufRead, longest: usize, line: &mut Vec<u8>) -> IoResult<bool> {
    line.clear();
    let read = input.by_ref().take(longest as u64 + 1).read_until(b'\n', line)?;
    if read > longest && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

fn read(line: &[u8]) -> Result<Value, String> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    if line.len() > LONGEST {
        return Err(format!("the line is too long; at most {LONGEST} bytes are read"));
    }
    let value: Value = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    if value.is_object() { Ok(value) } else { Err("an object is needed".into()) }
}

/// A field as text: strings as they are, numbers as they are written, everything else empty.
pub(super) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A field that is text; it has to be there.
pub(super) fn needed(value: &Value, field: &str) -> CoreResult<String> {
    match &value[field] {
        Value::String(_) | Value::Number(_) => Ok(text(value, field)),
        _ => Err(Error::new(ErrorKind::Malformed, format!("read {field:?}")).code("bad_input").detail("the field is needed, as text")),
    }
}

/// A field that is a country; a missing or an empty one is none.
pub(super) fn country(value: &Value, field: &str) -> CoreResult<Option<String>> {
    let given = text(value, field);
    if given.is_empty() && matches!(value[field], Value::Null | Value::String(_)) {
        return Ok(None);
    }
    let bad = || {
        let error = Error::new(ErrorKind::Malformed, format!("read {field:?}")).code(format!("bad_{field}"));
        error.detail(format!("{} is no country: two letters are needed, as in RU, KZ or DE", value[field]))
    };
    harvest::country_code(&given).map(Some).ok_or_else(bad)
}

/// A field that is a file's name.
pub(super) fn path(value: &Value) -> CoreResult<String> {
    let bad = || Error::new(ErrorKind::Malformed, "read \"path\"").code("bad_path").detail("the name of a file is needed, as text");
    value["path"].as_str().filter(|path| !path.is_empty()).map(str::to_owned).ok_or_else(bad)
}

/// A field that is a whole number within a range; a missing one is the usual one.
pub(super) fn whole(value: &Value, field: &str, usual: u64, most: u64) -> CoreResult<u64> {
    let bad = || {
        let error = Error::new(ErrorKind::Malformed, format!("read {field:?}")).code("bad_number");
        error.detail(format!("{} is no whole number from 0 to {most}", value[field]))
    };
    match &value[field] {
        Value::Null => Ok(usual),
        given => given.as_u64().filter(|given| *given <= most).ok_or_else(bad),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn of_a_line_that_is_too_long_no_more_than_its_bound_is_kept_and_the_next_one_is_read() {
        let mut input: &[u8] = b"123456789\n1234\n12345\nend";
        let mut line = Vec::new();
        let mut all = Vec::new();
        while next(&mut input, 5, &mut line).unwrap() {
            all.push(String::from_utf8(line.clone()).unwrap());
        }
        assert_eq!(all, ["123456", "1234\n", "12345\n", "end"]);
    }
}
