//! What the browser says, as far as it matters here (Chrome DevTools Protocol).

use serde_json::Value;
use url::Url;

use crate::domain::page::{Ask, AskKind};
use crate::error::{Error, ErrorKind, Result};

/// One message.
#[derive(Debug)]
pub(super) enum Heard {
    /// To what was said before.
    Answer { id: u64, outcome: Result<Value> },
    /// A request is held.
    Paused(Paused),
    /// Something besides our page came to be: a window, a worker, a frame in a process of its own.
    Beside(String),
    /// The page has all that it waits for.
    Loaded,
    /// The page wants an answer of a person.
    Dialog,
    /// The page of a session broke down, or something beside it.
    Crashed(String),
    /// Anything else.
    Other,
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct Paused {
    pub(super) id: String,
    /// None: its address can't be read.
    pub(super) ask: Option<Ask>,
    /// Whether a page waits for it.
    pub(super) is_document: bool,
    /// Who asks, where that matters for who may read the answer.
    pub(super) origin: Option<String>,
}

fn malformed(what: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, "listen to a browser").code("browser_protocol").detail(what)
}

impl Heard {
    /// Reads a message.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let message: Value = serde_json::from_slice(bytes).map_err(|e| malformed("no JSON").because(e))?;
        if !message["id"].is_null() {
            let id = message["id"].as_u64().ok_or_else(|| malformed("an answer without a number"))?;
            return Ok(Self::Answer { id, outcome: outcome(&message)? });
        }
        let params = &message["params"];
        match message["method"].as_str().ok_or_else(|| malformed("neither an answer nor an event"))? {
            "Fetch.requestPaused" => Paused::read(params).map(Self::Paused),
            "Target.attachedToTarget" => {
                let target = params["targetInfo"]["targetId"].as_str().ok_or_else(|| malformed("a target without a name"))?;
                Ok(Self::Beside(target.to_owned()))
            }
            "Page.loadEventFired" => Ok(Self::Loaded),
            "Page.javascriptDialogOpening" => Ok(Self::Dialog),
            "Inspector.targetCrashed" => Ok(Self::Crashed(message["sessionId"].as_str().unwrap_or_default().to_owned())),
            _ => Ok(Self::Other),
        }
    }
}

/// What an answer brings: its result, or the browser's refusal.
fn outcome(message: &Value) -> Result<Result<Value>> {
    match (&message["result"], &message["error"]) {
        (Value::Null, Value::Object(error)) => {
            let told: String = error.get("message").and_then(Value::as_str).unwrap_or("no reason").chars().take(200).collect();
            Ok(Err(Error::new(ErrorKind::Unavailable, "render a page").code("browser_refused").detail(told)))
        }
        (result @ Value::Object(_), _) => Ok(Ok(result.clone())),
        _ => Err(malformed("an answer without a result")),
    }
}

impl Paused {
    fn read(params: &Value) -> Result<Self> {
        let id = params["requestId"].as_str().ok_or_else(|| malformed("a request without a name"))?.to_owned();
        let request = &params["request"];
        let kind = match params["resourceType"].as_str().unwrap_or_default() {
            "Document" => AskKind::Document,
            "Script" => AskKind::Script,
            "XHR" | "Fetch" => AskKind::Data,
            _ => AskKind::Other,
        };
        let ask = request["url"].as_str().and_then(|url| Url::parse(url).ok()).map(|mut url| {
            url.set_fragment(None);
            Ask { url, method: request["method"].as_str().unwrap_or_default().to_owned(), kind }
        });
        let headers = request["headers"].as_object();
        let origin = headers.and_then(|all| all.iter().find(|(name, _)| name.eq_ignore_ascii_case("origin"))?.1.as_str());
        Ok(Self { id, ask, is_document: kind == AskKind::Document, origin: origin.map(str::to_owned) })
    }
}
