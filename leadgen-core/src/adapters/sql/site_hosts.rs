//! Notes on hosts of sites: whoever asked for a pause is left alone by the next process as well.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};

use crate::domain::host::{HostNotes, KeptRobots, Loss, Place, Rest, Scheme, SchemeNotes};
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::hosts::SiteHosts;
use crate::ports::work::Call;

use super::connection::{SqlStore, query, query_one, run};
use super::row::{at, get, maybe_at};

#[async_trait]
impl SiteHosts for SqlStore {
    async fn notes(&self, host: &DomainName) -> Result<HostNotes> {
        let rested = query_one(&self.db, "SELECT * FROM site_hosts WHERE host = $1", vec![host.as_str().into()]).await?;
        let schemes = query(&self.db, "SELECT * FROM site_robots WHERE host = $1 ORDER BY scheme", vec![host.as_str().into()]).await?;
        let rest = rested.as_ref().map(rest).transpose()?.flatten();
        Ok(HostNotes { rest, schemes: schemes.iter().map(scheme_notes).collect::<Result<_>>()? })
    }

    async fn take_turn(&self, place: &Place, delay: Duration, until: Timestamp, now: Timestamp) -> Result<Option<Timestamp>> {
        let sql = "INSERT INTO site_hosts (host, refusals, free_at, noted_at) VALUES ($1, 0, $2, $3)
            ON CONFLICT (host) DO UPDATE SET free_at = excluded.free_at, noted_at = excluded.noted_at
                WHERE site_hosts.free_at IS NULL OR site_hosts.free_at <= $4";
        let values = vec![place.key().into(), until.millis().into(), now.millis().into(), (now - delay).millis().into()];
        if run(&self.db, sql, values).await? > 0 {
            return Ok(None);
        }
        let row = query_one(&self.db, "SELECT free_at FROM site_hosts WHERE host = $1", vec![place.key().into()]).await?;
        let free_at = row.as_ref().map(|row| maybe_at(row, "free_at")).transpose()?.flatten();
        Ok(Some(free_at.map_or(now, |free_at| free_at + delay)))
    }

    async fn end_turn(&self, place: &Place, now: Timestamp) -> Result<()> {
        let sql = "UPDATE site_hosts SET free_at = $2 WHERE host = $1";
        run(&self.db, sql, vec![place.key().into(), now.millis().into()]).await.map(|_| ())
    }

    async fn note_rest(&self, host: &DomainName, rest: Option<&Rest>, now: Timestamp) -> Result<()> {
        let Some(rest) = rest else {
            let sql = "UPDATE site_hosts SET rest_until = NULL, refusals = 0, noted_at = $2 WHERE host = $1 AND rest_until <= $2";
            return run(&self.db, sql, vec![host.as_str().into(), now.millis().into()]).await.map(|_| ());
        };
        let sql = "INSERT INTO site_hosts (host, rest_until, refusals, noted_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (host) DO UPDATE SET rest_until = excluded.rest_until, refusals = excluded.refusals, noted_at = excluded.noted_at
                WHERE site_hosts.rest_until IS NULL OR site_hosts.rest_until <= excluded.rest_until";
        let values = vec![host.as_str().into(), rest.until.millis().into(), count(rest.refusals).into(), now.millis().into()];
        run(&self.db, sql, values).await.map(|_| ())
    }

    async fn note_robots(&self, host: &DomainName, scheme: Scheme, robots: &KeptRobots, now: Timestamp) -> Result<()> {
        let sql = "INSERT INTO site_robots (host, scheme, body, believed_until, noted_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (host, scheme) DO UPDATE SET body = excluded.body, believed_until = excluded.believed_until, loss_code = NULL,
                loss_since = NULL, loss_until = NULL, loss_tries = 0, noted_at = excluded.noted_at";
        let values = vec![
            host.as_str().into(),
            scheme.as_str().into(),
            robots.body.clone().into(),
            robots.until.millis().into(),
            now.millis().into(),
        ];
        run(&self.db, sql, values).await.map(|_| ())
    }

    async fn note_loss(&self, host: &DomainName, scheme: Scheme, loss: &Loss, now: Timestamp) -> Result<()> {
        let sql = "INSERT INTO site_robots (host, scheme, loss_code, loss_since, loss_until, loss_tries, noted_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (host, scheme) DO UPDATE SET loss_code = excluded.loss_code, loss_since = excluded.loss_since,
                loss_until = excluded.loss_until, loss_tries = excluded.loss_tries, noted_at = excluded.noted_at";
        let values = vec![
            host.as_str().into(),
            scheme.as_str().into(),
            loss.code.clone().into(),
            loss.since.millis().into(),
            loss.until.millis().into(),
            count(loss.tries).into(),
            now.millis().into(),
        ];
        run(&self.db, sql, values).await.map(|_| ())
    }
}

impl SqlStore {
    /// Notes past their retention go.
    pub(super) async fn forget_old_hosts(&self, tx: &DatabaseTransaction, call: &Call) -> Result<()> {
        let oldest = (call.now - call.policy.sites.keep_pages.max(HostNotes::KEPT)).millis();
        for table in ["site_robots", "site_hosts"] {
            run(tx, &format!("DELETE FROM {table} WHERE noted_at < $1"), vec![oldest.into()]).await?;
        }
        Ok(())
    }
}

fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn rest(row: &QueryResult) -> Result<Option<Rest>> {
    let refusals = u32::try_from(get::<i32>(row, "refusals")?).unwrap_or_default();
    Ok(maybe_at(row, "rest_until")?.map(|until| Rest { until, refusals }))
}

fn scheme_notes(row: &QueryResult) -> Result<SchemeNotes> {
    let scheme = if get::<String>(row, "scheme")? == Scheme::Https.as_str() { Scheme::Https } else { Scheme::Http };
    let body: Option<Vec<u8>> = get(row, "body")?;
    let robots = body.zip(maybe_at(row, "believed_until")?).map(|(body, until)| KeptRobots { body, until });
    let loss = match get::<Option<String>>(row, "loss_code")? {
        Some(code) => Some(Loss {
            code,
            since: at(row, "loss_since")?,
            until: at(row, "loss_until")?,
            tries: u32::try_from(get::<i32>(row, "loss_tries")?).unwrap_or_default(),
        }),
        None => None,
    };
    Ok(SchemeNotes { scheme, robots, loss })
}
