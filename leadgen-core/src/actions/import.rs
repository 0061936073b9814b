//! An own list of companies comes in.

use crate::domain::lead::CompanyRow;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{Admit, Admitted, ImportedCompany};
use crate::rules::mailhosts::is_free_mail;
use crate::rules::{normalize, twins};

/// A row in its normal form; none if nothing tells whose it is. An address at the firm's own domain names its site.
pub fn normalized(row: &CompanyRow) -> Option<ImportedCompany> {
    let email = normalize::email(&row.email);
    let own_host = email.as_ref().map(|email| email.domain().as_str()).filter(|host| !is_free_mail(host)).unwrap_or("");
    let source = if row.domain.trim().is_empty() { own_host } else { &row.domain };
    Some(ImportedCompany {
        newborn: twins::newborn(&row.name, source)?,
        industry: row.niche.clone(),
        region: row.city.clone(),
        batch_tag: if row.batch_tag.is_empty() { "default".into() } else { row.batch_tag.clone() },
        email,
        phone: normalize::phone(&row.phone, None),
        origin: row.origin.clone(),
    })
}

/// Lets rows in; the second number counts those that named nobody.
pub async fn companies<S>(store: &S, rows: &[CompanyRow], now: Timestamp) -> Result<(Admitted, usize)>
where
    S: Admit<ImportedCompany> + ?Sized,
{
    let items: Vec<ImportedCompany> = rows.iter().filter_map(normalized).collect();
    let admitted = store.admit("import", &items, None, now).await?;
    Ok((admitted, rows.len() - items.len()))
}
