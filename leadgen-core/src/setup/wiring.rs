//! Settings → adapters → pipeline. Both binaries call this and name no adapter themselves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::adapters::dns::Resolver;
use crate::adapters::files::CompanyList;
use crate::adapters::files::{FileLeads, Mapping, SavedSerps, TemplateDrafter};
use crate::adapters::google::{self, GoogleSheet, ServiceKey};
use crate::adapters::imap::{self, ImapInbox};
use crate::adapters::kit::http::Http;
use crate::adapters::kit::tls::client_config;
use crate::adapters::llm::LlmDrafter;
use crate::adapters::routing::MxRouter;
use crate::adapters::searxng::{self, SearxSearch};
use crate::adapters::smtp::{self, SmtpTransport, Tls};
use crate::adapters::sql::{self, SqlStore};
use crate::adapters::verifier::MxVerifier;
use crate::adapters::web::{self, HttpFetcher, WebsiteExtractor};
use crate::adapters::yandex::{self, Credentials, YandexSearch};
use crate::domain::name::DomainName;
use crate::domain::policy::Quota;
use crate::domain::query::SearchMode;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Pipeline;
use crate::pipeline::builder::PipelineBuilder;
use crate::pipeline::policy::Correspondence;
use crate::ports::clock::{Clock, RehearsalClock, SystemClock};
use crate::ports::drafter::Drafter;
use crate::ports::hosts::SiteHosts;
use crate::ports::search::SearchProvider;
use crate::ports::store::SitePages;
use crate::rules::compose::unsubscribe;
use crate::rules::target::Reach;
use crate::rules::{mailmap, planning};
use crate::setup::browser;
use crate::setup::settings::{MailboxSettings, Provider, Settings};

/// Time for a call to a service.
const CALL: Duration = Duration::from_mins(1);

/// Which parts a command needs; what it does not need may be missing from the settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// The search engine, in a mode.
    pub search: Option<SearchMode>,
    /// Visiting sites.
    pub contacts: bool,
    /// Writing letters.
    pub drafter: bool,
    /// Routing, sending, reading answers: only if a mailbox is configured.
    pub mail: bool,
    /// Taking rows from the sheet by its interval.
    pub sheet: bool,
}

impl Needs {
    /// Everything that is configured.
    pub fn all(settings: &Settings) -> Self {
        let searches = settings.provider != Provider::Yandex || settings.yandex.folder_id.is_some();
        Self {
            search: searches.then_some(SearchMode::Deferred),
            contacts: true,
            drafter: true,
            mail: !settings.mailboxes.is_empty(),
            sheet: settings.sheet.sync,
        }
    }
}

/// Why a stage does not run under these settings, and what would switch it on.
pub fn why_off(settings: &Settings, stage: &str) -> &'static str {
    match stage {
        "intake" if settings.sheet.id.is_none() => "GOOGLE_SHEET_ID is not set; niches come in by `leadgen intake import`",
        "intake" => "SHEET_SYNC_ENABLED is false; `leadgen intake sync` takes the sheet's rows",
        "submit" | "poll" | "ingest" => "YANDEX_CLOUD_FOLDER_ID is not set (or another LEADGEN_SEARCH_PROVIDER)",
        "route" | "send" | "inbox" if settings.mailboxes.is_empty() => {
            "no mailbox is set up: YANDEX_USER and YANDEX_PASS, or GMAIL_USER and GMAIL_PASS"
        }
        "inbox" => "no inbox is read: YANDEX_IMAP_HOST and GMAIL_IMAP_HOST are off",
        _ => "its parts are not set up",
    }
}

/// The source of now that the settings ask for.
pub fn clock(settings: &Settings) -> Arc<dyn Clock> {
    match settings.rehearsal {
        Some(rehearsal) => Arc::new(RehearsalClock {
            start: rehearsal.start,
            anchor: crate::domain::time::Timestamp::from_millis(rehearsal.anchor_millis),
            speed: rehearsal.speed,
        }),
        None => Arc::new(SystemClock),
    }
}

/// Brings the schema up to date.
pub async fn migrate(settings: &Settings) -> Result<()> {
    let db = SqlStore::open(&sql::Settings::new(settings.database_url.reveal())).await?;
    let migrated = leadgen_migrations::up(&db).await;
    migrated.map_err(|e| Error::new(ErrorKind::Unavailable, "bring the schema up to date").code("migration_failed").because(e))
}

/// Steps of the schema that are missing.
pub async fn pending_migrations(settings: &Settings) -> Result<Vec<String>> {
    let db = SqlStore::open(&sql::Settings::new(settings.database_url.reveal())).await?;
    leadgen_migrations::pending(&db).await.map_err(|e| Error::new(ErrorKind::Unavailable, "read the schema's version").because(e))
}

/// The store; migrated first unless the settings leave that to a person.
pub async fn store(settings: &Settings) -> Result<Arc<SqlStore>> {
    if settings.migrate {
        migrate(settings).await?;
    }
    SqlStore::connect(sql::Settings::new(settings.database_url.reveal())).await.map(Arc::new)
}

/// A store as [`store`] gives it.
pub type OpenStore = Arc<SqlStore>;

/// A list of niches in a file.
pub fn leads_file(path: &std::path::Path, batch_tag: Option<&str>) -> Result<FileLeads> {
    FileLeads::open(path, batch_tag, &Mapping::default())
}

/// The same with columns of other names: `niche=Сфера`.
pub fn mapped_leads_file(path: &std::path::Path, batch_tag: Option<&str>, pairs: &[String]) -> Result<FileLeads> {
    FileLeads::open(path, batch_tag, &Mapping::parse(pairs)?)
}

/// The sheet of niches; `batch_tag` takes only rows with that tag.
pub fn sheet(settings: &Settings, clock: &Arc<dyn Clock>, batch_tag: Option<&str>) -> Result<GoogleSheet> {
    let missing = |what: &str| Error::new(ErrorKind::Config, "set the sheet up").code("sheet_not_configured").detail(what.to_owned());
    let sheet = &settings.sheet;
    let spreadsheet_id = sheet.id.clone().ok_or_else(|| missing("GOOGLE_SHEET_ID is not set"))?;
    let key = match (&sheet.key_file, &sheet.key_json) {
        (Some(path), _) => ServiceKey::open(path)?,
        (None, Some(text)) => ServiceKey::parse(text.reveal())?,
        (None, None) => return Err(missing("set GOOGLE_SA_KEY_FILE and share the sheet with the account it names")),
    };
    let wire = google::Settings {
        spreadsheet_id,
        tab: sheet.tab.clone(),
        batch_tag: batch_tag.map(str::to_owned),
        key,
        base_url: sheet.base_url.clone(),
    };
    let tls = client_config(settings.extra_roots.as_deref())?;
    GoogleSheet::new(wire, Http::new(&tls, CALL, settings.offline)?, Arc::clone(clock))
}

/// An own list of companies in a file: rows, and whatever of it can't be used. Hosts of `own_list` are no firm's own site.
pub fn companies_file(path: &std::path::Path, batch_tag: Option<&str>, own_list: &[DomainName]) -> Result<CompanyList> {
    crate::adapters::files::read_companies(path, batch_tag, own_list)
}

/// Reads a saved page of search results: its documents, and how many the service says there are.
pub fn read_serp(bytes: &[u8]) -> Result<yandex::Answer> {
    yandex::read_answer(bytes)
}

/// A builder with the parts that are needed; the caller adds what is its own and builds.
pub fn pipeline(settings: &Settings, store: Arc<SqlStore>, clock: Arc<dyn Clock>, needs: Needs) -> Result<PipelineBuilder> {
    let tls = client_config(settings.extra_roots.as_deref())?;
    let mut policy = settings.policy.clone();
    if needs.search == Some(SearchMode::Synchronous) {
        policy.search.mode = SearchMode::Synchronous;
        policy.search.submit_quota = Quota::SYNCHRONOUS;
    }
    let (pages, hosts): (Arc<dyn SitePages>, Arc<dyn SiteHosts>) = (store.clone(), store.clone());
    let mut builder = Pipeline::builder()
        .store(store)
        .clock(Arc::clone(&clock))
        .policy(policy)
        .planning(planning_settings(settings))
        .excluded_domains(settings.excluded_domains.clone())
        .correspondence(correspondence(settings))
        .visits(settings.web.companies);
    if let Some(mode) = needs.search {
        builder = match &settings.provider {
            Provider::Yandex => builder.search(search(settings, &tls, &clock, mode)?),
            Provider::Files(folder) => builder.search(SavedSerps::open(folder, yandex::read_page)?),
            Provider::Searxng(url, language, engines) => {
                let wire =
                    searxng::Settings { base_url: url.clone(), language: language.clone(), engines: engines.clone(), safe_search: 1 };
                builder.search(SearxSearch::new(wire, Http::new(&tls, CALL, settings.offline)?)?)
            }
        };
    }
    if needs.sheet {
        let sync = &settings.sheet;
        let source = Arc::new(sheet(settings, &clock, sync.batch_tag.as_deref())?);
        builder = builder.leads_every("sheet", source, sync.interval);
    }
    if needs.contacts || needs.drafter || needs.mail {
        let dns = Arc::new(resolver(settings, &settings.routing.resolvers)?);
        if needs.contacts {
            let fetcher =
                HttpFetcher::new(web_settings(settings), Arc::clone(&tls), dns.clone(), Arc::clone(&clock)).with_kept_hosts(hosts);
            let mut extractor = WebsiteExtractor::new(fetcher, settings.web.max_pages as usize);
            if let Some(renderer) = browser::renderer(settings)? {
                extractor = extractor.with_renderer(renderer);
            }
            builder = builder.contacts(extractor.with_kept_pages(pages, Arc::clone(&clock)));
        }
        if needs.contacts || needs.drafter {
            builder = builder.verifier(MxVerifier::new(dns.clone(), Arc::clone(&clock)));
        }
        if needs.mail {
            builder = builder.router(MxRouter::new(dns, Arc::clone(&clock), mailmap_settings(settings)));
        }
    }
    if needs.drafter {
        builder = builder.drafter(drafter(settings, &tls)?);
    }
    if needs.mail {
        builder = mail(builder, settings, &tls, &clock)?;
    }
    Ok(builder)
}

/// The search engine, for those who check it.
pub(crate) fn yandex(settings: &Settings, clock: &Arc<dyn Clock>, mode: SearchMode) -> Result<YandexSearch> {
    search(settings, &client_config(settings.extra_roots.as_deref())?, clock, mode)
}

/// Reads stored pages of the configured provider; asks nothing and needs no key.
pub fn page_reader(settings: &Settings) -> Result<Arc<dyn SearchProvider>> {
    Ok(match &settings.provider {
        Provider::Yandex | Provider::Files(_) => Arc::new(yandex::PageReader),
        Provider::Searxng(url, language, engines) => {
            let wire = searxng::Settings { base_url: url.clone(), language: language.clone(), engines: engines.clone(), safe_search: 1 };
            let tls = client_config(settings.extra_roots.as_deref())?;
            Arc::new(SearxSearch::new(wire, Http::new(&tls, CALL, settings.offline)?)?)
        }
    })
}

fn search(settings: &Settings, tls: &Arc<ClientConfig>, clock: &Arc<dyn Clock>, mode: SearchMode) -> Result<YandexSearch> {
    let missing = |what: &str| Error::new(ErrorKind::Config, "set the search up").code("yandex_auth_missing").detail(what.to_owned());
    let yandex = &settings.yandex;
    let folder_id = yandex.folder_id.clone().ok_or_else(|| missing("YANDEX_CLOUD_FOLDER_ID is not set"))?;
    let credentials = match (&yandex.sa_key_file, &yandex.sa_key_json, &yandex.api_key, &yandex.iam_token) {
        (Some(path), ..) => Credentials::key_file(path)?,
        (None, Some(text), ..) => Credentials::Key(text.reveal().to_owned()),
        (None, None, Some(key), _) => Credentials::ApiKey(key.reveal().to_owned()),
        (None, None, None, Some(token)) => Credentials::Token(token.reveal().to_owned()),
        (None, None, None, None) => return Err(missing("set YANDEX_CLOUD_SA_KEY_FILE (or YANDEX_CLOUD_API_KEY)")),
    };
    let wire = yandex::Settings {
        folder_id,
        credentials,
        search_url: yandex.search_url.clone(),
        operation_url: yandex.operation_url.clone(),
        iam_url: yandex.iam_url.clone(),
        mode,
        request: yandex.request.clone(),
    };
    YandexSearch::new(wire, Http::new(tls, CALL, settings.offline)?, Arc::clone(clock))
}

fn drafter(settings: &Settings, tls: &Arc<ClientConfig>) -> Result<Arc<dyn Drafter>> {
    Ok(match model(settings, tls)? {
        Some(model) => Arc::new(model),
        None => Arc::new(TemplateDrafter),
    })
}

/// The model that writes, if there is a key for one.
pub(crate) fn model(settings: &Settings, tls: &Arc<ClientConfig>) -> Result<Option<LlmDrafter>> {
    let Some(key) = &settings.llm.api_key else { return Ok(None) };
    let http = Http::new(tls, CALL, settings.offline)?;
    LlmDrafter::new(http, &settings.llm.base_url, key.reveal().to_owned(), settings.llm.model.clone()).map(Some)
}

/// A resolver over the configured servers, or over some of them.
pub(crate) fn resolver(settings: &Settings, servers: &[SocketAddr]) -> Result<Resolver> {
    Resolver::new(servers, settings.routing.timeout, settings.offline)
}

/// The way out of a mailbox.
pub(crate) fn transport(
    settings: &Settings,
    mailbox: &MailboxSettings,
    tls: &Arc<ClientConfig>,
    clock: &Arc<dyn Clock>,
) -> Result<SmtpTransport> {
    let wire = smtp::Settings {
        mailbox: mailbox.mailbox.clone(),
        host: mailbox.smtp_host.clone(),
        port: mailbox.smtp_port,
        tls: if mailbox.implicit_tls { Tls::Implicit } else { Tls::StartTls },
        user: mailbox.user.clone(),
        password: mailbox.pass.reveal().to_owned(),
        offline: settings.offline,
        limits: smtp::Limits::default(),
    };
    SmtpTransport::new(wire, Arc::clone(tls), Arc::clone(clock))
}

/// The way in of a mailbox, if its answers are read.
pub(crate) fn inbox(
    settings: &Settings,
    mailbox: &MailboxSettings,
    tls: &Arc<ClientConfig>,
    clock: &Arc<dyn Clock>,
) -> Result<Option<ImapInbox>> {
    let Some((host, port)) = &mailbox.imap else { return Ok(None) };
    let wire = imap::Settings {
        mailbox: mailbox.mailbox.name.clone(),
        host: host.clone(),
        port: *port,
        user: mailbox.user.clone(),
        password: mailbox.pass.reveal().to_owned(),
        offline: settings.offline,
        limit: imap::PULL,
    };
    ImapInbox::new(wire, Arc::clone(tls), Arc::clone(clock)).map(Some)
}

fn mail(mut builder: PipelineBuilder, settings: &Settings, tls: &Arc<ClientConfig>, clock: &Arc<dyn Clock>) -> Result<PipelineBuilder> {
    for mailbox in &settings.mailboxes {
        builder = builder.transport(Arc::new(transport(settings, mailbox, tls, clock)?));
        if let Some(inbox) = inbox(settings, mailbox, tls, clock)? {
            builder = builder.inbox(Arc::new(inbox));
        }
    }
    Ok(builder)
}

/// What every letter carries.
pub fn correspondence(settings: &Settings) -> Correspondence {
    Correspondence {
        sender: settings.sender.clone(),
        review_required: settings.review_required,
        legal_basis: settings.legal_basis.clone(),
        unsubscribe_url: settings.unsubscribe_url.clone().filter(|_| settings.token_key.is_some()),
        unsubscribe_mailto: settings.unsubscribe_mailto.clone(),
        token_keys: token_keys(settings),
        zone: settings.zone,
    }
}

/// Keys of unsubscribe links with their ids, the newest first.
pub fn token_keys(settings: &Settings) -> Vec<(String, Vec<u8>)> {
    let keys = settings.token_key.iter().chain(&settings.token_keys_old).map(|key| key.reveal().as_bytes());
    keys.map(|key| (unsubscribe::key_id(key), key.to_vec())).collect()
}

/// What is added to every niche.
pub fn planning_settings(settings: &Settings) -> planning::Settings {
    let defaults = planning::Settings::default();
    planning::Settings {
        triggers: settings.triggers.clone().unwrap_or(defaults.triggers),
        minus_domains: settings.minus_domains.clone().unwrap_or(defaults.minus_domains),
        max_queries: settings.max_queries,
        places: settings.places.clone(),
        language: defaults.language,
    }
}

fn mailmap_settings(settings: &Settings) -> mailmap::Settings {
    let defaults = mailmap::Settings::default();
    let routing = &settings.routing;
    mailmap::Settings {
        enabled: routing.enabled,
        patterns: routing.ru_mx_patterns.clone().unwrap_or(defaults.patterns),
        zones: routing.ru_mx_tlds.clone().unwrap_or(defaults.zones),
        forced: routing.force_ru_domains.clone().unwrap_or(defaults.forced),
    }
}

fn web_settings(settings: &Settings) -> web::Settings {
    web::Settings {
        timeout: settings.web.timeout,
        max_redirects: settings.web.max_redirects,
        contact: web_contact(settings),
        pace: settings.web.pace,
        in_flight: settings.web.concurrency,
        reach: Reach { loopback: settings.web.loopback.clone(), offline: settings.offline, denied: settings.web.denied.clone() },
    }
}

/// Where the owner of a site reaches whoever visits it: what is set, else the first mailbox.
pub(crate) fn web_contact(settings: &Settings) -> String {
    let own = settings.mailboxes.first().map(|mailbox| mailbox.mailbox.from.as_str().to_owned());
    Some(settings.web.contact.clone()).filter(|contact| !contact.is_empty()).or(own).unwrap_or_default()
}
