//! What `doctor` says of searches, the sheet, the model, the mailboxes and the names, with everything right and with one
//! thing wrong at a time.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use leadgen_core::setup::doctor::{Finding, Health, examine};
use leadgen_core::setup::layers::{Layers, Origin};
use leadgen_core::setup::settings::Settings;
use leadgen_sandbox::{Action, Fault, Plan, Town};

async fn findings(town: &Town, database: &str, more: &[(&str, &str)]) -> Vec<Finding> {
    let given = town.env().iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fixed = [("DATABASE_URL", database), ("LEADGEN_OFFLINE", "true")];
    let all = given.chain(fixed).chain(more.iter().copied());
    let layers = all.fold(Layers::defaults(), |layers, (name, value)| layers.with(name, value, &Origin::Flag));
    examine(&Settings::read(&layers).unwrap(), Duration::from_secs(2)).await
}

fn line<'a>(findings: &'a [Finding], what: &str) -> &'a Finding {
    findings.iter().find(|finding| finding.what == what).unwrap_or_else(|| panic!("no line about {what}: {findings:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_has_its_line_and_its_mend_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan::new(dir.path().join("town"))).await.unwrap();
    let file = dir.path().join("leadgen.db");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let before = town.sheet();

    let good = findings(&town, &url, &[]).await;
    for what in ["clock", "Yandex key", "Yandex token", "Yandex folder", "sheet", "night window", "disk"] {
        assert_eq!(line(&good, what).health, Health::Ok, "{:?}", line(&good, what));
    }
    assert_eq!(line(&good, "database").health, Health::Warn);
    assert!(!file.exists(), "a database is not made by looking for it");
    assert!(line(&good, "night window").mend.starts_with("20 % of it pays the day price"), "{:?}", line(&good, "night window"));

    let folder = dir.path().display().to_string();
    let wrong_folder = findings(&town, &url, &[("YANDEX_CLOUD_FOLDER_ID", "b1gsomeoneelses")]).await;
    let no_key = findings(&town, &url, &[("YANDEX_CLOUD_SA_KEY_FILE", "/no/such/key.json")]).await;
    let a_folder = findings(&town, &url, &[("YANDEX_CLOUD_SA_KEY_FILE", folder.as_str())]).await;
    let no_sheet = findings(&town, &url, &[("GOOGLE_SHEET_ID", "another-sheet")]).await;
    for (seen, what, code) in [
        (&wrong_folder, "Yandex folder", "auth_failed"),
        (&no_key, "Yandex key", "key_file_missing"),
        (&a_folder, "Yandex key", "key_file_is_directory"),
        (&no_sheet, "sheet", "sheet_not_found"),
    ] {
        let found = line(seen, what);
        assert_eq!(found.health, Health::Fail);
        assert!(found.found.starts_with(code) && !found.mend.is_empty(), "{found:?}");
    }
    town.faults().add(Fault { server: "iam".into(), matches: String::new(), at: String::new(), times: 1, action: Action::Status(503) });
    assert!(line(&findings(&town, &url, &[]).await, "Yandex token").found.starts_with("token_unavailable"));
    town.edit_sheet(|sheet| sheet[0][4] = "state".into());
    assert!(line(&findings(&town, &url, &[]).await, "sheet").found.contains("status"));
    town.edit_sheet(|sheet| sheet[0][4] = "status".into());
    assert_eq!((town.sheet(), town.searches().len()), (before, 0), "nothing is written and nothing is paid");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_used_up_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan::new(dir.path().join("town"))).await.unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let db = leadgen_core::adapters::sql::SqlStore::open(&leadgen_core::adapters::sql::Settings::new(&url)).await.unwrap();
    leadgen_migrations::up(&db).await.unwrap();
    db.close().await.unwrap();

    let seen = findings(&town, &url, &[("LEADGEN_BUDGET_SEARCH_RUB", "0.01")]).await;

    assert_eq!((line(&seen, "database").health, line(&seen, "budget").health), (Health::Ok, Health::Fail));
    assert!(line(&seen, "budget").mend.contains("LEADGEN_BUDGET_SEARCH_RUB"));
    assert_eq!(line(&seen, "queue").health, Health::Warn);
    town.close().await;
}

fn strike(town: &Town, server: &str, at: &str, times: u32, action: Action) {
    town.faults().add(Fault { server: server.into(), matches: String::new(), at: at.into(), times, action });
}

#[tokio::test(flavor = "multi_thread")]
async fn model_mailboxes_and_names_have_their_lines_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan::new(dir.path().join("town"))).await.unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    let key = ("OPENAI_API_KEY", "town-model-key");

    let good = findings(&town, &url, &[key]).await;
    for what in
        ["model", "DNS", "mailbox yandex", "mailbox gmail", "inbox yandex", "inbox gmail", "sender studio-primer.ru", "sender gmail.com"]
    {
        assert_eq!(line(&good, what).health, Health::Ok, "{:?}", line(&good, what));
    }
    assert!(line(&findings(&town, &url, &[]).await, "model").found.contains("template"));
    let unlisted = findings(&town, &url, &[key, ("OPENAI_EMAIL_MODEL", "gpt-none")]).await;
    assert_eq!(line(&unlisted, "model").health, Health::Warn);

    let wrong = [("OPENAI_API_KEY", "a-secret-key"), ("GMAIL_PASS", "a-secret-word")];
    let seen = findings(&town, &url, &wrong).await;
    assert!(line(&seen, "model").found.starts_with("llm_auth_failed"), "{:?}", line(&seen, "model"));
    for what in ["mailbox gmail", "inbox gmail"] {
        let found = line(&seen, what);
        assert!(found.health == Health::Fail && found.found.starts_with("auth") && found.mend.contains("GMAIL_"), "{found:?}");
    }
    assert!(!serde_json::to_string(&seen).unwrap().contains("a-secret"), "no secret is shown: {seen:?}");

    strike(&town, "dns", "MX", 9, Action::Stall);
    strike(&town, "dns", "TXT", 1, Action::NoRecords);
    let seen = findings(&town, &url, &[("ROUTING_DNS_TIMEOUT_MS", "200")]).await;
    assert_eq!(line(&seen, "DNS").health, Health::Fail);
    assert_eq!(
        (line(&seen, "sender studio-primer.ru").health, line(&seen, "sender studio-primer.ru").found.as_str()),
        (Health::Warn, "no SPF")
    );
    assert_eq!((town.letters().len(), town.searches().len()), (0, 0), "nothing is sent and nothing is paid");
    assert!(!town.commands().iter().any(|command| command.contains("MAIL FROM")), "{:?}", town.commands());
    town.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_say_nothing_are_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let town = Town::open(Plan::new(dir.path().join("town"))).await.unwrap();
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("leadgen.db").display());
    for (server, at) in
        [("model", ""), ("smtp.yandex", "connect"), ("smtp.gmail", "connect"), ("imap", "login"), ("iam", ""), ("sheets", ""), ("dns", "")]
    {
        strike(&town, server, at, 99, Action::Stall);
    }
    let began = Instant::now();

    let seen = findings(&town, &url, &[("OPENAI_API_KEY", "town-model-key"), ("ROUTING_DNS_TIMEOUT_MS", "200")]).await;

    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    for what in ["model", "mailbox yandex", "mailbox gmail", "inbox yandex", "Yandex token", "sheet", "DNS"] {
        assert_eq!(line(&seen, what).health, Health::Fail, "{:?}", line(&seen, what));
    }
    assert_eq!(line(&seen, "sender studio-primer.ru").health, Health::Warn, "what can't be looked up is unknown");
    town.close().await;
}
