//! The drafter behind an OpenAI-compatible service.

use std::time::Duration;

use leadgen_core::adapters::files::TemplateDrafter;
use leadgen_core::adapters::kit::http::Http;
use leadgen_core::adapters::kit::tls::client_config;
use leadgen_core::adapters::llm::LlmDrafter;
use leadgen_core::domain::letter::Brief;
use leadgen_core::error::{ErrorKind, Verdict};
use leadgen_core::ports::drafter::Drafter;
use leadgen_core::rules::gate;
use leadgen_core::testing::conformance;
use leadgen_core::testing::scripted::ScriptedDrafter;
use leadgen_sandbox::Action;
use leadgen_tests::harness::fault;

use super::Street;

fn drafter(street: &Street, key: &str, patience: Duration) -> LlmDrafter {
    let http = Http::new(&client_config(None).unwrap(), patience, true).unwrap();
    LlmDrafter::new(http, &street.settings.llm.base_url, key.into(), "town".into()).unwrap()
}

fn brief(street: &Street) -> Brief {
    Brief {
        company: "Альфа Плюс".into(),
        domain: Some("alfa.ru".into()),
        city: "Казань".into(),
        niche: "стоматология".into(),
        excerpt: "Лечим зубы.".into(),
        sender: street.settings.sender.clone(),
    }
}

/// The body of a good HTTP answer around a content.
fn content(text: &str, finish: &str) -> Action {
    let answer = serde_json::json!({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]});
    Action::Body(answer.to_string())
}

#[tokio::test]
async fn a_good_answer_is_a_letter_that_passes_the_gate() {
    let street = Street::open().await;
    let letter = drafter(&street, "town-model-key", Duration::from_secs(10)).draft(&brief(&street)).await.unwrap();
    assert!(letter.subject.contains("Альфа Плюс"), "{letter:?}");
    assert_eq!(gate::objections(&letter.subject, &letter.body, gate::Bounds::default()), []);
}

#[tokio::test]
async fn a_wrong_key_pauses_drafting_and_is_shown_nowhere() {
    let street = Street::open().await;
    let refused = drafter(&street, "s3cr3t-canary", Duration::from_secs(10)).draft(&brief(&street)).await.unwrap_err();
    assert_eq!((refused.machine_code(), refused.kind(), refused.verdict()), ("llm_auth_failed", ErrorKind::Unauthorized, Verdict::Pause));
    assert!(!format!("{refused:?} {}", refused.for_row()).contains("s3cr3t-canary"));
}

#[tokio::test]
async fn every_failing_answer_waits_and_none_becomes_a_letter() {
    let street = Street::open().await;
    let later = |seconds: Option<u64>| Verdict::Retry { after: seconds.map(Duration::from_secs) };
    let no_money =
        "{\"error\":{\"message\":\"You exceeded your current quota\",\"code\":\"insufficient_quota\",\"type\":\"insufficient_quota\"}}";
    let cases = [
        (Action::Status(429), "llm_limited", later(None)),
        (Action::StatusAfter(429, 17), "llm_limited", later(Some(17))),
        (Action::Status(500), "llm_unavailable", later(None)),
        (Action::Status(503), "llm_unavailable", later(None)),
        (Action::Status(400), "llm_bad_request", Verdict::Pause),
        (Action::Status(404), "llm_bad_request", Verdict::Pause),
        (Action::Babble, "llm_unusable", later(None)),
        (Action::Drop, "unreachable", later(None)),
        (Action::Body("{}".into()), "llm_unusable", later(None)),
        (Action::Body(no_money.into()), "llm_unusable", later(None)),
        (content("Здравствуйте! Это письмо без объекта.", "stop"), "llm_unusable", later(None)),
        (content("{\"subject\": \"x\"}", "stop"), "llm_unusable", later(None)),
        (content("{\"subject\": \"x\", \"body\": \"y\", \"to\": \"z@y.ru\"}", "stop"), "llm_unusable", later(None)),
        (content("{\"subject\": 1, \"body\": []}", "stop"), "llm_unusable", later(None)),
        (content("{\"subject\": \"x\", \"body\": \"обрыв", "length"), "llm_unusable", later(None)),
    ];
    let drafter = drafter(&street, "town-model-key", Duration::from_secs(10));
    for (action, code, verdict) in cases {
        fault(&street.town, "model", "", "", 1, action.clone());
        let refused = drafter.draft(&brief(&street)).await.unwrap_err();
        assert_eq!((refused.machine_code(), refused.verdict()), (code, verdict), "{action:?}");
    }
    assert!(drafter.draft(&brief(&street)).await.is_ok());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_and_a_silent_model_is_left_in_time() {
    let street = Street::open().await;
    fault(&street.town, "model", "", "", 1, content(&"я".repeat(1024 * 1024), "stop"));
    let refused = drafter(&street, "town-model-key", Duration::from_secs(10)).draft(&brief(&street)).await.unwrap_err();
    assert_eq!(refused.machine_code(), "answer_too_large");
    fault(&street.town, "model", "", "", 1, Action::Stall);
    let refused = drafter(&street, "town-model-key", Duration::from_millis(300)).draft(&brief(&street)).await.unwrap_err();
    assert!(matches!(refused.verdict(), Verdict::Retry { .. }), "{refused}");
}

#[tokio::test]
async fn a_letter_that_is_too_long_does_not_pass_the_gate() {
    let street = Street::open().await;
    let long = serde_json::json!({"subject": "Тема письма", "body": "слово ".repeat(400)}).to_string();
    fault(&street.town, "model", "", "", 1, content(&long, "stop"));
    let letter = drafter(&street, "town-model-key", Duration::from_secs(10)).draft(&brief(&street)).await.unwrap();
    let objections = gate::objections(&letter.subject, &letter.body, gate::Bounds::default());
    assert!(objections.iter().any(|objection| objection.code == "bad_length"), "{objections:?}");
}

#[tokio::test]
async fn a_model_a_template_and_the_stand_in_keep_the_promises_of_a_drafter() {
    let street = Street::open().await;
    let brief = brief(&street);
    conformance::drafter(&drafter(&street, "town-model-key", Duration::from_secs(10)), &brief).await;
    conformance::drafter(&TemplateDrafter, &brief).await;
    conformance::drafter(&ScriptedDrafter::new(), &brief).await;
}
