//! The web sites of the town by virtual host, and those of the user's own folder.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::faults::{Action, Faults, dawdle};
use crate::firms::Firm;
use crate::pages::{self, Served};
use crate::search::{http_fault, slowness};
use crate::witness;

/// One request a site saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Visit {
    /// The host asked for.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// When, milliseconds since 1970.
    pub at: i64,
    /// The status answered.
    pub status: u16,
    /// Who asked.
    pub user_agent: String,
    /// The port the connection came from: one for each connection.
    pub peer: u16,
}

/// The state of the site server.
pub(crate) struct Sites {
    pub(crate) firms: Arc<Vec<Firm>>,
    pub(crate) own: BTreeMap<String, BTreeMap<String, PathBuf>>,
    pub(crate) faults: Faults,
    pub(crate) witness: PathBuf,
}

/// Everything goes through one handler: the host decides.
pub(crate) fn router(sites: Arc<Sites>) -> Router {
    Router::new().fallback(serve).with_state(sites)
}

#[expect(clippy::disallowed_methods, reason = "the witness notes the machine's own time")]
async fn serve(State(sites): State<Arc<Sites>>, ConnectInfo(peer): ConnectInfo<SocketAddr>, uri: Uri, headers: HeaderMap) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let host = header("host").split(':').next().unwrap_or("").to_owned();
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    match http_fault(sites.faults.strike("sites", "", &format!("{host}{path}"))).await {
        Ok(fault) => dawdle(slowness(fault.as_ref()) * 2).await,
        Err(answer) => return answer,
    }
    let served = sites.page(&host, uri.path());
    let unreachable = sites.firm(&host).is_some_and(|firm| firm.unreachable);
    sites.note(&Visit {
        at: chrono::Utc::now().timestamp_millis(),
        status: if unreachable { 0 } else { served.status },
        user_agent: header("user-agent"),
        peer: peer.port(),
        host,
        path,
    });
    if unreachable {
        return http_fault(Some(Action::Drop)).await.err().unwrap_or_default();
    }
    let status = StatusCode::from_u16(served.status).unwrap_or(StatusCode::OK);
    (status, [("content-type", served.content_type)], served.bytes).into_response()
}

impl Sites {
    fn firm(&self, host: &str) -> Option<&Firm> {
        let bare = host.strip_prefix("www.").unwrap_or(host);
        self.firms.iter().find(|firm| firm.host == bare)
    }

    fn page(&self, host: &str, path: &str) -> Served {
        if let Some(firm) = self.firm(host) {
            return pages::page(firm, path);
        }
        let bare = host.strip_prefix("www.").unwrap_or(host);
        let Some(files) = self.own.get(bare) else { return Served::missing() };
        let wanted = percent_decoded(path.trim_matches('/'));
        let file = files.get(&wanted).or_else(|| files.iter().find(|(name, _)| without_ending(name) == wanted).map(|(_, file)| file));
        match file.and_then(|file| std::fs::read(file).ok()) {
            Some(bytes) => Served { status: 200, content_type: "text/html", bytes },
            None if wanted.is_empty() => {
                Served { status: 200, content_type: "text/html; charset=utf-8", bytes: listing(bare, files).into_bytes() }
            }
            None => Served::missing(),
        }
    }

    fn note(&self, visit: &Visit) {
        if let Err(cause) = witness::append(&self.witness, visit) {
            tracing::error!(%cause, log = %self.witness.display(), "a visit could not be noted");
        }
    }
}

/// A folder without a home page shows what it holds, as web servers do.
fn listing(host: &str, files: &BTreeMap<String, PathBuf>) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let links: String = files.keys().map(|name| format!("<li><a href=\"/{0}\">{0}</a></li>\n", escape(name))).collect();
    format!("<!DOCTYPE html><title>{host}</title>\n<h1>Index of /</h1>\n<ul>\n{links}</ul>\n")
}

/// `index.htm` serves the folder it lies in.
fn without_ending(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.strip_suffix("index").map_or(stem, |folder| folder.trim_end_matches('/')).to_owned()
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Reads a folder of site folders: host → path → file. `__` in a file's name is `/`; a folder without a dot is `<name>.ru`.
pub(crate) fn own_sites(folder: &Path) -> std::io::Result<BTreeMap<String, BTreeMap<String, PathBuf>>> {
    let mut sites = BTreeMap::new();
    for site in std::fs::read_dir(folder).map_err(|e| at(folder, &e))? {
        let site = site?;
        if !site.path().is_dir() {
            continue;
        }
        let name = site.file_name().to_string_lossy().into_owned();
        let host = if name.contains('.') { name } else { format!("{name}.ru") };
        let mut files = BTreeMap::new();
        for file in std::fs::read_dir(site.path()).map_err(|e| at(&site.path(), &e))? {
            let file = file?;
            files.insert(file.file_name().to_string_lossy().replace("__", "/"), file.path());
        }
        sites.insert(host, files);
    }
    Ok(sites)
}

/// The same error, saying where: a bare "no such file" helps nobody.
pub(crate) fn at(path: &Path, error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
