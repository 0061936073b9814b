//! Who writes, under what right, and how a reader gets out: what every letter carries.

use crate::domain::letter::SenderProfile;
use crate::domain::time::Zone;
use crate::error::{Error, ErrorKind, Result};

/// The letters' side of the policy.
#[derive(Clone, Debug)]
pub struct Correspondence {
    /// Who writes.
    pub sender: SenderProfile,
    /// Whether a person must approve each letter.
    pub review_required: bool,
    /// The operator's statement of the lawful basis; empty: none given.
    pub legal_basis: String,
    /// The https address of the unsubscribe page, without the token: `https://mail.firma.ru/u`.
    pub unsubscribe_url: Option<String>,
    /// The address that takes refusals by mail; `None`: the letter's own From.
    pub unsubscribe_mailto: Option<String>,
    /// Keys that sign unsubscribe tokens, newest first: key id and secret.
    pub token_keys: Vec<(String, Vec<u8>)>,
    /// The zone of `Date` headers.
    pub zone: Zone,
}

impl Correspondence {
    /// What an approval covers besides the text: a change of sender, basis or way out voids it.
    pub fn fingerprint(&self) -> String {
        format!("{}|{}|{}|{}", self.sender.person, self.sender.firm, self.legal_basis, self.unsubscribe_url.as_deref().unwrap_or(""))
    }

    /// What must stand before anything may leave: an identity, a lawful basis, and a way out that works.
    pub fn ready_to_send(&self, reads_answers: bool) -> Result<()> {
        let mut missing = self.unidentified();
        if self.unsubscribe_url.is_none() && !reads_answers {
            missing.push("a way out that works (UNSUBSCRIBE_URL, or an inbox that is read: …_IMAP_HOST)");
        }
        not_ready(&missing)
    }

    /// What every letter must say before its bytes are frozen: who writes, and by what right.
    pub fn identified(&self) -> Result<()> {
        not_ready(&self.unidentified())
    }

    fn unidentified(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.sender.person.trim().is_empty() || self.sender.firm.trim().is_empty() {
            missing.push("who writes (MAIL_SENDER_PROFILE_FILE with person and firm)");
        }
        if self.legal_basis.trim().is_empty() {
            missing.push("the lawful basis (LEADGEN_LEGAL_BASIS)");
        }
        missing
    }
}

fn not_ready(missing: &[&str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, "make letters ready to leave")
        .code("sending_not_ready")
        .detail(format!("missing: {}", missing.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters() -> Correspondence {
        Correspondence {
            sender: SenderProfile {
                person: "Анна".into(),
                firm: "Студия".into(),
                offer: "Делаем сайты.".into(),
                benefit: "Заявки не теряются.".into(),
            },
            review_required: true,
            legal_basis: "consent, recorded".into(),
            unsubscribe_url: None,
            unsubscribe_mailto: None,
            token_keys: vec![],
            zone: Zone::UTC,
        }
    }

    #[test]
    fn nothing_leaves_without_identity_basis_and_a_way_out() {
        assert!(letters().ready_to_send(true).is_ok());
        assert!(letters().identified().is_ok());
        assert!(Correspondence { legal_basis: String::new(), ..letters() }.identified().is_err());
        assert!(letters().ready_to_send(false).is_err());
        assert!(Correspondence { legal_basis: " ".into(), ..letters() }.ready_to_send(true).is_err());
        let nobody = SenderProfile { person: String::new(), ..letters().sender };
        assert!(Correspondence { sender: nobody, ..letters() }.ready_to_send(true).is_err());
    }
}
