//! The drafter that needs no one else: one polite letter from a template and the facts of the brief.

use async_trait::async_trait;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::domain::letter::{Brief, Letter};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::drafter::Drafter;

const SUBJECT: &str = "Заявки с сайта: {{ company }}";
const BODY: &str = "\
Здравствуйте!

{% if person %}Меня зовут {{ person }}{% if firm %}, {{ firm }}{% endif %}. {% endif %}{{ offer }}

Мы посмотрели сайт {% if domain %}{{ domain }}{% else %}вашей компании{% endif %}: {% if niche %}ваше направление — {{ niche }}{% if city %}, \
город {{ city }}{% endif %}{% else %}видно, чем занимается «{{ company }}»{% endif %}. Обычно в такой работе обращения приходят сразу с нескольких \
сторон: по телефону, через форму на сайте и в переписке, и часть из них остаётся без ответа просто потому, что их никто не увидел вовремя.

{{ benefit }}

Если тема вам близка, ответьте на это письмо: коротко расскажем, как это могло бы работать именно у вас, и покажем пример. Если сейчас не до этого, \
ничего делать не нужно.

Хорошего дня!";

/// Writes from the built-in template. Company names from the web are data: they are cut and cleaned, never run.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemplateDrafter;

#[async_trait]
impl Drafter for TemplateDrafter {
    fn name(&self) -> &'static str {
        "template"
    }

    async fn draft(&self, brief: &Brief) -> Result<Letter> {
        let render = |template: &str| {
            let mut environment = Environment::new();
            environment.set_undefined_behavior(UndefinedBehavior::Strict);
            environment
                .render_str(
                    template,
                    context! {
                        company => clean(&brief.company), domain => brief.domain.as_deref().map(|d| idna::domain_to_unicode(d).0),
                        city => clean(&brief.city), niche => clean(&brief.niche), person => clean(&brief.sender.person),
                        firm => clean(&brief.sender.firm), offer => clean(&brief.sender.offer), benefit => clean(&brief.sender.benefit),
                    },
                )
                .map_err(|e| Error::new(ErrorKind::Config, "fill the letter's template").code("template_failed").because(e))
        };
        Ok(Letter { subject: render(SUBJECT)?, body: render(BODY)? })
    }
}

/// A name from the web as a few plain words: no marks that a letter must not hold, no mixed alphabets inside a word.
fn clean(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() || "{}[]<>*`_|#".contains(c) { ' ' } else { c }).collect();
    let first = visible.split(['—', '|', '•']).map(str::trim).find(|part| !part.is_empty()).unwrap_or("").to_owned();
    let words: Vec<&str> = first.split_whitespace().take(40).collect();
    words.join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::letter::SenderProfile;
    use crate::rules::gate::{Bounds, objections};

    #[test]
    fn the_template_passes_the_gate_whatever_the_company_is_called() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for company in ["Дента Люкс", "ООО «{{ company }}» **Лучшая**", "Клиника <name> — стоматология в Казани | цены", ""]
        {
            let sender = SenderProfile {
                person: "Анна Ковалёва".into(),
                firm: "Студия «Пример»".into(),
                offer: "Мы помогаем компаниям принимать заявки с сайта и не терять их.".into(),
                benefit: "Заявки и звонки собираются в одном списке, и видно, на какую ещё не ответили.".into(),
            };
            let brief = Brief {
                company: company.into(),
                domain: Some("denta-lux.ru".into()),
                city: "Казань".into(),
                niche: "стоматология".into(),
                excerpt: String::new(),
                sender,
            };
            let letter = runtime.block_on(TemplateDrafter.draft(&brief)).expect("a letter");
            assert_eq!(objections(&letter.subject, &letter.body, Bounds::default()), vec![], "{}", letter.body);
            let words = letter.body.split_whitespace().count();
            assert!((70..=130).contains(&words), "{words} words");
        }
    }
}
