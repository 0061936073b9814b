//! Every lane has its place in the view of all work, letters that wait to be written too.

const JOBS: &str = "CREATE VIEW processing_jobs AS
    SELECT 'plan' AS stage, id AS item, status, tries AS attempts, next_try_at, admitted_at AS due_at, claimed_by, claimed_until, last_error
        FROM niches WHERE status = 'admitted'
    UNION ALL SELECT 'submit', id, status, tries, next_try_at, scheduled_for, claimed_by, claimed_until, last_error
        FROM serp_queries WHERE status = 'pending'
    UNION ALL SELECT 'poll', id, status, tries, next_try_at, next_poll_at, claimed_by, claimed_until, error_payload
        FROM serp_operations WHERE status IN ('created', 'running')
    UNION ALL SELECT 'ingest', o.id, o.status, o.tries, o.next_try_at, o.completed_at, o.claimed_by, o.claimed_until, o.error_payload
        FROM serp_operations o JOIN serp_queries q ON q.id = o.query_id
        WHERE o.status = 'done' AND o.ingested_at IS NULL AND q.status = 'in_progress'
    UNION ALL SELECT 'dedupe', id, dedup_status, tries, next_try_at, created_at, claimed_by, claimed_until, last_error
        FROM serp_results WHERE dedup_status = 'new'
    UNION ALL SELECT 'enrich', id, status, tries, next_try_at, first_seen_at, claimed_by, claimed_until, last_error
        FROM companies WHERE status = 'new' AND canonical_domain IS NOT NULL AND NOT opt_out
    UNION ALL SELECT 'draft', c.id, c.status, c.tries, c.next_try_at, c.updated_at, c.claimed_by, c.claimed_until, c.last_error
        FROM companies c WHERE c.status = 'ready_to_contact' AND NOT c.opt_out AND NOT EXISTS
        (SELECT 1 FROM outreach_messages m WHERE m.company_id = c.id AND m.campaign = c.batch_tag AND m.status <> 'cancelled')
    UNION ALL SELECT 'route', id, status, tries, next_try_at, approved_at, claimed_by, claimed_until, last_error
        FROM outreach_messages WHERE status = 'approved'
    UNION ALL SELECT 'send', id, status, tries, next_try_at, scheduled_for, claimed_by, claimed_until, last_error
        FROM outreach_messages WHERE status IN ('queued', 'sending')";

crate::step!(
    &[
        "DROP VIEW processing_jobs",
        JOBS,
    ],
    &[
        "DROP VIEW processing_jobs",
        // The view as the step before made it.
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
    ]
);
