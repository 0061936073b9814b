//! When a host of a site is free to be asked, for all processes.

crate::step!(&["ALTER TABLE site_hosts ADD COLUMN free_at bigint"], &["ALTER TABLE site_hosts DROP COLUMN free_at"]);
