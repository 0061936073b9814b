//! One company once: what is known of each that only one firm has, the keys it is found by, and pairs that may be one.

crate::step!(
    &[
        "ALTER TABLE companies ADD COLUMN facts text NOT NULL DEFAULT ''",
        "CREATE INDEX companies_duplicates ON companies (duplicate_of)",
        "CREATE TABLE company_keys (
            block_key bigint NOT NULL, company_id uuid NOT NULL REFERENCES companies (id), PRIMARY KEY (block_key, company_id))",
        "CREATE INDEX company_keys_company ON company_keys (company_id)",
        "CREATE TABLE company_pairs (
            id uuid PRIMARY KEY, first_id uuid NOT NULL REFERENCES companies (id), second_id uuid NOT NULL REFERENCES companies (id),
            status text NOT NULL, rule text NOT NULL, score double precision NOT NULL, features text NOT NULL, moved text NOT NULL DEFAULT '',
            decided_by text NOT NULL, decided_at bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL)",
        "CREATE INDEX company_pairs_status ON company_pairs (status, score)",
        "CREATE INDEX company_pairs_first ON company_pairs (first_id)",
        "CREATE INDEX company_pairs_second ON company_pairs (second_id)",
        "CREATE INDEX domains_company ON domains (company_id)",
    ],
    &[
        "DROP INDEX domains_company",
        "DROP TABLE company_pairs",
        "DROP TABLE company_keys",
        "DROP INDEX companies_duplicates",
        "ALTER TABLE companies DROP COLUMN facts",
    ]
);
