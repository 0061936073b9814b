//! Companies, their hosts and their contacts.

crate::step!(
    &[
        "CREATE TABLE companies (
            id uuid PRIMARY KEY, name text NOT NULL, normalized_name text NOT NULL, name_block text NOT NULL,
            canonical_domain text, registrable_domain text, website_url text, industry text NOT NULL, region text NOT NULL,
            batch_tag text NOT NULL, status text NOT NULL, status_reason text, dedupe_hash text NOT NULL,
            duplicate_of uuid REFERENCES companies (id), source text NOT NULL, source_result_id uuid,
            opt_out boolean NOT NULL DEFAULT false, last_error text, last_snippet text NOT NULL DEFAULT '',
            homepage_excerpt text NOT NULL DEFAULT '', inn text, ogrn text, kpp text, attributes text NOT NULL DEFAULT '{}',
            contacts_attempts integer NOT NULL DEFAULT 0, contacts_last_attempt_at bigint, {CLAIM},
            first_seen_at bigint NOT NULL, last_seen_at bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL)",
        "CREATE UNIQUE INDEX companies_dedupe_hash ON companies (dedupe_hash) WHERE status <> 'duplicate'",
        "CREATE UNIQUE INDEX companies_canonical_domain ON companies (canonical_domain) WHERE status <> 'duplicate'",
        "CREATE INDEX companies_registrable ON companies (registrable_domain)",
        "CREATE INDEX companies_block ON companies (name_block)",
        "CREATE INDEX companies_lane ON companies (status, first_seen_at)",
        "CREATE TABLE domains (
            host text PRIMARY KEY, company_id uuid NOT NULL REFERENCES companies (id), is_canonical boolean NOT NULL, created_at bigint NOT NULL)",
        "CREATE TABLE contacts (
            id uuid PRIMARY KEY, company_id uuid NOT NULL REFERENCES companies (id), contact_type text NOT NULL, value text NOT NULL,
            kind text NOT NULL, origin text NOT NULL, source_url text NOT NULL, snippet text NOT NULL, is_primary boolean NOT NULL DEFAULT false,
            quality_score double precision NOT NULL, metadata text NOT NULL DEFAULT '{}', first_seen_at bigint NOT NULL,
            last_seen_at bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL, UNIQUE (contact_type, value))",
        "CREATE INDEX contacts_company ON contacts (company_id)",
        "CREATE UNIQUE INDEX contacts_one_primary ON contacts (company_id) WHERE is_primary AND contact_type = 'email'",
    ],
    &["DROP TABLE contacts", "DROP TABLE domains", "DROP TABLE companies"]
);
