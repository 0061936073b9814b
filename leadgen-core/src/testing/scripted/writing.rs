//! A drafter that writes one plain letter.

use async_trait::async_trait;

use crate::domain::letter::{Brief, Letter};
use crate::error::{Error, Result};
use crate::ports::drafter::Drafter;

use super::{Faults, Shared};

/// A letter that may go out as it is: of a decent length, without promises.
pub fn a_plain_letter(company: &str) -> Letter {
    let body = format!(
        "Здравствуйте!\n\nМы посмотрели сайт компании «{company}» и увидели, что обращения к вам приходят сразу с нескольких сторон: \
         по телефону, через форму и в переписке. Часть из них обычно остаётся без ответа просто потому, что их никто не увидел вовремя. \
         Мы помогаем собирать такие обращения в одном месте и отвечать на них в тот же день.\n\nЕсли тема вам близка, ответьте на это письмо: \
         коротко расскажем, как это работает, и покажем пример. Если сейчас не до этого, ничего делать не нужно.\n\nХорошего дня!"
    );
    Letter { subject: format!("Обращения с сайта: {company}"), body }
}

/// Writes [`a_plain_letter`], or the letter it was given.
#[derive(Clone, Debug)]
pub struct ScriptedDrafter(Shared<Memory>);

#[derive(Debug, Default)]
struct Memory {
    letter: Option<Letter>,
    faults: Faults,
    briefs: Vec<Brief>,
}

impl ScriptedDrafter {
    /// Writes a plain letter to everyone.
    pub fn new() -> Self {
        Self(Shared::new(Memory::default()))
    }

    /// Writes this to everyone.
    pub fn writes(letter: Letter) -> Self {
        Self(Shared::new(Memory { letter: Some(letter), ..Memory::default() }))
    }

    /// The next draft fails.
    #[must_use]
    pub fn fails(self, error: Error) -> Self {
        self.0.lock().faults.add(error);
        self
    }

    /// Every brief it was given, in order.
    pub fn briefs(&self) -> Vec<Brief> {
        self.0.lock().briefs.clone()
    }
}

impl Default for ScriptedDrafter {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Drafter for ScriptedDrafter {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn draft(&self, brief: &Brief) -> Result<Letter> {
        let mut memory = self.0.lock();
        memory.briefs.push(brief.clone());
        memory.faults.next()?;
        Ok(memory.letter.clone().unwrap_or_else(|| a_plain_letter(&brief.company)))
    }
}
