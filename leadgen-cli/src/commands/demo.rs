//! `demo`: one night and one working day on a clock that is moved by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use leadgen_core::actions::review;
use leadgen_core::domain::flow::MessageState;
use leadgen_core::domain::report::Funnel;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::store::{Exports, Reports, Reviews};
use leadgen_core::setup::layers::{Layers, Origin};
use leadgen_core::setup::settings::Settings;
use leadgen_core::setup::wiring::{self, Needs};
use leadgen_sandbox::{Plan, Temper, Town};

use super::{export, report};
use crate::args::{Cli, DemoArgs};
use crate::output::{self, End};
use crate::progress::Bars;

/// A Thursday noon in winter.
const START: &str = "2026-01-15T12:00:00Z";
/// The morning after the night of searches, and the evening after the day of letters.
const MORNING: &str = "2026-01-16T05:59:00Z";
const EVENING: &str = "2026-01-16T15:30:00Z";
/// What marks a folder as one of ours, so that nothing else is ever emptied.
const MARK: &str = ".leadgen-demo";

const SENDER: &str = "person = \"Анна Ковалёва\"\nfirm = \"Студия «Пример»\"\n\
    offer = \"Мы помогаем небольшим компаниям не терять заявки с сайта.\"\n\
    benefit = \"Заявки и звонки собираются в одном списке, и сразу видно, на какую из них ещё не ответили.\"\n";

pub(crate) async fn run(cli: &Cli, args: &DemoArgs) -> anyhow::Result<End> {
    let began = Instant::now();
    let dir = &args.dir;
    fresh(dir)?;
    let town = Town::open(Plan::new(dir.join("town"))).await.context("open the town on loopback")?;
    std::fs::write(dir.join("sender.toml"), SENDER)?;
    std::fs::write(dir.join("niches.csv"), town.niches_csv())?;
    let settings = settings(dir, &town)?;
    let store = wiring::store(&settings).await?;
    let clock = Arc::new(HandClock::at(Timestamp::parse(START)?));
    let leads = Arc::new(wiring::leads_file(&dir.join("niches.csv"), None)?);
    let builder = wiring::pipeline(&settings, store.clone(), clock.clone(), Needs::all(&settings))?;
    let bars = Bars::new(cli, &[]);
    let pipeline = builder.leads("niches.csv", leads.clone()).owner("demo").watch(bars.watch()).build()?;

    let say = |step: u8, what: &str| {
        if !cli.quiet && !cli.json {
            bars.say(&format!("[{step}/4] {what}"));
        }
    };
    pipeline.tick("intake").await?;
    pipeline.tick("plan").await?;
    leadgen_core::pipeline::inlet::acknowledge(store.as_ref(), leads.as_ref(), leads.rows()).await?;
    say(1, "rows of niches.csv became queries, each with its slot of the night");
    night(&pipeline, &clock).await?;
    say(2, "the night: queries asked in deferred mode, pages read, companies found, sites visited, letters drafted");
    let drafts = store.messages(Some(MessageState::Draft), 10_000).await?.len();
    review::approve_all(store.as_ref(), None, drafts, "demo", clock.now()).await?;
    say(3, &format!("{drafts} drafts approved; the journal names demo"));
    day(&pipeline, &clock).await?;
    say(4, "the day: letters routed by the recipients' mail hosts and sent at their turn, answers read");
    bars.clear();

    let funnel = store.funnel(None).await?;
    results(dir, store.as_ref(), &town, &funnel).await?;
    output::show(cli.json, &funnel, || {
        format!(
            "{}\n\n{d}/leadgen.db      everything, SQLite\n{d}/companies.csv   the companies with contacts\n{d}/letters/*.eml   the letters as they arrived\n\
             {d}/report.html     the funnel\n\ndone in {:.1} s. Next:\n  leadgen explain --database-url sqlite://{d}/leadgen.db \"{example}\"\n  \
             leadgen companies import domains.csv    your own domains, no keys\n  leadgen sandbox                         rehearse with your own niches",
            report::table(&funnel),
            began.elapsed().as_secs_f64(),
            d = dir.display(),
            example = example(&town),
        )
    })?;
    town.close().await;
    Ok(End::Done)
}

/// The demonstration knows nothing of the machine it runs on: no file and no variable of the user's is read.
fn settings(dir: &Path, town: &Town) -> anyhow::Result<Settings> {
    let text = |path: &Path| path.display().to_string();
    let own = [
        ("DATABASE_URL", format!("sqlite://{}?mode=rwc", text(&dir.join("leadgen.db")))),
        ("LEADGEN_OFFLINE", "true".into()),
        ("EMAIL_SENDING_ENABLED", "true".into()),
        ("LEADGEN_LEGAL_BASIS", "demonstration: every recipient is invented and lives on loopback".into()),
        ("MAIL_SENDER_PROFILE_FILE", text(&dir.join("sender.toml"))),
        ("UNSUBSCRIBE_URL", "https://mail.example.org/u".into()),
        ("LEADGEN_TOKEN_KEY", "a key for the demonstration only".into()),
    ];
    let given = town.env().iter().map(|(name, value)| (name.as_str(), value.clone())).chain(own);
    let layers = given.fold(Layers::defaults(), |layers, (name, value)| layers.with(name, value, &Origin::Flag));
    Ok(Settings::read(&layers)?)
}

async fn night(pipeline: &Pipeline, clock: &HandClock) -> anyhow::Result<()> {
    let morning = Timestamp::parse(MORNING)?;
    pipeline.drain(Until::Instant(morning)).await?;
    clock.move_to(morning);
    Ok(())
}

async fn day(pipeline: &Pipeline, clock: &HandClock) -> anyhow::Result<()> {
    let evening = Timestamp::parse(EVENING)?;
    pipeline.drain(Until::Instant(evening)).await?;
    clock.move_to(evening);
    pipeline.drain(Until::Idle).await?;
    Ok(())
}

/// An empty folder, or one that an earlier demonstration made.
fn fresh(dir: &Path) -> anyhow::Result<()> {
    if dir.exists() {
        let is_ours = dir.join(MARK).exists() || std::fs::read_dir(dir)?.next().is_none();
        if !is_ours {
            return Err(output::misuse(format!("empty {}", dir.display()), "it holds other files; choose another folder with --dir"));
        }
        std::fs::remove_dir_all(dir)?;
    }
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join(MARK), "made by leadgen demo; emptied by the next one\n")?;
    Ok(())
}

async fn results(dir: &Path, store: &(impl Exports + ?Sized), town: &Town, funnel: &Funnel) -> anyhow::Result<()> {
    std::fs::write(dir.join("companies.csv"), export::csv(&store.companies(None).await?))?;
    let letters = dir.join("letters");
    std::fs::create_dir_all(&letters)?;
    for letter in town.letters() {
        if let Some(name) = letter.path.file_name() {
            std::fs::copy(&letter.path, letters.join(name))?;
        }
    }
    let rows: String = report::steps(funnel).iter().map(|(step, count)| format!("<tr><th>{step}</th><td>{count}</td></tr>")).collect();
    let style = "body{font:16px system-ui;margin:3em auto;max-width:30em}th{text-align:left;padding:.3em 2em .3em 0}td{text-align:right}";
    let page = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><title>leadgen: funnel</title><style>{style}</style><h1>Funnel</h1><table>{rows}</table>"
    );
    std::fs::write(dir.join("report.html"), page)?;
    Ok(())
}

/// A firm whose lead went all the way: it took a letter and answered.
fn example(town: &Town) -> &str {
    town.firms().iter().find(|firm| firm.temper == Temper::Interested).map_or("", |firm| firm.host.as_str())
}
