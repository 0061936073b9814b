//! What searches cost, what quota they used, what holds them up; result pages behind the first.

crate::step!(
    &[
        "ALTER TABLE serp_queries ADD COLUMN page integer NOT NULL DEFAULT 0",
        "ALTER TABLE serp_queries ADD COLUMN forecast bigint NOT NULL DEFAULT 0",
        "ALTER TABLE serp_operations ADD COLUMN ingested_at bigint",
        "CREATE TABLE search_charges (
            id uuid PRIMARY KEY, query_id uuid NOT NULL REFERENCES serp_queries (id), batch_tag text NOT NULL, at bigint NOT NULL,
            mode text NOT NULL, is_cheap boolean NOT NULL, cost bigint NOT NULL, is_unknown boolean NOT NULL DEFAULT false, created_at bigint NOT NULL)",
        "CREATE INDEX search_charges_at ON search_charges (at)",
        "CREATE INDEX search_charges_query ON search_charges (query_id)",
        "CREATE TABLE search_quota (
            kind text NOT NULL, span bigint NOT NULL, bucket bigint NOT NULL, calls bigint NOT NULL, PRIMARY KEY (kind, span, bucket))",
        "CREATE TABLE search_holds (kind text PRIMARY KEY, until bigint NOT NULL, reason text NOT NULL, updated_at bigint NOT NULL)",
        "CREATE INDEX raw_pages_age ON raw_pages (created_at)",
        "CREATE INDEX serp_operations_page ON serp_operations (page_hash)",
    ],
    &[
        "DROP INDEX serp_operations_page",
        "DROP INDEX raw_pages_age",
        "DROP TABLE search_holds",
        "DROP TABLE search_quota",
        "DROP TABLE search_charges",
        "ALTER TABLE serp_operations DROP COLUMN ingested_at",
        "ALTER TABLE serp_queries DROP COLUMN forecast",
        "ALTER TABLE serp_queries DROP COLUMN page",
    ]
);
