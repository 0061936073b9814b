//! The senders' own inboxes.

use std::time::Duration;

use leadgen_core::adapters::imap::{ImapInbox, PULL, Settings};
use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::domain::signal::SignalKind;
use leadgen_core::ports::inbox::Inbox;
use leadgen_core::rules::inbound;
use leadgen_core::testing::conformance;
use leadgen_core::testing::scripted::{ScriptedInbox, a_mail_from};
use leadgen_sandbox::Action;
use leadgen_tests::harness::fault;

use super::Street;

const BOUNCE: &str = "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
    --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; info@firma.ru\r\n\
    Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n\
    --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <abc@studio.ru>\r\n\r\n--b--\r\n";

fn settings(street: &Street) -> Settings {
    let mailbox = street.settings.mailboxes.iter().find(|known| known.mailbox.name == "yandex").unwrap();
    let (host, port) = mailbox.imap.clone().unwrap();
    Settings {
        mailbox: "yandex".into(),
        host,
        port,
        user: mailbox.user.clone(),
        password: mailbox.pass.reveal().to_owned(),
        offline: true,
        limit: PULL,
    }
}

fn inbox(street: &Street, settings: Settings) -> ImapInbox {
    let tls = client_config(street.settings.extra_roots.as_deref()).unwrap();
    ImapInbox::new(settings, tls, street.clock.clone()).unwrap()
}

fn reply(number: usize, headers: &str, text: &str) -> Vec<u8> {
    format!(
        "From: Reader <info@firma.ru>\r\nSubject: Re: x\r\nMessage-ID: <{number}@firma.ru>\r\nIn-Reply-To: <abc@studio.ru>\r\n{headers}\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn bounces_answers_and_refusals_are_told_apart_and_nothing_is_marked_as_read() {
    let street = Street::open().await;
    for mail in [
        BOUNCE.as_bytes().to_vec(),
        reply(1, "", "СТОП"),
        reply(2, "", "Интересно, расскажите подробнее."),
        reply(3, "Auto-Submitted: auto-replied\r\n", "Я в отпуске. STOP"),
    ] {
        street.town.post("yandex", &mail).unwrap();
    }
    let batch = inbox(&street, settings(&street)).pull(None).await.unwrap();
    let said: Vec<_> = batch.items.iter().flat_map(|arrival| inbound::read(&arrival.bytes)).collect();
    let kinds: Vec<SignalKind> = said.iter().map(|said| said.kind).collect();
    assert_eq!(kinds, [SignalKind::HardBounce, SignalKind::Stop, SignalKind::Reply, SignalKind::AutoReply]);
    assert_eq!(said[2].intent, "interested");
    assert!(said.iter().all(|said| said.quoted_ids == ["abc@studio.ru"]));
    assert_eq!(street.town.counts("yandex").unwrap(), (4, 0), "read by us, unread for its owner");
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_stopped_over_gaps_of_any_size() {
    let street = Street::open().await;
    let inbox = inbox(&street, settings(&street));
    assert!(inbox.pull(None).await.unwrap().items.is_empty());
    for number in 1..=65 {
        street.town.post("yandex", &reply(number, "", "Спасибо")).unwrap();
    }
    for deleted in 5..=60 {
        street.town.remove("yandex", deleted).unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let batch = inbox.pull(after.as_ref()).await.unwrap();
        if batch.items.is_empty() {
            break;
        }
        seen.extend(batch.items.into_iter().map(|arrival| arrival.key));
        after = batch.next;
    }
    assert_eq!(seen.len(), 9);
    street.town.post("yandex", &reply(99, "", "Ещё одно")).unwrap();
    let more = inbox.pull(after.as_ref()).await.unwrap();
    assert_eq!(more.items.len(), 1);
    assert!(!seen.contains(&more.items[0].key));
}

#[tokio::test]
async fn mails_that_got_new_numbers_are_the_same_mails() {
    let street = Street::open().await;
    let inbox = inbox(&street, settings(&street));
    for number in 1..=3 {
        street.town.post("yandex", &reply(number, "", "Спасибо")).unwrap();
    }
    let first = inbox.pull(None).await.unwrap();
    street.town.renumber("yandex").unwrap();
    let second = inbox.pull(first.next.as_ref()).await.unwrap();
    let keys = |batch: &leadgen_core::domain::lead::Batch<leadgen_core::domain::signal::Arrival>| -> Vec<String> {
        batch.items.iter().map(|arrival| arrival.key.clone()).collect()
    };
    assert_eq!(keys(&first).len(), 3);
    assert_eq!(keys(&first), keys(&second), "read again from 30 days back, named as before");
    assert_ne!(first.next, second.next);
    assert!(inbox.pull(second.next.as_ref()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_first_look_goes_back_thirty_days_and_no_further() {
    let street = Street::open().await;
    street.town.post("yandex", &reply(1, "", "Старое")).unwrap();
    street.town.post("yandex", &reply(2, "", "Новое")).unwrap();
    let old = street.dir.path().join("town/inbox/yandex/00000001.eml");
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    std::fs::File::options().write(true).open(old).unwrap().set_modified(long_ago).unwrap();
    let batch = inbox(&street, settings(&street)).pull(None).await.unwrap();
    assert_eq!(batch.items.len(), 1);
    assert!(String::from_utf8_lossy(&batch.items[0].bytes).contains("Новое"));
}

#[tokio::test]
async fn an_inbox_that_fails_says_how() {
    let street = Street::open().await;
    street.town.post("yandex", &reply(1, "", "Спасибо")).unwrap();
    let code = |settings: Settings| {
        let inbox = inbox(&street, settings);
        async move { inbox.pull(None).await.unwrap_err() }
    };
    let wrong = code(Settings { password: "s3cr3t-canary".into(), ..settings(&street) }).await;
    assert_eq!(wrong.machine_code(), "auth_broken");
    assert!(!format!("{wrong:?} {}", wrong.for_row()).contains("s3cr3t-canary"));
    fault(&street.town, "imap", "fetch", "", 1, Action::Drop);
    assert_eq!(code(settings(&street)).await.machine_code(), "inbox_failed");
    fault(&street.town, "imap", "fetch", "", 1, Action::Stall);
    assert_eq!(code(Settings { limit: Duration::from_millis(300), ..settings(&street) }).await.machine_code(), "inbox_timeout");
    let batch = inbox(&street, settings(&street)).pull(None).await.unwrap();
    assert_eq!(batch.items.len(), 1, "afterwards nothing is lost");
}

#[tokio::test]
async fn a_mail_beyond_the_limit_is_cut_before_it_crosses_the_wire() {
    let street = Street::open().await;
    let mut huge = reply(1, "", "Спасибо");
    huge.extend(std::iter::repeat_n(b'x', 3 * 1024 * 1024));
    street.town.post("yandex", &huge).unwrap();
    let batch = inbox(&street, settings(&street)).pull(None).await.unwrap();
    assert_eq!(batch.items[0].bytes.len(), 2 * 1024 * 1024);
}

#[tokio::test]
async fn a_server_and_the_stand_in_keep_the_promises_of_an_inbox() {
    let street = Street::open().await;
    for number in 1..=3 {
        street.town.post("yandex", &reply(number, "", "Спасибо")).unwrap();
    }
    conformance::inbox(&inbox(&street, settings(&street))).await;
    let scripted = ScriptedInbox::of("gmail");
    scripted.receives(a_mail_from("info@firma.ru", "Re: x", "Спасибо"));
    conformance::inbox(&scripted).await;
}

#[tokio::test]
async fn a_mail_the_server_withholds_is_asked_for_again_before_the_others_go_on_without_it() {
    let street = Street::open().await;
    for number in 1..=4 {
        street.town.post("yandex", &reply(number, "", "Спасибо")).unwrap();
    }
    let inbox = inbox(&street, settings(&street));

    fault(&street.town, "imap", "body", "3", 1, Action::Drop);
    let first = inbox.pull(None).await.unwrap();
    let second = inbox.pull(first.next.as_ref()).await.unwrap();
    assert_eq!((first.items.len(), second.items.len()), (2, 2), "it was given when asked again");

    fault(&street.town, "imap", "body", "3", 2, Action::Drop);
    let again = inbox.pull(first.next.as_ref()).await.unwrap();
    assert_eq!(again.items.len(), 1, "the one behind it is not held up for ever");
    assert_eq!(again.next, second.next);
}
