//! Pages of sites that a browser rendered are told from pages as they came.

crate::step!(
    &["ALTER TABLE site_pages ADD COLUMN rendered boolean NOT NULL DEFAULT FALSE"],
    &["ALTER TABLE site_pages DROP COLUMN rendered"]
);
