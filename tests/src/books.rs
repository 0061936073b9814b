//! The books of a finished rehearsal: what the town saw is held against what the store says, line by line.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use leadgen_core::domain::time::{Timestamp, Zone};
use serde_json::Value;

use crate::rehearsal::{Rehearsal, ZONE};

/// Where a row may stand when nothing is left to do. `*` asks for a reason code beside the state.
const ENDS: &[(&str, &str, &str)] = &[
    ("niches", "planned", ""),
    ("queries", "completed", ""),
    ("queries", "failed", "*"),
    ("operations", "done", ""),
    ("results", "unique", ""),
    ("results", "dup_host", ""),
    ("results", "dup_canonical", ""),
    ("results", "dup_family", ""),
    ("results", "dup_fuzzy", ""),
    ("companies", "ready_to_contact", ""),
    ("companies", "contacted", ""),
    ("companies", "replied", ""),
    ("companies", "optout", ""),
    ("companies", "disqualified", "*"),
    ("companies", "duplicate", ""),
    ("messages", "sent", ""),
    ("messages", "failed", "*"),
    ("messages", "suppressed", "*"),
    ("messages", "in_doubt", "*"),
];

/// The least pause between two letters of a mailbox, and the caps, as the rehearsal sets them.
const LEAST_GAP_MS: i64 = 60_000;
const CAPS: [(&str, usize); 2] = [("yandex", 40), ("gmail", 50)];
const DAY_MS: i64 = 86_400_000;

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// Letters the servers accepted.
    pub letters: usize,
    /// Paid searches the server accepted.
    pub searches: usize,
    /// Texts that were paid for twice, each flagged.
    pub paid_twice: usize,
    /// Queries flagged as perhaps paid.
    pub submit_unknown: u64,
    /// Letters in doubt.
    pub in_doubt: u64,
    /// Letters in doubt that the town has.
    pub in_doubt_arrived: usize,
    /// Queries given up.
    pub failed_queries: u64,
    /// Companies by domain.
    pub companies: BTreeSet<String>,
}

/// Closes the books; whatever does not add up is an error.
pub async fn close(rehearsal: &Rehearsal) -> Result<Books> {
    let left = rehearsal.unfinished().await?;
    ensure!(left.is_empty(), "unfinished: {left:?}");
    ends(rehearsal).await?;
    let (letters, in_doubt_arrived) = letters(rehearsal).await?;
    let (searches, paid_twice) = searches(rehearsal).await?;
    limits(rehearsal).await?;
    let (submit_unknown, in_doubt) = reports(rehearsal).await?;
    let companies = rehearsal.ask("SELECT canonical_domain FROM companies WHERE status <> 'duplicate'").await?;
    Ok(Books {
        letters,
        searches,
        paid_twice,
        submit_unknown,
        in_doubt,
        in_doubt_arrived,
        failed_queries: rehearsal.count("serp_queries WHERE status = 'failed'").await?,
        companies: companies.into_iter().flatten().collect(),
    })
}

/// Every row stands in a coded end state, and a completed query has one page.
async fn ends(rehearsal: &Rehearsal) -> Result<()> {
    let tables = [
        ("niches", "niches", "status", "last_error"),
        ("queries", "serp_queries", "status", "last_error"),
        ("operations", "serp_operations", "status", "error_payload"),
        ("results", "serp_results", "dedup_status", "last_error"),
        ("companies", "companies", "status", "status_reason"),
        ("messages", "outreach_messages", "status", "last_error"),
    ];
    for (entity, table, state, reason) in tables {
        let sql = format!("SELECT {state}, COALESCE({reason}, ''), CAST(count(*) AS text) FROM {table} GROUP BY 1, 2");
        for row in rehearsal.ask(&sql).await? {
            let [state, reason, count] = row.as_slice() else { continue };
            let allowed = ENDS.iter().find(|(of, word, _)| *of == entity && word == state);
            let (.., asks) = allowed.with_context(|| format!("{count} {entity} stand in {state:?} ({reason})"))?;
            let code = reason.split(':').next().unwrap_or("");
            let coded = !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            ensure!(*asks != "*" || coded, "{count} {entity} stand in {state} without a code: {reason:?}");
        }
    }
    let open = rehearsal.count("serp_queries q WHERE q.status = 'completed' AND (SELECT count(*) FROM serp_operations o WHERE o.query_id = q.id AND o.status = 'done') <> 1");
    ensure!(open.await? == 0, "a completed query has not exactly one page");
    Ok(())
}

/// Nobody got two letters; a sent one lies in the town once, one in doubt at most once, no other at all.
async fn letters(rehearsal: &Rehearsal) -> Result<(usize, usize)> {
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for letter in rehearsal.town.letters() {
        *arrived.entry(letter.rcpt).or_default() += 1;
    }
    let twice: Vec<_> = arrived.iter().filter(|(_, count)| **count > 1).collect();
    ensure!(twice.is_empty(), "letters accepted twice: {twice:?}");
    let mut doubts = 0;
    let mut known = BTreeSet::new();
    for row in rehearsal.ask("SELECT to_email, status FROM outreach_messages").await? {
        let [to, state] = row.as_slice() else { continue };
        let there = arrived.contains_key(to);
        ensure!(known.insert(to.clone()), "two messages are for {to}");
        match state.as_str() {
            "sent" => ensure!(there, "the letter to {to} counts as sent, and the town has none"),
            "in_doubt" => doubts += usize::from(there),
            _ => ensure!(!there, "the letter to {to} arrived, and its message is {state}"),
        }
    }
    let strange: Vec<_> = arrived.keys().filter(|to| !known.contains(*to)).collect();
    ensure!(strange.is_empty(), "letters nobody wrote: {strange:?}");
    Ok((arrived.len(), doubts))
}

/// No search was paid for twice unless it is shown as perhaps paid.
async fn searches(rehearsal: &Rehearsal) -> Result<(usize, usize)> {
    let mut paid: BTreeMap<(String, String), usize> = BTreeMap::new();
    let seen = rehearsal.town.searches();
    for search in &seen {
        *paid.entry((search.text.clone(), search.region.clone())).or_default() += 1;
    }
    let sql = "SELECT query_text, CAST(region_code AS text), status, CASE WHEN submit_unknown THEN 'yes' ELSE 'no' END FROM serp_queries";
    let mut twice = 0;
    for row in rehearsal.ask(sql).await? {
        let [text, region, state, unknown] = row.as_slice() else { continue };
        let times = paid.remove(&(text.clone(), region.clone())).unwrap_or(0);
        ensure!(times <= 1 || (times == 2 && unknown == "yes"), "{text:?} was paid for {times} times, shown as perhaps paid: {unknown}");
        ensure!(times >= 1 || state != "completed", "{text:?} is completed and was never asked");
        twice += usize::from(times == 2);
    }
    ensure!(paid.is_empty(), "searches nobody planned: {:?}", paid.keys());
    Ok((seen.len(), twice))
}

/// Windows, caps, spacing and slots held, whoever died when.
async fn limits(rehearsal: &Rehearsal) -> Result<()> {
    let zone = Zone::parse(ZONE)?;
    for (mailbox, cap) in CAPS {
        let sql = format!("SELECT CAST(marked_at AS text) FROM mailbox_marks WHERE mailbox = '{mailbox}' ORDER BY marked_at");
        let marks: Vec<i64> = rehearsal.ask(&sql).await?.iter().flatten().map(|at| Ok(at.parse()?)).collect::<Result<_>>()?;
        for pair in marks.windows(2) {
            ensure!(pair[1] - pair[0] >= LEAST_GAP_MS, "{mailbox} sent twice within {} ms", pair[1] - pair[0]);
        }
        for (at, mark) in marks.iter().enumerate() {
            let within = marks[..=at].iter().filter(|earlier| mark - **earlier < DAY_MS).count();
            ensure!(within <= cap, "{mailbox} sent {within} letters within a day");
            let local = zone.local(Timestamp::from_millis(*mark)).format("%u %H:%M").to_string();
            let (weekday, time) = local.split_once(' ').unwrap_or_default();
            ensure!(weekday < "6" && ("09:10".."18:01").contains(&time), "{mailbox} sent at {local}, outside the window");
        }
        let slots = format!(
            "(SELECT scheduled_for FROM outreach_messages WHERE mailbox = '{mailbox}' AND scheduled_for IS NOT NULL GROUP BY 1 HAVING count(*) > 1) s"
        );
        ensure!(rehearsal.count(&slots).await? == 0, "{mailbox} has two letters with one turn");
        let witnessed = rehearsal.town.letters().iter().filter(|letter| letter.server == mailbox).count();
        ensure!(witnessed <= marks.len(), "{mailbox}: {witnessed} letters for {} marks", marks.len());
    }
    let sql = "SELECT CAST(requested_at AS text) FROM serp_operations";
    for at in rehearsal.ask(sql).await?.iter().flatten() {
        let hour = Timestamp::from_millis(at.parse()?).to_chrono().format("%H:%M").to_string();
        ensure!(hour.as_str() >= "20:00" || hour.as_str() <= "06:00", "a search was asked at {hour} UTC");
    }
    let slots = "(SELECT scheduled_for FROM serp_queries GROUP BY 1 HAVING count(*) > 1) s";
    ensure!(rehearsal.count(slots).await? == 0, "two queries have one slot");
    Ok(())
}

/// The reports say what the tables hold, and doubts are listed by name.
async fn reports(rehearsal: &Rehearsal) -> Result<(u64, u64)> {
    let funnel: Value = serde_json::from_str(&rehearsal.must(&["report", "funnel", "--json"]).await?)?;
    let figure = |name: &str| funnel[name].as_u64().with_context(|| format!("the funnel has no {name}"));
    let expected = [
        ("niches", rehearsal.count("niches").await?),
        ("queries", rehearsal.count("serp_queries").await?),
        ("pages", rehearsal.count("serp_operations WHERE status = 'done'").await?),
        ("results", rehearsal.count("serp_results").await?),
        ("companies", rehearsal.count("companies WHERE status <> 'duplicate'").await?),
        ("contacts", rehearsal.count("contacts").await?),
        ("drafted", rehearsal.count("outreach_messages").await?),
        ("sent", rehearsal.count("outreach_messages WHERE status = 'sent'").await?),
        ("in_doubt", rehearsal.count("outreach_messages WHERE status = 'in_doubt'").await?),
        ("submit_unknown", rehearsal.count("serp_queries WHERE submit_unknown").await?),
    ];
    for (name, count) in expected {
        ensure!(figure(name)? == count, "the funnel says {name} = {}, the tables hold {count}", figure(name)?);
    }
    let born = rehearsal.count("serp_results WHERE dedup_status = 'unique'").await?;
    ensure!(born == figure("companies")?, "{born} results brought a company, the funnel says {}", figure("companies")?);
    ensure!(figure("niches")? == 4 && figure("queries")? == 24, "4 niches and 24 queries, not {funnel}");
    let states: Vec<Value> = serde_json::from_str(&rehearsal.must(&["report", "states", "--json"]).await?)?;
    let sum = |entity: &str| states.iter().filter(|s| s["entity"] == entity).filter_map(|s| s["count"].as_u64()).sum::<u64>();
    for (entity, step) in [("messages", "drafted"), ("queries", "queries"), ("results", "results"), ("niches", "niches")] {
        ensure!(sum(entity) == figure(step)?, "{entity} by state are {}, the funnel says {}", sum(entity), figure(step)?);
    }
    let listed = rehearsal.run(&["review", "list", "--state", "in_doubt", "--json"]).await?;
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout)?;
    ensure!(listed.len() as u64 == figure("in_doubt")?, "{} letters in doubt are listed of {}", listed.len(), figure("in_doubt")?);
    Ok((figure("submit_unknown")?, figure("in_doubt")?))
}
