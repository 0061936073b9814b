//! When an operation last moved, as far as anybody here saw it.

crate::step!(
    &[
        "ALTER TABLE serp_operations ADD COLUMN modified_at bigint",
        "UPDATE serp_operations SET modified_at = COALESCE(completed_at, requested_at)",
    ],
    &["ALTER TABLE serp_operations DROP COLUMN modified_at"]
);
