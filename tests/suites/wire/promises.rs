//! The suites of the ports that serve crawling and routing, for every implementation: over the town, and the stand-ins.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use leadgen_core::adapters::dns::Resolver;
use leadgen_core::adapters::routing::MxRouter;
use leadgen_core::adapters::verifier::MxVerifier;
use leadgen_core::adapters::web::WebsiteExtractor;
use leadgen_core::domain::mx::MailHosts;
use leadgen_core::domain::name::{DomainName, EmailAddress};
use leadgen_core::error::{Error, ErrorKind};
use leadgen_core::rules::mailmap;
use leadgen_core::testing::builders::a_company;
use leadgen_core::testing::conformance;
use leadgen_core::testing::scripted::{FixedRouter, ScriptedContacts, ScriptedDns, ScriptedFetcher, ScriptedVerifier};
use leadgen_sandbox::Firm;
use url::Url;

use super::Street;

const PATIENCE: Duration = Duration::from_millis(250);

fn resolver(street: &Street) -> Arc<Resolver> {
    Arc::new(Resolver::new(&street.settings.routing.resolvers, PATIENCE, true).unwrap())
}

fn domain(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// A firm with its own mail domain: with mail hosts, or with a null MX.
fn firm(street: &Street, takes_mail: bool) -> &Firm {
    let own = |firm: &&Firm| firm.email.ends_with(&firm.host);
    let fits = |firm: &&Firm| if takes_mail { firm.mx.iter().flatten().next().is_some() } else { firm.mx.is_none() };
    street.town.firms().iter().filter(own).find(fits).unwrap()
}

#[tokio::test]
async fn resolvers_keep_their_promises() {
    let street = Street::open().await;
    let host = domain(&firm(&street, true).host);
    conformance::dns(resolver(&street).as_ref(), &host, &domain("nobody-lives-here.ru")).await;

    let scripted = ScriptedDns::new()
        .mail_of("denta-lux.ru", MailHosts::Records(vec![(10, "mx.yandex.net".into())]))
        .address_of("denta-lux.ru", [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    conformance::dns(&scripted, &domain("denta-lux.ru"), &domain("nobody.ru")).await;
}

#[tokio::test]
async fn routers_keep_their_promises() {
    let street = Street::open().await;
    let (living, dead) = (address(&firm(&street, true).email), address(&firm(&street, false).email));
    let router = MxRouter::new(resolver(&street), street.clock.clone(), mailmap::Settings::default());
    conformance::router(&router, &living, Some(&dead)).await;

    let fixed = FixedRouter::to(["yandex", "gmail"]).refuses("dead.ru", "null_mx");
    conformance::router(&fixed, &address("info@denta-lux.ru"), Some(&address("info@dead.ru"))).await;
}

#[tokio::test]
async fn verifiers_keep_their_promises() {
    let street = Street::open().await;
    let (living, dead) = (address(&firm(&street, true).email), address(&firm(&street, false).email));
    let verifier = MxVerifier::new(resolver(&street), street.clock.clone());
    conformance::verifier(&verifier, &living, &dead).await;
    conformance::verifier(&verifier, &living, &address("x@mailinator.com")).await;
    let asked = |name: &str| street.town.lookups().iter().filter(|line| **line == format!("MX {name}")).count();
    assert_eq!((asked(living.domain().as_str()), asked("mailinator.com")), (1, 0), "a domain is looked up once, a known one never");

    let scripted = ScriptedVerifier::refusing([("dead.ru", "null_mx")]);
    conformance::verifier(&scripted, &address("info@denta-lux.ru"), &address("info@dead.ru")).await;
}

#[tokio::test]
async fn fetchers_keep_their_promises() {
    let street = Street::open().await;
    let url = |host: &str, path: &str| Url::parse(&format!("http://{host}{path}")).unwrap();
    let open = &super::web::firm(&street, 0, 0).host;
    let closed = &super::web::firm(&street, 0, 11).host;
    let fetcher = super::web::fetcher(&street);
    conformance::fetcher(&fetcher, &url(open, "/"), &url(open, "/nowhere"), Some(&url(closed, "/"))).await;
    conformance::fetcher(&fetcher, &url(open, "/"), &url(open, "/nowhere"), Some(&url("127.0.0.1", "/"))).await;

    let scripted = ScriptedFetcher::pages([("https://denta-lux.ru/", "<p>info@denta-lux.ru</p>")]);
    let (there, missing) = (Url::parse("https://denta-lux.ru/").unwrap(), Url::parse("https://denta-lux.ru/x").unwrap());
    conformance::fetcher(&scripted, &there, &missing, None).await;
    let refusing = ScriptedFetcher::pages([("https://denta-lux.ru/", "<p>x")]);
    let refusing = refusing.fails(Error::new(ErrorKind::Rejected, "fetch").code("target_refused"));
    let refusal = leadgen_core::ports::fetch::Fetcher::fetch(&refusing, &there).await.unwrap_err();
    assert_eq!(refusal.machine_code(), "target_refused");
}

#[tokio::test]
async fn finders_of_contacts_keep_their_promises() {
    let street = Street::open().await;
    // With an address, with a form only, forbidden.
    for (row, index) in [(0, 0), (1, 10), (0, 11)] {
        let firm = super::web::firm(&street, row, index);
        let extractor = WebsiteExtractor::new(super::web::fetcher(&street), 8);
        conformance::contacts(&extractor, &a_company().named(&firm.name).at(&firm.host).build()).await;
    }

    let company = a_company().at("denta-lux.ru").build();
    let pages = ScriptedFetcher::pages([("https://denta-lux.ru/", "<p>info@denta-lux.ru, zakaz@denta-lux.ru, (495) 204-51-38</p>")]);
    conformance::contacts(&WebsiteExtractor::new(pages, 8), &company).await;
    conformance::contacts(&ScriptedContacts::of([("denta-lux.ru", "info@denta-lux.ru")]), &company).await;
}
