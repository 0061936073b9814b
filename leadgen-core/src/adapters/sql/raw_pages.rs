//! Raw answers: kept once by their content's hash, packed, and gone after their retention.

use std::io::{Read, Write};

use sea_orm::DatabaseTransaction;

use crate::domain::id::Id;
use crate::domain::serp::{Operation, RawPage};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::work::Call;

use super::connection::{SqlStore, query_one, run};
use super::row::get;

/// The largest page a store unpacks.
const MOST_PAGE: u64 = 64 * 1024 * 1024;

impl SqlStore {
    /// Raw answers past their retention go; one that nobody has read yet stays.
    pub(super) async fn forget_old_pages(&self, tx: &DatabaseTransaction, call: &Call) -> Result<()> {
        let oldest = (call.now - call.policy.search.keep_pages).millis();
        if call.policy.search.keep_pages.is_zero()
            || query_one(tx, "SELECT 1 FROM raw_pages WHERE created_at < $1 LIMIT 1", vec![oldest.into()]).await?.is_none()
        {
            return Ok(());
        }
        let sql = "UPDATE serp_operations SET page_hash = NULL WHERE (ingested_at IS NOT NULL OR status IN ('failed', 'expired'))
            AND page_hash IN (SELECT hash FROM raw_pages WHERE created_at < $1)";
        run(tx, sql, vec![oldest.into()]).await?;
        let sql = "DELETE FROM raw_pages WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM serp_operations o WHERE o.page_hash = raw_pages.hash)";
        run(tx, sql, vec![oldest.into()]).await?;
        Ok(())
    }

    pub(super) async fn forget_page(&self, tx: &DatabaseTransaction, operation: Id<Operation>) -> Result<()> {
        let row = query_one(tx, "SELECT page_hash FROM serp_operations WHERE id = $1", vec![operation.uuid().into()]).await?;
        let Some(hash) = row.map(|row| get::<Option<String>>(&row, "page_hash")).transpose()?.flatten() else { return Ok(()) };
        run(tx, "UPDATE serp_operations SET page_hash = NULL WHERE id = $1", vec![operation.uuid().into()]).await?;
        let sql =
            "DELETE FROM raw_pages WHERE hash = $1 AND NOT EXISTS (SELECT 1 FROM serp_operations o WHERE o.page_hash = raw_pages.hash)";
        run(tx, sql, vec![hash.into()]).await?;
        Ok(())
    }
}

/// Keeps a page by its hash; the same bytes are kept once.
pub(super) async fn keep_page(tx: &DatabaseTransaction, page: &RawPage, now: Timestamp) -> Result<String> {
    let hash = page.hash();
    let values = vec![hash.clone().into(), pack(&page.bytes)?.into(), now.millis().into()];
    run(
        tx,
        "INSERT INTO raw_pages (hash, bytes, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (hash) DO UPDATE SET created_at = excluded.created_at",
        values,
    )
    .await?;
    Ok(hash)
}

pub(super) fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let packed = packer.write_all(bytes).and_then(|()| packer.finish());
    packed.map_err(|e| Error::new(ErrorKind::Malformed, "pack a page").because(e))
}

pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = flate2::read::GzDecoder::new(packed).take(MOST_PAGE).read_to_end(&mut bytes);
    read.map_err(|e| Error::new(ErrorKind::Malformed, "unpack a page").because(e))?;
    Ok(bytes)
}
