//! The arguments of `inspect`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum InspectCommand {
    /// Normal form of an address, its home page, host and registrable domain
    Url {
        /// Addresses, hosts or e-mails
        #[arg(required_unless_present = "jsonl")]
        values: Vec<String>,
        /// JSON lines on stdin: {"url"}
        #[arg(long, conflicts_with = "values")]
        jsonl: bool,
    },
    /// Normal form of a company's name
    Company {
        /// The name
        #[arg(required_unless_present = "jsonl")]
        name: Option<String>,
        /// Anything that holds its domain
        #[arg(long)]
        domain: Option<String>,
        /// JSON lines on stdin: {"name","domain"?}
        #[arg(long, conflicts_with_all = ["name", "domain"])]
        jsonl: bool,
    },
    /// Are two companies one: by which rule, how sure, on what grounds
    Match {
        /// A name, or a JSON object with any of name, domain, phone, email, inn, ogrn, region
        #[arg(required_unless_present = "jsonl")]
        a: Option<String>,
        /// The other
        #[arg(required_unless_present = "jsonl")]
        b: Option<String>,
        /// JSON lines on stdin: {"a":{…},"b":{…}}
        #[arg(long, conflicts_with_all = ["a", "b"])]
        jsonl: bool,
    },
    /// The queries of a niche, with hash, region and slot
    Query {
        /// What the companies do
        #[arg(default_value = "")]
        niche: String,
        /// Where they are
        #[arg(long, default_value = "")]
        city: String,
        /// The country
        #[arg(long, default_value = "")]
        country: String,
        /// Slots are counted from here instead of now
        #[arg(long)]
        now: Option<String>,
        /// Read JSON lines {"niche","city","country","batch_tag","now","triggers","minus_domains","language","max_queries"} or {"text","region_code"} on stdin
        #[arg(long)]
        jsonl: bool,
    },
    /// Is the night window open, when does it open, and which slots would be handed out
    Night {
        /// The instant, RFC 3339
        #[arg(default_value = "")]
        now: String,
        /// How many slots
        #[arg(long, default_value_t = 0)]
        count: u64,
        /// Read JSON lines {"now","window_start","window_end","spacing_seconds","count","last_taken"} on stdin
        #[arg(long)]
        jsonl: bool,
    },
    /// The documents of saved result pages
    Serp {
        /// The files
        #[arg(required_unless_present = "jsonl")]
        files: Vec<PathBuf>,
        /// JSON lines on stdin: {"path"}
        #[arg(long, conflicts_with = "files")]
        jsonl: bool,
    },
    /// Contacts on one saved page
    Page {
        /// The file
        #[arg(required_unless_present = "jsonl")]
        path: Option<PathBuf>,
        /// Where it was found
        #[arg(long)]
        url: Option<String>,
        /// Run its scripts first, by the browser of LEADGEN_WEB_BROWSER: what it asks for comes from the files beside it, nothing
        /// is fetched
        #[arg(long, requires = "url")]
        render: bool,
        /// JSON lines on stdin: {"path","url"}
        #[arg(long, conflicts_with_all = ["path", "url", "render"])]
        jsonl: bool,
    },
    /// Contacts on saved pages of one site: a folder, `__` in a file's name is `/`
    Site {
        /// The folder
        #[arg(required_unless_present = "jsonl")]
        dir: Option<PathBuf>,
        /// The site's own domain
        #[arg(long)]
        domain: Option<String>,
        /// How numbers without a country code are read
        #[arg(long)]
        country: Option<String>,
        /// JSON lines on stdin: {"site","dir","domain"?,"country"?}
        #[arg(long, conflicts_with_all = ["dir", "domain", "country"])]
        jsonl: bool,
    },
    /// Normal form of an e-mail address, and what kind of mailbox it is
    Email {
        /// A cell, a link, an address
        #[arg(required_unless_present = "jsonl")]
        value: Option<String>,
        /// JSON lines on stdin: {"email"}
        #[arg(long, conflicts_with = "value")]
        jsonl: bool,
    },
    /// Every phone in a text, or the one normal form of a cell
    Phone {
        /// A text
        #[arg(required_unless_present_any = ["value", "jsonl"])]
        text: Option<String>,
        /// A cell or a link: one number
        #[arg(long)]
        value: Option<String>,
        /// Country of numbers without a country code
        #[arg(long)]
        region: Option<String>,
        /// JSON lines on stdin: {"text","region"?} or {"value","region"?}
        #[arg(long, conflicts_with_all = ["text", "value", "region"])]
        jsonl: bool,
    },
    /// Check digits of a taxpayer's or register number
    Requisite {
        /// inn, ogrn or kpp
        #[arg(required_unless_present = "jsonl")]
        kind: Option<String>,
        /// The number
        #[arg(required_unless_present = "jsonl")]
        value: Option<String>,
        /// JSON lines on stdin: {"kind","value"}
        #[arg(long, conflicts_with_all = ["kind", "value"])]
        jsonl: bool,
    },
    /// May an address be fetched by a robots.txt
    Robots {
        /// The file
        #[arg(required_unless_present = "jsonl")]
        file: Option<PathBuf>,
        /// An address, or path and query
        #[arg(required_unless_present = "jsonl")]
        url: Option<String>,
        /// The agent's token
        #[arg(long, default_value = "leadgen")]
        agent: String,
        /// JSON lines on stdin: {"robots" or "robots_b64","agent","url"}
        #[arg(long, conflicts_with_all = ["file", "url"])]
        jsonl: bool,
    },
    /// Would the crawler connect to an address
    Target {
        /// The address
        #[arg(required_unless_present = "jsonl")]
        url: Option<String>,
        /// JSON lines on stdin: {"url","dns"?:{host:[address…]}}
        #[arg(long, conflicts_with = "url")]
        jsonl: bool,
    },
    /// What an answer wants
    Reply {
        /// Its text
        text: String,
    },
}
