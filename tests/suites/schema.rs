//! The schema: there and back on both databases, what it promises to hold, and who may start on it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use leadgen_core::adapters::sql::{Settings, SqlStore};
use leadgen_migrations::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement, Value};
use leadgen_tests::databases::{Empty, each};

/// Tables and columns that are promised by name, besides `id` and `created_at` (DB-1, DB-2 and the list below them).
const PROMISED: &[(&str, &str)] = &[
    ("niches", "niche city country batch_tag status last_error admitted_at claimed_by claimed_until updated_at"),
    (
        "serp_queries",
        "query_text query_hash region_code is_night_window status scheduled_for retry_count last_error claimed_by claimed_until metadata updated_at",
    ),
    (
        "serp_operations",
        "query_id operation_id status requested_at completed_at modified_at next_poll_at retry_count error_payload claimed_by claimed_until metadata updated_at",
    ),
    (
        "serp_results",
        "operation_id url domain registrable_domain title snippet position language dedup_status company_id is_processed metadata updated_at",
    ),
    (
        "companies",
        "name canonical_domain registrable_domain website_url industry region status status_reason dedupe_hash duplicate_of source
         source_result_id opt_out first_seen_at last_seen_at claimed_by claimed_until attributes updated_at",
    ),
    ("contacts", "company_id contact_type value source_url is_primary quality_score first_seen_at last_seen_at metadata updated_at"),
    (
        "outreach_messages",
        "company_id contact_id channel step to_email subject body status scheduled_for sent_at delivery_status message_id mailbox attempts
         last_error claimed_by claimed_until metadata updated_at",
    ),
    ("opt_out_registry", "contact_value contact_type company_id source reason registered_at"),
    (
        "search_batch_logs",
        "niche city country batch_tag attempted_queries inserted_queries duplicate_queries scheduled_start scheduled_end status error",
    ),
    ("domains", "host company_id is_canonical"),
    ("raw_pages", "hash bytes"),
    ("mailboxes", "name is_paused paused_until pause_reason updated_at"),
    ("mailbox_marks", "mailbox message_id marked_at"),
    ("signals", "mailbox place kind message_id"),
    ("audit", "at actor action subject subject_id detail"),
    ("daily_summaries", "total_queries pending_queries in_progress_queries completed_queries failed_queries"),
    ("top_domains", "canonical_domain serp_hits first_seen_at last_seen_at"),
    ("company_status_view", "id name canonical_domain status opt_out first_seen_at last_seen_at contacts_count emails_sent emails_failed"),
    ("search_ops", "query_hash operation_id submitted_at status"),
    ("processing_jobs", "stage item attempts next_try_at claimed_by claimed_until last_error"),
];

/// Unique keys: table and columns; a partial key's condition is proven by the conformance suite.
const UNIQUE: &[(&str, &str)] = &[
    ("serp_queries", "query_hash"),
    ("serp_operations", "operation_id"),
    ("serp_operations", "query_id"),
    ("serp_results", "operation_id url"),
    ("companies", "dedupe_hash"),
    ("companies", "canonical_domain"),
    ("contacts", "contact_type value"),
    ("contacts", "company_id"),
    ("outreach_messages", "message_id"),
    ("outreach_messages", "contact_id campaign step"),
    ("opt_out_registry", "contact_type contact_value"),
];

type Columns = BTreeMap<String, BTreeSet<String>>;

async fn rows(db: &DatabaseConnection, sql: &str, values: Vec<Value>) -> Vec<QueryResult> {
    db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

async fn run(db: &DatabaseConnection, sql: &str, values: Vec<Value>) {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

async fn columns(db: &DatabaseConnection) -> Columns {
    let sql = if db.get_database_backend() == DbBackend::Postgres {
        "SELECT CAST(table_name AS text) AS t, CAST(column_name AS text) AS c FROM information_schema.columns WHERE table_schema = 'public'"
    } else {
        "SELECT m.name AS t, p.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type IN ('table', 'view')"
    };
    let mut all = Columns::new();
    for row in rows(db, sql, vec![]).await {
        all.entry(row.try_get("", "t").unwrap()).or_default().insert(row.try_get("", "c").unwrap());
    }
    all.remove("schema_migrations");
    all
}

#[tokio::test]
async fn the_schema_goes_up_and_down_and_up_again() {
    for database in each().await {
        let db = database.open().await;

        leadgen_migrations::up(&db).await.unwrap();
        let first = columns(&db).await;
        leadgen_migrations::down(&db).await.unwrap();
        let between = columns(&db).await;
        leadgen_migrations::up(&db).await.unwrap();

        assert!(between.is_empty(), "{}: the way back leaves {:?}", database.name, between.keys());
        assert_eq!(columns(&db).await, first, "{}: the second time up ends elsewhere", database.name);
        assert!(leadgen_migrations::pending(&db).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let mut seen: Vec<(&str, Columns)> = vec![];
    for database in each().await {
        let db = database.open().await;
        leadgen_migrations::up(&db).await.unwrap();
        seen.push((database.name, columns(&db).await));
    }

    for pair in seen.windows(2) {
        assert_eq!(pair[0].1, pair[1].1, "{} and {} differ", pair[0].0, pair[1].0);
    }
}

#[tokio::test]
async fn every_table_and_column_that_is_promised_exists() {
    for database in each().await {
        let db = database.open().await;
        leadgen_migrations::up(&db).await.unwrap();
        let found = columns(&db).await;

        for (table, promised) in PROMISED {
            let has = found.get(*table).unwrap_or_else(|| panic!("{}: there is no {table}", database.name));
            let missing: Vec<&str> = promised.split_whitespace().filter(|column| !has.contains(*column)).collect();
            assert!(missing.is_empty(), "{}: {table} has no {missing:?}", database.name);
        }
    }
}

#[tokio::test]
async fn every_unique_key_that_is_promised_exists() {
    for database in each().await {
        let db = database.open().await;
        leadgen_migrations::up(&db).await.unwrap();
        let sql = if db.get_database_backend() == DbBackend::Postgres {
            "SELECT CAST(t.relname AS text) AS t, string_agg(CAST(a.attname AS text), ' ' ORDER BY a.attname) AS c FROM pg_index i
             JOIN pg_class t ON t.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey)
             WHERE i.indisunique GROUP BY t.relname, i.indexrelid"
        } else {
            "SELECT m.name AS t, (SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY name)) AS c
             FROM sqlite_master m JOIN pragma_index_list(m.name) l WHERE m.type = 'table' AND l.\"unique\" = 1"
        };
        let found: BTreeSet<(String, String)> =
            rows(&db, sql, vec![]).await.iter().map(|row| (row.try_get("", "t").unwrap(), row.try_get("", "c").unwrap())).collect();

        for (table, promised) in UNIQUE {
            let mut key: Vec<&str> = promised.split(' ').collect();
            key.sort_unstable();
            assert!(found.contains(&((*table).to_owned(), key.join(" "))), "{}: {table} is not unique by {promised}", database.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_start_together_migrate_once() {
    for database in each().await {
        let mut starting = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let db = database.open().await;
            starting.spawn(async move { leadgen_migrations::up(&db).await });
        }

        while let Some(ended) = starting.join_next().await {
            ended.unwrap().unwrap_or_else(|e| panic!("{}: {e}", database.name));
        }

        let db = database.open().await;
        let taken = rows(&db, "SELECT version FROM schema_migrations", vec![]).await.len();
        let distinct = rows(&db, "SELECT DISTINCT version FROM schema_migrations", vec![]).await.len();
        assert_eq!(taken, distinct, "{}: a step was taken twice", database.name);
        assert!(leadgen_migrations::pending(&db).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_behind() {
    for database in each().await {
        let db = database.open().await;
        // Something of this name stands in the way of a later step.
        run(&db, "CREATE TABLE mailboxes (name text)", vec![]).await;

        assert!(leadgen_migrations::up(&db).await.is_err(), "{}", database.name);

        let left = columns(&db).await;
        assert_eq!(left.keys().collect::<Vec<_>>(), ["mailboxes"], "{}: half a schema", database.name);
    }
}

async fn refusal(url: &str) -> String {
    match SqlStore::connect(Settings::new(url)).await {
        Ok(_) => "none".into(),
        Err(error) => error.machine_code().to_owned(),
    }
}

#[tokio::test]
async fn a_store_behind_or_ahead_of_the_program_is_refused_in_plain_words() {
    for database in each().await {
        assert_eq!(refusal(&database.url).await, "schema_behind", "{}", database.name);

        let db = database.open().await;
        leadgen_migrations::up(&db).await.unwrap();
        assert_eq!(refusal(&database.url).await, "none", "{}", database.name);

        run(&db, "INSERT INTO schema_migrations (version, applied_at) VALUES ('m9999_later', 0)", vec![]).await;
        assert_eq!(refusal(&database.url).await, "schema_ahead", "{}", database.name);
    }
}

#[tokio::test]
async fn a_commit_on_sqlite_waits_for_the_disk() {
    let database = Empty::file();
    let db = database.open().await;

    let level: i32 = rows(&db, "PRAGMA synchronous", vec![]).await[0].try_get("", "synchronous").unwrap();
    let journal: String = rows(&db, "PRAGMA journal_mode", vec![]).await[0].try_get("", "journal_mode").unwrap();
    let keys: i32 = rows(&db, "PRAGMA foreign_keys", vec![]).await[0].try_get("", "foreign_keys").unwrap();

    assert_eq!((level, journal.as_str(), keys), (2, "wal", 1), "synchronous FULL, write-ahead log, foreign keys");
}

#[tokio::test]
async fn a_postgres_that_does_not_wait_for_the_disk_is_refused() {
    let Some(database) = Empty::postgres().await else { return };
    let db = database.open().await;
    leadgen_migrations::up(&db).await.unwrap();
    assert_eq!(refusal(&database.url).await, "none");

    let name: String = rows(&db, "SELECT CAST(current_database() AS text) AS n", vec![]).await[0].try_get("", "n").unwrap();
    run(&db, &format!("ALTER DATABASE {name} SET synchronous_commit = off"), vec![]).await;

    assert_eq!(refusal(&database.url).await, "durability_weak");
}

/// What the views are asked, each row as one line of text.
const ASKED: &[(&str, &str)] = &[
    (
        "daily_summaries",
        "SELECT utc_day || ' ' || total_queries || ' ' || pending_queries || ' ' || in_progress_queries || ' ' || completed_queries
            || ' ' || failed_queries AS line FROM daily_summaries",
    ),
    ("top_domains", "SELECT canonical_domain || ' ' || serp_hits || ' ' || first_seen_at || ' ' || last_seen_at AS line FROM top_domains"),
    (
        "company_status_view",
        "SELECT name || ' ' || COALESCE(canonical_domain, '-') || ' ' || status || ' ' || contacts_count || ' ' || emails_sent
            || ' ' || emails_failed AS line FROM company_status_view ORDER BY name",
    ),
    ("search_ops", "SELECT query_hash || ' ' || operation_id || ' ' || submitted_at || ' ' || status AS line FROM search_ops ORDER BY 1"),
    ("processing_jobs", "SELECT stage || ' ' || status || ' ' || attempts || ' ' || due_at AS line FROM processing_jobs ORDER BY 1"),
];

/// A few rows of every state the views count: three days, two companies with domains, one without, one duplicate.
async fn fill(db: &DatabaseConnection) {
    let id = |n: u128| -> Value { uuid::Uuid::from_u128(n).into() };
    for (n, status, day) in [(1, "pending", 0), (2, "completed", 0), (3, "failed", 1), (4, "in_progress", 1), (5, "pending", 40)] {
        let sql =
            "INSERT INTO serp_queries (id, query_text, query_hash, region_code, status, scheduled_for, batch_tag, created_at, updated_at)
            VALUES ($1, $2, $2, 225, $3, $4, 'b', 0, 0)";
        run(db, sql, vec![id(n), format!("q{n}").into(), status.into(), (day * 86_400_000_i64 + 72_000_000).into()]).await;
    }
    for (n, query, status) in [(11, 2, "done"), (12, 4, "running"), (13, 3, "failed")] {
        let sql = "INSERT INTO serp_operations (id, query_id, operation_id, status, requested_at, next_poll_at, created_at, updated_at)
            VALUES ($1, $2, $3, $4, 7, 9, 0, 0)";
        run(db, sql, vec![id(n), id(query), format!("op{n}").into(), status.into()]).await;
    }
    for (n, host, status) in
        [(21, Some("b.ru"), "ready_to_contact"), (22, Some("a.ru"), "contacted"), (23, None, "new"), (24, Some("c.ru"), "duplicate")]
    {
        let sql = "INSERT INTO companies (id, name, normalized_name, canonical_domain, industry, region, batch_tag, status,
                dedupe_hash, source, first_seen_at, last_seen_at, created_at, updated_at)
            VALUES ($1, $2, $2, $3, '', '', 'b', $4, $2, 'import', 1, 2, 0, 0)";
        run(db, sql, vec![id(n), format!("c{n}").into(), host.map(str::to_owned).into(), status.into()]).await;
    }
    for (n, company) in [(31, 22), (32, 22), (33, 24)] {
        let sql = "INSERT INTO serp_results (id, operation_id, url, domain, title, snippet, position, dedup_status, company_id, created_at, updated_at)
            VALUES ($1, $2, $3, '', '', '', 1, 'unique', $4, 0, 0)";
        run(db, sql, vec![id(n), id(11), format!("u{n}").into(), id(company)]).await;
    }
    for (n, company, status) in [(41, 21, "failed"), (42, 22, "sent"), (43, 22, "queued")] {
        let sql = "INSERT INTO contacts (id, company_id, contact_type, value, kind, origin, source_url, snippet, quality_score,
                first_seen_at, last_seen_at, created_at, updated_at)
            VALUES ($1, $2, 'email', $3, '', '', '', '', 1.0, 0, 0, 0, 0)";
        run(db, sql, vec![id(n), id(company), format!("k{n}@a.ru").into()]).await;
        let sql =
            "INSERT INTO outreach_messages (id, company_id, contact_id, campaign, to_email, subject, body, drafter, approval_hash, status,
                scheduled_for, created_at, updated_at)
            VALUES ($1, $2, $3, 'b', '', '', '', '', '', $4, 5, 0, 0)";
        run(db, sql, vec![id(n + 10), id(company), id(n), status.into()]).await;
    }
}

#[tokio::test]
async fn the_views_give_equal_and_right_numbers_on_both_databases() {
    for database in each().await {
        let db = database.open().await;
        leadgen_migrations::up(&db).await.unwrap();
        fill(&db).await;
        let mut seen = BTreeMap::new();
        for (view, sql) in ASKED {
            let lines: Vec<String> = rows(&db, sql, vec![]).await.iter().map(|row| row.try_get("", "line").unwrap()).collect();
            seen.insert(*view, lines);
        }

        assert_eq!(seen["daily_summaries"], ["40 1 1 0 0 0", "1 2 0 1 0 1", "0 2 1 0 1 0"], "{}", database.name);
        assert_eq!(seen["top_domains"], ["a.ru 2 1 2", "b.ru 0 1 2"], "{}: most hits first, duplicates absent", database.name);
        let companies = ["c21 b.ru ready_to_contact 1 0 1", "c22 a.ru contacted 2 1 0", "c23 - new 0 0 0", "c24 c.ru duplicate 0 0 0"];
        assert_eq!(seen["company_status_view"], companies, "{}", database.name);
        assert_eq!(seen["search_ops"], ["q2 op11 7 done", "q3 op13 7 failed", "q4 op12 7 running"], "{}", database.name);
        // The company whose letter failed waits for no other; the one without a domain for nothing.
        let jobs = ["poll running 0 9", "send queued 0 5", "submit pending 0 3528000000", "submit pending 0 72000000"];
        assert_eq!(seen["processing_jobs"], jobs, "{}", database.name);
    }
}
