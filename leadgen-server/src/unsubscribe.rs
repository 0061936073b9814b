//! The way out of every letter, RFC 8058: `GET /u/{token}` shows a page with one button, `POST` refuses further letters, at
//! once. Scanners that follow links change nothing. Whoever asks learns nothing: a token that is unknown, spent or fresh
//! gets the same answer, and no answer holds an address.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use leadgen_core::actions::optout;
use leadgen_core::error::{Error, ErrorKind, Result};
use leadgen_core::ports::clock::{Clock, SystemClock};
use leadgen_core::setup::wiring;
use metrics::counter;
use tracing::{error, info};

use crate::ground::Ground;

/// The one field and its one value.
const FIELD: (&str, &str) = ("List-Unsubscribe", "One-Click");
/// A refusal that is written down takes a moment, a made-up token none. Every answer takes at least so long.
const EQUAL: Duration = Duration::from_millis(60);
/// No script, no picture, nothing from elsewhere; the form goes where the page came from.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:0 auto;padding:2rem 1rem;color:#222;background:#fff}\
    h1{font-size:1.4rem}button{font:inherit;width:100%;padding:.8rem;border:0;border-radius:.5rem;background:#1a5fb4;color:#fff}\
    @media(prefers-color-scheme:dark){body{color:#eee;background:#1b1b1b}}";
const ASK: (&str, &str) = (
    "Отписаться · Unsubscribe",
    "<p>Нажмите кнопку, и мы больше не будем вам писать.</p><p lang=en>Press the button and we will not write to you again.</p>\
     <form method=post><input type=hidden name=List-Unsubscribe value=One-Click>\
     <button>Отписаться · <span lang=en>Unsubscribe</span></button></form>",
);
const DONE: (&str, &str) = (
    "Готово · Done",
    "<p>Вы отписаны: писем от нас больше не будет.</p><p lang=en>You are unsubscribed: there will be no more letters from us.</p>",
);
const WRONG: (&str, &str) = (
    "Непонятный запрос · Unclear request",
    "<p>Откройте ссылку из письма ещё раз и нажмите кнопку.</p><p lang=en>Open the link of the letter once more and press the button.</p>",
);
const LATER: (&str, &str) = (
    "Не получилось · That failed",
    "<p>Отписка не записана. Попробуйте через минуту или ответьте на письмо словом СТОП.</p>\
     <p lang=en>Your refusal is not written down yet. Try again in a minute, or answer the letter with STOP.</p>",
);

/// `/u/{token}`. `HEAD` is answered like `GET`.
pub(crate) fn routes() -> Router<Arc<Ground>> {
    let style = || async { ([(CONTENT_TYPE, "text/css"), (CACHE_CONTROL, "max-age=86400")], STYLE) };
    Router::new().route("/u/style.css", get(style)).route("/u/{token}", get(ask).post(refuse))
}

async fn ask() -> Response {
    page(StatusCode::OK, ASK)
}

async fn refuse(State(ground): State<Arc<Ground>>, Path(token): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !means_one_click(content_type, &body) {
        return page(StatusCode::BAD_REQUEST, WRONG);
    }
    let answer_at = SystemClock.now() + EQUAL;
    let written = write_down(&ground, &token).await;
    SystemClock.sleep_until(answer_at).await;
    match written {
        Ok(known) => {
            let outcome = if known { "registered" } else { "unknown" };
            counter!("leadgen_unsubscribe_total", "outcome" => outcome).increment(1);
            info!(outcome, "one-click refusal");
            page(StatusCode::OK, DONE)
        }
        Err(error) => {
            counter!("leadgen_unsubscribe_total", "outcome" => "failed").increment(1);
            error!(code = error.machine_code(), text = %error.for_row(), "refusal not written down");
            ([(RETRY_AFTER, "30")], page(StatusCode::SERVICE_UNAVAILABLE, LATER)).into_response()
        }
    }
}

/// The refusal is in the store when this returns.
async fn write_down(ground: &Ground, token: &str) -> Result<bool> {
    let store = ground.health.store().ok_or_else(|| Error::new(ErrorKind::Unavailable, "open the store").code("store_closed"))?;
    optout::one_click(store.as_ref(), &wiring::token_keys(&ground.settings), token, ground.clock.now()).await
}

/// Whether the body says `List-Unsubscribe=One-Click`, in either form that RFC 8058 allows. Some senders name no type.
fn means_one_click(content_type: &str, body: &[u8]) -> bool {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    match kind.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" | "" => url::form_urlencoded::parse(body).any(|(name, value)| (&*name, &*value) == FIELD),
        "multipart/form-data" => boundary(parameters).is_some_and(|boundary| parts(&boundary, body).any(|part| part == FIELD)),
        _ => false,
    }
}

fn boundary(parameters: &str) -> Option<String> {
    let found = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
    found.map(|(_, value)| value.trim().trim_matches('"').to_owned()).filter(|value| !value.is_empty())
}

/// Names and values of the fields of a multipart body (RFC 7578).
fn parts<'a>(boundary: &str, body: &'a [u8]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mark = format!("--{boundary}");
    let text = std::str::from_utf8(body).unwrap_or("");
    let parts: Vec<&str> = text.split(mark.as_str()).skip(1).take_while(|part| !part.starts_with("--")).collect();
    parts.into_iter().filter_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))?;
        let value = value.strip_suffix("\r\n").or_else(|| value.strip_suffix('\n')).unwrap_or(value);
        let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
        let name = disposition.split(';').find_map(|parameter| parameter.trim().strip_prefix("name="))?;
        Some((name.trim_matches('"'), value))
    })
}

fn page(status: StatusCode, (title, text): (&str, &str)) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (ROBOTS, "noindex, nofollow"),
    ];
    let html = format!(
        "<!doctype html><html lang=ru><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <meta name=robots content=noindex><title>{title}</title><link rel=stylesheet href=style.css><h1>{title}</h1>{text}</html>\n"
    );
    (status, headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn multipart(name: &str, value: &str) -> Vec<u8> {
        format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--xyz--\r\n").into_bytes()
    }

    #[test]
    fn both_forms_of_the_standard_are_read() {
        assert!(means_one_click(FORM, b"List-Unsubscribe=One-Click"));
        assert!(means_one_click("application/x-www-form-urlencoded; charset=UTF-8", b"a=b&List-Unsubscribe=One-Click"));
        assert!(means_one_click("", b"List-Unsubscribe=One-Click"));
        assert!(means_one_click("multipart/form-data; boundary=xyz", &multipart("List-Unsubscribe", "One-Click")));
        assert!(means_one_click("Multipart/Form-Data; charset=utf-8; boundary=\"xyz\"", &multipart("List-Unsubscribe", "One-Click")));
    }

    #[test]
    fn anything_else_is_no_refusal() {
        for (content_type, body) in [
            (FORM, &b""[..]),
            (FORM, b"List-Unsubscribe=One-Clic"),
            (FORM, b"List-Unsubscribe"),
            (FORM, b"list-unsubscribe=One-Click"),
            (FORM, b"x=List-Unsubscribe%3DOne-Click"),
            ("application/json", b"{\"List-Unsubscribe\":\"One-Click\"}"),
            ("text/plain", b"List-Unsubscribe=One-Click"),
            ("multipart/form-data", b"List-Unsubscribe=One-Click"),
            (FORM, b"\xff\xfe\x00"),
        ] {
            assert!(!means_one_click(content_type, body), "{content_type}: {body:?}");
        }
        assert!(!means_one_click("multipart/form-data; boundary=xyz", &multipart("List-Unsubscribe", "No")));
        assert!(!means_one_click("multipart/form-data; boundary=other", &multipart("List-Unsubscribe", "One-Click")));
        assert!(!means_one_click("multipart/form-data; boundary=xyz", b"--xyz--\r\n\xff"));
    }

    #[test]
    fn every_page_is_closed_to_scripts_robots_and_caches() {
        for text in [ASK, DONE, WRONG, LATER] {
            let response = page(StatusCode::OK, text);
            let header = |name: HeaderName| response.headers()[name].to_str().unwrap_or("").to_owned();
            assert!(header(CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
            assert!(header(ROBOTS).contains("noindex"));
            assert_eq!(header(CACHE_CONTROL), "no-store");
        }
    }
}
