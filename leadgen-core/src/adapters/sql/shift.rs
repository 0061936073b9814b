//! The beginning of a process's work, and the state of the store.

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::Shift;

use super::connection::{SqlStore, query, run};

/// Tables with leases.
const LANES: [&str; 6] = ["niches", "serp_queries", "serp_operations", "serp_results", "companies", "outreach_messages"];

#[async_trait]
impl Shift for SqlStore {
    async fn begin(&self) -> Result<()> {
        // Pipelines of one process share its store: the first one takes the shift, the others wait for that and go on.
        self.shift.get_or_try_init(|| self.take_shift()).await.map(|_| ())
    }

    async fn check(&self) -> Result<()> {
        query(&self.db, "SELECT 1", vec![]).await?;
        self.check_schema().await
    }
}

impl SqlStore {
    /// On SQLite one process at a time works: a lock beside the file, kept until the process ends, says who.
    async fn take_shift(&self) -> Result<Option<std::fs::File>> {
        let Some(file) = &self.sqlite_file else { return Ok(None) };
        let path = file.with_extension("lock");
        let lock = std::fs::File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| {
            Error::new(ErrorKind::Config, format!("open the lock file {}", path.display())).code("lock_unreadable").because(e)
        })?;
        if lock.try_lock().is_err() {
            return Err(Error::new(ErrorKind::Conflict, "start the pipeline")
                .code("already_running")
                .detail(format!("another process works on {}; for many at once use PostgreSQL", file.display())));
        }
        // Whoever held a lease is dead: the lock says so.
        for table in LANES {
            run(&self.db, &format!("UPDATE {table} SET claimed_until = 0 WHERE claimed_until > 0"), vec![]).await?;
        }
        Ok(Some(lock))
    }
}
