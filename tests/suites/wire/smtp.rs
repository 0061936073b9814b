//! Submission: two servers, implicit TLS (`yandex`) and STARTTLS (`gmail`), and everything they can do wrong.

use std::sync::Arc;
use std::time::Duration;

use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::adapters::smtp::{Limits, Settings, SmtpTransport, Tls};
use leadgen_core::domain::id::Id;
use leadgen_core::domain::mail::{FrozenMail, Receipt};
use leadgen_core::domain::mx::MxClass;
use leadgen_core::domain::name::EmailAddress;
use leadgen_core::domain::time::{Timestamp, Zone};
use leadgen_core::error::{Error, ErrorKind, Result, Verdict};
use leadgen_core::ports::transport::MailTransport;
use leadgen_core::rules::compose::{Composition, compose};
use leadgen_core::testing::builders::{a_letter, a_mailbox};
use leadgen_core::testing::conformance;
use leadgen_core::testing::scripted::Outbox;
use leadgen_sandbox::Action;
use leadgen_tests::harness::fault;

use super::Street;

const SHORT: Duration = Duration::from_millis(250);

fn settings(street: &Street, name: &str) -> Settings {
    let mailbox = street.settings.mailboxes.iter().find(|known| known.mailbox.name == name).unwrap();
    Settings {
        mailbox: mailbox.mailbox.clone(),
        host: mailbox.smtp_host.clone(),
        port: mailbox.smtp_port,
        tls: if mailbox.implicit_tls { Tls::Implicit } else { Tls::StartTls },
        user: mailbox.user.clone(),
        password: mailbox.pass.reveal().to_owned(),
        offline: true,
        limits: Limits::default(),
    }
}

fn transport(street: &Street, settings: Settings) -> SmtpTransport {
    let tls = client_config(street.settings.extra_roots.as_deref()).unwrap();
    SmtpTransport::new(settings, tls, street.clock.clone()).unwrap()
}

fn letter(street: &Street, mailbox: &str, to: &str, subject: &str, body: &str) -> FrozenMail {
    let from = settings(street, mailbox).mailbox.from;
    let to = EmailAddress::parse(to).unwrap();
    let composed = compose(&Composition {
        from: &from,
        from_name: "Анна Ковалёва",
        to: &to,
        subject,
        body,
        date: Timestamp::parse("2026-01-16T09:00:00Z").unwrap(),
        zone: Zone::UTC,
        random: sixteen_of(subject),
        outbox_id: "0001".into(),
        unsubscribe_url: None,
        unsubscribe_mailto: &from,
        token: "t".into(),
    })
    .unwrap();
    FrozenMail {
        message: Id::of(&["message", subject]),
        mailbox: mailbox.into(),
        from,
        to,
        message_id: composed.message_id,
        bytes: composed.bytes,
        class: MxClass::Ru,
        records: vec![],
        fallback: false,
    }
}

/// Sixteen bytes that differ from subject to subject.
fn sixteen_of(text: &str) -> [u8; 16] {
    let mut bytes = [0_u8; 16];
    for (index, byte) in text.bytes().enumerate() {
        bytes[index % 16] ^= byte.rotate_left((index / 16) as u32);
    }
    bytes
}

async fn hand_over(transport: &SmtpTransport, mail: &FrozenMail) -> Result<Receipt> {
    transport.offer(mail).await?.hand_over().await
}

async fn attempt(street: &Street, mailbox: &str) -> Result<Receipt> {
    let mail = letter(street, mailbox, "info@firma.ru", "Заявки с сайта", "Здравствуйте!");
    hand_over(&transport(street, settings(street, mailbox)), &mail).await
}

#[tokio::test]
async fn both_ways_of_privacy_deliver_exactly_the_frozen_bytes() {
    let street = Street::open().await;
    let long = "длинное-слово-без-пробела".repeat(60);
    let subjects = [
        ("Заявки с сайта", "Здравствуйте!\n\nПишу по делу."),
        ("Ёлки, «кавычки» и — тире", ".точка в начале строки\n..две точки\n.\nFrom the start\n"),
        ("Очень длинная тема письма, которая не помещается в одно кодированное слово и должна быть разбита на несколько", long.as_str()),
        ("Re=?utf-8?B?0J8=?=", "строка с пробелами в конце   \n\tтабуляция\n"),
        ("Смешанная тема with English words & знаки: 100 %", "Последняя строка без перевода"),
    ];
    for mailbox in ["yandex", "gmail"] {
        let transport = transport(&street, settings(&street, mailbox));
        for (subject, body) in subjects {
            let mail = letter(&street, mailbox, "info@firma.ru", subject, body);
            let receipt = hand_over(&transport, &mail).await.unwrap();
            assert!(receipt.reply.starts_with("250 2.0.0 Ok: queued"), "{receipt:?}");
            let arrived = street.town.letters().pop().unwrap();
            assert_eq!(
                (arrived.server.as_str(), arrived.rcpt.as_str(), arrived.from.as_str()),
                (mailbox, "info@firma.ru", mail.from.as_str())
            );
            assert_eq!(arrived.message_id, mail.message_id);
            let bytes = std::fs::read(&arrived.path).unwrap();
            let frozen = String::from_utf8(mail.bytes.clone()).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap().trim_end_matches("\r\n"), frozen.trim_end_matches("\r\n"), "{mailbox} {subject}");
            let read = mail_parser::MessageParser::new().parse(&mail.bytes).unwrap().subject().unwrap_or_default().to_owned();
            assert_eq!(read, subject);
        }
    }
    let told = street.town.commands();
    assert!(
        told.iter()
            .filter(|line| line.contains(" plain "))
            .all(|line| line.ends_with("EHLO leadgen.invalid") || line.ends_with("STARTTLS")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_line_that_begins_with_a_dot_arrives_with_it() {
    let street = Street::open().await;
    let mut mail = letter(&street, "yandex", "info@firma.ru", "Точки", "x");
    let head = String::from_utf8(mail.bytes.clone()).unwrap().split("\r\n\r\n").next().unwrap().to_owned();
    mail.bytes = format!("{head}\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n\r\n").into_bytes();
    hand_over(&transport(&street, settings(&street, "yandex")), &mail).await.unwrap();
    let arrived = street.town.letters().pop().unwrap();
    assert_eq!(std::fs::read(arrived.path).unwrap(), mail.bytes);
}

/// A fault, and what becomes of the attempt.
struct Case {
    mailbox: &'static str,
    at: &'static str,
    action: Action,
    code: &'static str,
    verdict: Verdict,
}

fn case(mailbox: &'static str, at: &'static str, action: Action, code: &'static str, verdict: Verdict) -> Case {
    Case { mailbox, at, action, code, verdict }
}

fn says(reply: &str) -> Action {
    Action::Reply(reply.into())
}

const LATER: Verdict = Verdict::Retry { after: None };
const TOMORROW: Verdict = Verdict::Retry { after: Some(Duration::from_hours(24)) };

fn before_the_letter() -> Vec<Case> {
    let mut cases = Vec::new();
    for mailbox in ["yandex", "gmail"] {
        cases.extend([
            case(mailbox, "connect", says("421 4.3.2 Service not available"), "temp_failure", LATER),
            case(mailbox, "connect", says("554-5.7.1 You are listed\r\n554 5.7.1 in the RBL of town.example"), "reputation", Verdict::Hold),
            case(mailbox, "connect", Action::Drop, "unreachable", LATER),
            case(mailbox, "connect", Action::Babble, "unreachable", LATER),
            case(mailbox, "tls", Action::WrongName, "unreachable", LATER),
            case(mailbox, "tls", Action::Untrusted, "unreachable", LATER),
            case(mailbox, "tls", Action::Drop, "unreachable", LATER),
            case(mailbox, "auth", says("535 5.7.8 Error: authentication failed: Invalid user or password!"), "auth_broken", Verdict::Pause),
            case(
                mailbox,
                "auth",
                says("534-5.7.9 Application-specific password required.\r\n534 5.7.9 Learn more"),
                "auth_broken",
                Verdict::Pause,
            ),
            case(
                mailbox,
                "auth",
                says("454 4.7.0 Too many login attempts"),
                "rate_limited",
                Verdict::Retry { after: Some(Duration::from_hours(1)) },
            ),
            case(mailbox, "auth", Action::Drop, "auth_broken", Verdict::Pause),
            case(mailbox, "mail", says("553 5.7.1 Sender address rejected: not owned by auth user."), "sender_rejected", Verdict::Pause),
            case(mailbox, "mail", says("553 sender is unknown here"), "sender_rejected", Verdict::Pause),
            case(mailbox, "mail", Action::Drop, "temp_failure", LATER),
            case(mailbox, "rcpt", says("550-5.1.1 <info@firma.ru>:\r\n550 5.1.1 No such user!"), "bad_mailbox", Verdict::Reject),
            case(mailbox, "rcpt", says("550 unknown"), "bad_mailbox", Verdict::Reject),
            case(mailbox, "rcpt", Action::ReplyIn1251("550 5.7.1 Ящик заблокирован".into()), "mailbox_disabled", Verdict::Reject),
            case(mailbox, "rcpt", says("450 4.7.1 Greylisting in action, please come back later"), "rate_limited", LATER),
            case(mailbox, "rcpt", says("552 5.2.2 Mailbox full"), "mailbox_full", TOMORROW),
            case(mailbox, "rcpt", says("571 Delivery not authorized"), "unknown", Verdict::Reject),
            case(mailbox, "rcpt", says("503 5.5.1 MAIL first"), "unknown", LATER),
            case(mailbox, "rcpt", Action::Babble, "temp_failure", LATER),
            case(mailbox, "rcpt", Action::Drop, "temp_failure", LATER),
            case(mailbox, "rcpt", says("421 4.4.2 closing the connection"), "temp_failure", LATER),
        ]);
    }
    cases.extend([
        case("gmail", "ehlo", Action::NoStartTls, "tls_required", Verdict::Pause),
        case("gmail", "starttls", Action::Inject("250 2.0.0 sent in the clear".into()), "tls_required", Verdict::Pause),
        case("gmail", "starttls", says("454 4.7.0 TLS not available due to temporary reason"), "tls_required", Verdict::Pause),
    ]);
    cases
}

#[tokio::test]
async fn nothing_of_a_letter_is_given_before_the_recipient_is_accepted() {
    let street = Street::open().await;
    for case in before_the_letter() {
        fault(&street.town, &format!("smtp.{}", case.mailbox), case.at, "", 1, case.action.clone());
        let mail = letter(&street, case.mailbox, "info@firma.ru", "Тема", "Текст");
        let Err(refused) = transport(&street, settings(&street, case.mailbox)).offer(&mail).await else {
            panic!("{} {} {:?}: offered", case.mailbox, case.at, case.action);
        };
        let what = format!("{} {} {:?}: {}", case.mailbox, case.at, case.action, refused.for_row());
        assert_eq!((refused.machine_code(), refused.verdict()), (case.code, case.verdict), "{what}");
        holds_no_password(&refused);
        if matches!(case.action, Action::WrongName | Action::Untrusted) {
            assert!(refused.for_row().to_lowercase().contains("certificate"), "{what}");
        }
    }
    let told = street.town.commands();
    assert!(!told.iter().any(|line| line.contains("DATA")), "{told:?}");
    assert!(!told.iter().any(|line| line.contains(" plain ") && (line.contains("AUTH") || line.contains("MAIL"))), "{told:?}");
    assert_eq!(street.town.letters().len(), 0);
}

fn after_the_mark() -> Vec<Case> {
    let mut cases = Vec::new();
    for mailbox in ["yandex", "gmail"] {
        cases.extend([
            case(mailbox, "data", says("451 4.3.0 try later"), "temp_failure", LATER),
            case(mailbox, "data", says("554 5.5.1 Error: no valid recipients"), "unknown", LATER),
            case(mailbox, "data", says("250 2.0.0 what letter?"), "temp_failure", LATER),
            case(mailbox, "data", Action::Drop, "temp_failure", LATER),
            case(mailbox, "body", Action::Drop, "delivery_unknown", Verdict::InDoubt),
            case(mailbox, "dot", Action::Drop, "delivery_unknown", Verdict::InDoubt),
            case(mailbox, "dot", Action::DropAfterAccept, "delivery_unknown", Verdict::InDoubt),
            case(
                mailbox,
                "dot",
                says("554 5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc"),
                "content",
                Verdict::Hold,
            ),
            case(
                mailbox,
                "dot",
                says("550-5.7.26 Unauthenticated email is not accepted\r\n550 5.7.26 due to DMARC policy."),
                "auth_failed",
                Verdict::Hold,
            ),
            case(mailbox, "dot", says("451 4.7.1 Please come back later"), "rate_limited", LATER),
            case(mailbox, "dot", says("550 5.4.5 Daily user sending limit exceeded."), "rate_limited", TOMORROW),
            case(mailbox, "dot", says("552 5.3.4 Message size exceeds fixed limit"), "too_big", Verdict::Reject),
        ]);
    }
    cases
}

#[tokio::test]
async fn after_the_recipient_only_a_lost_answer_is_a_doubt() {
    let street = Street::open().await;
    for case in after_the_mark() {
        let before = street.town.letters().len();
        fault(&street.town, &format!("smtp.{}", case.mailbox), case.at, "", 1, case.action.clone());
        let refused = attempt(&street, case.mailbox).await.unwrap_err();
        let what = format!("{} {} {:?}: {}", case.mailbox, case.at, case.action, refused.for_row());
        assert_eq!((refused.machine_code(), refused.verdict()), (case.code, case.verdict), "{what}");
        assert_eq!(refused.kind() == ErrorKind::InDoubt, case.verdict == Verdict::InDoubt, "{what}");
        let taken = street.town.letters().len() - before;
        assert_eq!(taken, usize::from(case.action == Action::DropAfterAccept), "{what}");
        holds_no_password(&refused);
    }
}

#[tokio::test]
async fn a_yes_in_many_lines_and_odd_letters_is_a_yes() {
    let street = Street::open().await;
    fault(&street.town, "smtp.yandex", "dot", "", 1, says("250-2.0.0 Ok\r\n250-queued\r\n250 as 42"));
    assert_eq!(attempt(&street, "yandex").await.unwrap().reply, "250 2.0.0 Ok queued as 42");
    fault(&street.town, "smtp.gmail", "dot", "", 1, says(&format!("250 2.0.0 {}", "x".repeat(1500))));
    assert!(attempt(&street, "gmail").await.unwrap().reply.starts_with("250 2.0.0 xxx"));
}

#[tokio::test]
async fn a_server_that_stalls_is_left_in_time_and_only_the_last_silence_is_a_doubt() {
    let street = Street::open().await;
    let long = Limits::default();
    for (mailbox, at, limits, code) in [
        ("yandex", "connect", Limits { command: SHORT, ..long }, "unreachable"),
        ("gmail", "connect", Limits { command: SHORT, ..long }, "unreachable"),
        ("yandex", "auth", Limits { command: SHORT, ..long }, "unreachable"),
        ("yandex", "rcpt", Limits { command: SHORT, ..long }, "temp_failure"),
        ("gmail", "data", Limits { data: SHORT, ..long }, "temp_failure"),
        ("gmail", "dot", Limits { last_reply: SHORT, ..long }, "delivery_unknown"),
    ] {
        fault(&street.town, &format!("smtp.{mailbox}"), at, "", 1, Action::Stall);
        let mail = letter(&street, mailbox, "info@firma.ru", "Тема", "Текст");
        let slow = Settings { limits, ..settings(&street, mailbox) };
        let refused = hand_over(&transport(&street, slow), &mail).await.unwrap_err();
        assert_eq!(refused.machine_code(), code, "{mailbox} {at}");
        assert_eq!(refused.verdict() == Verdict::InDoubt, at == "dot", "{mailbox} {at}");
    }
    assert_eq!(street.town.letters().len(), 0);
}

#[tokio::test]
async fn an_offer_that_is_dropped_leaves_nothing() {
    let street = Street::open().await;
    let transport = transport(&street, settings(&street, "gmail"));
    let mail = letter(&street, "gmail", "info@firma.ru", "Тема", "Текст");
    drop(transport.offer(&mail).await.unwrap());
    assert!(hand_over(&transport, &mail).await.is_ok(), "the next offer is not disturbed");
    assert_eq!(street.town.letters().len(), 1);
    assert_eq!(street.town.commands().iter().filter(|line| line.contains("DATA")).count(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_the_town_itself_and_shown_nowhere() {
    let street = Street::open().await;
    let wrong = Settings { password: "s3cr3t-canary".into(), ..settings(&street, "yandex") };
    let transport = transport(&street, wrong.clone());
    let refused = transport.check_login().await.unwrap_err();
    assert_eq!((refused.machine_code(), refused.kind()), ("auth_broken", ErrorKind::Unauthorized));
    for shown in [format!("{refused:?}"), refused.for_row(), format!("{transport:?}"), format!("{wrong:?}")] {
        assert!(!shown.contains("s3cr3t-canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_server_nobody_listens_at_is_unreachable() {
    let street = Street::open().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let nobody = Settings { port, ..settings(&street, "yandex") };
    let refused = transport(&street, nobody).check_login().await.unwrap_err();
    assert_eq!(refused.machine_code(), "unreachable");
}

#[tokio::test]
async fn offline_no_server_beyond_loopback_is_named() {
    let street = Street::open().await;
    let far = Settings { host: "smtp.example.org".into(), ..settings(&street, "yandex") };
    let tls = client_config(None).unwrap();
    assert_eq!(SmtpTransport::new(far, tls, Arc::clone(&street.clock) as Arc<_>).unwrap_err().machine_code(), "offline");
}

fn holds_no_password(error: &Error) {
    let shown = format!("{error:?} {}", error.for_row());
    assert!(!shown.contains("town-app-password"), "{shown}");
}

#[tokio::test]
async fn both_servers_and_the_stand_in_keep_the_promises_of_a_transport() {
    let street = Street::open().await;
    for mailbox in ["yandex", "gmail"] {
        let mail = letter(&street, mailbox, "info@firma.ru", "Порядок", "Здравствуйте!");
        let transport = transport(&street, settings(&street, mailbox));
        conformance::transport(&transport, &mail, async || street.town.letters().len()).await;
    }
    let outbox = Outbox::of(a_mailbox("gmail"));
    let mail = a_letter("info@firma.ru", &a_mailbox("gmail"));
    conformance::transport(&outbox, &mail, async || outbox.letters().len()).await;
}
