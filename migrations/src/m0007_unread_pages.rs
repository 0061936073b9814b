//! Pages that nobody has read yet are found without looking at all that were.

crate::step!(
    &["CREATE INDEX serp_operations_unread ON serp_operations (completed_at) WHERE status = 'done' AND ingested_at IS NULL"],
    &["DROP INDEX serp_operations_unread"]
);
