//! Letters, mailboxes, what comes back, who must not be written to, who did what.

crate::step!(
    &[
        "CREATE TABLE outreach_messages (
            id uuid PRIMARY KEY, company_id uuid NOT NULL REFERENCES companies (id), contact_id uuid NOT NULL REFERENCES contacts (id),
            channel text NOT NULL DEFAULT 'email', campaign text NOT NULL, step integer NOT NULL DEFAULT 1, to_email text NOT NULL,
            subject text NOT NULL, body text NOT NULL, drafter text NOT NULL, approval_hash text NOT NULL, approved_at bigint, approved_by text,
            status text NOT NULL, delivery_status text, scheduled_for bigint, sent_at bigint, data_started_at bigint,
            mailbox text, alternatives text NOT NULL DEFAULT '', tried_mailboxes text NOT NULL DEFAULT '', route_error text,
            message_id text UNIQUE, frozen {BLOB}, from_email text, mx_class text, mx_records text NOT NULL DEFAULT '', fallback boolean NOT NULL DEFAULT false,
            attempts integer NOT NULL DEFAULT 0, receipt text, last_error text, metadata text NOT NULL DEFAULT '{}', {CLAIM},
            created_at bigint NOT NULL, updated_at bigint NOT NULL, UNIQUE (contact_id, campaign, step))",
        "CREATE INDEX outreach_messages_lane ON outreach_messages (status, scheduled_for)",
        "CREATE INDEX outreach_messages_to ON outreach_messages (to_email)",
        "CREATE INDEX outreach_messages_company ON outreach_messages (company_id)",
        "CREATE TABLE mailboxes (name text PRIMARY KEY, is_paused boolean NOT NULL DEFAULT false, paused_until bigint, pause_reason text, updated_at bigint NOT NULL)",
        "CREATE TABLE mailbox_marks (
            id uuid PRIMARY KEY, mailbox text NOT NULL, message_id uuid NOT NULL REFERENCES outreach_messages (id), marked_at bigint NOT NULL)",
        "CREATE INDEX mailbox_marks_recent ON mailbox_marks (mailbox, marked_at)",
        "CREATE TABLE opt_out_registry (
            id uuid PRIMARY KEY, contact_value text NOT NULL, contact_type text NOT NULL, company_id uuid, source text NOT NULL,
            reason text NOT NULL, registered_at bigint NOT NULL, created_at bigint NOT NULL, UNIQUE (contact_type, contact_value))",
        "CREATE TABLE signals (
            id uuid PRIMARY KEY, mailbox text NOT NULL, place text NOT NULL, kind text NOT NULL, intent text NOT NULL, about text,
            message_id uuid REFERENCES outreach_messages (id), text text NOT NULL, read_at bigint NOT NULL, created_at bigint NOT NULL,
            UNIQUE (mailbox, place))",
        "CREATE INDEX signals_message ON signals (message_id)",
        "CREATE TABLE audit (
            id uuid PRIMARY KEY, at bigint NOT NULL, actor text NOT NULL, action text NOT NULL, subject text NOT NULL, subject_id text NOT NULL,
            detail text NOT NULL, created_at bigint NOT NULL)",
        "CREATE INDEX audit_subject ON audit (subject, subject_id)",
        "CREATE INDEX audit_at ON audit (at)",
    ],
    &[
        "DROP TABLE audit",
        "DROP TABLE signals",
        "DROP TABLE opt_out_registry",
        "DROP TABLE mailbox_marks",
        "DROP TABLE mailboxes",
        "DROP TABLE outreach_messages",
    ]
);
