//! Rows ↔ domain values.

use sea_orm::{QueryResult, TryGetable};
use uuid::Uuid;

use crate::domain::company::Company;
use crate::domain::flow::{CompanyState, Delivery, MessageState, OperationState, QueryState};
use crate::domain::id::Id;
use crate::domain::letter::Letter;
use crate::domain::message::Message;
use crate::domain::name::{DomainName, EmailAddress, RegistrableDomain};
use crate::domain::query::SearchQuery;
use crate::domain::serp::Operation;
use crate::domain::time::Timestamp;
use crate::domain::verification::{Deliverability, Verification};
use crate::error::Result;
use crate::ports::work::Ticket;

use super::connection::failed;

/// A column's value.
pub(super) fn get<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T> {
    row.try_get("", column).map_err(|e| failed("read a column", e))
}

/// A column of milliseconds.
pub(super) fn at(row: &QueryResult, column: &str) -> Result<Timestamp> {
    Ok(Timestamp::from_millis(get(row, column)?))
}

/// An optional column of milliseconds.
pub(super) fn maybe_at(row: &QueryResult, column: &str) -> Result<Option<Timestamp>> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_millis))
}

/// An id column.
pub(super) fn id<T>(row: &QueryResult, column: &str) -> Result<Id<T>> {
    Ok(Id::from_uuid(get::<Uuid>(row, column)?))
}

/// A count.
pub(super) fn count(row: &QueryResult, column: &str) -> Result<u64> {
    Ok(get::<Option<i64>>(row, column)?.unwrap_or(0).max(0) as u64)
}

/// The ticket of a row that was just leased.
pub(super) fn ticket(row: &QueryResult, token: Uuid) -> Result<Ticket> {
    Ok(Ticket { row: get(row, "id")?, token, tries: get::<i32>(row, "tries")?.max(0) as u32 })
}

/// Mailbox names kept in one column.
pub(super) fn names(text: &str) -> Vec<String> {
    text.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

pub(super) fn search_query(row: &QueryResult) -> Result<SearchQuery> {
    Ok(SearchQuery {
        id: id(row, "id")?,
        niche_id: get::<Option<Uuid>>(row, "niche_id")?.map(Id::from_uuid),
        text: get(row, "query_text")?,
        hash: get(row, "query_hash")?,
        region: get::<i32>(row, "region_code")?.max(0) as u32,
        trigger: get(row, "trigger_phrase")?,
        niche: get(row, "niche")?,
        city: get(row, "city")?,
        batch_tag: get(row, "batch_tag")?,
        state: QueryState::parse(&get::<String>(row, "status")?)?,
        scheduled_for: at(row, "scheduled_for")?,
        retry_count: get::<i32>(row, "retry_count")?.max(0) as u32,
        page: get::<i32>(row, "page")?.max(0) as u32,
    })
}

pub(super) fn operation(row: &QueryResult) -> Result<Operation> {
    Ok(Operation {
        id: id(row, "id")?,
        query_id: id(row, "query_id")?,
        handle: get(row, "operation_id")?,
        state: OperationState::parse(&get::<String>(row, "status")?)?,
        requested_at: at(row, "requested_at")?,
        polls: get::<i32>(row, "polls")?.max(0) as u32,
    })
}

pub(super) fn company(row: &QueryResult) -> Result<Company> {
    let domain = |column: &str| -> Result<Option<DomainName>> {
        get::<Option<String>>(row, column)?.map(|text| DomainName::parse(&text)).transpose()
    };
    Ok(Company {
        id: id(row, "id")?,
        name: get(row, "name")?,
        canonical_domain: domain("canonical_domain")?,
        registrable_domain: domain("registrable_domain")?.as_ref().and_then(RegistrableDomain::of),
        website_url: get(row, "website_url")?,
        moved_to: domain("moved_to")?,
        industry: get(row, "industry")?,
        region: get(row, "region")?,
        batch_tag: get(row, "batch_tag")?,
        state: CompanyState::parse(&get::<String>(row, "status")?)?,
        state_reason: get(row, "status_reason")?,
        dedupe_hash: get(row, "dedupe_hash")?,
        last_snippet: get(row, "last_snippet")?,
        first_seen_at: at(row, "first_seen_at")?,
    })
}

/// What is known of a contact's address.
pub(super) fn verification(row: &QueryResult) -> Result<Verification> {
    Ok(Verification {
        state: Deliverability::parse(&get::<String>(row, "verification")?)?,
        reason: get(row, "verification_reason")?,
        checked_at: maybe_at(row, "verified_at")?,
    })
}

/// A message joined with its company's name as `company_name`.
pub(super) fn message(row: &QueryResult) -> Result<Message> {
    Ok(Message {
        id: id(row, "id")?,
        company_id: id(row, "company_id")?,
        company_name: get(row, "company_name")?,
        contact_id: id(row, "contact_id")?,
        campaign: get(row, "campaign")?,
        step: get::<i32>(row, "step")?.max(0) as u32,
        to: EmailAddress::parse(&get::<String>(row, "to_email")?)?,
        letter: Letter { subject: get(row, "subject")?, body: get(row, "body")? },
        state: MessageState::parse(&get::<String>(row, "status")?)?,
        delivery: get::<Option<String>>(row, "delivery_status")?.map(|word| Delivery::parse(&word)).transpose()?,
        approval_hash: get(row, "approval_hash")?,
        tried_mailboxes: names(&get::<String>(row, "tried_mailboxes")?),
        route_error: get(row, "route_error")?,
        scheduled_for: maybe_at(row, "scheduled_for")?,
        sent_at: maybe_at(row, "sent_at")?,
        mailbox: get(row, "mailbox")?,
        message_id: get(row, "message_id")?,
        attempts: get::<i32>(row, "attempts")?.max(0) as u32,
        last_error: get(row, "last_error")?,
    })
}
