//! How fast contacts are taken from pages, on one core: `extract [FOLDER] [ROUNDS]`.
//!
//! In one run, by turns, so that a slow moment of the machine hits all: (a) a bare HTML5 tokenizer whose sink does nothing,
//! (b) a tree of the page with regular expressions over its text and links, and ours from bytes to contacts. All begin with
//! the same bytes; the peers are told the charset beforehand, ours has to find it out. Without a folder the pages come from
//! `$LEADGEN_CORPUS`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use encoding_rs::{Encoding, KOI8_R, UTF_8, UTF_16LE, WINDOWS_1251, WINDOWS_1252};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use leadgen_core::rules::harvest::{self, Requisite, Site};
use regex::Regex;
use scraper::{Html, Selector};
use url::Url;

/// A page as it came, and the charset that the peers are told.
struct Input {
    bytes: Vec<u8>,
    charset: &'static Encoding,
}

impl Input {
    fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)?;
        let text = harvest::decode(&bytes, None);
        let known = [UTF_8, WINDOWS_1251, WINDOWS_1252, KOI8_R, UTF_16LE];
        let charset = known.into_iter().find(|charset| charset.decode(&bytes).0 == text).unwrap_or(UTF_8);
        Ok(Self { bytes, charset })
    }

    fn text(&self) -> Cow<'_, str> {
        self.charset.decode(&self.bytes).0
    }
}

/// One reader of pages: how it is called, and what it makes of a page: the number of things found.
type Contender = (&'static str, fn(&Input) -> usize);

/// How often all pages are read for one figure: the kernel counts a thread's time in steps of some milliseconds.
const REPEATS: u32 = 10;
const CONTENDERS: [Contender; 3] = [("tokenizer", tokens), ("tree and patterns", tree), ("ours", ours)];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folders = match args.first() {
        Some(folder) => folder.split(',').map(PathBuf::from).collect(),
        None => corpus(),
    };
    if folders.is_empty() {
        println!("skipped: LEADGEN_CORPUS is not set and no folder is given");
        return Ok(());
    }
    let mut pages = Vec::new();
    for folder in &folders {
        read_folder(folder, &mut pages)?;
    }
    if let [_, flag, name] = args.as_slice()
        && flag == "--alone"
    {
        return alone(name, &pages);
    }
    let rounds: usize = args.get(1).map_or(Ok(9), |text| text.parse())?;
    race(&pages, rounds)?;
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    memory(&folders.join(","))
}

#[expect(clippy::disallowed_methods, reason = "the corpus is not part of the house")]
fn corpus() -> Vec<PathBuf> {
    let top = std::env::var("LEADGEN_CORPUS").map(|folder| PathBuf::from(folder).join("corpus/contacts"));
    top.into_iter().flat_map(|top| [top.join("pages"), top.join("synthetic/pages")]).collect()
}

fn read_folder(folder: &Path, pages: &mut Vec<Input>) -> Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(|| format!("read {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read_folder(&path, pages)?;
        } else if path.extension().is_none_or(|kind| kind != "jsonl") {
            pages.push(Input::read(&path)?);
        }
    }
    Ok(())
}

/// All contenders by turns; medians of the rounds, shares taken round by round.
fn race(pages: &[Input], rounds: usize) -> Result<()> {
    let megabytes = pages.iter().map(|page| page.bytes.len()).sum::<usize>() as f64 / 1e6;
    println!("{} pages, {megabytes:.1} MB, medians of {rounds} rounds, processor time of one thread", pages.len());
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); CONTENDERS.len()];
    let mut found = [0; CONTENDERS.len()];
    for _ in 0..rounds {
        for (at, (_, read)) in CONTENDERS.iter().enumerate() {
            let begun = processor_seconds()?;
            for _ in 0..REPEATS {
                found[at] = pages.iter().map(|page| black_box(read(black_box(page)))).sum::<usize>();
            }
            seconds[at].push((processor_seconds()? - begun) / f64::from(REPEATS));
        }
    }
    for (at, (name, _)) in CONTENDERS.iter().enumerate() {
        let took = median(seconds[at].clone());
        println!(
            "{name:18} {:8.0} pages/s {:8.1} MB/s, {} {}",
            pages.len() as f64 / took,
            megabytes / took,
            found[at],
            if at == 0 { "tokens" } else { "sightings" }
        );
    }
    let mine = CONTENDERS.len() - 1;
    for (at, (name, _)) in CONTENDERS.iter().enumerate().take(mine) {
        let share = median(seconds[at].iter().zip(&seconds[mine]).map(|(theirs, ours)| theirs / ours).collect());
        println!("ours against {name}: {:.0} % = {share:.2} times", share * 100.0);
    }
    Ok(())
}

/// The time this thread had on a processor: other work on the machine does not count.
fn processor_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("read the processor's time")?;
    Ok(text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The peak memory of each contender, in a process of its own; first of a process that only reads the files.
fn memory(folders: &str) -> Result<()> {
    for name in std::iter::once("nothing").chain(CONTENDERS.iter().map(|(name, _)| *name)) {
        let shown = Command::new(std::env::current_exe()?).args([folders, "--alone", name]).output()?;
        print!("{}", String::from_utf8_lossy(&shown.stdout));
    }
    Ok(())
}

fn alone(name: &str, pages: &[Input]) -> Result<()> {
    if let Some((_, read)) = CONTENDERS.iter().find(|(known, _)| *known == name) {
        for page in pages {
            black_box(read(page));
        }
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    println!("peak memory of a process with {name}: {}", peak.trim());
    Ok(())
}

fn ours(input: &Input) -> usize {
    static PLACE: LazyLock<(Option<Url>, Site)> = LazyLock::new(|| (Url::parse("https://firma.ru/kontakty").ok(), Site::default()));
    let (url, site) = &*PLACE;
    url.as_ref().map_or(0, |url| harvest::page(url, &input.bytes, None, site).contacts.len())
}

/// A sink that looks at nothing but what the tokenizer must be told: where raw text begins.
struct Nothing(std::cell::Cell<usize>);

impl TokenSink for Nothing {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        self.0.set(self.0.get() + 1);
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => match &*tag.name {
                "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                "style" | "xmp" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
                "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
                _ => TokenSinkResult::Continue,
            },
            _ => TokenSinkResult::Continue,
        }
    }
}

fn tokens(input: &Input) -> usize {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(input.text().as_ref()));
    let tokenizer = Tokenizer::new(Nothing(std::cell::Cell::new(0)), TokenizerOpts::default());
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.0.get()
}

/// What a quick solution looks for.
struct Patterns {
    links: Selector,
    email: Regex,
    phone: Regex,
    number: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    Some(Patterns {
        links: Selector::parse("a[href]").ok()?,
        email: Regex::new(r"(?-u)[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}").ok()?,
        phone: Regex::new(r"(?-u)(?:\+7|\b8)[ \-]?\(?[0-9]{3,5}\)?[ \-]?[0-9]{1,3}[ \-]?[0-9]{2}[ \-]?[0-9]{2}\b").ok()?,
        number: Regex::new(r"(?-u)\b(?:[0-9]{15}|[0-9]{13}|[0-9]{12}|[0-9]{10})\b").ok()?,
    })
});

fn tree(input: &Input) -> usize {
    let Some(patterns) = PATTERNS.as_ref() else { return 0 };
    let page = Html::parse_document(&input.text());
    let mut found = BTreeSet::new();
    for href in page.select(&patterns.links).filter_map(|link| link.value().attr("href")) {
        if let Some(to) = href.strip_prefix("mailto:") {
            found.insert(to.split('?').next().unwrap_or("").to_lowercase());
        } else if let Some(number) = href.strip_prefix("tel:") {
            found.insert(number.to_owned());
        }
    }
    let mut text = String::new();
    for node in page.tree.nodes() {
        let Some(run) = node.value().as_text() else { continue };
        let is_raw = node.parent().and_then(|above| above.value().as_element().map(|element| matches!(element.name(), "script" | "style")));
        if is_raw != Some(true) {
            text.push_str(run);
            text.push(' ');
        }
    }
    found.extend(patterns.email.find_iter(&text).map(|found| found.as_str().to_lowercase()));
    found.extend(patterns.phone.find_iter(&text).map(|found| found.as_str().to_owned()));
    let numbers = patterns.number.find_iter(&text).map(|found| found.as_str());
    let is_real =
        |number: &&str| harvest::requisite_is_valid(Requisite::Inn, number) || harvest::requisite_is_valid(Requisite::Ogrn, number);
    found.extend(numbers.filter(is_real).map(str::to_owned));
    found.len()
}
