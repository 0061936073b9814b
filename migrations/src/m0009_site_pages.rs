//! Pages of sites as they came, for replays and for visits that ask only for what is new.

crate::step!(
    &[
        "CREATE TABLE site_bodies (hash text PRIMARY KEY, bytes {BLOB} NOT NULL, created_at bigint NOT NULL)",
        "CREATE INDEX site_bodies_age ON site_bodies (created_at)",
        "CREATE TABLE site_pages (
            company_id uuid NOT NULL REFERENCES companies (id), asked text NOT NULL, place integer NOT NULL, url text NOT NULL,
            status integer NOT NULL, content_type text, truncated boolean NOT NULL, hash text NOT NULL REFERENCES site_bodies (hash),
            etag text, last_modified text, fetched_at bigint NOT NULL, PRIMARY KEY (company_id, asked))",
        "CREATE INDEX site_pages_age ON site_pages (fetched_at)",
        "CREATE INDEX site_pages_hash ON site_pages (hash)",
        "ALTER TABLE companies ADD COLUMN redirected_to text",
    ],
    &["ALTER TABLE companies DROP COLUMN redirected_to", "DROP TABLE site_pages", "DROP TABLE site_bodies"]
);
