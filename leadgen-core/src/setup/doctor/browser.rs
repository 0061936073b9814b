//! Who renders pages that show nothing without scripts: started once, on no page.

use crate::error::Error;
use crate::setup::browser::version;

use super::{Finding, Health, Visit, finding};

/// Signs of the browser's own words that are shown.
const SHOWN: usize = 120;
/// What to do without a browser.
const INSTALL: &str = "install a Chromium and set LEADGEN_WEB_BROWSER to its path, or to off";

pub(super) async fn renders(visit: &Visit<'_>) -> Finding {
    match visit.within("start a browser", version(visit.settings)).await {
        Ok(Some(version)) if visit.settings.web.browser.as_ref().is_some_and(|browser| !browser.sandbox) => {
            finding("browser", Health::Warn, format!("{version}, without its sandbox"), "run it as an ordinary user")
        }
        Ok(Some(version)) => finding("browser", Health::Ok, version, ""),
        Ok(None) => finding("browser", Health::Ok, "off: pages that show nothing without scripts end as needs_browser", ""),
        Err(error) => broken(&error),
    }
}

/// What is wrong in our words, the browser's own ones last.
fn broken(error: &Error) -> Finding {
    let said = error.told().unwrap_or_default();
    let (what, mend) = match error.machine_code() {
        "browser_not_built" => ("this program is built without one", "build it with --features browser, or set LEADGEN_WEB_BROWSER to off"),
        "browser_missing" => ("there is none where it is looked for", INSTALL),
        "no_answer" | "browser_deadline" => ("it starts and does not answer", INSTALL),
        _ if said.contains("sandbox") => (
            "it does not start: its sandbox does not work for this user",
            "run leadgen as an ordinary user, or set LEADGEN_WEB_BROWSER_SANDBOX=false if this machine may do without",
        ),
        _ => ("it does not start", INSTALL),
    };
    let own = own_words(said);
    let quoted = if own.is_empty() { String::new() } else { format!("; it says: {own}") };
    finding("browser", Health::Fail, format!("{}: {what}{quoted}", error.machine_code()), mend)
}

/// The browser's words without our advice behind them and without the place in its source before them, shortened.
fn own_words(said: &str) -> String {
    let said = said.split("; run as an ordinary user").next().unwrap_or("").trim();
    let said = match said.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, words)) => words,
        None => said,
    };
    let one_line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn our_words_come_first_and_the_browser_s_last_and_short() {
        let raw = format!(
            "[4711:4711:1126/023000.1:FATAL:zygote_host_impl_linux.cc(128)] No usable sandbox! {}; run as an ordinary user, or not",
            "If you are running on Ubuntu 23.10+ ".repeat(10)
        );
        let line = broken(&Error::new(ErrorKind::Unavailable, "talk to a browser").code("browser_ended").detail(raw));

        let (ours, theirs) = line.found.split_once("; it says: ").unwrap_or_default();
        assert_eq!(ours, "browser_ended: it does not start: its sandbox does not work for this user");
        assert!(
            theirs.starts_with("No usable sandbox! If you") && theirs.ends_with('…') && theirs.chars().count() == SHOWN + 1,
            "{theirs}"
        );
        assert!(line.mend.contains("LEADGEN_WEB_BROWSER_SANDBOX=false"), "{}", line.mend);
    }

    #[test]
    fn each_way_to_have_no_browser_has_its_mend() {
        for (code, mend) in [
            ("browser_missing", "install a Chromium"),
            ("browser_not_built", "build it with --features browser"),
            ("browser_ended", "install a Chromium"),
            ("no_answer", "install a Chromium"),
        ] {
            let line = broken(&Error::new(ErrorKind::Config, "start a browser").code(code));
            assert!(line.mend.starts_with(mend) && line.health == Health::Fail && !line.found.contains("it says"), "{code}: {line:?}");
        }
    }
}
