//! Yandex Search API v2, its operations and its tokens, over REST.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::faults::{Action, Faults, dawdle, stall};
use crate::firms::Firm;
use crate::serp::{Sheet, error_page, result_page};
use crate::{model, witness};

/// A paid search the town accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchSeen {
    /// The query text.
    pub text: String,
    /// The region.
    pub region: String,
    /// `deferred` or `sync`.
    pub mode: String,
    /// The operation it made.
    pub operation_id: String,
}

/// The state of the search, operation, token and model servers.
pub(crate) struct Search {
    pub(crate) firms: Arc<Vec<Firm>>,
    pub(crate) faults: Faults,
    pub(crate) folder_id: String,
    pub(crate) key_id: String,
    pub(crate) account_id: String,
    pub(crate) public_pem: String,
    pub(crate) serp: Vec<(String, Vec<u8>)>,
    pub(crate) polls_until_done: u32,
    pub(crate) witness: PathBuf,
    pub(crate) asked: AtomicU64,
    pub(crate) operations: Mutex<HashMap<String, (Vec<u8>, u32, bool)>>,
    pub(crate) tokens: Mutex<Vec<String>>,
}

pub(crate) type Shared = Arc<Search>;

/// All routes.
pub(crate) fn router(search: Shared) -> Router {
    Router::new()
        .route("/v2/web/searchAsync", post(search_async))
        .route("/v2/web/search", post(search_now))
        .route("/operations/{id}", get(operation))
        .route("/v2/wordstat/getRegionsTree", post(regions))
        .route("/search", get(searxng))
        .route("/iam/v1/tokens", post(token))
        .merge(model::router())
        .with_state(search)
}

fn status(http: u16, code: u32, message: &str) -> Response {
    let body = json!({"code": code, "message": message, "details": [{"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "00000000-town"}]});
    (StatusCode::from_u16(http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), axum::Json(body)).into_response()
}

fn grpc(status: u16) -> u32 {
    match status {
        400 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        429 => 8,
        503 => 14,
        504 => 4,
        _ => 13,
    }
}

/// A fault of the HTTP layer; `Err` holds the answer to give at once.
pub(crate) async fn http_fault(action: Option<Action>) -> Result<Option<Action>, Response> {
    match action {
        Some(Action::Status(code)) => Err(status(code, grpc(code), "scripted")),
        Some(Action::StatusAfter(code, seconds)) => {
            let mut answer = status(code, grpc(code), "scripted");
            answer.headers_mut().insert("retry-after", seconds.into());
            Err(answer)
        }
        Some(Action::Stall) => stall().await,
        Some(Action::Drop) => Err(broken()),
        Some(Action::Body(text)) => Err((StatusCode::OK, text).into_response()),
        Some(Action::Redirect(to)) => Err((StatusCode::FOUND, [("location", to)]).into_response()),
        Some(Action::Babble) => Err((StatusCode::OK, "<html><body>502 Bad Gateway</body></html>").into_response()),
        other => Ok(other),
    }
}

/// What a slow server takes before its work, and again before its answer.
pub(crate) fn slowness(fault: Option<&Action>) -> std::time::Duration {
    match fault {
        Some(Action::Slow(millis)) => std::time::Duration::from_millis(millis / 2),
        _ => std::time::Duration::ZERO,
    }
}

/// An answer whose body breaks off: the client sees a closed connection.
fn broken() -> Response {
    let stream = futures_once(Err(std::io::Error::other("dropped")));
    Response::builder().header("content-length", "1000").body(Body::from_stream(stream)).unwrap_or_default()
}

fn futures_once(item: std::io::Result<Bytes>) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::iter([item])
}

impl Search {
    fn allows(&self, headers: &HeaderMap) -> bool {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
        let tokens = self.tokens.lock().map(|tokens| tokens.clone()).unwrap_or_default();
        given.strip_prefix("Bearer ").is_some_and(|token| tokens.iter().any(|known| known == token)) || given == "Api-Key town-api-key"
    }

    /// The request's text and region, or why it is refused.
    fn checked(&self, headers: &HeaderMap, body: &[u8]) -> Result<(String, String, Sheet), Box<Response>> {
        let refuse = |http, code, text: &str| Err(Box::new(status(http, code, text)));
        if !self.allows(headers) {
            return refuse(401, 16, "Token is invalid or has expired.");
        }
        let Ok(request) = serde_json::from_slice::<Value>(body) else { return refuse(400, 3, "Malformed JSON") };
        let text = request["query"]["queryText"].as_str().unwrap_or("").to_owned();
        if request["query"]["searchType"].as_str().is_none_or(|kind| !kind.starts_with("SEARCH_TYPE_")) {
            return refuse(400, 3, "query.searchType: must be specified");
        }
        if text.is_empty() || text.chars().count() > 400 {
            return refuse(400, 3, "query.queryText: length must be between 1 and 400");
        }
        if request["folderId"].as_str() != Some(self.folder_id.as_str()) {
            return refuse(403, 7, "Permission denied");
        }
        let number = |value: &Value, least: usize| value.as_str().and_then(|text| text.parse().ok()).unwrap_or(least);
        let sheet = Sheet { page: number(&request["query"]["page"], 0), groups: number(&request["groupSpec"]["groupsOnPage"], 20) };
        Ok((text, request["region"].as_str().unwrap_or("").to_owned(), sheet))
    }

    fn accept(&self, text: &str, region: &str, mode: &str, operation_id: &str) {
        let seen = SearchSeen { text: text.into(), region: region.into(), mode: mode.into(), operation_id: operation_id.into() };
        if let Err(cause) = witness::append(&self.witness, &seen).and_then(|file| file.sync_data()) {
            tracing::error!(%cause, log = %self.witness.display(), "a search was accepted and could not be noted");
        }
    }

    fn page(&self, text: &str, serp_error: Option<u32>, sheet: &Sheet) -> Vec<u8> {
        if let Some(code) = serp_error {
            return error_page(code);
        }
        if !self.serp.is_empty() {
            let named = self.serp.iter().find(|(stem, _)| text.contains(stem.as_str()));
            let index = blake3::hash(text.as_bytes()).as_bytes()[0] as usize % self.serp.len();
            return named.unwrap_or(&self.serp[index]).1.clone();
        }
        result_page(&self.firms, text, sheet)
    }
}

async fn search_async(State(search): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let what = String::from_utf8_lossy(&body).into_owned();
    let fault = match http_fault(search.faults.strike("search", "", &what)).await {
        Ok(fault) => fault,
        Err(answer) => return answer,
    };
    let (text, region, sheet) = match search.checked(&headers, &body) {
        Ok(request) => request,
        Err(answer) => return *answer,
    };
    let serp_error = match fault {
        Some(Action::SerpError(code)) => Some(code),
        _ => None,
    };
    let half = slowness(fault.as_ref());
    dawdle(half).await;
    let count = search.asked.fetch_add(1, Ordering::Relaxed);
    let id = format!("spr{:017x}", (count + 1) ^ u64::from(std::process::id()) << 24);
    let page = search.page(&text, serp_error, &sheet);
    search.accept(&text, &region, "deferred", &id);
    if let Ok(mut operations) = search.operations.lock() {
        operations.insert(id.clone(), (page, 0, fault == Some(Action::OperationError)));
    }
    if fault == Some(Action::DropAfterAccept) {
        return broken();
    }
    dawdle(half).await;
    axum::Json(json!({"done": false, "id": id, "description": "WEB search async", "createdAt": "2026-01-15T21:05:09Z"})).into_response()
}

async fn search_now(State(search): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let what = String::from_utf8_lossy(&body).into_owned();
    let fault = match http_fault(search.faults.strike("search", "", &what)).await {
        Ok(fault) => fault,
        Err(answer) => return answer,
    };
    let (text, region, sheet) = match search.checked(&headers, &body) {
        Ok(request) => request,
        Err(answer) => return *answer,
    };
    search.accept(&text, &region, "sync", "");
    if fault == Some(Action::DropAfterAccept) {
        return broken();
    }
    let page = search.page(&text, if let Some(Action::SerpError(code)) = fault { Some(code) } else { None }, &sheet);
    axum::Json(json!({"rawData": base64::engine::general_purpose::STANDARD.encode(page)})).into_response()
}

async fn operation(State(search): State<Shared>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let fault = match http_fault(search.faults.strike("operation", "", &id)).await {
        Ok(fault) => fault,
        Err(answer) => return answer,
    };
    if !search.allows(&headers) {
        return status(401, 16, "Token is invalid or has expired.");
    }
    let Ok(mut operations) = search.operations.lock() else { return status(500, 13, "poisoned") };
    let Some((page, polls, fails)) = operations.get_mut(&id) else { return status(404, 5, "Operation not found") };
    *polls += 1;
    let mut answer =
        json!({"id": id, "description": "WEB search async", "createdAt": "2026-01-15T21:05:09Z", "modifiedAt": "2026-01-15T21:10:11Z"});
    if *fails || fault == Some(Action::OperationError) {
        answer["done"] = json!(true);
        answer["error"] = json!({"code": 13, "message": "Internal error", "details": []});
    } else if *polls >= search.polls_until_done {
        let mut raw = base64::engine::general_purpose::STANDARD.encode(&*page);
        match fault {
            Some(Action::Truncate) => raw.truncate(raw.len() / 2 / 4 * 4),
            Some(Action::BadBase64) => raw.insert(raw.len() / 2, '%'),
            Some(Action::HtmlPage) => {
                raw = base64::engine::general_purpose::STANDARD.encode("<html><body>Service is temporarily unavailable</body></html>");
            }
            Some(Action::Flood(bytes)) => {
                let body = format!("{{\"id\": \"{id}\", \"done\": true, \"response\": {{\"rawData\": \"{}\"}}}}", "QUJD".repeat(bytes / 4));
                return ([("content-type", "application/json")], body).into_response();
            }
            _ => {}
        }
        answer["done"] = json!(true);
        answer["response"] = json!({"@type": "type.googleapis.com/yandex.cloud.searchapi.v2.WebSearchResponse", "rawData": raw});
    }
    let pretty = serde_json::to_string_pretty(&answer).unwrap_or_default();
    ([("content-type", "application/json")], format!("{pretty}\n")).into_response()
}

/// The free list of regions; a folder that is not ours is refused.
async fn regions(State(search): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(answer) = http_fault(search.faults.strike("search", "", "getRegionsTree")).await {
        return answer;
    }
    if !search.allows(&headers) {
        return status(401, 16, "Token is invalid or has expired.");
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if request["folderId"].as_str() != Some(search.folder_id.as_str()) {
        return status(403, 7, "Permission denied");
    }
    axum::Json(json!({"regions": [{"id": "225", "label": "Россия", "children": [{"id": "43", "label": "Казань", "children": []}]}]}))
        .into_response()
}

#[derive(Deserialize)]
struct Asked {
    q: String,
    #[serde(default)]
    format: String,
}

/// A metasearch instance that allows JSON.
async fn searxng(State(search): State<Shared>, axum::extract::Query(asked): axum::extract::Query<Asked>) -> Response {
    if let Err(answer) = http_fault(search.faults.strike("searxng", "", &asked.q)).await {
        return answer;
    }
    if asked.format != "json" {
        return (StatusCode::OK, "<html><body>results for people</body></html>").into_response();
    }
    let results: Vec<Value> = search
        .firms
        .iter()
        .filter(|firm| asked.q.contains(&firm.niche) && asked.q.contains(&firm.city))
        .enumerate()
        .map(|(index, firm)| {
            json!({"url": format!("https://{}/", firm.host), "title": firm.name, "content": format!("{} в городе {}", firm.niche, firm.city),
                "engine": "town", "engines": ["town"], "positions": [index + 1], "score": 1.0, "category": "general"})
        })
        .collect();
    axum::Json(json!({"query": asked.q, "number_of_results": 0, "results": results, "answers": [], "corrections": [], "infoboxes": [],
        "suggestions": [], "unresponsive_engines": []}))
    .into_response()
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
    exp: i64,
}

async fn token(State(search): State<Shared>, body: Bytes) -> Response {
    if let Err(answer) = http_fault(search.faults.strike("iam", "", "")).await {
        return answer;
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let jwt = request["jwt"].as_str().unwrap_or("");
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::PS256);
    rules.validate_aud = false;
    // A rehearsal moves its own clock: an assertion is held against its own times, not against the machine's.
    rules.validate_exp = false;
    let header = jsonwebtoken::decode_header(jwt).ok();
    let claims = jsonwebtoken::DecodingKey::from_rsa_pem(search.public_pem.as_bytes())
        .and_then(|key| jsonwebtoken::decode::<Claims>(jwt, &key, &rules));
    match claims {
        Ok(token)
            if token.claims.iss == search.account_id
                && (1..=3600).contains(&(token.claims.exp - token.claims.iat))
                && header.and_then(|header| header.kid).as_deref() == Some(search.key_id.as_str()) =>
        {
            let Ok(mut tokens) = search.tokens.lock() else { return status(500, 13, "poisoned") };
            let fresh = format!("t1.town{}", tokens.len() + 1);
            tokens.push(fresh.clone());
            axum::Json(json!({"iamToken": fresh, "expiresAt": "2099-01-15T22:04:56.123456789Z"})).into_response()
        }
        _ => status(401, 16, "The token is invalid"),
    }
}
