//! What a refusal means. Errors arrive in three layers: the status of HTTP with its own body, the error of an operation
//! in an answer 200, and an `<error>` inside the page (`xml`). Each is told apart by its code.

use std::time::Duration;

use crate::adapters::kit::http::Answer;
use crate::error::{Error, ErrorKind};

use super::wire;

/// gRPC codes that decide.
const FAILED_PRECONDITION: i64 = 9;
const RESOURCE_EXHAUSTED: i64 = 8;
/// The longest pause they may ask for.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);

/// A submission was answered, and not with a yes. A lost answer (408, 504) may have been a yes.
pub(super) fn submission(answer: &Answer) -> Error {
    let doing = "submit a search";
    let code = grpc_code(answer);
    let error = match answer.status {
        _ if is_quota(answer) => limited(doing, answer),
        401 | 403 => Error::new(ErrorKind::Unauthorized, doing).code("auth_failed"),
        408 | 504 => return unknown(Error::new(ErrorKind::Unavailable, "get an answer").detail(answer.message())),
        409 | 499 | 500 | 502 | 503 | 505.. => Error::new(ErrorKind::Unavailable, doing).code("provider_error").retry_after(pause(answer)),
        // An account that can't pay fails every query alike: they wait until a person has mended it.
        400 if code == FAILED_PRECONDITION => Error::new(ErrorKind::Config, doing).code("account_not_ready"),
        _ => Error::new(ErrorKind::Rejected, doing).code("request_refused"),
    };
    error.detail(answer.message())
}

/// The request may have been taken and paid; nobody knows.
pub(super) fn unknown(cause: Error) -> Error {
    Error::new(ErrorKind::InDoubt, "submit a search").code("submit_unknown").detail("it may have been taken and paid").because(cause)
}

/// A poll was answered, and not with an operation.
pub(super) fn poll(answer: &Answer, handle: &str) -> Error {
    let doing = "poll an operation";
    let error = match answer.status {
        _ if is_quota(answer) => limited(doing, answer),
        401 | 403 => Error::new(ErrorKind::Unauthorized, doing).code("auth_failed"),
        404 => Error::new(ErrorKind::Rejected, format!("collect the operation {handle}")).code("operation_expired"),
        408 | 409 | 499.. => Error::new(ErrorKind::Unavailable, doing).code("provider_error").retry_after(pause(answer)),
        _ => Error::new(ErrorKind::Rejected, doing).code("operation_failed").with_evidence(&answer.body),
    };
    error.detail(answer.message())
}

/// The operation itself ended in an error; it is final.
pub(super) fn operation(status: &wire::Status, handle: &str, raw: &[u8]) -> Error {
    let code = if status.code == RESOURCE_EXHAUSTED { "quota_exceeded" } else { "operation_failed" };
    Error::new(ErrorKind::Rejected, format!("finish the operation {handle}"))
        .code(code)
        .detail(format!("code {}: {}", status.code, status.message))
        .with_evidence(raw)
}

/// The answer holds no page that can be decoded.
pub(super) fn payload(why: &'static str, raw: &[u8]) -> Error {
    Error::new(ErrorKind::Rejected, "decode a result page").code("invalid_payload").detail(why).with_evidence(raw)
}

fn limited(doing: &'static str, answer: &Answer) -> Error {
    Error::new(ErrorKind::Limited, doing).code("quota_exceeded").retry_after(pause(answer))
}

fn pause(answer: &Answer) -> Option<Duration> {
    answer.retry_after.map(|pause| pause.min(LONGEST_PAUSE))
}

fn grpc_code(answer: &Answer) -> i64 {
    serde_json::from_slice::<wire::Status>(&answer.body).unwrap_or_default().code
}

/// 429, the code of an exhausted resource, or a refusal that speaks of a quota.
fn is_quota(answer: &Answer) -> bool {
    if answer.status == 429 || (answer.status != 200 && grpc_code(answer) == RESOURCE_EXHAUSTED) {
        return true;
    }
    let text = answer.message().to_lowercase();
    matches!(answer.status, 400 | 403)
        && ["quota", "limit exceeded", "rate limit", "too many requests"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Verdict;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, retry_after: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn refusals_of_a_submission_have_their_codes() {
        let quota = r#"{"code": 8, "message": "Quota exceeded"}"#;
        for (status, body, code, kind) in [
            (400, r#"{"code": 3, "message": "queryText: too long"}"#, "request_refused", ErrorKind::Rejected),
            (400, r#"{"code": 9, "message": "The billing account is not active"}"#, "account_not_ready", ErrorKind::Config),
            (401, "", "auth_failed", ErrorKind::Unauthorized),
            (403, r#"{"code": 7, "message": "Permission denied"}"#, "auth_failed", ErrorKind::Unauthorized),
            (403, r#"{"code": 7, "message": "Search quota is used up"}"#, "quota_exceeded", ErrorKind::Limited),
            (429, "<html>", "quota_exceeded", ErrorKind::Limited),
            (503, quota, "quota_exceeded", ErrorKind::Limited),
            (500, "", "provider_error", ErrorKind::Unavailable),
            (503, "<html>", "provider_error", ErrorKind::Unavailable),
            (501, "", "request_refused", ErrorKind::Rejected),
            (404, "", "request_refused", ErrorKind::Rejected),
            (408, "", "submit_unknown", ErrorKind::InDoubt),
            (504, "", "submit_unknown", ErrorKind::InDoubt),
        ] {
            let error = submission(&answer(status, body));
            assert_eq!((error.machine_code(), error.kind()), (code, kind), "{status} {body}");
        }
    }

    #[test]
    fn a_poll_fails_an_operation_only_if_it_is_surely_lost() {
        for (status, code, rejects) in [
            (404, "operation_expired", true),
            (400, "operation_failed", true),
            (503, "provider_error", false),
            (504, "provider_error", false),
            (429, "quota_exceeded", false),
        ] {
            let error = poll(&answer(status, ""), "spr1");
            assert_eq!((error.machine_code(), error.verdict() == Verdict::Reject), (code, rejects), "{status}");
        }
    }

    #[test]
    fn the_pause_they_ask_for_is_kept_within_six_hours() {
        let told = Answer { retry_after: Some(Duration::from_hours(100)), ..answer(429, "") };
        assert_eq!(submission(&told).verdict(), Verdict::Retry { after: Some(LONGEST_PAUSE) });
    }
}
