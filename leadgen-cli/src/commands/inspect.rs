//! `inspect`: pure parts on their own. One JSON object an input.

use leadgen_core::domain::contact::ContactType;
use leadgen_core::domain::name::DomainName;
use leadgen_core::rules::harvest::{self, Site};
use leadgen_core::rules::{inbound, normalize, robots};
use serde_json::{Value, json};

mod companies;
mod lines;
mod search;

use crate::args::InspectCommand;
use crate::output::End;

pub(crate) fn run(command: &InspectCommand) -> anyhow::Result<End> {
    match command {
        InspectCommand::Url { jsonl: true, .. } => lines::each(companies::url)?,
        InspectCommand::Url { values, .. } => values.iter().for_each(|value| println!("{}", companies::url(&json!({"url": value})))),
        InspectCommand::Company { jsonl: true, .. } => lines::each(companies::company)?,
        InspectCommand::Company { name, domain, .. } => println!("{}", companies::company(&json!({"name": name, "domain": domain}))),
        InspectCommand::Match { jsonl: true, .. } => lines::each(companies::pair)?,
        InspectCommand::Match { a, b, .. } => {
            println!("{}", companies::pair(&json!({"a": a.as_deref().map(side), "b": b.as_deref().map(side)})))
        }
        InspectCommand::Query { jsonl: true, .. } => lines::each(search::query)?,
        InspectCommand::Query { niche, city, country, now, .. } => {
            println!("{}", search::query(&json!({"niche": niche, "city": city, "country": country, "now": now})));
        }
        InspectCommand::Night { jsonl: true, .. } => lines::each(search::night)?,
        InspectCommand::Night { now, count, .. } => println!("{}", search::night(&json!({"now": now, "count": count}))),
        InspectCommand::Serp { jsonl: true, .. } => lines::each(companies::serp_file)?,
        InspectCommand::Serp { files, .. } => files.iter().for_each(|file| println!("{}", companies::serp_file(&json!({"path": file})))),
        InspectCommand::Site { dir, domain, country } => println!("{}", site(dir, domain, country.clone())?),
        InspectCommand::Email { value } => {
            let email = normalize::email(value);
            println!(
                "{}",
                json!({"input": value, "normalized": email.as_ref().map(ToString::to_string), "valid": email.is_some(),
                    "domain": email.as_ref().map(|email| email.domain().to_string()), "error": email.is_none().then_some("invalid_email: no valid address")})
            );
        }
        InspectCommand::Phone { value, region } => {
            let phone = normalize::phone(value, region.as_deref());
            println!("{}", json!({"phones": phone.iter().map(ToString::to_string).collect::<Vec<_>>(), "error": null}));
        }
        InspectCommand::Robots { file, path, agent } => {
            let robots = robots::Robots::parse(&std::fs::read(file)?);
            let permission = robots.permission(agent, path);
            let delay = robots.crawl_delay(agent).map(|delay| delay.as_secs_f64());
            println!("{}", json!({"allowed": permission.allowed, "crawl_delay": delay, "rule": permission.rule, "error": null}));
        }
        InspectCommand::Reply { text } => {
            println!("{}", json!({"intent": inbound::intent(&inbound::own_words(text)), "error": null}));
        }
    }
    Ok(End::Done)
}

/// One side of a pair as an argument: a name, or a JSON object.
fn side(text: &str) -> Value {
    serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or_else(|| json!({"name": text}))
}

fn site(dir: &std::path::Path, domain: &str, country: Option<String>) -> anyhow::Result<Value> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let site = Site { domain: normalize::domain_of(domain), country };
    let host = site.domain.clone().or_else(|| DomainName::parse(&format!("{}.ru", name.to_lowercase().replace('_', "-"))).ok());
    let mut files: Vec<_> =
        std::fs::read_dir(dir)?.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    // The home page comes first, as in a visit.
    files.sort_by_key(|path| (!path.file_name().unwrap_or_default().to_string_lossy().starts_with("index"), path.clone()));
    let mut pages = Vec::new();
    for file in files {
        let path = file.file_name().unwrap_or_default().to_string_lossy().replace("__", "/");
        let base = host.as_ref().map_or("https://site.invalid/".to_owned(), |host| format!("https://{host}/"));
        let url = url::Url::parse(&base)?.join(&path)?;
        pages.push(harvest::page(&url, &std::fs::read(&file)?, None, &site));
    }
    let findings = harvest::merge(&pages, &site);
    let of = |kind: ContactType| findings.contacts.iter().filter(move |c| c.contact_type == kind);
    let emails: Vec<Value> = of(ContactType::Email)
        .map(|c| json!({"value": c.value, "kind": c.kind, "how": c.origin, "confidence": c.score, "source_url": c.source_url}))
        .collect();
    let phones: Vec<Value> =
        of(ContactType::Phone).map(|c| json!({"value": c.value, "raw": c.snippet, "source_url": c.source_url})).collect();
    Ok(
        json!({"site": name, "emails": emails, "phones": phones, "company_name": findings.company_name, "inn": findings.inn, "ogrn": findings.ogrn,
        "kpp": findings.kpp, "messengers": findings.messengers, "error": null}),
    )
}
