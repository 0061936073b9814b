//! Names are met by the keys of their pieces since `company_keys` are kept; the first four letters say nothing more.

crate::step!(
    &["DROP INDEX companies_block", "ALTER TABLE companies DROP COLUMN name_block"],
    &["ALTER TABLE companies ADD COLUMN name_block text NOT NULL DEFAULT ''", "CREATE INDEX companies_block ON companies (name_block)"]
);
