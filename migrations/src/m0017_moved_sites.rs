//! Where the site of a company lives since it moved from the host it was found at; results at that host are of the company.

crate::step!(&["ALTER TABLE companies ADD COLUMN moved_to text"], &["ALTER TABLE companies DROP COLUMN moved_to"]);
