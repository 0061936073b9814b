//! Addresses that the sites of many firms show: an agency's or a template's, and nobody's of them.

use sea_orm::{DatabaseTransaction, QueryResult};

use crate::domain::company::Company;
use crate::domain::contact::{Contact, ContactType};
use crate::domain::flow::{CompanyEvent, CompanyState};
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::rules::rank::{self, SHARED};

use super::connection::{SqlStore, query, query_one, run};
use super::row::{get, id};

impl SqlStore {
    /// Notes that a company's site shows an address that another company has. Once too many do, whoever has it is written to at
    /// another address, or not at all.
    pub(super) async fn note_shared(&self, tx: &DatabaseTransaction, now: Timestamp, company: Id<Company>, value: &str) -> Result<()> {
        let contact = Contact::id_of(ContactType::Email, value);
        let sql = "INSERT INTO shared_contacts (contact_id, company_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let values = vec![contact.uuid().into(), company.uuid().into(), now.millis().into()];
        if run(tx, sql, values).await? == 0 || !self.is_shared(tx, contact.uuid()).await? {
            return Ok(());
        }
        let sql = "SELECT c.id, c.status, k.is_primary FROM contacts k JOIN companies c ON c.id = k.company_id WHERE k.id = $1";
        let Some(owner) = query_one(tx, sql, vec![contact.uuid().into()]).await? else { return Ok(()) };
        if !get::<bool>(&owner, "is_primary")? {
            return Ok(());
        }
        let company: Id<Company> = id(&owner, "id")?;
        if self.choose_primary(tx, company, &[]).await? {
            return Ok(());
        }
        let Ok(next) = CompanyState::parse(&get::<String>(&owner, "status")?)?.after(CompanyEvent::AddressLost) else { return Ok(()) };
        let sql = "UPDATE companies SET status = $2, status_reason = $3, updated_at = $4 WHERE id = $1";
        let values = vec![company.uuid().into(), next.as_str().into(), SHARED.into(), now.millis().into()];
        run(tx, sql, values).await.map(|_| ())
    }

    /// Whether an address is shown by so many other firms that it is none's of them.
    pub(super) async fn is_shared(&self, tx: &DatabaseTransaction, contact: uuid::Uuid) -> Result<bool> {
        let sql = "SELECT DISTINCT COALESCE(c.duplicate_of, c.id) AS root FROM shared_contacts s
            JOIN companies c ON c.id = s.company_id JOIN contacts k ON k.id = s.contact_id JOIN companies o ON o.id = k.company_id
            WHERE s.contact_id = $1 AND COALESCE(c.duplicate_of, c.id) <> COALESCE(o.duplicate_of, o.id)";
        let others = query(tx, sql, vec![contact.into()]).await?;
        Ok(rank::is_shared(others.len()))
    }

    /// The same of a row of a contact with its origin. What the operator's own list names is the firm's, whoever shows it.
    pub(super) async fn is_anybodys(&self, tx: &DatabaseTransaction, row: &QueryResult) -> Result<bool> {
        Ok(get::<String>(row, "origin")? != "import" && self.is_shared(tx, get(row, "id")?).await?)
    }
}
