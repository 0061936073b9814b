//! A row goes in, a letter comes out, an answer closes it: over the real adapters, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "tests")]

mod gates;
mod letters;
mod whole;

use std::path::Path;

use anyhow::Result;
use leadgen_core::actions::import;
use leadgen_core::domain::lead::CompanyRow;
use leadgen_core::pipeline::Until;
use leadgen_core::pipeline::builder::PipelineBuilder;
use leadgen_core::ports::clock::Clock;
use leadgen_sandbox::{Plan, Row};
use leadgen_tests::databases;
use leadgen_tests::harness::House;

/// The morning of the letters, 09:00 in Moscow.
const MORNING: &str = "2025-01-02T06:00:00Z";

/// The site that shows contacts, and the one that shows none.
const DENTA: &str = "<!DOCTYPE html><html lang=\"ru\"><head><meta charset=\"utf-8\"><title>Дента Люкс</title></head><body><h1>Стоматология «Дента Люкс»</h1>\
    <p>Лечим зубы детям и взрослым с 2009 года, принимаем по записи каждый день, делаем снимки на месте и составляем план лечения.</p>\
    <a href=\"mailto:Info@Denta-Lux.ru\">Написать</a> <a href=\"tel:8 (495) 204-51-38\">Позвонить</a></body></html>";
const KLYK: &str = "<!DOCTYPE html><html lang=\"ru\"><head><meta charset=\"utf-8\"><title>Белый клык</title></head><body><h1>Белый клык</h1>\
    <p>Скоро здесь будет наш сайт.</p></body></html>";

fn document(url: &str, title: &str) -> String {
    let host = url.split("://").nth(1).unwrap_or(url).split('/').next().unwrap_or(url);
    format!(
        "<group><categ attr=\"d\" name=\"{host}\"/><doccount>1</doccount><doc id=\"Z\"><url>{url}</url><domain>{host}</domain><title>{title}</title>\
         <charset>utf-8</charset><mime-type>text/html</mime-type><passages><passage>Запись и консультация</passage></passages></doc></group>"
    )
}

fn answer(documents: &[(&str, &str)]) -> String {
    let groups: String = documents.iter().map(|(url, title)| document(url, title)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<yandexsearch version=\"1.0\"><request><page>0</page></request><response date=\"20250101T210509\">\
         <found priority=\"all\">4</found><results><grouping attr=\"d\" mode=\"deep\" groups-on-page=\"100\" docs-in-group=\"1\"><page first=\"1\" last=\"4\">0</page>\
         {groups}<found priority=\"all\">4</found></grouping></results></response></yandexsearch>"
    )
}

/// A site of one page, served by the town.
fn site(sites: &Path, host: &str, page: &str) -> Result<()> {
    let folder = sites.join(host);
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join("index.html"), page)?)
}

/// A page that shows one address.
fn page_with(email: &str) -> String {
    DENTA.replace("Info@Denta-Lux.ru", email)
}

/// The town of the base data: two rows, one answer for all their queries, and another for a later batch.
fn base(dir: &Path) -> Result<Plan> {
    let (serp, sites) = (dir.join("serp"), dir.join("sites"));
    std::fs::create_dir_all(&serp)?;
    let first = answer(&[
        ("https://www.denta-lux.ru/uslugi?utm_source=x", "Дента <hlword>Люкс</hlword>"),
        ("http://spb.denta-lux.ru/", "Дента Люкс"),
        ("https://belyi-klyk.ru/about/", "Белый клык"),
        ("https://www.avito.ru/x", "Объявления"),
    ]);
    std::fs::write(serp.join("стоматология.xml"), &first)?;
    std::fs::write(serp.join("грузоперевозки.xml"), &first)?;
    let second = answer(&[
        ("HTTPS://DENTA-LUX.RU:443/kontakty#map", "Дента Люкс"),
        ("http://msk.denta-lux.ru/", "Дента Люкс"),
        ("https://one.tilda.ws/", "Ромашка"),
        ("https://two.tilda.ws/", "Василёк"),
        ("https://пример.рф/", "Пример"),
        ("https://xn--e1afmkfd.xn--p1ai/o-nas", "Пример"),
        ("https://denta-luks.ru/", "ООО «Дента-Люкс»"),
    ]);
    std::fs::write(serp.join("имплантация.xml"), second)?;
    site(&sites, "denta-lux.ru", DENTA)?;
    site(&sites, "belyi-klyk.ru", KLYK)?;
    let row = |niche: &str, city: &str| Row { niche: niche.into(), city: city.into() };
    Ok(Plan {
        rows: vec![row("стоматология", "Москва")],
        firms_per_row: 0,
        serp: Some(serp),
        sites: Some(sites),
        polls_until_done: 1,
        ..Plan::new(dir.join("town"))
    })
}

/// Runs a test in a fresh house on every database the machine has.
async fn on_each_database(start: &str, more: &[(&str, &str)], plan: fn(&Path) -> Result<Plan>, test: impl AsyncFn(&House) -> Result<()>) {
    for database in databases::each().await {
        let house = House::open(&database, start, more, plan).await.unwrap();
        if let Err(error) = test(&house).await {
            panic!("{}: {error:?}", house.database);
        }
    }
}

/// Companies of an own list, each with its site in the town; visited, written to, approved, routed, nothing sent yet.
async fn letters_to(house: &House, hosts: &[&str], builder: PipelineBuilder) -> Result<()> {
    import_hosts(house, hosts).await?;
    let early = builder.build()?.only(&["enrich", "draft", "route"])?;
    early.drain(Until::Idle).await?;
    Ok(())
}

async fn import_hosts(house: &House, hosts: &[&str]) -> Result<()> {
    let row = |host: &&str| CompanyRow {
        origin: "list:1".into(),
        name: String::new(),
        domain: (*host).to_owned(),
        email: String::new(),
        phone: String::new(),
        city: "Москва".into(),
        niche: "стоматология".into(),
        batch_tag: "b1".into(),
        ..CompanyRow::default()
    };
    let rows: Vec<CompanyRow> = hosts.iter().map(row).collect();
    import::companies(house.store.as_ref(), &rows, &[], house.clock.now()).await?;
    Ok(())
}

/// Everything until an instant, which the clock shows afterwards.
async fn run_until(house: &House, builder: PipelineBuilder, instant: &str) -> Result<()> {
    let end = leadgen_core::domain::time::Timestamp::parse(instant)?;
    builder.build()?.drain(Until::Instant(end)).await?;
    house.clock.move_to(end);
    Ok(())
}
