//! Opt-outs, broken mailboxes and bounces between a draft and its reader.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use leadgen_core::actions::optout;
use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::domain::mail::{FrozenMail, Mailbox};
use leadgen_core::domain::suppression::SuppressionSource;
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::Clock;
use leadgen_core::ports::store::{Mailboxes, Suppressions};
use leadgen_core::ports::transport::{MailTransport, Offer};
use leadgen_core::setup::wiring;
use leadgen_sandbox::{Action, Plan};
use leadgen_tests::harness::House;

use super::{MORNING, base, letters_to, on_each_database, page_with, run_until, site};

const AFTER: &str = "2025-01-02T06:40:00Z";

/// The base town with three more sites whose mail lives at yandex.
fn more_sites(dir: &Path) -> Result<Plan> {
    let plan = base(dir)?;
    for host in ["beta.ru", "gamma.ru"] {
        site(&dir.join("sites"), host, &page_with(&format!("info@{host}")))?;
    }
    Ok(plan)
}

async fn message(house: &House, columns: &str) -> Result<String> {
    Ok(house.look(&format!("SELECT {columns} FROM outreach_messages ORDER BY to_email")).await?.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_delivery_stops_the_letter_without_a_call() {
    for value in ["info@denta-lux.ru", "denta-lux.ru"] {
        on_each_database(MORNING, &[], base, async |house| {
            letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
            assert_eq!(message(house, "status, scheduled_for").await?, "queued|1735797900000");
            let lookups = house.town.lookups().len();
            let now = house.move_to("2025-01-02T06:03:00Z")?;
            house.store.register(&optout::entry(value, "asked by phone", SuppressionSource::Operator, now)?, "test").await?;
            run_until(house, house.builder()?, AFTER).await?;
            assert!(message(house, "status, last_error").await?.starts_with("suppressed|opt_out"), "{value}");
            assert_eq!(house.look("SELECT status FROM companies").await?, ["optout"], "{value}");
            assert_eq!((house.town.commands().len(), house.town.lookups().len()), (0, lookups), "{value}: nobody was called");
            run_until(house, house.builder()?, "2025-01-03T12:00:00Z").await?;
            assert!(message(house, "status").await?.starts_with("suppressed"), "{value}: nothing revives it");
            Ok(())
        })
        .await;
    }
}

/// A transport during whose offer another program writes into the registry.
#[derive(Debug)]
struct Meanwhile {
    inner: Arc<dyn MailTransport>,
    url: String,
}

#[async_trait]
impl MailTransport for Meanwhile {
    fn mailbox(&self) -> &Mailbox {
        self.inner.mailbox()
    }

    async fn offer(&self, mail: &FrozenMail) -> leadgen_core::error::Result<Box<dyn Offer>> {
        let offer = self.inner.offer(mail).await?;
        let id =
            if self.url.starts_with("sqlite") { "x'00000000000000000000000000000001'" } else { "'00000000-0000-0000-0000-000000000001'" };
        let sql = format!(
            "INSERT INTO opt_out_registry (id, contact_value, contact_type, source, reason, registered_at, created_at)
             VALUES ({id}, '{}', 'email', 'operator', 'meanwhile', 1, 1)",
            mail.to
        );
        let db = sea_orm::Database::connect(&self.url).await.unwrap();
        sea_orm::ConnectionTrait::execute_unprepared(&db, &sql).await.unwrap();
        Ok(offer)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_between_the_claim_and_the_mark_stops_the_letter_too() {
    on_each_database(MORNING, &[], base, async |house| {
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        let mailbox = house.settings.mailboxes[0].clone();
        let wire = leadgen_core::adapters::smtp::Settings {
            mailbox: mailbox.mailbox.clone(),
            host: mailbox.smtp_host.clone(),
            port: mailbox.smtp_port,
            tls: leadgen_core::adapters::smtp::Tls::Implicit,
            user: mailbox.user.clone(),
            password: mailbox.pass.reveal().to_owned(),
            offline: true,
            limits: leadgen_core::adapters::smtp::Limits::default(),
        };
        let tls = client_config(house.settings.extra_roots.as_deref())?;
        let inner = Arc::new(leadgen_core::adapters::smtp::SmtpTransport::new(wire, tls, house.clock.clone())?);
        let mut policy = house.settings.policy.clone();
        policy.send.mailboxes.retain(|known| known.name == mailbox.mailbox.name);
        let correspondence = leadgen_core::pipeline::policy::Correspondence {
            unsubscribe_url: Some("https://mail.example.org/u".into()),
            ..wiring::correspondence(&house.settings)
        };
        let builder = Pipeline::builder()
            .store(house.store.clone())
            .clock(house.clock.clone())
            .policy(policy)
            .correspondence(correspondence)
            .transport(Arc::new(Meanwhile { inner, url: house.settings.database_url.reveal().to_owned() }));
        run_until(house, builder, AFTER).await?;
        assert!(message(house, "status, last_error").await?.starts_with("suppressed|opt_out"));
        let told = house.town.commands();
        assert!(told.iter().any(|line| line.contains("RCPT")) && !told.iter().any(|line| line.contains("DATA")), "{told:?}");
        assert_eq!(house.town.letters().len(), 0);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_refuses_the_login_hands_its_letter_to_the_next_and_rests() {
    on_each_database(MORNING, &[], base, async |house| {
        house.fault("smtp.yandex", "auth", "", 1, Action::Reply("535 5.7.8 Error: authentication failed".into()));
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, AFTER).await?;
        let row = message(house, "status, mailbox, fallback, route_error, from_email").await?;
        assert!(row.starts_with("sent|gmail|"), "{row}");
        assert!(row.contains("auth_broken") && row.ends_with("studio.primer@gmail.com"), "{row}");
        let health = house.store.health(&house.settings.policy.send.mailboxes, house.clock.now()).await?;
        assert!(health.iter().any(|mailbox| mailbox.name == "yandex" && mailbox.paused_until.is_some()), "{health:?}");
        only_one_letter(house, "gmail");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_can_not_be_reached_hands_its_letter_to_the_next_and_does_not_rest() {
    on_each_database(MORNING, &[], base, async |house| {
        house.fault("smtp.yandex", "connect", "", 1, Action::Drop);
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, AFTER).await?;
        let row = message(house, "status, mailbox, route_error").await?;
        assert!(row.starts_with("sent|gmail|unreachable"), "{row}");
        assert!(house.look("SELECT name FROM mailboxes WHERE is_paused").await?.is_empty());
        only_one_letter(house, "gmail");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_whose_look_ups_time_out_is_unknown_and_leaves_from_gmail() {
    on_each_database(MORNING, &[], base, async |house| {
        // Its domain is looked up before a letter is written and once more when it is routed, by two resolvers each time.
        house.fault("dns", "MX", "denta-lux.ru", 4, Action::Stall);
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, AFTER).await?;
        assert_eq!(message(house, "status, mailbox, mx_class, mx_records, route_error").await?, "sent|gmail|UNKNOWN||");
        assert_eq!(house.town.lookups().iter().filter(|asked| *asked == "MX denta-lux.ru").count(), 4);
        only_one_letter(house, "gmail");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spam_verdict_holds_the_letter_rests_the_mailbox_and_never_tries_the_other() {
    on_each_database(MORNING, &[], base, async |house| {
        house.fault("smtp.yandex", "dot", "", u32::MAX, Action::Reply("554 5.7.1 Message rejected under suspicion of SPAM".into()));
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, "2025-01-03T12:00:00Z").await?;
        let row = message(house, "status, mailbox, last_error").await?;
        assert!(row.starts_with("held|yandex|content"), "{row}");
        assert_eq!(house.look("SELECT name FROM mailboxes WHERE is_paused").await?, ["yandex"]);
        assert_eq!(house.town.letters().len(), 0);
        assert!(!house.town.commands().iter().any(|line| line.starts_with("gmail")));
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_last_answer_is_a_doubt_and_nothing_is_sent_again_by_itself() {
    on_each_database(MORNING, &[], base, async |house| {
        house.fault("smtp.yandex", "dot", "", 1, Action::DropAfterAccept);
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, "2025-01-05T12:00:00Z").await?;
        assert_eq!(message(house, "status, attempts").await?, "in_doubt|1");
        only_one_letter(house, "yandex");
        Ok(())
    })
    .await;
}

fn only_one_letter(house: &House, server: &str) {
    let letters = house.town.letters();
    assert_eq!(letters.iter().map(|letter| letter.server.as_str()).collect::<Vec<_>>(), [server], "{}", house.database);
}

fn bounce(message_id: &str, to: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\n\r\n--b--\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn bounces_lead_to_the_registry_once_and_a_strangers_mail_to_nothing() {
    on_each_database(MORNING, &[], more_sites, async |house| {
        house.fault("smtp.yandex", "rcpt", "info@beta.ru", 1, Action::Reply("550 5.1.1 <info@beta.ru>: No such user!".into()));
        letters_to(house, &["denta-lux.ru", "beta.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, AFTER).await?;
        let letter = house.town.letters().pop().unwrap();
        let report = bounce(&letter.message_id, "info@denta-lux.ru");
        house.town.post("yandex", report.as_bytes())?;
        house.town.post("yandex", report.as_bytes())?;
        house.town.post("yandex", format!("X-Copy: 2\r\n{report}").as_bytes())?;
        let stranger = "From: nobody@elsewhere.example\r\nSubject: Re: x\r\nIn-Reply-To: <not-ours@elsewhere.example>\r\n\r\nСТОП\r\n";
        house.town.post("yandex", stranger.as_bytes())?;
        house.town.post("yandex", bounce("forged@elsewhere.example", "info@gamma.ru").as_bytes())?;
        run_until(house, house.builder()?, "2025-01-02T07:00:00Z").await?;
        let rows = message(house, "to_email, status, delivery_status").await?;
        assert_eq!(rows, "info@beta.ru|failed|\ninfo@denta-lux.ru|sent|bounced");
        let registry = house.look("SELECT contact_value, source FROM opt_out_registry ORDER BY contact_value").await?;
        assert_eq!(registry, ["info@beta.ru|bounce", "info@denta-lux.ru|bounce"]);
        let unmatched = house.look("SELECT count(*) AS n FROM signals WHERE message_id IS NULL").await?;
        assert_eq!(unmatched, ["2"], "kept, without effect");
        let before = house.town.letters().len();
        run_until(house, house.builder()?, "2025-01-06T12:00:00Z").await?;
        assert_eq!(house.town.letters().len(), before, "neither is written to again");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_closes_the_lead_and_a_stop_closes_it_for_good() {
    on_each_database(MORNING, &[], more_sites, async |house| {
        letters_to(house, &["beta.ru", "gamma.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, AFTER).await?;
        for (host, text) in [("beta.ru", "Интересно, расскажите подробнее"), ("gamma.ru", "Отпишите нас, пожалуйста")]
        {
            let letter = house.town.letters().into_iter().find(|letter| letter.rcpt.ends_with(host)).unwrap();
            let mail = format!(
                "From: info@{host}\r\nSubject: Re: x\r\nIn-Reply-To: <{}>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n",
                letter.message_id
            );
            house.town.post("yandex", mail.as_bytes())?;
        }
        let pipeline = house.builder()?.build()?;
        pipeline.drain(Until::Idle).await?;
        let rows = house.look("SELECT canonical_domain, status FROM companies ORDER BY canonical_domain").await?;
        assert_eq!(rows, ["beta.ru|replied", "gamma.ru|optout"]);
        assert_eq!(message(house, "status, delivery_status").await?, "sent|replied\nsent|unsubscribed");
        assert_eq!(house.look("SELECT contact_value, source FROM opt_out_registry").await?, ["info@gamma.ru|reply"]);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_mailbox_of_a_rule_that_refuses_the_login_keeps_its_letters() {
    on_each_database(MORNING, &[], base, async |house| {
        // Its domain is looked up before a letter is written and once more when it is routed, by two resolvers each time.
        house.fault("dns", "MX", "denta-lux.ru", 4, Action::Stall);
        let refusal = "535-5.7.8 Username and Password not accepted\r\n535 5.7.8 BadCredentials";
        house.fault("smtp.gmail", "auth", "", 1, Action::Reply(refusal.into()));
        letters_to(house, &["denta-lux.ru"], house.builder()?).await?;
        run_until(house, house.builder()?, "2025-01-03T12:00:00Z").await?;
        assert_eq!(message(house, "status, mailbox").await?, "queued|gmail");
        assert_eq!(house.look("SELECT name FROM mailboxes WHERE is_paused").await?, ["gmail"]);
        assert!(house.town.letters().is_empty());
        house.store.resume("gmail", "anna", house.clock.now()).await?;
        run_until(house, house.builder()?, "2025-01-03T13:00:00Z").await?;
        assert_eq!(message(house, "status, mailbox").await?, "sent|gmail");
        Ok(())
    })
    .await;
}
