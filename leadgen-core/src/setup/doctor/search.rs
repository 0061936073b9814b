//! Searching: the provider, the sheet, the nights, the budget, the queue.

use super::{Finding, Health, Visit, failed, finding};
use crate::adapters::sql::SqlStore;
use crate::domain::query::SearchMode;
use crate::domain::time::Timestamp;
use crate::ports::store::{SearchLedger, SearchQueue};
use crate::rules::cost;
use crate::rules::planning::opening;
use crate::setup::settings::{Provider, Settings};
use crate::setup::wiring;

pub(super) async fn yandex(visit: &Visit<'_>, findings: &mut Vec<Finding>) {
    let settings = visit.settings;
    match &settings.provider {
        Provider::Yandex => {}
        Provider::Files(folder) if folder.is_dir() => {
            return findings.push(finding("search", Health::Ok, format!("saved pages in {}", folder.display()), ""));
        }
        Provider::Files(folder) => {
            return findings.push(finding(
                "search",
                Health::Fail,
                format!("{} is no folder", folder.display()),
                "set LEADGEN_SEARCH_FOLDER",
            ));
        }
        Provider::Searxng(url, ..) => return findings.push(finding("search", Health::Ok, format!("SearXNG at {url}, not asked"), "")),
    }
    if settings.yandex.folder_id.is_none() {
        let mend = "set YANDEX_CLOUD_FOLDER_ID and YANDEX_CLOUD_SA_KEY_FILE";
        findings.push(finding("Yandex search", Health::Warn, "not set up: no searches", mend));
        return;
    }
    let search = match wiring::yandex(settings, &visit.clock, SearchMode::Deferred) {
        Ok(search) => search,
        Err(error) => return findings.push(failed("Yandex key", &error, "make an authorized key of a service account and name its file")),
    };
    findings.push(finding("Yandex key", Health::Ok, "read", ""));
    if let Err(error) = visit.within("get a token", search.check_token()).await {
        return findings.push(failed("Yandex token", &error, "is the key still there, and the machine's clock right?"));
    }
    findings.push(finding("Yandex token", Health::Ok, "given", ""));
    findings.push(match visit.within("look into the folder", search.check_access()).await {
        Ok(()) => finding("Yandex folder", Health::Ok, "the account may search in it", ""),
        Err(error) if error.machine_code() == "quota_exceeded" => {
            finding("Yandex folder", Health::Warn, "not checked: the free look-ups of today are used up", "try again tomorrow")
        }
        Err(error) => failed("Yandex folder", &error, "give the service account the role search-api.webSearch.user in this very folder"),
    });
}

pub(super) async fn sheet(visit: &Visit<'_>) -> Finding {
    let settings = visit.settings;
    if settings.sheet.id.is_none() {
        return finding(
            "sheet",
            Health::Warn,
            "not set up: niches come from files",
            "set GOOGLE_SHEET_ID and GOOGLE_SA_KEY_FILE to use one",
        );
    }
    let sheet = match wiring::sheet(settings, &visit.clock, None) {
        Ok(sheet) => sheet,
        Err(error) => return failed("sheet", &error, "name the key file of a service account in GOOGLE_SA_KEY_FILE"),
    };
    match visit.within("read the sheet", sheet.check()).await {
        Ok(rows) => finding("sheet", Health::Ok, format!("{} rows, all columns are there", rows.saturating_sub(1)), ""),
        Err(error) => failed("sheet", &error, "share it with the account's client_email as an editor; see the named columns"),
    }
}

pub(super) fn night(settings: &Settings, now: Timestamp) -> Finding {
    let policy = &settings.policy.search;
    if !policy.enforce_night {
        return finding(
            "night window",
            Health::Warn,
            "not kept: searches are asked at any hour",
            "YANDEX_ENFORCE_NIGHT_WINDOW=true saves money",
        );
    }
    let (start, end) = opening(policy.night, now);
    let when = if start <= now { format!("open until {end}") } else { format!("opens {start}, until {end}") };
    let minutes = u64::from(policy.night.minutes());
    let slots: Vec<Timestamp> = (0..minutes).map(|minute| start + std::time::Duration::from_mins(minute)).collect();
    let estimate = cost::estimate(policy, &slots);
    let dear = estimate.day * 100 / minutes.max(1);
    let mend = if dear == 0 { String::new() } else { format!("{dear} % of it pays the day price; 21:00-04:59 pays none") };
    finding("night window", Health::Ok, when, mend)
}

pub(super) async fn queue(settings: &Settings, store: &SqlStore, now: Timestamp, findings: &mut Vec<Finding>) {
    let policy = &settings.policy.search;
    let (from, to) = cost::month(now);
    match (store.spent(from, to).await, policy.budget) {
        (Err(error), _) => findings.push(failed("budget", &error, "")),
        (Ok(spent), None) => {
            let mend = "LEADGEN_BUDGET_SEARCH_RUB stops searches before a month costs more";
            findings.push(finding("budget", Health::Ok, format!("{} ₽ this month, no limit", spent.rounded()), mend));
        }
        (Ok(spent), Some(budget)) => {
            let next = spent + cost::price(&policy.prices, policy.mode, now);
            let (health, mend) = if next > budget {
                (Health::Fail, "searches stand still: raise LEADGEN_BUDGET_SEARCH_RUB or wait for the next month")
            } else {
                (Health::Ok, "")
            };
            findings.push(finding("budget", health, format!("{} of {} ₽ this month", spent.rounded(), budget.rounded()), mend));
        }
    }
    if let Ok(holds) = store.holds(now).await {
        let worth = holds.iter().filter(|hold| hold.reason != "night_window_closed" && hold.reason != "budget_reached");
        findings.extend(
            worth.map(|hold| finding(&format!("{} waits", hold.kind), Health::Warn, format!("{} until {}", hold.reason, hold.until), "")),
        );
    }
    if let Ok(waiting) = store.waiting(None).await {
        let tonight = opening(policy.slot_window(), now).1;
        let count = waiting.iter().filter(|slot| **slot < tonight).count();
        let (health, mend) = if waiting.is_empty() { (Health::Warn, "leadgen intake import niches.csv") } else { (Health::Ok, "") };
        findings.push(finding("queue", health, format!("{} queries wait, {count} of them for this night", waiting.len()), mend));
    }
}
