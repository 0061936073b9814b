//! Letters: who writes them, the mailboxes they leave from, the names they depend on. Nothing is sent.

use std::sync::Arc;

use futures::future::{join, join_all};
use rustls::ClientConfig;

use super::{Finding, Health, Visit, failed, finding};
use crate::adapters::dns::Resolver;
use crate::adapters::kit::tls::client_config;
use crate::domain::mx::MailHosts;
use crate::domain::name::DomainName;
use crate::error::Result;
use crate::ports::dns::{DnsLookup, Resolvers};
use crate::rules::harvest::is_free_mail;
use crate::rules::normalize::registrable;
use crate::rules::sender_records::{Record, dkim, dmarc, spf};
use crate::setup::settings::{MailboxSettings, Settings};
use crate::setup::wiring;

/// A name that every resolver has an answer to, if only that there is none.
const ANY_NAME: &str = "yandex.ru";

/// Everything that is asked of servers, side by side: none waits for another's silence.
pub(super) async fn servers(visit: &Visit<'_>) -> Vec<Finding> {
    let settings = visit.settings;
    let tls = match client_config(settings.extra_roots.as_deref()) {
        Ok(tls) => tls,
        Err(error) => return vec![failed("root certificates", &error, "see LEADGEN_TLS_EXTRA_ROOTS")],
    };
    let logins = join_all(settings.mailboxes.iter().map(|mailbox| mailbox_lines(visit, mailbox, &tls)));
    let names = join(resolvers(settings), senders(visit));
    let (model, (logins, (resolvers, senders))) = join(model(visit, &tls), join(logins, names)).await;
    let mut findings = vec![model, resolvers];
    findings.extend(logins.into_iter().flatten());
    findings.extend(senders);
    findings
}

async fn model(visit: &Visit<'_>, tls: &Arc<ClientConfig>) -> Finding {
    let settings = visit.settings;
    let asked = match wiring::model(settings, tls) {
        Ok(None) => return finding("model", Health::Ok, "no key: the offline template writes", "set OPENAI_API_KEY to let a model write"),
        Ok(Some(drafter)) => visit.within("ask the model's service", drafter.check()).await,
        Err(error) => Err(error),
    };
    let name = &settings.llm.model;
    match asked {
        Ok(Some(true)) => finding("model", Health::Ok, format!("{name}: the key is good"), ""),
        Ok(Some(false)) => {
            finding("model", Health::Warn, format!("the service does not list {name}"), "set OPENAI_EMAIL_MODEL to one it has")
        }
        Ok(None) => finding("model", Health::Warn, format!("{name}: the service keeps no list; not checked"), "leadgen draft shows it"),
        Err(error) => failed("model", &error, "check OPENAI_API_KEY and OPENAI_BASE_URL; until then letters wait"),
    }
}

async fn mailbox_lines(visit: &Visit<'_>, mailbox: &MailboxSettings, tls: &Arc<ClientConfig>) -> Vec<Finding> {
    let (settings, clock) = (visit.settings, &visit.clock);
    let name = &mailbox.mailbox.name;
    let upper = name.to_uppercase();
    let login = async {
        let what = format!("mailbox {name}");
        let login = match wiring::transport(settings, mailbox, tls, clock) {
            Ok(transport) => visit.within("log in to the mail server", transport.check_login()).await,
            Err(error) => Err(error),
        };
        let mend = format!("check {upper}_USER and {upper}_PASS (an app password), {upper}_SMTP_HOST, {upper}_SMTP_PORT");
        match login {
            Ok(()) => {
                finding(&what, Health::Ok, format!("{}:{} took the login; nothing was sent", mailbox.smtp_host, mailbox.smtp_port), "")
            }
            Err(error) => failed(&what, &error, &mend),
        }
    };
    let inbox = async {
        let what = format!("inbox {name}");
        let login = match wiring::inbox(settings, mailbox, tls, clock) {
            Ok(Some(inbox)) => visit.within("log in to the inbox", inbox.check_login()).await,
            Ok(None) => {
                return finding(&what, Health::Warn, "not read", format!("{upper}_IMAP_HOST: without it answers and refusals are missed"));
            }
            Err(error) => Err(error),
        };
        match login {
            Ok(()) => finding(&what, Health::Ok, "took the login", ""),
            Err(error) => failed(&what, &error, &format!("check {upper}_IMAP_HOST and {upper}_IMAP_PORT, and that IMAP is switched on")),
        }
    };
    let (login, inbox) = join(login, inbox).await;
    vec![login, inbox]
}

/// Whether each resolver answers.
async fn resolvers(settings: &Settings) -> Finding {
    let servers = &settings.routing.resolvers;
    let mend = "check ROUTING_DNS_RESOLVERS, and that port 53 is open";
    let ask = async |server| -> Result<bool> {
        let resolver = wiring::resolver(settings, &[server])?;
        let said = resolver.mail_hosts(&DomainName::parse(ANY_NAME)?, Resolvers::Configured).await;
        Ok(!matches!(said, MailHosts::Timeout | MailHosts::ServFail))
    };
    let said: Result<Vec<bool>> = join_all(servers.iter().map(|server| ask(*server))).await.into_iter().collect();
    let said = match said {
        Ok(said) => said,
        Err(error) => return failed("DNS", &error, mend),
    };
    let silent: Vec<String> = servers.iter().zip(&said).filter(|(_, answers)| !**answers).map(|(server, _)| server.to_string()).collect();
    if silent.is_empty() {
        return finding("DNS", Health::Ok, format!("{n} of {n} resolvers answer", n = servers.len()), "");
    }
    let health = if silent.len() == servers.len() { Health::Fail } else { Health::Warn };
    finding("DNS", health, format!("no answer from {}", silent.join(", ")), mend)
}

/// SPF, DKIM and DMARC of each domain that letters come from.
async fn senders(visit: &Visit<'_>) -> Vec<Finding> {
    let settings = visit.settings;
    let Ok(resolver) = wiring::resolver(settings, &settings.routing.resolvers) else { return vec![] };
    join_all(settings.mailboxes.iter().map(|mailbox| sender(visit, &resolver, mailbox))).await
}

async fn sender(visit: &Visit<'_>, resolver: &Resolver, mailbox: &MailboxSettings) -> Finding {
    let domain = mailbox.mailbox.from.domain();
    let what = format!("sender {domain}");
    if is_free_mail(domain) {
        return finding(&what, Health::Ok, "the provider's own domain: it signs", "");
    }
    match visit.within("read the sender's records", records(resolver, domain, &mailbox.mailbox.name)).await {
        // What can't be looked up is unknown, not wrong.
        Err(error) => finding(&what, Health::Warn, error.for_row(), "look again when DNS answers"),
        Ok(troubles) if troubles.is_empty() => finding(&what, Health::Ok, "SPF, DKIM and DMARC are there", ""),
        Ok(troubles) => {
            finding(&what, Health::Warn, troubles.join("; "), "letters without them land in spam: add the records your provider names")
        }
    }
}

/// What is missing or wrong.
async fn records(resolver: &Resolver, domain: &DomainName, provider: &str) -> Result<Vec<String>> {
    let mut troubles = Vec::new();
    let mut note = |name: &str, record| match record {
        Record::Good => {}
        Record::Missing => troubles.push(format!("no {name}")),
        Record::Broken(why) => troubles.push(why.to_owned()),
    };
    note("SPF", spf(&resolver.texts(domain.as_str()).await?));
    // The providers' own names of their keys; another one can't be guessed.
    let selector = if provider == "gmail" { "google" } else { "mail" };
    note("DKIM", dkim(&resolver.texts(&format!("{selector}._domainkey.{domain}")).await?));
    let own = dmarc(&resolver.texts(&format!("_dmarc.{domain}")).await?);
    let family = registrable(domain).filter(|family| family.host() != domain);
    let told = match (own, family) {
        (Record::Missing, Some(family)) => dmarc(&resolver.texts(&format!("_dmarc.{family}")).await?),
        (own, _) => own,
    };
    note("DMARC", told);
    Ok(troubles)
}

pub(super) fn sending(settings: &Settings) -> Finding {
    let policy = &settings.policy.send;
    let window = format!("{}-{} {}", policy.window.start.format("%H:%M"), policy.window.end.format("%H:%M"), settings.zone);
    match (policy.enabled, policy.mailboxes.len()) {
        (false, _) => finding(
            "sending window",
            Health::Warn,
            format!("{window}; sending is off"),
            "EMAIL_SENDING_ENABLED=true, once drafts were reviewed",
        ),
        (true, 0) => finding(
            "sending window",
            Health::Fail,
            format!("{window}; no mailbox"),
            "set YANDEX_USER and YANDEX_PASS, or GMAIL_USER and GMAIL_PASS",
        ),
        (true, count) => finding("sending window", Health::Ok, format!("{window}; {count} mailboxes"), ""),
    }
}
