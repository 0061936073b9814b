//! What `doctor` says of searches and the sheet, with everything right and with one thing wrong at a time.

#![expect(clippy::unwrap_used, reason = "tests")]

use leadgen_core::setup::doctor::{Finding, Health, examine};
use leadgen_core::setup::layers::{Layers, Origin};
use leadgen_core::setup::settings::Settings;
use leadgen_sandbox::{Action, Fault, Plan, Town};

async fn findings(town: &Town, database: &str, more: &[(&str, &str)]) -> Vec<Finding> {
    let given = town.env().iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fixed = [("DATABASE_URL", database), ("LEADGEN_OFFLINE", "true")];
    let all = given.chain(fixed).chain(more.iter().copied());
    let layers = all.fold(Layers::defaults(), |layers, (name, value)| layers.with(name, value, &Origin::Flag));
    examine(&Settings::read(&layers).unwrap()).await
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
