//! Draft: a letter is written, checked, and given its footer.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::id::Id;
use crate::domain::letter::{Brief, Drafted, Letter, Prospect};
use crate::domain::message::Message;
use crate::domain::verification::Verification;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::desk::Worker;
use crate::pipeline::policy::Correspondence;
use crate::ports::clock::Clock;
use crate::ports::drafter::Drafter;
use crate::ports::verifier::Verifier;
use crate::ports::work::DraftLetter;
use crate::rules::{gate, verify};

/// Page text shown to a drafter, in characters.
const EXCERPT: usize = 6000;

/// Writes letters.
#[derive(Debug)]
pub struct Draft {
    /// Who writes the first version.
    pub drafter: Arc<dyn Drafter>,
    /// What every letter carries.
    pub correspondence: Arc<Correspondence>,
    /// Looks at addresses nobody looked at yet; none: they are written to as they are.
    pub verifier: Option<Arc<dyn Verifier>>,
    /// When an address was looked at.
    pub clock: Arc<dyn Clock>,
}

impl Draft {
    /// What is known of the recipient's address, looked at anew where that may change it. No letter is written to one that
    /// takes no mail.
    async fn verified(&self, prospect: &Prospect) -> Result<Option<Verification>> {
        let Some(verifier) = self.verifier.as_ref().filter(|_| verify::wants_look(&prospect.verification, self.clock.now())) else {
            return Ok(None);
        };
        let found = verifier.verify(&prospect.to, &prospect.verification).await;
        if found.is_bad() {
            return Err(Error::new(ErrorKind::Rejected, format!("write to {}", prospect.to.masked()))
                .code(found.reason)
                .detail(format!("no mail arrives at {}", prospect.to.domain())));
        }
        Ok(Some(found))
    }
}

#[async_trait]
impl Worker<DraftLetter> for Draft {
    async fn work(&self, prospect: &Prospect) -> Result<Drafted> {
        let verification = self.verified(prospect).await?;
        let company = &prospect.company;
        let brief = Brief {
            company: company.name.clone(),
            domain: company.canonical_domain.as_ref().map(ToString::to_string),
            city: company.region.clone(),
            niche: company.industry.clone(),
            excerpt: prospect.excerpt.chars().take(EXCERPT).collect(),
            sender: self.correspondence.sender.clone(),
        };
        let written = self.drafter.draft(&brief).await?;
        let objections = gate::objections(&written.subject, &written.body, gate::Bounds::default());
        if !objections.is_empty() {
            let why: Vec<String> = objections.iter().map(|objection| format!("{}: {}", objection.code, objection.sentence)).collect();
            // Another version may pass: the model is asked again later, a fixed template is not (its text won't change).
            return Err(Error::new(ErrorKind::Unavailable, format!("let the draft for {} pass", company.name))
                .code("draft_refused")
                .detail(why.join("; ")));
        }
        let message = Message::id_of(prospect.contact_id, &prospect.campaign, 1);
        let footer = gate::footer(&self.correspondence.sender, &prospect.source_url, self.correspondence.link(message).as_deref());
        let letter = Letter { subject: written.subject.trim().to_owned(), body: format!("{}\n\n{footer}", written.body.trim_end()) };
        Ok(Drafted {
            approval_hash: gate::approval_hash(&prospect.to, &letter.subject, &letter.body, &self.correspondence.fingerprint()),
            letter,
            drafter: self.drafter.name().to_owned(),
            needs_review: self.correspondence.review_required,
            verification,
        })
    }
}

impl Correspondence {
    /// The signed token of a message, under the newest key.
    pub fn token(&self, message: Id<Message>) -> Option<String> {
        let (key_id, key) = self.token_keys.first()?;
        Some(crate::rules::compose::unsubscribe::token(key_id, key, message))
    }

    /// The unsubscribe page of a message, if there is a public address and a key.
    pub fn link(&self, message: Id<Message>) -> Option<String> {
        Some(format!("{}/{}", self.unsubscribe_url.as_deref()?, self.token(message)?))
    }
}
