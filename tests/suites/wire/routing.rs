//! Where a recipient's mail lives, asked of the town's name server; how often it is asked, counted there.

use std::sync::Arc;
use std::time::Duration;

use leadgen_core::adapters::dns::Resolver;
use leadgen_core::adapters::routing::MxRouter;
use leadgen_core::domain::mail::Route;
use leadgen_core::domain::mx::MxClass;
use leadgen_core::domain::name::EmailAddress;
use leadgen_core::error::{Result, Verdict};
use leadgen_core::ports::clock::Clock;
use leadgen_core::ports::router::Router;
use leadgen_core::rules::mailmap;
use leadgen_sandbox::Action;
use leadgen_tests::harness::fault;

use super::Street;

const PATIENCE: Duration = Duration::from_millis(250);

fn router(street: &Street) -> MxRouter {
    let resolver = Resolver::new(&street.settings.routing.resolvers, PATIENCE, true).unwrap();
    MxRouter::new(Arc::new(resolver), street.clock.clone(), mailmap::Settings::default())
}

async fn route(router: &MxRouter, domain: &str) -> Result<Route> {
    router.route(&EmailAddress::parse(&format!("info@{domain}")).unwrap()).await
}

fn lookups(street: &Street, domain: &str) -> usize {
    street.town.lookups().iter().filter(|asked| **asked == format!("MX {domain}")).count()
}

/// The host of a firm whose mail lives there; `None` for a null MX.
fn firm(street: &Street, mx: Option<&[&str]>) -> String {
    let wanted = mx.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>());
    street.town.firms().iter().find(|firm| firm.mx == wanted && firm.email.ends_with(&firm.host)).unwrap().host.clone()
}

#[tokio::test]
async fn a_russian_host_routes_to_yandex_and_another_to_gmail_with_one_look_up() {
    let street = Street::open().await;
    let router = router(&street);
    let russian = firm(&street, Some(&["mx.yandex.net"]));
    let found = route(&router, &russian).await.unwrap();
    assert_eq!((found.class, found.records.as_slice()), (MxClass::Ru, ["mx.yandex.net".to_owned()].as_slice()));
    assert_eq!(found.mailboxes, ["yandex", "gmail"]);
    let other = firm(&street, Some(&["aspmx.l.google.com", "alt1.aspmx.l.google.com"]));
    let found = route(&router, &other).await.unwrap();
    assert_eq!((found.class, found.mailboxes.as_slice()), (MxClass::Other, ["gmail".to_owned()].as_slice()));
    assert_eq!(found.records, ["aspmx.l.google.com", "alt1.aspmx.l.google.com"]);
    assert_eq!((lookups(&street, &russian), lookups(&street, &other)), (1, 1));
    route(&router, &russian).await.unwrap();
    assert_eq!(lookups(&street, &russian), 1, "remembered");
}

#[tokio::test]
async fn a_forced_domain_is_russian_without_a_look_up() {
    let street = Street::open().await;
    let found = route(&router(&street), "yandex.ru").await.unwrap();
    assert_eq!((found.class, found.reason.as_str()), (MxClass::Ru, "forced"));
    assert!(street.town.lookups().is_empty());
}

#[tokio::test]
async fn a_null_mx_takes_no_mail_at_all() {
    let street = Street::open().await;
    let null = firm(&street, None);
    let refused = route(&router(&street), &null).await.unwrap_err();
    assert_eq!((refused.machine_code(), refused.verdict()), ("bad_domain", Verdict::Reject));
    assert_eq!(lookups(&street, &null), 1);
}

#[tokio::test]
async fn an_implicit_mail_host_is_unknown_after_a_second_opinion() {
    let street = Street::open().await;
    let implicit = firm(&street, Some(&[]));
    let found = route(&router(&street), &implicit).await.unwrap();
    assert_eq!(
        (found.class, found.reason.as_str(), found.mailboxes.as_slice()),
        (MxClass::Unknown, "implicit_mx", ["gmail".to_owned()].as_slice())
    );
    assert!(found.records.is_empty());
    assert_eq!(lookups(&street, &implicit), 2);
}

#[tokio::test]
async fn a_domain_without_mail_host_and_address_takes_no_mail() {
    let street = Street::open().await;
    let bare = firm(&street, Some(&[]));
    fault(&street.town, "dns", "", &bare, u32::MAX, Action::NoRecords);
    assert_eq!(route(&router(&street), &bare).await.unwrap_err().machine_code(), "bad_domain");
}

#[tokio::test]
async fn a_name_that_is_not_there_is_asked_again_an_hour_later_before_it_is_given_up() {
    let street = Street::open().await;
    let router = router(&street);
    let first = route(&router, "no-such-firm.ru").await.unwrap_err();
    assert_eq!((first.machine_code(), first.verdict()), ("nxdomain", Verdict::Retry { after: Some(Duration::from_hours(1)) }));
    assert_eq!(lookups(&street, "no-such-firm.ru"), 2);
    street.clock.move_to(street.clock.now() + Duration::from_mins(30));
    assert_eq!(route(&router, "no-such-firm.ru").await.unwrap_err().machine_code(), "nxdomain", "half an hour is not enough");
    street.clock.move_to(street.clock.now() + Duration::from_mins(31));
    let last = route(&router, "no-such-firm.ru").await.unwrap_err();
    assert_eq!((last.machine_code(), last.verdict()), ("bad_domain", Verdict::Reject));
}

#[tokio::test]
async fn two_silences_make_a_domain_unknown_for_a_quarter_of_an_hour() {
    let street = Street::open().await;
    let router = router(&street);
    let russian = firm(&street, Some(&["mx.yandex.net"]));
    fault(&street.town, "dns", "MX", &russian, 2, Action::Stall);
    let found = route(&router, &russian).await.unwrap();
    assert_eq!(
        (found.class, found.reason.as_str(), found.mailboxes.as_slice()),
        (MxClass::Unknown, "temp_error", ["gmail".to_owned()].as_slice())
    );
    assert_eq!(lookups(&street, &russian), 2);
    street.clock.move_to(street.clock.now() + Duration::from_mins(14));
    assert_eq!(route(&router, &russian).await.unwrap().class, MxClass::Unknown);
    assert_eq!(lookups(&street, &russian), 2, "remembered");
    street.clock.move_to(street.clock.now() + Duration::from_mins(2));
    assert_eq!(route(&router, &russian).await.unwrap().class, MxClass::Ru);
    assert_eq!(lookups(&street, &russian), 3);
}

#[tokio::test]
async fn one_silence_or_one_failure_is_mended_by_the_second_opinion() {
    for action in [Action::Stall, Action::Status(503)] {
        let street = Street::open().await;
        let russian = firm(&street, Some(&["mx.yandex.net"]));
        fault(&street.town, "dns", "MX", &russian, 1, action.clone());
        assert_eq!(route(&router(&street), &russian).await.unwrap().class, MxClass::Ru, "{action:?}");
        assert_eq!(lookups(&street, &russian), 2, "{action:?}");
    }
}
