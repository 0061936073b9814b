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
    passed(file, what, cases.len());
}

fn passed(file: &str, what: &str, count: usize) {
    println!("{file}: {count} of {count} cases pass through `leadgen inspect {what} --jsonl`");
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
    passed("company_name_fuzzy", "match", cases.len());
}

/// What only the pipeline's own rule says: a slip is not forgiven where one place is unknown, a person is asked.
#[test]
fn a_pair_is_judged_as_the_pipeline_ties_it() {
    let side = |name: &str, region: &str| json!({"name": name, "region": region});
    let pair = |one: Value, other: Value| json!({"a": one, "b": other});
    let answers = inspect(
        "match",
        &[
            pair(side("Стройкомплект", "Казань"), side("Стройкомплкт", "")),
            pair(side("Стройкомплект", "Казань"), side("Стройкомплкт", "Казань")),
            pair(side("Стройкомплект", "Казань"), side("Стройкомплект", "")),
        ],
    );
    let told: Vec<_> = answers.iter().map(|answer| (answer["verdict"].as_str().unwrap(), answer["same"].as_bool().unwrap())).collect();
    assert_eq!(told, [("grey", false), ("same", true), ("same", true)]);
}

/// The vectors of the public suffix list's own makers, and those of the web platform that name a host a firm may have.
#[test]
fn hosts_are_those_of_the_public_suffix_list_s_and_the_web_platform_s_vectors() {
    check("url_hosts", "url", |input| json!({"url": input}), |answer| answer["host"].clone());
    let path = format!("{}/../leadgen-core/golden/public_suffix.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vec<(&str, &str)> = text.lines().filter(|line| !line.starts_with("//")).filter_map(|line| line.split_once(' ')).collect();
    let answers = inspect("url", &vectors.iter().map(|(host, _)| json!({"url": host})).collect::<Vec<_>>());
    for ((host, expected), answer) in vectors.iter().zip(&answers) {
        let same = inspect("url", &[json!({"url": expected})])[0]["host"].clone();
        assert_eq!(answer["registrable_domain"], if *expected == "null" { Value::Null } else { same }, "{host}");
    }
    passed("public_suffix", "url", vectors.len());
}

#[test]
fn a_bad_line_is_answered_and_the_rest_go_on() {
    let answers = raw("url", "{\"url\":\"denta-lux.ru\"}\nnonsense\n[1]\n\n{\"url\":\"ftp://x.ru\"}\n{}\n");
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["url"], "https://denta-lux.ru/");
    assert!(answers[0]["suffix_list"].as_str().unwrap().starts_with("20"), "the date of the shipped list: {}", answers[0]);
    assert!(answers[1]["error"].as_str().unwrap().starts_with("bad_json: "));
    assert!(answers[2]["error"].as_str().unwrap().starts_with("bad_json: "));
    let empty = json!({"input": "ftp://x.ru", "url": null, "home": null, "host": null, "registrable_domain": null,
        "suffix_list": answers[0]["suffix_list"], "error": answers[3]["error"], "line": 5});
    assert_eq!(answers[3], empty, "fields that are not known are null, not left out");
    assert!(answers[3]["error"].as_str().unwrap().starts_with("invalid_url: "));
    assert_eq!(inspect("serp", &[json!({"path": "no/such/file.xml"})])[0]["results"], json!([]));
    assert!(inspect("match", &[json!({"a": {}})])[0]["error"].as_str().unwrap().starts_with("bad_input: "));
}

/// What a case expects of an answer that is an error: its code.
#[test]
fn numbers_and_paths_that_are_none_are_named_and_not_guessed() {
    for (what, line, code) in [
        ("query", json!({"niche": "окна", "max_queries": -1}), "bad_number: "),
        ("query", json!({"text": "окна", "region_code": "Казань"}), "bad_number: "),
        ("query", json!({"niche": "окна", "now": "9999-12-31T23:00:00Z"}), "bad_time: "),
        ("night", json!({"count": 1e30}), "bad_number: "),
        ("night", json!({"count": 99_999_999_999_u64}), "bad_number: "),
        ("serp", json!({"path": 5}), "bad_path: "),
        ("page", json!({"path": ["a"]}), "bad_path: "),
    ] {
        let answers = inspect(what, &[line.clone(), line.clone()]);
        for answer in answers {
            assert!(answer["error"].as_str().is_some_and(|error| error.starts_with(code)), "{what} {line}: {answer}");
        }
    }
}

fn code(answer: &Value) -> Value {
    json!({"error": answer["error"].as_str().unwrap_or("").split(':').next()})
}

#[test]
fn sets_of_queries_their_hashes_and_their_regions_are_the_golden_ones() {
    check("query_set", "query", Value::clone, |answer| {
        let pair = |query: &Value| json!({"trigger": query["trigger"], "query_text": query["text"]});
        let lines = || answer["queries"].as_array().unwrap().iter().map(pair).collect();
        if answer["error"].is_null() { Value::Array(lines()) } else { code(answer) }
    });
    let hash = |input: &Value| json!({"text": input["query_text"], "region_code": input["region_code"]});
    check("query_hash", "query", hash, |answer| answer["queries"][0]["hash"].clone());
    let place = |input: &Value| json!({"niche": "окна", "city": input["city"], "country": input["country"]});
    check("region_resolution", "query", place, |answer| answer["queries"][0]["region_code"].clone());
}

#[test]
fn texts_of_queries_are_the_golden_ones() {
    let cases = golden("query_text");
    let line = |case: &Value| {
        let mut input = case["input"].clone();
        input["triggers"] = json!([input["trigger"].as_str().unwrap_or("")]);
        input
    };
    let answers = inspect("query", &cases.iter().map(line).collect::<Vec<_>>());
    for (case, answer) in cases.iter().zip(&answers) {
        let queries = answer["queries"].as_array().unwrap();
        // A variant over the limits is left out of its set; the core over them is an error of the whole.
        let is_left_out = answer["error"].is_null() && case["expected"]["error"] == "query_too_long";
        match (is_left_out, answer["error"].is_null()) {
            (true, _) => assert_eq!(queries.len(), 1, "{}: only the core is left: {answer}", case["name"]),
            (false, true) => assert_eq!(queries.last().unwrap()["text"], case["expected"], "{}", case["name"]),
            (false, false) => assert_eq!(code(answer), case["expected"], "{}", case["name"]),
        }
    }
}

#[test]
fn nights_and_their_slots_are_the_golden_ones() {
    let cases = golden("night_window");
    let answers = inspect("night", &cases.iter().map(|case| case["input"].clone()).collect::<Vec<_>>());
    for (case, answer) in cases.iter().zip(&answers) {
        for (field, expected) in case["expected"].as_object().unwrap() {
            assert_eq!(answer[field], *expected, "{} {field}", case["name"]);
        }
    }
    let cases = golden("night_slots");
    let answers = inspect("night", &cases.iter().map(|case| case["input"].clone()).collect::<Vec<_>>());
    for (case, answer) in cases.iter().zip(&answers) {
        if !answer["error"].is_null() {
            assert_eq!(code(answer), case["expected"], "{}", case["name"]);
            continue;
        }
        let slots = answer["slots"].as_array().unwrap();
        assert_eq!(json!(slots.len()), case["expected"]["count"], "{}", case["name"]);
        for (index, expected) in case["expected"]["slots"].as_object().unwrap() {
            assert_eq!(slots[index.parse::<usize>().unwrap()], *expected, "{} slot {index}", case["name"]);
        }
    }
}

/// How `leadgen inspect` ends by arguments, and its first answer.
fn end(args: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_leadgen")).arg("inspect").args(args).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), said.lines().next().map_or(Value::Null, |line| serde_json::from_str(line).unwrap()))
}

#[test]
fn an_argument_that_can_not_be_answered_ends_in_one_and_one_of_two_in_four() {
    let (code, said) = end(&["serp", "no/such/file.xml"]);
    assert!(code == Some(1) && said.to_string().contains("file_unreadable: no/such/file.xml"), "{code:?} {said}");
    assert_eq!(end(&["url", "denta-lux.ru"]).0, Some(0));
    assert_eq!(end(&["url", "denta-lux.ru", "ftp://x.ru"]).0, Some(4));
    assert_eq!(end(&["query", ""]).0, Some(1));
}

#[test]
fn an_argument_that_can_not_be_meant_is_named_and_ends_in_two() {
    let page = std::env::temp_dir().join(format!("leadgen-inspect-{}.html", std::process::id()));
    std::fs::write(&page, "<p>info@firma.ru").unwrap();
    let (page, dir) = (page.display().to_string(), env!("CARGO_MANIFEST_DIR"));
    for (args, code, field) in [
        (&["page", page.as_str(), "--url", "not a url"][..], "bad_url: ", "\"url\""),
        (&["page", page.as_str(), "--url", "ftp://firma.ru/"], "bad_url: ", "\"url\""),
        (&["site", dir, "--domain", "///"], "bad_domain: ", "\"domain\""),
        (&["site", dir, "--country", "ZZ"], "bad_country: ", "\"country\""),
        (&["phone", "8 495 204-51-38", "--region", "Россия"], "bad_region: ", "\"region\""),
        (&["requisite", "iban", "1"], "bad_kind: ", "\"kind\""),
    ] {
        let (ended, answer) = end(args);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(ended == Some(2) && error.starts_with(code) && error.contains(field), "{args:?}: {ended:?} {answer}");
    }
    for url in ["firma.ru", "https://firma.ru/kontakty", "http://firma.ru:8080/"] {
        assert_eq!(end(&["page", &page, "--url", url]).0, Some(0), "{url}");
    }
    std::fs::remove_file(&page).unwrap();
    // A cell that is no number is an answer; a text without one leaves nothing to show.
    let (ended, answer) = end(&["phone", "--value", "позвоните"]);
    assert!(ended == Some(1) && answer["error"].as_str().unwrap().starts_with("invalid_phone: could not read \"value\""), "{answer}");
    let (ended, answer) = end(&["phone", "позвоните"]);
    assert_eq!((ended, &answer["reason"], &answer["error"]), (Some(3), &json!("no_number"), &Value::Null));
}

#[test]
fn a_line_without_its_fields_is_told_which_one_is_missing_and_where() {
    for (what, line, field) in [
        ("url", json!({}), "url"),
        ("email", json!({}), "email"),
        ("email", json!({"email": ["a@b.ru"]}), "email"),
        ("phone", json!({}), "text"),
        ("phone", json!({"value": {}}), "value"),
        ("requisite", json!({"value": "7707083893"}), "kind"),
        ("requisite", json!({"kind": "inn"}), "value"),
        ("robots", json!({"url": "/"}), "robots"),
        ("robots", json!({"robots": ""}), "url"),
        ("target", json!({}), "url"),
        ("site", json!({}), "dir"),
        ("page", json!({}), "path"),
    ] {
        let answers = raw(what, &format!("\n{line}\n"));
        let error = answers[0]["error"].as_str().unwrap_or_default();
        assert!(error.starts_with("bad_") && error.contains(&format!("could not read \"{field}\"")), "{what} {line}: {}", answers[0]);
        assert_eq!(answers[0]["line"], 2, "{what} {line}");
    }
}

/// What is found on a page by its words is found in a cell (ENR-10, ENR-13).
#[test]
fn an_address_with_a_word_glued_to_it_is_cut_and_a_zone_that_is_none_is_refused() {
    let answers =
        inspect("email", &["info@firma.ruТелефон", "info@firma.нетакойзоны", "info@завод.рф"].map(|email| json!({"email": email})));
    assert_eq!(
        (&answers[0]["normalized"], &answers[0]["valid"], &answers[0]["reason"]),
        (&json!("info@firma.ru"), &json!(true), &Value::Null)
    );
    assert_eq!((&answers[1]["valid"], &answers[1]["reason"]), (&json!(false), &json!("unknown_zone")), "{}", answers[1]);
    assert_eq!((&answers[2]["normalized"], &answers[2]["valid"]), (&json!("info@xn--80aegj1b.xn--p1ai"), &json!(true)));
}

/// ENR-14 with what is dialled after the number, and what the number is.
#[test]
fn a_phone_is_told_with_its_extension_and_what_it_is() {
    let text = "Тел. 8 (495) 204-51-38 доб. 12, бесплатно 8-800-555-35-35, моб. +7 903 204-51-38, факс: (495) 204-51-39";
    let answers =
        inspect("phone", &[json!({"text": text}), json!({"value": "tel:+74952045138;ext=7"}), json!({"value": "tel:+74952045138,8"})]);
    let number = |value: &str, kind: &str, extension: Option<&str>| json!({"value": value, "kind": kind, "extension": extension});
    let all = json!([
        number("+74952045138", "landline", Some("12")),
        number("+78005553535", "toll_free", None),
        number("+79032045138", "mobile", None),
        number("+74952045139", "fax", None),
    ]);
    assert_eq!(answers[0]["numbers"], all);
    assert_eq!(answers[0]["phones"], json!(["+74952045138", "+78005553535", "+79032045138", "+74952045139"]));
    assert_eq!(answers[1]["numbers"], json!([number("+74952045138", "landline", Some("7"))]));
    assert_eq!(answers[2]["numbers"], json!([number("+74952045138", "landline", Some("8"))]));
}

/// Bytes that nobody wrote have letters in every encoding of one byte a letter; no firm is called by them.
#[test]
fn noise_gives_a_page_no_name() {
    let file = std::env::temp_dir().join(format!("leadgen-noise-{}.bin", std::process::id()));
    let mut state = 1_u32;
    for length in [2000, 20_000, 100_000] {
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::fs::write(&file, (0..length).map(|_| noise()).collect::<Vec<u8>>()).unwrap();
        let (_, answer) = end(&["page", &file.display().to_string()]);
        assert_eq!(answer["company_name"], Value::Null, "{length} bytes of noise");
    }
    std::fs::remove_file(&file).unwrap();
}
