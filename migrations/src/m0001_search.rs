//! From a row of the sheet to results.

crate::step!(
    &[
        "CREATE TABLE niches (
            id uuid PRIMARY KEY, niche text NOT NULL, city text NOT NULL, country text NOT NULL, batch_tag text NOT NULL,
            origin text NOT NULL, seq bigint NOT NULL, status text NOT NULL, last_error text, admitted_at bigint NOT NULL,
            {CLAIM}, created_at bigint NOT NULL, updated_at bigint NOT NULL)",
        "CREATE INDEX niches_lane ON niches (status, admitted_at, seq)",
        "CREATE TABLE serp_queries (
            id uuid PRIMARY KEY, niche_id uuid REFERENCES niches (id), query_text text NOT NULL, query_hash text NOT NULL UNIQUE,
            region_code integer NOT NULL, is_night_window boolean NOT NULL DEFAULT true, status text NOT NULL,
            scheduled_for bigint NOT NULL, retry_count integer NOT NULL DEFAULT 0, submit_unknown boolean NOT NULL DEFAULT false,
            last_error text, trigger_phrase text, niche text NOT NULL DEFAULT '', city text NOT NULL DEFAULT '',
            batch_tag text NOT NULL, metadata text NOT NULL DEFAULT '{}', {CLAIM},
            created_at bigint NOT NULL, updated_at bigint NOT NULL)",
        "CREATE INDEX serp_queries_lane ON serp_queries (status, scheduled_for)",
        "CREATE TABLE raw_pages (hash text PRIMARY KEY, bytes {BLOB} NOT NULL, created_at bigint NOT NULL)",
        "CREATE TABLE serp_operations (
            id uuid PRIMARY KEY, query_id uuid NOT NULL REFERENCES serp_queries (id), operation_id text NOT NULL UNIQUE,
            status text NOT NULL, requested_at bigint NOT NULL, completed_at bigint, next_poll_at bigint,
            polls integer NOT NULL DEFAULT 0, retry_count integer NOT NULL DEFAULT 0, page_hash text REFERENCES raw_pages (hash),
            error_payload text, metadata text NOT NULL DEFAULT '{}', {CLAIM},
            created_at bigint NOT NULL, updated_at bigint NOT NULL)",
        "CREATE UNIQUE INDEX serp_operations_one_open ON serp_operations (query_id) WHERE status IN ('created', 'running')",
        "CREATE INDEX serp_operations_lane ON serp_operations (status, next_poll_at)",
        "CREATE INDEX serp_operations_query ON serp_operations (query_id)",
        "CREATE TABLE serp_results (
            id uuid PRIMARY KEY, operation_id uuid NOT NULL REFERENCES serp_operations (id), url text NOT NULL, domain text NOT NULL,
            registrable_domain text, title text NOT NULL, snippet text NOT NULL, position integer NOT NULL, language text,
            dedup_status text NOT NULL, dedup_score double precision, company_id uuid, is_processed boolean NOT NULL DEFAULT false,
            last_error text, metadata text NOT NULL DEFAULT '{}', {CLAIM}, created_at bigint NOT NULL, updated_at bigint NOT NULL,
            UNIQUE (operation_id, url))",
        "CREATE INDEX serp_results_lane ON serp_results (dedup_status, created_at)",
        "CREATE INDEX serp_results_company ON serp_results (company_id)",
        "CREATE TABLE search_batch_logs (
            id uuid PRIMARY KEY, niche_id uuid NOT NULL REFERENCES niches (id), niche text NOT NULL, city text NOT NULL, country text NOT NULL,
            batch_tag text NOT NULL, attempted_queries integer NOT NULL, inserted_queries integer NOT NULL, duplicate_queries integer NOT NULL,
            scheduled_start bigint, scheduled_end bigint, status text NOT NULL, error text, created_at bigint NOT NULL)",
        "CREATE INDEX search_batch_logs_niche ON search_batch_logs (niche_id, created_at)",
        "CREATE TABLE cursors (source text PRIMARY KEY, place text NOT NULL, updated_at bigint NOT NULL)",
    ],
    &[
        "DROP TABLE cursors",
        "DROP TABLE search_batch_logs",
        "DROP TABLE serp_results",
        "DROP TABLE serp_operations",
        "DROP TABLE raw_pages",
        "DROP TABLE serp_queries",
        "DROP TABLE niches",
    ]
);
