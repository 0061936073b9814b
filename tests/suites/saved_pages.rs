//! A saved page through `inspect page --render`: its scripts run on the files beside it. Without a Chromium on the machine the
//! test says that it is skipped.

use std::os::unix::fs::MetadataExt;

use anyhow::{Result, ensure};
use leadgen_core::adapters::web;
use leadgen_tests::shell::Shell;
use serde_json::Value;

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Ромашка</title><div id=root></div><script src=/static/app.js></script>
<script src=https://cdn.other.ru/more.js></script>";
const APP: &str = "fetch('/api/contacts.json').then(answer => answer.json()).then(firm => {
  document.getElementById('root').innerHTML = '<p>Почта: ' + firm.mail + ', тел. ' + firm.phone + '</p>';
});
fetch('/..%2f..%2fsecret.json').then(answer => answer.json()).then(found => { document.body.append(found.mail); });";

const INSPECT: [&str; 6] = ["inspect", "page", "site/index.html", "--url", "https://spa.ru/", "--render"];

fn shell() -> Result<Shell> {
    let shell = Shell::with_pages(&[])?;
    std::fs::create_dir(shell.path("site"))?;
    let files = [
        ("site/index.html", PAGE),
        ("site/static__app.js", APP),
        ("site/api__contacts.json", r#"{"mail": "info@spa.ru", "phone": "+7 843 204-51-38"}"#),
        ("secret.json", r#"{"mail": "secret@spa.ru"}"#),
    ];
    for (name, text) in files {
        std::fs::write(shell.path(name), text)?;
    }
    Ok(shell)
}

#[test]
fn without_a_browser_rendering_is_refused_with_what_to_set() -> Result<()> {
    let ended = shell()?.run(&INSPECT)?;
    ensure!(ended.code == 2 && ended.err.contains("browser_off") && ended.err.contains("LEADGEN_WEB_BROWSER"), "{ended:?}");
    Ok(())
}

#[test]
fn the_scripts_of_a_saved_page_run_on_the_files_beside_it() -> Result<()> {
    let Some(program) = web::installed() else {
        println!("skipped: no Chromium on this machine");
        return Ok(());
    };
    let mut shell = shell()?;
    let plain: Value = serde_json::from_str(&shell.says(&INSPECT[..5].join(" "))?)?;
    ensure!(plain["emails"] == serde_json::json!([]), "nothing is there before: {plain}");
    shell.set("LEADGEN_WEB_BROWSER", &program.display().to_string());
    // Chromium keeps no sandbox for root.
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    shell.set("LEADGEN_WEB_BROWSER_SANDBOX", if is_root { "false" } else { "true" });

    let shown: Value = serde_json::from_str(&shell.says(&INSPECT.join(" "))?)?;

    let values = |field: &str| shown[field].as_array().map(|all| all.iter().map(|one| one["value"].clone()).collect::<Vec<_>>());
    ensure!(values("emails") == Some(vec!["info@spa.ru".into()]), "its own address, and none from elsewhere: {shown}");
    ensure!(values("phones") == Some(vec!["+78432045138".into()]), "{shown}");
    Ok(())
}
