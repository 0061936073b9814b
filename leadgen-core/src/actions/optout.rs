//! A refusal: by a person on our side, or by the unsubscribe page.

use crate::domain::suppression::{Suppression, SuppressionScope, SuppressionSource};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::Suppressions;
use crate::rules::compose::unsubscribe;
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
