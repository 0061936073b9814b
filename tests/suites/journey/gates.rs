//! What must stand before anything leaves.

use anyhow::Result;
use leadgen_core::actions::review;
use leadgen_core::domain::flow::MessageState;
use leadgen_core::ports::clock::Clock;
use leadgen_core::ports::store::Reviews;
use leadgen_tests::databases;
use leadgen_tests::harness::{House, settings};

use super::{MORNING, base, import_hosts, letters_to, on_each_database, run_until};

const LATER: &str = "2025-01-03T12:00:00Z";

async fn states(house: &House) -> Result<Vec<String>> {
    house.look("SELECT status FROM outreach_messages").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_is_off_until_it_is_switched_on() {
    on_each_database(MORNING, &[("EMAIL_SENDING_ENABLED", "")], base, async |house| {
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, LATER).await?;
        assert_eq!(states(house).await?, ["queued"]);
        assert!(house.town.commands().is_empty());
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_every_letter_unless_that_is_switched_off() {
    on_each_database(MORNING, &[("LEADGEN_REVIEW_REQUIRED", "")], base, async |house| {
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, "2025-01-02T07:00:00Z").await?;
        assert_eq!(states(house).await?, ["draft"]);
        assert!(house.town.commands().is_empty());
        review::approve_all(house.store.as_ref(), None, 1, "anna", house.clock.now()).await?;
        run_until(house, house.builder()?, LATER).await?;
        assert_eq!(states(house).await?, ["sent"]);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_letter_leaves_without_identity_basis_and_a_way_out() {
    for (missing, word) in [
        (vec![("MAIL_SENDER_PROFILE_FILE", "")], "MAIL_SENDER_PROFILE_FILE"),
        (vec![("LEADGEN_LEGAL_BASIS", "")], "LEADGEN_LEGAL_BASIS"),
        (vec![("YANDEX_IMAP_HOST", "off"), ("GMAIL_IMAP_HOST", "off")], "UNSUBSCRIBE_URL"),
    ] {
        let database = databases::Empty::file();
        let house = House::open(&database, MORNING, &missing, base).await.unwrap();
        import_hosts(&house, &["denta-lux.ru"]).await.unwrap();
        let refused = house.builder().unwrap().build().unwrap_err();
        assert_eq!(refused.machine_code(), "pipeline_incomplete");
        assert!(refused.to_string().contains("sending_not_ready") && refused.to_string().contains(word), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_void_once_the_policy_or_the_text_changed() {
    on_each_database(MORNING, &[("LEADGEN_REVIEW_REQUIRED", "")], base, async |house| {
        let early = house.builder()?;
        import_hosts(house, &["denta-lux.ru"]).await?;
        early.build()?.only(&["enrich", "draft"])?.drain(leadgen_core::pipeline::Until::Idle).await?;
        let seen = house.store.messages(Some(MessageState::Draft), 10).await?.remove(0);
        let stale = house.store.approve(seen.id, "a hash of another text", "anna", house.clock.now()).await.unwrap_err();
        assert_eq!(stale.machine_code(), "approval_stale");
        review::approve(house.store.as_ref(), &seen, "anna", house.clock.now()).await?;

        let url = house.settings.database_url.reveal().to_owned();
        let other_basis = settings(&house.town, house.dir(), &url, &[("LEADGEN_LEGAL_BASIS", "another one")])?;
        let changed = leadgen_core::setup::wiring::pipeline(
            &other_basis,
            house.store.clone(),
            house.clock.clone(),
            leadgen_core::setup::wiring::Needs::all(&other_basis),
        )?;
        run_until(house, changed, LATER).await?;
        let row = house.look("SELECT status, last_error FROM outreach_messages").await?.join("");
        assert!(row.starts_with("held|approval_stale"), "{row}");
        assert!(house.town.commands().is_empty());
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_changed_behind_an_approval_does_not_leave() {
    on_each_database(MORNING, &[("LEADGEN_REVIEW_REQUIRED", "")], base, async |house| {
        import_hosts(house, &["denta-lux.ru"]).await?;
        house.builder()?.build()?.only(&["enrich", "draft"])?.drain(leadgen_core::pipeline::Until::Idle).await?;
        review::approve_all(house.store.as_ref(), None, 1, "anna", house.clock.now()).await?;
        house.run("UPDATE outreach_messages SET body = body || ' и ещё слово'").await?;
        run_until(house, house.builder()?, LATER).await?;
        let row = house.look("SELECT status, last_error FROM outreach_messages").await?.join("");
        assert!(row.starts_with("held|approval_stale"), "{row}");
        assert!(house.town.letters().is_empty());
        Ok(())
    })
    .await;
}
