//! What is looked for every few seconds is found without reading all that was ever done: rows that are tried again later, pages
//! nobody has read yet (the planner took the lane's index for them, and every answered search is in that), a month's charges.

crate::step!(
    &[
        "CREATE INDEX niches_again ON niches (status, next_try_at) WHERE next_try_at IS NOT NULL",
        "CREATE INDEX serp_queries_again ON serp_queries (status, next_try_at) WHERE next_try_at IS NOT NULL",
        "CREATE INDEX serp_results_again ON serp_results (dedup_status, next_try_at) WHERE next_try_at IS NOT NULL",
        "CREATE INDEX companies_again ON companies (status, next_try_at) WHERE next_try_at IS NOT NULL",
        "CREATE INDEX outreach_messages_again ON outreach_messages (status, next_try_at) WHERE next_try_at IS NOT NULL",
        "DROP INDEX serp_operations_unread",
        "CREATE INDEX serp_operations_unread ON serp_operations (status, ingested_at, completed_at)
            WHERE status = 'done' AND ingested_at IS NULL",
        "DROP INDEX search_charges_at",
        "CREATE INDEX search_charges_at ON search_charges (at, cost)",
    ],
    &[
        "DROP INDEX search_charges_at",
        "CREATE INDEX search_charges_at ON search_charges (at)",
        "DROP INDEX serp_operations_unread",
        "CREATE INDEX serp_operations_unread ON serp_operations (completed_at) WHERE status = 'done' AND ingested_at IS NULL",
        "DROP INDEX outreach_messages_again",
        "DROP INDEX companies_again",
        "DROP INDEX serp_results_again",
        "DROP INDEX serp_queries_again",
        "DROP INDEX niches_again",
    ]
);
