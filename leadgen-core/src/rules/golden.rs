//! The golden cases, for the tests of the rules they belong to.

use serde_json::Value;

/// One case: its name, what goes in, what must come out.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) input: Value,
    pub(crate) expected: Value,
}

/// Reads a file of cases.
pub(crate) fn cases(json: &str) -> Vec<Case> {
    let values: Vec<Value> = serde_json::from_str(json).expect("a list of cases");
    values
        .into_iter()
        .map(|case| Case {
            name: case["name"].as_str().unwrap_or("?").to_owned(),
            input: case["input"].clone(),
            expected: case["expected"].clone(),
        })
        .collect()
}

/// Compares all cases and names those that differ.
pub(crate) fn check(json: &str, answer: impl Fn(&Value) -> Value) {
    let mut wrong = Vec::new();
    let cases = cases(json);
    assert!(!cases.is_empty(), "no cases");
    for case in cases {
        let got = answer(&case.input);
        if got != case.expected {
            wrong.push(format!("{}: {}\n   got      {got}\n   expected {}", case.name, case.input, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}
