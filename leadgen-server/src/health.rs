//! How this process is doing: alive, ready, and if not, why not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use leadgen_core::domain::report::LaneLoad;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::{Error, Result};
use leadgen_core::ports::store::{Agenda, Shift};
use leadgen_core::setup::wiring::OpenStore;
use serde_json::json;

use crate::ground::Ground;

/// Time for the store to answer.
const ANSWER: Duration = Duration::from_secs(3);
/// Due rows of a quick lane that nobody takes for so long mean that nobody works.
const LAG: Duration = Duration::from_mins(15);
/// Lanes without a window, a cap or a pace: what is due there is done at once, or something is wrong.
const QUICK: [&str; 4] = ["plan", "poll", "ingest", "dedupe"];

/// Why the process is not ready. Codes and sentences of ours only: anybody may read them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Reason {
    pub(crate) part: String,
    pub(crate) code: String,
    pub(crate) text: String,
}

impl Reason {
    fn of(part: &str, error: &Error) -> Self {
        Self { part: part.into(), code: error.machine_code().into(), text: error.to_string() }
    }
}

/// The store once it is open, and the troubles of the parts that run by themselves.
#[derive(Debug, Default)]
pub(crate) struct Health {
    store: OnceLock<OpenStore>,
    troubles: Mutex<BTreeMap<&'static str, Reason>>,
    served: Mutex<Vec<&'static str>>,
}

impl Health {
    /// The store, if it could be opened.
    pub(crate) fn store(&self) -> Option<&OpenStore> {
        self.store.get()
    }

    /// The store is open.
    pub(crate) fn opened(&self, store: OpenStore) {
        drop(self.store.set(store));
    }

    /// A part can't work.
    pub(crate) fn fell(&self, part: &'static str, error: &Error) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(part, Reason::of(part, error));
    }

    /// A part works again.
    pub(crate) fn rose(&self, part: &'static str) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// This process works on these stages.
    pub(crate) fn serves(&self, stages: &[&'static str]) {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).extend(stages);
    }

    fn served(&self) -> Vec<&'static str> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn troubles(&self) -> Vec<Reason> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// `/healthz` and `/readyz`.
pub(crate) fn routes() -> Router<Arc<Ground>> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

async fn ready(State(ground): State<Arc<Ground>>) -> Response {
    let mut reasons = ground.health.troubles();
    if let Some(store) = ground.health.store() {
        match tokio::time::timeout(ANSWER, look(store, ground.clock.now())).await {
            Ok(Ok(loads)) => reasons.extend(lagging(&loads, &ground.health.served(), ground.clock.now())),
            Ok(Err(error)) => reasons.push(Reason::of("store", &error)),
            Err(_) => reasons.push(Reason {
                part: "store".into(),
                code: "store_slow".into(),
                text: format!("store_slow: no answer within {} s", ANSWER.as_secs()),
            }),
        }
    }
    if ground.health.store().is_none() && reasons.is_empty() {
        reasons.push(Reason { part: "store".into(), code: "starting".into(), text: "starting: the store is not open yet".into() });
    }
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": reasons.is_empty(), "roles": ground.settings.roles, "reasons": reasons}))).into_response()
}

async fn look(store: &OpenStore, now: Timestamp) -> Result<Vec<LaneLoad>> {
    store.check().await?;
    store.loads(now).await
}

/// Quick lanes of this process that stand still.
fn lagging(loads: &[LaneLoad], served: &[&str], now: Timestamp) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for load in loads.iter().filter(|load| QUICK.contains(&load.stage.as_str()) && served.contains(&load.stage.as_str())) {
        let age = load.oldest_due.map_or(Duration::ZERO, |due| now.since(due));
        if age > LAG {
            let text = format!("lag: {} due rows, the oldest for {} min", load.due, age.as_secs() / 60);
            reasons.push(Reason { part: load.stage.clone(), code: "lag".into(), text });
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadgen_core::error::ErrorKind;

    fn load(stage: &str, minutes: u64) -> LaneLoad {
        let oldest_due = Some(now() - Duration::from_mins(minutes));
        LaneLoad { stage: stage.into(), waiting: 3, due: 3, held: 0, oldest_due }
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(1_768_500_000_000)
    }

    #[test]
    fn only_a_quick_lane_of_our_own_that_stands_still_lags() {
        let loads = [load("poll", 20), load("ingest", 5), load("dedupe", 20), load("send", 900), load("enrich", 900)];

        let reasons = lagging(&loads, &["poll", "ingest", "send", "enrich"], now());

        assert_eq!(reasons.iter().map(|reason| reason.part.as_str()).collect::<Vec<_>>(), ["poll"]);
        assert!(reasons[0].text.contains("20 min"), "{:?}", reasons[0]);
    }

    #[test]
    fn a_part_that_works_again_is_no_trouble_any_more() {
        let health = Health::default();
        health.fell("mail", &Error::new(ErrorKind::Conflict, "start the pipeline").code("already_running"));
        assert_eq!(health.troubles()[0].code, "already_running");
        health.rose("mail");
        assert!(health.troubles().is_empty());
    }
}
