//! `inspect`: pure parts on their own. One JSON object an input.

use leadgen_core::rules::inbound;
use serde_json::{Value, json};

mod companies;
mod contacts;
mod lines;
mod search;
mod web;

use crate::args::InspectCommand;
use crate::output::End;

pub(crate) fn run(command: &InspectCommand) -> anyhow::Result<End> {
    match command {
        InspectCommand::Url { jsonl: true, .. } => lines::each(companies::url)?,
        InspectCommand::Url { values, .. } => {
            for value in values {
                crate::output::say!("{}", companies::url(&json!({"url": value})));
            }
        }
        InspectCommand::Company { jsonl: true, .. } => lines::each(companies::company)?,
        InspectCommand::Company { name, domain, .. } => {
            crate::output::say!("{}", companies::company(&json!({"name": name, "domain": domain})));
        }
        InspectCommand::Match { jsonl: true, .. } => lines::each(companies::pair)?,
        InspectCommand::Match { a, b, .. } => {
            crate::output::say!("{}", companies::pair(&json!({"a": a.as_deref().map(side), "b": b.as_deref().map(side)})));
        }
        InspectCommand::Query { jsonl: true, .. } => lines::each(search::query)?,
        InspectCommand::Query { niche, city, country, now, .. } => {
            crate::output::say!("{}", search::query(&json!({"niche": niche, "city": city, "country": country, "now": now})));
        }
        InspectCommand::Night { jsonl: true, .. } => lines::each(search::night)?,
        InspectCommand::Night { now, count, .. } => crate::output::say!("{}", search::night(&json!({"now": now, "count": count}))),
        InspectCommand::Serp { jsonl: true, .. } => lines::each(companies::serp_file)?,
        InspectCommand::Serp { files, .. } => {
            for file in files {
                crate::output::say!("{}", companies::serp_file(&json!({"path": file})));
            }
        }
        InspectCommand::Page { jsonl: true, .. } => lines::each(contacts::page)?,
        InspectCommand::Page { path, url, .. } => crate::output::say!("{}", contacts::page(&json!({"path": path, "url": url}))),
        InspectCommand::Site { jsonl: true, .. } => lines::each(contacts::site)?,
        InspectCommand::Site { dir, domain, country, .. } => {
            crate::output::say!("{}", contacts::site(&json!({"dir": dir, "domain": domain, "country": country})));
        }
        InspectCommand::Email { jsonl: true, .. } => lines::each(contacts::email)?,
        InspectCommand::Email { value, .. } => crate::output::say!("{}", contacts::email(&json!({"email": value}))),
        InspectCommand::Phone { jsonl: true, .. } => lines::each(contacts::phone)?,
        InspectCommand::Phone { text, value, region, .. } => {
            crate::output::say!("{}", contacts::phone(&json!({"text": text, "value": value, "region": region})));
        }
        InspectCommand::Requisite { jsonl: true, .. } => lines::each(contacts::requisite)?,
        InspectCommand::Requisite { kind, value, .. } => {
            crate::output::say!("{}", contacts::requisite(&json!({"kind": kind, "value": value})));
        }
        InspectCommand::Robots { jsonl: true, .. } => lines::each(web::robots)?,
        InspectCommand::Robots { file, url, agent, .. } => {
            crate::output::say!("{}", web::robots(&json!({"file": file, "url": url, "agent": agent})));
        }
        InspectCommand::Target { jsonl: true, .. } => lines::each(web::target)?,
        InspectCommand::Target { url, .. } => crate::output::say!("{}", web::target(&json!({"url": url}))),
        InspectCommand::Reply { text } => {
            crate::output::say!("{}", json!({"intent": inbound::intent(&inbound::own_words(text)), "error": null}));
        }
    }
    Ok(End::Done)
}

/// One side of a pair as an argument: a name, or a JSON object.
fn side(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or_else(|| json!({"name": text}))
}
