//! Google Sheets v4 with its token server: one sheet with the niches.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::faults::Faults;
use crate::search::http_fault;

/// The sheet: rows of cells, the first is the header.
#[derive(Debug)]
pub(crate) struct Sheets {
    pub(crate) cells: Mutex<Vec<Vec<String>>>,
    pub(crate) writes: std::sync::atomic::AtomicUsize,
    pub(crate) public_pem: String,
    pub(crate) account: String,
    pub(crate) faults: Faults,
}

/// All routes.
pub(crate) fn router(sheets: Arc<Sheets>) -> Router {
    Router::new()
        .route("/token", post(token))
        .route("/v4/spreadsheets/{id}/values/{range}", get(values))
        .route("/v4/spreadsheets/{id}/{call}", post(batch_update))
        .with_state(sheets)
}

fn refuse(code: u16, status: &str, message: &str) -> Response {
    let body = json!({"error": {"code": code, "message": message, "status": status}});
    (StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST), axum::Json(body)).into_response()
}

async fn token(State(sheets): State<Arc<Sheets>>, body: Bytes) -> Response {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let assertion = form.iter().find(|(name, _)| name == "assertion").map_or("", |(_, value)| value.as_str());
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.validate_aud = false;
    // A rehearsal moves its own clock: an assertion is held against its own times, not against the machine's.
    rules.validate_exp = false;
    let claims = jsonwebtoken::DecodingKey::from_rsa_pem(sheets.public_pem.as_bytes())
        .and_then(|key| jsonwebtoken::decode::<Value>(assertion, &key, &rules));
    match claims {
        Ok(claims) if claims.claims["iss"] == json!(sheets.account) => {
            axum::Json(json!({"access_token": "ya29.town..", "expires_in": 3599, "token_type": "Bearer"})).into_response()
        }
        _ => {
            let body = json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."});
            (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
        }
    }
}

fn allowed(headers: &HeaderMap) -> bool {
    headers.get("authorization").and_then(|value| value.to_str().ok()) == Some("Bearer ya29.town..")
}

async fn values(State(sheets): State<Arc<Sheets>>, Path((id, range)): Path<(String, String)>, headers: HeaderMap) -> Response {
    if let Err(answer) = http_fault(sheets.faults.strike("sheets", "", &range)).await {
        return answer;
    }
    if !allowed(&headers) {
        return refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
    }
    if id != "town-sheet" {
        return refuse(404, "NOT_FOUND", "Requested entity was not found.");
    }
    // Empty cells at the end of a row are left out, as the real service does.
    let cells = sheets.cells.lock().map(|cells| cells.clone()).unwrap_or_default();
    let ragged: Vec<Vec<String>> = cells
        .into_iter()
        .map(|mut row| {
            while row.last().is_some_and(String::is_empty) {
                row.pop();
            }
            row
        })
        .collect();
    axum::Json(json!({"range": range, "majorDimension": "ROWS", "values": ragged})).into_response()
}

async fn batch_update(
    State(sheets): State<Arc<Sheets>>,
    Path((_, call)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(answer) = http_fault(sheets.faults.strike("sheets", "", &call)).await {
        return answer;
    }
    if !allowed(&headers) {
        return refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
    }
    if call != "values:batchUpdate" {
        return refuse(404, "NOT_FOUND", "no such call");
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Ok(mut cells) = sheets.cells.lock() else { return refuse(500, "INTERNAL", "poisoned") };
    let mut updated = 0;
    sheets.writes.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    for data in request["data"].as_array().into_iter().flatten() {
        let Some((column, row)) = data["range"].as_str().and_then(a1) else {
            return refuse(400, "INVALID_ARGUMENT", "Unable to parse range");
        };
        let Some(line) = cells.get_mut(row) else { return refuse(400, "INVALID_ARGUMENT", "Range exceeds grid limits") };
        for (ahead, value) in data["values"][0].as_array().into_iter().flatten().enumerate() {
            if line.len() <= column + ahead {
                line.resize(column + ahead + 1, String::new());
            }
            line[column + ahead] = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            updated += 1;
        }
    }
    axum::Json(json!({"spreadsheetId": "town-sheet", "totalUpdatedCells": updated})).into_response()
}

/// `'NICHES_INPUT'!D2` → column 3, row 1, counted from 0.
fn a1(range: &str) -> Option<(usize, usize)> {
    let cell = range.rsplit('!').next()?.split(':').next()?;
    let letters: String = cell.chars().take_while(char::is_ascii_uppercase).collect();
    let row: usize = cell[letters.len()..].parse().ok()?;
    let column = letters.bytes().fold(0_usize, |sum, b| sum * 26 + usize::from(b - b'A') + 1);
    Some((column.checked_sub(1)?, row.checked_sub(1)?))
}
