//! From the sheet to the report, again, and with a second batch.

use anyhow::Result;
use leadgen_core::pipeline::Until;
use leadgen_core::ports::store::Reports;
use leadgen_core::setup::wiring::leads_file;
use leadgen_tests::harness::House;
use std::sync::Arc;

use super::{MORNING, base, on_each_database, run_until};

const NOON: &str = "2025-01-01T12:00:00Z";
const ROWS: &str = "niche,city,country,batch_tag\nстоматология,Москва,Россия,b1\nгрузоперевозки,,Казахстан,b1\n";

/// Takes the sheet in and lives until the letter has left.
async fn first_run(house: &House) -> Result<()> {
    let path = house.dir().join("niches.csv");
    std::fs::write(&path, ROWS)?;
    let leads = Arc::new(leads_file(&path, None)?);
    let night = house.builder()?.leads("niches.csv", leads).build()?.only(&["intake", "plan", "submit", "poll", "ingest"])?;
    let end = house.clock.as_ref();
    night.drain(Until::Instant(leadgen_core::domain::time::Timestamp::parse("2025-01-01T21:00:00Z")?)).await?;
    end.move_to(leadgen_core::domain::time::Timestamp::parse(MORNING)?);
    run_until(house, house.builder()?, "2025-01-02T06:30:00Z").await
}

/// Everything that must not grow when all is run again.
async fn counts(house: &House) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for table in [
        "serp_queries",
        "serp_operations",
        "serp_results",
        "companies",
        "contacts",
        "outreach_messages",
        "mailbox_marks",
        "opt_out_registry",
    ] {
        all.push(format!("{table} {}", house.look(&format!("SELECT count(*) AS n FROM {table}")).await?.join("")));
    }
    let town = &house.town;
    all.push(format!(
        "searches {} visits {} letters {} commands {}",
        town.searches().len(),
        town.visits().len(),
        town.letters().len(),
        town.commands().len()
    ));
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_sheet_becomes_a_letter_in_the_right_mailbox() {
    on_each_database(NOON, &[], base, async |house| {
        first_run(house).await?;
        assert_eq!(
            house.look("SELECT region_code, count(*) AS n FROM serp_queries GROUP BY region_code ORDER BY region_code").await?,
            ["159|6", "213|6"]
        );
        assert_eq!(house.look("SELECT count(*) AS n FROM serp_queries WHERE status = 'completed'").await?, ["12"]);
        assert_eq!(house.look("SELECT count(*) AS n FROM serp_operations WHERE status = 'done'").await?, ["12"]);
        let slots = house
            .look("SELECT count(DISTINCT scheduled_for) AS n, max(scheduled_for) - min(scheduled_for) AS span FROM serp_queries")
            .await?;
        assert_eq!(slots, ["12|495000"], "twelve slots, 45 s apart, from 20:00:00 to 20:08:15");
        assert_eq!(house.look("SELECT count(*) AS n FROM serp_results").await?, ["36"]);
        assert_eq!(
            house.look("SELECT DISTINCT title FROM serp_results WHERE domain IN ('denta-lux.ru', 'www.denta-lux.ru')").await?,
            ["Дента Люкс"]
        );
        let relatives =
            house.look("SELECT DISTINCT dedup_status FROM serp_results WHERE url LIKE '%spb.denta-lux.ru%' ORDER BY dedup_status").await?;
        assert_eq!(relatives, ["dup_family"], "family whenever it is seen: dup_host is the host of the company (DEDUP-4)");
        let companies =
            house.look("SELECT canonical_domain, website_url, status, status_reason FROM companies ORDER BY canonical_domain").await?;
        assert_eq!(
            companies,
            ["belyi-klyk.ru|https://belyi-klyk.ru/|disqualified|contacts_not_found", "denta-lux.ru|https://denta-lux.ru/|contacted|"]
        );
        let contacts = house.look("SELECT contact_type, value, is_primary FROM contacts ORDER BY contact_type").await?;
        assert_eq!(
            contacts.iter().map(|line| line.rsplit_once('|').unwrap().0).collect::<Vec<_>>(),
            ["email|info@denta-lux.ru", "phone|+74952045138"]
        );
        let letters = house.look("SELECT status, mailbox, mx_class, scheduled_for, to_email FROM outreach_messages").await?;
        assert_eq!(letters, ["sent|yandex|RU|1735797900000|info@denta-lux.ru"], "its turn was 06:05:00");
        arrived(house)?;
        assert_eq!(
            house.look("SELECT attempted_queries, inserted_queries, duplicate_queries FROM search_batch_logs").await?,
            ["6|6|0", "6|6|0"]
        );
        let funnel = house.store.funnel(None).await?;
        assert_eq!((funnel.niches, funnel.queries, funnel.results, funnel.companies), (2, 12, 36, 2));
        Ok(())
    })
    .await;
}

fn arrived(house: &House) -> Result<()> {
    let letters = house.town.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].server.as_str(), letters[0].rcpt.as_str()), ("yandex", "info@denta-lux.ru"));
    let bytes = std::fs::read(&letters[0].path)?;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("List-Unsubscribe: "), "{text}");
    assert!(!text.contains("Reply-To"), "{text}");
    let read = mail_parser::MessageParser::new().parse(&bytes).unwrap();
    assert!(read.body_text(0).unwrap().to_uppercase().contains("СТОП"), "the text says how to refuse");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn running_everything_again_changes_nothing_and_calls_nobody() {
    on_each_database(NOON, &[], base, async |house| {
        first_run(house).await?;
        let before = counts(house).await?;
        let slots = house.look("SELECT query_text, scheduled_for FROM serp_queries ORDER BY query_text").await?;
        // The user writes NEW beside the first row: the list has changed and is offered again.
        let path = house.dir().join("niches.csv");
        std::fs::write(
            &path,
            "niche,city,country,batch_tag,status\nстоматология,Москва,Россия,b1,NEW\nгрузоперевозки,,Казахстан,b1,EXPORTED\n",
        )?;
        for _ in 0..2 {
            let leads = Arc::new(leads_file(&path, None)?);
            let again = house.builder()?.leads("niches.csv", leads).build()?;
            house.move_to("2025-01-02T12:00:00Z")?;
            again.drain(Until::Idle).await?;
        }
        assert_eq!(counts(house).await?, before);
        assert_eq!(house.look("SELECT query_text, scheduled_for FROM serp_queries ORDER BY query_text").await?, slots);
        let logs = house
            .look("SELECT attempted_queries, inserted_queries, duplicate_queries FROM search_batch_logs ORDER BY created_at, niche")
            .await?;
        assert_eq!(logs.last().map(String::as_str), Some("6|0|6"));
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_batch_brings_only_companies_that_are_new() {
    on_each_database(NOON, &[], base, async |house| {
        first_run(house).await?;
        let path = house.dir().join("second.csv");
        std::fs::write(&path, "niche,city,country,batch_tag\nимплантация,Москва,Россия,b2\n")?;
        let second = house.builder()?.leads("second.csv", Arc::new(leads_file(&path, None)?)).build()?;
        let second = second.only(&["intake", "plan", "submit", "poll", "ingest", "dedupe"])?;
        second.drain(Until::Instant(leadgen_core::domain::time::Timestamp::parse("2025-01-02T22:00:00Z")?)).await?;
        let found = house.look("SELECT DISTINCT domain, dedup_status FROM serp_results WHERE operation_id IN (SELECT id FROM serp_operations WHERE requested_at > 1735797900000) ORDER BY domain, dedup_status").await?;
        let of = |domain: &str| -> Vec<String> { found.iter().filter(|line| line.starts_with(domain)).cloned().collect() };
        assert!(of("denta-lux.ru").iter().all(|line| line.ends_with("dup_host")), "{found:?}");
        assert_eq!(of("msk.denta-lux.ru"), ["msk.denta-lux.ru|dup_family"], "{found:?}");
        assert!(of("denta-luks.ru").contains(&"denta-luks.ru|dup_fuzzy".to_owned()), "{found:?}");
        let sql = "SELECT canonical_domain FROM companies WHERE batch_tag = 'b2' AND status <> 'duplicate' ORDER BY canonical_domain";
        let companies = house.look(sql).await?;
        assert_eq!(companies, ["one.tilda.ws", "two.tilda.ws", "xn--e1afmkfd.xn--p1ai"], "{found:?}");
        // The spelling with another domain is kept aside, so that a person may part the two again.
        let sql = "SELECT c.canonical_domain FROM companies d JOIN companies c ON c.id = d.duplicate_of WHERE d.canonical_domain = 'denta-luks.ru'";
        assert_eq!(house.look(sql).await?, ["denta-lux.ru"]);
        assert_eq!(house.look("SELECT status FROM company_pairs").await?, ["linked"]);
        assert_eq!(house.look("SELECT status FROM companies WHERE canonical_domain = 'denta-lux.ru'").await?, ["contacted"]);
        assert_eq!(house.look("SELECT count(*) AS n FROM outreach_messages").await?, ["1"]);
        Ok(())
    })
    .await;
}
