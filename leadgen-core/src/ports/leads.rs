//! Where niches come from: a sheet, a file.

use async_trait::async_trait;

use crate::domain::lead::{Batch, Cursor, LeadRow, RowStatus};
use crate::error::Result;
use crate::ports::Port;

/// A list of niches that a person keeps.
///
/// **Promises.** `pull` is repeatable: until a row is acknowledged it may be offered again. `acknowledge` tells whoever
/// wrote the row what became of it and touches nothing else.
///
/// **Expects.** A row is acknowledged only after its outcome is stored.
///
/// **Errors.** `Malformed` with code `sheet_columns_missing` names missing columns before any row is given;
/// `Unavailable`/`Limited` if the source can't be reached.
///
/// **Example.**
/// ```
/// use leadgen_core::domain::lead::{Batch, Cursor, LeadRow, RowStatus};
/// use leadgen_core::error::Result;
/// use leadgen_core::ports::leads::LeadSource;
///
/// #[derive(Debug)]
/// struct Fixed(Vec<LeadRow>);
///
/// #[async_trait::async_trait]
/// impl LeadSource for Fixed {
///     async fn pull(&self, _after: Option<&Cursor>) -> Result<Batch<LeadRow>> {
///         Ok(Batch { items: self.0.clone(), next: None })
///     }
///     async fn acknowledge(&self, _rows: &[RowStatus]) -> Result<()> {
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait LeadSource: Port {
    /// The rows that wait, after the cursor.
    async fn pull(&self, after: Option<&Cursor>) -> Result<Batch<LeadRow>>;
    /// Tells what became of rows.
    async fn acknowledge(&self, rows: &[RowStatus]) -> Result<()>;
}
