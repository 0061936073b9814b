//! Views for people and the API: equal numbers on both databases.

crate::step!(
    &[
        "CREATE VIEW daily_summaries AS
            SELECT scheduled_for / 86400000 AS utc_day, count(*) AS total_queries,
                sum(CASE WHEN status = 'pending' THEN 1 ELSE 0 END) AS pending_queries,
                sum(CASE WHEN status = 'in_progress' THEN 1 ELSE 0 END) AS in_progress_queries,
                sum(CASE WHEN status = 'completed' THEN 1 ELSE 0 END) AS completed_queries,
                sum(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_queries
            FROM serp_queries GROUP BY scheduled_for / 86400000 ORDER BY utc_day DESC",
        "CREATE VIEW top_domains AS
            SELECT c.canonical_domain, count(r.id) AS serp_hits, c.first_seen_at, c.last_seen_at
            FROM companies c LEFT JOIN serp_results r ON r.company_id = c.id
            WHERE c.status <> 'duplicate' AND c.canonical_domain IS NOT NULL
            GROUP BY c.id, c.canonical_domain, c.first_seen_at, c.last_seen_at ORDER BY serp_hits DESC, c.canonical_domain",
        "CREATE VIEW company_status_view AS
            SELECT c.id, c.name, c.canonical_domain, c.status, c.opt_out, c.first_seen_at, c.last_seen_at,
                (SELECT count(*) FROM contacts k WHERE k.company_id = c.id) AS contacts_count,
                (SELECT count(*) FROM outreach_messages m WHERE m.company_id = c.id AND m.status = 'sent') AS emails_sent,
                (SELECT count(*) FROM outreach_messages m WHERE m.company_id = c.id AND m.status = 'failed') AS emails_failed
            FROM companies c",
        "CREATE VIEW search_ops AS
            SELECT q.query_hash, o.operation_id, o.requested_at AS submitted_at, o.status
            FROM serp_operations o JOIN serp_queries q ON q.id = o.query_id",
        "CREATE VIEW processing_jobs AS
            SELECT 'plan' AS stage, id AS item, status, tries, next_try_at, admitted_at AS due_at, claimed_by, claimed_until, last_error FROM niches WHERE status = 'admitted'
            UNION ALL SELECT 'submit', id, status, tries, next_try_at, scheduled_for, claimed_by, claimed_until, last_error FROM serp_queries WHERE status = 'pending'
            UNION ALL SELECT 'poll', id, status, tries, next_try_at, next_poll_at, claimed_by, claimed_until, error_payload FROM serp_operations WHERE status IN ('created', 'running')
            UNION ALL SELECT 'ingest', o.id, o.status, o.tries, o.next_try_at, o.completed_at, o.claimed_by, o.claimed_until, o.error_payload
                FROM serp_operations o JOIN serp_queries q ON q.id = o.query_id WHERE o.status = 'done' AND q.status = 'in_progress'
            UNION ALL SELECT 'dedupe', id, dedup_status, tries, next_try_at, created_at, claimed_by, claimed_until, last_error FROM serp_results WHERE dedup_status = 'new'
            UNION ALL SELECT 'enrich', id, status, tries, next_try_at, first_seen_at, claimed_by, claimed_until, last_error FROM companies WHERE status = 'new' AND canonical_domain IS NOT NULL
            UNION ALL SELECT 'route', id, status, tries, next_try_at, approved_at, claimed_by, claimed_until, last_error FROM outreach_messages WHERE status = 'approved'
            UNION ALL SELECT 'send', id, status, tries, next_try_at, scheduled_for, claimed_by, claimed_until, last_error FROM outreach_messages WHERE status IN ('queued', 'sending')",
    ],
    &[
        "DROP VIEW processing_jobs",
        "DROP VIEW search_ops",
        "DROP VIEW company_status_view",
        "DROP VIEW top_domains",
        "DROP VIEW daily_summaries",
    ]
);
