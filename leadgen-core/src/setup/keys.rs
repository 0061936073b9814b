//! Every setting, once: its environment name, its place in `leadgen.toml`, its default, what it means.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The environment name.
    pub env: &'static str,
    /// The path in `leadgen.toml`.
    pub toml: &'static str,
    /// The default; empty: unset.
    pub default: &'static str,
    /// Never shown.
    pub secret: bool,
    /// Older environment names that still work.
    pub old_names: &'static [&'static str],
    /// What it means.
    pub doc: &'static str,
}

const fn key(env: &'static str, toml: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key { env, toml, default, secret: false, old_names: &[], doc }
}

impl Key {
    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn once(mut self, old_names: &'static [&'static str]) -> Self {
        self.old_names = old_names;
        self
    }
}

/// All settings, grouped as in `leadgen.toml`.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("DATABASE_URL", "database.url", "sqlite://leadgen.db?mode=rwc", "Where everything is kept: sqlite://… for one process, postgres://… for many"),
    key("POSTGRES_HOST", "database.postgres.host", "", "If set and DATABASE_URL is not: the URL is built from these parts"),
    key("POSTGRES_PORT", "database.postgres.port", "5432", "PostgreSQL port"),
    key("POSTGRES_USER", "database.postgres.user", "leadgen", "PostgreSQL user"),
    key("POSTGRES_PASSWORD", "database.postgres.password", "", "PostgreSQL password").secret(),
    key("POSTGRES_DB", "database.postgres.db", "leadgen", "PostgreSQL database"),
    key("LEADGEN_DATABASE_MIGRATE", "database.migrate", "true", "Whether the programs bring the schema up to date at their start"),
    key("APP_TIMEZONE", "app.timezone", "Europe/Moscow", "Zone of the send window and of reports: an IANA name or +HH:MM"),
    key("LOG_LEVEL", "app.log_level", "info", "error, warn, info, debug or trace, or a tracing filter"),
    key("LEADGEN_OFFLINE", "app.offline", "false", "Refuse every connection that is not loopback"),
    key("LEADGEN_REHEARSAL_CLOCK", "app.rehearsal_clock", "", "A clock for rehearsals on loopback only: START@ANCHOR*SPEED, for example 2026-01-15T20:00:00Z@1768500000000*600; needs LEADGEN_OFFLINE"),
    key("LEADGEN_TLS_EXTRA_ROOTS", "tls.extra_roots", "", "A PEM file of further root certificates; verification has no off switch"),
    key("LEADGEN_SEARCH_PROVIDER", "search.provider", "yandex", "Who searches: yandex; files: saved pages in a folder; searxng: an instance of your own"),
    key("LEADGEN_SEARCH_FOLDER", "search.folder", "", "For files: the folder with the saved pages (*.xml)"),
    key("LEADGEN_SEARXNG_URL", "search.searxng_url", "", "For searxng: base address of the instance; it must allow the format json"),
    key("LEADGEN_SEARXNG_LANGUAGE", "search.searxng_language", "ru", "For searxng: language of results"),
    key("LEADGEN_SEARXNG_ENGINES", "search.searxng_engines", "", "For searxng: engines, separated by commas; default: the instance's own choice"),
    key("YANDEX_CLOUD_FOLDER_ID", "yandex.folder_id", "", "The cloud folder that pays for searches"),
    key("YANDEX_CLOUD_SA_KEY_FILE", "yandex.sa_key_file", "", "Service-account key, the JSON file the console writes"),
    key("YANDEX_CLOUD_SA_KEY_JSON", "yandex.sa_key_json", "", "The same as text; the file wins").secret(),
    key("YANDEX_CLOUD_IAM_TOKEN", "yandex.iam_token", "", "A token made by hand; used only when no key is given").secret(),
    key("YANDEX_CLOUD_API_KEY", "yandex.api_key", "", "An API key of a service account, in place of a key file").secret().once(&["YANDEX_API_KEY"]),
    key("LEADGEN_YANDEX_SEARCH_URL", "yandex.search_url", "https://searchapi.api.cloud.yandex.net", "Base address of the search service"),
    key("LEADGEN_YANDEX_OPERATION_URL", "yandex.operation_url", "https://operation.api.cloud.yandex.net", "Base address of the operation service"),
    key("LEADGEN_YANDEX_IAM_URL", "yandex.iam_url", "https://iam.api.cloud.yandex.net", "Base address of the token service"),
    key("YANDEX_ENFORCE_NIGHT_WINDOW", "yandex.enforce_night_window", "true", "Submit queries at night only"),
    key("YANDEX_NIGHT_WINDOW_UTC", "yandex.night_window_utc", "20:00-05:59", "The night, UTC, end minute included; the cheap tariff holds 21:00-04:59"),
    key("YANDEX_SPACING_SECONDS", "yandex.spacing_seconds", "45", "Distance between the slots of two queries"),
    key("YANDEX_MAX_QUERIES_PER_NICHE", "yandex.max_queries_per_niche", "6", "Queries planned for a niche, 1 to 20"),
    key("YANDEX_POLL_INTERVAL_SECONDS", "yandex.poll_interval_seconds", "60", "Pause before the first poll and between polls"),
    key("YANDEX_MAX_RETRIES", "yandex.max_retries", "3", "Times a query is asked before it is given up"),
    key("YANDEX_PAGES", "yandex.pages", "1", "Result pages asked for a query while they are full, up to the provider's 250 results; each page is paid"),
    key("YANDEX_SEARCH_TYPE", "yandex.search_type", "ru", "Which search: ru, tr, com, kk, be, uz"),
    key("YANDEX_FAMILY_MODE", "yandex.family_mode", "moderate", "Filter for adult pages: none, moderate, strict"),
    key("YANDEX_FIX_TYPO", "yandex.fix_typo", "on", "Mend typing errors, which may replace a query silently: on, off"),
    key("YANDEX_SORT_MODE", "yandex.sort_mode", "relevance", "relevance or time"),
    key("YANDEX_SORT_ORDER", "yandex.sort_order", "desc", "desc or asc"),
    key("YANDEX_GROUP_MODE", "yandex.group_mode", "deep", "deep: by site; flat: one document a group"),
    key("YANDEX_GROUPS_ON_PAGE", "yandex.groups_on_page", "100", "Groups on a page, 1 to 100"),
    key("YANDEX_DOCS_IN_GROUP", "yandex.docs_in_group", "1", "Documents in a group, 1 to 3"),
    key("YANDEX_MAX_PASSAGES", "yandex.max_passages", "3", "Passages of a document, 1 to 5"),
    key("YANDEX_LOCALIZATION", "yandex.localization", "ru", "Language of notices: ru, uk, be, kk, tr, en"),
    key("YANDEX_PERIOD", "yandex.period", "all", "Age of documents: all, day, 2weeks, month"),
    key("YANDEX_USER_AGENT", "yandex.user_agent", "", "User agent of the searches, steers mobile or desktop results"),
    key("LEADGEN_QUOTA_SUBMIT", "quota.submit", "10/600/35000", "Submissions of all workers in any second/minute/hour"),
    key("LEADGEN_QUOTA_POLL", "quota.poll", "10/600/35000", "Polls of all workers in any second/minute/hour"),
    key("LEADGEN_KEEP_PAGES_DAYS", "yandex.keep_pages_days", "90", "Raw answers are kept so many days for replays; 0 keeps none once they are read"),
    key("LEADGEN_BUDGET_SEARCH_RUB", "budget.search_rub", "", "Searches stop before a calendar month (Moscow time) would cost more"),
    key("LEADGEN_PRICE_DEFERRED_DAY", "price.deferred_day", "30.5", "Price of 1000 deferred searches, 05:00-20:59 UTC"),
    key("LEADGEN_PRICE_DEFERRED_NIGHT", "price.deferred_night", "25.41", "Price of 1000 deferred searches, 21:00-04:59 UTC"),
    key("LEADGEN_PRICE_SYNC_DAY", "price.sync_day", "488", "Price of 1000 searches at once, 05:00-20:59 UTC"),
    key("LEADGEN_PRICE_SYNC_NIGHT", "price.sync_night", "366", "Price of 1000 searches at once, 21:00-04:59 UTC"),
    key("YANDEX_TRIGGERS", "yandex.triggers", "", "Buying phrases, separated by commas; default: the built-in five"),
    key("YANDEX_REGIONS", "yandex.regions", "", "Places besides the built-in table, with their region codes: Иннополис=43, separated by commas"),
    key("YANDEX_MINUS_DOMAINS", "yandex.minus_domains", "", "Domains excluded in the query text; default: the built-in eleven"),
    key("EXCLUDED_DOMAINS", "yandex.excluded_domains", "", "Domains dropped from results and from own lists, added to the built-in list"),
    key("GOOGLE_SHEET_ID", "sheet.id", "", "The spreadsheet with the niches: the long part of its address"),
    key("GOOGLE_SHEET_TAB", "sheet.tab", "NICHES_INPUT", "The sheet within it"),
    key("GOOGLE_SA_KEY_FILE", "sheet.sa_key_file", "", "Google service-account key, a JSON file; share the sheet with its client_email"),
    key("GOOGLE_SA_KEY_JSON", "sheet.sa_key_json", "", "The same as text; the file wins").secret(),
    key("SHEET_SYNC_ENABLED", "sheet.sync_enabled", "false", "Whether `run` and the server take rows from the sheet by themselves"),
    key("SHEET_SYNC_INTERVAL_MINUTES", "sheet.sync_interval_minutes", "60", "How often they look"),
    key("SHEET_SYNC_BATCH_TAG", "sheet.sync_batch_tag", "", "Only rows with exactly this batch tag"),
    key("LEADGEN_SHEETS_URL", "sheet.base_url", "https://sheets.googleapis.com", "Base address of the sheets service"),
    key("OPENAI_API_KEY", "llm.api_key", "", "Key of the model; without one the offline template writes").secret(),
    key("OPENAI_BASE_URL", "llm.base_url", "https://api.openai.com/v1", "Base address of an OpenAI-compatible service"),
    key("OPENAI_EMAIL_MODEL", "llm.model", "gpt-4o-mini", "The model that drafts letters"),
    key("ENRICH_TIMEOUT_SECONDS", "web.timeout_seconds", "20", "Time for a whole page"),
    key("ENRICH_MAX_REDIRECTS", "web.max_redirects", "5", "Redirects followed for a page"),
    key("ENRICH_MAX_PAGES", "web.max_pages", "12", "Pages read of one company"),
    key("ENRICH_CONCURRENCY", "web.concurrency", "8", "Requests to sites under way at once, over all hosts"),
    key("ENRICH_COMPANIES", "web.companies", "64", "Companies visited side by side, each by one request after the other"),
    key("LEADGEN_WEB_CONTACT", "web.contact", "", "Where a site owner reaches you: an address or URL, shown in the User-Agent; default: the address of your first mailbox; without either no site outside is visited"),
    key("LEADGEN_WEB_PACE_SECONDS", "web.pace_seconds", "2", "Least pause between two requests to one host; 0 only with LEADGEN_OFFLINE"),
    key("LEADGEN_WEB_DENY", "web.deny", "", "Addresses and ranges the crawler never connects to, besides those that are not public and this machine's own"),
    key("LEADGEN_KEEP_SITES_DAYS", "web.keep_pages_days", "30", "Pages of sites are kept so many days for replays and for visits that ask only for what is new; 0 keeps none"),
    key("LEADGEN_WEB_BROWSER", "web.browser", "off", "A Chromium of this machine renders pages that show nothing without scripts: off, auto (looked for where it usually lies), or its path; needs a build with the feature browser"),
    key("LEADGEN_WEB_BROWSER_SANDBOX", "web.browser_sandbox", "true", "Chromium's own sandbox; false only where it can't have one: run by root, or in a container that forbids it"),
    key("LEADGEN_WEB_BROWSER_SECONDS", "web.browser_seconds", "45", "Time for the scripts of a page, 5 to 120; then it is taken as it stands"),
    key("LEADGEN_WEB_LOOPBACK", "web.loopback", "", "Loopback pairs the crawler may visit, named one by one: 80=127.0.0.1:8080,443=127.0.0.1:8443"),
    key("MAIL_SENDER_PROFILE_FILE", "mail.sender_profile_file", "", "TOML file that says who writes: person, firm, offer, benefit"),
    key("LEADGEN_LEGAL_BASIS", "mail.legal_basis", "", "Your statement of the lawful basis for writing; nothing leaves without it"),
    key("LEADGEN_REVIEW_REQUIRED", "mail.review_required", "true", "A person approves each letter before it may leave"),
    key("EMAIL_SENDING_ENABLED", "mail.sending_enabled", "false", "Whether letters may leave at all"),
    key("SEND_WINDOW", "mail.send_window", "09:10-18:00", "Local time at which letters may leave"),
    key("SEND_WEEKDAYS", "mail.send_weekdays", "1-5", "ISO weekdays: 1-5, or 1,3,5"),
    key("SEND_DELAY_SECONDS", "mail.send_delay_seconds", "240-720", "Pause between two letters of a mailbox: from-to"),
    key("SEND_DAILY_LIMIT", "mail.send_daily_limit", "", "Lowers the daily cap of every mailbox"),
    key("UNSUBSCRIBE_URL", "mail.unsubscribe_url", "", "The https address of the unsubscribe page, without the token: https://mail.example.org/u"),
    key("UNSUBSCRIBE_MAILTO", "mail.unsubscribe_mailto", "", "The address that takes refusals by mail; default: the letter's From"),
    key("LEADGEN_TOKEN_KEY", "mail.token_key", "", "Secret that signs unsubscribe links, at least 16 characters; without it a letter's way out is mail alone").secret(),
    key("LEADGEN_TOKEN_KEYS_OLD", "mail.token_keys_old", "", "Earlier values of LEADGEN_TOKEN_KEY, separated by commas: links signed by them stay good").secret(),
    key("GMAIL_SMTP_HOST", "mailbox.gmail.smtp_host", "smtp.gmail.com", "SMTP server").once(&["SMTP_HOST"]),
    key("GMAIL_SMTP_PORT", "mailbox.gmail.smtp_port", "587", "SMTP port").once(&["SMTP_PORT"]),
    key("GMAIL_SMTP_TLS", "mailbox.gmail.smtp_tls", "true", "STARTTLS").once(&["SMTP_TLS"]),
    key("GMAIL_SMTP_SSL", "mailbox.gmail.smtp_ssl", "false", "TLS from the first byte").once(&["SMTP_SSL"]),
    key("GMAIL_USER", "mailbox.gmail.user", "", "Login; without it the mailbox is not used").once(&["SMTP_USER"]),
    key("GMAIL_PASS", "mailbox.gmail.pass", "", "App password").secret().once(&["SMTP_PASS"]),
    key("GMAIL_FROM", "mailbox.gmail.from", "", "From, as `Name <address>` or an address"),
    key("GMAIL_FROM_EMAIL", "mailbox.gmail.from_email", "", "The From address, if _FROM is not set"),
    key("GMAIL_FROM_NAME", "mailbox.gmail.from_name", "", "The name beside it"),
    key("GMAIL_DAILY_CAP", "mailbox.gmail.daily_cap", "50", "Letters in any 24 hours"),
    key("GMAIL_IMAP_HOST", "mailbox.gmail.imap_host", "imap.gmail.com", "Where answers are read; `off` reads none"),
    key("GMAIL_IMAP_PORT", "mailbox.gmail.imap_port", "993", "IMAP port, TLS from the first byte"),
    key("YANDEX_SMTP_HOST", "mailbox.yandex.smtp_host", "smtp.yandex.ru", "SMTP server"),
    key("YANDEX_SMTP_PORT", "mailbox.yandex.smtp_port", "465", "SMTP port"),
    key("YANDEX_SMTP_TLS", "mailbox.yandex.smtp_tls", "false", "STARTTLS"),
    key("YANDEX_SMTP_SSL", "mailbox.yandex.smtp_ssl", "true", "TLS from the first byte"),
    key("YANDEX_USER", "mailbox.yandex.user", "", "Login; without it the mailbox is not used"),
    key("YANDEX_PASS", "mailbox.yandex.pass", "", "App password").secret(),
    key("YANDEX_FROM", "mailbox.yandex.from", "", "From, as `Name <address>` or an address"),
    key("YANDEX_FROM_EMAIL", "mailbox.yandex.from_email", "", "The From address, if _FROM is not set"),
    key("YANDEX_FROM_NAME", "mailbox.yandex.from_name", "", "The name beside it"),
    key("YANDEX_DAILY_CAP", "mailbox.yandex.daily_cap", "40", "Letters in any 24 hours"),
    key("YANDEX_IMAP_HOST", "mailbox.yandex.imap_host", "imap.yandex.ru", "Where answers are read; `off` reads none"),
    key("YANDEX_IMAP_PORT", "mailbox.yandex.imap_port", "993", "IMAP port, TLS from the first byte"),
    key("ROUTING_ENABLED", "routing.enabled", "true", "Choose the mailbox by the recipient's mail hosts"),
    key("ROUTING_DNS_TIMEOUT_MS", "routing.dns_timeout_ms", "1500", "Time for one look-up, at least 100"),
    key("ROUTING_DNS_RESOLVERS", "routing.dns_resolvers", "1.1.1.1,8.8.8.8", "Resolvers, ip or ip:port"),
    key("ROUTING_RU_MX_PATTERNS", "routing.ru_mx_patterns", "", "Mail hosts that count as Russian, replacing the built-in list"),
    key("ROUTING_RU_MX_TLDS", "routing.ru_mx_tlds", "", "Zones that count as Russian, replacing the built-in list"),
    key("ROUTING_FORCE_RU_DOMAINS", "routing.force_ru_domains", "", "Recipient domains that are Russian without a look-up, replacing the built-in list"),
    key("SERVER_BIND", "server.bind", "127.0.0.1:8080", "Where the server listens; another address than loopback needs a token"),
    key("LEADGEN_SERVER_TOKEN", "server.token", "", "Bearer token of the server").secret(),
    key("LEADGEN_ROLES", "server.roles", "api,scheduler,worker", "What this server process does"),
    key("WORKER_LEASE_SECONDS", "server.lease_seconds", "", "No lease is longer than this, and no work: how long the items of a killed process wait on PostgreSQL; default: a minute for rules, 15 for a site, 25 for a letter"),
    key("LEADGEN_TICK_SECONDS", "server.tick_seconds", "5", "Pause between two passes of the pipeline when nothing is due"),
];
