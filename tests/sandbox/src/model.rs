//! A chat model behind its usual door.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::search::{Search, Shared, http_fault};

/// The model's routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/v1/chat/completions", post(chat)).route("/v1/models", get(models))
}

/// Who may use the model; a refusal quotes what it was given, as real services do.
async fn model_door(search: &Search, headers: &HeaderMap) -> Result<(), Response> {
    http_fault(search.faults.strike("model", "", "")).await?;
    let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
    if given == "Bearer town-model-key" {
        return Ok(());
    }
    let message = format!("Incorrect API key provided: {}", given.trim_start_matches("Bearer "));
    let body = json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}});
    Err((StatusCode::UNAUTHORIZED, axum::Json(body)).into_response())
}

async fn models(State(search): State<Shared>, headers: HeaderMap) -> Response {
    if let Err(answer) = model_door(&search, &headers).await {
        return answer;
    }
    let model = |name: &str| json!({"id": name, "object": "model", "created": 1_768_471_496, "owned_by": "town"});
    axum::Json(json!({"object": "list", "data": [model("gpt-4o-mini"), model("town")]})).into_response()
}

async fn chat(State(search): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(answer) = model_door(&search, &headers).await {
        return answer;
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let user = request["messages"].as_array().and_then(|m| m.last()).and_then(|m| m["content"].as_str()).unwrap_or("");
    let company = user.lines().find_map(|line| line.strip_prefix("Компания: ")).unwrap_or("ваша компания");
    let text = format!(
        "Здравствуйте! Меня зовут Анна, я работаю в студии «Пример». Посмотрела сайт компании «{company}» и увидела форму заявки и телефон. \
         Мы помогаем компаниям вашего города не терять такие обращения: заявка с сайта и звонок попадают в один список, и видно, на какой ещё не \
         ответили. Настройка занимает день и не требует менять сайт. Если тема вам близка, расскажу в ответном письме, как это могло бы выглядеть \
         именно у вас, и пришлю короткий пример. Хорошего дня!"
    );
    let content = json!({"subject": format!("Заявки с сайта: {company}"), "body": text}).to_string();
    axum::Json(json!({"id": "chatcmpl-town", "object": "chat.completion", "model": "town",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content, "refusal": null}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 150, "total_tokens": 450}}))
    .into_response()
}
