//! An own list of companies comes in.

use crate::domain::lead::CompanyRow;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{Admit, Admitted, ImportedCompany};
use crate::rules::mailhosts::is_free_mail;
use crate::rules::{normalize, twins};

/// Rows that come in together.
const AT_ONCE: usize = 1000;

/// A row in its normal form; none if nothing tells whose it is. An address at the firm's own domain names its site.
pub fn normalized(row: &CompanyRow) -> Option<ImportedCompany> {
    let email = normalize::email(&row.email);
    let own_host = email.as_ref().map(|email| email.domain().as_str()).filter(|host| !is_free_mail(host)).unwrap_or("");
    let source = if row.domain.trim().is_empty() { own_host } else { &row.domain };
    Some(ImportedCompany {
        newborn: twins::newborn(&row.name, source)?,
        industry: clean(&row.niche),
        region: clean(&row.city),
        batch_tag: Some(clean(&row.batch_tag)).filter(|tag| !tag.is_empty()).unwrap_or_else(|| "default".into()),
        email,
        phone: normalize::phone(&row.phone, None),
        origin: clean(&row.origin),
    })
}

/// Lets rows in, some at a time so that nobody waits long for their turn and an import that breaks off keeps what it has: the
/// same list once more adds only the rest. The second number counts rows that named nobody.
pub async fn companies<S>(store: &S, rows: &[CompanyRow], now: Timestamp) -> Result<(Admitted, usize)>
where
    S: Admit<ImportedCompany> + ?Sized,
{
    let (mut admitted, mut nameless) = (Admitted::default(), 0);
    for rows in rows.chunks(AT_ONCE) {
        let items: Vec<ImportedCompany> = rows.iter().filter_map(normalized).collect();
        let part = store.admit("import", &items, None, now).await?;
        admitted.new += part.new;
        admitted.known += part.known;
        nameless += rows.len() - items.len();
    }
    Ok((admitted, nameless))
}

/// Text that can be kept: a table may hold anything.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}
