//! What hosts of sites asked of us and when they are free to be asked, so that every process keeps to it.

crate::step!(
    &[
        "CREATE TABLE site_hosts (
            host text PRIMARY KEY, rest_until bigint, refusals integer NOT NULL, free_at bigint, noted_at bigint NOT NULL)",
        "CREATE TABLE site_robots (
            host text NOT NULL, scheme text NOT NULL, body {BLOB}, believed_until bigint, loss_code text, loss_since bigint,
            loss_until bigint, loss_tries integer NOT NULL DEFAULT 0, noted_at bigint NOT NULL, PRIMARY KEY (host, scheme))",
        "CREATE INDEX site_hosts_age ON site_hosts (noted_at)",
        "CREATE INDEX site_robots_age ON site_robots (noted_at)",
    ],
    &["DROP TABLE site_robots", "DROP TABLE site_hosts"]
);
