//! The town itself: opens every server, tells programs where they are, and reads its witnesses.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use crate::faults::Faults;
use crate::firms::{Firm, grow};
use crate::imap::{self, Mailbox};
use crate::search::{self, Search, SearchSeen};
use crate::sheets::{self, Sheets};
use crate::sites::{self, Sites, Visit};
use crate::smtp::{self, Letter};
use crate::{dns, keys, witness};

const FOLDER: &str = "b1gtownfolder0000001";
const KEY_ID: &str = "ajetownkey0000000001";
const ACCOUNT: &str = "ajetownaccount000001";
const ROBOT: &str = "robot@town.iam.gserviceaccount.com";
const YANDEX_USER: &str = "anna@studio-primer.ru";
const GMAIL_USER: &str = "studio.primer@gmail.com";
/// What the domain of the town's studio says of its letters.
const SENDER_TEXTS: [(&str, &str); 3] = [
    ("studio-primer.ru", "v=spf1 redirect=_spf.yandex.net"),
    ("mail._domainkey.studio-primer.ru", "v=DKIM1; k=rsa; t=s; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ"),
    ("_dmarc.studio-primer.ru", "v=DMARC1; p=none; rua=mailto:anna@studio-primer.ru"),
];
const PASSWORD: &str = "town-app-password";

/// One row of the town's sheet.
#[derive(Clone, Debug)]
pub struct Row {
    /// What the firms do.
    pub niche: String,
    /// Where they are.
    pub city: String,
}

/// What the town is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The same seed, the same town.
    pub seed: u64,
    /// The sheet.
    pub rows: Vec<Row>,
    /// Firms grown for each row.
    pub firms_per_row: usize,
    /// A folder of saved result pages to be served in place of the town's own.
    pub serp: Option<PathBuf>,
    /// A folder of site folders to be served besides the town's own.
    pub sites: Option<PathBuf>,
    /// The script of faults.
    pub faults: Faults,
    /// Where keys, letters and witnesses go.
    pub dir: PathBuf,
    /// Polls after which an operation is done.
    pub polls_until_done: u32,
}

impl Plan {
    /// The usual town in a folder: four rows, twelve firms each.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let row = |niche: &str, city: &str| Row { niche: niche.into(), city: city.into() };
        Self {
            seed: 2026,
            rows: vec![
                row("стоматология", "Казань"),
                row("грузоперевозки", "Уфа"),
                row("окна ПВХ", "Самара"),
                row("бухгалтерские услуги", "Пермь"),
            ],
            firms_per_row: 12,
            serp: None,
            sites: None,
            faults: Faults::default(),
            dir: dir.into(),
            polls_until_done: 2,
        }
    }
}

/// A running town. Dropping it ends every server.
#[derive(Debug)]
pub struct Town {
    plan: Plan,
    firms: Arc<Vec<Firm>>,
    env: Vec<(String, String)>,
    servers: JoinSet<()>,
    inboxes: Vec<(&'static str, Arc<Mailbox>)>,
    asked: Arc<Mutex<Vec<String>>>,
    heard: Arc<Mutex<Vec<String>>>,
    sheet: Option<Arc<Sheets>>,
}

impl Town {
    /// Opens every server on a free port of 127.0.0.1.
    pub async fn open(plan: Plan) -> io::Result<Self> {
        std::fs::create_dir_all(&plan.dir).map_err(|e| sites::at(&plan.dir, &e))?;
        let dir = plan.dir.canonicalize()?;
        // One crypto library serves the whole process; a second call changes nothing.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let keys = keys::keys(&dir)?;
        let rows = plan.rows.iter().enumerate();
        let firms = Arc::new(rows.flat_map(|(at, row)| grow(plan.seed, at, &row.niche, &row.city, plan.firms_per_row)).collect::<Vec<_>>());
        let own = plan.sites.as_deref().map(sites::own_sites).transpose()?.unwrap_or_default();
        let mut town = Self {
            firms: Arc::clone(&firms),
            env: Vec::new(),
            servers: JoinSet::new(),
            inboxes: vec![],
            asked: Arc::default(),
            heard: Arc::default(),
            sheet: None,
            plan,
        };

        let name_server = UdpSocket::bind("127.0.0.1:0").await?;
        town.set("ROUTING_DNS_RESOLVERS", name_server.local_addr()?);
        let zone = dns::Zone {
            firms: Arc::clone(&firms),
            own: own.keys().cloned().collect(),
            texts: SENDER_TEXTS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            faults: town.plan.faults.clone(),
            asked: Arc::clone(&town.asked),
        };
        town.servers.spawn(dns::serve(name_server, Arc::new(zone)));

        let search = Search {
            firms: Arc::clone(&firms),
            faults: town.plan.faults.clone(),
            folder_id: FOLDER.into(),
            key_id: KEY_ID.into(),
            account_id: ACCOUNT.into(),
            public_pem: keys.rsa_public_pem.clone(),
            serp: town.plan.serp.as_deref().map(saved_pages).transpose()?.unwrap_or_default(),
            polls_until_done: town.plan.polls_until_done,
            witness: dir.join("search.jsonl"),
            asked: AtomicU64::default(),
            operations: Mutex::default(),
            tokens: Mutex::default(),
        };
        let cloud = town.http(search::router(Arc::new(search))).await?;
        for name in ["LEADGEN_YANDEX_SEARCH_URL", "LEADGEN_YANDEX_OPERATION_URL", "LEADGEN_YANDEX_IAM_URL"] {
            town.set(name, &cloud);
        }
        town.set("LEADGEN_SEARXNG_URL", &cloud);
        town.set("OPENAI_BASE_URL", format!("{cloud}/v1"));
        town.set("YANDEX_CLOUD_FOLDER_ID", FOLDER);
        town.set("YANDEX_CLOUD_SA_KEY_FILE", yandex_key(&dir, &keys)?.display());

        let sheet = Sheets {
            cells: Mutex::new(sheet_cells(&town.plan.rows)),
            writes: std::sync::atomic::AtomicUsize::new(0),
            public_pem: keys.rsa_public_pem.clone(),
            account: ROBOT.into(),
            faults: town.plan.faults.clone(),
        };
        let sheet = Arc::new(sheet);
        town.sheet = Some(Arc::clone(&sheet));
        let sheets_url = town.http(sheets::router(sheet)).await?;
        google_key(&dir, &keys, &sheets_url)?;
        town.set("LEADGEN_SHEETS_URL", sheets_url);
        town.set("GOOGLE_SHEET_ID", "town-sheet");
        town.set("GOOGLE_SA_KEY_FILE", dir.join("google-key.json").display());

        let state = Sites { firms: Arc::clone(&firms), own, faults: town.plan.faults.clone(), witness: dir.join("visits.jsonl") };
        let web = town.http(sites::router(Arc::new(state))).await?;
        town.set("LEADGEN_WEB_LOOPBACK", format!("80={}", web.trim_start_matches("http://")));

        town.set("LEADGEN_TLS_EXTRA_ROOTS", dir.join("ca.pem").display());
        town.mail(&dir, &keys).await?;
        Ok(town)
    }

    async fn mail(&mut self, dir: &Path, keys: &keys::Keys) -> io::Result<()> {
        let imap = TcpListener::bind("127.0.0.1:0").await?;
        let imap_port = imap.local_addr()?.port();
        let accepting = Arc::new(Mutex::new(()));
        let mut users = Vec::new();
        for (name, user, implicit_tls) in [("yandex", YANDEX_USER, true), ("gmail", GMAIL_USER, false)] {
            let inbox = Arc::new(Mailbox::open(dir.join("inbox").join(name))?);
            self.inboxes.push((name, Arc::clone(&inbox)));
            users.push((user.to_owned(), PASSWORD.to_owned(), Arc::clone(&inbox)));
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let key = |part: &str| format!("{}_{part}", name.to_uppercase());
            self.set(&key("SMTP_HOST"), "localhost");
            self.set(&key("SMTP_PORT"), listener.local_addr()?.port());
            self.set(&key("SMTP_SSL"), implicit_tls);
            self.set(&key("SMTP_TLS"), !implicit_tls);
            self.set(&key("USER"), user);
            self.set(&key("PASS"), PASSWORD);
            self.set(&key("FROM_EMAIL"), user);
            self.set(&key("FROM_NAME"), "Анна Ковалёва");
            self.set(&key("IMAP_HOST"), "localhost");
            self.set(&key("IMAP_PORT"), imap_port);
            let server = smtp::Server {
                name,
                implicit_tls,
                tls: Arc::clone(&keys.tls),
                wrong_name: Arc::clone(&keys.wrong_name),
                untrusted: Arc::clone(&keys.untrusted),
                heard: Arc::clone(&self.heard),
                user: user.into(),
                password: PASSWORD.into(),
                dir: dir.into(),
                firms: Arc::clone(&self.firms),
                faults: self.plan.faults.clone(),
                inbox,
                accepting: Arc::clone(&accepting),
            };
            self.servers.spawn(smtp::serve(listener, Arc::new(server)));
        }
        self.servers
            .spawn(imap::serve(imap, Arc::new(imap::Server { tls: Arc::clone(&keys.tls), users, faults: self.plan.faults.clone() })));
        Ok(())
    }

    async fn http(&mut self, router: axum::Router) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        self.servers.spawn(async move {
            let _ = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await;
        });
        Ok(format!("http://{address}"))
    }

    fn set(&mut self, name: &str, value: impl std::fmt::Display) {
        self.env.push((name.to_owned(), value.to_string()));
    }

    /// The environment that points programs at the town.
    pub fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// What a program needs besides [`Town::env`] to draft with the town's model.
    pub fn more_env(&self) -> Vec<(String, String)> {
        vec![("OPENAI_API_KEY".into(), "town-model-key".into())]
    }

    /// The cells of the sheet as they are now, the header first.
    pub fn sheet(&self) -> Vec<Vec<String>> {
        self.sheet.as_ref().and_then(|sheet| sheet.cells.lock().ok().map(|cells| cells.clone())).unwrap_or_default()
    }

    /// Someone edits the sheet.
    pub fn edit_sheet(&self, edit: impl FnOnce(&mut Vec<Vec<String>>)) {
        if let Some(sheet) = &self.sheet
            && let Ok(mut cells) = sheet.cells.lock()
        {
            edit(&mut cells);
        }
    }

    /// Writing calls the sheet has seen.
    pub fn sheet_writes(&self) -> usize {
        self.sheet.as_ref().map_or(0, |sheet| sheet.writes.load(std::sync::atomic::Ordering::SeqCst))
    }

    /// The firms.
    pub fn firms(&self) -> &[Firm] {
        &self.firms
    }

    /// The script of faults, to be added to while the town runs.
    pub fn faults(&self) -> &Faults {
        &self.plan.faults
    }

    /// The sheet as a file: `niche,city,country,batch_tag`.
    pub fn niches_csv(&self) -> String {
        let rows: String = self.plan.rows.iter().map(|row| format!("{},{},Россия,demo\n", row.niche, row.city)).collect();
        format!("niche,city,country,batch_tag\n{rows}")
    }

    /// Letters accepted so far, earlier runs in the same folder included.
    pub fn letters(&self) -> Vec<Letter> {
        witness::read(&self.plan.dir.join("letters.jsonl"))
    }

    /// Paid searches accepted so far.
    pub fn searches(&self) -> Vec<SearchSeen> {
        witness::read(&self.plan.dir.join("search.jsonl"))
    }

    /// Requests the sites saw.
    pub fn visits(&self) -> Vec<Visit> {
        witness::read(&self.plan.dir.join("visits.jsonl"))
    }

    /// Names the town was asked for, as `MX firma.ru`, in order.
    pub fn lookups(&self) -> Vec<String> {
        self.asked.lock().map(|asked| asked.clone()).unwrap_or_default()
    }

    /// What the submission servers were told, as `gmail plain EHLO …`, in order; secrets and letters left out.
    pub fn commands(&self) -> Vec<String> {
        self.heard.lock().map(|heard| heard.clone()).unwrap_or_default()
    }

    /// Puts a mail into the inbox of `yandex` or `gmail`.
    pub fn post(&self, mailbox: &str, mail: &[u8]) -> io::Result<()> {
        self.inbox(mailbox)?.append(mail)
    }

    /// Gives the mails of an inbox other numbers.
    pub fn renumber(&self, mailbox: &str) -> io::Result<()> {
        self.inbox(mailbox)?.renumber()
    }

    /// Takes a mail away from an inbox, by its number.
    pub fn remove(&self, mailbox: &str, uid: u32) -> io::Result<()> {
        self.inbox(mailbox)?.remove(uid)
    }

    /// How many mails an inbox holds, and how many of them somebody has opened.
    pub fn counts(&self, mailbox: &str) -> io::Result<(usize, usize)> {
        self.inbox(mailbox).map(Mailbox::counts)
    }

    fn inbox(&self, mailbox: &str) -> io::Result<&Mailbox> {
        let found = self.inboxes.iter().find(|(name, _)| *name == mailbox);
        found.map(|(_, inbox)| inbox.as_ref()).ok_or_else(|| io::Error::other(format!("the town has no mailbox {mailbox}")))
    }

    /// Ends every server.
    pub async fn close(mut self) {
        self.servers.shutdown().await;
    }
}

fn saved_pages(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| sites::at(folder, &e))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "xml") {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            pages.push((stem, std::fs::read(&path).map_err(|e| sites::at(&path, &e))?));
        }
    }
    pages.sort();
    Ok(pages)
}

fn sheet_cells(rows: &[Row]) -> Vec<Vec<String>> {
    let header = "niche city country batch_tag status generated_count db_inserted_count db_duplicate_count db_first_scheduled_for \
                  db_last_scheduled_for last_error";
    let mut cells = vec![header.split_whitespace().map(str::to_owned).collect::<Vec<_>>()];
    cells.extend(rows.iter().map(|row| vec![row.niche.clone(), row.city.clone(), "Россия".into(), "demo".into()]));
    cells
}

/// The key file in the form the real console writes, warning line included.
fn yandex_key(dir: &Path, keys: &keys::Keys) -> io::Result<PathBuf> {
    let path = dir.join("yandex-key.json");
    let private = format!("PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <{KEY_ID}>\n{}", keys.rsa_private_pem);
    let key = serde_json::json!({
        "id": KEY_ID, "service_account_id": ACCOUNT, "created_at": "2026-01-15T10:04:56.793349941Z", "key_algorithm": "RSA_2048",
        "public_key": keys.rsa_public_pem, "private_key": private,
    });
    std::fs::write(&path, key.to_string())?;
    Ok(path)
}

fn google_key(dir: &Path, keys: &keys::Keys, sheets: &str) -> io::Result<()> {
    let key = serde_json::json!({
        "type": "service_account", "project_id": "town", "private_key_id": "1", "private_key": keys.rsa_private_pem, "client_email": ROBOT,
        "client_id": "1", "token_uri": format!("{sheets}/token"),
    });
    std::fs::write(dir.join("google-key.json"), key.to_string())
}
