//! The golden cases through the program itself: what `inspect` prints is what the rules say.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Feeds lines to `leadgen inspect WHAT --jsonl` and reads one answer for each.
fn inspect(what: &str, lines: &[Value]) -> Vec<Value> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = raw(what, &text);
    assert_eq!(answers.len(), lines.len(), "one answer a line");
    answers
}

fn raw(what: &str, text: &str) -> Vec<Value> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_leadgen"))
        .args(["inspect", what, "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn golden(file: &str) -> Vec<Value> {
    let path = format!("{}/../leadgen-core/golden/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs a file of golden cases; `line` makes the input of one, `shown` what of the answer is expected.
fn check(file: &str, what: &str, line: impl Fn(&Value) -> Value, shown: impl Fn(&Value) -> Value) {
    let cases = golden(file);
    assert!(cases.len() >= 10, "{file}");
    let answers = inspect(what, &cases.iter().map(|case| line(&case["input"])).collect::<Vec<_>>());
    for (case, answer) in cases.iter().zip(&answers) {
        assert_eq!(shown(answer), case["expected"], "{}: {} → {answer}", case["name"], case["input"]);
    }
}

#[test]
fn addresses_and_hosts_have_their_golden_forms() {
    check("url_normalization", "url", |input| json!({"url": input}), |answer| answer["url"].clone());
    let hosts = |answer: &Value| json!({"host": answer["host"], "registrable": answer["registrable_domain"]});
    check("domain_normalization", "url", |input| json!({"url": input}), hosts);
}

#[test]
fn names_and_keys_have_their_golden_forms() {
    check("company_name", "company", |input| json!({"name": input}), |answer| answer["normalized"].clone());
    let kind = |key: &str| match key {
        key if key.starts_with("name:") => "name",
        key if inspect_registrable(key) => "domain",
        _ => "host",
    };
    let key = |answer: &Value| match answer["dedupe_key"].as_str() {
        Some(key) => json!({"kind": kind(key), "key": key, "hash": answer["dedupe_hash"]}),
        None => Value::Null,
    };
    check("dedupe_key", "company", |input| json!({"name": input["name"], "domain": input["domain_source"]}), key);
}

fn inspect_registrable(host: &str) -> bool {
    inspect("url", &[json!({"url": host})])[0]["registrable_domain"] == json!(host)
}

#[test]
fn pairs_of_names_are_judged_as_in_the_golden_cases() {
    let line = |input: &Value| json!({"a": {"name": input["a"], "region": input["region_a"]}, "b": {"name": input["b"], "region": input["region_b"]}});
    let cases = golden("company_name_fuzzy");
    let answers = inspect("match", &cases.iter().map(|case| line(&case["input"])).collect::<Vec<_>>());
    for (case, answer) in cases.iter().zip(&answers) {
        assert_eq!(answer["same"], case["expected"]["match"], "{} {answer}", case["name"]);
        for (ours, theirs) in [("jaro_winkler", "jaro_winkler"), ("levenshtein", "normalized_levenshtein")] {
            let (got, expected) = (answer["features"][ours].as_f64().unwrap(), case["expected"][theirs].as_f64().unwrap());
            assert!((got - expected).abs() < 0.0001, "{} {ours}: {got}, not {expected}", case["name"]);
        }
    }
}

#[test]
fn a_bad_line_is_answered_and_the_rest_go_on() {
    let answers = raw("url", "{\"url\":\"denta-lux.ru\"}\nnonsense\n[1]\n\n{\"url\":\"ftp://x.ru\"}\n{}\n");
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["url"], "https://denta-lux.ru/");
    assert!(answers[1]["error"].as_str().unwrap().starts_with("bad_json: "));
    assert!(answers[2]["error"].as_str().unwrap().starts_with("bad_json: "));
    let empty =
        json!({"input": "ftp://x.ru", "url": null, "home": null, "host": null, "registrable_domain": null, "error": answers[3]["error"]});
    assert_eq!(answers[3], empty, "fields that are not known are null, not left out");
    assert!(answers[3]["error"].as_str().unwrap().starts_with("invalid_url: "));
    assert_eq!(inspect("serp", &[json!({"path": "no/such/file.xml"})])[0]["results"], json!([]));
    assert!(inspect("match", &[json!({"a": {}})])[0]["error"].as_str().unwrap().starts_with("bad_input: "));
}
