//! A query keeps its batch when a person asks it by hand: which search by hand has it stands beside it.

crate::step!(&["ALTER TABLE serp_queries ADD COLUMN by_hand text"], &["ALTER TABLE serp_queries DROP COLUMN by_hand"]);
