//! A refusal: by a person on our side, or by the unsubscribe page.

use crate::domain::suppression::{Suppression, SuppressionScope, SuppressionSource};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::Suppressions;
use crate::rules::compose::unsubscribe;
use crate::rules::mailhosts::is_free_mail;
use crate::rules::normalize;

/// Reads an address, a domain or a phone as an entry of the registry.
pub fn entry(value: &str, reason: &str, source: SuppressionSource, now: Timestamp) -> Result<Suppression> {
    let (scope, value) = if let Some(email) = normalize::email(value) {
        (SuppressionScope::Email, email.as_str().to_owned())
    } else if let Some(phone) = normalize::phone(value, None).filter(|_| !value.contains('.')) {
        (SuppressionScope::Phone, phone.as_str().to_owned())
    } else if let Some(domain) = normalize::domain_of(value) {
        (SuppressionScope::Domain, domain.to_string())
    } else {
        return Err(Error::new(ErrorKind::Rejected, format!("suppress {value:?}"))
            .code("bad_value")
            .detail("an e-mail, a domain or a phone is needed"));
    };
    Ok(Suppression { scope, value, source, reason: reason.to_owned(), registered_at: now })
}

/// Refuses the domain of a mail provider: it would silence everybody who has an address there (OPT-2).
pub fn is_somebodys(entry: &Suppression) -> Result<()> {
    if entry.scope != SuppressionScope::Domain || !is_free_mail(&entry.value) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Rejected, format!("suppress the whole of {}", entry.value))
        .code("free_mail_domain")
        .detail("anybody can have an address there: give the address, or --force if all of them are meant"))
}

/// Carries a token of the unsubscribe page out; whether it was one of ours. Twice is once.
pub async fn one_click<S>(store: &S, keys: &[(String, Vec<u8>)], token: &str, now: Timestamp) -> Result<bool>
where
    S: Suppressions + ?Sized,
{
    let Some(message) = unsubscribe::verify(keys, token) else { return Ok(false) };
    let Some(address) = store.contact_address(message).await? else { return Ok(false) };
    let entry = Suppression {
        scope: SuppressionScope::Email,
        value: address.as_str().to_owned(),
        source: SuppressionSource::OneClick,
        reason: "unsubscribed by the link".into(),
        registered_at: now,
    };
    store.register(&entry, "one_click").await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_mail_provider_is_not_registered_by_the_way() {
        let asked = |value: &str| is_somebodys(&entry(value, "by request", SuppressionSource::Operator, Timestamp::default()).unwrap());
        assert_eq!(asked("mail.ru").unwrap_err().machine_code(), "free_mail_domain");
        for own in ["denta-lux.ru", "info@mail.ru", "+78435551122"] {
            assert!(asked(own).is_ok(), "{own}");
        }
    }
}
