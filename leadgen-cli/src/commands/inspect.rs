//! `inspect`: pure parts on their own. One JSON object an input.

use std::path::Path;

use leadgen_core::error::ErrorKind;
use leadgen_core::rules::inbound;
use leadgen_core::setup::saved;
use leadgen_core::setup::settings::Settings;
use serde_json::{Value, json};

mod cells;
mod companies;
mod contacts;
mod lines;
mod search;
mod web;

use crate::args::{Cli, InspectCommand};
use crate::output::End;

pub(crate) async fn run(cli: &Cli, command: &InspectCommand) -> anyhow::Result<End> {
    let answers = match command {
        InspectCommand::Url { jsonl: true, .. } => return lines::each(companies::url),
        InspectCommand::Url { values, .. } => values.iter().map(|value| companies::url(&json!({"url": value}))).collect(),
        InspectCommand::Company { jsonl: true, .. } => return lines::each(companies::company),
        InspectCommand::Company { name, domain, .. } => vec![companies::company(&json!({"name": name, "domain": domain}))],
        InspectCommand::Match { jsonl: true, .. } => return lines::each(companies::pair),
        InspectCommand::Match { a, b, .. } => {
            vec![companies::pair(&json!({"a": a.as_deref().map(side), "b": b.as_deref().map(side)}))]
        }
        InspectCommand::Query { jsonl: true, .. } => return lines::each(search::query),
        InspectCommand::Query { niche, city, country, now, .. } => {
            vec![search::query(&json!({"niche": niche, "city": city, "country": country, "now": now}))]
        }
        InspectCommand::Night { jsonl: true, .. } => return lines::each(search::night),
        InspectCommand::Night { now, count, .. } => vec![search::night(&json!({"now": now, "count": count}))],
        InspectCommand::Serp { jsonl: true, .. } => return lines::each(companies::serp_file),
        InspectCommand::Serp { files, .. } => files.iter().map(|file| companies::serp_file(&json!({"path": file}))).collect(),
        InspectCommand::Page { jsonl: true, .. } => return lines::each(contacts::page),
        InspectCommand::Page { path: Some(path), url, render: true, .. } => vec![rendered(cli, path, url.as_deref()).await?],
        InspectCommand::Page { path, url, .. } => vec![contacts::page(&json!({"path": path, "url": url}))],
        InspectCommand::Site { jsonl: true, .. } => return lines::each(contacts::site),
        InspectCommand::Site { dir, domain, country, .. } => {
            vec![contacts::site(&json!({"dir": dir, "domain": domain, "country": country}))]
        }
        InspectCommand::Email { jsonl: true, .. } => return lines::each(cells::email),
        InspectCommand::Email { value, .. } => vec![cells::email(&json!({"email": value}))],
        InspectCommand::Phone { jsonl: true, .. } => return lines::each(cells::phone),
        InspectCommand::Phone { text, value, region, .. } => {
            vec![cells::phone(&json!({"text": text, "value": value, "region": region}))]
        }
        InspectCommand::Requisite { jsonl: true, .. } => return lines::each(cells::requisite),
        InspectCommand::Requisite { kind, value, .. } => vec![cells::requisite(&json!({"kind": kind, "value": value}))],
        InspectCommand::Robots { jsonl: true, .. } => return lines::each(web::robots),
        InspectCommand::Robots { file, url, agent, .. } => vec![web::robots(&json!({"file": file, "url": url, "agent": agent}))],
        InspectCommand::Target { jsonl: true, .. } => return lines::each(web::target),
        InspectCommand::Target { url, .. } => vec![web::target(&json!({"url": url}))],
        InspectCommand::Reply { text } => vec![json!({"intent": inbound::intent(&inbound::own_words(text)), "error": null})],
    };
    for answer in &answers {
        crate::output::say!("{answer}");
    }
    Ok(ended(&answers))
}

/// A page once its scripts have run.
async fn rendered(cli: &Cli, path: &Path, url: Option<&str>) -> anyhow::Result<Value> {
    let input = json!({"path": path, "url": url});
    let Ok(address) = contacts::address(&input) else { return Ok(contacts::page(&input)) };
    match saved::rendered(&Settings::read(&super::layers(cli)?)?, path, &address).await {
        // Without a browser there is nothing to answer.
        Err(error) if error.kind() == ErrorKind::Config => Err(error.into()),
        shown => Ok(contacts::shown(&input, shown)),
    }
}

/// How it ended: an answer is an error, the arguments can't be meant, or there is nothing in what was given.
fn ended(answers: &[Value]) -> End {
    let codes: Vec<&str> = answers.iter().filter_map(|answer| answer["error"].as_str()).collect();
    match codes.len() {
        0 if answers.iter().all(|answer| answer["reason"] == cells::NO_NUMBER) => End::Nothing,
        0 => End::Done,
        all if all == answers.len() && codes.iter().all(|code| code.starts_with("bad_")) => End::Misused,
        all if all == answers.len() => End::Failed,
        _ => End::Partly,
    }
}

/// One side of a pair as an argument: a name, or a JSON object.
fn side(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or_else(|| json!({"name": text}))
}
