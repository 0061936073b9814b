//! `/metrics`: what this process did (counters, durations) and how the store stands (gauges, read when asked).
//!
//! Counters and durations are of one process, so add them up over the replicas; gauges are of the store, the same from
//! every replica, so take any one of them (`max`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::{Router, routing::get};
use leadgen_core::domain::mail::MailboxHealth;
use leadgen_core::domain::report::{LaneLoad, StateCount};
use leadgen_core::domain::time::Timestamp;
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::pipeline::STAGES;
use leadgen_core::ports::clock::{Clock, SystemClock};
use leadgen_core::ports::store::{Agenda, Mailboxes, Reports};
use leadgen_core::setup::wiring::OpenStore;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::ground::Ground;

/// Upper bounds of durations, in seconds: a rule takes milliseconds, a site minutes.
const BOUNDS: [f64; 12] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0, 1800.0];
/// How a stage's items end.
const OUTCOMES: [&str; 6] = ["done", "retried", "rejected", "held", "in_doubt", "lost"];
/// Between two rounds of the exporter's own housekeeping; without it durations pile up until somebody asks.
const UPKEEP: Duration = Duration::from_secs(5);
/// Time for the store's figures.
const ANSWER: Duration = Duration::from_secs(5);

/// The process's meters.
#[derive(Clone)]
pub(crate) struct Meters(PrometheusHandle);

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meters")
    }
}

impl Meters {
    /// Meters that everything in this process counts on.
    pub(crate) fn publish() -> Result<Self> {
        let recorder = recorder()?;
        let meters = Self(recorder.handle());
        metrics::set_global_recorder(recorder).map_err(|e| failed(e.to_string()))?;
        describe();
        Ok(meters)
    }

    /// Meters that nothing counts on.
    #[cfg(test)]
    pub(crate) fn unpublished() -> Self {
        Self(PrometheusBuilder::new().build_recorder().handle())
    }

    /// Keeps house until stopped.
    pub(crate) async fn upkeep(&self, stop: CancellationToken) {
        let clock = SystemClock;
        loop {
            tokio::select! {
                () = clock.sleep_until(clock.now() + UPKEEP) => self.0.run_upkeep(),
                () = stop.cancelled() => return,
            }
        }
    }
}

fn recorder() -> Result<PrometheusRecorder> {
    let durations = Matcher::Suffix("_seconds".into());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, &BOUNDS).map_err(|e| failed(e.to_string()))?;
    Ok(builder.build_recorder())
}

fn failed(why: String) -> Error {
    Error::new(ErrorKind::Config, "set the meters up").code("metrics_failed").detail(why)
}

fn describe() {
    describe_counter!("leadgen_items_total", "Items that a stage of this process brought to an end, by outcome");
    describe_counter!("leadgen_faults_total", "Items that came back unfinished, by stage and error code");
    describe_counter!("leadgen_unsubscribe_total", "Requests to the unsubscribe page that meant a refusal, by outcome");
    describe_histogram!("leadgen_work_seconds", "Time for one item, up to its mark");
    describe_histogram!("leadgen_finish_seconds", "Time for one item past its mark");
    describe_histogram!("leadgen_tick_seconds", "Time for one pass over a stage");
    describe_gauge!("leadgen_stage_last_tick_seconds", "When a stage of this process last had a pass, seconds since 1970");
    describe_gauge!("leadgen_lane_waiting", "Rows that wait for a stage, due or not");
    describe_gauge!("leadgen_lane_due", "Rows that are due and that nobody works on");
    describe_gauge!("leadgen_lane_held", "Rows under a lease");
    describe_gauge!("leadgen_lane_oldest_due_age", "Seconds since the oldest due row of a stage is due");
    describe_gauge!("leadgen_rows", "Rows of an entity in a state");
    describe_gauge!("leadgen_mailbox_sent_24h", "Letters of a mailbox in the last 24 hours, doubtful ones included");
    describe_gauge!("leadgen_mailbox_daily_cap", "Letters that a mailbox may send in 24 hours");
    describe_gauge!("leadgen_mailbox_paused", "1 while a mailbox is paused");
    describe_gauge!("leadgen_store_up", "1 if the store answered this scrape");
    describe_gauge!("leadgen_build_info", "1, with the version as a label");
    gauge!("leadgen_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    for stage in STAGES {
        for outcome in OUTCOMES {
            counter!("leadgen_items_total", "stage" => stage, "outcome" => outcome).increment(0);
        }
    }
    for outcome in ["registered", "unknown", "failed"] {
        counter!("leadgen_unsubscribe_total", "outcome" => outcome).increment(0);
    }
}

/// `/metrics`.
pub(crate) fn routes() -> Router<Arc<Ground>> {
    Router::new().route("/metrics", get(scrape))
}

async fn scrape(State(ground): State<Arc<Ground>>) -> impl IntoResponse {
    let up = match ground.health.store() {
        Some(store) => match tokio::time::timeout(ANSWER, read(&ground, store)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                warn!(code = error.machine_code(), text = %error.for_row(), "store's figures can't be read");
                false
            }
            Err(_) => false,
        },
        None => false,
    };
    gauge!("leadgen_store_up").set(f64::from(u8::from(up)));
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], ground.meters.0.render())
}

async fn read(ground: &Ground, store: &OpenStore) -> Result<()> {
    let now = ground.clock.now();
    show_lanes(&store.loads(now).await?, now);
    show_rows(&store.states().await?);
    let mailboxes = &ground.settings.policy.send.mailboxes;
    show_mailboxes(&store.health(mailboxes, now).await?);
    Ok(())
}

fn show_lanes(loads: &[LaneLoad], now: Timestamp) {
    for stage in STAGES {
        let load = loads.iter().find(|load| load.stage == stage);
        let count = |of: fn(&LaneLoad) -> u64| load.map_or(0, of) as f64;
        let age = load.and_then(|load| load.oldest_due).map_or(Duration::ZERO, |due| now.since(due));
        gauge!("leadgen_lane_waiting", "stage" => stage).set(count(|load| load.waiting));
        gauge!("leadgen_lane_due", "stage" => stage).set(count(|load| load.due));
        gauge!("leadgen_lane_held", "stage" => stage).set(count(|load| load.held));
        gauge!("leadgen_lane_oldest_due_age", "stage" => stage).set(age.as_secs_f64());
    }
}

/// Reasons are summed up: as labels they would be too many.
fn show_rows(states: &[StateCount]) {
    let mut sums: std::collections::BTreeMap<(&str, &str), u64> = std::collections::BTreeMap::new();
    for line in states {
        *sums.entry((&line.entity, &line.state)).or_default() += line.count;
    }
    for ((entity, state), count) in sums {
        gauge!("leadgen_rows", "entity" => entity.to_owned(), "state" => state.to_owned()).set(count as f64);
    }
}

fn show_mailboxes(healths: &[MailboxHealth]) {
    for health in healths {
        let paused = f64::from(u8::from(health.paused_until.is_some()));
        gauge!("leadgen_mailbox_sent_24h", "mailbox" => health.name.clone()).set(f64::from(health.sent_24h));
        gauge!("leadgen_mailbox_daily_cap", "mailbox" => health.name.clone()).set(f64::from(health.daily_cap));
        gauge!("leadgen_mailbox_paused", "mailbox" => health.name.clone()).set(paused);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn shown(show: impl FnOnce()) -> String {
        let recorder = recorder().unwrap();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, show);
        handle.render()
    }

    #[test]
    fn an_empty_lane_is_shown_as_zero_and_not_left_at_its_last_figure() {
        let now = Timestamp::from_millis(1_768_500_060_000);
        let busy =
            LaneLoad { stage: "poll".into(), waiting: 5, due: 2, held: 1, oldest_due: Some(Timestamp::from_millis(1_768_500_000_000)) };

        let text = shown(|| show_lanes(&[busy], now));
        assert!(text.contains("leadgen_lane_waiting{stage=\"poll\"} 5"), "{text}");
        assert!(text.contains("leadgen_lane_oldest_due_age{stage=\"poll\"} 60"), "{text}");
        assert!(text.contains("leadgen_lane_waiting{stage=\"send\"} 0"), "{text}");
    }

    #[test]
    fn states_with_different_reasons_are_one_figure() {
        let line =
            |reason: &str, count| StateCount { entity: "companies".into(), state: "disqualified".into(), reason: reason.into(), count };
        let text = shown(|| show_rows(&[line("phone_only", 2), line("contacts_not_found", 3)]));
        assert!(text.contains("leadgen_rows{entity=\"companies\",state=\"disqualified\"} 5"), "{text}");
    }

    #[test]
    fn durations_are_counted_in_buckets() {
        let text = shown(|| metrics::histogram!("leadgen_work_seconds", "stage" => "poll").record(0.2));
        assert!(text.contains("leadgen_work_seconds_bucket{stage=\"poll\",le=\"0.5\"} 1"), "{text}");
    }
}
