//! `inspect`: pure parts on their own. One JSON object an input.

use leadgen_core::domain::contact::ContactType;
use leadgen_core::domain::name::DomainName;
use leadgen_core::error::Error;
use leadgen_core::rules::harvest::{self, Site};
use leadgen_core::rules::{company_name, inbound, normalize, planning, robots, twins};
use leadgen_core::setup::wiring;
use serde_json::{Value, json};

use crate::args::InspectCommand;
use crate::output::End;

pub(crate) fn run(command: &InspectCommand) -> anyhow::Result<End> {
    match command {
        InspectCommand::Url { values } => values.iter().for_each(|value| println!("{}", url(value))),
        InspectCommand::Company { name, domain } => {
            let normal = company_name::normalize(name);
            let key = twins::dedupe_key(name, domain);
            println!(
                "{}",
                json!({"input": name, "normalized": normal.text, "legal_form": normal.legal_form, "dedupe_key": key.as_ref().map(|key| &key.key),
                    "dedupe_hash": key.as_ref().map(|key| &key.hash), "error": null})
            );
        }
        InspectCommand::Query { niche, city, country } => println!("{}", query(niche, city, country)),
        InspectCommand::Serp { file } => println!("{}", serp(&std::fs::read(file)?)),
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

fn url(value: &str) -> Value {
    let address = normalize::address(value);
    let family = address.as_ref().and_then(|address| normalize::registrable(&address.host));
    json!({"input": value, "url": address.as_ref().map(|a| &a.url), "home": address.as_ref().map(|a| &a.home), "host": address.as_ref().map(|a| &a.host),
        "registrable_domain": family, "error": address.is_none().then_some("invalid_url: no usable address")})
}

fn query(niche: &str, city: &str, country: &str) -> Value {
    match planning::query_set(niche, city, country, &planning::Settings::default()) {
        Ok(queries) => {
            let queries: Vec<Value> = queries
                .iter()
                .map(|q| json!({"text": q.text, "hash": planning::query_hash(&q.text, q.region), "region_code": q.region, "trigger": q.trigger}))
                .collect();
            json!({"queries": queries, "error": null})
        }
        Err(error) => json!({"queries": [], "error": error.to_string()}),
    }
}

fn serp(bytes: &[u8]) -> Value {
    let read: Result<_, Error> = wiring::read_serp(bytes);
    match read {
        Ok(hits) => {
            let results: Vec<Value> = hits
                .iter()
                .filter_map(|hit| {
                    let address = normalize::address(&hit.url)?;
                    Some(json!({"position": hit.position, "url": address.url, "domain": address.host, "title": hit.title, "snippet": hit.snippet, "language": hit.language}))
                })
                .collect();
            json!({"found": hits.len(), "results": results, "error": null})
        }
        Err(error) => json!({"found": 0, "results": [], "error": error.to_string()}),
    }
}

fn site(dir: &std::path::Path, domain: &str, country: Option<String>) -> anyhow::Result<Value> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let site = Site { domain: normalize::domain_of(domain), country };
    let host = site.domain.clone().or_else(|| DomainName::parse(&format!("{}.ru", name.to_lowercase().replace('_', "-"))).ok());
    let mut files: Vec<_> = std::fs::read_dir(dir)?.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    // The home page comes first, as in a visit.
    files.sort_by_key(|path| (!path.file_name().unwrap_or_default().to_string_lossy().starts_with("index"), path.clone()));
    let mut pages = Vec::new();
    for file in files {
        let path = file.file_name().unwrap_or_default().to_string_lossy().replace("__", "/");
        let base = host.as_ref().map_or("https://site.invalid/".to_owned(), |host| format!("https://{host}/"));
        let url = url::Url::parse(&base)?.join(&path)?;
        pages.push(harvest::page(&url, &std::fs::read(&file)?, None, &site));
    }
    let findings = harvest::merge(pages, &site);
    let of = |kind: ContactType| findings.contacts.iter().filter(move |c| c.contact_type == kind);
    let emails: Vec<Value> = of(ContactType::Email)
        .map(|c| json!({"value": c.value, "kind": c.kind, "how": c.origin, "confidence": c.score, "source_url": c.source_url}))
        .collect();
    let phones: Vec<Value> = of(ContactType::Phone).map(|c| json!({"value": c.value, "raw": c.snippet, "source_url": c.source_url})).collect();
    Ok(json!({"site": name, "emails": emails, "phones": phones, "company_name": findings.company_name, "inn": findings.inn, "ogrn": findings.ogrn,
        "kpp": findings.kpp, "messengers": findings.messengers, "error": null}))
}
