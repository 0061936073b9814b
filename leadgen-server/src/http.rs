//! The HTTP side: which routes there are, who may ask, how long an answer may take to come.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::ports::clock::{Clock, SystemClock};
use leadgen_core::setup::settings::Secret;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tracing::{info, warn};

use crate::ground::Ground;
use crate::{health, metrics, unsubscribe};

/// Nothing that is sent to this server is long.
const LARGEST_BODY: usize = 16 * 1024;
/// Time for one request as a whole.
const LONGEST_REQUEST: Duration = Duration::from_secs(20);
/// Connections that are still open so long after the stop are closed.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// All routes of this process: probes and metrics always, the rest with the role `api`.
pub(crate) fn routes(ground: Arc<Ground>) -> Router {
    let guarded = metrics::routes().fallback(missing).layer(middleware::from_fn_with_state(Arc::clone(&ground), guard));
    let open = health::routes().merge(if ground.has_role("api") { unsubscribe::routes() } else { Router::new() });
    let routes = guarded.merge(open);
    routes.layer(DefaultBodyLimit::max(LARGEST_BODY)).layer(middleware::from_fn(bounded)).with_state(ground)
}

/// Opens the port and says which one it is.
pub(crate) async fn open(ground: &Ground) -> Result<TcpListener> {
    let failed = |e: std::io::Error| {
        Error::new(ErrorKind::Unavailable, format!("listen on {}", ground.settings.bind))
            .code("bind_failed")
            .detail(e.to_string())
            .because(e)
    };
    let listener = TcpListener::bind(ground.settings.bind).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    info!(%address, "listening");
    Ok(listener)
}

/// Answers until stopped; what is being answered then may end.
pub(crate) async fn serve(ground: Arc<Ground>, listener: TcpListener) -> Result<()> {
    let stop = ground.stop.soon.clone();
    let serving = axum::serve(listener, routes(ground)).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        ended = serving.into_future() => ended.map_err(|e| Error::new(ErrorKind::Unavailable, "serve HTTP").because(e)),
        () = last_answers(&stop) => {
            warn!("connections were still open and are closed");
            Ok(())
        }
    }
}

async fn last_answers(stop: &tokio_util::sync::CancellationToken) {
    stop.cancelled().await;
    SystemClock.sleep_until(SystemClock.now() + LAST_ANSWERS).await;
}

/// A configured token is wanted wherever the request came from: a proxy on this machine brings strangers to loopback.
async fn guard(State(ground): State<Arc<Ground>>, request: Request, next: Next) -> Response {
    match &ground.settings.server_token {
        Some(token) if !presents(request.headers(), token) => {
            let challenge = [(WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge, problem(StatusCode::UNAUTHORIZED, "a bearer token is needed")).into_response()
        }
        _ => next.run(request).await,
    }
}

fn presents(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    given.is_some_and(|(_, presented)| token.is(presented.trim()))
}

async fn bounded(request: Request, next: Next) -> Response {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LARGEST_BODY as u64) {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    }
    match tokio::time::timeout(LONGEST_REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => problem(StatusCode::REQUEST_TIMEOUT, "the request took too long"),
    }
}

async fn missing() -> Response {
    problem(StatusCode::NOT_FOUND, "there is nothing here")
}

/// RFC 9457.
fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({"type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail});
    (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// Asks the server of these settings whether it is ready.
pub(crate) async fn probe(ground: &Ground) -> bool {
    let mut address = ground.settings.bind;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(LONGEST_REQUEST, ask).await;
    matches!(answer, Ok(Ok(answer)) if answer.starts_with(b"HTTP/1.1 200"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_the_whole_token_after_bearer_is_good() {
        let token = Secret::new("sesam-oeffne-dich");
        for (given, good) in [
            (None, false),
            (Some("Bearer sesam-oeffne-dich"), true),
            (Some("bearer sesam-oeffne-dich"), true),
            (Some("Bearer sesam"), false),
            (Some("Bearer "), false),
            (Some("Basic sesam-oeffne-dich"), false),
            (Some("sesam-oeffne-dich"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(given) = given {
                headers.insert(AUTHORIZATION, given.parse().unwrap());
            }
            assert_eq!(presents(&headers, &token), good, "{given:?}");
        }
    }
}
